/* Making models: networks from settings, start values, standardisation. */
#include "model/model.h"
#include "core/memory.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Philox streams of the start values, far from each other: a network takes one per layer. */
enum { STREAM_POTENTIAL = 0x10000, STREAM_AMORTIZER = 0x20000 };

brn_status brn_potential_shape(brn_net_shape *shape, const brn_settings *s, int n)
{
    const float c = brn_shape_constant(s->potential.activation, s->potential.slope, s->potential.alpha);
    return brn_shape_potential(shape, s, n, &s->potential.hidden, s->potential.activation, c, s->potential.convexity);
}

void brn_model_free(brn_model *m)
{
    if (!m) return;
    brn_pot_free(&m->f);
    brn_buf_free(m->averaged);
    brn_amortizer_free(&m->h);
    free(m->shift[BRN_SOURCE]), free(m->shift[BRN_TARGET]), free(m->start);
    free(m);
}

brn_status brn_model_standardize(brn_model *m, const brn_standardization *std)
{
    double *shift[2] = {NULL, NULL};
    if (std && !(std->scale > 0 && isfinite(std->scale)))
        return brn_fail(BRN_ERR_INPUT, "standardisation: the scale is %g, expected a positive number", std->scale);
    for (int side = 0; std && side < 2; ++side) {
        brn_status status = BRN_ALLOC(&shift[side], (size_t)m->n, "standardisation");
        if (status != BRN_OK) {
            free(shift[BRN_SOURCE]);
            return status;
        }
        memcpy(shift[side], std->shift[side], (size_t)m->n * sizeof **shift);
    }
    for (int side = 0; side < 2; ++side) {
        free(m->shift[side]);
        m->shift[side] = shift[side];
    }
    m->standardized = std != NULL;
    m->scale = std ? std->scale : 1;
    return BRN_OK;
}

void brn_model_standardized_rows(const brn_model *m, brn_side side, size_t rows, const float *raw, float *x)
{
    const size_t n = (size_t)m->n;
    for (size_t r = 0; r < rows; ++r)
        for (size_t i = 0; i < n; ++i) x[r * n + i] = m->standardized ? (float)((raw[r * n + i] - m->shift[side][i]) / m->scale) : raw[r * n + i];
}

brn_status brn_model_set_starts(brn_model *m, const float *rows, size_t count)
{
    float *start = NULL;
    if (count) {
        BRN_TRY(BRN_ALLOC(&start, count * (size_t)m->n, "samples to start at"));
        memcpy(start, rows, count * (size_t)m->n * sizeof *start);
    }
    free(m->start);
    m->start = start;
    m->starts = count;
    return BRN_OK;
}

static brn_status make_networks(brn_model *m)
{
    brn_net_shape shape;
    BRN_TRY(brn_potential_shape(&shape, &m->settings, m->n));
    m->f = (brn_pot){.parts = 1, .scale = 1};
    BRN_TRY(brn_net_create(&m->f.part[0], m->dev, &shape));
    if (m->settings.train.averaging > 0) {
        BRN_TRY(brn_buf_create(&m->averaged, m->dev, BRN_REAL, shape.size, "averaged parameters"));
        BRN_TRY(brn_zero(brn_device_queue(m->dev, 0), (brn_view){m->averaged, 0}, shape.size));
    }
    return brn_amortizer_create(&m->h, m->dev, &m->settings, m->n);
}

brn_status brn_model_new(brn_model **model, brn_device *dev, const brn_settings *settings, int n,
                         const brn_standardization *standardization, const char *pair)
{
    brn_model *m;
    *model = NULL;
    BRN_TRY(BRN_ALLOC(&m, 1, "model"));
    m->dev = dev;
    m->settings = *settings;
    m->n = n;
    snprintf(m->pair, sizeof m->pair, "%s", pair);
    brn_status status = brn_model_standardize(m, standardization);
    if (status == BRN_OK) status = make_networks(m);
    if (status != BRN_OK) {
        brn_model_free(m);
        return status;
    }
    *model = m;
    return BRN_OK;
}

brn_status brn_model_start(brn_model *m)
{
    const bool identity = m->settings.train.start == BRN_START_IDENTITY;
    brn_net *f = &m->f.part[0], *h = brn_amortizer_net(&m->h);
    /* nothing makes a quadratic potential the identity but pretraining, from a random start */
    BRN_TRY(brn_net_init(f, m->settings.seed, STREAM_POTENTIAL, identity && m->settings.potential.kind != BRN_POTENTIAL_QUADRATIC));
    if (h) BRN_TRY(brn_net_init(h, m->settings.seed, STREAM_AMORTIZER, identity));
    if (!m->averaged) return BRN_OK;
    return brn_copy(brn_device_queue(m->dev, 0), (brn_view){m->averaged, 0}, (brn_view){f->theta, 0}, f->shape.size);
}

brn_status brn_model_create(brn_model **model, brn_device *dev, const brn_settings *settings, const brn_pair *pair)
{
    BRN_TRY(brn_model_new(model, dev, settings, brn_pair_dim(pair), brn_pair_standardization(pair), brn_pair_name(pair)));
    const brn_status status = brn_model_start(*model);
    if (status == BRN_OK) return BRN_OK;
    brn_model_free(*model);
    *model = NULL;
    return status;
}

brn_status brn_model_evaluated(const brn_model *m, brn_net *spare, brn_pot *view)
{
    *view = m->f;
    if (!m->averaged) return BRN_OK;
    brn_queue *q = brn_device_queue(m->dev, 0);
    if (!spare->theta) BRN_TRY(brn_net_create(spare, m->dev, &m->f.part[0].shape));
    BRN_TRY(brn_copy(q, (brn_view){spare->theta, 0}, (brn_view){m->averaged, 0}, spare->shape.size));
    BRN_TRY(brn_net_prepare(spare, q));
    view->part[0] = *spare;
    return BRN_OK;
}

brn_conjugate_settings brn_eval_conjugate(const brn_settings *s)
{
    brn_conjugate_settings c = s->conjugate;
    c.gtol = s->eval.gtol;
    c.max_evaluations = s->eval.max_evaluations;
    c.max_iterations = s->eval.max_iterations;
    if (c.min_iterations > c.max_iterations) c.min_iterations = c.max_iterations;
    return c;
}

int brn_model_dim(const brn_model *m) { return m->n; }
const brn_settings *brn_model_settings(const brn_model *m) { return &m->settings; }
