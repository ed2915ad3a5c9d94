/* Pairs: opening, and one tile of samples or of the true map. */
#include "core/memory.h"
#include "io/path.h"
#include "measures/kinds.h"

#include <stdlib.h>
#include <string.h>

static brn_status open_named(brn_pair *pair, const brn_settings *s)
{
    if (s->data.source[0] || s->data.target[0]) {
        if (!s->data.source[0] || !s->data.target[0])
            return brn_fail(BRN_ERR_USAGE, "data.%s is missing: data.source and data.target go together", s->data.source[0] ? "target" : "source");
        return brn_pair_open_rows(pair, s);
    }
    if (s->data.standardize == BRN_STANDARDIZE_SCALE)
        return brn_fail(BRN_ERR_USAGE, "data.standardize=scale is for data.source and data.target; pair \"%.200s\" keeps its coordinates", s->data.pair);
    if (brn_has_ending(s->data.pair, ".safetensors")) return brn_pair_open_benchmark(pair, s->data.pair);
    return brn_pair_open_builtin(pair, s->data.pair, s->data.n);
}

brn_status brn_pair_open(brn_pair **out, brn_device *device, const brn_settings *settings)
{
    *out = NULL;
    brn_pair *pair;
    BRN_TRY(BRN_ALLOC(&pair, 1, "pair"));
    pair->dev = device;
    const brn_status status = open_named(pair, settings);
    if (status != BRN_OK) {
        brn_pair_close(pair);
        return status;
    }
    *out = pair;
    return BRN_OK;
}

brn_status brn_pair_shadow(brn_pair **shadow, const brn_pair *pair, brn_device *dry)
{
    BRN_TRY(BRN_ALLOC(shadow, 1, "pair"));
    **shadow = *pair;
    (*shadow)->dev = dry;
    for (int k = 0; k < BRN_POTENTIAL_PARTS; ++k) (*shadow)->psi.part[k].dev = dry;
    for (int k = 0; k < 2; ++k)
        if (pair->side[k].kind == BRN_MEASURE_PATCHES) (*shadow)->side[k].patches.atoms.dev = dry;
    return BRN_OK;
}

static void measure_free(brn_measure *m)
{
    if (m->kind == BRN_MEASURE_MIXTURE) brn_mixture_free(&m->mixture);
    if (m->kind == BRN_MEASURE_ROWS) brn_user_rows_free(&m->rows);
    if (m->kind == BRN_MEASURE_PATCHES) brn_patches_free(&m->patches);
}

void brn_pair_close(brn_pair *pair)
{
    if (!pair) return;
    brn_sampler_free(pair->sampler);
    for (int k = 0; k < 2; ++k) {
        measure_free(&pair->side[k]);
        free(pair->shift[k]);
    }
    brn_buf_free(pair->affine);
    brn_pot_free(&pair->psi);
    brn_faces_free(pair->faces);
    free(pair->name);
    free(pair);
}

int brn_pair_dim(const brn_pair *pair) { return pair->n; }
const char *brn_pair_name(const brn_pair *pair) { return pair->name; }
bool brn_pair_has_map(const brn_pair *pair) { return pair->map != BRN_MAP_UNKNOWN; }
bool brn_pair_of_drawings(const brn_pair *pair) { return pair->drawings; }
const brn_standardization *brn_pair_standardization(const brn_pair *pair)
{
    return pair->standardized ? &pair->standardization : NULL;
}

/* ---- scratch ------------------------------------------------------------------------------------ */

/* Random numbers of one draw, the choice of a component included; 0 where there are none of ours. */
static int latents_of(const brn_pair *pair, int side)
{
    const brn_measure *m = &pair->side[side];
    if (m->kind == BRN_MEASURE_SHAPE2D) return m->shape.latents;
    return m->kind == BRN_MEASURE_MIXTURE ? pair->n + (m->mixture.count > 1) : 0;
}

