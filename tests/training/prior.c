/* The solvers that the published tables compare with, each from its preset: a second of training on a Gaussian pair whose
 * map is known, the maps that evaluation reads off, exact resuming, and what stops a training that has gone astray. */
#include "support/devices.h"
#include <brenier/evaluate.h>
#include <brenier/train.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of 311 % for the identity, 100 % for the mean; `inverse` where the solver defines one. */
static const struct {
    const char *preset, *steps, *batch;
    double forward, inverse;
} solvers[] = {
    {"w2", "500", "128", 5, 5},       {"mmv1", "300", "128", 8, 8},   {"mmv2", "300", "128", 8, 8},
    {"mm", "200", "128", 10, 10},     {"mm-r", "200", "128", 10, 10}, {"mm-b", "400", "256", 10, 50},
    {"qc", "1000", "64", 30, 0}, {"ls", "1000", "256", 20, 20},
};
enum { SOLVERS = sizeof solvers / sizeof *solvers };

static brn_settings small(int i, const char *steps)
{
    const char *const pairs[][2] = {{"data.pair", "gaussian"}, {"data.n", "2"}, {"potential.hidden", "32,32"}, {"amortizer.hidden", "32,32"},
                                    {"train.potential.lr", "0.01"}, {"train.amortizer.lr", "0.01"}, {"train.batch", solvers[i].batch},
                                    {"train.pretrain_steps", "300"}, {"train.steps", steps}, {"train.eval_every", steps}, {"eval.points", "2048"},
                                    {"eval.sinkhorn_points", "16"}};
    brn_settings s;
    MUST(brn_settings_preset(&s, solvers[i].preset));
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; ++k) MUST(brn_settings_set(&s, pairs[k][0], pairs[k][1]));
    return s;
}

typedef struct {
    int64_t stop_at, last;
    double l2_uvp;
} watch;

static bool watching(void *user, const brn_progress *p)
{
    watch *w = user;
    w->last = p->step;
    if (p->evaluated) w->l2_uvp = p->l2_uvp;
    return !w->stop_at || p->step < w->stop_at;
}

Test(prior, every_solver_learns_and_is_evaluated)
{
    for (int i = 0; i < SOLVERS; ++i) {
        const brn_settings s = small(i, solvers[i].steps);
        const char *name = solvers[i].preset;
        brn_device *dev;
        brn_pair *pair;
        brn_model *model;
        brn_evaluation e;
        watch w = {0};
        MUST(brn_device_open(&dev, "host", 1));
        MUST(brn_train(dev, &s, false, watching, &w, &model));
        MUST(brn_pair_open(&pair, dev, brn_model_settings(model)));
        MUST(brn_evaluate(model, pair, NULL, &e));
        cr_expect_lt(e.learned.l2_uvp_forward, solvers[i].forward, "%s: L2-UVP %g", name, e.learned.l2_uvp_forward);
        if (solvers[i].inverse > 0) cr_expect_lt(e.learned.l2_uvp_inverse, solvers[i].inverse, "%s: inverse L2-UVP %g", name, e.learned.l2_uvp_inverse);
        cr_expect(fabs(w.l2_uvp / e.learned.l2_uvp_forward - 1) < 0.5, "%s: %g while training, %g after", name, w.l2_uvp, e.learned.l2_uvp_forward);
        cr_expect_eq(e.inverse.predicted, brn_model_settings(model)->eval.max_iterations ? 0 : e.points, "%s", name);
        brn_pair_close(pair);
        brn_model_free(model);
        brn_device_close(dev);
    }
}

/* With exchanged roles the forward map is the conjugate's; the values still are a pair of potentials, and the maps inverses. */
Test(prior, exchanged_roles_are_unseen_from_outside)
{
    enum { ROWS = 50 };
    brn_settings s = small(4, "150");
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    float x[2 * ROWS], y[2 * ROWS], back[2 * ROWS], f[ROWS], conjugate[ROWS];
    brn_conjugate_row rows[ROWS];
    MUST(brn_settings_set(&s, "eval.max_iterations", "100"));
    MUST(brn_settings_set(&s, "eval.gtol", "1e-5"));
    MUST(brn_device_open(&dev, "host:f64", 1));
    MUST(brn_train(dev, &s, false, NULL, NULL, &model));
    MUST(brn_pair_open(&pair, dev, brn_model_settings(model)));
    MUST(brn_pair_sample(pair, BRN_SOURCE, 3, 0, ROWS, x));
    MUST(brn_model_map(model, x, ROWS, y));
    MUST(brn_model_inverse(model, y, ROWS, back, rows));
    MUST(brn_model_potential(model, x, ROWS, f));
    MUST(brn_conjugate(model, NULL, y, ROWS, false, back, conjugate, rows));
    for (int r = 0; r < ROWS; ++r) {
        const double product = (double)x[2 * r] * y[2 * r] + (double)x[2 * r + 1] * y[2 * r + 1];
        cr_assert_float_eq(f[r] + conjugate[r], product, 1e-4 * (1 + fabs(product)));
        cr_assert_eq(rows[r].iterations, 0);
        for (int i = 0; i < 2; ++i) cr_assert_float_eq(back[2 * r + i], x[2 * r + i], 1e-4);
    }
    brn_pair_close(pair);
    brn_model_free(model);
    brn_device_close(dev);
}

