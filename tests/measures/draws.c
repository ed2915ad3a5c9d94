/* What a draw depends on, and what it does not. */
#include "core/philox.h"
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const brn_sampling kinds[] = {BRN_SAMPLING_IID, BRN_SAMPLING_ANTITHETIC, BRN_SAMPLING_LATTICE};
static const struct { const char *name; int n; } pairs[] = {{"gauss8", 2}, {"rings", 2}, {"swiss", 2}, {"gaussian", 5}};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static bool same(const double *a, const double *b, size_t count) { return !memcmp(a, b, count * sizeof *a); }

/* The cases of a test: the built-in pairs above, then the benchmark's n = 4 and 16 where they are. */
static int case_count(void) { return PAIRS + (test_w2bench_dir() ? 2 : 0); }
static fixture open_case(int i, const char *device, int threads)
{
    char path[512];
    snprintf(path, sizeof path, "%s/hd_%d.safetensors", test_w2bench_dir() ? test_w2bench_dir() : "", i == PAIRS ? 4 : 16);
    const brn_settings s = i < PAIRS ? fixture_settings(pairs[i].name, pairs[i].n) : fixture_settings(path, 0);
    return fixture_open(device, threads, &s);
}

Test(draws, do_not_depend_on_tiles)
{
    for (int i = 0; i < case_count(); ++i)
        for (int k = 0; k < 3; ++k)
            for (int side = 0; side < 2; ++side) {
                fixture f = open_case(i, "host", 1);
                const brn_draw draw = {.seed = 7, .step = 9, .stream = 2, .batch = 151, .sampling = kinds[k]};
                double *whole = fixture_batch(&f, side, &draw, 64), *parts = fixture_batch(&f, side, &draw, 19);
                cr_expect(same(whole, parts, 151 * (size_t)f.n), "pair %d, sampling %d, side %d", i, k, side);
                free(whole), free(parts);
                fixture_close(&f);
            }
}

Test(draws, do_not_depend_on_threads)
{
    for (int i = 0; i < case_count(); ++i) {
        fixture one = open_case(i, "host", 1), two = open_case(i, "host", 2);
        for (int side = 0; side < 2; ++side) {
            float *a = fixture_samples(&one, side, 3, 5, 1001), *b = fixture_samples(&two, side, 3, 5, 1001);
            cr_expect(!memcmp(a, b, 1001 * (size_t)one.n * sizeof *a));
            free(a), free(b);
        }
        fixture_close(&one);
        fixture_close(&two);
    }
}

Test(draws, agree_on_all_devices)
{
    char devices[TEST_DEVICES_MOST][64];
    const int known = test_device_names(devices);
    for (int i = 0; i < case_count(); ++i)
        for (int k = 0; k < 3; ++k)
            for (int d = 1; d < known; ++d) {
                fixture oracle = open_case(i, "host:f64", 1), f = open_case(i, devices[d], 1);
                const brn_draw draw = {.seed = 11, .step = 1, .batch = 300, .sampling = kinds[k]};
                const size_t count = 300 * (size_t)f.n;
                for (int side = 0; side < 2; ++side) {
                    double *want = fixture_batch(&oracle, side, &draw, 0), *got = fixture_batch(&f, side, &draw, 0), scale = 0;
                    for (size_t e = 0; e < count; ++e) scale = fmax(scale, fabs(want[e]));
                    for (size_t e = 0; e < count; ++e)
                        cr_assert_float_eq(got[e], want[e], 4e-6 * scale, "%s pair %d sampling %d side %d row %zu: %.8g, expected %.8g",
                                           devices[d], i, k, side, e / (size_t)f.n, got[e], want[e]);
                    free(want), free(got);
                }
                fixture_close(&oracle);
                fixture_close(&f);
            }
}

Test(draws, differ_by_seed_step_stream_and_side)
{
    fixture f = fixture_pair("host", "gaussian", 2);
    const brn_draw draws[] = {{.seed = 1}, {.seed = 2}, {.seed = 1ull << 32}, {.step = 1}, {.step = 1ull << 33}, {.stream = 1}};
    enum { DRAWS = sizeof draws / sizeof *draws };
    double *x[2 * DRAWS];
    for (int i = 0; i < 2 * DRAWS; ++i) {
        brn_draw d = draws[i / 2];
        d.batch = 4;
        x[i] = fixture_batch(&f, BRN_SOURCE, &d, 0);
        if (i % 2) free(x[i]), x[i] = fixture_batch(&f, BRN_TARGET, &d, 0);
    }
    for (int i = 0; i < 2 * DRAWS; ++i)
        for (int j = 0; j < i; ++j)
            for (int e = 0; e < 8; ++e) cr_expect_neq(x[i][e], x[j][e]);
    for (int i = 0; i < 2 * DRAWS; ++i) free(x[i]);
    fixture_close(&f);
}

