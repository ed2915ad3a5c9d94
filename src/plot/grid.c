/* Figures of maps of images: bands of pictures, each image below its own source. */
#include "core/memory.h"
#include "measures/measure.h"
#include "networks/net.h"
#include "plot/page.h"
#include "plot/scene.h"

#include <math.h>
#include <stdlib.h>

enum { COLUMNS = 10, SAMPLE_ROWS = 3, BANDS = 5 };
static const double LEFT = 20, MARGIN = 4, GAP = 2, BAND_GAP = 6, LEAST = 8;

typedef struct grid {
    int image[3], n, columns, rows, bands; /* rows of pictures in each band */
    double cell;                           /* side of a picture, points */
    const char *name[BANDS];
    float *picture[BANDS];                 /* [rows * columns][n] */
    float *memory;
} grid;

static float *add_band(grid *g, const char *name)
{
    float *band = g->memory + (size_t)g->bands * (size_t)(g->rows * g->columns) * (size_t)g->n;
    g->name[g->bands] = name;
    return g->picture[g->bands++] = band;
}

/* ---- what is shown ------------------------------------------------------------------------------ */

static brn_status fill(grid *g, brn_model *model, brn_pair *pair, bool maps)
{
    const size_t count = (size_t)(g->rows * g->columns);
    const uint64_t seed = brn_model_settings(model)->eval.seed;
    BRN_TRY(BRN_ALLOC(&g->memory, BANDS * count * (size_t)g->n, "pictures of a figure"));
    float *source = add_band(g, "source");
    BRN_TRY(brn_pair_sample(pair, BRN_SOURCE, seed, 0, count, source));
    if (maps) BRN_TRY(brn_model_map(model, source, count, add_band(g, "forward")));
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

static brn_status draw(const grid *g, brn_figure *figure)
{
    double top = MARGIN;
    for (int b = 0; b < g->bands; ++b, top += band_height(g) + BAND_GAP) {
        for (int k = 0; k < g->rows * g->columns; ++k)
            BRN_TRY(draw_picture(g, figure, g->picture[b] + (size_t)k * (size_t)g->n, LEFT + k % g->columns * (g->cell + GAP),
                                 top + k / g->columns * (g->cell + GAP)));
        brn_figure_label(figure, LEFT / 2, top + band_height(g) / 2, g->name[b]);
    }
    return BRN_OK;
}

bool brn_grid_shows(const brn_model *model, brn_plot_kind kind)
{
    return brn_model_settings(model)->potential.kind == BRN_POTENTIAL_CONV && (kind == BRN_PLOT_MAP || kind == BRN_PLOT_SAMPLES);
}

brn_status brn_grid_draw(brn_model *model, brn_pair *pair, bool maps, double width, int columns, const char *path)
{
    grid g = {.n = brn_model_dim(model), .columns = columns ? columns : COLUMNS, .rows = maps ? 1 : SAMPLE_ROWS};
    brn_figure *figure = NULL;
    brn_status status;
    g.cell = (width - LEFT - MARGIN + GAP) / g.columns - GAP;
    if (g.cell < LEAST) return brn_fail(BRN_ERR_USAGE, "%s: %d pictures beside each other do not fit %.3g inches", path, g.columns, width / 72);
    if (brn_pair_dim(pair) != g.n) return brn_fail(BRN_ERR_USAGE, "the pair has dimension %d, the model %d", brn_pair_dim(pair), g.n);
    BRN_GO(brn_conv_image(g.n, g.image));
    BRN_GO(fill(&g, model, pair, maps));
    BRN_GO(brn_figure_open(&figure, path, width, 2 * MARGIN + g.bands * (band_height(&g) + BAND_GAP) - BAND_GAP));
    BRN_GO(draw(&g, figure));
    status = brn_figure_save(figure);
    figure = NULL;
done:
    brn_figure_discard(figure);
    free(g.memory);
    return status;
}
