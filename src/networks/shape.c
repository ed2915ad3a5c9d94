/* Layouts of the networks: which layers, and where their parameters stand. */
#include "networks/net.h"

#include <stdio.h>
#include <string.h>

/* Every layer's block starts at a multiple of this many reals, so that it may be a view of its own. */
enum { BLOCK = 64 };

static void add_tensor(brn_net_shape *s, int l, const char *what, size_t at, int rows, int cols)
{
    brn_tensor *t = &s->tensor[s->tensors++];
    if (l >= 0) snprintf(t->name, sizeof t->name, "layers.%d.%s", l, what);
    else snprintf(t->name, sizeof t->name, "%s", what);
    t->at = at;
    t->rows = rows;
    t->cols = cols;
}

static size_t take(brn_net_shape *s, size_t count)
{
    size_t at = s->size;
    s->size += (count + BLOCK - 1) / BLOCK * BLOCK;
    return at;
}

static brn_layer *add_layer(brn_net_shape *s, int in, int skip, int out, int kind, float c)
{
    const int l = s->layers++;
    brn_layer *layer = &s->layer[l];
    *layer = (brn_layer){.in = in, .skip = skip, .out = out, .kind = kind, .c = c, .quad = -1, .norm = -1};
    const size_t rows = (size_t)in + (size_t)skip;
    layer->weight = take(s, (rows + 1) * (size_t)out);
    const bool both = in && skip;
    if (in) add_tensor(s, l, both ? "hidden" : "weight", layer->weight, in, out);
    if (skip) add_tensor(s, l, both ? "skip" : "weight", layer->weight + (size_t)in * (size_t)out, skip, out);
    add_tensor(s, l, "bias", layer->weight + rows * (size_t)out, out, 0);
    return layer;
}

static brn_status start(brn_net_shape *s, int n, const brn_widths *hidden)
{
    *s = (brn_net_shape){.n = n, .log_alpha = -1};
    if (n < 1 || n > 1 << 20) return brn_fail(BRN_ERR_USAGE, "dimension %d is out of range", n);
    if (hidden->count < 1 || hidden->count > BRN_LAYERS_MAX)
        return brn_fail(BRN_ERR_USAGE, "%d hidden layers; 1 to %d are possible", hidden->count, BRN_LAYERS_MAX);
    for (int i = 0; i < hidden->count; ++i)
        if (hidden->width[i] < 1 || hidden->width[i] > 1 << 16)
            return brn_fail(BRN_ERR_USAGE, "hidden layer %d has width %d; 1 to 65536 are possible", i + 1, hidden->width[i]);
    return BRN_OK;
}

static void add_quadratic_term(brn_net_shape *s)
{
    s->log_alpha = (ptrdiff_t)take(s, 1);
    add_tensor(s, -1, "log_alpha", (size_t)s->log_alpha, 1, 0);
}

/* The hidden layers of a plain chain. */
static void add_hidden(brn_net_shape *s, int n, const brn_widths *hidden, int kind, float c)
{
    add_layer(s, 0, n, hidden->width[0], kind, c);
    for (int i = 1; i < hidden->count; ++i) add_layer(s, hidden->width[i - 1], 0, hidden->width[i], kind, c);
}

brn_status brn_shape_mlp(brn_net_shape *s, int n, const brn_widths *hidden, int kind, float c, bool last_activation)
{
    BRN_TRY(start(s, n, hidden));
    add_hidden(s, n, hidden, kind, c);
    add_layer(s, hidden->width[hidden->count - 1], 0, 1, last_activation ? kind : BRN_ACT_NONE, c);
    add_quadratic_term(s);
    return BRN_OK;
}

brn_status brn_shape_residual(brn_net_shape *s, int n, const brn_widths *hidden, int kind, float c)
{
    BRN_TRY(start(s, n, hidden));
    add_hidden(s, n, hidden, kind, c);
    add_layer(s, hidden->width[hidden->count - 1], 0, n, BRN_ACT_NONE, 0);
    return BRN_OK;
}

static void make_normalised(brn_net_shape *s, int l)
{
    const int out = s->layer[l].out;
    s->layer[l].norm = (ptrdiff_t)take(s, 2 * (size_t)out);
    add_tensor(s, l, "norm_bias", (size_t)s->layer[l].norm, out, 0);
    add_tensor(s, l, "norm_log_scale", (size_t)s->layer[l].norm + (size_t)out, out, 0);
}

brn_status brn_shape_icnn(brn_net_shape *s, int n, const brn_widths *hidden, int kind, float c, bool last_activation, bool actnorm)
{
    BRN_TRY(start(s, n, hidden));
    add_layer(s, 0, n, hidden->width[0], kind, c);
    for (int i = 1; i <= hidden->count; ++i) {
        const bool last = i == hidden->count;
        brn_layer *layer = add_layer(s, hidden->width[i - 1], n, last ? 1 : hidden->width[i],
                                     last && !last_activation ? BRN_ACT_NONE : kind, c);
        layer->positive = true;
        if (actnorm && !last) make_normalised(s, i);
    }
    s->derived = true;
    add_quadratic_term(s);
    return BRN_OK;
}

brn_status brn_conv_image(int n, int image[static 3])
{
    for (int channels = 1; channels <= 3; channels += 2) {
        int side = 1;
        while (channels * side * side < n) ++side;
        if (channels * side * side != n) continue;
        image[0] = channels, image[1] = image[2] = side;
        return BRN_OK;
    }
    return brn_fail(BRN_ERR_USAGE, "potential.kind=conv: %d numbers a row are no square image of one or three channels", n);
}

