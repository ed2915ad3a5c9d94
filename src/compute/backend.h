/* What a backend provides. Two rings: the required primitives, and fused operations whose default is
 * composed from the same device's primitives (compose.c). Nothing here knows a driver's types. */
#ifndef BRN_BACKEND_H
#define BRN_BACKEND_H

#include "compute/compute.h"
#include <stdatomic.h>

#define BRN_BACKEND_ABI 1

struct brn_queue {
    brn_device *dev;
    int index;
    void *impl; /* the backend's */
};

struct brn_buf {
    brn_device *dev;
    brn_kind kind;
    size_t count; /* elements */
    size_t elem;  /* bytes of one */
    void *data;   /* host address, or the backend's handle */
};

/* What a backend has to know of a kernel, by its number. */
typedef struct brn_kernel_info {
    const char *name;
    int wg, buffers;
    unsigned writes; /* bit i: buffer i is written */
    bool spread;     /* work-groups: rows / wg along x, and with `spread` one per feature along y */
    int sized;       /* where the parameters say how many reals a work-group shares, -1: the text does */
} brn_kernel_info;
extern const brn_kernel_info brn_kernel_table[BRN_KERNEL_COUNT];

/* What a device was asked to do since it was opened. Operations and bytes are counted above the
 * backends; submissions (calls that hand work to a driver) and waits (for a driver) by them. */
typedef struct brn_device_counts {
    uint64_t launches, products, bytes_up, bytes_down;
    uint64_t submissions, waits;
    uint64_t replays; /* of the submissions: recorded before, and handed over again with new parameters */
} brn_device_counts;

typedef struct brn_backend {
    int abi;
    const char *name;  /* "host" */
    const char *hint;  /* how to get it where it is missing */
    bool fuses_small;  /* one launch for all of a small network is faster than its products, networks/small.h */

    /** Devices of this backend: fill info[0..capacity), give the number. Opens nothing. */
    int (*enumerate)(brn_device_info *info, int capacity);
    /** Open device `spec` ("", "f64", "0", ...) with `threads` (hosts only); sets name, memory (bytes it has, 0 = not
     *  known), real_size, tile_rows, queues and impl. */
    brn_status (*open)(brn_device *dev, const char *spec, int threads);
    void (*close)(brn_device *dev);

    brn_status (*alloc)(brn_buf *buf, const char *what); /* buf->count and elem are set */
    void (*release)(brn_buf *buf);
    brn_status (*write)(brn_queue *q, brn_view to, const void *from, size_t bytes); /* device elements */
    brn_status (*read)(brn_queue *q, brn_view from, void *to, size_t bytes);
    brn_status (*copy)(brn_queue *q, brn_view to, brn_view from, size_t bytes);
    brn_status (*zero)(brn_queue *q, brn_view to, size_t bytes);

    brn_status (*parallel)(brn_device *dev, int count, brn_item_fn fn, void *context);
    brn_status (*launch)(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats,
                         const brn_view *views, int count);
    brn_status (*gemm)(brn_queue *q, const brn_gemm_args *args);

    /* optional: NULL = composed */
    brn_status (*dense_forward)(brn_queue *queue, const brn_dense *w, int rows, int kind, float c, brn_mat x, brn_mat u,
                                brn_mat z, brn_mat q);
    brn_status (*dense_backward)(brn_queue *queue, const brn_dense *w, int rows, brn_mat d, brn_mat q, brn_mat y,
                                 bool accumulate);
    brn_status (*dense_grad)(brn_queue *queue, const brn_dense *w, int rows, brn_mat x, brn_mat d, brn_buf *grad,
                             bool with_bias);

    /** optional: hand over what was issued so far, without waiting; NULL = nothing is kept back */
    brn_status (*flush)(brn_queue *q);
    /** optional: see brn_repeat; NULL = the host looks before each round */
    brn_status (*repeat)(brn_queue *q, brn_view counter, int floor, brn_repeat_fn body, void *context);

    /* optional, both or none; NULL = the host's clock has to do */
    brn_status (*timer_start)(brn_queue *q);
    /** Wait; *seconds from the start on by the device's own clock, NaN where it has none. */
    brn_status (*timer_stop)(brn_queue *q, double *seconds);
} brn_backend;

struct brn_device {
    const brn_backend *ops;
    char name[64];
    size_t real_size;
    int shared;             /* reals that a work-group can share where a launch says how many; 0: what every device has (shaders/prelude/small.h) */
    double product_epsilon; /* what products round their operands to, where that is coarser than a real; else 0 */
    int tile_rows;
    bool at_hand; /* memory is the host's own, and work is done when its call returns: a look at it costs nothing */
    int queue_count;
    brn_queue *queues;
    void *impl;
    brn_device_counts counts; /* zero where there are several queues */
    uint64_t memory;          /* bytes that may be allocated: the device's, or BRENIER_DEVICE_MEMORY; 0 = unknown */
    bool limited;             /* by the variable: held to it here, as the driver knows nothing of it */
    _Atomic uint64_t used, peak; /* bytes in buffers */
    char why[192];            /* why "auto" took this device */
};

/* A device with one queue keeps counts. */
static inline void brn_count(brn_device *dev, uint64_t *what, uint64_t more)
{
    if (dev->queue_count == 1) *what += more;
}

/* One list for declaration and registration. */
#define BRN_BACKEND_LIST(X) X(host) X(cuda) X(opencl) X(vulkan)
#define BRN_BACKEND_DECLARE(id) extern const brn_backend brn_backend_##id;
BRN_BACKEND_LIST(BRN_BACKEND_DECLARE)
#undef BRN_BACKEND_DECLARE

/* The composed forms, for backends without a fused one and for comparing the two in tests. */
brn_status brn_compose_dense_forward(brn_queue *queue, const brn_dense *w, int rows, int kind, float c, brn_mat x,
                                     brn_mat u, brn_mat z, brn_mat q);
brn_status brn_compose_dense_backward(brn_queue *queue, const brn_dense *w, int rows, brn_mat d, brn_mat q, brn_mat y,
                                      bool accumulate);
brn_status brn_compose_dense_grad(brn_queue *queue, const brn_dense *w, int rows, brn_mat x, brn_mat d, brn_buf *grad,
                                  bool with_bias);

#endif
