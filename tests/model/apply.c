/* Maps, potentials and conjugates in raw coordinates. */
#include "fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3, ROWS = 150 };
static char devices[TEST_DEVICES_MOST][64];

static float x[ROWS * N], y[ROWS * N], back[ROWS * N], value[ROWS], conjugate[ROWS];
static brn_conjugate_row rows[ROWS];

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < N; ++i) sum += (double)a[i] * b[i];
    return sum;
}

/* The identity on standardised data is a scaling that keeps the shape: T(x) = b + x - a. */
Test(model_apply, identity_of_standardised_data_moves_the_mean)
{
    for (int d = 0, count = test_device_names(devices); d < count; ++d) {
        brn_device *dev;
        MUST(brn_device_open(&dev, devices[d], 2));
        brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
        s.train.start = BRN_START_IDENTITY;
        brn_model *m = model_make(dev, &s, N, true);
        model_normal(x, ROWS * N, 1);
        MUST(brn_model_map(m, x, ROWS, y));
        MUST(brn_model_potential(m, x, ROWS, value));
        for (int r = 0; r < ROWS; ++r)
            for (int i = 0; i < N; ++i) {
                const double moved = x[r * N + i] - m->shift[BRN_SOURCE][i] + m->shift[BRN_TARGET][i];
                cr_assert_float_eq(y[r * N + i], moved, 2e-5, "%s: row %d: %g for %g", devices[d], r, y[r * N + i], moved);
            }
        MUST(brn_model_inverse(m, y, ROWS, back, rows));
        for (int i = 0; i < ROWS * N; ++i) cr_assert_float_eq(back[i], x[i], 5e-3);
        brn_model_free(m);
        brn_device_close(dev);
    }
}

/* grad F by differences of F is T, in raw coordinates. */
Test(model_apply, the_potentials_gradient_is_the_map)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host:f64", 1));
    const brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *m = model_make(dev, &s, N, true);
    model_normal(x, N, 2);
    MUST(brn_model_map(m, x, 1, y));
    for (int i = 0; i < N; ++i) {
        const float h = 0.0625f;
        float two[2 * N], f[2];
        memcpy(two, x, N * sizeof *x), memcpy(two + N, x, N * sizeof *x);
        two[i] += h, two[N + i] -= h;
        MUST(brn_model_potential(m, two, 2, f));
        cr_assert_float_eq(((double)f[0] - f[1]) / (2 * h), y[i], 2e-3, "%g for %g", ((double)f[0] - f[1]) / (2 * h), y[i]);
    }
    brn_model_free(m);
    brn_device_close(dev);
}

/* F(x) + F*(T(x)) = <x, T(x)>, and the conjugate's argument is x. */
static void legendre(const char *device, bool standardized, bool warm)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, device, 2));
    brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    s.eval.gtol = 1e-4;
    brn_model *m = model_make(dev, &s, N, standardized);
    model_normal(x, ROWS * N, 3);
    MUST(brn_model_map(m, x, ROWS, y));
    MUST(brn_model_potential(m, x, ROWS, value));
    for (int i = 0; i < ROWS * N; ++i) back[i] = x[i] + 0.5f;
    MUST(brn_conjugate(m, NULL, y, ROWS, warm, back, conjugate, rows));
    for (int r = 0; r < ROWS; ++r) {
        const double xy = dot(x + r * N, y + r * N), size = 1 + fabs(xy) + fabs(value[r]);
        cr_assert_leq(rows[r].stop, BRN_CONJUGATE_PRECISION_FLOOR, "%s: row %d stopped with %d", device, r, rows[r].stop);
        cr_assert_float_eq(value[r] + conjugate[r], xy, 1e-4 * size, "%s: %g + %g for %g", device, value[r], conjugate[r], xy);
        for (int i = 0; i < N; ++i) cr_assert_float_eq(back[r * N + i], x[r * N + i], 2e-3);
        cr_assert_gt(rows[r].evaluations, 0);
    }
    brn_model_free(m);
    brn_device_close(dev);
}

Test(model_apply, potential_and_conjugate_are_consistent)
{
    for (int d = 0, count = test_device_names(devices); d < count; ++d) legendre(devices[d], false, false);
}

Test(model_apply, so_they_are_in_raw_coordinates)
{
    for (int d = 0, count = test_device_names(devices); d < count; ++d) legendre(devices[d], true, false), legendre(devices[d], true, true);
}

/* A warm start is used: from the solution itself no step is needed. */
Test(model_apply, a_warm_start_saves_evaluations)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 1));
    const brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    brn_model *m = model_make(dev, &s, N, true);
    model_normal(x, ROWS * N, 4);
    MUST(brn_model_map(m, x, ROWS, y));
    long cold = 0, warm = 0;
    MUST(brn_conjugate(m, NULL, y, ROWS, false, back, NULL, rows));
    for (int r = 0; r < ROWS; ++r) cold += rows[r].evaluations;
    MUST(brn_conjugate(m, NULL, y, ROWS, true, x, NULL, rows));
    for (int r = 0; r < ROWS; ++r) warm += rows[r].evaluations;
    cr_assert_lt(warm, cold / 2, "%ld evaluations warm, %ld cold", warm, cold);
    brn_model_free(m);
    brn_device_close(dev);
}

