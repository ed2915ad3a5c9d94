/* The figure of a learned map: samples, forward map, inverse map. */
#include "core/memory.h"
#include "plot/figure.h"
#include <brenier/plot.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 2000, LINES = 150, GRID = 121, LEVELS = 14 };
static const double PANEL = 260, LEFT = 34, GAP = 36, TOP = 30, BOTTOM = 40, DOT = 1.25;

enum { SOURCE, TARGET, PUSHED, PULLED, CLOUDS };

typedef struct map_figure {
    int n;
    float *rows[CLOUDS];       /* [POINTS][n] */
    double *points[CLOUDS];    /* [POINTS][2], what is shown of them */
    double *directions, *mean; /* of the shown plane; NULL where n <= 2 */
    float *grid, *values;      /* potential over the panel */
    brn_box data;
} map_figure;

static void release(map_figure *m)
{
    for (int c = 0; c < CLOUDS; ++c) {
        free(m->rows[c]);
        free(m->points[c]);
    }
    free(m->directions);
    free(m->mean);
    free(m->grid);
    free(m->values);
}

static brn_status compute_rows(map_figure *m, brn_model *model, brn_pair *pair)
{
    uint64_t seed = brn_model_settings(model)->eval.seed;
    for (int c = 0; c < CLOUDS; ++c)
        BRN_TRY(BRN_ALLOC(&m->rows[c], (size_t)POINTS * (size_t)m->n, "samples of a figure"));
    BRN_TRY(brn_pair_sample(pair, BRN_SOURCE, seed, 0, POINTS, m->rows[SOURCE]));
    BRN_TRY(brn_pair_sample(pair, BRN_TARGET, seed, 0, POINTS, m->rows[TARGET]));
    BRN_TRY(brn_model_map(model, m->rows[SOURCE], POINTS, m->rows[PUSHED]));
    return brn_model_inverse(model, m->rows[TARGET], POINTS, m->rows[PULLED], NULL);
}

/* ---- the plane that is shown ------------------------------------------------------------------- */

