#include "networks/linear.h"

/* Means and deviations of the three channels of photographs, to which image networks normalise
 * (METHOD: conv potential); pixels are in [-1, 1]. */
static const float MEAN[3] = {.485f, .456f, .406f}, DEVIATION[3] = {.229f, .224f, .225f};

/* Reals of a block of columns: on a host 2 MiB, elsewhere 64 MiB. */
enum { CACHED_BLOCK = 1 << 19, LARGE_BLOCK = 1 << 24, SMALL_TILE = 64 };

static int taps(const brn_conv *k) { return k->channels * k->kernel * k->kernel; }
static int positions(const brn_conv *k) { return k->out_height * k->out_width; }

/* Output positions of a block: whole rows of the image, where one fits. */
static int block_of(const brn_device *dev, const brn_conv *k, int lanes)
{
    const int budget = brn_device_tile_rows(dev, 1) <= SMALL_TILE ? CACHED_BLOCK : LARGE_BLOCK;
    const int fits = budget / lanes / taps(k);
    if (fits >= positions(k)) return positions(k);
    return fits >= k->out_width ? fits / k->out_width * k->out_width : fits < 1 ? 1 : fits;
}

size_t brn_linear_scratch(const brn_device *dev, const brn_net_shape *shape, int lanes)
{
    size_t most = 0;
    for (int l = 0; l < shape->layers; ++l) {
        const brn_conv *k = &shape->layer[l].conv;
        const size_t feats = k->kernel ? (size_t)taps(k) * (size_t)block_of(dev, k, lanes) : 0;
        if (feats > most) most = feats;
    }
    return most;
}

/* A block of output positions and its columns. */
typedef struct {
    const brn_conv *k;
    int first, count, columns;
    brn_mat col;
} block;

static block block_at(const brn_conv *k, const brn_tape *t, int rows, int first, int step)
{
    const int left = positions(k) - first, count = left < step ? left : step;
    return (block){k, first, count, positions(k) == 1 ? rows : count * t->lanes,
                   {t->columns.buf, t->columns.off, taps(k), count * t->lanes}};
}

/* Features (channel, position) x rows as channels x (position, row), from the block's first position on. */
static brn_mat columns_of(const block *b, int channels, brn_mat m)
{
    if (!m.buf) return m;
    return (brn_mat){m.buf, m.off + (size_t)b->first * (size_t)m.ld, channels, positions(b->k) * m.ld};
}

static brn_status gather(brn_queue *q, const block *b, const brn_tape *t, int rows, bool tangent, brn_mat x)
{
    const brn_conv *k = b->k;
    float s[3], shift[3];
    for (int c = 0; c < 3; ++c) s[c] = .5f / DEVIATION[c], shift[c] = (.5f - MEAN[c]) / DEVIATION[c];
    return BRN_LAUNCH(q, im2col, positions(k) == 1 ? rows : t->lanes, taps(k),
                      (.ldx = x.ld, .ldy = b->col.ld, .lanes = t->lanes, .used = rows, .height = k->height, .width = k->width,
                       .side = k->kernel, .stride = k->stride, .pad = k->pad, .out_width = k->out_width, .first = b->first,
                       .count = b->count, .image = k->image, .shift = !tangent, .s0 = s[0], .s1 = s[1], .s2 = s[2],
                       .b0 = shift[0], .b1 = shift[1], .b2 = shift[2]),
                      brn_mat_view(x), brn_mat_view(b->col));
}

/* `lanes`: how far y is written, with zeros past the last row; lines of the image before *done have been written, and are
 * added to. */
