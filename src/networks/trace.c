#include "networks/trace.h"
#include "core/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Weights of a block, half a megabyte in single precision, and of a network from which blocks pay. Measured with 1 MiB of
 * second-level cache: n = 128 gains a tenth of a step, n = 64 neither gains nor loses. */
enum { BLOCK_WEIGHTS = 1 << 17, WIDE_WEIGHTS = 1 << 17 };

brn_trace brn_tape_trace(const brn_net_shape *shape, const brn_tape *tape, int rows, brn_mat x, brn_mat seed)
{
    brn_trace t = {.rows = rows, .x = x};
    for (int l = 0; l + 1 < shape->layers; ++l) {
        t.z[l] = brn_mat_features(tape->in[l + 1], 0, shape->layer[l].out);
        t.d[l] = tape->a[l];
    }
    t.d[shape->layers - 1] = seed;
    return t;
}

bool brn_shape_is_wide(const brn_net_shape *shape)
{
    for (int l = 0; l < shape->layers; ++l)
        if (shape->layer[l].conv.kernel || shape->layer[l].quad >= 0) return false;
    return shape->size >= WIDE_WEIGHTS;
}

/* Rows [first, end) of layer l: they all see the same input. */
static int cut(const brn_layer *w, int l, int first, int end, brn_weight_block *blocks)
{
    const int most = w->out < BLOCK_WEIGHTS ? BLOCK_WEIGHTS / w->out : 1;
    int count = 0;
    for (; first < end; first += most, ++count)
        if (blocks) blocks[count] = (brn_weight_block){l, first, end - first < most ? end - first : most};
    return count;
}

int brn_shape_blocks(const brn_net_shape *shape, brn_weight_block *blocks)
{
    int count = 0;
    for (int l = 0; l < shape->layers; ++l) {
        const brn_layer *w = &shape->layer[l];
        count += cut(w, l, 0, w->in, blocks ? blocks + count : NULL);
        count += cut(w, l, w->in, w->in + w->skip, blocks ? blocks + count : NULL);
    }
    return count;
}

static brn_dense block_dense(const brn_net *net, const brn_weight_block *b)
{
    brn_dense dense = brn_net_dense(net, b->layer);
    dense.weight += (size_t)b->first * (size_t)dense.out;
    dense.in = b->count;
    return dense;
}

brn_status brn_block_zero(brn_queue *q, const brn_net *net, const brn_weight_block *b, brn_buf *grad)
{
    const brn_dense dense = block_dense(net, b);
    if (b->first == 0) BRN_TRY(brn_zero(q, (brn_view){grad, (size_t)dense.bias}, (size_t)dense.out));
    return brn_zero(q, (brn_view){grad, dense.weight}, (size_t)dense.in * (size_t)dense.out);
}

brn_status brn_block_add(brn_queue *q, const brn_net *net, const brn_weight_block *b, const brn_trace *t, brn_buf *grad)
{
    const int l = b->layer, in = net->shape.layer[l].in;
    const brn_dense dense = block_dense(net, b);
    const brn_mat x = b->first < in ? brn_mat_features(t->z[l - 1], b->first, b->count) : brn_mat_features(t->x, b->first - in, b->count);
    return brn_dense_grad(q, &dense, t->rows, x, t->d[l], grad, b->first == 0);
}

/* ---- of a batch -------------------------------------------------------------------------------- */

/* Copies of a tile. A row alone costs some fortieth of the evaluation it may save, for its features share no cache
 * line, and where the rows stop one by one the last of them will not be in time. */
enum { PIECES_MOST = 4 };

brn_status brn_traces_create(brn_traces *t, const brn_net_shape *shape, const brn_batch *x)
{
    *t = (brn_traces){.shape = shape};
    int feats = 0;
    for (int l = 0; l < shape->layers; ++l) feats += (l + 1 < shape->layers ? 2 : 1) * shape->layer[l].out;
    brn_status status = brn_batch_beside(&t->values, x, feats, "activations");
    if (status == BRN_OK) status = BRN_ALLOC(&t->pieces, (size_t)t->values.tiles, "activations");
    if (status == BRN_OK) status = BRN_ALLOC(&t->missing, (size_t)t->values.tiles, "activations");
    if (status != BRN_OK) brn_traces_free(t);
    else brn_traces_forget(t);
    return status;
}

void brn_traces_free(brn_traces *t)
{
    brn_batch_free(&t->values);
    free(t->pieces), free(t->missing);
    *t = (brn_traces){0};
}

void brn_traces_forget(brn_traces *t)
{
    for (int i = 0; i < t->values.tiles; ++i) {
        atomic_store(&t->pieces[i], 0);
        atomic_store(&t->missing[i], brn_batch_rows(&t->values, i));
    }
}

bool brn_traces_complete(const brn_traces *t, int i) { return atomic_load(&t->missing[i]) == 0; }

brn_trace brn_traces_tile(const brn_traces *t, int i, brn_mat x)
{
    brn_trace trace = {.rows = brn_batch_rows(&t->values, i), .x = x};
    const brn_mat all = brn_batch_tile(&t->values, i);
    const int hidden = t->shape->layers - 1;
    int at = 0;
    for (int l = 0; l < hidden; ++l) trace.z[l] = brn_mat_features(all, at, t->shape->layer[l].out), at += t->shape->layer[l].out;
    for (int l = 0; l <= hidden; ++l) trace.d[l] = brn_mat_features(all, at, t->shape->layer[l].out), at += t->shape->layer[l].out;
    return trace;
}

/* The matrix from lane `lane` on. */
static brn_mat from_lane(brn_mat m, int lane) { return (brn_mat){m.buf, m.off + (size_t)lane, m.feats, m.ld}; }

static brn_status copy_rows(brn_queue *q, const brn_traces *t, float s, const brn_trace *from, int lane, int row, int count)
{
    const int at = row % t->values.tile_rows;
    const brn_trace to = brn_traces_tile(t, row / t->values.tile_rows, from->x);
    for (int l = 0; l < t->shape->layers; ++l) {
        if (to.z[l].buf) BRN_TRY(brn_mat_copy(q, count, from_lane(from->z[l], lane), from_lane(to.z[l], at)));
        BRN_TRY(brn_mat_axpby(q, count, s, from_lane(from->d[l], lane), 0, from_lane(to.d[l], at)));
    }
    return BRN_OK;
}

brn_status brn_traces_put(brn_queue *q, brn_traces *t, float s, const brn_trace *from, int lane, int row, int count)
{
    const int tile = row / t->values.tile_rows;
    if (atomic_fetch_add(&t->pieces[tile], 1) >= PIECES_MOST) return BRN_OK;
    BRN_TRY(copy_rows(q, t, s, from, lane, row, count));
    atomic_fetch_sub(&t->missing[tile], count);
    return BRN_OK;
}

brn_status brn_traces_fill(brn_queue *q, const brn_traces *t, float s, const brn_trace *from, int i)
{
    return copy_rows(q, t, s, from, 0, brn_batch_first(&t->values, i), brn_batch_rows(&t->values, i));
}
