#include <brenier/evaluate.h>

#include "core/memory.h"
#include "evaluation/baseline.h"
#include "evaluation/score.h"
#include "evaluation/sinkhorn.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

/* Points and what becomes of them; sinkhorn points are the first of these, against fresh ones. */
typedef struct {
    brn_model *model;
    brn_pair *pair;
    brn_settings settings; /* the model's, with the wanted eval group */
    size_t points, near;   /* of each side; of the Sinkhorn divergence */
    int n;
    bool known;            /* y = T(x) with the true map */
    float *x, *y, *image;  /* [points][n] */
    float *values;         /* [points] */
    float *fresh;          /* [2][near][n] */
    brn_conjugate_row *rows;
} work;

/* Numbers of the samples: points, those of the linear map, fresh ones. */
static uint64_t first_linear(const work *w) { return w->points; }
static uint64_t first_fresh(const work *w) { return w->points + BRN_LINEAR_SAMPLES; }

static void work_free(work *w) { free(w->x), free(w->y), free(w->image), free(w->values), free(w->fresh), free(w->rows); }

static brn_status work_create(work *w, brn_model *model, brn_pair *pair, const brn_settings *settings)
{
    *w = (work){.model = model, .pair = pair, .settings = model->settings, .n = model->n, .known = brn_pair_has_map(pair)};
    if (settings) w->settings.eval = settings->eval;
    BRN_TRY(brn_settings_resolve(&w->settings, w->n));
    w->points = (size_t)w->settings.eval.points;
    w->near = (size_t)w->settings.eval.sinkhorn_points;
    if (w->near > w->points) w->near = w->points;
    const size_t count = w->points * (size_t)w->n;
    BRN_TRY(BRN_ALLOC(&w->x, count, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&w->y, count, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&w->image, count, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&w->values, w->points, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&w->rows, w->points, "evaluation points"));
    return BRN_ALLOC(&w->fresh, 2 * w->near * (size_t)w->n, "evaluation points");
}

static brn_status draw(work *w)
{
    const uint64_t seed = w->settings.eval.seed;
    BRN_TRY(brn_pair_sample(w->pair, BRN_SOURCE, seed, 0, w->points, w->x));
    if (w->known) return brn_pair_map(w->pair, w->x, w->points, w->y);
    return brn_pair_sample(w->pair, BRN_TARGET, seed, 0, w->points, w->y);
}

static double mean(const work *w)
{
    double sum = 0;
    for (size_t r = 0; r < w->points; ++r) sum += w->values[r];
    return sum / (double)w->points;
}

/* Score w->image, the image of one side's points. */
static void score(const work *w, brn_side from, brn_map_scores *s)
{
    const float *x = from == BRN_SOURCE ? w->x : w->y, *truth = from == BRN_SOURCE ? w->y : w->x;
    double *uvp = from == BRN_SOURCE ? &s->l2_uvp_forward : &s->l2_uvp_inverse;
    double *cosine = from == BRN_SOURCE ? &s->cosine_forward : &s->cosine_inverse;
    *uvp = brn_l2_uvp(w->points, w->n, w->image, truth);
    *cosine = brn_cosine(w->points, w->n, x, w->image, truth);
}

/* w->image against as many fresh samples of the side it should look like. */
static brn_status divergence(const work *w, brn_side to, double *value)
{
    BRN_TRY(brn_pair_sample(w->pair, to, w->settings.eval.seed, first_fresh(w), w->near, w->fresh));
    return brn_sinkhorn_divergence(w->near, w->n, w->image, w->fresh, value);
}

static brn_status reference(const work *w, brn_side side, double *value)
{
    BRN_TRY(brn_pair_sample(w->pair, side, w->settings.eval.seed, first_fresh(w), 2 * w->near, w->fresh));
    return brn_sinkhorn_divergence(w->near, w->n, w->fresh, w->fresh + w->near * (size_t)w->n, value);
}

