/* OpenCL devices: "opencl:0" is the first device of the first platform. One in-order queue; a batch is one
 * tile; the dense layer is composed of a product and kernels. */
#include "opencl/opencl.h"
#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_opencl_fail(const char *who, cl_int code, const char *call, const char *format, ...)
{
    char on[640];
    va_list args;
    va_start(args, format);
    vsnprintf(on, sizeof on, format, args);
    va_end(args);
    return brn_fail(brn_cl_status(code), "%s: %s failed (%s): %s (%d)", who, call, on, brn_cl_code_name(code), code);
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
    if (cl->mark) brn_cl.clReleaseEvent(cl->mark);
    if (cl->queue) brn_cl.clReleaseCommandQueue(cl->queue);
    if (cl->context) brn_cl.clReleaseContext(cl->context);
    brn_hazard_free(cl->hazard);
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

brn_status brn_opencl_make_queue(brn_opencl *cl, cl_command_queue_properties properties)
{
    cl_int code;
    const cl_command_queue queue = CL_MAKE(&code, clCreateCommandQueue(cl->context, cl->id, properties, &code));
    if (code != CL_SUCCESS) return brn_opencl_fail(cl->label, code, "clCreateCommandQueue", "properties %llu", (unsigned long long)properties);
    if (cl->queue) {
        brn_cl.clFinish(cl->queue);
        brn_cl.clReleaseCommandQueue(cl->queue);
    }
    cl->queue = queue;
    code = CL(clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL));
    cl->in_order = !(properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    return code == CL_SUCCESS ? BRN_OK : brn_opencl_fail(cl->label, code, "clGetCommandQueueInfo", "properties");
}

static brn_status connect(brn_opencl *cl)
{
    cl_int code;
    cl->context = CL_MAKE(&code, clCreateContext(NULL, 1, &cl->id, NULL, NULL, &code));
    if (code != CL_SUCCESS) return brn_opencl_fail(cl->label, code, "clCreateContext", "1 device");
    BRN_TRY(brn_opencl_make_queue(cl, 0));
    if (brn_hazard_wanted()) BRN_TRY(brn_hazard_create(&cl->hazard, cl->label));
    return BRN_ALLOC(&cl->stage, 2 * (size_t)BRN_OPENCL_STAGE, "staging memory");
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
    dev->memory = cl->limits.memory;
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
    return brn_opencl_run(q, k->name, p->kernel, params, size, views, count, k->writes, wg, ((size_t)rows + wg - 1) / wg, k->spread ? (size_t)feats : 1);
}

const brn_backend brn_backend_opencl = {
    .abi = BRN_BACKEND_ABI, .name = "opencl", .hint = "ocl-icd-libopencl1 and the device's driver (pocl-opencl-icd for processors)",
    .enumerate = brn_opencl_enumerate, .open = open_device, .close = close_device,
    .alloc = alloc_buffer, .release = release_buffer, .write = brn_opencl_write, .read = brn_opencl_read,
    .copy = brn_opencl_copy, .zero = brn_opencl_zero, .parallel = in_turn, .launch = launch, .gemm = brn_opencl_product,
    .timer_start = brn_opencl_timer_start, .timer_stop = brn_opencl_timer_stop,
};
