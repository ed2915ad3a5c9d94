/* Figures of maps of images: bands of pictures, each image below its own source, and pictures on their way. */
#include "core/memory.h"
#include "measures/measure.h"
#include "networks/net.h"
#include "plot/page.h"
#include "plot/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = 10, SAMPLE_ROWS = 3, TIMES = 5, MOVING_COLUMNS = 5, BANDS = 5 };
static const double LEFT = 20, MARGIN = 4, GAP = 2, BAND_GAP = 6, TITLE = 14, LEAST = 8, TALLEST = 100 * 72;

typedef struct grid {
    int image[3], n, columns, rows;        /* rows of pictures in each band */
    int bands;
    double cell, left;                     /* side of a picture, points; where pictures begin */
    const char *name[BANDS];
    float *picture[BANDS];                 /* [rows * columns][n] */
    float *memory;
} grid;

static size_t pictures(const grid *g) { return (size_t)(g->rows * g->columns); }

static float *add_band(grid *g, const char *name)
{
    float *band = g->memory + (size_t)g->bands * pictures(g) * (size_t)g->n;
    g->name[g->bands] = name;
    return g->picture[g->bands++] = band;
}

/* ---- what is shown ------------------------------------------------------------------------------ */

static brn_status fill(grid *g, brn_model *model, brn_pair *pair, brn_plot_kind kind)
{
    const size_t count = pictures(g);
    const uint64_t seed = brn_model_settings(model)->eval.seed;
    const bool maps = kind != BRN_PLOT_SAMPLES;
    BRN_TRY(BRN_ALLOC(&g->memory, BANDS * count * (size_t)g->n, "pictures of a figure"));
    float *source = add_band(g, "source");
    BRN_TRY(brn_pair_sample(pair, BRN_SOURCE, seed, 0, count, source));
    if (maps) BRN_TRY(brn_model_map(model, source, count, add_band(g, "forward")));
    if (kind == BRN_PLOT_INTERPOLATION) return add_band(g, "between"), BRN_OK;
    if (maps && brn_pair_has_map(pair)) BRN_TRY(brn_pair_map(pair, source, count, add_band(g, "true")));
    float *target = add_band(g, "target");
    BRN_TRY(brn_pair_sample(pair, BRN_TARGET, seed, 0, count, target));
    return maps ? brn_model_inverse(model, target, count, add_band(g, "inverse"), NULL) : BRN_OK;
}

/* ---- drawing ------------------------------------------------------------------------------------ */

static uint32_t byte_of(float v) { return v > -1 ? v < 1 ? (uint32_t)((v + 1) * 127.5f + .5f) : 255 : 0; } /* NaN: black */

/* Of an image's numbers, channel first from -1 to 1, pixels 0xffRRGGBB, `stride` bytes a row. */
static void to_pixels(const grid *g, const float *picture, unsigned char *pixels, int stride)
{
    const size_t side = (size_t)g->image[1], plane = g->image[0] == 3 ? side * side : 0;
    for (size_t y = 0; y < side; ++y) {
        uint32_t *row = (uint32_t *)(void *)(pixels + y * (size_t)stride); /* cairo aligns rows for this */
        for (size_t x = 0; x < side; ++x) {
            const float *v = picture + y * side + x;
            row[x] = 0xff000000u | byte_of(v[0]) << 16 | byte_of(v[plane]) << 8 | byte_of(v[2 * plane]);
        }
    }
}

static brn_status draw_picture(const grid *g, brn_figure *figure, const float *picture, double x, double y)
{
    cairo_t *c = figure->cairo;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, g->image[2], g->image[1]);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(surface);
        return brn_fail(BRN_ERR_MEMORY, "%s: out of memory for a picture", figure->path);
    }
    cairo_surface_flush(surface);
    to_pixels(g, picture, cairo_image_surface_get_data(surface), cairo_image_surface_get_stride(surface));
    cairo_surface_mark_dirty(surface);
    cairo_save(c);
    cairo_translate(c, x, y);
    cairo_scale(c, g->cell / g->image[2], g->cell / g->image[1]);
    cairo_set_source_surface(c, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(c), CAIRO_FILTER_NEAREST); /* pixels as they are */
    cairo_rectangle(c, 0, 0, g->image[2], g->image[1]);
    cairo_fill(c);
    cairo_restore(c);
    cairo_surface_destroy(surface);
    return BRN_OK;
}

static double band_height(const grid *g) { return g->rows * (g->cell + GAP) - GAP; }

