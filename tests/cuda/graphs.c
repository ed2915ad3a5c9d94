/* Streams, capture and graphs of the stand-in: what a driver does comes about, what it refuses is refused with its code,
 * and mistakes put in on purpose end the process. */
#include "hooks.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

enum { COUNT = 64 };

/* A device, opened for its context and compiler, and kernels and memory of the test's own. */
typedef struct {
    brn_device *dev;
    const brn_cuda *cu;
    brn_cu_module module;
    brn_cu_function add, twice, until, sum;
    brn_cu_stream one, two;
    brn_cu_ptr x, y;
    float *host; /* pinned */
} bench;

static const char text[] =
    "extern \"C\" __device__ void cudaGraphSetConditional(unsigned long long, unsigned);\n"
    "extern \"C\" __global__ void __launch_bounds__(64) add(float a, float *x) { x[threadIdx.x] += a; }\n"
    "extern \"C\" __global__ void __launch_bounds__(64) twice(const float *x, float *y) { y[threadIdx.x] = 2 * x[threadIdx.x]; }\n"
    "extern \"C\" __global__ void until(unsigned long long more, float most, const float *x) { cudaGraphSetConditional(more, x[0] < most); }\n"
    "extern \"C\" __global__ void sum(int odd, const float *x, float *y) {\n"
    "    extern __shared__ float part[];\n"
    "    float v = x[threadIdx.x]; const unsigned mask = odd ? 0xaaaaaaaau : 0xffffffffu;\n"
    "    if (odd && !(threadIdx.x & 1)) return;\n"
    "    for (int by = 16; by > odd; by /= 2) v += __shfl_xor_sync(mask, v, by);\n"
    "    part[threadIdx.x] = v; __syncwarp(mask);\n"
    "    if (threadIdx.x == odd) y[0] = part[threadIdx.x], y[1] = (float)__popc(__ballot_sync(1u << odd, 1)); }\n";

#define CALL(call) cr_assert_eq(brn_cu.call, 0, #call)
#define REFUSED(call, with) cr_expect_eq(brn_cu.call, with, #call)

static brn_cu_function function(bench *b, const char *name)
{
    brn_cu_function f;
    CALL(cuModuleGetFunction(&f, b->module, name));
    return f;
}

/* Where there is no stand-in a test that expects SIGABRT raises it itself. */
static bool open_bench(bench *b, const char *test, bool aborts)
{
    standin_hooks h;
    if (!standin_find(&h, test)) {
        if (aborts) abort();
        return false;
    }
    MUST(brn_device_open(&b->dev, "cuda:0", 1));
    b->cu = b->dev->impl;
    MUST(brn_cuda_load_text(b->cu, "cuda-test", text, &b->module));
    b->add = function(b, "add"), b->twice = function(b, "twice"), b->until = function(b, "until"), b->sum = function(b, "sum");
    CALL(cuStreamCreate(&b->one, BRN_CU_STREAM_NON_BLOCKING));
    CALL(cuStreamCreate(&b->two, BRN_CU_STREAM_NON_BLOCKING));
    CALL(cuMemAlloc_v2(&b->x, COUNT * sizeof(float)));
    CALL(cuMemAlloc_v2(&b->y, COUNT * sizeof(float)));
    CALL(cuMemAllocHost_v2((void **)&b->host, COUNT * sizeof(float)));
    CALL(cuMemsetD8Async(b->x, 0, COUNT * sizeof(float), b->one));
    CALL(cuMemsetD8Async(b->y, 0, COUNT * sizeof(float), b->one));
    CALL(cuStreamSynchronize(b->one));
    return true;
}

static void close_bench(bench *b)
{
    CALL(cuStreamDestroy_v2(b->one));
    CALL(cuStreamDestroy_v2(b->two));
    CALL(cuMemFree_v2(b->x));
    if (b->y) CALL(cuMemFree_v2(b->y));
    CALL(cuMemFreeHost(b->host));
    CALL(cuModuleUnload(b->module));
    brn_device_close(b->dev);
}

static brn_cu_code launch(brn_cu_stream s, brn_cu_function f, unsigned shared, void **arguments)
{
    return brn_cu.cuLaunchKernel(f, 1, 1, 1, COUNT, 1, 1, shared, s, arguments, NULL);
}

static void add(const bench *b, brn_cu_stream s, float a, brn_cu_ptr x)
{
    cr_assert_eq(launch(s, b->add, 0, (void *[]){&a, &x}), 0);
}

