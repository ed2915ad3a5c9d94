/* Scores, baselines and the Sinkhorn divergence where the answer is known. */
#include "core/philox.h"
#include "evaluation/baseline.h"
#include "evaluation/score.h"
#include "evaluation/sinkhorn.h"
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3, ROWS = 200 };
static float x[ROWS * N], y[ROWS * N], z[ROWS * N];

static void normal_rows(float *rows, uint32_t stream)
{
    brn_rng rng = brn_rng_start(5, stream);
    for (int i = 0; i < ROWS * N; ++i) rows[i] = (float)brn_rng_normal(&rng);
}

Test(score, four_points_by_hand)
{
    /* truth 0, 2, 4, 6 has variance 5; errors 1, 0, 0, 1 */
    const float truth[] = {0, 2, 4, 6}, estimate[] = {1, 2, 4, 5}, from[] = {0, 0, 0, 0};
    cr_assert_float_eq(brn_l2_uvp(4, 1, estimate, truth), 100 * 0.5 / 5, 1e-12);
    cr_assert_float_eq(brn_cosine(4, 1, from, estimate, truth), (4 + 16 + 30) / sqrt(46.0 * 56.0), 1e-12);
    cr_assert_float_eq(brn_mean_square(4, 1, truth), 14, 1e-12);
    cr_assert_float_eq(brn_mean_square(2, 2, truth), 28, 1e-12);
}

Test(score, truth_mean_and_identity)
{
    normal_rows(x, 1), normal_rows(y, 2);
    for (int i = 0; i < N; ++i) {
        double mean = 0;
        for (int r = 0; r < ROWS; ++r) mean += y[r * N + i];
        for (int r = 0; r < ROWS; ++r) z[r * N + i] = (float)(mean / ROWS);
    }
    cr_assert_float_eq(brn_l2_uvp(ROWS, N, y, y), 0, 0);
    cr_assert_float_eq(brn_l2_uvp(ROWS, N, z, y), 100, 1e-4);
    cr_assert_float_eq(brn_cosine(ROWS, N, x, y, y), 1, 1e-12);
    cr_assert_float_eq(brn_cosine(ROWS, N, x, x, y), 0, 0);
    for (int i = 0; i < ROWS * N; ++i) z[i] = 2 * x[i] - y[i];
    cr_assert_float_eq(brn_cosine(ROWS, N, x, z, y), -1, 1e-6);
}

/* For a translation the divergence is |t|^2 / 2 exactly, whatever epsilon is. */
Test(sinkhorn, translation)
{
    const float t[N] = {0.5f, -2, 1};
    double s;
    normal_rows(x, 3);
    for (int i = 0; i < ROWS * N; ++i) y[i] = x[i] + t[i % N];
    MUST(brn_sinkhorn_divergence(ROWS, N, x, y, &s));
    cr_assert_float_eq(s, (0.25 + 4 + 1) / 2, 1e-3, "%g", s);
}

Test(sinkhorn, equal_samples_and_order)
{
    double s;
    normal_rows(x, 4);
    for (int r = 0; r < ROWS; ++r) memcpy(y + r * N, x + (ROWS - 1 - r) * N, N * sizeof *x);
    MUST(brn_sinkhorn_divergence(ROWS, N, x, x, &s));
    cr_assert_float_eq(s, 0, 1e-5, "%g", s);
    MUST(brn_sinkhorn_divergence(ROWS, N, x, y, &s));
    cr_assert_float_eq(s, 0, 1e-4, "%g", s);
}

Test(sinkhorn, it_is_symmetric_and_sees_differences)
{
    double a, b, near;
    normal_rows(x, 5), normal_rows(y, 6), normal_rows(z, 7);
    MUST(brn_sinkhorn_divergence(ROWS, N, x, y, &near));
    for (int i = 0; i < ROWS * N; ++i) z[i] *= 2;
    MUST(brn_sinkhorn_divergence(ROWS, N, x, z, &a));
    MUST(brn_sinkhorn_divergence(ROWS, N, z, x, &b));
    cr_assert_float_eq(a, b, 1e-3 * a);
    cr_assert_gt(near, 0);
    cr_assert_gt(a, 4 * near, "%g for other, %g for equal measures", a, near);
}

Test(sinkhorn, points_far_from_all_others)
{
    double s;
    normal_rows(x, 8), normal_rows(y, 9);
    for (int k = 0; k < N; ++k) x[k] = 1e4f, y[7 * N + k] = -3e3f;
    MUST(brn_sinkhorn_divergence(ROWS, N, x, y, &s));
    cr_assert(isfinite(s) && s > 0, "%g", s);
}

Test(sinkhorn, one_point_and_no_spread)
{
    double s;
    const float a[] = {1, 2}, b[] = {4, 6}, same[] = {3, 3, 3, 3};
    MUST(brn_sinkhorn_divergence(1, 2, a, b, &s));
    cr_assert_float_eq(s, 12.5, 1e-9);
    MUST(brn_sinkhorn_divergence(2, 2, same, same, &s));
    cr_assert_eq(s, 0);
}

Test(sinkhorn, numbers_that_are_not_finite_give_nan)
{
    double s = 1;
    normal_rows(x, 10), normal_rows(y, 11);
    y[17] = INFINITY;
    MUST(brn_sinkhorn_divergence(ROWS, N, x, y, &s));
    cr_assert(isnan(s));
}
