/* Which tensors a pair of the image benchmark has, and where their numbers stand on a device. */
#include "measures/faces.h"

#include <stdarg.h>
#include <stdio.h>

/* Of a size, of the numbers of an image at any depth, of a kernel's side. */
enum { MOST = 1 << 16, MOST_FEATURES = 1 << 22, MOST_KERNEL = 16, BLOCK = 64 };

typedef struct {
    brn_faces_layout *l;
    const brn_faces_source *source;
    int owner;
} builder;

static const char *path_of(const builder *b) { return b->source->path[b->owner]; }

/* Size `axis` of a tensor that has to be there, with this rank. */
static brn_status size_of(const builder *b, const char *name, int rank, int axis, int *size)
{
    size_t shape[8];
    int found;
    *size = 0;
    BRN_TRY(b->source->sizes(b->source->context, name, &found, shape));
    if (found < 0) return b->source->check(b->source->context, name, rank, (const size_t[4]){1, 1, 1, 1}); /* under its own name */
    if (found != rank) return brn_fail(BRN_ERR_INPUT, "%s: %s has %d dimensions, expected %d", path_of(b), name, found, rank);
    if (shape[axis] < 1 || shape[axis] > MOST)
        return brn_fail(BRN_ERR_INPUT, "%s: %s has size %zu, expected 1 to %d", path_of(b), name, shape[axis], MOST);
    *size = (int)shape[axis];
    return BRN_OK;
}

/* A tensor that is there with these sizes. */
__attribute__((format(printf, 3, 4))) static brn_status add(builder *b, brn_faces_tensor t, const char *format, ...)
{
    brn_faces_layout *l = b->l;
    va_list args;
    va_start(args, format);
    vsnprintf(t.name, sizeof t.name, format, args);
    va_end(args);
    if (l->tensors == BRN_FACES_TENSORS) return brn_fail(BRN_ERR_INTERNAL, "%s: too many tensors", path_of(b));
    BRN_TRY(b->source->check(b->source->context, t.name, t.rank_of_shape, t.shape));
    t.owner = b->owner;
    if (!t.rank) t.rank = 1;
    if (t.factor == 0) t.factor = 1;
    l->tensor[l->tensors++] = t;
    return BRN_OK;
}

static size_t take(builder *b, size_t count)
{
    const size_t at = b->l->size[b->owner];
    b->l->size[b->owner] += (count + BLOCK - 1) / BLOCK * BLOCK;
    return at;
}

static brn_dense place(builder *b, size_t in, size_t out, bool bias)
{
    const size_t at = take(b, (in + bias) * out);
    return (brn_dense){NULL, at, bias ? (ptrdiff_t)(at + in * out) : -1, (int)in, (int)out};
}

/* channels -> out: a kernel of side k on images of `side`. */
static brn_status convolution(builder *b, brn_convolution *c, int channels, int out, int side, int k, int stride, int pad, bool bias)
{
    const int out_side = (side + 2 * pad - k) / stride + 1;
    if (k > MOST_KERNEL || (long)channels * side * side > MOST_FEATURES || (long)out * out_side * out_side > MOST_FEATURES)
        return brn_fail(BRN_ERR_INPUT, "%s: layers of %d x %d x %d and %d x %d x %d numbers under kernels of %d; at most 2^22 and %d are possible", path_of(b),
                        channels, side, side, out, out_side, out_side, k, MOST_KERNEL);
    c->shape = (brn_conv){.channels = channels, .height = side, .width = side, .kernel = k, .stride = stride, .pad = pad, .out_height = out_side, .out_width = out_side};
    c->kernel = place(b, (size_t)channels * (size_t)(k * k), (size_t)out, bias);
    return BRN_OK;
}

static brn_faces_tensor kernel_of(const brn_convolution *c)
{
    const size_t k = (size_t)c->shape.kernel, out = (size_t)c->kernel.out;
    return (brn_faces_tensor){.rank_of_shape = 4, .shape = {out, (size_t)c->shape.channels, k, k}, .at = c->kernel.weight, .columns = out};
}

static brn_faces_tensor matrix_of(const brn_dense *w)
{
    return (brn_faces_tensor){.rank_of_shape = 2, .shape = {(size_t)w->out, (size_t)w->in}, .at = w->weight, .columns = (size_t)w->out};
}

