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

size_t brn_conv_scratch(const brn_device *dev, const brn_conv *k, int lanes) { return (size_t)taps(k) * (size_t)block_of(dev, k, lanes); }

size_t brn_linear_scratch(const brn_device *dev, const brn_net_shape *shape, int lanes)
{
    size_t most = 0;
    for (int l = 0; l < shape->layers; ++l) {
        const brn_conv *k = &shape->layer[l].conv;
        const size_t feats = k->kernel ? brn_conv_scratch(dev, k, lanes) : 0;
        if (feats > most) most = feats;
    }
    return most;
}

/* A block of output positions and its columns. */
typedef struct {
    const brn_conv *k;
    int first, count, lanes, columns;
    brn_mat col;
} block;

static block block_at(const brn_conv *k, brn_mat columns, int rows, int first, int step)
{
    const int left = positions(k) - first, count = left < step ? left : step;
    return (block){k, first, count, columns.ld, positions(k) == 1 ? rows : count * columns.ld, {columns.buf, columns.off, taps(k), count * columns.ld}};
}

/* Features (channel, position) x rows as channels x (position, row), from the block's first position on. */
static brn_mat columns_of(const block *b, int channels, brn_mat m)
{
    if (!m.buf) return m;
    return (brn_mat){m.buf, m.off + (size_t)b->first * (size_t)m.ld, channels, positions(b->k) * m.ld};
}

static brn_status gather(brn_queue *q, const block *b, int rows, bool tangent, brn_mat x)
{
    const brn_conv *k = b->k;
    float s[3], shift[3];
    for (int c = 0; c < 3; ++c) s[c] = .5f / DEVIATION[c], shift[c] = (.5f - MEAN[c]) / DEVIATION[c];
    return BRN_LAUNCH(q, im2col, positions(k) == 1 ? rows : b->lanes, taps(k),
                      (.ldx = x.ld, .ldy = b->col.ld, .lanes = b->lanes, .used = rows, .height = k->height, .width = k->width,
                       .side = k->kernel, .stride = k->stride, .pad = k->pad, .out_width = k->out_width, .first = b->first,
                       .count = b->count, .image = k->image, .shift = !tangent, .s0 = s[0], .s1 = s[1], .s2 = s[2],
                       .b0 = shift[0], .b1 = shift[1], .b2 = shift[2]),
                      brn_mat_view(x), brn_mat_view(b->col));
}

/* `lanes`: how far y is written, with zeros past the last row; lines of the image before *done have been written, and are
 * added to. */
static brn_status scatter(brn_queue *q, const block *b, int rows, int lanes, brn_mat y, int *done)
{
    const brn_conv *k = b->k;
    const int last = (b->first + b->count - 1) / k->out_width, reach = last * k->stride - k->pad + k->kernel, fresh = *done;
    const int end = b->first + b->count == positions(k) || reach > k->height ? k->height : reach;
    int top = b->first / k->out_width * k->stride - k->pad;
    if (top > fresh) top = fresh;
    if (top < 0 || b->first == 0) top = 0;
    if (end > fresh) *done = end;
    return BRN_LAUNCH(q, col2im, lanes, k->channels * (end - top),
                      (.ldx = y.ld, .ldy = b->col.ld, .lanes = b->lanes, .used = rows, .height = k->height, .width = k->width,
                       .side = k->kernel, .stride = k->stride, .pad = k->pad, .out_height = k->out_height,
                       .out_width = k->out_width, .first = b->first, .count = b->count, .top = top, .tall = end - top, .fresh = fresh,
                       .image = k->image, .s0 = .5f / DEVIATION[0], .s1 = .5f / DEVIATION[1], .s2 = .5f / DEVIATION[2]),
                      brn_mat_view(b->col), brn_mat_view(y));
}

