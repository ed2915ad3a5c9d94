/* A model as a density: what it gives to samples of either side, through the map that leads to the other. */
#include <brenier/evaluate.h>

#include "core/memory.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

/* A Hessian costs n products: so many numbers, and at least so many rows, are worth it. */
enum { NUMBERS = 1 << 15, LEAST_POINTS = 256 };

/* The model's settings with the wanted eval group. */
static brn_status resolve(const brn_model *model, const brn_pair *pair, const brn_settings *given, brn_settings *settings)
{
    if (model->n != brn_pair_dim(pair))
        return brn_fail(BRN_ERR_USAGE, "the model has dimension %d, pair \"%s\" has %d", model->n, brn_pair_name(pair), brn_pair_dim(pair));
    *settings = model->settings;
    if (given) settings->eval = given->eval;
    return brn_settings_resolve(settings, model->n);
}

/* ---- at given rows ------------------------------------------------------------------------------- */

/* The rows of one side on the other, by the learned map or its inverse. */
static brn_status move(brn_model *model, const brn_settings *settings, brn_side from, const float *rows, size_t count, float *image)
{
    if (from == brn_potential_side(&model->settings)) return brn_model_gradient(model, rows, count, image, NULL);
    const brn_conjugate_settings set = brn_eval_conjugate(settings);
    return brn_model_argmax(model, &set, rows, count, false, image, NULL, NULL);
}

brn_status brn_evaluate_density(brn_model *model, brn_pair *pair, const brn_settings *settings, brn_side side, const float *rows, size_t count,
                                double *log_density, double *error)
{
    const brn_side other = side == BRN_SOURCE ? BRN_TARGET : BRN_SOURCE;
    brn_settings s;
    float *image = NULL;
    double *log_det = NULL;
    size_t numbers;
    brn_status status;
    BRN_GO(resolve(model, pair, settings, &s));
    if (!brn_mul_size(count, (size_t)model->n, &numbers)) return brn_fail(BRN_ERR_USAGE, "%zu rows are too many", count);
    BRN_GO(BRN_ALLOC(&image, numbers, "images of rows"));
    BRN_GO(BRN_ALLOC(&log_det, count, "determinants"));
    BRN_GO(move(model, &s, side, rows, count, image));
    BRN_GO(brn_pair_log_density(pair, other, image, count, log_density));
    const float *x = side == BRN_SOURCE ? rows : image, *y = side == BRN_SOURCE ? image : rows;
    BRN_GO(brn_model_log_det(model, &s.eval.log_det, x, y, count, log_det, error, NULL));
    for (size_t r = 0; r < count; ++r) log_density[r] += side == BRN_SOURCE ? log_det[r] : -log_det[r];
done:
    free(image), free(log_det);
    return status;
}

/* ---- means over samples -------------------------------------------------------------------------- */

typedef struct {
    brn_model *model;
    brn_pair *pair;
    brn_settings settings;
    size_t points;
    float *rows;            /* [points][n] */
    double *learned, *error, *truth; /* [points] */
} work;

static void work_free(work *w) { free(w->rows), free(w->learned); }

static brn_status work_create(work *w, brn_model *model, brn_pair *pair, const brn_settings *settings, size_t count)
{
    *w = (work){.model = model, .pair = pair, .settings = *settings};
    const size_t n = (size_t)model->n, cheap = NUMBERS / n > LEAST_POINTS ? NUMBERS / n : LEAST_POINTS;
    w->points = (size_t)settings->eval.points;
    if (w->points > cheap) w->points = cheap;
    if (count) w->points = count;
    size_t numbers;
    if (!brn_mul_size(w->points, n, &numbers)) return brn_fail(BRN_ERR_USAGE, "%zu rows are too many", w->points);
    BRN_TRY(BRN_ALLOC(&w->rows, numbers, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&w->learned, 3 * w->points, "evaluation points"));
    w->error = w->learned + w->points, w->truth = w->error + w->points;
    return BRN_OK;
}

/* Means over the rows that have a density: of the model's, and of the true one at the same rows. */
static void average(work *w, brn_side side, bool known, brn_likelihood *l)
{
    double learned = 0, truth = 0, squares = 0;
    size_t rows = 0;
    for (size_t r = 0; r < w->points; ++r) {
        if (!isfinite(w->learned[r])) continue;
        learned += w->learned[r], squares += w->error[r] * w->error[r], ++rows;
        if (known) truth += w->truth[r];
    }
    l->indefinite += w->points - rows;
    if (!rows) return;
    l->error = fmax(l->error, sqrt(squares) / (double)rows);
    l->row_error = fmax(l->row_error, sqrt(squares / (double)rows));
    *(side == BRN_SOURCE ? &l->source : &l->target) = learned / (double)rows;
    if (known) *(side == BRN_SOURCE ? &l->source_true : &l->target_true) = truth / (double)rows;
}

/* Of one side's samples, by the density of the other. */
static brn_status one_side(work *w, brn_side side, brn_likelihood *l)
{
    const bool known = brn_pair_has_density(w->pair, side);
    if (!brn_pair_has_density(w->pair, side == BRN_SOURCE ? BRN_TARGET : BRN_SOURCE)) return BRN_OK;
    BRN_TRY(brn_pair_sample(w->pair, side, w->settings.eval.seed, 0, w->points, w->rows));
    BRN_TRY(brn_evaluate_density(w->model, w->pair, &w->settings, side, w->rows, w->points, w->learned, w->error));
    if (known) BRN_TRY(brn_pair_log_density(w->pair, side, w->rows, w->points, w->truth));
    l->points = w->points;
    average(w, side, known, l);
    return BRN_OK;
}

brn_status brn_evaluate_likelihood(brn_model *model, brn_pair *pair, const brn_settings *settings, size_t count, brn_likelihood *likelihood)
{
    brn_settings s;
    work w = {0};
    BRN_TRY(resolve(model, pair, settings, &s));
    brn_likelihood l = {.target = NAN, .target_true = NAN, .source = NAN, .source_true = NAN, .log_det = s.eval.log_det};
    brn_status status = BRN_OK;
    if (brn_pair_has_density(pair, BRN_SOURCE) || brn_pair_has_density(pair, BRN_TARGET)) {
        BRN_GO(work_create(&w, model, pair, &s, count));
        BRN_GO(one_side(&w, BRN_TARGET, &l));
        BRN_GO(one_side(&w, BRN_SOURCE, &l));
    }
    *likelihood = l;
done:
    work_free(&w);
    return status;
}