static brn_faces_tensor bias_of(const brn_dense *w)
{
    return (brn_faces_tensor){.rank_of_shape = 1, .shape = {(size_t)w->out}, .at = (size_t)w->bias, .columns = (size_t)w->out};
}

/* ---- the generator ------------------------------------------------------------------------------ */

static brn_status add_block(builder *b, int k, int *channels, int side)
{
    brn_generator_block *block = &b->l->generator.block[k];
    char name[40];
    int hidden, out;
    snprintf(name, sizeof name, "alpha.block.%d.first.weight", k);
    BRN_TRY(size_of(b, name, 4, 0, &hidden));
    snprintf(name, sizeof name, "alpha.block.%d.second.weight", k);
    BRN_TRY(size_of(b, name, 4, 0, &out));
    BRN_TRY(convolution(b, &block->first, *channels, hidden, side, 3, 1, 1, true));
    BRN_TRY(convolution(b, &block->second, hidden, out, side, 3, 1, 1, true));
    BRN_TRY(add(b, kernel_of(&block->first), "alpha.block.%d.first.weight", k));
    BRN_TRY(add(b, bias_of(&block->first.kernel), "alpha.block.%d.first.bias", k));
    BRN_TRY(add(b, kernel_of(&block->second), "alpha.block.%d.second.weight", k));
    BRN_TRY(add(b, bias_of(&block->second.kernel), "alpha.block.%d.second.bias", k));
    if (out != *channels) {
        block->shortcut = place(b, (size_t)*channels, (size_t)out, false);
        BRN_TRY(add(b, matrix_of(&block->shortcut), "alpha.block.%d.shortcut.weight", k));
    }
    *channels = out;
    return BRN_OK;
}

static brn_status count_blocks(const builder *b, int *blocks)
{
    size_t shape[8];
    int rank = 0;
    for (*blocks = 0; *blocks <= BRN_GENERATOR_BLOCKS; ++*blocks) {
        char name[40];
        snprintf(name, sizeof name, "alpha.block.%d.first.weight", *blocks);
        BRN_TRY(b->source->sizes(b->source->context, name, &rank, shape));
        if (rank < 0) break;
    }
    if (*blocks >= 2 && *blocks % 2 == 0 && *blocks <= BRN_GENERATOR_BLOCKS) return BRN_OK;
    return brn_fail(BRN_ERR_INPUT, "%s: a generator of %d blocks or more, expected 2, 4, ..., or %d", path_of(b), *blocks, BRN_GENERATOR_BLOCKS);
}

static brn_status add_generator(builder *b)
{
    brn_generator *g = &b->l->generator;
    int rows, channels, side = 1;
    BRN_TRY(count_blocks(b, &g->blocks));
    BRN_TRY(size_of(b, "alpha.start.weight", 2, 0, &rows));
    BRN_TRY(size_of(b, "alpha.start.weight", 2, 1, &b->l->latents));
    BRN_TRY(size_of(b, "alpha.block.0.first.weight", 4, 1, &channels));
    while (channels * side * side < rows) ++side;
    if (channels * side * side != rows)
        return brn_fail(BRN_ERR_INPUT, "%s: a generator that starts with %d numbers, expected square images of %d channels", path_of(b), rows, channels);
    g->start = place(b, (size_t)b->l->latents, (size_t)rows, true);
    BRN_TRY(add(b, matrix_of(&g->start), "alpha.start.weight"));
    BRN_TRY(add(b, bias_of(&g->start), "alpha.start.bias"));
    for (int k = 0; k < g->blocks; ++k) {
        BRN_TRY(add_block(b, k, &channels, side));
        if (k % 2 && k + 1 < g->blocks) side *= 2;
    }
    BRN_TRY(convolution(b, &g->image, channels, BRN_GENERATOR_CHANNELS, side, 3, 1, 1, true));
    brn_faces_tensor t[2] = {kernel_of(&g->image), bias_of(&g->image.kernel)};
    t[0].factor = t[1].factor = 2; /* see generator.h */
    BRN_TRY(add(b, t[0], "alpha.image.weight"));
    BRN_TRY(add(b, t[1], "alpha.image.bias"));
    b->l->side = side;
    return BRN_OK;
}

/* ---- a network ---------------------------------------------------------------------------------- */