/* The kernels read generators in blocks of four. */
static size_t generator_size(const brn_pair *pair) { return (size_t)(pair->n + 1 + 3) / 4 * 4; }

bool brn_pair_streams(const brn_pair *pair)
{
    return pair->side[BRN_SOURCE].kind == BRN_MEASURE_ROWS && pair->side[BRN_SOURCE].rows.host;
}

static brn_status create_stages(brn_pair_work *w, const brn_pair *pair, int lanes)
{
    const size_t rows = (size_t)lanes * (size_t)pair->n;
    BRN_TRY(BRN_ALLOC(&w->index, (size_t)lanes, "samples"));
    BRN_TRY(BRN_ALLOC(&w->gathered, rows, "samples"));
    for (int k = 0; k < 4; ++k) BRN_TRY(brn_buf_create(&w->stage[k / 2].buf[k % 2], pair->dev, BRN_REAL, rows, "samples"));
    return BRN_OK;
}

static brn_status create_buffers(brn_pair_work *w, const brn_pair *pair, int lanes)
{
    const int n = pair->n;
    const size_t generators = generator_size(pair);
    brn_device *picker = brn_pair_streams(pair) ? pair->side[BRN_SOURCE].rows.picker : NULL, *chooses = picker ? picker : pair->dev;
    BRN_TRY(brn_buf_create(&w->memory, pair->dev, BRN_REAL, (size_t)(3 * n + 1) * (size_t)lanes, "samples"));
    const brn_mat all = {w->memory, 0, 3 * n + 1, lanes};
    w->latents = brn_mat_features(all, 0, n);
    w->component = brn_mat_features(all, n, n);
    w->source = brn_mat_features(all, 2 * n, n);
    w->value = brn_mat_features(all, 3 * n, 1);
    BRN_TRY(brn_buf_create(&w->which, chooses, BRN_INT, (size_t)lanes, "samples"));
    BRN_TRY(brn_buf_create(&w->no_lattice, chooses, BRN_INT, generators, "lattice"));
    BRN_TRY(brn_zero(brn_device_queue(chooses, 0), (brn_view){w->no_lattice, 0}, generators));
    for (int k = 0; k < 2; ++k) BRN_TRY(brn_buf_create(&w->lattice[k], pair->dev, BRN_INT, generators, "lattice"));
    if (brn_pair_streams(pair)) BRN_TRY(create_stages(w, pair, lanes));
    const brn_measure *source = &pair->side[BRN_SOURCE];
    if (source->kind == BRN_MEASURE_PATCHES)
        BRN_TRY(brn_tape_create(&w->patches, pair->dev, &source->patches.atoms.shape, lanes, BRN_TAPE_FIRST));
    if (pair->faces) return brn_faces_work_create(&w->faces, pair->dev, pair->faces, lanes);
    if (pair->map != BRN_MAP_GRADIENT) return BRN_OK;
    return brn_pot_work_create(&w->psi, &pair->psi, lanes, BRN_TAPE_FIRST);
}

brn_status brn_pair_work_create(brn_pair_work **out, const brn_pair *pair, int lanes)
{
    *out = NULL;
    brn_pair_work *w;
    BRN_TRY(BRN_ALLOC(&w, 1, "samples"));
    w->n = pair->n;
    w->lanes = lanes;
    const brn_status status = create_buffers(w, pair, lanes);
    if (status != BRN_OK) {
        brn_pair_work_free(w);
        return status;
    }
    *out = w;
    return BRN_OK;
}

void brn_pair_work_free(brn_pair_work *w)
{
    if (!w) return;
    brn_pot_work_free(&w->psi);
    brn_faces_work_free(&w->faces);
    brn_tape_free(&w->patches);
    for (int k = 0; k < 2; ++k) brn_buf_free(w->lattice[k]);
    brn_buf_free(w->no_lattice);
    brn_buf_free(w->which);
    brn_buf_free(w->memory);
    for (int k = 0; k < 4; ++k) brn_buf_free(w->stage[k / 2].buf[k % 2]);
    free(w->index), free(w->gathered);
    free(w);
}