static brn_status draw_band(const grid *g, brn_figure *figure, const float *band, double top)
{
    for (int k = 0; k < g->rows * g->columns; ++k)
        BRN_TRY(draw_picture(g, figure, band + (size_t)k * (size_t)g->n, g->left + k % g->columns * (g->cell + GAP),
                             top + k / g->columns * (g->cell + GAP)));
    return BRN_OK;
}

static brn_status draw_bands(const grid *g, brn_figure *figure)
{
    double top = MARGIN;
    for (int b = 0; b < g->bands; ++b, top += band_height(g) + BAND_GAP) {
        BRN_TRY(draw_band(g, figure, g->picture[b], top));
        brn_figure_label(figure, LEFT / 2, top + band_height(g) / 2, g->name[b]);
    }
    return BRN_OK;
}

/* (1 - t) x + t T(x) in the third band, from the others, and its name. */
static const float *mix(const grid *g, double t, char name[static 16])
{
    const float *from = g->picture[0], *to = g->picture[1];
    snprintf(name, 16, "t = %.2f", t);
    for (size_t k = 0; k < pictures(g) * (size_t)g->n; ++k) g->picture[2][k] = (float)((1 - t) * from[k] + t * to[k]);
    return g->picture[2];
}

static brn_status draw_times(const grid *g, brn_figure *figure, int times)
{
    char name[16];
    for (int b = 0; b < times; ++b) {
        const double top = MARGIN + b * (band_height(g) + BAND_GAP);
        BRN_TRY(draw_band(g, figure, mix(g, (double)b / (times - 1), name), top));
        brn_figure_label(figure, LEFT / 2, top + band_height(g) / 2, name);
    }
    return BRN_OK;
}

static brn_status draw_frames(const grid *g, brn_figure *figure, double width, int frames)
{
    char name[16];
    for (int k = 0; k < frames; ++k) {
        if (k) BRN_TRY(brn_figure_next(figure));
        BRN_TRY(draw_band(g, figure, mix(g, brn_motion_time(figure, k, frames), name), TITLE));
        brn_figure_title(figure, width / 2, TITLE - 5, name);
    }
    return BRN_OK;
}

/* ---- pages -------------------------------------------------------------------------------------- */

bool brn_grid_shows(const brn_model *model, brn_plot_kind kind)
{
    return brn_model_settings(model)->potential.kind == BRN_POTENTIAL_CONV &&
           (kind == BRN_PLOT_MAP || kind == BRN_PLOT_SAMPLES || kind == BRN_PLOT_INTERPOLATION);
}

brn_status brn_grid_draw(brn_model *model, brn_pair *pair, brn_plot_kind kind, const brn_plot_options *o, double width, const char *path)
{
    const bool moves = brn_figure_moves(path), motion = kind == BRN_PLOT_INTERPOLATION;
    const int frames = o->frames ? o->frames : moves ? BRN_FRAMES : TIMES;
    grid g = {.n = brn_model_dim(model), .columns = o->points ? o->points : moves ? MOVING_COLUMNS : COLUMNS,
              .rows = kind == BRN_PLOT_SAMPLES || moves ? SAMPLE_ROWS : 1, .left = moves ? MARGIN : LEFT};
    brn_figure *figure = NULL;
    brn_status status;
    g.cell = (width - g.left - MARGIN + GAP) / g.columns - GAP;
    if (g.cell < LEAST) return brn_fail(BRN_ERR_USAGE, "%s: %d pictures beside each other do not fit %.3g inches", path, g.columns, width / 72);
    if (brn_pair_dim(pair) != g.n) return brn_fail(BRN_ERR_USAGE, "the pair has dimension %d, the model %d", brn_pair_dim(pair), g.n);
    BRN_GO(brn_conv_image(g.n, g.image));
    BRN_GO(fill(&g, model, pair, kind));
    const int bands = motion ? frames : g.bands;
    const double height = moves ? TITLE + band_height(&g) + MARGIN : 2 * MARGIN + bands * (band_height(&g) + BAND_GAP) - BAND_GAP;
    BRN_GO(height > TALLEST ? brn_fail(BRN_ERR_USAGE, "%s: %d bands of pictures are higher than %g inches", path, bands, TALLEST / 72) : BRN_OK);
    BRN_GO(brn_figure_open(&figure, path, width, height));
    BRN_GO(!motion ? draw_bands(&g, figure) : moves ? draw_frames(&g, figure, width, frames) : draw_times(&g, figure, frames));
    status = brn_figure_save(figure);
    figure = NULL;
done:
    brn_figure_discard(figure);
    free(g.memory);
    return status;
}
