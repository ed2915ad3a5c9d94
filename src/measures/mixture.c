/* Mixtures of Gaussians. */
#include "core/memory.h"
#include "measures/kinds.h"

#include <stdlib.h>
#include <string.h>

static const brn_mat NONE = {0};

/* Elements of one block, a multiple of 64 so that blocks start at whole vectors. */
static size_t block_size(int n) { return ((size_t)n * (size_t)n + (size_t)n + 63) / 64 * 64; }

brn_dense brn_affine(brn_buf *buf, int n, int k)
{
    const size_t at = (size_t)k * block_size(n);
    return (brn_dense){buf, at, (ptrdiff_t)(at + (size_t)n * (size_t)n), n, n};
}

brn_status brn_affine_create(brn_buf **buf, brn_device *dev, int n, int count, const double *maps, const double *centres)
{
    const size_t d = (size_t)n, block = block_size(n);
    double *host;
    BRN_TRY(BRN_ALLOC(&host, block * (size_t)count, "affine maps"));
    for (size_t k = 0; k < (size_t)count; ++k) {
        for (size_t i = 0; i < d; ++i)
            for (size_t j = 0; j < d; ++j) host[k * block + j * d + i] = maps[(k * d + i) * d + j];
        memcpy(host + k * block + d * d, centres + k * d, d * sizeof *host);
    }
    brn_status status;
    BRN_GO(brn_buf_create(buf, dev, BRN_REAL, block * (size_t)count, "affine maps"));
    BRN_GO(brn_write_f64(brn_device_queue(dev, 0), (brn_view){*buf, 0}, host, block * (size_t)count));
done:
    free(host);
    return status;
}

brn_status brn_mixture_create(brn_mixture *m, brn_device *dev, int n, int count, const double *maps, const double *centres,
                              const double *weights)
{
    *m = (brn_mixture){.count = count};
    BRN_TRY(BRN_ALLOC(&m->host_limits, (size_t)count, "components"));
    brn_limits(weights, (size_t)count, m->host_limits);
    BRN_TRY(brn_buf_create(&m->limits, dev, BRN_INT, (size_t)count, "components"));
    BRN_TRY(brn_write_int(brn_device_queue(dev, 0), (brn_view){m->limits, 0}, m->host_limits, (size_t)count));
    return brn_affine_create(&m->maps, dev, n, count, maps, centres);
}

void brn_mixture_free(brn_mixture *m)
{
    brn_buf_free(m->maps);
    brn_buf_free(m->limits);
    free(m->host_limits);
    *m = (brn_mixture){0};
}

static brn_mat columns(brn_mat m, int first) { return (brn_mat){m.buf, m.off + (size_t)first, m.feats, m.ld}; }

static brn_status apply(const brn_mixture *m, int k, const brn_tile_draw *t, int first, int rows, brn_mat out)
{
    const brn_dense affine = brn_affine(m->maps, t->work->n, k);
    return brn_dense_forward(t->q, &affine, rows, BRN_ACT_NONE, 0, columns(t->work->latents, first), NONE, columns(out, first), NONE);
}

static int component_of(const brn_mixture *m, const brn_latents *l, int row)
{
    const uint32_t word = ((uint32_t)row >> 1) * l->gain + l->shift;
    int k = 0;
    while (k + 1 < m->count && word >= (uint32_t)m->host_limits[k]) ++k;
    return k;
}

/* Antithetic draws visit the components in order, so that a tile falls into few runs of one each. */
static brn_status apply_runs(const brn_mixture *m, const brn_latents *l, const brn_tile_draw *t)
{
    for (int first = 0, end; first < t->rows; first = end) {
        const int k = component_of(m, l, t->row0 + first);
        for (end = first + 1; end < t->rows && component_of(m, l, t->row0 + end) == k;) ++end;
        BRN_TRY(apply(m, k, t, first, end - first, t->out));
    }
    return BRN_OK;
}

/* Otherwise every row chooses: all components are computed and each row keeps its own. */
static brn_status apply_all(const brn_mixture *m, const brn_latents *l, const brn_tile_draw *t)
{
    brn_pair_work *w = t->work;
    BRN_TRY(BRN_LAUNCH(t->q, choose, t->rows, 1, (.count = m->count, .dim = w->n, .row0 = (uint32_t)t->row0, BRN_LATENT_PARAMS(*l)),
                       {t->generator, 0}, {m->limits, 0}, {w->which, 0}));
    BRN_TRY(apply(m, 0, t, 0, t->rows, t->out));
    for (int k = 1; k < m->count; ++k) {
        BRN_TRY(apply(m, k, t, 0, t->rows, w->component));
        BRN_TRY(BRN_LAUNCH(t->q, pick, t->rows, w->n, (.ldx = w->component.ld, .ldy = t->out.ld, .k = k), {w->which, 0},
                           brn_mat_view(w->component), brn_mat_view(t->out)));
    }
    return BRN_OK;
}

brn_status brn_mixture_draw(const brn_mixture *m, const brn_tile_draw *t)
{
    brn_pair_work *w = t->work;
    const brn_latents l = brn_latents_of(t->draw, t->side, w->n);
    BRN_TRY(BRN_LAUNCH(t->q, normal, t->rows, (w->n + 3) / 4, (.ld = w->latents.ld, .dim = w->n, .row0 = (uint32_t)t->row0, BRN_LATENT_PARAMS(l)),
                       {t->generator, 0}, brn_mat_view(w->latents)));
    if (m->count == 1) return apply(m, 0, t, 0, t->rows, t->out);
    return l.gain ? apply_runs(m, &l, t) : apply_all(m, &l, t);
}
