/* OpenCL devices: "opencl:0" is the first device of the first platform. One in-order queue; a batch is one
 * tile; the dense layer is composed of a product and kernels. */
#include "opencl/opencl.h"
#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HALF_BYTES = 1 << 20 };

brn_status brn_opencl_fail(const char *who, cl_int code, const char *call, const char *format, ...)
{
    char on[640];
    va_list args;
    va_start(args, format);
    vsnprintf(on, sizeof on, format, args);
    va_end(args);
    const bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY || code == CL_INVALID_BUFFER_SIZE;
    return brn_fail(memory ? BRN_ERR_MEMORY : BRN_ERR_DEVICE, "%s: %s failed (%s): %s (%d)", who, call, on, brn_cl_code_name(code), code);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static void close_device(brn_device *dev)
{
    brn_opencl *cl = dev->impl;
    if (!cl) return;
    if (cl->queue) brn_cl.clFinish(cl->queue);
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k) brn_opencl_program_free(&cl->kernels[k]);
    brn_opencl_gemm_free(cl);
    for (int h = 0; h < 2; ++h)
        if (cl->in_use[h]) brn_cl.clReleaseEvent(cl->in_use[h]);
    if (cl->queue) brn_cl.clReleaseCommandQueue(cl->queue);
    if (cl->context) brn_cl.clReleaseContext(cl->context);
    free(cl->stage);
    free(cl);
    free(dev->queues);
    dev->impl = NULL;
}

static brn_status find_device(brn_device *dev, const char *spec, cl_device_id *id)
{
    enum { MOST = 32 };
    cl_device_id ids[MOST];
    int count;
    char *end;
    const long index = *spec ? strtol(spec, &end, 10) : 0;
    if (*spec && (*end || index < 0 || *spec < '0' || *spec > '9'))
        return brn_fail(BRN_ERR_DEVICE, "device \"%s\" is not known; OpenCL devices are opencl:0, opencl:1, ...", dev->name);
    const brn_status status = brn_opencl_devices(ids, MOST, &count);
    if (status != BRN_OK) return brn_fail_in(status, "%s", dev->name);
    if (index >= count || index >= MOST)
        return brn_fail(BRN_ERR_DEVICE, "device \"%s\" is not here; there %s %d, from opencl:0 on", dev->name, count == 1 ? "is" : "are", count);
    snprintf(dev->name, sizeof dev->name, "opencl:%ld", index);
    *id = ids[index];
    return BRN_OK;
}

/* Own mathematics everywhere; division and roots correctly rounded where the device offers it. More options
 * may come from the environment, to search a driver's faults for instance. */
static void choose_options(brn_opencl *cl)
{
    const char *more = getenv("BRENIER_OPENCL_OPTIONS");
    snprintf(cl->options, sizeof cl->options, "-cl-std=CL1.2%s %s",
             cl->limits.single & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT ? " -cl-fp32-correctly-rounded-divide-sqrt" : "", more ? more : "");
    cl->key = brn_program_key_start();
    const char *const texts[] = {cl->limits.name, cl->limits.version, cl->limits.driver, cl->options};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) brn_program_key_text(&cl->key, texts[i]);
}

static brn_status connect(brn_opencl *cl)
{
    cl_int code;
    cl->context = CL_MAKE(&code, clCreateContext(NULL, 1, &cl->id, NULL, NULL, &code));
    if (code != CL_SUCCESS) return brn_opencl_fail(cl->label, code, "clCreateContext", "1 device");
    cl->queue = CL_MAKE(&code, clCreateCommandQueue(cl->context, cl->id, 0, &code));
    if (code != CL_SUCCESS) return brn_opencl_fail(cl->label, code, "clCreateCommandQueue", "in order");
    return BRN_ALLOC(&cl->stage, 2 * (size_t)HALF_BYTES, "staging memory");
}

