/* Capture and graphs of the stand-in: what a driver does comes about, what it refuses is refused with its code, and
 * mistakes put in on purpose end the process. */
#include "bench.h"

#include <math.h>
#include <signal.h>

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