/* Where the answers are among the samples that a model keeps, they are where it starts. */
Test(model_apply, solves_start_at_the_best_sample_kept)
{
    for (int d = 0, count = test_device_names(devices); d < count; ++d) {
        brn_device *dev;
        MUST(brn_device_open(&dev, devices[d], 2));
        const brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
        brn_model *m = model_make(dev, &s, N, false);
        long predicted = 0, sought = 0;
        model_normal(x, ROWS * N, 4);
        MUST(brn_model_map(m, x, ROWS, y));
        MUST(brn_model_inverse(m, y, ROWS, back, rows));
        for (int r = 0; r < ROWS; ++r) predicted += rows[r].evaluations;
        MUST(brn_model_set_starts(m, x, ROWS));
        MUST(brn_model_inverse(m, y, ROWS, back, rows));
        for (int r = 0; r < ROWS; ++r) sought += rows[r].evaluations;
        cr_assert_lt(sought, predicted / 2, "%s: %ld evaluations, %ld from predictions", devices[d], sought, predicted);
        for (int i = 0; i < ROWS * N; ++i) cr_assert_float_eq(back[i], x[i], 5e-3);
        brn_model_free(m);
        brn_device_close(dev);
    }
}

/* More rows than a chunk, and a last tile that is not full: each row as if it were alone. */
Test(model_apply, rows_do_not_depend_on_their_chunk)
{
    enum { MANY = 16384 + 77, FIRST = 16384 - 3, PART = 9 };
    brn_device *dev;
    float *in, *out, *f, *inverse;
    MUST(brn_device_open(&dev, "host", 2));
    brn_settings s = model_settings(2, BRN_POTENTIAL_ICNN);
    s.conjugate.running_scale = true; /* must not tie rows together */
    brn_model *m = model_make(dev, &s, 2, true);
    MUST(brn_model_set_starts(m, x, 100));
    in = malloc(MANY * 2 * sizeof *in), out = malloc(MANY * 2 * sizeof *out);
    inverse = malloc(MANY * 2 * sizeof *inverse), f = malloc(MANY * sizeof *f);
    model_normal(in, MANY * 2, 5);
    MUST(brn_model_map(m, in, MANY, out));
    MUST(brn_model_potential(m, in, MANY, f));
    MUST(brn_model_inverse(m, out, MANY, inverse, NULL));
    MUST(brn_model_map(m, in + FIRST * 2, PART, y));
    MUST(brn_model_potential(m, in + FIRST * 2, PART, value));
    MUST(brn_model_inverse(m, out + FIRST * 2, PART, back, rows));
    cr_assert_arr_eq(y, out + FIRST * 2, PART * 2 * sizeof *y);
    cr_assert_arr_eq(value, f + FIRST, PART * sizeof *f);
    cr_assert_arr_eq(back, inverse + FIRST * 2, PART * 2 * sizeof *back);
    MUST(brn_model_map(m, in, MANY, in)); /* in place */
    cr_assert_arr_eq(in, out, MANY * 2 * sizeof *in);
    MUST(brn_model_inverse(m, out, MANY, out, NULL));
    cr_assert_arr_eq(out, inverse, MANY * 2 * sizeof *out);
    MUST(brn_model_map(m, in, 0, out));
    MUST(brn_conjugate(m, NULL, in, 0, false, out, NULL, NULL));
    free(in), free(out), free(inverse), free(f);
    brn_model_free(m);
    brn_device_close(dev);
}

Test(model_apply, averaged_parameters_are_what_is_evaluated)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 1));
    brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    s.train.averaging = 0.999;
    brn_model *m = model_make(dev, &s, N, false);
    brn_net *f = &m->f.part[0];
    brn_queue *q = brn_device_queue(dev, 0);
    model_normal(x, ROWS * N, 6);
    MUST(brn_model_map(m, x, ROWS, y));
    MUST(brn_zero(q, (brn_view){f->theta, 0}, f->shape.size));
    MUST(brn_net_prepare(f, q));
    MUST(brn_model_map(m, x, ROWS, back));
    cr_assert_arr_eq(y, back, sizeof y);
    MUST(brn_copy(q, (brn_view){m->averaged, 0}, (brn_view){f->theta, 0}, f->shape.size));
    MUST(brn_model_map(m, x, ROWS, back));
    cr_assert(memcmp(y, back, sizeof y) != 0);
    brn_model_free(m);
    brn_device_close(dev);
}

Test(model_apply, bad_solver_settings_are_refused)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 1));
    const brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    brn_model *m = model_make(dev, &s, N, false);
    brn_conjugate_settings set = s.conjugate;
    set.gtol = NAN;
    MUST_FAIL(brn_conjugate(m, &set, y, ROWS, false, x, NULL, NULL), BRN_ERR_USAGE, "conjugate.gtol");
    set = s.conjugate;
    set.max_iterations = -1;
    MUST_FAIL(brn_conjugate(m, &set, y, ROWS, false, x, NULL, NULL), BRN_ERR_USAGE, "conjugate.max_iterations");
    set = s.conjugate;
    set.history = 0; /* automatic */
    MUST(brn_conjugate(m, &set, y, ROWS, false, x, NULL, NULL));
    brn_model_free(m);
    brn_device_close(dev);
}

Test(model_apply, rows_that_are_not_finite_stay_by_themselves)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 1));
    const brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    brn_model *m = model_make(dev, &s, N, true);
    model_normal(y, ROWS * N, 7);
    MUST(brn_model_inverse(m, y, ROWS, x, rows));
    y[4 * N + 1] = INFINITY;
    MUST(brn_model_inverse(m, y, ROWS, back, rows));
    for (int r = 0; r < ROWS; ++r) {
        cr_assert_eq(rows[r].stop == BRN_CONJUGATE_NONFINITE, r == 4);
        if (r != 4) cr_assert_arr_eq(back + r * N, x + r * N, N * sizeof *x);
    }
    brn_model_free(m);
    brn_device_close(dev);
}