brn_status brn_conv_forward(brn_queue *queue, const brn_device *dev, const brn_convolution *conv, brn_mat columns, int rows, bool tangent, int kind,
                            float c, brn_mat x, brn_mat u, brn_mat z, brn_mat q)
{
    const brn_conv *k = &conv->shape;
    const int step = block_of(dev, k, columns.ld), out = conv->kernel.out;
    brn_dense w = conv->kernel;
    if (tangent) w.bias = -1;
    for (int first = 0; first < positions(k); first += step) {
        const block b = block_at(k, columns, rows, first, step);
        BRN_TRY(gather(queue, &b, rows, tangent, x));
        BRN_TRY(brn_dense_forward(queue, &w, b.columns, kind, c, b.col, columns_of(&b, out, u), columns_of(&b, out, z), columns_of(&b, out, q)));
    }
    return BRN_OK;
}

brn_status brn_conv_backward(brn_queue *queue, const brn_device *dev, const brn_convolution *conv, brn_mat columns, int rows, int lanes, brn_mat d,
                             brn_mat q, brn_mat y, bool accumulate)
{
    const brn_conv *k = &conv->shape;
    const int step = block_of(dev, k, columns.ld);
    int done = accumulate ? k->height : 0;
    for (int first = 0; first < positions(k); first += step) {
        const block b = block_at(k, columns, rows, first, step);
        BRN_TRY(brn_dense_backward(queue, &conv->kernel, b.columns, columns_of(&b, conv->kernel.out, d), (brn_mat){0}, b.col, false));
        BRN_TRY(scatter(queue, &b, rows, lanes, y, &done));
    }
    return q.buf ? brn_mat_mul(queue, rows, y, q, y) : BRN_OK;
}

/* ---- layers of networks -------------------------------------------------------------------------- */

static brn_convolution convolution_of(const brn_net *net, int l)
{
    const brn_layer *w = &net->shape.layer[l];
    const int in = brn_layer_rows(w), out = brn_layer_cols(w);
    return (brn_convolution){w->conv, {net->used, w->weight, (ptrdiff_t)(w->weight + (size_t)in * (size_t)out), in, out}};
}

static bool is_convolution(const brn_net *net, int l) { return net->shape.layer[l].conv.kernel > 0; }

brn_status brn_linear_forward(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool tangent, int kind, float c,
                              brn_mat x, brn_mat u, brn_mat z, brn_mat q)
{
    if (is_convolution(net, l)) {
        const brn_convolution k = convolution_of(net, l);
        return brn_conv_forward(queue, net->dev, &k, t->columns, rows, tangent, kind, c, x, u, z, q);
    }
    brn_dense w = brn_net_dense(net, l);
    if (tangent) w.bias = -1;
    return brn_dense_forward(queue, &w, rows, kind, c, x, u, z, q);
}

brn_status brn_linear_backward(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool to_x, brn_mat d,
                               brn_mat q, brn_mat y, bool accumulate)
{
    if (is_convolution(net, l)) {
        const brn_convolution k = convolution_of(net, l);
        return brn_conv_backward(queue, net->dev, &k, t->columns, rows, to_x ? rows : t->lanes, d, q, y, accumulate);
    }
    const brn_dense w = to_x ? brn_net_dense_skip(net, l) : brn_net_dense_hidden(net, l);
    return brn_dense_backward(queue, &w, rows, d, q, y, accumulate);
}

brn_status brn_linear_grad(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool tangent, brn_mat x,
                           brn_mat d, brn_buf *grad)
{
    if (!is_convolution(net, l)) {
        const brn_dense w = brn_net_dense(net, l);
        return brn_dense_grad(queue, &w, rows, x, d, grad, !tangent);
    }
    const brn_convolution conv = convolution_of(net, l);
    const brn_conv *k = &conv.shape;
    const int step = block_of(net->dev, k, t->lanes);
    for (int first = 0; first < positions(k); first += step) {
        const block b = block_at(k, t->columns, rows, first, step);
        BRN_TRY(gather(queue, &b, rows, tangent, x));
        BRN_TRY(brn_dense_grad(queue, &conv.kernel, b.columns, b.col, columns_of(&b, conv.kernel.out, d), grad, !tangent));
    }
    return BRN_OK;
}
