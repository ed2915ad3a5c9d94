/* Volumes under a map: against quadratic potentials, differences, and one way against the other. */
#include "fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3, WIDE = 40, ROWS = 150 };
static const char *const devices[] = {"host", "host:f64", "host:strict"}; /* the products themselves are tested on every device */

static float x[ROWS * WIDE], y[ROWS * WIDE];
static double value[ROWS], error[ROWS], again[ROWS], errors[ROWS];
static const brn_log_det_settings stochastic = {.probes = 4, .steps = 24, .seed = 5};

static void set_log_alpha(brn_model *m, double log_alpha)
{
    brn_net *f = &m->f.part[0];
    brn_queue *q = brn_device_queue(m->dev, 0);
    cr_assert_geq(f->shape.log_alpha, 0);
    MUST(brn_write_f64(q, (brn_view){f->theta, (size_t)f->shape.log_alpha}, &log_alpha, 1));
    MUST(brn_net_prepare(f, q));
}

/* f(x) = exp(a) |x|^2 / 2: the network of zeros adds nothing. */
Test(model_log_det, a_quadratic_potential_scales_every_direction)
{
    for (size_t d = 0; d < sizeof devices / sizeof *devices; ++d) {
        brn_device *dev;
        brn_model *m;
        size_t bad;
        MUST(brn_device_open(&dev, devices[d], 2));
        brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
        s.train.averaging = 0;
        MUST(brn_model_new(&m, dev, &s, N, NULL, "made for a test"));
        set_log_alpha(m, 0.7);
        model_normal(x, ROWS * N, 1);
        MUST(brn_model_log_det(m, NULL, x, NULL, ROWS, value, error, &bad));
        MUST(brn_model_log_det(m, &stochastic, x, NULL, ROWS, again, errors, NULL));
        cr_assert_eq(bad, 0);
        for (int r = 0; r < ROWS; ++r) {
            cr_assert_float_eq(value[r], N * 0.7, 1e-5, "%s: %g", devices[d], value[r]);
            cr_assert_eq(error[r], 0);
            cr_assert_float_eq(again[r], N * 0.7, 1e-5, "%s: %g", devices[d], again[r]);
            cr_assert_lt(errors[r], 1e-5);
        }
        brn_model_free(m);
        brn_device_close(dev);
    }
}

static double determinant(const double j[N][N])
{
    return j[0][0] * (j[1][1] * j[2][2] - j[1][2] * j[2][1]) - j[0][1] * (j[1][0] * j[2][2] - j[1][2] * j[2][0]) +
           j[0][2] * (j[1][0] * j[2][1] - j[1][1] * j[2][0]);
}

/* log det of the map's Jacobian by central differences, in raw coordinates. */
static double by_differences(brn_model *m, const float *at)
{
    const float h = 1.0f / 512;
    float points[2 * N * N], images[2 * N * N];
    double j[N][N];
    for (int k = 0; k < 2 * N; ++k) memcpy(points + k * N, at, N * sizeof *at), points[k * N + k / 2] += k % 2 ? -h : h;
    MUST(brn_model_map(m, points, 2 * N, images));
    for (int i = 0; i < N; ++i)
        for (int k = 0; k < N; ++k) j[i][k] = ((double)images[2 * k * N + i] - images[(2 * k + 1) * N + i]) / (2 * h);
    return log(determinant(j));
}

static void differences(bool standardized)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host:f64", 1));
    const brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    brn_model *m = model_make(dev, &s, N, standardized);
    model_normal(x, 20 * N, 2);
    MUST(brn_model_log_det(m, NULL, x, NULL, 20, value, NULL, NULL));
    double spread = 0;
    for (int r = 0; r < 20; ++r) {
        const double expected = by_differences(m, x + r * N);
        cr_assert_float_eq(value[r], expected, 1e-2, "row %d: %g for %g", r, value[r], expected);
        spread = fmax(spread, fabs(value[r] - value[0]));
    }
    cr_assert_gt(spread, 0.02, "all rows alike say little: %g", spread);
    brn_model_free(m);
    brn_device_close(dev);
}

Test(model_log_det, it_is_that_of_the_maps_jacobian) { differences(false); }
Test(model_log_det, so_it_is_in_raw_coordinates) { differences(true); }

/* Many probes: the law of one is skewed. */
Test(model_log_det, the_stochastic_estimate_is_within_its_error)
{
    enum { FEW = 60 };
    const brn_log_det_settings set = {.probes = 96, .steps = 12, .seed = 5};
    brn_device *dev;
    size_t bad;
    MUST(brn_device_open(&dev, "host", 2));
    const brn_settings s = model_settings(WIDE, BRN_POTENTIAL_ICNN);
    brn_model *m = model_make(dev, &s, WIDE, true);
    model_normal(x, FEW * WIDE, 3);
    MUST(brn_model_log_det(m, NULL, x, NULL, FEW, value, error, NULL));
    MUST(brn_model_log_det(m, &set, x, NULL, FEW, again, errors, &bad));
    cr_assert_eq(bad, 0);
    double square = 0;
    for (int r = 0; r < FEW; ++r) {
        cr_assert_gt(errors[r], 0);
        cr_assert_float_eq(again[r], value[r], 4 * errors[r] + 1e-4, "row %d: %g +- %g for %g", r, again[r], errors[r], value[r]);
        square += (again[r] - value[r]) * (again[r] - value[r]) / (errors[r] * errors[r]) / FEW;
    }
    cr_assert(square > 0.5 && square < 2, "the stated errors are off: %g", square);
    brn_model_free(m);
    brn_device_close(dev);
}