/* The generator for a batch size is a function of it alone, so that each queue may find it for itself. */
static brn_status generator_of(const brn_pair *pair, int side, brn_queue *q, brn_pair_work *w, const brn_draw *draw, brn_buf **generator)
{
    const int latents = latents_of(pair, side);
    *generator = w->no_lattice;
    if (draw->sampling != BRN_SAMPLING_LATTICE || latents == 0) return BRN_OK;
    *generator = w->lattice[side];
    if (w->lattice_batch[side] == draw->batch) return BRN_OK;
    int *g;
    BRN_TRY(BRN_ALLOC(&g, generator_size(pair), "lattice"));
    brn_status status = brn_lattice(draw->batch, latents, g);
    if (status == BRN_OK) status = brn_write_int(q, (brn_view){*generator, 0}, g, generator_size(pair));
    if (status == BRN_OK) w->lattice_batch[side] = draw->batch;
    free(g);
    return status;
}

/* ---- tiles -------------------------------------------------------------------------------------- */

static brn_status draw_faces(const brn_faces *f, const brn_tile_draw *t)
{
    const brn_mat z = brn_mat_features(t->work->latents, 0, f->latents);
    BRN_TRY(brn_draw_normals(t, false, z));
    BRN_TRY(brn_draw_normals(t, true, t->work->component));
    return brn_faces_draw(t->q, f, &t->work->faces, t->rows, z, t->work->component, t->out);
}

brn_status brn_pair_draw(const brn_pair *pair, brn_side side, brn_queue *q, brn_pair_work *w, const brn_draw *draw,
                         int row0, int rows, brn_mat out)
{
    const bool pushed = pair->side[side].kind == BRN_MEASURE_PUSHED;
    const brn_side from = pushed ? BRN_SOURCE : side;
    const brn_measure *m = &pair->side[from];
    brn_tile_draw t = {q, w, draw, side, NULL, row0, rows, pushed ? w->source : out};
    BRN_TRY(generator_of(pair, (int)from, q, w, draw, &t.generator));
    if (m->kind == BRN_MEASURE_SHAPE2D) return brn_shape2d_draw(&m->shape, &t);
    if (m->kind == BRN_MEASURE_ROWS) return brn_user_rows_draw(&m->rows, &t);
    if (m->kind == BRN_MEASURE_FACES) BRN_TRY(draw_faces(pair->faces, &t));
    else BRN_TRY(m->kind == BRN_MEASURE_PATCHES ? brn_patches_draw(&m->patches, &t) : brn_mixture_draw(&m->mixture, &t));
    return pushed ? brn_pair_true_map(pair, q, w, rows, w->source, out) : BRN_OK;
}

brn_status brn_pair_send(const brn_pair *pair, brn_side side, brn_queue *q, brn_pair_work *w, const brn_draw *draw, int rows)
{
    const brn_tile_draw t = {q, w, draw, side, w->no_lattice, 0, rows, {0}};
    return brn_pair_streams(pair) ? brn_user_rows_send(&pair->side[side].rows, &t) : BRN_OK;
}

brn_status brn_pair_true_map(const brn_pair *pair, brn_queue *q, brn_pair_work *w, int rows, brn_mat x, brn_mat y)
{
    if (pair->map == BRN_MAP_GRADIENT) return brn_pot_value_grad(q, &pair->psi, &w->psi, rows, x, w->value, y);
    if (pair->map == BRN_MAP_FACES) return brn_faces_map(q, pair->faces, &w->faces, rows, x, y);
    if (pair->map == BRN_MAP_UNKNOWN)
        return brn_fail(BRN_ERR_UNSUPPORTED, "the optimal map of pair \"%s\" is not known", pair->name);
    const brn_dense affine = brn_affine(pair->affine, pair->n, 0);
    return brn_dense_forward(q, &affine, rows, BRN_ACT_NONE, 0, x, (brn_mat){0}, y, (brn_mat){0});
}