static void count_rows(const work *w, brn_evaluation *e)
{
    e->inverse.total = w->points;
    e->inverse.predicted = w->settings.eval.max_iterations ? 0 : w->points;
    for (size_t r = 0; r < w->points; ++r) {
        e->inverse.not_converged += w->rows[r].stop == BRN_CONJUGATE_MAX_ITERATIONS;
        e->inverse.precision_floor += w->rows[r].stop == BRN_CONJUGATE_PRECISION_FLOOR;
        e->inverse.nonfinite += w->rows[r].stop == BRN_CONJUGATE_NONFINITE;
    }
}

/* The learned map's image of one side's points, and its share of the dual objective: by grad f where f lives, else by the
 * conjugate. */
static brn_status learned(work *w, brn_side from, brn_evaluation *e)
{
    const float *rows = from == BRN_SOURCE ? w->x : w->y;
    if (from == brn_potential_side(&w->model->settings)) {
        BRN_TRY(brn_model_gradient(w->model, rows, w->points, NULL, w->values));
        BRN_TRY(brn_model_gradient(w->model, rows, w->points, w->image, NULL));
    } else {
        const brn_conjugate_settings set = brn_eval_conjugate(&w->settings);
        BRN_TRY(brn_model_argmax(w->model, &set, rows, w->points, false, w->image, w->values, w->rows));
        count_rows(w, e);
    }
    e->dual_objective += mean(w);
    if (w->known) score(w, from, &e->learned);
    return divergence(w, 1 - from, from == BRN_SOURCE ? &e->sinkhorn_forward : &e->sinkhorn_inverse);
}

static brn_status baselines(work *w, brn_evaluation *e)
{
    brn_map_scores *const scores[BRN_BASELINES] = {&e->identity, &e->constant, &e->linear};
    brn_gaussians g;
    brn_status status = brn_gaussians_fit(&g, w->pair, w->settings.eval.seed, first_linear(w));
    for (int kind = 0; kind < BRN_BASELINES && status == BRN_OK; ++kind) {
        if (kind == BRN_MAP_LINEAR && !g.matrix[BRN_SOURCE]) break;
        for (int from = 0; from < 2 && status == BRN_OK; ++from) {
            const float *x = from == BRN_SOURCE ? w->x : w->y;
            status = brn_baseline_map(&g, (brn_baseline)kind, (brn_side)from, w->points, x, w->image);
            if (status == BRN_OK) score(w, (brn_side)from, scores[kind]);
        }
    }
    brn_gaussians_free(&g);
    return status;
}

brn_status brn_evaluate(brn_model *model, brn_pair *pair, const brn_settings *settings, brn_evaluation *evaluation)
{
    const brn_map_scores unknown = {NAN, NAN, NAN, NAN};
    if (model->n != brn_pair_dim(pair))
        return brn_fail(BRN_ERR_USAGE, "the model has dimension %d, pair \"%s\" has %d", model->n, brn_pair_name(pair), brn_pair_dim(pair));
    work w;
    brn_status status;
    BRN_GO(work_create(&w, model, pair, settings));
    brn_evaluation e = {.n = w.n, .points = w.points, .learned = unknown, .identity = unknown, .constant = unknown, .linear = unknown,
                        .sinkhorn_points = w.near};
    BRN_GO(draw(&w));
    BRN_GO(learned(&w, BRN_SOURCE, &e));
    BRN_GO(learned(&w, BRN_TARGET, &e));
    e.w2 = (brn_mean_square(w.points, w.n, w.x) + brn_mean_square(w.points, w.n, w.y)) / 2 - e.dual_objective;
    BRN_GO(brn_evaluate_likelihood(model, pair, settings, 0, &e.likelihood));
    BRN_GO(reference(&w, BRN_TARGET, &e.sinkhorn_reference));
    BRN_GO(reference(&w, BRN_SOURCE, &e.sinkhorn_reference_inverse));
    if (w.known) BRN_GO(baselines(&w, &e));
    *evaluation = e;
done:
    work_free(&w);
    return status;
}