static void twice(const bench *b, brn_cu_stream s, brn_cu_ptr x, brn_cu_ptr y)
{
    cr_assert_eq(launch(s, b->twice, 0, (void *[]){&x, &y}), 0);
}

static float first(const bench *b, brn_cu_stream s, brn_cu_ptr x)
{
    CALL(cuMemcpyDtoHAsync_v2(b->host, x, sizeof(float), s));
    CALL(cuStreamSynchronize(s));
    return b->host[0];
}

/* ---- two streams ------------------------------------------------------------------------------- */

static void across_streams(const bench *b, bool event)
{
    brn_cu_event e;
    CALL(cuEventCreate(&e, BRN_CU_EVENT_DISABLE_TIMING));
    add(b, b->one, 3, b->x);
    CALL(cuEventRecord(e, b->one));
    if (event) CALL(cuStreamWaitEvent(b->two, e, 0));
    twice(b, b->two, b->x, b->y);
    cr_expect_eq(first(b, b->two, b->y), 6);
    CALL(cuEventDestroy_v2(e));
}

Test(cuda_graphs, a_stream_waits_for_another)
{
    bench b;
    if (!open_bench(&b, "cuda_graphs/a_stream_waits_for_another", false)) return;
    across_streams(&b, true);
    close_bench(&b);
}

Test(cuda_graphs, a_stream_that_does_not_wait, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_graphs/a_stream_that_does_not_wait", true);
    across_streams(&b, false);
}

/* In the right order by chance: the host waited for what is not the cause. */
Test(cuda_graphs, memory_overwritten_while_another_stream_reads, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_graphs/memory_overwritten_while_another_stream_reads", true);
    twice(&b, b.two, b.x, b.y);
    add(&b, b.one, 1, b.x);
}

Test(cuda_graphs, memory_released_while_another_stream_uses_it, .signal = SIGABRT)
{
    bench b;
    brn_cu_ptr z;
    open_bench(&b, "cuda_graphs/memory_released_while_another_stream_uses_it", true);
    CALL(cuMemAllocFromPoolAsync(&z, COUNT * sizeof(float), b.cu->pool, b.one));
    CALL(cuStreamSynchronize(b.one));
    twice(&b, b.two, b.x, z);
    CALL(cuMemFreeAsync(z, b.one));
}

Test(cuda_graphs, pinned_memory_changed_before_its_copy, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_graphs/pinned_memory_changed_before_its_copy", true);
    CALL(cuMemcpyHtoDAsync_v2(b.x, b.host, sizeof(float), b.one));
    *(char *)b.host ^= 1;
    CALL(cuStreamSynchronize(b.one));
}

Test(cuda_graphs, something_left_at_the_end, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_graphs/something_left_at_the_end", true);
    exit(0);
}

/* ---- warps and shared memory ------------------------------------------------------------------- */

Test(cuda_graphs, lanes_exchange_values)
{
    bench b;
    if (!open_bench(&b, "cuda_graphs/lanes_exchange_values", false)) return;
    for (int i = 0; i < COUNT; ++i) b.host[i] = (float)i;
    CALL(cuMemcpyHtoDAsync_v2(b.x, b.host, COUNT * sizeof(float), b.one));
    for (int odd = 0; odd < 2; ++odd) {
        float found[2];
        CALL(cuLaunchKernel(b.sum, 1, 1, 1, 32, 1, 1, 32 * sizeof(float), b.one, (void *[]){&odd, &b.x, &b.y}, NULL));
        CALL(cuMemcpyDtoHAsync_v2(found, b.y, sizeof found, b.one));
        CALL(cuStreamSynchronize(b.one));
        cr_expect_eq(found[0], odd ? 256 : 496, "%g", (double)found[0]);
        cr_expect_eq(found[1], 1);
    }
    close_bench(&b);
}

static void of_a_warp(const char *test, const char *body)
{
    bench b;
    char source[512];
    brn_cu_module module;
    brn_cu_function f;
    open_bench(&b, test, true);
    snprintf(source, sizeof source, "extern \"C\" __global__ void bad(float *x) { const int lid = threadIdx.x; %s }", body);
    MUST(brn_cuda_load_text(b.cu, "cuda-test", source, &module));
    CALL(cuModuleGetFunction(&f, module, "bad"));
    cr_assert_eq(launch(b.one, f, 64, (void *[]){&b.x}), 0);
    CALL(cuStreamSynchronize(b.one));
}