/* Nor do their probes: a part of the rows, on one thread, gives the same numbers. */
Test(model_log_det, rows_do_not_depend_on_others)
{
    enum { FIRST = 70, PART = 41 };
    for (int way = 0; way < 2; ++way) {
        const brn_log_det_settings *set = way ? &stochastic : NULL;
        for (int threads = 1; threads < 3; ++threads) {
            brn_device *dev;
            MUST(brn_device_open(&dev, "host", threads));
            const brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
            brn_model *m = model_make(dev, &s, N, true);
            model_normal(x, ROWS * N, 4);
            if (threads == 1) MUST(brn_model_log_det(m, set, x, NULL, ROWS, value, error, NULL));
            MUST(brn_model_log_det(m, set, x + FIRST * N, NULL, PART, again, errors, NULL));
            cr_assert_arr_eq(again, value + FIRST, PART * sizeof *value);
            cr_assert_arr_eq(errors, error + FIRST, PART * sizeof *error);
            MUST(brn_model_log_det(m, set, x, NULL, 0, again, errors, NULL));
            brn_model_free(m);
            brn_device_close(dev);
        }
    }
}

/* A wavy potential without its quadratic term is convex hardly anywhere. */
Test(model_log_det, rows_without_a_convex_potential_are_counted)
{
    brn_device *dev;
    size_t bad[2];
    MUST(brn_device_open(&dev, "host", 2));
    brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    s.train.averaging = 0;
    brn_model *m = model_make(dev, &s, N, false);
    set_log_alpha(m, -12);
    model_normal(x, ROWS * N, 5);
    MUST(brn_model_log_det(m, NULL, x, NULL, ROWS, value, error, &bad[0]));
    MUST(brn_model_log_det(m, &stochastic, x, NULL, ROWS, again, errors, &bad[1]));
    size_t found[2] = {0, 0};
    for (int r = 0; r < ROWS; ++r) {
        found[0] += isnan(value[r]), found[1] += isnan(again[r]);
        cr_assert_eq(isnan(value[r]), isnan(error[r]));
        cr_assert_eq(isnan(again[r]), isnan(errors[r]));
    }
    for (int way = 0; way < 2; ++way) {
        cr_assert_gt(found[way], 0);
        cr_assert_eq(bad[way], found[way]);
    }
    brn_model_free(m);
    brn_device_close(dev);
}

/* With exchanged roles f lives on the target, and DT is the inverse of its Hessian there. */
Test(model_log_det, exchanged_roles_have_the_inverse)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 2));
    brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    brn_model *plain = model_make(dev, &s, N, false);
    s.train.roles = BRN_ROLES_EXCHANGED;
    s.eval.gtol = 1e-5;
    brn_model *m = model_make(dev, &s, N, false);
    model_normal(x, ROWS * N, 6);
    MUST(brn_model_log_det(plain, NULL, x, NULL, ROWS, value, NULL, NULL));
    MUST(brn_model_inverse(m, x, ROWS, y, NULL)); /* grad f of the same f */
    MUST(brn_model_log_det(m, NULL, y, x, ROWS, again, NULL, NULL));
    MUST(brn_model_log_det(m, NULL, y, NULL, ROWS, errors, NULL, NULL));
    for (int r = 0; r < ROWS; ++r) {
        cr_assert_eq(again[r], -value[r]);
        cr_assert_float_eq(errors[r], again[r], 1e-3, "row %d: %g, and %g with y found", r, again[r], errors[r]);
    }
    brn_model_free(plain), brn_model_free(m);
    brn_device_close(dev);
}

Test(model_log_det, settings_are_checked)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 1));
    const brn_settings s = model_settings(N, BRN_POTENTIAL_ICNN);
    brn_model *m = model_make(dev, &s, N, false);
    MUST_FAIL(brn_model_log_det(m, &(brn_log_det_settings){.probes = 1, .steps = 24}, x, NULL, 1, value, NULL, NULL), BRN_ERR_USAGE, "probes");
    MUST_FAIL(brn_model_log_det(m, &(brn_log_det_settings){.probes = 16, .steps = -1}, x, NULL, 1, value, NULL, NULL), BRN_ERR_USAGE, "steps");
    MUST_FAIL(brn_model_log_det(m, &(brn_log_det_settings){.exact_up_to = 4096}, x, NULL, 1, value, NULL, NULL), BRN_ERR_USAGE, "exact_up_to");
    brn_model_free(m);
    brn_device_close(dev);
}
