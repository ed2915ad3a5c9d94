/* Devices as the rest of the library sees them: memory, queues, tiles and a small set of operations.
 *
 * A batch of samples is cut into tiles. A tile is a matrix of features x rows, feature-major: element
 * (i, r) stands at off + i * ld + r, so that neighbouring samples are neighbours in memory and fill the
 * vector lanes of a CPU or the threads of a GPU warp alike. How many rows a tile has belongs to the
 * device: 64 on the host, where a thread works a tile to the end while it sits in cache, the whole
 * batch on a GPU.
 *
 * All work is issued through a queue. Calls on one queue take effect in order; queues of one device
 * run side by side. A call may return before its work is done: only brn_read_* waits.
 */
#ifndef BRN_COMPUTE_H
#define BRN_COMPUTE_H

#include "core/error.h"
#include "kernels.h"
#include <brenier/device.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct brn_queue brn_queue;
typedef struct brn_buf brn_buf;

typedef enum { BRN_REAL, BRN_INT } brn_kind; /* element type; the size of a real is the device's */

/** Part of a buffer, from element `off` on. */
typedef struct brn_view {
    brn_buf *buf;
    size_t off;
} brn_view;

/** Features x rows, see above. */
typedef struct brn_mat {
    brn_buf *buf;
    size_t off;
    int feats, ld;
} brn_mat;

static inline brn_view brn_mat_view(brn_mat m) { return (brn_view){m.buf, m.off}; }

/** Rows of features [first, first + count) of a matrix. */
static inline brn_mat brn_mat_features(brn_mat m, int first, int count)
{
    return (brn_mat){m.buf, m.off + (size_t)first * (size_t)m.ld, count, m.ld};
}

/* ---- memory ---------------------------------------------------------------------------------- */

/** Room for `count` elements; contents undefined (NaN on host:strict) unless zeroed. */
brn_status brn_buf_create(brn_buf **buf, brn_device *dev, brn_kind kind, size_t count, const char *what);
void brn_buf_free(brn_buf *buf);
size_t brn_buf_count(const brn_buf *buf);
brn_kind brn_buf_kind(const brn_buf *buf);

/** Copies between host memory and a view; reads wait for all earlier work of the queue. Values are
 *  converted to and from the device's real; a write may be reused by the caller at once. */
brn_status brn_write_f32(brn_queue *q, brn_view to, const float *from, size_t count);
brn_status brn_write_f64(brn_queue *q, brn_view to, const double *from, size_t count);
brn_status brn_write_int(brn_queue *q, brn_view to, const int *from, size_t count);
brn_status brn_read_f32(brn_queue *q, brn_view from, float *to, size_t count);
brn_status brn_read_f64(brn_queue *q, brn_view from, double *to, size_t count);
brn_status brn_read_int(brn_queue *q, brn_view from, int *to, size_t count);

/** Device to device, same kind; the ranges do not overlap. */
brn_status brn_copy(brn_queue *q, brn_view to, brn_view from, size_t count);
/** Set `count` elements to zero. */
brn_status brn_zero(brn_queue *q, brn_view to, size_t count);

/* ---- queues and parallel parts --------------------------------------------------------------- */

int brn_device_queues(const brn_device *dev);
brn_queue *brn_device_queue(brn_device *dev, int i);
int brn_queue_index(const brn_queue *q);

/** Most rows of a tile of samples with so many features, and the lanes (leading dimension) that a tile of
 *  `rows` needs. */
int brn_device_tile_rows(const brn_device *dev, int feats);
int brn_device_lanes(const brn_device *dev, int rows);
/** The device computes in double precision. */
bool brn_device_is_f64(const brn_device *dev);
/** Does the host compute in the device's memory, so that it can take a part of the work without waiting? */
bool brn_device_at_hand(const brn_device *dev);

/** Run fn for items 0..count-1, spread over the device's queues, and wait for the calls (not for the
 *  work, where queues are asynchronous). Results must not depend on which queue takes an item. */
typedef brn_status (*brn_item_fn)(void *context, brn_queue *q, int item);
brn_status brn_parallel(brn_device *dev, int count, brn_item_fn fn, void *context);

/** Hand over what was issued so far, for devices that keep it back until something is read: the device works while
 *  the caller goes on to other things. */
brn_status brn_flush(brn_queue *q);

/** Issue what `body` issues again and again while the int at `counter` exceeds `floor`. The body writes and reads
 *  nothing on the host and issues the same each time; it may be called once for all rounds, or more often. Where the
 *  device itself looks at the counter nobody waits; elsewhere the host does, before each round or after a few: a round
 *  more than needed has to be harmless. */
typedef brn_status (*brn_repeat_fn)(void *context, brn_queue *q);
brn_status brn_repeat(brn_queue *q, brn_view counter, int floor, brn_repeat_fn body, void *context);
/** Does the device look at counters itself? */
bool brn_device_repeats(const brn_device *dev);

/* ---- operations ------------------------------------------------------------------------------ */

/** Run a kernel of shaders/ over `rows` rows (or elements). */
brn_status brn_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats,
                      const brn_view *views, int count);

/* BRN_LAUNCH(q, axpby, rows, feats, (.s = 1, ...), view, view): the members rows and feats are filled
 * in from the arguments. */
#define BRN_UNWRAP(...) __VA_ARGS__
#define BRN_LAUNCH(q, name, rows_, feats_, params_, ...)                                                     \
    brn_launch((q), BRN_K_##name, &(brn_p_##name){.rows = (rows_), .feats = (feats_), BRN_UNWRAP params_},   \
               sizeof(brn_p_##name), (rows_), (feats_), (brn_view[]){__VA_ARGS__},                           \
               (int)(sizeof((brn_view[]){__VA_ARGS__}) / sizeof(brn_view)))

/** C = alpha op(A) op(B) + beta C; row-major, C is m x n, the inner dimension k. */
typedef struct brn_gemm_args {
    bool ta, tb;
    int m, n, k;
    float alpha, beta;
    brn_view a, b, c;
    int lda, ldb, ldc;
} brn_gemm_args;
brn_status brn_gemm(brn_queue *q, const brn_gemm_args *args);

/** Weights W [in][out] (row-major, at params[weight..]) and bias [out] (at params[bias..], < 0: none). */
typedef struct brn_dense {
    brn_buf *params;
    size_t weight;
    ptrdiff_t bias;
    int in, out;
} brn_dense;

/** u = W^T x + b, z = a(u), q = a'(u). Outputs with buf = NULL are not wanted; z is.
 *  `kind` and `c` as in shaders/prelude/activation.h. */
brn_status brn_dense_forward(brn_queue *queue, const brn_dense *w, int rows, int kind, float c, brn_mat x, brn_mat u,
                             brn_mat z, brn_mat q);

/** y = W d, times q by element where q is given; added to y with `accumulate` (then without q). */
brn_status brn_dense_backward(brn_queue *queue, const brn_dense *w, int rows, brn_mat d, brn_mat q, brn_mat y,
                              bool accumulate);

/** Parameter gradient, added at the same offsets of `grad`: W[i][o] += sum_r x[i][r] d[o][r] and,
 *  with with_bias, b[o] += sum_r d[o][r]. Rows are summed in a fixed order. */
brn_status brn_dense_grad(brn_queue *queue, const brn_dense *w, int rows, brn_mat x, brn_mat d, brn_buf *grad,
                          bool with_bias);

#endif
