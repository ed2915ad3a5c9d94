#include "networks/trace.h"

/* Weights of a block (half a megabyte in single precision), and of a network from which blocks pay. */
enum { BLOCK_WEIGHTS = 1 << 17, WIDE_WEIGHTS = 1 << 18 };

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

bool brn_shape_is_wide(const brn_net_shape *shape) { return shape->size >= WIDE_WEIGHTS; }

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