Test(cuda_graphs, a_lane_outside_its_mask, .signal = SIGABRT)
{
    of_a_warp("cuda_graphs/a_lane_outside_its_mask", "x[lid] = __shfl_down_sync(0xffff, x[lid], 1);");
}
Test(cuda_graphs, lanes_that_never_come, .signal = SIGABRT)
{
    of_a_warp("cuda_graphs/lanes_that_never_come", "if (lid < 16) __syncwarp(); else __syncthreads();");
}
Test(cuda_graphs, lanes_in_other_operations, .signal = SIGABRT)
{
    of_a_warp("cuda_graphs/lanes_in_other_operations", "if (lid & 1) __syncwarp(); else x[lid] = __shfl_sync(~0u, x[lid], 0);");
}
Test(cuda_graphs, shared_memory_beyond_what_was_asked_for, .signal = SIGABRT)
{
    of_a_warp("cuda_graphs/shared_memory_beyond_what_was_asked_for", "extern __shared__ float part[]; part[lid] = 1; x[lid] = part[lid];");
}

Test(cuda_graphs, launches_beyond_the_limits)
{
    bench b;
    if (!open_bench(&b, "cuda_graphs/launches_beyond_the_limits", false)) return;
    float a = 1;
    int odd = 0;
    REFUSED(cuLaunchKernel(b.add, 1, 1, 1, 65, 1, 1, 0, b.one, ((void *[]){&a, &b.x}), NULL), INVALID_VALUE); /* its own bound */
    REFUSED(cuLaunchKernel(b.sum, 1, 1, 1, 32, 1, 1, 49153, b.one, ((void *[]){&odd, &b.x, &b.y}), NULL), INVALID_VALUE);
    REFUSED(cuFuncSetAttribute(b.sum, BRN_CU_FUNCTION_SHARED, (96 << 10) + 1), INVALID_VALUE);
    CALL(cuFuncSetAttribute(b.sum, BRN_CU_FUNCTION_SHARED, 96 << 10));
    REFUSED(cuLaunchKernel(b.sum, 1, 1, 1, 32, 1, 1, 96 << 10, b.one, ((void *[]){&odd, &b.x, &b.y}), NULL), 0);
    close_bench(&b);
}

/* ---- graphs ------------------------------------------------------------------------------------ */

/* x += 1; y = 2 x; y to the host */
static brn_cu_exec captured(const bench *b, brn_cu_graph *graph)
{
    brn_cu_exec exec;
    CALL(cuStreamBeginCapture_v2(b->one, BRN_CU_CAPTURE_THREAD_LOCAL));
    add(b, b->one, 1, b->x);
    twice(b, b->one, b->x, b->y);
    CALL(cuMemcpyDtoHAsync_v2(b->host, b->y, sizeof(float), b->one));
    CALL(cuStreamEndCapture(b->one, graph));
    CALL(cuGraphInstantiateWithFlags(&exec, *graph, 0));
    return exec;
}

static float replayed(const bench *b, brn_cu_exec exec)
{
    CALL(cuGraphLaunch(exec, b->one));
    CALL(cuStreamSynchronize(b->one));
    return b->host[0];
}

Test(cuda_graphs, what_was_captured_is_replayed)
{
    bench b;
    standin_hooks h;
    brn_cu_graph graph;
    brn_cu_node nodes[4];
    brn_cu_kernel_params params;
    size_t count = 4;
    float ten = 10;
    if (!open_bench(&b, "cuda_graphs/what_was_captured_is_replayed", false) || !standin_find(&h, "")) return;
    brn_cu_exec exec = captured(&b, &graph);
    cr_expect_eq(first(&b, b.one, b.x), 0); /* nothing was done */
    const cuda_standin_counts before = standin_counted(&h);
    for (int i = 1; i <= 3; ++i) cr_expect_eq(replayed(&b, exec), 2.f * (float)i);
    const cuda_standin_counts after = standin_counted(&h);
    cr_expect_eq(after.graph_launches - before.graph_launches, 3);
    cr_expect_eq(after.nodes - before.nodes, 9);
    cr_expect_eq(after.launches, before.launches);

    CALL(cuGraphGetNodes(graph, nodes, &count));
    cr_assert_eq(count, 3);
    CALL(cuGraphKernelNodeGetParams_v2(nodes[0], &params));
    cr_expect_eq(*(float *)params.arguments[0], 1);
    cr_expect_eq(params.f, b.add);
    params.arguments = (void *[]){&ten, &b.x};
    CALL(cuGraphLaunch(exec, b.one)); /* with what was set before */
    CALL(cuGraphExecKernelNodeSetParams_v2(exec, nodes[0], &params));
    ten = 1000; /* was copied */
    CALL(cuStreamSynchronize(b.one));
    cr_expect_eq(b.host[0], 8);
    cr_expect_eq(replayed(&b, exec), 28);
    CALL(cuGraphDestroy(graph));
    cr_expect_eq(replayed(&b, exec), 48);
    CALL(cuGraphExecDestroy(exec));
    close_bench(&b);
}

