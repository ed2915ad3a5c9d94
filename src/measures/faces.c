/* Pairs of the image benchmark from a file, see faces.h. */
#include "measures/faces.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- sizes -------------------------------------------------------------------------------------- */

typedef struct {
    brn_st *st;
    const char *path;
} named_file;

static brn_status sizes_of(void *context, const char *name, int *rank, size_t shape[static 8])
{
    const brn_st_tensor *t = brn_st_find(((named_file *)context)->st, name);
    *rank = t ? t->rank : -1;
    for (int i = 0; t && i < t->rank; ++i) shape[i] = t->shape[i];
    return BRN_OK;
}

static brn_status check(void *context, const char *name, int rank, const size_t *shape)
{
    const named_file *f = context;
    const brn_st_tensor *t = brn_st_find(f->st, name);
    if (!t) return brn_fail(BRN_ERR_INPUT, "%s: tensor \"%s\" is missing", f->path, name);
    bool same = t->rank == rank;
    for (int i = 0; i < rank && same; ++i) same = t->shape[i] == shape[i];
    if (same) return BRN_OK;
    char expected[96] = "", found[192] = "";
    for (int i = 0, at = 0; i < rank; ++i) at += snprintf(expected + at, sizeof expected - (size_t)at, "%s%zu", i ? " x " : "", shape[i]);
    for (int i = 0, at = 0; i < t->rank; ++i) at += snprintf(found + at, sizeof found - (size_t)at, "%s%zu", i ? " x " : "", t->shape[i]);
    return brn_fail(BRN_ERR_INPUT, "%s: \"%s\" has the sizes %s, expected %s", f->path, name, found, expected);
}

/* ---- numbers ------------------------------------------------------------------------------------ */

/* Rows of a file become columns; sixteen at a time, so that neither side leaves the cache. */
static void put(const brn_faces_tensor *t, const float *from, float *theta)
{
    enum { STRIP = 16 };
    const size_t rows = t->shape[0], each = brn_faces_count(t) / rows;
    for (size_t j0 = 0; j0 < each; j0 += STRIP)
        for (size_t o = 0; o < rows; ++o) {
            float *to = theta + t->at + t->first + o % t->rank * (rows / t->rank) + o / t->rank;
            for (size_t j = j0; j < each && j < j0 + STRIP; ++j) to[j * t->columns] = t->factor * from[o * each + j];
        }
}

static brn_status read_tensor(const brn_st *st, const char *path, const brn_faces_tensor *t, float *theta)
{
    const size_t count = brn_faces_count(t);
    float *numbers;
    BRN_TRY(BRN_ALLOC(&numbers, count, "network"));
    brn_status status = brn_st_read_f32(st, t->name, numbers, t->rank_of_shape, t->shape);
    for (size_t i = 0; i < count && t->positive && status == BRN_OK; ++i)
        if (numbers[i] < 0) status = brn_fail(BRN_ERR_INPUT, "%s: \"%s\": entry %zu is %g, expected no negative number", path, t->name, i, numbers[i]);
    if (status == BRN_OK) put(t, numbers, theta);
    free(numbers);
    return status;
}

static brn_status read_owner(const brn_st *st, const char *path, const brn_faces_layout *l, int owner, brn_faces *f, brn_device *dev)
{
    float *theta;
    BRN_TRY(BRN_ALLOC(&theta, l->size[owner], "network"));
    brn_status status = BRN_OK;
    for (int i = 0; i < l->tensors && status == BRN_OK; ++i)
        if (l->tensor[i].owner == owner) status = read_tensor(st, path, &l->tensor[i], theta);
    if (status == BRN_OK) status = brn_buf_create(&f->theta[owner], dev, BRN_REAL, l->size[owner], "network");
    if (status == BRN_OK) status = brn_write_f32(brn_device_queue(dev, 0), (brn_view){f->theta[owner], 0}, theta, l->size[owner]);
    free(theta);
    return status;
}

/* ---- opening ------------------------------------------------------------------------------------ */

/* The networks of the layout, with their buffers. */
static void attach(brn_faces *f, const brn_faces_layout *l)
{
    f->generator = l->generator;
    f->generator.start.params = f->generator.image.kernel.params = f->theta[0];
    for (int k = 0; k < l->generator.blocks; ++k) {
        brn_generator_block *b = &f->generator.block[k];
        b->first.kernel.params = b->second.kernel.params = f->theta[0];
        b->shortcut.params = b->shortcut.out ? f->theta[0] : NULL;
    }
    for (int v = 0; v < BRN_FACES_PARTS; ++v) {
        f->potential[v] = l->potential[v];
        for (int i = 0; i < BRN_CONV_ICNN_INPUTS; ++i) f->potential[v].input[i].kernel.params = f->theta[1 + v];
        for (int i = 0; i < BRN_CONV_ICNN_LAYERS; ++i) f->potential[v].hidden[i].kernel.params = f->theta[1 + v];
    }
}

