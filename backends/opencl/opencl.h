/* What the files of this folder share. */
#ifndef BRN_OPENCL_H
#define BRN_OPENCL_H

#include "common/hazard.h"
#include "common/program_cache.h"
#include "compute/backend.h"
#include "opencl/cl_api.h"

/* What a device has to offer; the needs of the kernel dialect. */
typedef struct brn_opencl_limits {
    char name[256], driver[256], version[256];
    cl_device_type type;
    cl_uint units;
    cl_ulong memory, most_at_once, local_memory;
    size_t work_group, parameters;
    cl_bool available, compiler, little_endian;
    cl_bitfield single;
} brn_opencl_limits;

enum { BRN_OPENCL_WORK_GROUP = 256, BRN_OPENCL_LOCAL_MEMORY = 32 << 10, BRN_OPENCL_PARAMETERS = 1024, BRN_OPENCL_STAGE = 1 << 20 /* bytes of a half of the staging memory */ };

/** Why a device with these limits cannot be used, in one line; "" if it can. */
void brn_opencl_check(const brn_opencl_limits *limits, char reason[static 128]);

/** All devices of all platforms, in the loader's order: ids[0..capacity), *count may exceed it. */
brn_status brn_opencl_devices(cl_device_id *ids, int capacity, int *count);
brn_status brn_opencl_limits_of(cl_device_id id, brn_opencl_limits *limits);
int brn_opencl_enumerate(brn_device_info *info, int capacity);

/* A compiled kernel. */
typedef struct brn_opencl_program {
    cl_program program;
    cl_kernel kernel;
} brn_opencl_program;

typedef struct brn_opencl_gemm brn_opencl_gemm;

typedef struct brn_opencl {
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    brn_opencl_limits limits;
    char label[200]; /* "opencl:0 (model)", in front of every failure */
    char options[512];
    brn_program_key key; /* of device, driver and options */
    brn_opencl_program kernels[BRN_KERNEL_COUNT];
    brn_opencl_gemm *gemm;

    /* Writes pass through two halves of host memory, so that the caller may go on at once: a half is filled
     * again after the commands that read it have ended. */
    char *stage;
    size_t staged; /* bytes used in the present half */
    int half;
    cl_event in_use[2];

    cl_event mark; /* where the timer started */
    bool profiled; /* the queue keeps times */

    brn_hazard *hazard; /* NULL: not asked for */
    bool in_order;      /* what the driver says of the queue */
    long last_use[2];   /* the last command before in_use[h], as the checker counts */
} brn_opencl;

/** The failure of a driver's call: who, which call, on what (printf-formatted), which code. */
brn_status brn_opencl_fail(const char *who, cl_int code, const char *call, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** Tell the checker of a command that is about to be queued, which touches buffers from a view's start on; bit i of
 *  `writes`: it writes the i-th. */
brn_status brn_opencl_touch(brn_opencl *cl, const char *what, const brn_view *views, int count, unsigned writes);

/** Compile a kernel, or take it from the cache. `kind` names it in files and failures, `defines` are its
 *  constants. */
brn_status brn_opencl_build(brn_opencl *cl, const char *kernel, const char *kind, const char *defines, brn_opencl_program *out);
void brn_opencl_program_free(brn_opencl_program *p);

/** Set the arguments and run over a grid of groups; `name` is for failures, `writes` as above. */
brn_status brn_opencl_run(brn_queue *q, const char *name, cl_kernel kernel, const void *params, size_t size, const brn_view *views,
                          int count, unsigned writes, size_t wg, size_t groups_x, size_t groups_y);

/** Copies of the table, transfer.c. */
brn_status brn_opencl_write(brn_queue *q, brn_view to, const void *from, size_t bytes);
brn_status brn_opencl_read(brn_queue *q, brn_view from, void *to, size_t bytes);
brn_status brn_opencl_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes);
brn_status brn_opencl_zero(brn_queue *q, brn_view to, size_t bytes);

/** Wait for an event, behind which nothing is queued. */
brn_status brn_opencl_wait(brn_queue *q, const cl_event *event);

/** A queue in place of the present one. */
brn_status brn_opencl_make_queue(brn_opencl *cl, cl_command_queue_properties properties);

/** The table's timer, timer.c. */
brn_status brn_opencl_timer_start(brn_queue *q);
brn_status brn_opencl_timer_stop(brn_queue *q, double *seconds);

/** Products, gemm.c. What was begun by a create that fails is released by free. */
brn_status brn_opencl_gemm_create(brn_opencl *cl);
brn_status brn_opencl_product(brn_queue *q, const brn_gemm_args *args);
void brn_opencl_gemm_free(brn_opencl *cl);

static inline cl_mem brn_opencl_mem(const brn_buf *buf) { return (cl_mem)buf->data; }
/** `bytes` of a view as an access. */
static inline brn_hazard_access brn_opencl_access(brn_view view, size_t bytes, bool write)
{
    const size_t at = view.off * view.buf->elem;
    return (brn_hazard_access){view.buf->data, at, at + bytes, write};
}

#endif
