/* The pair of image measures: sizes that are possible, sparse statistics of its pixels, a strongly monotone map
 * between its two sides, the same draws in any tiles. */
#include "fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GREY = 8 * 8, COLOUR = 3 * 12 * 12, COUNT = 256 };

Test(images, sizes_that_are_no_images_are_refused)
{
    static const int no[] = {2, 48, 100, 3 * 10 * 10, 12289};
    brn_device *dev;
    MUST(brn_device_open(&dev, "host", 1));
    for (size_t i = 0; i < sizeof no / sizeof *no; ++i) {
        brn_pair *pair;
        const brn_settings s = fixture_settings("images", no[i]);
        MUST_FAIL(brn_pair_open(&pair, dev, &s), BRN_ERR_USAGE, "3 s^2 or s^2");
    }
    brn_device_close(dev);
}

Test(images, pixels_are_centred_sparse_and_smooth)
{
    fixture f = fixture_pair("host", "images", COLOUR);
    float *x = fixture_samples(&f, BRN_SOURCE, 3, 0, COUNT);
    double mean = 0, square = 0, fourth = 0, beside = 0;
    for (int r = 0; r < COUNT; ++r)
        for (int i = 0; i < COLOUR; ++i) {
            const double v = x[r * COLOUR + i];
            mean += v, square += v * v, fourth += v * v * v * v;
            if (i % 12) beside += v * x[r * COLOUR + i - 1] * 12 / 11;
        }
    const double count = COUNT * (double)COLOUR;
    mean /= count, square /= count, fourth /= count, beside /= count;
    cr_expect_lt(fabs(mean), 5 * sqrt(square / COUNT), "mean %g", mean);
    cr_expect(square > .05 * .05 && square < 1, "deviation %g", sqrt(square));
    cr_expect_gt(fourth, 4 * square * square, "kurtosis %g: no heavier tails than a normal number's 3", fourth / (square * square));
    cr_expect_gt(beside, .5 * square, "neighbours correlate by %g", beside / square);
    free(x);
    fixture_close(&f);
}

Test(images, target_is_the_monotone_image_of_the_source)
{
    fixture f = fixture_pair("host", "images", GREY);
    float *x = fixture_samples(&f, BRN_SOURCE, 3, 0, COUNT), *y = fixture_samples(&f, BRN_TARGET, 4, 0, COUNT), *tx = malloc(COUNT * GREY * sizeof *tx);
    MUST(brn_pair_map(f.pair, x, COUNT, tx));
    double moments[2] = {0};
    for (int r = 0; r < COUNT; ++r) {
        const float *a = x + r * GREY, *b = x + (r + 1) % COUNT * GREY, *ta = tx + r * GREY, *tb = tx + (r + 1) % COUNT * GREY;
        double product = 0, distance = 0;
        for (int i = 0; i < GREY; ++i) {
            product += ((double)ta[i] - tb[i]) * ((double)a[i] - b[i]), distance += pow((double)a[i] - b[i], 2);
            moments[0] += pow(ta[i], 2), moments[1] += pow(y[r * GREY + i], 2);
        }
        cr_assert_geq(product, .5 * distance * (1 - 1e-5), "row %d: psi is not 1/2-convex", r);
    }
    cr_expect_float_eq(moments[0] / moments[1], 1, .15, "mean squares %g and %g", moments[0] / COUNT, moments[1] / COUNT);
    free(x), free(y), free(tx);
    fixture_close(&f);
}

Test(images, draws_do_not_depend_on_tiles_or_device)
{
    const brn_draw draw = {.seed = 5, .step = 7, .stream = 11, .batch = 50, .sampling = BRN_SAMPLING_LATTICE};
    fixture host = fixture_pair("host", "images", GREY), strict = fixture_pair("host:strict", "images", GREY);
    for (int side = 0; side < 2; ++side) {
        double *whole = fixture_batch(&host, (brn_side)side, &draw, 0), *cut = fixture_batch(&host, (brn_side)side, &draw, 16),
               *other = fixture_batch(&strict, (brn_side)side, &draw, 0);
        cr_expect_eq(memcmp(whole, cut, 50 * GREY * sizeof *whole), 0);
        for (int i = 0; i < 50 * GREY; ++i) cr_assert_float_eq(other[i], whole[i], 1e-5 * (1 + fabs(whole[i])), "number %d: %g and %g", i, other[i], whole[i]);
        free(whole), free(cut), free(other);
    }
    fixture_close(&host), fixture_close(&strict);
}
