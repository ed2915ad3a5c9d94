#include "core/clock.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "evaluation/starts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double REFERENCE_GTOL = 1e-9;
enum { REFERENCE_ITERATIONS = 2000, REFERENCE_HISTORY = 20, REFERENCE_TRIALS = 60 };

/* ---- life ---------------------------------------------------------------------------------------- */

static void place_free(brn_study_place *p)
{
    for (int i = 0; i < p->works; ++i) {
        if (p->f_work) brn_pot_work_free(&p->f_work[i]);
        if (p->h_work) brn_amortizer_work_free(&p->h_work[i]);
    }
    free(p->f_work), free(p->h_work);
    brn_batch *const batches[] = {&p->y, &p->x, &p->value};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; ++i) brn_batch_free(batches[i]);
    for (int k = 0; k < BRN_STUDY_STARTS; ++k) brn_batch_free(&p->start[k]);
    brn_net_free(&p->spare);
}

static brn_status copy_batch(const brn_batch *from, brn_batch *to)
{
    return brn_copy(brn_device_queue(to->dev, 0), (brn_view){to->buf, 0}, (brn_view){from->buf, 0}, brn_buf_count(to->buf));
}

static brn_status place_create(brn_study_place *p, brn_model *model, const float *y, int rows)
{
    p->model = model;
    BRN_TRY(brn_model_evaluated(model, &p->spare, &p->f));
    BRN_TRY(brn_batch_create(&p->y, model->dev, model->n, rows, "rows"));
    BRN_TRY(brn_batch_create(&p->x, model->dev, model->n, rows, "rows"));
    BRN_TRY(brn_batch_beside(&p->value, &p->x, 1, "values"));
    p->works = brn_device_queues(model->dev);
    BRN_TRY(BRN_ALLOC(&p->f_work, (size_t)p->works, "study"));
    BRN_TRY(BRN_ALLOC(&p->h_work, (size_t)p->works, "study"));
    for (int i = 0; i < p->works; ++i) {
        BRN_TRY(brn_pot_work_create(&p->f_work[i], &p->f, p->x.lanes, BRN_TAPE_FIRST));
        BRN_TRY(brn_amortizer_work_create(&p->h_work[i], &model->h, p->x.lanes));
    }
    BRN_TRY(brn_batch_write(&p->y, y));
    return brn_study_place_starts(p);
}

