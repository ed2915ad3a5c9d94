/* CUDA devices: "cuda:0" is the driver's first. Work is listed (record.c) and goes through one stream, in order, with copies
 * beside it through another (aside.c); a batch is one tile; the dense layer is composed of a product and kernels. Every call
 * makes the device's primary context the thread's current one. */
#include "cuda/cuda.h"
#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_cuda_fail(const brn_cuda *cu, brn_cu_code code, const char *call, const char *format, ...)
{
    char on[256];
    const char *name = "error";
    va_list args;
    va_start(args, format);
    vsnprintf(on, sizeof on, format, args);
    va_end(args);
    brn_cu.cuGetErrorName(code, &name);
    return brn_fail(code == BRN_CU_ERROR_OUT_OF_MEMORY ? BRN_ERR_MEMORY : BRN_ERR_DEVICE, "%s: %s failed (%s): %s (%d)", cu->label, call, on,
                    name ? name : "error", code);
}

static brn_status check(const brn_cuda *cu, brn_cu_code code, const char *call, const char *on)
{
    return code == 0 ? BRN_OK : brn_cuda_fail(cu, code, call, "%s", on);
}

brn_status brn_cuda_enter(const brn_cuda *cu) { return check(cu, brn_cu.cuCtxSetCurrent(cu->context), "cuCtxSetCurrent", "primary context"); }

/* ---- opening ----------------------------------------------------------------------------------- */

/* Codes are not looked at: after a failure of the device every call fails, and all is gone with the context. */
static void close_device(brn_device *dev)
{
    brn_cuda *cu = dev->impl;
    if (!cu) return;
    brn_cuda_kernels_forget(cu);
    if (cu->context) brn_cu.cuCtxSetCurrent(cu->context);
    if (cu->aside) brn_cu.cuStreamSynchronize(cu->aside);
    if (cu->stream) brn_cu.cuStreamSynchronize(cu->stream);
    brn_cuda_graphs_close(cu);
    brn_cuda_gemm_free(cu);
    if (cu->module) brn_cu.cuModuleUnload(cu->module);
    brn_cuda_aside_close(cu);
    if (cu->stage) brn_cu.cuMemFreeHost(cu->stage);
    if (cu->pool) brn_cu.cuMemPoolDestroy(cu->pool);
    if (cu->stream) brn_cu.cuStreamDestroy_v2(cu->stream);
    if (cu->retained) {
        brn_cu.cuCtxSetCurrent(NULL);
        brn_cu.cuDevicePrimaryCtxRelease_v2(cu->device);
    }
    free(cu);
    free(dev->queues);
    dev->impl = NULL;
}

/* "", "0", "0:tf32", "0:half" */
static brn_status find_device(brn_device *dev, brn_cuda *cu, const char *spec, brn_cu_device *device)
{
    int count = 0;
    char *end = (char *)(uintptr_t)spec;
    const long index = *spec ? strtol(spec, &end, 10) : 0;
    const char *variant = *end == ':' && end[1] ? end + 1 : end;
    if ((*spec && (index < 0 || *spec < '0' || *spec > '9')) || (*end && variant == end) || !brn_cuda_operands_of(variant, &cu->operands, &dev->product_epsilon))
        return brn_fail(BRN_ERR_DEVICE, "device \"%s\" is not known; CUDA devices are cuda:0, cuda:1, ..., and cuda:0:tf32 and cuda:0:half", dev->name);
    const brn_status loaded = brn_cu_load();
    if (loaded != BRN_OK) return brn_fail_in(loaded, "%s", dev->name);
    brn_cu_code code = brn_cu.cuDeviceGetCount(&count);
    if (code != 0) return brn_fail(BRN_ERR_DEVICE, "%s: cuDeviceGetCount failed (%d)", dev->name, code);
    if (index >= count)
        return brn_fail(BRN_ERR_DEVICE, "device \"%s\" is not here; there %s %d, from cuda:0 on", dev->name, count == 1 ? "is" : "are", count);
    snprintf(dev->name, sizeof dev->name, "cuda:%ld%s%.8s", index, *variant ? ":" : "", variant);
    code = brn_cu.cuDeviceGet(device, (int)index);
    return code == 0 ? BRN_OK : brn_fail(BRN_ERR_DEVICE, "%s: cuDeviceGet failed (%d)", dev->name, code);
}

/* What a compiled kernel depends on, besides its text. */
static brn_program_key key_of(const brn_cuda *cu)
{
    const brn_rtc_functions *rtc = cu->target.rtc;
    const int numbers[] = {cu->limits.driver, cu->limits.capability, cu->target.architecture, cu->target.ptx, rtc ? rtc->major : 0, rtc ? rtc->minor : 0};
    brn_program_key key = brn_program_key_start();
    brn_program_key_text(&key, brn_cuda_options());
    brn_program_key_add(&key, numbers, sizeof numbers);
    return key;
}

static brn_status connect(brn_cuda *cu)
{
    BRN_TRY(check(cu, brn_cu.cuDevicePrimaryCtxRetain(&cu->context, cu->device), "cuDevicePrimaryCtxRetain", "primary context"));
    cu->retained = true;
    BRN_TRY(brn_cuda_enter(cu));
    BRN_TRY(check(cu, brn_cu.cuStreamCreate(&cu->stream, BRN_CU_STREAM_NON_BLOCKING), "cuStreamCreate", "non-blocking"));
    BRN_TRY(brn_cuda_aside_open(cu));
    BRN_TRY(check(cu, brn_cu.cuMemAllocHost_v2((void **)&cu->stage, BRN_CUDA_STAGE), "cuMemAllocHost", "staging memory"));
    cu->listed.memory = cu->stage;
    cu->beside.memory = cu->stage + BRN_CUDA_ASIDE;
    if (!cu->limits.pools) return BRN_OK;
    /* a pool of the device's own, which keeps what is freed: the process's default pool is left as it is */
    const brn_cu_pool_props props = {.alloc_type = BRN_CU_POOL_PINNED, .location_type = BRN_CU_LOCATION_DEVICE, .location_id = cu->device};
    uint64_t keep = UINT64_MAX;
    BRN_TRY(check(cu, brn_cu.cuMemPoolCreate(&cu->pool, &props), "cuMemPoolCreate", "pool of the device"));
    return check(cu, brn_cu.cuMemPoolSetAttribute(cu->pool, BRN_CU_POOL_RELEASE_THRESHOLD, &keep), "cuMemPoolSetAttribute", "release threshold");
}