static brn_status read_number(const brn_st *st, const char *path, const char *name, double least, float *number)
{
    double value;
    BRN_TRY(brn_st_read_f64(st, name, &value, BRN_SHAPE(1)));
    if (!(value >= least && value <= 1e3)) return brn_fail(BRN_ERR_INPUT, "%s: \"%s\" is %g, expected %g to 1000", path, name, value, least);
    *number = (float)value;
    return BRN_OK;
}

brn_status brn_faces_open(brn_faces **out, brn_device *dev, brn_st *st, const char *path)
{
    named_file file = {st, path};
    brn_faces_layout *l = NULL;
    brn_faces *f = NULL;
    brn_status status;
    *out = NULL;
    BRN_GO(BRN_ALLOC(&l, 1, "layout"));
    BRN_GO(brn_faces_lay_out(l, &(brn_faces_source){&file, {path, path, path}, sizes_of, check}));
    BRN_GO(BRN_ALLOC(&f, 1, "networks"));
    f->latents = l->latents, f->side = l->side;
    BRN_GO(read_number(st, path, "alpha.noise", 0, &f->noise));
    BRN_GO(read_number(st, path, "psi.scale", 1e-3, &f->scale));
    for (int owner = 0; owner < BRN_FACES_OWNERS; ++owner) BRN_GO(read_owner(st, path, l, owner, f, dev));
    attach(f, l);
    *out = f;
    f = NULL;
done:
    brn_faces_free(f);
    free(l);
    return status;
}

void brn_faces_free(brn_faces *f)
{
    if (!f) return;
    for (int i = 0; i < BRN_FACES_OWNERS; ++i) brn_buf_free(f->theta[i]);
    free(f);
}

/* ---- drawing ------------------------------------------------------------------------------------ */

/* A few rows at a time: an image is a million numbers on its way. */
brn_status brn_faces_work_create(brn_faces_work *w, brn_device *dev, const brn_faces *f, int lanes)
{
    const int few = brn_device_lanes(dev, 1);
    *w = (brn_faces_work){.lanes = lanes < few ? lanes : few};
    for (int pass = 0; pass < 2; ++pass) {
        const brn_carver from_start = {.memory = w->memory, .lanes = w->lanes};
        brn_carver c = from_start;
        brn_generator_lay_out(&w->generator, &c, dev, &f->generator);
        size_t size = c.used;
        for (int v = 0; v < BRN_FACES_PARTS; ++v) {
            c = from_start;
            brn_conv_icnn_lay_out(&w->potential[v], &c, dev, &f->potential[v]);
            if (c.used > size) size = c.used;
        }
        if (pass == 0) BRN_TRY(brn_buf_create(&w->memory, dev, BRN_REAL, size, "samples"));
    }
    return BRN_OK;
}

void brn_faces_work_free(brn_faces_work *w)
{
    brn_buf_free(w->memory);
    *w = (brn_faces_work){0};
}

static brn_mat from_row(brn_mat m, int row) { return (brn_mat){m.buf, m.off + (size_t)row, m.feats, m.ld}; }
static int part_of(const brn_faces_work *w, int rows, int row) { return rows - row < w->lanes ? rows - row : w->lanes; }

brn_status brn_faces_draw(brn_queue *q, const brn_faces *f, const brn_faces_work *w, int rows, brn_mat z, brn_mat e, brn_mat x)
{
    for (int row = 0; row < rows; row += w->lanes)
        BRN_TRY(brn_generator_forward(q, &f->generator, &w->generator, part_of(w, rows, row), from_row(z, row), from_row(x, row)));
    return brn_mat_axpby(q, rows, f->noise, e, 1, x);
}

brn_status brn_faces_map(brn_queue *q, const brn_faces *f, const brn_faces_work *w, int rows, brn_mat x, brn_mat y)
{
    for (int row = 0; row < rows; row += w->lanes)
        for (int v = 0; v < BRN_FACES_PARTS; ++v)
            BRN_TRY(brn_conv_icnn_gradient(q, &f->potential[v], &w->potential[v], part_of(w, rows, row), f->scale, from_row(x, row), from_row(y, row),
                                           v > 0));
    return brn_mat_axpby(q, rows, BRN_FACES_PARTS * (float)BRN_FACES_STRONG * f->scale, x, 1, y);
}
