/* Studies of conjugate solvers: problems whose answer is known, and the promises of the numbers. */
#include "fixture.h"
#include <brenier/study.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3, ROWS = 100 };

typedef struct {
    brn_device *dev, *exact_dev;
    brn_model *model, *exact;
    brn_study *study;
    float y[ROWS * N];
    brn_study_case solver;
} subject;

static subject open_subject(brn_potential_kind kind, brn_start start, bool standardized)
{
    subject s;
    brn_settings set = model_settings(N, kind);
    set.train.start = start;
    MUST(brn_device_open(&s.dev, "host", 2));
    MUST(brn_device_open(&s.exact_dev, "host:f64", 1));
    s.model = model_make(s.dev, &set, N, standardized);
    s.exact = model_make(s.exact_dev, &set, N, standardized);
    model_normal(s.y, ROWS * N, 3);
    MUST(brn_study_create(&s.study, s.model, s.exact, s.y, ROWS));
    s.solver = (brn_study_case){set.conjugate, BRN_STUDY_IDENTITY};
    s.solver.settings.gtol = 1e-4;
    return s;
}

static void close_subject(subject *s)
{
    brn_study_free(s->study);
    brn_model_free(s->model), brn_model_free(s->exact);
    brn_device_close(s->dev), brn_device_close(s->exact_dev);
}

/* f = |x|^2 / 2: every start is the answer. */
Test(study, nothing_to_do)
{
    subject s = open_subject(BRN_POTENTIAL_MLP, BRN_START_IDENTITY, false);
    brn_study_result r;
    for (int start = 0; start < 2; ++start) {
        s.solver.start = (brn_study_start)start;
        s.solver.settings.min_iterations = 0;
        MUST(brn_study_run(s.study, &s.solver, 2, &r));
        cr_expect(r.rows == ROWS && r.converged == ROWS && r.astray == 0 && r.failed == 0);
        cr_expect(r.iterations.most == 0 && fabs(r.evaluations.mean - 1) < 1e-9 && r.seconds > 0, "%g iterations, %.17g evaluations, %g s", r.iterations.most,
                  r.evaluations.mean, r.seconds);
        cr_expect_lt(fabs(r.gap.most), 1e-9);
        cr_expect_lt(r.distance.most, 1e-5);
    }
    close_subject(&s);
}

/* Of so many features a device may cut thinner tiles than of single numbers: values and rows stay together. */
Test(study, many_features)
{
    enum { MANY = 2048, FEW_ROWS = 40 };
    brn_settings set = model_settings(MANY, BRN_POTENTIAL_MLP);
    brn_device *dev[2];
    brn_model *model[2];
    brn_study *study;
    brn_study_result r;
    float *y = malloc(sizeof *y * FEW_ROWS * MANY);
    model_normal(y, (size_t)FEW_ROWS * MANY, 3);
    set.train.start = BRN_START_IDENTITY;
    for (int i = 0; i < 2; ++i) {
        MUST(brn_device_open(&dev[i], i ? "host:f64" : "host", 2));
        model[i] = model_make(dev[i], &set, MANY, false);
    }
    MUST(brn_study_create(&study, model[0], model[1], y, FEW_ROWS));
    MUST(brn_study_run(study, &(brn_study_case){set.conjugate, BRN_STUDY_IDENTITY}, 1, &r));
    cr_expect(r.rows == FEW_ROWS && r.astray == 0 && r.failed == 0);
    cr_expect_lt(fabs(r.gap.most), 1e-7);
    brn_study_free(study);
    for (int i = 0; i < 2; ++i) brn_model_free(model[i]), brn_device_close(dev[i]);
    free(y);
}

/* A convex potential has one optimum: all solvers agree, as far as their tolerance says. */
Test(study, solvers_agree_on_a_convex_potential)
{
    for (int standardized = 0; standardized < 2; ++standardized) {
        subject s = open_subject(BRN_POTENTIAL_ICNN, BRN_START_RANDOM, standardized);
        brn_study_result r;
        cr_expect_lt(brn_study_reference(s.study)->gradient.most, 1e-8);
        for (int kind = 0; kind < 3; ++kind) {
            s.solver.settings.solver = kind < 2 ? BRN_SOLVER_LBFGS : BRN_SOLVER_ADAM;
            s.solver.settings.line_search = kind ? BRN_SEARCH_WOLFE : BRN_SEARCH_ARMIJO;
            s.solver.settings.max_iterations = 1000;
            MUST(brn_study_run(s.study, &s.solver, 1, &r));
            cr_expect_eq(r.converged + r.precision_floor, ROWS);
            cr_expect_eq(r.astray, 0);
            cr_expect_lt(r.gap.most, 1e-5);
            cr_expect_lt(r.distance.most, 1e-2);
            cr_expect(r.iterations.median <= r.iterations.p90 && r.iterations.p90 <= r.iterations.p99 && r.iterations.p99 <= r.iterations.most);
        }
        close_subject(&s);
    }
}