/* ---- resuming ---------------------------------------------------------------------------------- */

static void run(const brn_settings *s, int threads, watch *w, brn_status expected)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", threads));
    const brn_status status = brn_train(dev, s, false, watching, w, NULL);
    cr_assert_eq(status, expected, "%s: %s", s->preset, brn_last_error());
    brn_device_close(dev);
}

Test(prior, stopped_runs_continue_bit_for_bit)
{
    for (int i = 0; i < SOLVERS; ++i) {
        char one[64], two[64];
        brn_settings s = small(i, "30");
        watch whole = {0}, part = {.stop_at = 10}, rest = {0};
        MUST(brn_settings_set(&s, "train.eval_every", "10"));
        MUST(brn_settings_set(&s, "train.pretrain_steps", "20"));
        test_make_dir(one), test_make_dir(two);
        strcpy(s.out, one);
        run(&s, 1, &whole, BRN_OK);
        strcpy(s.out, two);
        run(&s, 2, &part, BRN_ERR_STOPPED);
        run(&s, 1, &rest, BRN_OK);
        cr_expect(test_same_files(one, "latest.safetensors", two, "latest.safetensors"), "%s: not the same after resuming", solvers[i].preset);
        test_remove_dir(one), test_remove_dir(two);
    }
}

/* ---- devices ----------------------------------------------------------------------------------- */

Test(prior, new_losses_follow_the_oracle_on_every_device)
{
    static const char *const names[] = {"mm-b", "qc", "ls"};
    char devices[TEST_DEVICES_MOST][64];
    for (size_t k = 0; k < sizeof names / sizeof *names; ++k) {
        double expected = NAN;
        int i = 0;
        while (strcmp(solvers[i].preset, names[k])) ++i;
        for (int d = 0, count = test_device_names(devices); d < count; ++d) {
            brn_settings s = small(i, "8");
            brn_device *dev;
            watch w = {0};
            MUST(brn_settings_set(&s, "train.start", "random"));
            MUST(brn_settings_set(&s, "train.batch", "64"));
            MUST(brn_settings_set(&s, "conjugate.max_iterations", "3")); /* of the monitor alone */
            MUST(brn_device_open(&dev, devices[d], 1));
            MUST(brn_train(dev, &s, false, watching, &w, NULL));
            brn_device_close(dev);
            if (!d) expected = w.l2_uvp;
            cr_expect(fabs(w.l2_uvp / expected - 1) < 2e-3, "%s on %s: L2-UVP %.9g, oracle %.9g", names[k], devices[d], w.l2_uvp, expected);
        }
    }
}

/* ---- astray ------------------------------------------------------------------------------------ */

/* The cycle loss holds an MLP and its amortizer together too loosely: the dual falls without bound while the loss stays finite. */
Test(prior, a_dual_worse_than_no_map_stops_the_training)
{
    static const char *const assignments[] = {"data.pair=gaussian", "data.n=16", "train.loss=cycle", "train.cycle_weight=0.1", "train.start=identity",
                                              "train.batch=128", "train.steps=2000", "train.eval_every=50", "train.potential.lr=5e-3"};
    for (int guard = 1; guard >= 0; --guard) {
        brn_settings s;
        brn_device *dev;
        watch w = {.stop_at = guard ? 0 : 300};
        MUST(brn_settings_preset(&s, "hd-paper"));
        MUST(brn_settings_assign(&s, sizeof assignments / sizeof *assignments, assignments));
        s.train.guard = guard;
        MUST(brn_device_open(&dev, "host", 1));
        if (guard) {
            MUST_FAIL(brn_train(dev, &s, false, watching, &w, NULL), BRN_ERR_DIVERGED, "without any map");
            cr_assert_lt(w.last, 300);
        } else MUST_FAIL(brn_train(dev, &s, false, watching, &w, NULL), BRN_ERR_STOPPED, "stopped at step 300");
        brn_device_close(dev);
    }
}
