#include "networks/generator.h"

static bool grows(const brn_generator *g, int k) { return k % 2 && k + 1 < g->blocks; }
static int positions(const brn_convolution *c) { return c->shape.height * c->shape.width; }
static int larger(int a, int b) { return a > b ? a : b; }

void brn_generator_lay_out(brn_generator_work *w, brn_carver *c, const brn_device *dev, const brn_generator *g)
{
    int outer = g->start.out, hidden = g->image.kernel.out * positions(&g->image);
    size_t columns = brn_conv_scratch(dev, &g->image.shape, c->lanes);
    for (int k = 0; k < g->blocks; ++k) {
        const brn_convolution *part[2] = {&g->block[k].first, &g->block[k].second};
        outer = larger(outer, part[1]->kernel.out * positions(part[1]) * (grows(g, k) ? 4 : 1));
        hidden = larger(hidden, larger(part[0]->kernel.out, part[1]->kernel.out) * positions(part[0]));
        for (int i = 0; i < 2; ++i) {
            const size_t needed = brn_conv_scratch(dev, &part[i]->shape, c->lanes);
            if (needed > columns) columns = needed;
        }
    }
    w->dev = dev;
    w->input = brn_carve(c, outer);
    w->output = brn_carve(c, outer);
    w->hidden = brn_carve(c, hidden);
    w->columns = brn_carve(c, (int)columns);
}

static const brn_mat NONE = {0};

static brn_status convolve(brn_queue *q, const brn_generator_work *w, const brn_convolution *c, int rows, int kind, brn_mat x, brn_mat y, brn_mat slope)
{
    return brn_conv_forward(q, w->dev, c, w->columns, rows, false, kind, kind == BRN_ACT_LEAKY_RELU ? BRN_GENERATOR_SLOPE : 1, x, NONE, y, slope);
}

/* Channels x (position, lane): the matrix on which a convolution of 1 x 1 is a dense layer. */
static brn_mat as_channels(brn_mat m, int channels, int places) { return (brn_mat){m.buf, m.off, channels, places * m.ld}; }

static brn_status run_block(brn_queue *q, const brn_generator_block *b, const brn_generator_work *w, int rows, brn_mat x, brn_mat y)
{
    const int places = positions(&b->second), feats = b->second.kernel.out * places;
    const brn_mat out = brn_mat_features(y, 0, feats);
    brn_mat beside = brn_mat_features(x, 0, feats);
    BRN_TRY(convolve(q, w, &b->first, rows, BRN_ACT_LEAKY_RELU, x, w->hidden, NONE));
    BRN_TRY(convolve(q, w, &b->second, rows, BRN_ACT_NONE, w->hidden, y, NONE));
    if (b->shortcut.params) {
        beside = brn_mat_features(w->hidden, 0, feats);
        BRN_TRY(brn_dense_forward(q, &b->shortcut, places * x.ld, BRN_ACT_NONE, 0, as_channels(x, b->shortcut.in, places), NONE,
                                  as_channels(beside, b->shortcut.out, places), NONE));
    }
    BRN_TRY(brn_mat_axpby(q, rows, 1, beside, 1, out));
    return brn_mat_activate(q, rows, BRN_ACT_LEAKY_RELU, BRN_GENERATOR_SLOPE, out, out, NONE);
}

static brn_status upsample(brn_queue *q, const brn_convolution *last, int rows, brn_mat x, brn_mat y)
{
    return BRN_LAUNCH(q, upsample, rows, last->kernel.out * last->shape.height, (.ldx = x.ld, .ldy = y.ld, .width = last->shape.width),
                      brn_mat_view(x), brn_mat_view(y));
}

static void swap(brn_mat *a, brn_mat *b)
{
    const brn_mat c = *a;
    *a = *b, *b = c;
}

brn_status brn_generator_forward(brn_queue *q, const brn_generator *g, const brn_generator_work *w, int rows, brn_mat z, brn_mat x)
{
    brn_mat in = w->input, out = w->output;
    BRN_TRY(brn_dense_forward(q, &g->start, rows, BRN_ACT_LEAKY_RELU, BRN_GENERATOR_SLOPE, z, NONE, in, NONE));
    for (int k = 0; k < g->blocks; ++k) {
        BRN_TRY(run_block(q, &g->block[k], w, rows, in, out));
        if (grows(g, k)) BRN_TRY(upsample(q, &g->block[k].second, rows, out, in));
        else swap(&in, &out);
    }
    BRN_TRY(convolve(q, w, &g->image, rows, BRN_ACT_SOFTPLUS, in, w->hidden, out)); /* whose slope is the sigmoid */
    BRN_TRY(brn_mat_fill(q, rows, -1, x));
    return brn_mat_axpby(q, rows, 2, out, 1, x);
}