Test(study, rows_that_fail_are_counted)
{
    subject s = open_subject(BRN_POTENTIAL_ICNN, BRN_START_RANDOM, false);
    brn_study_result r;
    s.solver.settings.max_iterations = 1;
    s.solver.settings.gtol = 1e-12;
    MUST(brn_study_run(s.study, &s.solver, 1, &r));
    cr_expect_eq(r.iteration_limit, ROWS);
    cr_expect_eq(r.failed, 1);
    close_subject(&s);
}

Test(study, curves_fall_to_the_reference)
{
    subject s = open_subject(BRN_POTENTIAL_ICNN, BRN_START_RANDOM, false);
    brn_study_curve c;
    for (int kind = 0; kind < 2; ++kind) {
        s.solver.settings.solver = kind ? BRN_SOLVER_ADAM : BRN_SOLVER_LBFGS;
        s.solver.settings.max_iterations = 60;
        MUST(brn_study_trace(s.study, &s.solver, 60, &c));
        cr_expect_eq(c.points, 61);
        for (int k = 0; k < c.points; ++k) cr_assert(c.low[k] >= 0 && c.low[k] <= c.median[k] && c.median[k] <= c.high[k], "iteration %d", k);
        for (int k = 1; k < c.points && !kind; ++k) cr_assert_leq(c.median[k], c.median[k - 1] + 1e-12, "iteration %d", k);
        cr_expect_lt(c.median[60], 1e-3 * c.median[0]);
        brn_study_curve_free(&c);
    }
    MUST_FAIL(brn_study_trace(s.study, &s.solver, 0, &c), BRN_ERR_USAGE, "iterations");
    close_subject(&s);
}

/* A convex potential has one optimum, wherever a solve starts; the better the start, the sooner. */
Test(study, other_starts)
{
    for (int standardized = 0; standardized < 2; ++standardized) {
        subject s = open_subject(BRN_POTENTIAL_ICNN, BRN_START_RANDOM, standardized);
        brn_pair *pair;
        brn_study_result r[BRN_STUDY_STARTS];
        brn_settings set = model_settings(N, BRN_POTENTIAL_ICNN);
        strcpy(set.data.pair, "gaussian");
        set.data.n = N;
        MUST(brn_pair_open(&pair, s.dev, &set));
        s.solver.start = BRN_STUDY_LINEAR;
        cr_expect(!brn_study_has(s.study, BRN_STUDY_SOUGHT) && !brn_study_has(s.study, BRN_STUDY_EARLIER));
        MUST_FAIL(brn_study_run(s.study, &s.solver, 1, &r[0]), BRN_ERR_USAGE, "start");
        MUST(brn_study_add_pair(s.study, pair, 5, 0));
        MUST(brn_study_add_earlier(s.study, s.model));
        for (int start = 0; start < BRN_STUDY_STARTS; ++start) {
            cr_assert(brn_study_has(s.study, (brn_study_start)start), "start %d", start);
            s.solver.start = (brn_study_start)start;
            MUST(brn_study_run(s.study, &s.solver, 1, &r[start]));
            cr_expect_eq(r[start].converged + r[start].precision_floor, ROWS, "start %d", start);
            cr_expect_lt(r[start].distance.most, 1e-2, "start %d", start);
        }
        cr_expect_lt(r[BRN_STUDY_EARLIER].iterations.mean, .5 * r[BRN_STUDY_IDENTITY].iterations.mean);
        brn_pair_close(pair);
        close_subject(&s);
    }
}

/* J at a sought start is nowhere above J at the prediction, and lower somewhere. */
Test(study, sought_starts_are_better)
{
    subject s = open_subject(BRN_POTENTIAL_MLP, BRN_START_RANDOM, false);
    brn_pair *pair;
    brn_study_curve predicted, sought;
    brn_settings set = model_settings(N, BRN_POTENTIAL_MLP);
    strcpy(set.data.pair, "gaussian");
    set.data.n = N;
    MUST(brn_pair_open(&pair, s.dev, &set));
    MUST(brn_study_add_pair(s.study, pair, 5, 0));
    s.solver.start = BRN_STUDY_AMORTIZER;
    MUST(brn_study_trace(s.study, &s.solver, 1, &predicted));
    s.solver.start = BRN_STUDY_SOUGHT;
    MUST(brn_study_trace(s.study, &s.solver, 1, &sought));
    cr_expect_leq(sought.median[0], predicted.median[0] + 1e-6);
    cr_expect_lt(sought.high[0], predicted.high[0]);
    brn_study_curve_free(&predicted), brn_study_curve_free(&sought);
    brn_pair_close(pair);
    close_subject(&s);
}

Test(study, what_it_needs)
{
    subject s = open_subject(BRN_POTENTIAL_MLP, BRN_START_IDENTITY, false);
    brn_study *study;
    MUST_FAIL(brn_study_create(&study, s.model, s.model, s.y, ROWS), BRN_ERR_USAGE, "host:f64");
    MUST_FAIL(brn_study_create(&study, s.model, s.exact, s.y, 0), BRN_ERR_USAGE, "rows");
    cr_expect_null(study);
    brn_settings other = model_settings(N + 1, BRN_POTENTIAL_MLP);
    brn_model *wider = model_make(s.dev, &other, N + 1, false);
    MUST_FAIL(brn_study_add_earlier(s.study, wider), BRN_ERR_USAGE, "dimension");
    brn_model_free(wider);
    close_subject(&s);
}
