/* SOAP: its factorisations, its steps, and where there is nothing to factorise. */
#include "optimizer_bed.h"
#include "core/philox.h"
#include "training/eigenbasis.h"

#include <brenier/device.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(soap, eigenvectors_and_orthonormal_rows)
{
    enum { N = 37 };
    for (int f64 = 0; f64 < 2; ++f64) {
        brn_eigenbasis e;
        MUST(brn_eigenbasis_create(&e, N, f64));
        brn_rng rng = brn_rng_start(3, 0);
        double a[N][N], worst = 0, former = INFINITY;
        for (int i = 0; i < N; ++i)
            for (int j = 0; j <= i; ++j) a[i][j] = a[j][i] = brn_rng_normal(&rng) + (i == j ? 20 : 0);
        for (int i = 0; i < N * N; ++i) {
            if (f64) ((double *)e.matrix)[i] = a[i / N][i % N];
            else ((float *)e.matrix)[i] = (float)a[i / N][i % N];
        }
        MUST(brn_eigenbasis_solve(&e, N));
        for (int k = 0; k < N; ++k) {
            double x[N], y[N], value = 0;
            for (int i = 0; i < N; ++i) x[i] = f64 ? ((double *)e.matrix)[k * N + i] : (double)((float *)e.matrix)[k * N + i];
            for (int i = 0; i < N; ++i) {
                y[i] = 0;
                for (int j = 0; j < N; ++j) y[i] += a[i][j] * x[j];
                value += x[i] * y[i];
            }
            for (int i = 0; i < N; ++i) worst = fmax(worst, fabs(y[i] - value * x[i]));
            cr_assert_leq(value, former + 1e-4, "eigenvalue %d is larger than the one before", k);
            former = value;
        }
        cr_assert_lt(worst, f64 ? 1e-12 : 1e-3, "residual %g", worst);
        if (f64) ((double *)e.matrix)[0] = NAN;
        else ((float *)e.matrix)[0] = NAN;
        MUST_FAIL(brn_eigenbasis_solve(&e, N), BRN_ERR_DIVERGED, "not finite");
        brn_eigenbasis_free(&e);
    }
}

/* G = U diag(s_k) V^T in every step, with fixed rotations U and V: SOAP's bases are U and V up to signs,
 * and the step is U Adam(diag(s_k)) V^T, the entries off the diagonal being zero. */
Test(soap, is_adam_in_the_eigenbasis)
{
    enum { N = 6, STEPS = 9 };
    const brn_widths hidden = {1, {N}};
    brn_net_shape shape;
    bed b;
    MUST(brn_shape_mlp(&shape, N - 1, &hidden, BRN_ACT_ELU, 1, false)); /* N x N with the bias */
    brn_optimizer_settings set = bed_settings[BRN_OPT_SOAP];
    set.weight_decay = 0;
    set.epsilon = 1e-3; /* rounding errors off the diagonal are nothing beside it */
    bed_open(&b, "host:f64", 1, &shape, &set);
    double basis[2][N][N];
    for (int side = 0; side < 2; ++side) {
        brn_eigenbasis e;
        brn_rng rng = brn_rng_start(9, (uint32_t)side);
        MUST(brn_eigenbasis_create(&e, N, true));
        for (int i = 0; i < N * N; ++i) ((double *)e.matrix)[i] = brn_rng_normal(&rng);
        MUST(brn_eigenbasis_orthonormalise(&e, N));
        memcpy(basis[side], e.matrix, sizeof basis[side]);
        brn_eigenbasis_free(&e);
    }
    double *expected = calloc(2 * shape.size, sizeof *expected), *g = expected + shape.size, m[N] = {0}, v[N] = {0};
    memcpy(expected, bed_theta(&b), shape.size * sizeof *expected);
    for (int k = 1; k <= STEPS; ++k) {
        double d[N];
        memset(g, 0, shape.size * sizeof *g);
        for (int e = 0; e < N; ++e) {
            const double s = (e + 1) * (1 + 0.3 * sin(k * (e + 1)));
            m[e] = set.beta1 * m[e] + (1 - set.beta1) * s;
            v[e] = set.beta2 * v[e] + (1 - set.beta2) * s * s;
            d[e] = m[e] / (1 - pow(set.beta1, k)) / (sqrt(v[e] / (1 - pow(set.beta2, k))) + set.epsilon);
            for (int i = 0; i < N; ++i)
                for (int j = 0; j < N; ++j) {
                    const double outer = basis[0][e][i] * basis[1][e][j];
                    g[shape.layer[0].weight + (size_t)(i * N + j)] += s * outer;
                    expected[shape.layer[0].weight + (size_t)(i * N + j)] -= set.lr * d[e] * outer;
                }
        }
        bed_step(&b, g, 1);
    }
    cr_assert_lt(bed_difference(expected, bed_theta(&b), shape.size), 1e-8);
    free(expected);
    bed_close(&b);
}