static brn_status start(brn_device *dev, brn_opencl *cl, const char *spec)
{
    char reason[128];
    BRN_TRY(find_device(dev, spec, &cl->id));
    const brn_status status = brn_opencl_limits_of(cl->id, &cl->limits);
    if (status != BRN_OK) return brn_fail_in(status, "%s", dev->name);
    snprintf(cl->label, sizeof cl->label, "%s (%.100s)", dev->name, cl->limits.name);
    brn_opencl_check(&cl->limits, reason);
    if (*reason) return brn_fail(BRN_ERR_DEVICE, "%s cannot be used: %s", cl->label, reason);
    choose_options(cl);
    BRN_TRY(connect(cl));
    BRN_TRY(brn_opencl_gemm_create(cl));
    dev->real_size = sizeof(float);
    dev->tile_rows = 1 << 20;
    dev->queue_count = 1;
    BRN_TRY(BRN_ALLOC(&dev->queues, 1, "queues"));
    dev->queues[0] = (brn_queue){.dev = dev, .impl = cl};
    return BRN_OK;
}

static brn_status open_device(brn_device *dev, const char *spec, int threads)
{
    (void)threads;
    brn_opencl *cl;
    BRN_TRY(BRN_ALLOC(&cl, 1, "device"));
    dev->impl = cl;
    const brn_status status = start(dev, cl, spec);
    if (status != BRN_OK) close_device(dev);
    return status;
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* The caller names the device. */
static brn_status alloc_buffer(brn_buf *buf, const char *what)
{
    const brn_opencl *cl = buf->dev->impl;
    size_t bytes;
    cl_int code;
    if (!brn_mul_size(buf->count, buf->elem, &bytes) || bytes > cl->limits.most_at_once)
        return brn_fail(BRN_ERR_MEMORY, "%s: cannot allocate %s: %zu elements, the device allows at most %llu MiB at once", cl->limits.name,
                        what, buf->count, (unsigned long long)cl->limits.most_at_once >> 20);
    buf->data = CL_MAKE(&code, clCreateBuffer(cl->context, CL_MEM_READ_WRITE, bytes, NULL, &code));
    if (code == CL_SUCCESS) return BRN_OK;
    return brn_opencl_fail(cl->limits.name, code, "clCreateBuffer", "%s, %zu bytes", what, bytes);
}

/* Commands that still use it keep it alive. */
static void release_buffer(brn_buf *buf) { brn_cl.clReleaseMemObject(brn_opencl_mem(buf)); }

static brn_status waited(brn_queue *q, cl_int code, const char *call, size_t bytes)
{
    brn_count(q->dev, &q->dev->counts.waits, 1);
    return code == CL_SUCCESS ? BRN_OK : brn_opencl_fail(((const brn_opencl *)q->impl)->label, code, call, "%zu bytes", bytes);
}

static brn_status submitted(brn_queue *q, cl_int code, const char *call, size_t bytes)
{
    brn_count(q->dev, &q->dev->counts.submissions, 1);
    return code == CL_SUCCESS ? BRN_OK : brn_opencl_fail(((const brn_opencl *)q->impl)->label, code, call, "%zu bytes", bytes);
}

/* Go over to the other half of the staging memory: everything issued so far may read this one. */
static brn_status next_half(brn_queue *q, brn_opencl *cl)
{
    BRN_TRY(submitted(q, CL(clEnqueueMarkerWithWaitList(cl->queue, 0, NULL, &cl->in_use[cl->half])), "clEnqueueMarkerWithWaitList", 0));
    cl->half ^= 1;
    cl->staged = 0;
    cl_event *last = &cl->in_use[cl->half];
    if (!*last) return BRN_OK;
    BRN_TRY(waited(q, CL(clWaitForEvents(1, last)), "clWaitForEvents", HALF_BYTES));
    brn_cl.clReleaseEvent(*last);
    *last = NULL;
    return BRN_OK;
}

static brn_status write_buffer(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    brn_opencl *cl = q->impl;
    const cl_mem mem = brn_opencl_mem(to.buf);
    const size_t at = to.off * to.buf->elem;
    if (bytes == 0) return BRN_OK;
    if (bytes > HALF_BYTES) {
        const cl_int code = CL(clEnqueueWriteBuffer(cl->queue, mem, CL_TRUE, at, bytes, from, 0, NULL, NULL));
        BRN_TRY(submitted(q, code, "clEnqueueWriteBuffer", bytes));
        return waited(q, CL_SUCCESS, "clEnqueueWriteBuffer", bytes);
    }
    if (bytes > HALF_BYTES - cl->staged) BRN_TRY(next_half(q, cl));
    char *stage = cl->stage + (size_t)cl->half * HALF_BYTES + cl->staged;
    memcpy(stage, from, bytes);
    cl->staged += bytes;
    return submitted(q, CL(clEnqueueWriteBuffer(cl->queue, mem, CL_FALSE, at, bytes, stage, 0, NULL, NULL)), "clEnqueueWriteBuffer", bytes);
}

static brn_status read_buffer(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    const brn_opencl *cl = q->impl;
    if (bytes == 0) return BRN_OK;
    const cl_int code = CL(clEnqueueReadBuffer(cl->queue, brn_opencl_mem(from.buf), CL_TRUE, from.off * from.buf->elem, bytes, to, 0, NULL, NULL));
    BRN_TRY(submitted(q, code, "clEnqueueReadBuffer", bytes));
    return waited(q, CL_SUCCESS, "clEnqueueReadBuffer", bytes);
}

static brn_status copy_buffer(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    const brn_opencl *cl = q->impl;
    if (bytes == 0) return BRN_OK;
    return submitted(q, CL(clEnqueueCopyBuffer(cl->queue, brn_opencl_mem(from.buf), brn_opencl_mem(to.buf), from.off * from.buf->elem,
                                               to.off * to.buf->elem, bytes, 0, NULL, NULL)), "clEnqueueCopyBuffer", bytes);
}

static brn_status zero_buffer(brn_queue *q, brn_view to, size_t bytes)
{
    static const cl_uint zero = 0;
    const brn_opencl *cl = q->impl;
    if (bytes == 0) return BRN_OK;
    return submitted(q, CL(clEnqueueFillBuffer(cl->queue, brn_opencl_mem(to.buf), &zero, sizeof zero, to.off * to.buf->elem, bytes, 0, NULL, NULL)),
                     "clEnqueueFillBuffer", bytes);
}

/* ---- work -------------------------------------------------------------------------------------- */

static brn_status in_turn(brn_device *dev, int count, brn_item_fn fn, void *context)
{
    for (int i = 0; i < count; ++i) BRN_TRY(fn(context, &dev->queues[0], i));
    return BRN_OK;
}

static brn_status launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    brn_opencl *cl = q->impl;
    const brn_kernel_info *k = &brn_kernel_table[kernel];
    if (rows <= 0 || (k->spread && feats <= 0)) return BRN_OK;
    if (count != k->buffers) return brn_fail(BRN_ERR_INTERNAL, "%s: %d buffers given, %d declared", k->name, count, k->buffers);
    brn_opencl_program *p = &cl->kernels[kernel];
    if (!p->kernel) BRN_TRY(brn_opencl_build(cl, k->name, k->name, "", p));
    const size_t wg = (size_t)k->wg;
    return brn_opencl_run(q, k->name, p->kernel, params, size, views, count, wg, ((size_t)rows + wg - 1) / wg, k->spread ? (size_t)feats : 1);
}

const brn_backend brn_backend_opencl = {
    .abi = BRN_BACKEND_ABI, .name = "opencl", .hint = "ocl-icd-libopencl1 and the device's driver (pocl-opencl-icd for processors)",
    .enumerate = brn_opencl_enumerate, .open = open_device, .close = close_device,
    .alloc = alloc_buffer, .release = release_buffer, .write = write_buffer, .read = read_buffer,
    .copy = copy_buffer, .zero = zero_buffer, .parallel = in_turn, .launch = launch, .gemm = brn_opencl_product,
};