static brn_status add_input(builder *b, int i, int channels, int rank)
{
    static const struct { int kernel, stride, pad; } geometry[BRN_CONV_ICNN_INPUTS] = {{4, 2, 1}, {7, 4, 2}};
    brn_convolution *c = &b->l->potential[b->owner - 1].input[i];
    const size_t out = (size_t)channels, r = (size_t)rank;
    BRN_TRY(convolution(b, c, BRN_GENERATOR_CHANNELS, channels * (rank + 1), b->l->side, geometry[i].kernel, geometry[i].stride, geometry[i].pad, false));
    brn_faces_tensor quad = kernel_of(c), lin = quad;
    quad.shape[0] = r * out, quad.rank = r;
    lin.shape[0] = out, lin.first = r * out;
    BRN_TRY(add(b, quad, "psi.v%d.input.%d.quad", b->owner, i));
    return add(b, lin, "psi.v%d.input.%d.lin", b->owner, i);
}

static brn_status add_hidden(builder *b, int i, int in, int out, int side, int kernel)
{
    brn_convolution *c = &b->l->potential[b->owner - 1].hidden[i];
    const bool last = i + 1 == BRN_CONV_ICNN_LAYERS;
    BRN_TRY(convolution(b, c, in, out, side, kernel, last ? 1 : 2, last ? 0 : 1, true));
    brn_faces_tensor t = kernel_of(c);
    t.positive = true;
    BRN_TRY(add(b, t, "psi.v%d.hidden.%d.weight", b->owner, i));
    return add(b, bias_of(&c->kernel), "psi.v%d.hidden.%d.bias", b->owner, i);
}

static brn_status add_potential(builder *b)
{
    brn_conv_icnn *f = &b->l->potential[b->owner - 1];
    const int side = b->l->side;
    int channels[BRN_CONV_ICNN_LAYERS], quads, kernel;
    char name[40];
    snprintf(name, sizeof name, "psi.v%d.input.0.lin", b->owner);
    BRN_TRY(size_of(b, name, 4, 0, &channels[0]));
    for (int i = 1; i < BRN_CONV_ICNN_LAYERS; ++i) {
        snprintf(name, sizeof name, "psi.v%d.hidden.%d.weight", b->owner, i - 1);
        BRN_TRY(size_of(b, name, 4, 0, &channels[i]));
    }
    snprintf(name, sizeof name, "psi.v%d.hidden.3.weight", b->owner);
    BRN_TRY(size_of(b, name, 4, 2, &kernel));
    snprintf(name, sizeof name, "psi.v%d.input.0.quad", b->owner);
    BRN_TRY(size_of(b, name, 4, 0, &quads));
    if (quads % channels[0])
        return brn_fail(BRN_ERR_INPUT, "%s: %d squared terms of %d channels, expected a multiple", path_of(b), quads, channels[0]);
    if (side != 16 * kernel)
        return brn_fail(BRN_ERR_INPUT, "%s: a potential of images of %d x %d, a generator of images of %d x %d; expected one size", path_of(b),
                        16 * kernel, 16 * kernel, side, side);
    f->rank = quads / channels[0];
    for (int i = 0; i < BRN_CONV_ICNN_INPUTS; ++i) BRN_TRY(add_input(b, i, channels[i], f->rank));
    for (int i = 0; i < BRN_CONV_ICNN_LAYERS; ++i)
        BRN_TRY(add_hidden(b, i, channels[i], i + 1 < BRN_CONV_ICNN_LAYERS ? channels[i + 1] : 1, side >> (i + 1), i + 1 < BRN_CONV_ICNN_LAYERS ? 4 : kernel));
    return BRN_OK;
}

brn_status brn_faces_lay_out(brn_faces_layout *l, const brn_faces_source *source)
{
    *l = (brn_faces_layout){0};
    builder b = {.l = l, .source = source};
    BRN_TRY(add_generator(&b));
    for (b.owner = 1; b.owner < BRN_FACES_OWNERS; ++b.owner) BRN_TRY(add_potential(&b));
    if (l->latents > BRN_GENERATOR_CHANNELS * l->side * l->side)
        return brn_fail(BRN_ERR_INPUT, "%s: a generator of %d latents for images of %d x %d", source->path[0], l->latents, l->side, l->side);
    for (int i = 0; i < BRN_FACES_OWNERS; ++i)
        if (l->size[i] > (size_t)1 << 30) return brn_fail(BRN_ERR_INPUT, "%s: a network of %zu numbers; at most 2^30 are possible", source->path[i], l->size[i]);
    return BRN_OK;
}
