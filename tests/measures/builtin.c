/* The built-in measures against their closed forms. */
#include "core/linalg.h"
#include "fixture.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846
static const brn_sampling kinds[] = {BRN_SAMPLING_IID, BRN_SAMPLING_ANTITHETIC, BRN_SAMPLING_LATTICE};
enum { BATCH = 1 << 14 };

/* Mean and covariance (aa, ab, bb) of a measure in the plane. */
typedef struct {
    double mean[2], aa, ab, bb;
} moments;

/* A curve (a, b)(t) of the uniform parameter u in (0, 1), by the rule of midpoints. */
typedef void (*curve)(double u, double *a, double *b);
static void upper_moon(double u, double *a, double *b) { *a = cos(PI * u), *b = sin(PI * u); }
static void lower_moon(double u, double *a, double *b) { *a = 1 - cos(PI * u), *b = 1 - sin(PI * u) - .5; }
static void s_curve(double u, double *a, double *b)
{
    const double t = 3 * PI * (u - .5);
    *a = 5 * (t < 0 ? -1 : 1) * (cos(t) - 1), *b = 5 * sin(t);
}
static void swiss(double u, double *a, double *b)
{
    const double t = 1.5 * PI * (1 + 2 * u);
    *a = .5 * t * sin(t), *b = .5 * t * cos(t);
}

static moments of_curve(curve c, double noise)
{
    enum { POINTS = 100000 };
    moments m = {0};
    for (int i = 0; i < POINTS; ++i) {
        double a, b;
        c((i + .5) / POINTS, &a, &b);
        m.mean[0] += a / POINTS, m.mean[1] += b / POINTS;
        m.aa += a * a / POINTS, m.ab += a * b / POINTS, m.bb += b * b / POINTS;
    }
    m.aa += noise * noise - m.mean[0] * m.mean[0];
    m.bb += noise * noise - m.mean[1] * m.mean[1];
    m.ab -= m.mean[0] * m.mean[1];
    return m;
}

/* Symmetric under quarter turns, with this variance of each coordinate. */
static moments round_one(double variance) { return (moments){{0, 0}, variance, 0, variance}; }

static moments of_rows(const double *x, int rows)
{
    moments m = {0};
    for (int r = 0; r < rows; ++r) {
        m.mean[0] += x[2 * r] / rows, m.mean[1] += x[2 * r + 1] / rows;
        m.aa += x[2 * r] * x[2 * r] / rows, m.ab += x[2 * r] * x[2 * r + 1] / rows, m.bb += x[2 * r + 1] * x[2 * r + 1] / rows;
    }
    m.aa -= m.mean[0] * m.mean[0];
    m.bb -= m.mean[1] * m.mean[1];
    m.ab -= m.mean[0] * m.mean[1];
    return m;
}

static void check(const char *pair, brn_side side, moments want)
{
    for (int k = 0; k < 3; ++k) {
        fixture f = fixture_pair("host", pair, 0);
        const brn_draw draw = {.seed = 5, .step = 3, .batch = BATCH, .sampling = kinds[k]};
        double *x = fixture_batch(&f, side, &draw, 0);
        const moments got = of_rows(x, BATCH);
        const double deviation = sqrt((want.aa + want.bb) / BATCH), variance = 6 * (want.aa + want.bb) / sqrt(BATCH);
        for (int i = 0; i < 2; ++i)
            cr_expect_float_eq(got.mean[i], want.mean[i], 5 * deviation, "%s %d/%d: mean %g, expected %g", pair, side, k, got.mean[i], want.mean[i]);
        cr_expect_float_eq(got.aa, want.aa, variance, "%s %d/%d: aa %g, expected %g", pair, side, k, got.aa, want.aa);
        cr_expect_float_eq(got.ab, want.ab, variance, "%s %d/%d: ab %g, expected %g", pair, side, k, got.ab, want.ab);
        cr_expect_float_eq(got.bb, want.bb, variance, "%s %d/%d: bb %g, expected %g", pair, side, k, got.bb, want.bb);
        free(x);
        fixture_close(&f);
    }
}