/* The parameters are lost then, and the next loss says so; a device's bases are not. */
Test(soap, keeps_its_bases_where_gradients_are_not_finite)
{
    char names[TEST_DEVICES_MOST][64];
    brn_net_shape shape;
    bed_shape(&shape);
    double *g = calloc(shape.size, sizeof *g);
    for (int d = 0, devices = test_device_names(names); d < devices; ++d) {
        bed b;
        if (bed_at_hand(names[d])) continue;
        bed_open(&b, names[d], 1, &shape, &bed_settings[BRN_OPT_SOAP]);
        for (int k = 0; k < 4; ++k) { /* step 4 refreshes */
            bed_gradient(&shape, k, g);
            for (size_t i = 0; k == 3 && i < shape.size; ++i) g[i] = i % 2 ? (double)NAN : (double)INFINITY;
            bed_step(&b, g, 1);
        }
        for (int i = 0; i < brn_optimizer_state_count(b.opt); ++i) {
            const char *name;
            brn_buf *buf;
            MUST(brn_optimizer_state(b.opt, i, &name, &buf));
            if (!strstr(name, "_basis")) continue;
            const size_t n = (size_t)lrint(sqrt((double)brn_buf_count(buf)));
            double *basis = calloc(n * n, sizeof *basis);
            MUST(brn_read_f64(bed_queue(&b), (brn_view){buf, 0}, basis, n * n));
            for (size_t e = 0; e < n * n; ++e) {
                double product = 0;
                for (size_t c = 0; c < n; ++c) product += basis[e / n * n + c] * basis[e % n * n + c];
                cr_assert_float_eq(product, e / n == e % n, 1e-5, "%s on %s: rows %zu and %zu: %g", name, names[d], e / n, e % n, product);
            }
            free(basis);
        }
        bed_close(&b);
    }
    free(g);
}

/* A dimension too large for a factor leaves SOAP one-sided. */
Test(soap, without_a_large_factor)
{
    const brn_widths hidden = {1, {3}};
    brn_net_shape shape;
    bed b;
    MUST(brn_shape_mlp(&shape, 5000, &hidden, BRN_ACT_ELU, 1, false));
    bed_open(&b, "host", 1, &shape, &bed_settings[BRN_OPT_SOAP]);
    cr_assert_eq(brn_optimizer_state_count(b.opt), 2 + 2 + 2);
    double *g = calloc(2 * shape.size, sizeof *g), *before = g + shape.size;
    memcpy(before, bed_theta(&b), shape.size * sizeof *g);
    bed_gradient(&shape, 1, g);
    bed_step(&b, g, 1);
    const double *after = bed_theta(&b);
    double along = 0;
    for (size_t i = 0; i < 15003; ++i) along += (before[i] - after[i]) * g[i];
    cr_assert_gt(along, 0);
    free(g);
    bed_close(&b);
}
