/* Figures of maps of images: bands of pictures that are seen. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A page of 486 points, 3 pixels each: ten pictures, 2 points apart, between 20 on the left and 4 on the right. */
enum { N = 64, WIDTH = 1458, COLUMNS = 10 };
static const double CELL = (486 - 24 + 2) / 10. - 2;

static char path[128];

static void open_all(void)
{
    static const char *const settings[] = {"data.pair=images", "data.n=64", "potential.hidden=4,8", "amortizer.hidden=4,8", "train.steps=2", "train.batch=16", "eval.points=16"};
    plot_open("images", 7, settings);
}
TestSuite(grid, .init = open_all, .fini = plot_close);

static const char *named(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int pixel(const brn_image *p, double x, double y) { return p->pixels[3 * ((size_t)(3 * y) * (size_t)p->width + (size_t)(3 * x))]; }

/* The picture in column k below `top` (points) shows these numbers, whose pixels are an eighth of a cell. */
static void shows(const brn_image *p, const float *rows, int k, double top, const char *what)
{
    for (int i = 0; i < N; ++i) {
        const float v = rows[k * N + i];
        const int expected = (int)rint(fmin(fmax((v + 1) * 127.5, 0), 255));
        const int found = pixel(p, 20 + k * (CELL + 2) + (i % 8 + .5) * CELL / 8, top + (i / 8 + .5) * CELL / 8);
        cr_assert(abs(found - expected) <= 1, "%s %d, pixel %d: %d, expected %d", what, k, i, found, expected);
    }
}

Test(grid, of_a_map)
{
    static float x[COLUMNS * N], y[COLUMNS * N];
    const uint64_t seed = brn_model_settings(model)->eval.seed;
    brn_image p;
    MUST(brn_plot(model, pair, BRN_PLOT_MAP, NULL, named("map.png")));
    MUST(brn_image_read(&p, path, 3));
    cr_assert_eq(p.width, WIDTH);
    cr_assert(abs(p.height - (int)(3 * (8 + 5 * CELL + 4 * 6))) <= 1, "%d pixels high", p.height);
    MUST(brn_pair_sample(pair, BRN_SOURCE, seed, 0, COLUMNS, x));
    for (int k = 0; k < COLUMNS; k += 9) shows(&p, x, k, 4, "source");
    MUST(brn_model_map(model, x, COLUMNS, y));
    shows(&p, y, 3, 4 + CELL + 6, "forward");
    MUST(brn_pair_map(pair, x, COLUMNS, y));
    shows(&p, y, 3, 4 + 2 * (CELL + 6), "true");
    MUST(brn_pair_sample(pair, BRN_TARGET, seed, 0, COLUMNS, x));
    shows(&p, x, 9, 4 + 3 * (CELL + 6), "target");
    MUST(brn_model_inverse(model, x, COLUMNS, y, NULL));
    shows(&p, y, 3, 4 + 4 * (CELL + 6), "inverse");
    brn_image_free(&p);
}

Test(grid, of_samples)
{
    static float x[3 * COLUMNS * N];
    brn_image p;
    MUST(brn_plot(model, pair, BRN_PLOT_SAMPLES, NULL, named("samples.png")));
    MUST(brn_image_read(&p, path, 3));
    cr_assert_eq(p.width, WIDTH);
    MUST(brn_pair_sample(pair, BRN_SOURCE, brn_model_settings(model)->eval.seed, 0, 3 * COLUMNS, x));
    shows(&p, x, 4, 4, "source");
    shows(&p, x + 2 * COLUMNS * N, 4, 4 + 2 * (CELL + 2), "source, third row");
    brn_image_free(&p);
}

/* Halfway from x to T(x). */
static void between(float *rows, const float *image)
{
    for (int k = 0; k < COLUMNS * N; ++k) rows[k] = (rows[k] + image[k]) / 2;
}

Test(grid, of_an_interpolation)
{
    static float x[COLUMNS * N], y[COLUMNS * N];
    brn_image p;
    MUST(brn_plot(model, pair, BRN_PLOT_INTERPOLATION, &(brn_plot_options){.frames = 3}, named("between.png")));
    MUST(brn_image_read(&p, path, 3));
    cr_assert_eq(p.width, WIDTH);
    cr_assert(abs(p.height - (int)(3 * (8 + 3 * CELL + 2 * 6))) <= 1, "%d pixels high", p.height);
    MUST(brn_pair_sample(pair, BRN_SOURCE, brn_model_settings(model)->eval.seed, 0, COLUMNS, x));
    MUST(brn_model_map(model, x, COLUMNS, y));
    shows(&p, x, 2, 4, "t = 0");
    shows(&p, y, 2, 4 + 2 * (CELL + 6), "t = 1");
    between(x, y);
    shows(&p, x, 7, 4 + CELL + 6, "t = 1/2");
    brn_image_free(&p);
}

/* Frames: below the time three rows of five, whose first pixel is that of the first picture. */
Test(grid, that_moves)
{
    static float x[COLUMNS * N], y[COLUMNS * N];
    brn_image p;
    MUST(brn_plot(model, pair, BRN_PLOT_INTERPOLATION, &(brn_plot_options){.frames = 3}, named("frames/")));
    MUST(brn_image_read(&p, named("frames/0002.png"), 3));
    const double cell = (234 - 8 + 2) / 5. - 2;
    cr_assert_eq(p.width, 468);
    cr_assert(abs(p.height - (int)(2 * (14 + 3 * cell + 2 * 2 + 4))) <= 1, "%d pixels high", p.height);
    MUST(brn_pair_sample(pair, BRN_SOURCE, brn_model_settings(model)->eval.seed, 0, COLUMNS, x));
    MUST(brn_model_map(model, x, COLUMNS, y));
    between(x, y);
    const int expected = (int)rint(fmin(fmax((x[0] + 1) * 127.5, 0), 255)), found = p.pixels[3 * ((size_t)(2 * (14 + cell / 16)) * 468 + (size_t)(2 * (4 + cell / 16)))];
    cr_assert(abs(found - expected) <= 1, "%d, expected %d", found, expected);
    brn_image_free(&p);
#if BRN_HAVE_GIF
    MUST(brn_plot(model, pair, BRN_PLOT_INTERPOLATION, &(brn_plot_options){.frames = 3}, named("moving.gif")));
#endif
}

Test(grid, as_vectors)
{
    static const char *const files[][2] = {{"map.svg", "<image"}, {"map.pdf", "%PDF-"}};
    for (int k = 0; k < 2; ++k) {
        MUST(brn_plot(model, pair, BRN_PLOT_MAP, &(brn_plot_options){.points = 12}, named(files[k][0])));
        FILE *f = fopen(path, "rb");
        static char text[1 << 20];
        cr_assert_not_null(f);
        const size_t size = fread(text, 1, sizeof text - 1, f);
        fclose(f);
        cr_expect_gt(size, 5000, "%s: %zu bytes", path, size);
        cr_expect_not_null(strstr(text, files[k][1]), "%s lacks %s", path, files[k][1]);
    }
}

Test(grid, that_cannot_be_drawn)
{
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_MAP, &(brn_plot_options){.points = 200}, "a.png"), BRN_ERR_USAGE, "a.png: 200 pictures beside each other do not fit");
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_INTERPOLATION, &(brn_plot_options){.frames = 1000}, "a.png"), BRN_ERR_USAGE, "a.png: 1000 bands");
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_SAMPLES, NULL, "a.gif"), BRN_ERR_USAGE, "does not move");
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_SAMPLES, NULL, "a.bmp"), BRN_ERR_USAGE, "a.bmp");
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_MAP, NULL, "/nothing/here/a.png"), BRN_ERR_DISK, "nothing/here");
}
