/* Every figure in every format: valid files of the right size that are not blank. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#if BRN_HAVE_GIF
#include <gif_lib.h>
#endif

static char path[128];

static void open_all(void)
{
    static const char *const settings[] = {"data.pair=gauss8", "potential.hidden=16", "amortizer.hidden=16", "train.steps=20", "train.batch=64", "eval.points=64"};
    plot_open("2d", 6, settings);
}
TestSuite(kinds, .init = open_all, .fini = plot_close);

static const brn_plot_options FEW = {.points = 200};

static const char *name_of(int kind, const char *ending)
{
    const char *name;
    MUST(brn_plot_describe(kind, &name, NULL));
    snprintf(path, sizeof path, "%s/%s%s", dir, name, ending);
    return path;
}

static char *text_of(size_t *size)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 1 << 22);
    *size = fread(text, 1, (1 << 22) - 1, file);
    fclose(file);
    return text;
}

/* The share of pixels that are not white. */
static double ink(int width, int height)
{
    brn_image p;
    int dark = 0;
    MUST(brn_image_read(&p, path, 3));
    cr_assert(p.width == width && abs(p.height - height) <= 1, "%s: %d x %d, expected %d x %d", path, p.width, p.height, width, height);
    for (int i = 0; i < p.width * p.height; ++i) dark += p.pixels[3 * i] < 250 || p.pixels[3 * i + 2] < 250;
    const double share = (double)dark / (p.width * p.height);
    brn_image_free(&p);
    return share;
}

Test(kinds, bitmaps)
{
    for (int kind = 0; kind < brn_plot_kind_count(); ++kind) {
        const bool wide = kind == BRN_PLOT_MAP || kind == BRN_PLOT_INTERPOLATION || kind == BRN_PLOT_WARP;
        const int height = kind == BRN_PLOT_MAP ? 552 : kind == BRN_PLOT_INTERPOLATION ? 393 : wide ? 357 : kind == BRN_PLOT_DENSITY ? 882 : 753;
        MUST(brn_plot(model, pair, (brn_plot_kind)kind, &FEW, name_of(kind, ".png")));
        const double share = ink(wide ? 1458 : 702, height);
        cr_expect(share > .01 && share < .95, "%s: %g of it is drawn on", path, share);
    }
}

/* Red of the pixel at a point of the page. */
static int red(const brn_image *p, double x, double y) { return p->pixels[3 * ((size_t)(3 * y) * (size_t)p->width + (size_t)(3 * x))]; }

/* Panels of 98 points, from 24 and 130 on, 18 and 148 down; gauss8 has no mass at its centre, and its source all of it there. */
Test(kinds, densities)
{
    const double left = 24 + 49, right = 130 + 49, top = 18 + 49, bottom = 148 + 49;
    brn_image p;
    MUST(brn_plot(model, pair, BRN_PLOT_DENSITY, &FEW, name_of(BRN_PLOT_DENSITY, ".png")));
    MUST(brn_image_read(&p, path, 3));
    cr_expect_lt(red(&p, left, top), 60, "the source at its centre");
    cr_expect_lt(red(&p, right, bottom), 100, "the source pushed hardly at all, at its centre");
    cr_expect_eq(red(&p, left, bottom), 255, "the target at its centre");
    cr_expect_eq(red(&p, left - 47, bottom - 47), 255, "the target in a corner");
    int dark = 255;
    for (double y = bottom - 48; y < bottom + 48; ++y) dark = red(&p, left, y) < dark ? red(&p, left, y) : dark;
    cr_expect_lt(dark, 150, "the target above its centre");
    brn_image_free(&p);
}

Test(kinds, densities_need_one_that_is_known)
{
    brn_settings s = *brn_model_settings(model);
    brn_pair *other;
    MUST(brn_settings_set(&s, "data.pair", "moons"));
    MUST(brn_pair_open(&other, device, &s));
    MUST_FAIL(brn_plot(model, other, BRN_PLOT_DENSITY, &FEW, "a.png"), BRN_ERR_UNSUPPORTED, "moons");
    brn_pair_close(other);
    MUST(brn_settings_set(&s, "data.pair", "rings"));
    MUST(brn_pair_open(&other, device, &s));
    MUST(brn_plot(model, other, BRN_PLOT_DENSITY, &FEW, name_of(BRN_PLOT_DENSITY, ".png")));
    cr_expect_gt(ink(702, 882), .01);
    brn_pair_close(other);
}

