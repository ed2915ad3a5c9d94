/* The stream of random numbers and the mixtures of the published benchmark. */
#include "measures/mixtures.h"
#include "io/safetensors.h"
#include "support/devices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(mixtures, the_stream_is_that_of_numpy)
{
    brn_random_state r;
    brn_random_state_seed(&r, 5489);
    for (int i = 0; i < 9999; ++i) brn_random_state_integer(&r, UINT32_MAX);
    cr_expect_eq(brn_random_state_integer(&r, UINT32_MAX), 4123659995u); /* the standard's check of mt19937 */
    brn_random_state_seed(&r, 0);
    const double known[] = {1.764052345967664, 0.4001572083672233, 0.9787379841057392}; /* everybody's first numbers */
    for (int i = 0; i < 3; ++i) {
        const double number = brn_random_state_normal(&r);
        cr_expect_float_eq(number, known[i], 1e-14);
    }
}

Test(mixtures, every_coordinate_is_standardised)
{
    enum { DIM = 5, ROWS = 40000 };
    for (int count = 1; count <= BRN_MIXTURE_TARGET; count += 3) {
        float maps[BRN_MIXTURE_TARGET * DIM * DIM], centres[BRN_MIXTURE_TARGET * DIM], *x = malloc(ROWS * DIM * sizeof *x);
        brn_random_state r;
        MUST(brn_random_mixture(DIM, count, 3, maps, centres));
        brn_random_state_seed(&r, 1);
        MUST(brn_mixture_points(&r, DIM, count, maps, centres, ROWS, x));
        for (int i = 0; i < DIM; ++i) {
            double mean = 0, square = 0;
            for (int k = 0; k < ROWS; ++k) mean += x[k * DIM + i] / ROWS, square += pow(x[k * DIM + i], 2) / ROWS;
            cr_expect_float_eq(mean, 0, .03, "%d components: mean %g", count, mean);
            cr_expect_float_eq(square, 1, .04, "%d components: square %g", count, square);
        }
        free(x);
    }
}

static void compare(const char *dir, int n, const char *suffix, const char *name, const float *ours, size_t count, int rank, const size_t *shape)
{
    char path[512];
    brn_st *st;
    float *theirs = malloc(count * sizeof *theirs);
    snprintf(path, sizeof path, "%s/hd_%d%s.safetensors", dir, n, suffix);
    MUST(brn_st_open(&st, path));
    MUST(brn_st_read_f32(st, name, theirs, rank, shape));
    cr_expect(!memcmp(ours, theirs, count * sizeof *theirs), "%s of n = %d differs", name, n);
    brn_st_close(st);
    free(theirs);
}

Test(mixtures, seed_0_gives_the_published_source_bit_for_bit)
{
    enum { POINTS = 4096 };
    const char *dir = test_w2bench_dir();
    if (!dir) cr_skip_test("SKIPPED: no benchmark pairs; set BRENIER_W2BENCH to their folder");
    for (size_t n = 2; n <= 32; n *= n) {
        float *maps = malloc(3 * n * n * sizeof *maps), *centres = malloc(3 * n * sizeof *centres), *x = malloc(POINTS * n * sizeof *x);
        brn_random_state r;
        MUST(brn_random_mixture((int)n, 3, brn_mixture_seed(0, 0), maps, centres));
        compare(dir, (int)n, "", "alpha.maps", maps, 3 * n * n, BRN_SHAPE(3, n, n));
        compare(dir, (int)n, "", "alpha.centers", centres, 3 * n, BRN_SHAPE(3, n));
        brn_random_state_seed(&r, 210601954 + (uint32_t)n);
        MUST(brn_mixture_points(&r, (int)n, 3, maps, centres, POINTS, x));
        compare(dir, (int)n, "_eval", "X", x, POINTS * n, BRN_SHAPE(POINTS, n));
        free(maps), free(centres), free(x);
    }
}

Test(mixtures, names_of_the_pair)
{
    static const char *const wrong[] = {"mixtures:", "mixtures:x", "mixtures:1:", "mixtures:1:0", "mixtures:1:3", "mixtures:-1", "mixtures:4294967296", "mixtures:1:2:3"};
    brn_device *dev;
    brn_pair *pair;
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_device_open(&dev, "host", 1));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        MUST(brn_settings_set(&s, "data.pair", wrong[i]));
        MUST_FAIL(brn_pair_open(&pair, dev, &s), BRN_ERR_USAGE, "mixtures:SEED:TARGET");
    }
    MUST(brn_settings_set(&s, "data.pair", "mixtures:4294967295:2"));
    s.data.n = 4;
    MUST(brn_pair_open(&pair, dev, &s));
    cr_expect_eq(brn_pair_dim(pair), 4);
    cr_expect_not(brn_pair_has_map(pair));
    brn_pair_close(pair);
    brn_device_close(dev);
}