Test(builtin, moments_are_those_of_the_closed_forms)
{
    const double rings = 9 * (1 + .5625 + .25 + .0625) / 4 / 2 + .08 * .08;
    const moments crescent = {{-1.5, 0}, .75, 0, 1};
    check("gauss8", BRN_SOURCE, round_one(.0625));
    check("gauss8", BRN_TARGET, round_one(12.5 + .0625));
    check("gauss_sq", BRN_SOURCE, round_one(.8 * 25 + .0625));
    check("gauss_sq", BRN_TARGET, round_one(12.5 + .0625));
    check("circles", BRN_SOURCE, round_one(.5 + 1e-4));
    check("circles", BRN_TARGET, round_one(.125 + 1e-4));
    check("moons", BRN_SOURCE, of_curve(lower_moon, 0));
    check("moons", BRN_TARGET, of_curve(upper_moon, 0));
    check("s_curve", BRN_SOURCE, of_curve(s_curve, .05));
    check("s_curve", BRN_TARGET, round_one(1));
    check("swiss", BRN_SOURCE, of_curve(swiss, .005));
    check("maf_moon", BRN_SOURCE, crescent);
    check("rings", BRN_SOURCE, round_one(rings));
    check("maf_rings", BRN_SOURCE, crescent);
    check("maf_rings", BRN_TARGET, round_one(rings));
}

/* Every sample is near one of the eight centres; antithetic draws visit them equally often. */
Test(builtin, blobs_stand_where_they_should)
{
    for (int k = 0; k < 3; ++k) {
        fixture f = fixture_pair("host", "gauss8", 0);
        const brn_draw draw = {.seed = 1, .batch = 1024, .sampling = kinds[k]};
        double *x = fixture_batch(&f, BRN_TARGET, &draw, 0);
        int seen[8] = {0};
        for (int r = 0; r < draw.batch; ++r)
            for (int c = 0; c < 8; ++c)
                seen[c] += hypot(x[2 * r] - 5 * cos(PI * c / 4), x[2 * r + 1] - 5 * sin(PI * c / 4)) < 6 * .25 / 1.2;
        for (int c = 0; c < 8; ++c) cr_expect_float_eq(seen[c], 128, kinds[k] == BRN_SAMPLING_IID ? 55 : 4, "blob %d: %d rows", c, seen[c]);
        free(x);
        fixture_close(&f);
    }
}

Test(builtin, rings_have_four_radii_and_moons_are_exact)
{
    fixture f = fixture_pair("host", "rings", 0);
    const brn_draw draw = {.seed = 1, .batch = 1024, .sampling = BRN_SAMPLING_ANTITHETIC};
    double *x = fixture_batch(&f, BRN_SOURCE, &draw, 0);
    int seen[4] = {0};
    for (int r = 0; r < draw.batch; ++r) ++seen[(int)fmin(3, fmax(0, rint(hypot(x[2 * r], x[2 * r + 1]) / .75) - 1))];
    for (int c = 0; c < 4; ++c) cr_expect_float_eq(seen[c], 256, 4);
    free(x);
    fixture_close(&f);
    f = fixture_pair("host", "moons", 0);
    x = fixture_batch(&f, BRN_TARGET, &draw, 0);
    for (int r = 0; r < draw.batch; ++r) {
        cr_assert_float_eq(hypot(x[2 * r], x[2 * r + 1]), 1, 1e-6);
        cr_assert_geq(x[2 * r + 1], 0);
    }
    free(x);
    fixture_close(&f);
}

