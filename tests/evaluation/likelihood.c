/* Densities in closed form, and what a model makes of them. */
#include <brenier/brenier.h>

#include "support/support.h"

#include <math.h>
#include <stdio.h>

enum { ROWS = 1000 };
static float x[ROWS * 3], y[ROWS * 3];
static double alpha[ROWS], beta[ROWS];

static brn_pair *open_pair(brn_device *dev, const char *name, int n)
{
    brn_pair *pair;
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_settings_set(&s, "data.pair", name));
    s.data.n = n;
    MUST(brn_pair_open(&pair, dev, &s));
    return pair;
}

/* Mass and mean log density by the midpoint rule against the mean over draws. */
static void check_plane(brn_device *dev, const char *name, brn_side side)
{
    enum { CELLS = 400, HALF = 10 };
    const double h = 2.0 * HALF / CELLS;
    double mass = 0, entropy = 0, sampled = 0;
    brn_pair *pair = open_pair(dev, name, 2);
    float line[2 * CELLS];
    double value[CELLS];
    for (int i = 0; i < CELLS; ++i) {
        for (int j = 0; j < CELLS; ++j) line[2 * j] = (float)(2 * HALF * (j + .5) / CELLS - HALF), line[2 * j + 1] = (float)(h * (i + .5) - HALF);
        MUST(brn_pair_log_density(pair, side, line, CELLS, value));
        for (int j = 0; j < CELLS; ++j) {
            mass += exp(value[j]) * h * h;
            if (value[j] > -700) entropy += exp(value[j]) * value[j] * h * h;
        }
    }
    MUST(brn_pair_sample(pair, side, 3, 0, ROWS, x));
    MUST(brn_pair_log_density(pair, side, x, ROWS, alpha));
    for (int r = 0; r < ROWS; ++r) sampled += alpha[r] / ROWS;
    cr_assert_float_eq(mass, 1, 5e-3, "%s: mass %g", name, mass);
    cr_assert_float_eq(sampled, entropy, 0.15, "%s: mean log density %g, of draws %g", name, entropy, sampled);
    brn_pair_close(pair);
}

Test(likelihood, densities_have_mass_one_and_fit_the_draws)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 1));
    check_plane(dev, "gauss8", BRN_SOURCE);
    check_plane(dev, "gauss8", BRN_TARGET);
    check_plane(dev, "gauss_sq", BRN_SOURCE);
    check_plane(dev, "maf_moon", BRN_SOURCE);
    check_plane(dev, "rings", BRN_TARGET);
    check_plane(dev, "gaussian", BRN_TARGET);
    check_plane(dev, "mixtures", BRN_TARGET);
    brn_pair *rings = open_pair(dev, "rings", 2);
    cr_assert(!brn_pair_has_density(rings, BRN_SOURCE));
    MUST_FAIL(brn_pair_log_density(rings, BRN_SOURCE, x, 1, alpha), BRN_ERR_UNSUPPORTED, "rings");
    brn_pair_close(rings);
    brn_device_close(dev);
}

/* alpha(x) = beta(T(x)) det A for the affine map between Gaussians: their logarithms differ by one number. */
Test(likelihood, the_true_map_changes_one_density_into_the_other)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host:f64", 1));
    brn_pair *pair = open_pair(dev, "gaussian", 3);
    MUST(brn_pair_sample(pair, BRN_SOURCE, 4, 0, ROWS, x));
    MUST(brn_pair_map(pair, x, ROWS, y));
    MUST(brn_pair_log_density(pair, BRN_SOURCE, x, ROWS, alpha));
    MUST(brn_pair_log_density(pair, BRN_TARGET, y, ROWS, beta));
    for (int r = 1; r < ROWS; ++r) cr_assert_float_eq(alpha[r] - beta[r], alpha[0] - beta[0], 1e-4);
    brn_pair_close(pair);
    brn_device_close(dev);
}

/* The model's density has mass one too, and is the true one where that is not small. */
static void check_model(brn_model *model, brn_pair *pair, brn_side side)
{
    enum { CELLS = 100, HALF = 10 };
    const double h = 2.0 * HALF / CELLS;
    static float grid[2 * CELLS * CELLS];
    static double learned[CELLS * CELLS], truth[CELLS * CELLS];
    double mass = 0, far = 0;
    for (int k = 0; k < CELLS * CELLS; ++k) grid[2 * k] = (float)(h * (k % CELLS + .5) - HALF), grid[2 * k + 1] = (float)(h * (k / CELLS + .5) - HALF);
    MUST(brn_evaluate_density(model, pair, NULL, side, grid, CELLS * CELLS, learned, NULL));
    MUST(brn_pair_log_density(pair, side, grid, CELLS * CELLS, truth));
    for (int k = 0; k < CELLS * CELLS; ++k) {
        if (isnan(learned[k])) continue;
        mass += exp(learned[k]) * h * h;
        far += fabs(exp(learned[k]) - exp(truth[k])) * h * h / 2;
    }
    cr_assert_float_eq(mass, 1, .03, "side %d: mass %g", side, mass);
    cr_assert_lt(far, .1, "side %d: total variation %g", side, far);
}

/* After a short training the model's density is close to the true one, both ways. */
Test(likelihood, a_trained_model_comes_close_to_the_truth)
{
    static const char *const set[][2] = {
        {"data.pair", "gaussian"}, {"data.n", "2"}, {"potential.hidden", "16,16"}, {"amortizer.hidden", "16"}, {"train.steps", "800"},
        {"train.batch", "256"}, {"train.eval_every", "800"}, {"train.roles", "forward"}, {"eval.points", "1024"}, {"eval.sinkhorn_points", "64"}};
    brn_device *dev;
    brn_likelihood l;
    brn_model *model;
    brn_settings s;
    char dir[64], out[128];
    test_make_dir(dir);
    snprintf(out, sizeof out, "%s/run", dir);
    MUST(brn_settings_preset(&s, "2d"));
    for (size_t i = 0; i < sizeof set / sizeof *set; ++i) MUST(brn_settings_set(&s, set[i][0], set[i][1]));
    MUST(brn_settings_set(&s, "out", out));
    MUST(brn_device_open(&dev, "host", 1));
    MUST(brn_train(dev, &s, false, NULL, NULL, &model));
    brn_pair *pair = open_pair(dev, "gaussian", 2);
    MUST(brn_evaluate_likelihood(model, pair, NULL, ROWS, &l));
    cr_assert_eq(l.points, ROWS);
    cr_assert_lt(l.indefinite, ROWS / 20);
    cr_assert_eq(l.error, 0);
    cr_assert_float_eq(l.target, l.target_true, 0.05, "%g for %g", l.target, l.target_true);
    cr_assert_float_eq(l.source, l.source_true, 0.05, "%g for %g", l.source, l.source_true);
    for (int side = 0; side < 2; ++side) check_model(model, pair, (brn_side)side);
    brn_pair *rings = open_pair(dev, "rings", 2);
    MUST_FAIL(brn_evaluate_density(model, rings, NULL, BRN_TARGET, x, 1, alpha, NULL), BRN_ERR_UNSUPPORTED, "the density of the source");
    brn_pair_close(rings);
    brn_model_free(model);
    brn_pair_close(pair);
    brn_device_close(dev);
    test_remove_dir(dir);
}