Test(kinds, vectors)
{
    for (int kind = 0; kind < brn_plot_kind_count(); ++kind) {
        size_t size;
        MUST(brn_plot(model, pair, (brn_plot_kind)kind, &FEW, name_of(kind, ".svg")));
        char *text = text_of(&size);
        cr_expect(strstr(text, "<svg") && strstr(text, "</svg>") && strstr(text, "<path"), "%s is no SVG with paths", path);
        cr_expect_gt(size, 5000, "%s: %zu bytes", path, size);
        free(text);
        MUST(brn_plot(model, pair, (brn_plot_kind)kind, &FEW, name_of(kind, ".pdf")));
        text = text_of(&size);
        cr_expect(!strncmp(text, "%PDF-", 5) && size > 3000 && strstr(text + size - 10, "%%EOF"), "%s is no PDF", path);
        free(text);
    }
}

#if BRN_HAVE_GIF
Test(kinds, animations)
{
    const brn_plot_options seven = {.points = 200, .frames = 7};
    for (int kind = BRN_PLOT_INTERPOLATION; kind <= BRN_PLOT_WARP; ++kind) {
        int error, differing = 0;
        MUST(brn_plot(model, pair, (brn_plot_kind)kind, &seven, name_of(kind, ".gif")));
        GifFileType *gif = DGifOpenFileName(path, &error);
        cr_assert_not_null(gif);
        cr_assert_eq(DGifSlurp(gif), GIF_OK);
        cr_assert_eq(gif->ImageCount, 7);
        cr_assert_eq(gif->SWidth, 468);
        const GifByteType *first = gif->SavedImages[0].RasterBits, *last = gif->SavedImages[6].RasterBits;
        for (int i = 0; i < gif->SWidth * gif->SHeight; ++i) differing += first[i] != first[0], differing += last[i] != 255;
        cr_expect_gt(differing, 2000, "%s: %d pixels", path, differing);
        DGifCloseFile(gif, &error);
    }
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_SAMPLES, &FEW, name_of(BRN_PLOT_SAMPLES, ".gif")), BRN_ERR_USAGE, "does not move");
}
#endif

Test(kinds, frames_in_a_folder)
{
    const brn_plot_options four = {.points = 200, .frames = 4};
    char folder[96];
    struct stat s;
    snprintf(folder, sizeof folder, "%s/frames/", dir);
    MUST(brn_plot(model, pair, BRN_PLOT_WARP, &four, folder));
    for (int k = 1; k <= 5; ++k) {
        snprintf(path, sizeof path, "%s%04d.png", folder, k);
        cr_assert_eq(stat(path, &s) == 0, k <= 4, "%s", path);
    }
    snprintf(path, sizeof path, "%s0004.png", folder);
    cr_expect_gt(ink(468, 478), .01);
}

Test(kinds, a_sheet_of_maps)
{
    brn_model *const models[] = {model, model};
    brn_pair *const pairs[] = {pair, pair};
    snprintf(path, sizeof path, "%s/sheet.png", dir);
    MUST(brn_plot_sheet(2, models, pairs, path));
    cr_expect_gt(ink(1458, 677), .05);
}

Test(kinds, what_cannot_be_drawn)
{
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_MAP, NULL, "a.bmp"), BRN_ERR_USAGE, "a.bmp");
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_MAP, &(brn_plot_options){.width = 1}, "a.png"), BRN_ERR_USAGE, "do not fit");
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_MAP, &(brn_plot_options){.points = 1}, "a.png"), BRN_ERR_USAGE, "points");
    snprintf(path, sizeof path, "%s/none/a.svg", dir);
    MUST_FAIL(brn_plot(model, pair, BRN_PLOT_MAP, &FEW, path), BRN_ERR_DISK, "none");
    MUST_FAIL(brn_plot_training(dir, "a.png"), BRN_ERR_INPUT, dir);
}