Test(builtin, all_listed_pairs_open_and_others_do_not)
{
    brn_device *device;
    brn_pair *pair;
    MUST(brn_device_open(&device, "host", 1));
    const char *name, *meaning;
    for (int i = 0; i < brn_pair_builtin_count(); ++i) {
        MUST(brn_pair_builtin(i, &name, &meaning));
        const brn_settings s = fixture_settings(name, 0);
        MUST(brn_pair_open(&pair, device, &s));
        cr_expect_str_eq(brn_pair_name(pair), name);
        cr_expect_eq(brn_pair_dim(pair), strcmp(name, "images") ? 2 : 12288);
        cr_expect(*meaning);
        float y[2];
        if (!brn_pair_has_map(pair)) MUST_FAIL(brn_pair_map(pair, (float[]){0, 0}, 1, y), BRN_ERR_UNSUPPORTED, name);
        brn_pair_close(pair);
    }
    MUST_FAIL(brn_pair_builtin(brn_pair_builtin_count(), &name, &meaning), BRN_ERR_USAGE, "does not exist");
    brn_settings s = fixture_settings("gauss9", 0);
    MUST_FAIL(brn_pair_open(&pair, device, &s), BRN_ERR_USAGE, "gauss8");
    cr_expect_null(pair);
    s = fixture_settings("gauss8", 0);
    s.data.standardize = BRN_STANDARDIZE_SCALE;
    MUST_FAIL(brn_pair_open(&pair, device, &s), BRN_ERR_USAGE, "data.standardize");
    brn_device_close(device);
}

/* ---- Gaussians ---------------------------------------------------------------------------------- */

Test(gaussian, bures_map_carries_one_covariance_to_the_other)
{
    enum { N = 3 };
    const double sa[N * N] = {2, .5, .1, .5, 1, -.2, .1, -.2, .7}, sb[N * N] = {.6, -.1, 0, -.1, 1.5, .4, 0, .4, 3};
    double a[N * N], t[N * N], image[N * N], root[N * N], inverse[N * N];
    MUST(brn_bures_map(N, sa, sb, a));
    MUST(brn_mat_product(N, a, sa, t));
    MUST(brn_mat_product(N, t, a, image));
    for (int i = 0; i < N * N; ++i) cr_expect_float_eq(image[i], sb[i], 1e-12);
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < N; ++j) cr_expect_float_eq(a[i * N + j], a[j * N + i], 1e-12);
    MUST(brn_sym_apply(N, sa, BRN_SYM_SQRT, 0, root));
    MUST(brn_sym_apply(N, sa, BRN_SYM_INVERSE, 0, inverse));
    MUST(brn_mat_product(N, root, root, t));
    for (int i = 0; i < N * N; ++i) cr_expect_float_eq(t[i], sa[i], 1e-13);
    MUST(brn_mat_product(N, sa, inverse, t));
    for (int i = 0; i < N * N; ++i) cr_expect_float_eq(t[i], i % (N + 1) == 0, 1e-13);
    const double nothing[N * N] = {0};
    MUST_FAIL(brn_sym_apply(N, nothing, BRN_SYM_INVERSE_SQRT, 0, root), BRN_ERR_INPUT, "eigenvalues");
}

/* The image of source samples under the map has the mean and the covariance of target samples. */
Test(gaussian, map_pushes_the_source_to_the_target)
{
    enum { COUNT = 1 << 16 };
    for (int n = 1; n <= 7; n += 3) {
        fixture f = fixture_pair("host", "gaussian", n);
        cr_assert_eq(f.n, n);
        float *x = fixture_samples(&f, BRN_SOURCE, 1, 0, COUNT), *y = fixture_samples(&f, BRN_TARGET, 1, 0, COUNT);
        double mean[2][7], covariance[2][49];
        MUST(brn_pair_map(f.pair, x, COUNT, x));
        MUST(brn_moments(n, COUNT, x, mean[0], covariance[0]));
        MUST(brn_moments(n, COUNT, y, mean[1], covariance[1]));
        for (int i = 0; i < n; ++i) cr_expect_float_eq(mean[0][i], mean[1][i], .05);
        for (int i = 0; i < n * n; ++i) cr_expect_float_eq(covariance[0][i], covariance[1][i], .1);
        free(x), free(y);
        fixture_close(&f);
    }
}
