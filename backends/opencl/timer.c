/* Times by the device's own clock: the driver's profile of two markers around what is queued between them. */
#include "opencl/opencl.h"

#include <math.h>

static void forget(brn_opencl *cl)
{
    if (cl->mark) brn_cl.clReleaseEvent(cl->mark);
    cl->mark = NULL;
}

static brn_status mark(brn_opencl *cl, cl_event *event)
{
    const cl_int code = CL(clEnqueueMarkerWithWaitList(cl->queue, 0, NULL, event));
    return code == CL_SUCCESS ? BRN_OK : brn_opencl_fail(cl->label, code, "clEnqueueMarkerWithWaitList", "timer");
}

/* Drivers may be slower with profiles, so that the queue gets them only here. */
brn_status brn_opencl_timer_start(brn_queue *q)
{
    brn_opencl *cl = q->impl;
    if (!cl->profiled) BRN_TRY(brn_opencl_make_queue(cl, CL_QUEUE_PROFILING_ENABLE));
    cl->profiled = true;
    forget(cl);
    return mark(cl, &cl->mark);
}

static brn_status ended_at(brn_opencl *cl, cl_event event, cl_ulong *ns)
{
    const cl_int code = CL(clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof *ns, ns, NULL));
    return code == CL_SUCCESS ? BRN_OK : brn_opencl_fail(cl->label, code, "clGetEventProfilingInfo", "timer");
}

brn_status brn_opencl_timer_stop(brn_queue *q, double *seconds)
{
    brn_opencl *cl = q->impl;
    cl_event last = NULL;
    cl_ulong from = 0, to = 0;
    brn_status status;
    *seconds = (double)NAN;
    BRN_GO(mark(cl, &last));
    BRN_GO(brn_opencl_wait(q, &last));
    BRN_GO(ended_at(cl, cl->mark, &from));
    BRN_GO(ended_at(cl, last, &to));
    *seconds = 1e-9 * (double)(to - from);
done:
    if (last) brn_cl.clReleaseEvent(last);
    forget(cl);
    return status;
}
