/* Compiling kernels, and keeping them on disk. */
#include "opencl/opencl.h"
#include "common/kernel_text.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void brn_opencl_program_free(brn_opencl_program *p)
{
    if (p->kernel) brn_cl.clReleaseKernel(p->kernel);
    if (p->program) brn_cl.clReleaseProgram(p->program);
    *p = (brn_opencl_program){0};
}

/* A driver may refuse a program that it made itself, after an update for instance: the text is compiled
 * then, and the file replaced. */
static void from_cache(brn_opencl *cl, const char *kind, const brn_program_key *key, const void *bytes, size_t size, brn_opencl_program *out)
{
    cl_int code, loaded = CL_SUCCESS;
    const unsigned char *binary = bytes;
    out->program = CL_MAKE(&code, clCreateProgramWithBinary(cl->context, 1, &cl->id, &size, &binary, &loaded, &code));
    if (code == CL_SUCCESS && loaded == CL_SUCCESS && CL(clBuildProgram(out->program, 1, &cl->id, cl->options, NULL, NULL)) == CL_SUCCESS)
        return;
    brn_opencl_program_free(out);
    brn_program_cache_drop(kind, key);
}

static brn_status refused(const brn_opencl *cl, const char *kind, cl_program program, cl_int code)
{
    char path[512] = "", *log = NULL;
    size_t size = 0;
    if (brn_cl.clGetProgramBuildInfo(program, cl->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) == CL_SUCCESS &&
        BRN_ALLOC(&log, size + 1, "build log") == BRN_OK &&
        brn_cl.clGetProgramBuildInfo(program, cl->id, CL_PROGRAM_BUILD_LOG, size, log, NULL) == CL_SUCCESS)
        brn_program_cache_log(kind, log, path);
    free(log);
    return brn_opencl_fail(cl->label, code, "clBuildProgram", "%s; the compiler's log: %s", kind, *path ? path : "could not be saved");
}

static brn_status from_source(brn_opencl *cl, const char *kind, const char *source, brn_opencl_program *out)
{
    cl_int code;
    out->program = CL_MAKE(&code, clCreateProgramWithSource(cl->context, 1, &source, NULL, &code));
    if (code != CL_SUCCESS) return brn_opencl_fail(cl->label, code, "clCreateProgramWithSource", "%s, %zu bytes", kind, strlen(source));
    code = CL(clBuildProgram(out->program, 1, &cl->id, cl->options, NULL, NULL));
    return code == CL_SUCCESS ? BRN_OK : refused(cl, kind, out->program, code);
}

/* What cannot be kept is compiled again next time. */
static brn_status keep(const char *kind, const brn_program_key *key, cl_program program)
{
    size_t size = 0;
    if (CL(clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL)) != CL_SUCCESS || size == 0) return BRN_OK;
    unsigned char *bytes;
    BRN_TRY(BRN_ALLOC(&bytes, size, "compiled kernel"));
    if (CL(clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof bytes, &bytes, NULL)) == CL_SUCCESS)
        brn_program_cache_store(kind, key, bytes, size);
    free(bytes);
    return BRN_OK;
}

static brn_status build(brn_opencl *cl, const char *kind, const char *source, brn_opencl_program *out)
{
    brn_program_key key = cl->key;
    void *bytes;
    size_t size;
    brn_program_key_text(&key, source);
    BRN_TRY(brn_program_cache_load(kind, &key, &bytes, &size));
    if (bytes) from_cache(cl, kind, &key, bytes, size, out);
    free(bytes);
    if (out->program) return BRN_OK;
    BRN_TRY(from_source(cl, kind, source, out));
    return keep(kind, &key, out->program);
}

brn_status brn_opencl_build(brn_opencl *cl, const char *kernel, const char *kind, const char *defines, brn_opencl_program *out)
{
    char file[96], entry[96], *source;
    cl_int code;
    snprintf(file, sizeof file, "opencl-%s", kind);
    snprintf(entry, sizeof entry, "brn_%s", kernel);
    BRN_TRY(brn_kernel_source(&source, "cl", defines, kernel));
    brn_status status = build(cl, file, source, out);
    free(source);
    if (status == BRN_OK) {
        out->kernel = CL_MAKE(&code, clCreateKernel(out->program, entry, &code));
        if (code != CL_SUCCESS) status = brn_opencl_fail(cl->label, code, "clCreateKernel", "%s", kind);
    }
    if (status != BRN_OK) brn_opencl_program_free(out);
    return status;
}

static brn_status set(const brn_opencl *cl, const char *name, cl_kernel kernel, int index, const void *value, size_t size)
{
    const cl_int code = CL(clSetKernelArg(kernel, (cl_uint)index, size, value));
    return code == CL_SUCCESS ? BRN_OK : brn_opencl_fail(cl->label, code, "clSetKernelArg", "%s, argument %d of %zu bytes", name, index, size);
}

brn_status brn_opencl_run(brn_queue *q, const char *name, cl_kernel kernel, const void *params, size_t size, const brn_view *views,
                          int count, size_t wg, size_t groups_x, size_t groups_y)
{
    const brn_opencl *cl = q->dev->impl;
    BRN_TRY(set(cl, name, kernel, 0, params, size));
    for (int i = 0; i < count; ++i) {
        const cl_mem buffer = brn_opencl_mem(views[i].buf);
        const cl_ulong first = views[i].off;
        if (first >= views[i].buf->count)
            return brn_fail(BRN_ERR_INTERNAL, "%s: %s: buffer %d starts at %zu of %zu", cl->label, name, i, views[i].off, views[i].buf->count);
        BRN_TRY(set(cl, name, kernel, 1 + 2 * i, &buffer, sizeof buffer));
        BRN_TRY(set(cl, name, kernel, 2 + 2 * i, &first, sizeof first));
    }
    const size_t local[] = {wg, 1}, global[] = {groups_x * wg, groups_y};
    const cl_int code = CL(clEnqueueNDRangeKernel(cl->queue, kernel, 2, NULL, global, local, 0, NULL, NULL));
    brn_count(q->dev, &q->dev->counts.submissions, 1);
    if (code == CL_SUCCESS) return BRN_OK;
    return brn_opencl_fail(cl->label, code, "clEnqueueNDRangeKernel", "%s, %zu x %zu work-items", name, global[0], global[1]);
}
