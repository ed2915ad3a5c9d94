#include "bench.h"

#include <stdlib.h>

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

static brn_cu_function function(bench *b, const char *name)
{
    brn_cu_function f;
    CALL(cuModuleGetFunction(&f, b->module, name));
    return f;
}

bool open_bench(bench *b, const char *test, bool aborts)
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

void close_bench(bench *b)
{
    CALL(cuStreamDestroy_v2(b->one));
    CALL(cuStreamDestroy_v2(b->two));
    CALL(cuMemFree_v2(b->x));
    if (b->y) CALL(cuMemFree_v2(b->y));
    CALL(cuMemFreeHost(b->host));
    CALL(cuModuleUnload(b->module));
    brn_device_close(b->dev);
}

brn_cu_code launch(brn_cu_stream s, brn_cu_function f, unsigned shared, void **arguments)
{
    return brn_cu.cuLaunchKernel(f, 1, 1, 1, COUNT, 1, 1, shared, s, arguments, NULL);
}

void add(const bench *b, brn_cu_stream s, float a, brn_cu_ptr x)
{
    cr_assert_eq(launch(s, b->add, 0, (void *[]){&a, &x}), 0);
}

void twice(const bench *b, brn_cu_stream s, brn_cu_ptr x, brn_cu_ptr y)
{
    cr_assert_eq(launch(s, b->twice, 0, (void *[]){&x, &y}), 0);
}

float first(const bench *b, brn_cu_stream s, brn_cu_ptr x)
{
    CALL(cuMemcpyDtoHAsync_v2(b->host, x, sizeof(float), s));
    CALL(cuStreamSynchronize(s));
    return b->host[0];
}