void brn_study_free(brn_study *s)
{
    if (!s) return;
    place_free(&s->at), place_free(&s->exact);
    free(s->y), free(s->x), free(s->best), free(s->found), free(s->least), free(s->objective), free(s->numbers), free(s->gradient);
    free(s);
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static double quantile(const double *sorted, int count, double share) { return sorted[(int)(share * (count - 1) + .5)]; }

/* Sorts the values; those that are not finite come last and are left out. */
static brn_study_spread spread_of(double *values, int count)
{
    brn_study_spread s = {0};
    int finite = 0;
    for (int i = 0; i < count; ++i)
        if (isfinite(values[i])) values[finite++] = values[i];
    if (!finite) return (brn_study_spread){NAN, NAN, NAN, NAN, NAN};
    for (int i = 0; i < finite; ++i) s.mean += values[i] / finite;
    qsort(values, (size_t)finite, sizeof *values, brn_ascending);
    s.median = quantile(values, finite, .5), s.p90 = quantile(values, finite, .9), s.p99 = quantile(values, finite, .99);
    s.most = values[finite - 1];
    return s;
}

static brn_status read_info(brn_study *s, const brn_study_place *p, const brn_solver *solver, int field)
{
    return brn_read_f64(brn_device_queue(p->model->dev, 0), brn_mat_view(brn_mat_features(brn_solver_info(solver), field, 1)), s->numbers, (size_t)s->rows);
}

static brn_status read_rows(brn_study *s, const brn_study_place *p, const brn_solver *solver, brn_study_result *r)
{
    size_t *const kinds[] = {&r->converged, &r->precision_floor, &r->iteration_limit, &r->nonfinite};
    BRN_TRY(read_info(s, p, solver, BRN_INFO_STOP));
    for (int i = 0; i < s->rows; ++i) ++*kinds[(int)s->numbers[i]];
    r->rows = (size_t)s->rows;
    r->failed = (double)(r->iteration_limit + r->nonfinite) / s->rows;
    BRN_TRY(read_info(s, p, solver, BRN_INFO_ITERATIONS));
    r->iterations = spread_of(s->numbers, s->rows);
    BRN_TRY(read_info(s, p, solver, BRN_INFO_EVALUATIONS));
    r->evaluations = spread_of(s->numbers, s->rows);
    BRN_TRY(read_info(s, p, solver, BRN_INFO_GRADIENT));
    memcpy(s->gradient, s->numbers, (size_t)s->rows * sizeof *s->gradient);
    r->gradient = spread_of(s->numbers, s->rows);
    return BRN_OK;
}

static brn_status value_tile(void *context, brn_queue *q, int t)
{
    brn_study_place *p = context;
    return brn_pot_value(q, &p->f, &p->f_work[brn_queue_index(q)], brn_batch_rows(&p->x, t), brn_batch_tile(&p->x, t), brn_batch_tile(&p->value, t));
}

/* J at the rows of the exact place's x, which are read into `x`. */
static brn_status objectives(brn_study *s, double *x, double *objective)
{
    brn_study_place *p = &s->exact;
    BRN_TRY(brn_parallel(p->model->dev, p->x.tiles, value_tile, p));
    BRN_TRY(brn_batch_read_f64(&p->value, objective));
    BRN_TRY(brn_batch_read_f64(&p->x, x));
    double *y = NULL;
    BRN_TRY(BRN_ALLOC(&y, (size_t)s->rows * (size_t)s->n, "rows"));
    const brn_status status = brn_batch_read_f64(&p->y, y);
    for (size_t k = 0; k < (size_t)s->rows * (size_t)s->n; ++k) objective[k / (size_t)s->n] -= x[k] * y[k];
    free(y);
    return status;
}

/* Of a convex J, J(x) - J(x*) is at most <grad J(x), x - x*>; the objectives have rounding errors of their own. */
static bool is_astray(const brn_study *s, size_t row, double distance)
{
    const double gap = s->objective[row] - s->least[row];
    return gap > sqrt(s->n) * s->gradient[row] * distance + 1e-6 * (1 + fabs(s->least[row]));
}

static void compare(brn_study *s, brn_study_result *r)
{
    const size_t n = (size_t)s->n;
    for (size_t i = 0; i < (size_t)s->rows; ++i) {
        double square = 0;
        for (size_t k = 0; k < n; ++k) square += pow(s->found[i * n + k] - s->best[i * n + k], 2);
        s->numbers[i] = sqrt(square);
        r->astray += is_astray(s, i, s->numbers[i]);
        s->objective[i] -= s->least[i];
    }
    r->gap = spread_of(s->objective, s->rows);
    r->distance = spread_of(s->numbers, s->rows);
}

/* ---- solves -------------------------------------------------------------------------------------- */

/* From its start into p->x; the solver is left to be asked. */
static brn_status solve(const brn_study_place *p, brn_batch *x, brn_solver *solver, brn_study_start start)
{
    if (!p->start[start].rows) return brn_fail(BRN_ERR_USAGE, "the study has not been given the start %d", (int)start);
    BRN_TRY(copy_batch(&p->start[start], x));
    return brn_solver_run(solver, &p->f, &p->y, x);
}

static brn_status solve_reference(brn_study *s)
{
    brn_study_place *p = &s->exact;
    brn_conjugate_settings set = brn_eval_conjugate(&p->model->settings);
    brn_solver *solver;
    set.solver = BRN_SOLVER_LBFGS, set.line_search = BRN_SEARCH_WOLFE, set.running_scale = false;
    set.gtol = REFERENCE_GTOL, set.max_iterations = REFERENCE_ITERATIONS, set.history = REFERENCE_HISTORY, set.max_evaluations = REFERENCE_TRIALS;
    if (set.min_iterations > 1) set.min_iterations = 1;
    BRN_TRY(brn_solver_create(&solver, p->model->dev, &p->f, &set, s->rows));
    const double began = brn_seconds();
    brn_status status = solve(p, &p->x, solver, BRN_STUDY_AMORTIZER);
    s->reference.seconds = brn_seconds() - began;
    if (status == BRN_OK) status = read_rows(s, p, solver, &s->reference);
    brn_solver_free(solver);
    return status == BRN_OK ? objectives(s, s->best, s->least) : status;
}

static brn_status fill(brn_study *s, brn_model *model, brn_model *exact, const float *y)
{
    const size_t rows = (size_t)s->rows, n = (size_t)s->n;
    BRN_TRY(BRN_ALLOC(&s->y, rows * n, "study"));
    BRN_TRY(BRN_ALLOC(&s->x, rows * n, "study"));
    BRN_TRY(BRN_ALLOC(&s->best, rows * n, "study"));
    BRN_TRY(BRN_ALLOC(&s->found, rows * n, "study"));
    BRN_TRY(BRN_ALLOC(&s->least, rows, "study"));
    BRN_TRY(BRN_ALLOC(&s->objective, rows, "study"));
    BRN_TRY(BRN_ALLOC(&s->numbers, rows, "study"));
    BRN_TRY(BRN_ALLOC(&s->gradient, rows, "study"));
    memcpy(s->y, y, rows * n * sizeof *y);
    brn_model_standardized_rows(model, 1 - brn_potential_side(&model->settings), rows, y, s->x);
    BRN_TRY(place_create(&s->at, model, s->x, s->rows));
    BRN_TRY(place_create(&s->exact, exact, s->x, s->rows));
    return solve_reference(s);
}

brn_status brn_study_create(brn_study **out, brn_model *model, brn_model *exact, const float *y, size_t count)
{
    *out = NULL;
    if (count < 1 || count > 1 << 20) return brn_fail(BRN_ERR_USAGE, "a study of %zu rows; 1 to %d are possible", count, 1 << 20);
    if (exact->n != model->n || !brn_device_is_f64(exact->dev))
        return brn_fail(BRN_ERR_USAGE, "a study needs the same model on host:f64 for its reference");
    brn_study *s;
    BRN_TRY(BRN_ALLOC(&s, 1, "study"));
    s->n = model->n, s->rows = (int)count;
    const brn_status status = fill(s, model, exact, y);
    if (status == BRN_OK) *out = s;
    else brn_study_free(s);
    return status;
}

const brn_study_result *brn_study_reference(const brn_study *s) { return &s->reference; }

static brn_status solver_of(const brn_study_place *p, const brn_study_case *c, brn_solver **solver, int rows)
{
    brn_conjugate_settings set = c->settings;
    set.running_scale = false; /* would tie a solve to those before it */
    return brn_solver_create(solver, p->model->dev, &p->f, &set, rows);
}

brn_status brn_study_run(brn_study *s, const brn_study_case *c, int repeat, brn_study_result *result)
{
    brn_study_place *p = &s->at;
    brn_solver *solver;
    brn_study_result r = {.seconds = INFINITY};
    brn_status status;
    BRN_TRY(solver_of(p, c, &solver, s->rows));
    for (int k = 0; k < repeat || k == 0; ++k) {
        const double began = brn_seconds();
        BRN_GO(solve(p, &p->x, solver, c->start));
        BRN_GO(read_info(s, p, solver, BRN_INFO_STOP)); /* waits for the device */
        r.seconds = fmin(r.seconds, brn_seconds() - began);
    }
    BRN_GO(read_rows(s, p, solver, &r));
    BRN_GO(brn_batch_read(&p->x, s->x));
    BRN_GO(brn_batch_write(&s->exact.x, s->x));
    BRN_GO(objectives(s, s->found, s->objective));
    compare(s, &r);
    *result = r;
done:
    brn_solver_free(solver);
    return status;
}

/* ---- curves -------------------------------------------------------------------------------------- */

typedef struct {
    int points;
    double *value; /* [rows][points]; NaN: not reached */
} trace;

static void watch(void *user, int row, int iteration, double objective)
{
    trace *t = user;
    if (iteration >= 0 && iteration < t->points) t->value[(size_t)row * (size_t)t->points + (size_t)iteration] = objective;
}

/* What a row holds where it made no further step. */
static void complete(const trace *t, int rows, const double *least)
{
    for (int r = 0; r < rows; ++r) {
        double *v = t->value + (size_t)r * (size_t)t->points, known = least[r];
        for (int k = 0; k < t->points; ++k) known = fmin(known, v[k]);
        for (int k = 0; k < t->points; ++k) v[k] = isnan(v[k]) && k ? v[k - 1] : v[k] - known;
    }
}

static void summarise(const trace *t, int rows, double *column, brn_study_curve *c)
{
    for (int k = 0; k < t->points; ++k) {
        int finite = 0;
        for (int r = 0; r < rows; ++r) {
            column[finite] = t->value[(size_t)r * (size_t)t->points + (size_t)k];
            finite += isfinite(column[finite]);
        }
        qsort(column, (size_t)finite, sizeof *column, brn_ascending);
        c->median[k] = finite ? quantile(column, finite, .5) : (double)NAN;
        c->low[k] = finite ? quantile(column, finite, .1) : (double)NAN;
        c->high[k] = finite ? quantile(column, finite, .9) : (double)NAN;
    }
}

brn_status brn_study_trace(brn_study *s, const brn_study_case *c, int iterations, brn_study_curve *curve)
{
    const size_t points = (size_t)iterations + 1;
    brn_solver *solver = NULL;
    trace t = {.points = (int)points};
    brn_study_case own = *c;
    brn_status status;
    *curve = (brn_study_curve){.points = (int)points};
    if (iterations < 1 || iterations > 100000) return brn_fail(BRN_ERR_USAGE, "%d iterations to follow; 1 to 100000 are possible", iterations);
    own.settings.gtol = REFERENCE_GTOL;
    /* Adam's step size follows from the iterations it is given */
    if (own.settings.solver != BRN_SOLVER_ADAM) own.settings.max_iterations = iterations;
    if (own.settings.min_iterations > 1) own.settings.min_iterations = 1;
    BRN_GO(BRN_ALLOC(&t.value, (size_t)s->rows * points, "curve"));
    BRN_GO(BRN_ALLOC(&curve->median, points, "curve"));
    BRN_GO(BRN_ALLOC(&curve->low, points, "curve"));
    BRN_GO(BRN_ALLOC(&curve->high, points, "curve"));
    for (size_t k = 0; k < (size_t)s->rows * points; ++k) t.value[k] = NAN;
    BRN_GO(solver_of(&s->exact, &own, &solver, s->rows));
    brn_solver_watch(solver, watch, &t);
    BRN_GO(solve(&s->exact, &s->exact.x, solver, c->start));
    complete(&t, s->rows, s->least);
    summarise(&t, s->rows, s->numbers, curve);
done:
    brn_solver_free(solver);
    free(t.value);
    if (status != BRN_OK) brn_study_curve_free(curve);
    return status;
}

void brn_study_curve_free(brn_study_curve *c)
{
    free(c->median), free(c->low), free(c->high);
    *c = (brn_study_curve){0};
}