Test(cuda_graphs, a_capture_over_two_streams)
{
    bench b;
    brn_cu_graph graph;
    brn_cu_exec exec;
    brn_cu_event there, back;
    if (!open_bench(&b, "cuda_graphs/a_capture_over_two_streams", false)) return;
    CALL(cuEventCreate(&there, BRN_CU_EVENT_DISABLE_TIMING));
    CALL(cuEventCreate(&back, BRN_CU_EVENT_DISABLE_TIMING));
    for (int join = 0; join < 2; ++join) {
        CALL(cuStreamBeginCapture_v2(b.one, BRN_CU_CAPTURE_RELAXED));
        add(&b, b.one, 1, b.x);
        CALL(cuEventRecord(there, b.one));
        REFUSED(cuEventSynchronize(there), CAPTURED_EVENT);
        CALL(cuStreamWaitEvent(b.two, there, 0));
        twice(&b, b.two, b.x, b.y);
        CALL(cuEventRecord(back, b.two));
        if (join) CALL(cuStreamWaitEvent(b.one, back, 0));
        REFUSED(cuStreamEndCapture(b.two, &graph), CAPTURE_UNMATCHED);
        REFUSED(cuStreamEndCapture(b.one, &graph), CAPTURE_INVALIDATED);
        CALL(cuStreamBeginCapture_v2(b.one, BRN_CU_CAPTURE_RELAXED));
        add(&b, b.one, 1, b.x);
        CALL(cuEventRecord(there, b.one));
        CALL(cuStreamWaitEvent(b.two, there, 0));
        twice(&b, b.two, b.x, b.y);
        CALL(cuEventRecord(back, b.two));
        if (join) CALL(cuStreamWaitEvent(b.one, back, 0));
        REFUSED(cuStreamEndCapture(b.one, &graph), join ? 0 : CAPTURE_UNJOINED);
    }
    CALL(cuGraphInstantiateWithFlags(&exec, graph, 0));
    CALL(cuGraphLaunch(exec, b.one));
    cr_expect_eq(first(&b, b.one, b.y), 2);
    CALL(cuGraphExecDestroy(exec));
    CALL(cuGraphDestroy(graph));
    CALL(cuEventDestroy_v2(there));
    CALL(cuEventDestroy_v2(back));
    close_bench(&b);
}

static brn_cu_code unsafe(const bench *b, int which)
{
    brn_cu_ptr z;
    brn_cu_event e;
    float pageable;
    brn_cu_code code;
    switch (which) {
    case 0: return brn_cu.cuStreamSynchronize(b->one);
    case 1: return brn_cu.cuMemAlloc_v2(&z, 64);
    case 2: return brn_cu.cuMemcpyDtoHAsync_v2(&pageable, b->x, sizeof pageable, b->one);
    case 3: return brn_cu.cuMemAllocFromPoolAsync(&z, 64, b->cu->pool, b->one);
    case 4: return brn_cu.cuMemFree_v2(b->x);
    default:
        CALL(cuEventCreate(&e, 0));
        CALL(cuEventRecord(e, b->two));
        code = brn_cu.cuStreamWaitEvent(b->one, e, 0);
        CALL(cuEventDestroy_v2(e));
        return code;
    }
}

Test(cuda_graphs, what_a_capture_refuses)
{
    bench b;
    brn_cu_graph graph;
    if (!open_bench(&b, "cuda_graphs/what_a_capture_refuses", false)) return;
    REFUSED(cuStreamEndCapture(b.one, &graph), ILLEGAL_STATE);
    for (int which = 0; which < 6; ++which) {
        CALL(cuStreamBeginCapture_v2(b.one, BRN_CU_CAPTURE_GLOBAL));
        REFUSED(cuStreamBeginCapture_v2(b.one, BRN_CU_CAPTURE_GLOBAL), ILLEGAL_STATE);
        add(&b, b.one, 1, b.x);
        cr_expect_eq(unsafe(&b, which), which == 5 ? CAPTURE_ISOLATION : CAPTURE_UNSUPPORTED, "%d", which);
        REFUSED(cuMemsetD8Async(b.x, 0, 4, b.one), CAPTURE_INVALIDATED);
        REFUSED(cuStreamEndCapture(b.one, &graph), CAPTURE_INVALIDATED);
        cr_expect_null(graph);
    }
    cr_expect_eq(first(&b, b.one, b.x), 0);
    close_bench(&b);
}

