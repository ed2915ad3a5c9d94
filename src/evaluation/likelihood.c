/* A model as a density: what it gives to samples of either side, through the map that leads to the other. */
#include <brenier/evaluate.h>

#include "core/memory.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

/* A Hessian costs n products: so many numbers, and at least so many rows, are worth it. */
enum { NUMBERS = 1 << 15, LEAST_POINTS = 256 };

typedef struct {
    brn_model *model;
    brn_pair *pair;
    brn_settings settings;  /* the model's, with the wanted eval group */
    size_t points;
    float *rows, *image;    /* [points][n] */
    double *log_det, *error, *given, *truth; /* [points] */
} work;

static void work_free(work *w) { free(w->rows), free(w->image), free(w->log_det); }

static brn_status work_create(work *w, brn_model *model, brn_pair *pair, const brn_settings *settings, size_t count)
{
    *w = (work){.model = model, .pair = pair, .settings = model->settings};
    if (settings) w->settings.eval = settings->eval;
    const size_t n = (size_t)model->n, cheap = NUMBERS / n > LEAST_POINTS ? NUMBERS / n : LEAST_POINTS;
    BRN_TRY(brn_settings_resolve(&w->settings, model->n));
    w->points = (size_t)w->settings.eval.points;
    if (w->points > cheap) w->points = cheap;
    if (count) w->points = count;
    size_t numbers;
    if (!brn_mul_size(w->points, n, &numbers)) return brn_fail(BRN_ERR_USAGE, "%zu rows are too many", w->points);
    BRN_TRY(BRN_ALLOC(&w->rows, numbers, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&w->image, numbers, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&w->log_det, 4 * w->points, "evaluation points"));
    w->error = w->log_det + w->points, w->given = w->error + w->points, w->truth = w->given + w->points;
    return BRN_OK;
}

/* The image of w->rows on the other side, by the learned map or its inverse. */
static brn_status move(work *w, brn_side from)
{
    if (from == brn_potential_side(&w->model->settings)) return brn_model_gradient(w->model, w->rows, w->points, w->image, NULL);
    const brn_conjugate_settings set = brn_eval_conjugate(&w->settings);
    return brn_model_argmax(w->model, &set, w->rows, w->points, false, w->image, NULL, NULL);
}

/* Means over the rows that have a density: of the model's, and of the true one at the same rows. */
static void average(work *w, brn_side side, bool known, brn_likelihood *l)
{
    double learned = 0, truth = 0, squares = 0;
    size_t rows = 0;
    for (size_t r = 0; r < w->points; ++r) {
        const double p = w->given[r] + (side == BRN_SOURCE ? w->log_det[r] : -w->log_det[r]);
        if (!isfinite(p)) continue;
        learned += p, squares += w->error[r] * w->error[r], ++rows;
        if (known) truth += w->truth[r];
    }
    l->indefinite += w->points - rows;
    if (!rows) return;
    l->error = fmax(l->error, sqrt(squares) / (double)rows);
    *(side == BRN_SOURCE ? &l->source : &l->target) = learned / (double)rows;
    if (known) *(side == BRN_SOURCE ? &l->source_true : &l->target_true) = truth / (double)rows;
}

/* Of one side's samples, by the density of the other. */
static brn_status one_side(work *w, brn_side side, brn_likelihood *l)
{
    const brn_side other = side == BRN_SOURCE ? BRN_TARGET : BRN_SOURCE;
    const bool known = brn_pair_has_density(w->pair, side);
    if (!brn_pair_has_density(w->pair, other)) return BRN_OK;
    BRN_TRY(brn_pair_sample(w->pair, side, w->settings.eval.seed, 0, w->points, w->rows));
    BRN_TRY(move(w, side));
    const float *x = side == BRN_SOURCE ? w->rows : w->image, *y = side == BRN_SOURCE ? w->image : w->rows;
    BRN_TRY(brn_model_log_det(w->model, NULL, x, y, w->points, w->log_det, w->error, NULL));
    BRN_TRY(brn_pair_log_density(w->pair, other, w->image, w->points, w->given));
    if (known) BRN_TRY(brn_pair_log_density(w->pair, side, w->rows, w->points, w->truth));
    l->points = w->points;
    average(w, side, known, l);
    return BRN_OK;
}

brn_status brn_evaluate_likelihood(brn_model *model, brn_pair *pair, const brn_settings *settings, size_t count, brn_likelihood *likelihood)
{
    brn_likelihood l = {.target = NAN, .target_true = NAN, .source = NAN, .source_true = NAN};
    if (model->n != brn_pair_dim(pair))
        return brn_fail(BRN_ERR_USAGE, "the model has dimension %d, pair \"%s\" has %d", model->n, brn_pair_name(pair), brn_pair_dim(pair));
    work w = {0};
    brn_status status;
    if (brn_pair_has_density(pair, BRN_SOURCE) || brn_pair_has_density(pair, BRN_TARGET)) {
        BRN_GO(work_create(&w, model, pair, settings, count));
        BRN_GO(one_side(&w, BRN_TARGET, &l));
        BRN_GO(one_side(&w, BRN_SOURCE, &l));
    }
    status = BRN_OK;
    *likelihood = l;
done:
    work_free(&w);
    return status;
}
