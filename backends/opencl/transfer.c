/* Copies, and what the checker hears of the queue. Writes of up to BRN_OPENCL_STAGE bytes pass through staging
 * memory, larger ones block. */
#include "opencl/opencl.h"

#include <string.h>

/* ---- the checker ------------------------------------------------------------------------------- */

/* A command is about to be queued. */
static brn_status tell(brn_opencl *cl, const char *what, const brn_hazard_access *access, int count)
{
    if (!cl->hazard) return BRN_OK;
    if (cl->in_order) brn_hazard_barrier(cl->hazard);
    return brn_hazard_command(cl->hazard, what, access, count);
}

brn_status brn_opencl_touch(brn_opencl *cl, const char *what, const brn_view *views, int count, unsigned writes)
{
    enum { MOST = 16 };
    brn_hazard_access access[MOST];
    if (!cl->hazard) return BRN_OK;
    if (count > MOST) return brn_fail(BRN_ERR_INTERNAL, "%s: %s: %d buffers", cl->label, what, count);
    for (int i = 0; i < count; ++i)
        access[i] = brn_opencl_access(views[i], (views[i].buf->count - views[i].off) * views[i].buf->elem, writes >> i & 1);
    return tell(cl, what, access, count);
}

static brn_status submitted(brn_queue *q, cl_int code, const char *call, size_t bytes)
{
    brn_count(q->dev, &q->dev->counts.submissions, 1);
    return code == CL_SUCCESS ? BRN_OK : brn_opencl_fail(((const brn_opencl *)q->impl)->label, code, call, "%zu bytes", bytes);
}

/* Everything up to `last`, as the checker counts, is complete. */
static brn_status waited(brn_queue *q, cl_int code, const char *call, size_t bytes, long last)
{
    const brn_opencl *cl = q->impl;
    brn_count(q->dev, &q->dev->counts.waits, 1);
    if (code != CL_SUCCESS) return brn_opencl_fail(cl->label, code, call, "%zu bytes", bytes);
    if (cl->hazard) brn_hazard_complete_until(cl->hazard, last);
    return BRN_OK;
}

static long last_command(const brn_opencl *cl) { return cl->hazard ? brn_hazard_last(cl->hazard) : 0; }

brn_status brn_opencl_wait(brn_queue *q, const cl_event *event)
{
    return waited(q, CL(clWaitForEvents(1, event)), "clWaitForEvents", 0, last_command(q->impl));
}

/* ---- copies ------------------------------------------------------------------------------------ */

/* Go over to the other half of the staging memory: everything issued so far may read this one. */
static brn_status next_half(brn_queue *q, brn_opencl *cl)
{
    BRN_TRY(submitted(q, CL(clEnqueueMarkerWithWaitList(cl->queue, 0, NULL, &cl->in_use[cl->half])), "clEnqueueMarkerWithWaitList", 0));
    cl->last_use[cl->half] = last_command(cl);
    cl->half ^= 1;
    cl->staged = 0;
    cl_event *last = &cl->in_use[cl->half];
    if (!*last) return BRN_OK;
    BRN_TRY(waited(q, CL(clWaitForEvents(1, last)), "clWaitForEvents", BRN_OPENCL_STAGE, cl->last_use[cl->half]));
    brn_cl.clReleaseEvent(*last);
    *last = NULL;
    return BRN_OK;
}

static brn_status write_now(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    brn_opencl *cl = q->impl;
    const brn_hazard_access access = brn_opencl_access(to, bytes, true);
    BRN_TRY(tell(cl, "write", &access, 1));
    const cl_int code = CL(clEnqueueWriteBuffer(cl->queue, brn_opencl_mem(to.buf), CL_TRUE, access.begin, bytes, from, 0, NULL, NULL));
    BRN_TRY(submitted(q, code, "clEnqueueWriteBuffer", bytes));
    return waited(q, CL_SUCCESS, "clEnqueueWriteBuffer", bytes, last_command(cl));
}

brn_status brn_opencl_write(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    brn_opencl *cl = q->impl;
    if (bytes == 0) return BRN_OK;
    if (bytes > BRN_OPENCL_STAGE) return write_now(q, to, from, bytes);
    if (bytes > BRN_OPENCL_STAGE - cl->staged) BRN_TRY(next_half(q, cl));
    const size_t at = (size_t)cl->half * BRN_OPENCL_STAGE + cl->staged;
    const brn_hazard_access fill = {cl->stage, at, at + bytes, true};
    const brn_hazard_access access[] = {{cl->stage, at, at + bytes, false}, brn_opencl_access(to, bytes, true)};
    if (cl->hazard) BRN_TRY(brn_hazard_host(cl->hazard, "write", &fill));
    memcpy(cl->stage + at, from, bytes);
    cl->staged += bytes;
    BRN_TRY(tell(cl, "write", access, 2));
    return submitted(q, CL(clEnqueueWriteBuffer(cl->queue, brn_opencl_mem(to.buf), CL_FALSE, access[1].begin, bytes, cl->stage + at, 0, NULL, NULL)),
                     "clEnqueueWriteBuffer", bytes);
}

brn_status brn_opencl_read(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    brn_opencl *cl = q->impl;
    if (bytes == 0) return BRN_OK;
    const brn_hazard_access access = brn_opencl_access(from, bytes, false);
    BRN_TRY(tell(cl, "read", &access, 1));
    const cl_int code = CL(clEnqueueReadBuffer(cl->queue, brn_opencl_mem(from.buf), CL_TRUE, access.begin, bytes, to, 0, NULL, NULL));
    BRN_TRY(submitted(q, code, "clEnqueueReadBuffer", bytes));
    return waited(q, CL_SUCCESS, "clEnqueueReadBuffer", bytes, last_command(cl));
}

brn_status brn_opencl_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    brn_opencl *cl = q->impl;
    if (bytes == 0) return BRN_OK;
    const brn_hazard_access access[] = {brn_opencl_access(from, bytes, false), brn_opencl_access(to, bytes, true)};
    BRN_TRY(tell(cl, "copy", access, 2));
    return submitted(q, CL(clEnqueueCopyBuffer(cl->queue, brn_opencl_mem(from.buf), brn_opencl_mem(to.buf), access[0].begin, access[1].begin, bytes, 0,
                                               NULL, NULL)), "clEnqueueCopyBuffer", bytes);
}

brn_status brn_opencl_zero(brn_queue *q, brn_view to, size_t bytes)
{
    static const cl_uint zero = 0;
    brn_opencl *cl = q->impl;
    if (bytes == 0) return BRN_OK;
    const brn_hazard_access access = brn_opencl_access(to, bytes, true);
    BRN_TRY(tell(cl, "zero", &access, 1));
    return submitted(q, CL(clEnqueueFillBuffer(cl->queue, brn_opencl_mem(to.buf), &zero, sizeof zero, access.begin, bytes, 0, NULL, NULL)),
                     "clEnqueueFillBuffer", bytes);
}