/* Channels to channels; in and out count channels x positions. */
static void add_convolution(brn_net_shape *s, const brn_conv *conv, int channels, int kind, float c)
{
    const int in = conv->channels * conv->height * conv->width, l = s->layers++;
    const size_t taps = (size_t)conv->channels * (size_t)(conv->kernel * conv->kernel), out = (size_t)channels;
    s->layer[l] = (brn_layer){.in = l ? in : 0, .skip = l ? 0 : in, .out = channels * conv->out_height * conv->out_width, .kind = kind,
                              .c = c, .weight = take(s, (taps + 1) * out), .quad = -1, .norm = -1, .conv = *conv};
    add_tensor(s, l, "weight", s->layer[l].weight, (int)taps, channels);
    add_tensor(s, l, "bias", s->layer[l].weight + taps * out, channels, 0);
}

brn_status brn_shape_conv(brn_net_shape *s, const int image[static 3], const brn_widths *channels, int kind, float c, bool last_activation)
{
    BRN_TRY(start(s, image[0] * image[1] * image[2], channels));
    brn_conv at = {.channels = image[0], .height = image[1], .width = image[2], .kernel = 4, .stride = 2, .image = image[0] == 3};
    for (int i = 0; i < channels->count; ++i) {
        at.out_height = (at.height + 1) / 2, at.out_width = (at.width + 1) / 2;
        at.pad = (2 * (at.out_height - 1) + 4 - at.height) / 2; /* "same": the larger half behind */
        add_convolution(s, &at, channels->width[i], kind, c);
        at = (brn_conv){.channels = channels->width[i], .height = at.out_height, .width = at.out_width, .kernel = 4, .stride = 2};
    }
    at.kernel = at.height, at.stride = 1, at.out_height = at.out_width = 1;
    add_convolution(s, &at, 1, last_activation ? kind : BRN_ACT_NONE, c);
    add_quadratic_term(s);
    return BRN_OK;
}

brn_status brn_shape_quadratic_icnn(brn_net_shape *s, int n, const int widths[static 3])
{
    const brn_widths hidden = {3, {widths[0], widths[1], widths[2]}};
    BRN_TRY(start(s, n, &hidden));
    for (int i = 0; i < 3; ++i) {
        brn_layer *layer = add_layer(s, i ? widths[i - 1] : 0, n, widths[i], i ? BRN_ACT_CELU : BRN_ACT_NONE, 1);
        layer->quad = (ptrdiff_t)take(s, (size_t)n * (size_t)widths[i]);
        add_tensor(s, i, "quad", (size_t)layer->quad, n, widths[i]);
    }
    add_layer(s, widths[2], 0, 1, BRN_ACT_NONE, 0);
    add_quadratic_term(s);
    return BRN_OK;
}

brn_status brn_shape_patches(brn_net_shape *s, const int image[static 3], int channels, int kernel, int stride, int pad)
{
    BRN_TRY(start(s, image[0] * image[1] * image[2], &(brn_widths){1, {channels}}));
    const brn_conv conv = {.channels = image[0], .height = image[1], .width = image[2], .kernel = kernel, .stride = stride, .pad = pad,
                           .out_height = (image[1] + 2 * pad - kernel) / stride + 1, .out_width = (image[2] + 2 * pad - kernel) / stride + 1};
    add_convolution(s, &conv, channels, BRN_ACT_NONE, 0);
    return BRN_OK;
}

brn_status brn_shape_learned_quadratic(brn_net_shape *s, int n, const int widths[static BRN_QUADRATIC_LAYERS])
{
    BRN_TRY(brn_shape_quadratic_icnn(s, n, widths));
    for (int l = 1; l < s->layers; ++l) s->layer[l].held = BRN_CONVEXITY_PROJECT;
    s->derived = true;
    s->fixed_alpha = BRN_QUADRATIC_ALPHA;
    --s->tensors; /* log_alpha, the last one: its place stays, but nothing is learned there */
    return BRN_OK;
}

/* Keep the hidden weights of an input-convex potential non-negative otherwise than by softplus. */
static void hold(brn_net_shape *s, brn_convexity convexity)
{
    if (convexity == BRN_CONVEXITY_SOFTPLUS) return;
    s->derived = false;
    for (int l = 0; l < s->layers; ++l) {
        s->layer[l].held = s->layer[l].positive ? convexity : BRN_CONVEXITY_SOFTPLUS;
        s->layer[l].positive = false;
        s->derived = s->derived || s->layer[l].norm >= 0;
    }
}

float brn_shape_constant(int kind, double slope, double alpha) { return (float)(kind == BRN_ACT_LEAKY_RELU ? slope : alpha); }

brn_status brn_shape_potential(brn_net_shape *shape, const brn_settings *s, int n, const brn_widths *hidden, int kind, float c, brn_convexity convexity)
{
    const bool last = s->potential.last_activation;
    int image[3];
    switch (s->potential.kind) {
    case BRN_POTENTIAL_MLP: return brn_shape_mlp(shape, n, hidden, kind, c, last);
    case BRN_POTENTIAL_ICNN:
        BRN_TRY(brn_shape_icnn(shape, n, hidden, kind, c, last, s->potential.actnorm));
        hold(shape, convexity);
        return BRN_OK;
    case BRN_POTENTIAL_QUADRATIC: return brn_shape_learned_quadratic(shape, n, hidden->width);
    case BRN_POTENTIAL_CONV: BRN_TRY(brn_conv_image(n, image)); return brn_shape_conv(shape, image, hidden, kind, c, last);
    }
    return brn_fail(BRN_ERR_INTERNAL, "unknown potential %d", (int)s->potential.kind);
}

const brn_tensor *brn_shape_find(const brn_net_shape *s, const char *name)
{
    for (int i = 0; i < s->tensors; ++i)
        if (!strcmp(s->tensor[i].name, name)) return &s->tensor[i];
    return NULL;
}
