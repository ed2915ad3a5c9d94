/* Pictures as measures: moments of places and colours, and pictures that are none. */
#include "fixture.h"
#include <brenier/image.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];
static void make_dir(void) { test_make_dir(dir); }
static void remove_dir(void) { test_remove_dir(dir); }
TestSuite(pictures, .init = make_dir, .fini = remove_dir);

static void put(char path[static BRN_PATH_MAX], const char *name, int width, int height, int channels, const unsigned char *pixels)
{
    snprintf(path, BRN_PATH_MAX, "%s/%s", dir, name);
    unsigned char copy[4096];
    memcpy(copy, pixels, (size_t)(width * height * channels));
    MUST(brn_image_write(&(brn_image){width, height, channels, copy}, path));
}

typedef struct {
    double mean[3], variance[3], low[3], high[3];
} moments;

static moments moments_of(const float *rows, size_t count, size_t n)
{
    moments m;
    for (size_t i = 0; i < n; ++i) {
        double sum = 0, square = 0;
        m.low[i] = INFINITY, m.high[i] = -INFINITY;
        for (size_t r = 0; r < count; ++r) {
            const double v = rows[r * n + i];
            sum += v, square += v * v;
            m.low[i] = fmin(m.low[i], v), m.high[i] = fmax(m.high[i], v);
        }
        m.mean[i] = sum / (double)count;
        m.variance[i] = square / (double)count - m.mean[i] * m.mean[i];
    }
    return m;
}

/* Four pixels beside each other, two rows: a pixel is 2.5 wide, and its weight is what it lacks to white. */
Test(pictures, places_by_darkness)
{
    char path[BRN_PATH_MAX];
    const unsigned char pixels[] = {0, 255, 255, 155, 255, 255, 255, 255}; /* weights 255 and 100 in the upper row */
    float *rows;
    size_t count;
    int n;
    put(path, "a.png", 4, 2, 1, pixels);
    MUST(brn_picture_rows(path, BRN_PICTURES_DARKNESS, &rows, &count, &n));
    cr_assert_eq(n, 2);
    const moments m = moments_of(rows, count, 2);
    const double p = 255. / 355, left = -3.75, right = 3.75, mean = p * left + (1 - p) * right;
    cr_assert_float_eq(m.mean[0], mean, 2e-3);
    cr_assert_float_eq(m.variance[0], p * pow(left - mean, 2) + (1 - p) * pow(right - mean, 2) + 2.5 * 2.5 / 12, .01);
    cr_assert_float_eq(m.mean[1], 1.25, 2e-3); /* the first row of a picture is above */
    cr_assert_float_eq(m.variance[1], 2.5 * 2.5 / 12, 5e-3);
    cr_assert(m.low[0] >= -5 && m.high[0] <= 5 && m.low[1] >= 0 && m.high[1] <= 2.5);
    free(rows);
}

Test(pictures, colours)
{
    char path[BRN_PATH_MAX];
    const unsigned char pixels[] = {0, 128, 255, 64, 128, 255};
    float *rows;
    size_t count;
    int n;
    put(path, "a.png", 2, 1, 3, pixels);
    MUST(brn_picture_rows(path, BRN_PICTURES_COLOURS, &rows, &count, &n));
    cr_assert_eq(n, 3);
    const moments m = moments_of(rows, count, 3);
    cr_assert_float_eq(m.mean[0], 32.5 / 256, 1e-4);
    cr_assert_float_eq(m.variance[0], pow(32. / 256, 2), 1e-4);
    cr_assert_float_eq(m.mean[1], 128.5 / 256, 1e-4);
    cr_assert(m.low[0] >= 0 && m.high[2] <= 1);
    free(rows);
}

static brn_settings settings_of(brn_pictures kind)
{
    return (brn_settings){.data.pictures = kind, .data.standardize = BRN_STANDARDIZE_NONE, .train.batch = 64};
}

Test(pictures, make_pairs)
{
    brn_settings s = settings_of(BRN_PICTURES_DARKNESS);
    const unsigned char pixels[] = {0, 50, 100, 150};
    put(s.data.source, "a.png", 2, 2, 1, pixels);
    put(s.data.target, "b.jpg", 2, 2, 1, pixels); /* sizes and formats may differ */
    fixture f = fixture_open("host", 1, &s);
    cr_assert_eq(f.n, 2);
    cr_assert(brn_pair_of_drawings(f.pair));
    float *rows = fixture_samples(&f, BRN_SOURCE, 0, 0, 4000);
    const moments m = moments_of(rows, 4000, 2);
    cr_assert_lt(m.mean[0], -.2); /* darker on the left */
    cr_assert_gt(m.mean[1], .5);  /* and above */
    free(rows);
    fixture_close(&f);
}

Test(pictures, that_are_no_measures)
{
    brn_settings s = settings_of(BRN_PICTURES_DARKNESS);
    const unsigned char white[] = {255, 255, 255, 255}, grey[] = {0, 50, 100, 150};
    put(s.data.source, "grey.png", 2, 2, 1, grey);
    put(s.data.target, "white.png", 2, 2, 1, white);
    fixture_refused(&s, BRN_ERR_INPUT, "white.png: all white");
    s.data.pictures = BRN_PICTURES_COLOURS;
    fixture_refused(&s, BRN_ERR_INPUT, "grey.png: a grey picture");
    s.data.pictures = BRN_PICTURES_DARKNESS;
    strcpy(s.data.source_weight, "w");
    fixture_refused(&s, BRN_ERR_USAGE, "grey.png: a picture has no column of weights");
}