/* Philox on the host gives the words of the kernels, and a latent is the quantile of its word. */
Test(draws, latents_are_quantiles_of_philox_words)
{
    char devices[TEST_DEVICES_MOST][64];
    for (int d = 0, known = test_device_names(devices); d < known; ++d) {
        fixture f = fixture_pair(devices[d], "gauss8", 0);
        const brn_draw draw = {.seed = 0x123456789abull, .step = 6, .stream = 4, .batch = 500};
        double *x = fixture_batch(&f, BRN_SOURCE, &draw, 0), worst = 0;
        for (uint32_t r = 0; r < 500; ++r) {
            const brn_philox_words w = brn_philox((uint32_t[]){r, 0, 6, 2 * 4 + BRN_SOURCE}, draw.seed);
            for (int i = 0; i < 2; ++i) {
                const double u = brn_uniform(w.w[i]), tail = fmin(u, 1 - u), z = fabs(x[2 * r + (uint32_t)i]) / .25;
                cr_assert_eq(x[2 * r + (uint32_t)i] > 0, u > .5);
                worst = fmax(worst, fabs(.5 * erfc(z / sqrt(2)) - tail) / tail / (1 + z));
            }
        }
        cr_expect_lt(worst, 2e-6, "%s: quantiles are off by %g", devices[d], worst);
        free(x);
        fixture_close(&f);
    }
}

Test(draws, antithetic_rows_are_mirrored)
{
    fixture f = fixture_pair("host", "gauss8", 0);
    const brn_draw draw = {.seed = 2, .batch = 256, .sampling = BRN_SAMPLING_ANTITHETIC};
    double *x = fixture_batch(&f, BRN_SOURCE, &draw, 0);
    for (int r = 0; r < 256; r += 2)
        for (int i = 0; i < 2; ++i) cr_assert_eq(x[2 * r + i], -x[2 * (r + 1) + i]);
    free(x);
    fixture_close(&f);
    f = fixture_pair("host", "gaussian", 6);
    x = fixture_batch(&f, BRN_TARGET, &draw, 0);
    for (int r = 2; r < 256; r += 2) /* about the mean */
        for (int i = 0; i < 6; ++i) cr_assert_float_eq(x[6 * r + i] + x[6 * r + 6 + i], x[i] + x[6 + i], 1e-5);
    free(x);
    fixture_close(&f);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each coordinate of a lattice draw, taken back to (0, 1), is a shifted grid. */
Test(draws, lattice_coordinates_are_evenly_spaced)
{
    enum { BATCH = 500 };
    fixture f = fixture_pair("host:f64", "gauss8", 0);
    for (int step = 0; step < 3; ++step) {
        const brn_draw draw = {.seed = 2, .step = (uint64_t)step, .batch = BATCH, .sampling = BRN_SAMPLING_LATTICE};
        double *x = fixture_batch(&f, BRN_SOURCE, &draw, 0), u[BATCH];
        for (int i = 0; i < 2; ++i) {
            for (int r = 0; r < BATCH; ++r) u[r] = .5 * erfc(-x[2 * r + i] / .25 / sqrt(2));
            qsort(u, BATCH, sizeof *u, ascending);
            for (int r = 1; r < BATCH; ++r) cr_assert_float_eq(u[r] - u[r - 1], 1. / BATCH, 2e-6);
        }
        free(x);
    }
    fixture_close(&f);
}

/* What lattices are for: a smooth mean with far less error than that of independent points. */
Test(draws, lattice_integrates_better)
{
    double error[2] = {0};
    for (int k = 0; k < 2; ++k) {
        fixture f = fixture_pair("host", "gaussian", 2);
        const brn_draw reference = {.batch = 1 << 20};
        double *x = NULL, want = 0;
        x = fixture_batch(&f, BRN_SOURCE, &reference, 0);
        for (int r = 0; r < 1 << 20; ++r) want += cos(x[2 * r]) * cos(x[2 * r + 1]) / (1 << 20);
        free(x);
        for (int step = 0; step < 8; ++step) {
            const brn_draw draw = {.seed = 8, .step = (uint64_t)step, .batch = 512, .sampling = k ? BRN_SAMPLING_LATTICE : BRN_SAMPLING_IID};
            double got = 0;
            x = fixture_batch(&f, BRN_SOURCE, &draw, 0);
            for (int r = 0; r < 512; ++r) got += cos(x[2 * r]) * cos(x[2 * r + 1]) / 512;
            error[k] += (got - want) * (got - want);
            free(x);
        }
        fixture_close(&f);
    }
    cr_expect_lt(error[1], error[0] / 25, "mean square error %g with a lattice, %g without", error[1], error[0]);
}

Test(draws, samples_continue_a_stream)
{
    for (int i = 0; i < PAIRS; ++i) {
        fixture f = open_case(i, "host", 2);
        const size_t n = (size_t)f.n;
        const uint64_t starts[] = {0, 63, (1u << 20) - 40, 5ull << 40};
        for (int s = 0; s < 4; ++s) {
            float *whole = fixture_samples(&f, BRN_SOURCE, 1, starts[s], 150);
            float *a = fixture_samples(&f, BRN_SOURCE, 1, starts[s], 41), *b = fixture_samples(&f, BRN_SOURCE, 1, starts[s] + 41, 109);
            cr_expect(!memcmp(whole, a, 41 * n * sizeof *a) && !memcmp(whole + 41 * n, b, 109 * n * sizeof *b), "pair %d start %d", i, s);
            free(whole), free(a), free(b);
        }
        fixture_close(&f);
    }
}
