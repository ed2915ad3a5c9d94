/* Streams, warps and launches of the stand-in: what a driver does comes about, what it refuses is refused with its code,
 * and mistakes put in on purpose end the process. */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

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

Test(cuda_streams, a_stream_waits_for_another)
{
    bench b;
    if (!open_bench(&b, "cuda_streams/a_stream_waits_for_another", false)) return;
    across_streams(&b, true);
    close_bench(&b);
}

Test(cuda_streams, a_stream_that_does_not_wait, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_streams/a_stream_that_does_not_wait", true);
    across_streams(&b, false);
}

/* In the right order by chance: the host waited for what is not the cause. */
Test(cuda_streams, memory_overwritten_while_another_stream_reads, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_streams/memory_overwritten_while_another_stream_reads", true);
    twice(&b, b.two, b.x, b.y);
    add(&b, b.one, 1, b.x);
}

Test(cuda_streams, memory_released_while_another_stream_uses_it, .signal = SIGABRT)
{
    bench b;
    brn_cu_ptr z;
    open_bench(&b, "cuda_streams/memory_released_while_another_stream_uses_it", true);
    CALL(cuMemAllocFromPoolAsync(&z, COUNT * sizeof(float), b.cu->pool, b.one));
    CALL(cuStreamSynchronize(b.one));
    twice(&b, b.two, b.x, z);
    CALL(cuMemFreeAsync(z, b.one));
}

Test(cuda_streams, pinned_memory_changed_before_its_copy, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_streams/pinned_memory_changed_before_its_copy", true);
    CALL(cuMemcpyHtoDAsync_v2(b.x, b.host, sizeof(float), b.one));
    *(char *)b.host ^= 1;
    CALL(cuStreamSynchronize(b.one));
}

Test(cuda_streams, something_left_at_the_end, .signal = SIGABRT)
{
    bench b;
    open_bench(&b, "cuda_streams/something_left_at_the_end", true);
    exit(0);
}

/* ---- warps and shared memory ------------------------------------------------------------------- */

Test(cuda_streams, lanes_exchange_values)
{
    bench b;
    if (!open_bench(&b, "cuda_streams/lanes_exchange_values", false)) return;
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

Test(cuda_streams, a_lane_outside_its_mask, .signal = SIGABRT)
{
    of_a_warp("cuda_streams/a_lane_outside_its_mask", "x[lid] = __shfl_down_sync(0xffff, x[lid], 1);");
}
Test(cuda_streams, lanes_that_never_come, .signal = SIGABRT)
{
    of_a_warp("cuda_streams/lanes_that_never_come", "if (lid < 16) __syncwarp(); else __syncthreads();");
}
Test(cuda_streams, lanes_in_other_operations, .signal = SIGABRT)
{
    of_a_warp("cuda_streams/lanes_in_other_operations", "if (lid & 1) __syncwarp(); else x[lid] = __shfl_sync(~0u, x[lid], 0);");
}
Test(cuda_streams, shared_memory_beyond_what_was_asked_for, .signal = SIGABRT)
{
    of_a_warp("cuda_streams/shared_memory_beyond_what_was_asked_for", "extern __shared__ float part[]; part[lid] = 1; x[lid] = part[lid];");
}

Test(cuda_streams, launches_beyond_the_limits)
{
    bench b;
    if (!open_bench(&b, "cuda_streams/launches_beyond_the_limits", false)) return;
    float a = 1;
    int odd = 0;
    REFUSED(cuLaunchKernel(b.add, 1, 1, 1, 65, 1, 1, 0, b.one, ((void *[]){&a, &b.x}), NULL), INVALID_VALUE); /* its own bound */
    REFUSED(cuLaunchKernel(b.sum, 1, 1, 1, 32, 1, 1, 49153, b.one, ((void *[]){&odd, &b.x, &b.y}), NULL), INVALID_VALUE);
    REFUSED(cuFuncSetAttribute(b.sum, BRN_CU_FUNCTION_SHARED, (96 << 10) + 1), INVALID_VALUE);
    CALL(cuFuncSetAttribute(b.sum, BRN_CU_FUNCTION_SHARED, 96 << 10));
    REFUSED(cuLaunchKernel(b.sum, 1, 1, 1, 32, 1, 1, 96 << 10, b.one, ((void *[]){&odd, &b.x, &b.y}), NULL), 0);
    close_bench(&b);
}