static void project(const map_figure *m, const float *row, double point[2])
{
    point[0] = point[1] = 0;
    if (!m->directions)
        for (int i = 0; i < m->n; ++i) point[i] = row[i];
    else
        for (int i = 0; i < m->n; ++i) {
            point[0] += (row[i] - m->mean[i]) * m->directions[i];
            point[1] += (row[i] - m->mean[i]) * m->directions[m->n + i];
        }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Range of one coordinate of source and target without the furthest half percent, which may be far. */
static brn_status find_range(const map_figure *m, int axis, double *low, double *high)
{
    double *sorted;
    BRN_TRY(BRN_ALLOC(&sorted, 2 * POINTS, "coordinates of a figure"));
    for (int i = 0; i < POINTS; ++i) {
        sorted[i] = m->points[SOURCE][2 * i + axis];
        sorted[POINTS + i] = m->points[TARGET][2 * i + axis];
    }
    qsort(sorted, 2 * POINTS, sizeof *sorted, ascending);
    *low = sorted[2 * POINTS / 400];
    *high = sorted[2 * POINTS - 1 - 2 * POINTS / 400];
    double margin = .08 * (*high - *low);
    *low -= margin;
    *high += margin;
    free(sorted);
    return BRN_OK;
}

static brn_status project_rows(map_figure *m)
{
    if (m->n > 2) {
        BRN_TRY(BRN_ALLOC(&m->directions, 2 * (size_t)m->n, "principal directions"));
        BRN_TRY(BRN_ALLOC(&m->mean, (size_t)m->n, "mean"));
        BRN_TRY(brn_principal_plane(m->rows[TARGET], POINTS, m->n, m->directions, m->mean));
    }
    for (int c = 0; c < CLOUDS; ++c) {
        BRN_TRY(BRN_ALLOC(&m->points[c], 2 * POINTS, "points of a figure"));
        for (size_t i = 0; i < POINTS; ++i) project(m, m->rows[c] + i * (size_t)m->n, m->points[c] + 2 * i);
    }
    BRN_TRY(find_range(m, 0, &m->data.x0, &m->data.x1));
    return find_range(m, 1, &m->data.y0, &m->data.y1);
}

/* ---- panels ------------------------------------------------------------------------------------ */

static brn_box panel_box(int i)
{
    double x = LEFT + i * (PANEL + GAP);
    return (brn_box){x, TOP, x + PANEL, TOP + PANEL};
}

static void show_legend(brn_axes *a, const char *mapped, brn_color color)
{
    const char *texts[] = {"source", "target", mapped};
    const brn_color colors[] = {BRN_BLUE, BRN_ORANGE, color};
    brn_axes_legend(a, mapped ? 3 : 2, texts, colors);
}

static void draw_samples(const map_figure *m, brn_figure *figure)
{
    brn_axes a;
    brn_axes_begin(&a, figure, panel_box(0), m->data, "Samples");
    brn_axes_scatter(&a, m->points[SOURCE], POINTS, DOT, brn_fade(BRN_BLUE, .6));
    brn_axes_scatter(&a, m->points[TARGET], POINTS, DOT, brn_fade(BRN_ORANGE, .6));
    brn_axes_end(&a);
    show_legend(&a, NULL, BRN_GREY);
}

static void draw_forward(const map_figure *m, brn_figure *figure)
{
    brn_axes a;
    brn_axes_begin(&a, figure, panel_box(1), m->data, "Forward map");
    brn_axes_scatter(&a, m->points[TARGET], POINTS, DOT, brn_fade(BRN_ORANGE, .45));
    brn_axes_segments(&a, m->points[SOURCE], m->points[PUSHED], LINES, .5, brn_fade(BRN_GREY, .6));
    brn_axes_scatter(&a, m->points[PUSHED], POINTS, DOT, brn_fade(BRN_GREEN, .6));
    brn_axes_scatter(&a, m->points[SOURCE], LINES, DOT, BRN_BLUE);
    brn_axes_end(&a);
    show_legend(&a, "pushed source", BRN_GREEN);
}

static brn_status draw_potential(map_figure *m, brn_axes *a, brn_model *model)
{
    size_t count = (size_t)GRID * GRID;
    BRN_TRY(BRN_ALLOC(&m->grid, 2 * count, "grid of a figure"));
    BRN_TRY(BRN_ALLOC(&m->values, count, "potential of a figure"));
    const brn_box *d = &a->data;
    for (size_t i = 0; i < count; ++i) {
        m->grid[2 * i] = (float)(d->x0 + (d->x1 - d->x0) * (double)(i % GRID) / (GRID - 1));
        m->grid[2 * i + 1] = (float)(d->y0 + (d->y1 - d->y0) * (double)(i / GRID) / (GRID - 1));
    }
    BRN_TRY(brn_model_potential(model, m->grid, count, m->values));
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; ++i) {
        low = fmin(low, m->values[i]);
        high = fmax(high, m->values[i]);
    }
    /* squares of equal steps: lines of a quadratic potential are then equally far apart */
    for (int k = 1; k < LEVELS; ++k) {
        double t = (double)k / LEVELS;
        brn_axes_contour(a, m->values, GRID, GRID, *d, low + t * t * (high - low), .6,
                         brn_fade(BRN_GREY, .5));
    }
    return BRN_OK;
}

static brn_status draw_inverse(map_figure *m, brn_figure *figure, brn_model *model)
{
    brn_axes a;
    brn_status status = BRN_OK;
    brn_axes_begin(&a, figure, panel_box(2), m->data,
                   m->n == 2 ? "Inverse map, contours of the potential" : "Inverse map");
    if (m->n == 2) status = draw_potential(m, &a, model);
    brn_axes_scatter(&a, m->points[SOURCE], POINTS, DOT, brn_fade(BRN_BLUE, .45));
    brn_axes_segments(&a, m->points[TARGET], m->points[PULLED], LINES, .5, brn_fade(BRN_GREY, .6));
    brn_axes_scatter(&a, m->points[PULLED], POINTS, DOT, brn_fade(BRN_PURPLE, .6));
    brn_axes_scatter(&a, m->points[TARGET], LINES, DOT, BRN_ORANGE);
    brn_axes_end(&a);
    show_legend(&a, "pulled target", BRN_PURPLE);
    return status;
}

brn_status brn_plot_map(brn_model *model, brn_pair *pair, const char *path)
{
    map_figure m = {.n = brn_model_dim(model)};
    brn_figure *figure = NULL;
    if (brn_pair_dim(pair) != m.n)
        return brn_fail(BRN_ERR_USAGE, "the model has dimension %d, %s has %d", m.n, brn_pair_name(pair),
                        brn_pair_dim(pair));
    brn_status status;
    BRN_GO(brn_figure_open(&figure, path, LEFT + 3 * PANEL + 2 * GAP + 12, TOP + PANEL + BOTTOM));
    BRN_GO(compute_rows(&m, model, pair));
    BRN_GO(project_rows(&m));
    draw_samples(&m, figure);
    draw_forward(&m, figure);
    BRN_GO(draw_inverse(&m, figure, model));
    status = brn_figure_save(figure);
    figure = NULL;
done:
    brn_figure_discard(figure);
    release(&m);
    return status;
}