static brn_status scatter(brn_queue *q, const block *b, const brn_tape *t, int rows, int lanes, brn_mat y, int *done)
{
    const brn_conv *k = b->k;
    const int last = (b->first + b->count - 1) / k->out_width, reach = last * k->stride - k->pad + k->kernel, fresh = *done;
    const int end = b->first + b->count == positions(k) || reach > k->height ? k->height : reach;
    int top = b->first / k->out_width * k->stride - k->pad;
    if (top > fresh) top = fresh;
    if (top < 0 || b->first == 0) top = 0;
    if (end > fresh) *done = end;
    return BRN_LAUNCH(q, col2im, lanes, k->channels * (end - top),
                      (.ldx = y.ld, .ldy = b->col.ld, .lanes = t->lanes, .used = rows, .height = k->height, .width = k->width,
                       .side = k->kernel, .stride = k->stride, .pad = k->pad, .out_height = k->out_height,
                       .out_width = k->out_width, .first = b->first, .count = b->count, .top = top, .tall = end - top, .fresh = fresh,
                       .image = k->image, .s0 = .5f / DEVIATION[0], .s1 = .5f / DEVIATION[1], .s2 = .5f / DEVIATION[2]),
                      brn_mat_view(b->col), brn_mat_view(y));
}

/* The dense layer of the columns. */
static brn_dense kernel_of(const brn_net *net, int l)
{
    const brn_layer *w = &net->shape.layer[l];
    const int in = brn_layer_rows(w), out = brn_layer_cols(w);
    return (brn_dense){net->used, w->weight, (ptrdiff_t)(w->weight + (size_t)in * (size_t)out), in, out};
}

brn_status brn_linear_forward(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool tangent, int kind, float c,
                              brn_mat x, brn_mat u, brn_mat z, brn_mat q)
{
    const brn_conv *k = &net->shape.layer[l].conv;
    brn_dense w = k->kernel ? kernel_of(net, l) : brn_net_dense(net, l);
    if (tangent) w.bias = -1;
    if (!k->kernel) return brn_dense_forward(queue, &w, rows, kind, c, x, u, z, q);
    const int step = block_of(net->dev, k, t->lanes);
    for (int first = 0; first < positions(k); first += step) {
        const block b = block_at(k, t, rows, first, step);
        BRN_TRY(gather(queue, &b, t, rows, tangent, x));
        BRN_TRY(brn_dense_forward(queue, &w, b.columns, kind, c, b.col, columns_of(&b, w.out, u), columns_of(&b, w.out, z),
                                  columns_of(&b, w.out, q)));
    }
    return BRN_OK;
}

brn_status brn_linear_backward(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool to_x, brn_mat d,
                               brn_mat q, brn_mat y, bool accumulate)
{
    const brn_conv *k = &net->shape.layer[l].conv;
    const brn_dense w = k->kernel ? kernel_of(net, l) : to_x ? brn_net_dense_skip(net, l) : brn_net_dense_hidden(net, l);
    if (!k->kernel) return brn_dense_backward(queue, &w, rows, d, q, y, accumulate);
    const int step = block_of(net->dev, k, t->lanes), lanes = to_x ? rows : t->lanes;
    int done = accumulate ? k->height : 0;
    for (int first = 0; first < positions(k); first += step) {
        const block b = block_at(k, t, rows, first, step);
        BRN_TRY(brn_dense_backward(queue, &w, b.columns, columns_of(&b, w.out, d), (brn_mat){0}, b.col, false));
        BRN_TRY(scatter(queue, &b, t, rows, lanes, y, &done));
    }
    return q.buf ? brn_mat_mul(queue, rows, y, q, y) : BRN_OK;
}

brn_status brn_linear_grad(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool tangent, brn_mat x,
                           brn_mat d, brn_buf *grad)
{
    const brn_conv *k = &net->shape.layer[l].conv;
    const brn_dense w = k->kernel ? kernel_of(net, l) : brn_net_dense(net, l);
    if (!k->kernel) return brn_dense_grad(queue, &w, rows, x, d, grad, !tangent);
    const int step = block_of(net->dev, k, t->lanes);
    for (int first = 0; first < positions(k); first += step) {
        const block b = block_at(k, t, rows, first, step);
        BRN_TRY(gather(queue, &b, t, rows, tangent, x));
        BRN_TRY(brn_dense_grad(queue, &w, b.columns, b.col, columns_of(&b, w.out, d), grad, !tangent));
    }
    return BRN_OK;
}