static brn_status start(brn_device *dev, brn_cuda *cu, const char *spec)
{
    char reason[128];
    BRN_TRY(find_device(dev, cu, spec, &cu->device));
    const brn_status known = brn_cuda_limits_of(cu->device, &cu->limits);
    if (known != BRN_OK) return brn_fail_in(known, "%s", dev->name);
    snprintf(cu->label, sizeof cu->label, "%.30s (%.90s)", dev->name, cu->limits.name);
    brn_cuda_check(&cu->limits, reason);
    if (*reason) return brn_fail(BRN_ERR_DEVICE, "%s cannot be used: %s", cu->label, reason);
    const brn_status found = brn_cuda_find_target(&cu->limits, &cu->target);
    if (found != BRN_OK) return brn_fail_in(found, "%s", cu->label);
    cu->key = key_of(cu);
    BRN_TRY(brn_cuda_graphs_choose(cu));
    BRN_TRY(brn_cuda_kernels_begin(cu));
    BRN_TRY(connect(cu));
    BRN_TRY(brn_cuda_gemm_create(cu));
    dev->real_size = sizeof(float);
    dev->memory = cu->limits.memory;
    dev->shared = cu->limits.shared / (int)sizeof(float);
    dev->tile_rows = 1 << 20;
    dev->queue_count = 1;
    BRN_TRY(BRN_ALLOC(&dev->queues, 1, "queues"));
    dev->queues[0] = (brn_queue){.dev = dev, .impl = cu};
    brn_cuda_graphs_open(dev);
    return brn_cuda_kernels_compile(cu) ? BRN_OK : brn_cuda_kernels_take(cu);
}

static brn_status open_device(brn_device *dev, const char *spec, int threads)
{
    (void)threads;
    brn_cuda *cu;
    BRN_TRY(BRN_ALLOC(&cu, 1, "device"));
    dev->impl = cu;
    const brn_status status = start(dev, cu, spec);
    if (status != BRN_OK) close_device(dev);
    return status;
}

/* ---- memory ------------------------------------------------------------------------------------ */

static brn_status alloc_buffer(brn_buf *buf, const char *what)
{
    const brn_cuda *cu = buf->dev->impl;
    size_t bytes;
    brn_cuda_block *block;
    if (!brn_mul_size(buf->count, buf->elem, &bytes) || bytes > cu->limits.memory)
        return brn_fail(BRN_ERR_MEMORY, "%s: cannot allocate %s: %zu elements, the device has %zu MiB", cu->limits.name, what, buf->count,
                        cu->limits.memory >> 20);
    BRN_TRY(brn_cuda_enter(cu));
    BRN_TRY(BRN_ALLOC(&block, 1, "buffer"));
    const brn_cu_code code = cu->pool ? brn_cu.cuMemAllocFromPoolAsync(&block->address, bytes, cu->pool, cu->stream) : brn_cu.cuMemAlloc_v2(&block->address, bytes);
    if (code != 0) {
        free(block);
        return brn_cuda_fail(cu, code, cu->pool ? "cuMemAllocFromPoolAsync" : "cuMemAlloc", "%s, %zu bytes", what, bytes);
    }
    block->used = cu->number; /* with the list under way it is the stream's */
    buf->data = block;
    return BRN_OK;
}

/* In the stream's order, or after all work: what was asked for before may still use it. A failure comes to light at the
 * next call. */
static void release_buffer(brn_buf *buf)
{
    brn_cuda *cu = buf->dev->impl;
    brn_cuda_block *block = buf->data;
    if (brn_commands_use(&cu->list, buf)) brn_cuda_flush(&buf->dev->queues[0]);
    brn_cu.cuCtxSetCurrent(cu->context);
    brn_replays_forget(&cu->replays, buf);
    if (brn_cuda_follow_uploads(cu) != BRN_OK) brn_cu.cuStreamSynchronize(cu->aside);
    if (cu->pool) brn_cu.cuMemFreeAsync(block->address, cu->stream);
    else brn_cu.cuMemFree_v2(block->address);
    free(block);
}

static brn_status in_turn(brn_device *dev, int count, brn_item_fn fn, void *context)
{
    for (int i = 0; i < count; ++i) BRN_TRY(fn(context, &dev->queues[0], i));
    return BRN_OK;
}

const brn_backend brn_backend_cuda = {
    .abi = BRN_BACKEND_ABI, .name = "cuda", .hint = "an NVIDIA driver, and libnvrtc and libcublas of CUDA 11.8, 12 or 13",
    .enumerate = brn_cuda_enumerate, .open = open_device, .close = close_device,
    .alloc = alloc_buffer, .release = release_buffer, .write = brn_cuda_write, .read = brn_cuda_read,
    .copy = brn_cuda_copy, .zero = brn_cuda_zero, .parallel = in_turn, .launch = brn_cuda_kernel, .gemm = brn_cuda_gemm_command,
    .flush = brn_cuda_flush, .repeat = brn_cuda_repeat, .fuses_small = true,
};
