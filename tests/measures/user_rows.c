/* The user's own samples: epochs, weights, standardisation and unusable files. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];
static void make_dir(void) { test_make_dir(dir); }
static void remove_dir(void) { test_remove_dir(dir); }
TestSuite(user_rows, .init = make_dir, .fini = remove_dir);

/* A file of the test's folder with this text. */
static void put(char path[static BRN_PATH_MAX], const char *name, const char *text)
{
    snprintf(path, BRN_PATH_MAX, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

/* Rows "k,-k" for k = 0..count-1, so that a value tells its row; with a column of weights k % 3. */
static void put_numbered(char path[static BRN_PATH_MAX], const char *name, int count, bool weighted)
{
    char text[16384] = "a,b,w\n";
    size_t at = strlen(text);
    if (!weighted) at = 0;
    for (int k = 0; k < count; ++k)
        at += (size_t)snprintf(text + at, sizeof text - at, weighted ? "%d,%d,%d\n" : "%d,%d\n", k, -k, k % 3);
    put(path, name, text);
}

static brn_settings settings_of(int source, int target, int batch)
{
    brn_settings s = {.data.standardize = BRN_STANDARDIZE_NONE, .train.batch = batch};
    put_numbered(s.data.source, "a.csv", source, false);
    put_numbered(s.data.target, "b.csv", target, false);
    return s;
}

/* Every row once per epoch, in another order each time, whatever the batch size and the device. */
Test(user_rows, epochs_take_every_row_once)
{
    char devices[TEST_DEVICES_MOST][64];
    const int known = test_device_names(devices);
    const int counts[] = {3, 16, 37, 257};
    for (int c = 0; c < 4; ++c)
        for (int d = 0; d < known; ++d) {
            const int count = counts[c], batch = count < 16 ? count : 16, epochs = 4;
            const brn_settings s = settings_of(count, count, batch);
            fixture f = fixture_open(devices[d], 1, &s);
            int *order = malloc((size_t)(count * epochs + batch) * sizeof *order), changed = 0;
            for (int step = 0; step * batch < count * epochs; ++step) {
                const brn_draw draw = {.seed = 4, .step = (uint64_t)step, .stream = 1, .batch = batch};
                double *x = fixture_batch(&f, BRN_SOURCE, &draw, 7);
                for (int r = 0; r < batch; ++r) {
                    cr_assert_eq(x[2 * r], -x[2 * r + 1]);
                    order[step * batch + r] = (int)x[2 * r];
                }
                free(x);
            }
            for (int e = 0; e < epochs; ++e) {
                char seen[257] = {0};
                for (int r = 0; r < count; ++r) {
                    cr_assert(!seen[order[e * count + r]]++, "count %d epoch %d: a row twice", count, e);
                    changed += order[e * count + r] != order[r];
                }
            }
            if (count > 3) cr_expect_gt(changed, count, "epochs repeat their order");
            free(order);
            fixture_close(&f);
        }
}

/* Rows are uploaded once, or, where they would fill the device's memory, as they are drawn: the same ones. */
Test(user_rows, rows_that_do_not_fit_are_streamed)
{
    enum { ROWS = 600, BATCH = 16, STEPS = 3 };
    char devices[TEST_DEVICES_MOST][64];
    const int known = test_device_names(devices);
    for (int d = 0; d < known; ++d) {
        double *drawn[2][STEPS];
        const brn_settings s = settings_of(ROWS, ROWS, BATCH);
        for (int limited = 0; limited < 2; ++limited) {
            if (limited) setenv("BRENIER_DEVICE_MEMORY", "18000", 1); /* the rows take 9600 bytes, or twice that */
            fixture f = fixture_open(devices[d], 1, &s);
            unsetenv("BRENIER_DEVICE_MEMORY");
            cr_assert_eq(f.pair->side[BRN_TARGET].rows.host != NULL, limited, "%s", devices[d]);
            for (int step = 0; step < STEPS; ++step) {
                const brn_draw draw = {.seed = 4, .step = (uint64_t)step, .stream = 1, .batch = BATCH};
                const uint64_t before = f.device->counts.bytes_up;
                drawn[limited][step] = fixture_batch(&f, BRN_TARGET, &draw, 0);
                if (step == 0 || brn_device_queues(f.device) > 1) continue;
                cr_expect_eq(f.device->counts.bytes_up - before, limited ? 2 * BATCH * f.device->real_size : 0, "%s: %llu bytes", devices[d],
                             (unsigned long long)(f.device->counts.bytes_up - before));
            }
            fixture_close(&f);
        }
        for (int step = 0; step < STEPS; ++step) {
            cr_expect_arr_eq(drawn[0][step], drawn[1][step], 2 * BATCH * sizeof(double), "%s: step %d", devices[d], step);
            free(drawn[0][step]), free(drawn[1][step]);
        }
    }
}

/* Orders of three rows over many epochs: all six about equally often. */
Test(user_rows, orders_are_random)
{
    const brn_settings s = settings_of(3, 3, 3);
    fixture f = fixture_open("host", 1, &s);
    int seen[27] = {0};
    for (int step = 0; step < 1200; ++step) {
        const brn_draw draw = {.step = (uint64_t)step, .batch = 3};
        double *x = fixture_batch(&f, BRN_TARGET, &draw, 0);
        ++seen[(int)(x[0] + 3 * x[2] + 9 * x[4])];
        free(x);
    }
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b)
            if (a != b) cr_expect_float_eq(seen[a + 3 * b + 9 * (3 - a - b)], 200, 70);
    fixture_close(&f);
}

Test(user_rows, weights_are_probabilities)
{
    enum { ROWS = 30, BATCH = 30000 };
    brn_settings s = settings_of(ROWS, ROWS, 16);
    put_numbered(s.data.source, "w.csv", ROWS, true);
    strcpy(s.data.source_weight, "w");
    fixture f = fixture_open("host", 1, &s);
    cr_assert_eq(f.n, 2);
    const brn_draw draw = {.batch = BATCH};
    double *x = fixture_batch(&f, BRN_SOURCE, &draw, 0);
    int seen[ROWS] = {0};
    for (int r = 0; r < BATCH; ++r) ++seen[(int)x[2 * r]];
    for (int k = 0; k < ROWS; ++k) {
        const double expected = BATCH * (k % 3) / (ROWS / 3. * 3);
        cr_expect_float_eq(seen[k], expected, 5 * sqrt(expected) + .5, "row %d: %d times, expected %g", k, seen[k], expected);
    }
    free(x);
    fixture_close(&f);
}

/* Training coordinates have mean 0 each and one common scale; public samples are the raw rows. */
Test(user_rows, standardisation_is_common_and_undone)
{
    brn_settings s = settings_of(40, 24, 8);
    s.data.standardize = BRN_STANDARDIZE_SCALE;
    fixture f = fixture_open("host", 2, &s);
    const brn_standardization *z = brn_pair_standardization(f.pair);
    cr_assert_not_null(z);
    const double va = (40. * 40 - 1) / 12, vb = (24. * 24 - 1) / 12; /* of each column */
    cr_expect_float_eq(z->scale, sqrt((va + vb) / 2), 1e-9);
    cr_expect_float_eq(z->shift[0][0], 19.5, 1e-9);
    cr_expect_float_eq(z->shift[1][1], -11.5, 1e-9);
    const brn_draw draw = {.batch = 40};
    double *x = fixture_batch(&f, BRN_SOURCE, &draw, 0), mean = 0;
    for (int r = 0; r < 40; ++r) mean += x[2 * r];
    cr_expect_float_eq(mean, 0, 1e-4);
    free(x);
    float *raw = fixture_samples(&f, BRN_SOURCE, 1, 0, 40);
    int seen[40] = {0};
    for (int r = 0; r < 40; ++r) {
        cr_expect_float_eq(raw[2 * r], rint(raw[2 * r]), 1e-5);
        ++seen[(int)rint(raw[2 * r])];
    }
    for (int r = 0; r < 40; ++r) cr_expect_eq(seen[r], 1);
    cr_expect_str_eq(brn_pair_name(f.pair), "a.csv -> b.csv");
    cr_expect(!brn_pair_has_map(f.pair));
    free(raw);
    fixture_close(&f);
}

Test(user_rows, unusable_files_are_one_line)
{
    brn_device *device;
    brn_pair *pair;
    MUST(brn_device_open(&device, "host", 1));
    brn_settings s = settings_of(40, 24, 32);
    MUST(brn_pair_open(&pair, device, &s));
    MUST_FAIL(brn_pair_check_batch(pair, &s), BRN_ERR_INPUT, "b.csv: 24 rows are fewer than train.batch=32");
    s.train.batch = 24;
    MUST(brn_pair_check_batch(pair, &s));
    brn_pair_close(pair);
    put(s.data.target, "c.csv", "1,2,3\n4,5,6\n7,8,9\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n1,2,3\n");
    MUST_FAIL(brn_pair_open(&pair, device, &s), BRN_ERR_INPUT, "c.csv has 3");
    put(s.data.target, "d.csv", "u,speed\n1,7\n2,7\n3,7\n4,7\n5,7\n6,7\n7,7\n8,7\n");
    MUST_FAIL(brn_pair_open(&pair, device, &s), BRN_ERR_INPUT, "d.csv: column 2 (\"speed\")");
    put(s.data.target, "e.csv", "u,v,w\n1,7,0\n2,7,0\n3,8,0\n4,7,0\n5,7,0\n6,7,0\n7,7,0\n8,7,0\n");
    strcpy(s.data.target_weight, "w");
    MUST_FAIL(brn_pair_open(&pair, device, &s), BRN_ERR_INPUT, "e.csv: ");
    s.data.target[0] = '\0';
    MUST_FAIL(brn_pair_open(&pair, device, &s), BRN_ERR_USAGE, "data.target is missing");
    snprintf(s.data.target, sizeof s.data.target, "%s/none.csv", dir);
    MUST_FAIL(brn_pair_open(&pair, device, &s), BRN_ERR_INPUT, "none.csv");
    cr_assert_null(pair);
    brn_device_close(device);
}