Test(cuda_graphs, a_graph_after_its_buffer_was_freed, .signal = SIGABRT)
{
    bench b;
    brn_cu_graph graph;
    open_bench(&b, "cuda_graphs/a_graph_after_its_buffer_was_freed", true);
    brn_cu_exec exec = captured(&b, &graph);
    CALL(cuMemFree_v2(b.y));
    CALL(cuMemAlloc_v2(&b.y, COUNT * sizeof(float))); /* as large, and elsewhere */
    CALL(cuGraphLaunch(exec, b.one));
}

Test(cuda_graphs, a_graph_destroyed_while_it_runs, .signal = SIGABRT)
{
    bench b;
    brn_cu_graph graph;
    open_bench(&b, "cuda_graphs/a_graph_destroyed_while_it_runs", true);
    brn_cu_exec exec = captured(&b, &graph);
    CALL(cuGraphLaunch(exec, b.one));
    CALL(cuGraphExecDestroy(exec));
}

/* ---- loops on the device ----------------------------------------------------------------------- */

/* do x += 1 while x < most, in the midst of a capture; then y = 2 x */
static brn_cu_exec loop(const bench *b, brn_cu_graph *graph, float most)
{
    brn_cu_exec exec;
    brn_cu_condition more;
    const brn_cu_node *after;
    brn_cu_node node;
    size_t count;
    uint64_t id;
    int status;
    CALL(cuStreamBeginCapture_v2(b->one, BRN_CU_CAPTURE_RELAXED));
    add(b, b->one, 1, b->x);
    CALL(cuStreamGetCaptureInfo_v2(b->one, &status, &id, graph, &after, &count));
    cr_assert(status == BRN_CU_CAPTURE_ACTIVE && count == 1);
    CALL(cuGraphConditionalHandleCreate(&more, *graph, b->cu->context, 1, BRN_CU_CONDITION_DEFAULT));
    brn_cu_node_params params = {.type = BRN_CU_NODE_CONDITIONAL};
    params.conditional.handle = more;
    params.conditional.kind = BRN_CU_CONDITION_WHILE;
    params.conditional.size = 1;
    params.conditional.context = b->cu->context;
    CALL(cuGraphAddNode_v2(&node, *graph, after, NULL, count, &params));
    CALL(cuStreamBeginCaptureToGraph(b->two, params.conditional.bodies[0], NULL, NULL, 0, BRN_CU_CAPTURE_RELAXED));
    add(b, b->two, 1, b->x);
    cr_assert_eq(brn_cu.cuLaunchKernel(b->until, 1, 1, 1, 1, 1, 1, 0, b->two, (void *[]){&more, &most, (void *)(uintptr_t)&b->x}, NULL), 0);
    CALL(cuStreamEndCapture(b->two, graph));
    CALL(cuStreamUpdateCaptureDependencies(b->one, &node, 1, BRN_CU_SET_DEPENDENCIES));
    twice(b, b->one, b->x, b->y);
    CALL(cuStreamEndCapture(b->one, graph));
    CALL(cuGraphInstantiateWithFlags(&exec, *graph, 0));
    return exec;
}

Test(cuda_graphs, a_loop_ends_when_a_kernel_says_so)
{
    bench b;
    standin_hooks h;
    brn_cu_graph graph;
    if (!open_bench(&b, "cuda_graphs/a_loop_ends_when_a_kernel_says_so", false) || !standin_find(&h, "")) return;
    brn_cu_exec exec = loop(&b, &graph, 7);
    for (int turn = 0; turn < 2; ++turn) {
        const cuda_standin_counts before = standin_counted(&h);
        CALL(cuGraphLaunch(exec, b.one));
        cr_expect_eq(first(&b, b.one, b.y), turn ? 18 : 14); /* the condition begins as it did */
        cr_expect_eq(standin_counted(&h).nodes - before.nodes, turn ? 4 : 14);
    }
    CALL(cuGraphExecDestroy(exec));
    CALL(cuGraphDestroy(graph));
    close_bench(&b);
}

Test(cuda_graphs, a_loop_without_end, .signal = SIGABRT)
{
    bench b;
    brn_cu_graph graph;
    open_bench(&b, "cuda_graphs/a_loop_without_end", true);
    brn_cu_exec exec = loop(&b, &graph, INFINITY);
    CALL(cuGraphLaunch(exec, b.one));
    CALL(cuStreamSynchronize(b.one));
}
