/* One panel of each kind that stands still. */
#include "core/memory.h"
#include "plot/scene.h"

#include <math.h>
#include <stdlib.h>

enum { LINES = 120, GRID = 161, STRIDE = 8, LEVELS = 14 };

static const brn_color COLORS[BRN_CLOUDS] = {{.000, .447, .698, 1}, {.902, .624, .000, 1}, {.000, .620, .451, 1}, {.800, .475, .655, 1}};

void brn_scene_scatter(const brn_scene *s, brn_axes *a, int cloud, double alpha)
{
    brn_axes_scatter(a, s->points[cloud], (size_t)s->count, s->dot, brn_fade(COLORS[cloud], alpha));
}

static void draw_samples(const brn_scene *s, brn_axes *a)
{
    brn_scene_scatter(s, a, BRN_CLOUD_SOURCE, .75);
    brn_scene_scatter(s, a, BRN_CLOUD_TARGET, .75);
}

/* Samples of one side, their images, and what these should cover. */
static void draw_transport(const brn_scene *s, brn_axes *a, int from, int image, int to)
{
    const size_t lines = (size_t)(s->count < LINES ? s->count : LINES);
    brn_scene_scatter(s, a, to, .35);
    brn_scene_scatter(s, a, from, .35);
    brn_scene_scatter(s, a, image, .8);
    brn_axes_segments(a, s->points[from], s->points[image], lines, .35, brn_fade(BRN_INK, .55));
    brn_axes_scatter(a, s->points[from], lines, s->dot, COLORS[from]);
    brn_axes_scatter(a, s->points[image], lines, s->dot, COLORS[image]);
}

/* ---- potentials --------------------------------------------------------------------------------- */

typedef struct field {
    float *grid, *image, *values;
} field;

static void field_free(field *f)
{
    free(f->grid);
    free(f->image);
    free(f->values);
}

/* f* is a maximum, of which a solve may find a lower one: where the argmax of another place, of some that are spread over the
 * grid, gives more, a second solve starts there. */
static brn_status raise(const brn_scene *s, field *f)
{
    const size_t count = (size_t)GRID * GRID;
    float *start = NULL, *higher = NULL;
    brn_status status;
    BRN_GO(BRN_ALLOC(&start, 2 * count, "grid of a figure"));
    BRN_GO(BRN_ALLOC(&higher, count, "potential of a figure"));
    for (size_t i = 0; i < count; ++i) {
        const float *y = f->grid + 2 * i;
        size_t best = i;
        double most = f->values[i];
        for (size_t c = 0; c < count; c += c % GRID + STRIDE < GRID ? STRIDE : (STRIDE - 1) * GRID + GRID - c % GRID) {
            const float *x = f->image + 2 * c, *at = f->grid + 2 * c;
            const double value = f->values[c] + x[0] * (y[0] - at[0]) + x[1] * (y[1] - at[1]); /* <x, y> - f(x) */
            if (value > most) most = value, best = c;
        }
        start[2 * i] = f->image[2 * best], start[2 * i + 1] = f->image[2 * best + 1];
    }
    BRN_GO(brn_conjugate(s->model, NULL, f->grid, count, true, start, higher, NULL));
    for (size_t i = 0; i < count; ++i) f->values[i] = fmaxf(f->values[i], higher[i]);
done:
    free(start), free(higher);
    return status;
}

static brn_status evaluate(const brn_scene *s, brn_plot_kind kind, const brn_box *d, field *f)
{
    const size_t count = (size_t)GRID * GRID;
    BRN_TRY(BRN_ALLOC(&f->grid, 2 * count, "grid of a figure"));
    BRN_TRY(BRN_ALLOC(&f->image, 2 * count, "grid of a figure"));
    BRN_TRY(BRN_ALLOC(&f->values, count, "potential of a figure"));
    for (size_t i = 0; i < count; ++i) {
        f->grid[2 * i] = (float)(d->x0 + (d->x1 - d->x0) * (double)(i % GRID) / (GRID - 1));
        f->grid[2 * i + 1] = (float)(d->y0 + (d->y1 - d->y0) * (double)(i / GRID) / (GRID - 1));
    }
    if (kind == BRN_PLOT_POTENTIAL) return brn_model_potential(s->model, f->grid, count, f->values);
    BRN_TRY(brn_conjugate(s->model, NULL, f->grid, count, false, f->image, f->values, NULL));
    return raise(s, f);
}

/* Squares of equal steps: lines of a quadratic potential are then equally far apart. */
static void find_levels(const float *values, double levels[LEVELS])
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < (size_t)GRID * GRID; ++i) {
        if (!isfinite(values[i])) continue;
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    for (int k = 0; k < LEVELS; ++k) levels[k] = low + pow((k + 1.) / (LEVELS + 1), 2) * (high - low);
}

typedef struct bands {
    const double *levels;
    int count;
} bands;

static brn_color band_color(const void *user, double value)
{
    const bands *b = user;
    int k = 0;
    while (k < b->count && value >= b->levels[k]) ++k;
    return brn_shade((double)k / b->count);
}

static brn_status draw_field(const brn_scene *s, brn_axes *a, brn_plot_kind kind)
{
    field f = {0};
    double levels[LEVELS];
    brn_status status;
    BRN_GO(evaluate(s, kind, &a->data, &f));
    find_levels(f.values, levels);
    BRN_GO(brn_axes_paint(a, f.values, GRID, GRID, band_color, &(bands){levels, LEVELS}));
    for (int k = 0; k < LEVELS; ++k) brn_axes_contour(a, f.values, GRID, GRID, a->data, levels[k], .4, brn_fade(BRN_INK, .5));
    brn_scene_scatter(s, a, kind == BRN_PLOT_POTENTIAL ? BRN_CLOUD_SOURCE : BRN_CLOUD_TARGET, .8);
done:
    field_free(&f);
    return status;
}

/* ---- panels ------------------------------------------------------------------------------------- */

brn_status brn_scene_check(const brn_scene *s, brn_plot_kind kind)
{
    if (s->n == 2 || (kind != BRN_PLOT_POTENTIAL && kind != BRN_PLOT_CONJUGATE && kind != BRN_PLOT_WARP && kind != BRN_PLOT_DENSITY)) return BRN_OK;
    return brn_fail(BRN_ERR_USAGE, "this figure is for maps of the plane, and the model has dimension %d", s->n);
}

void brn_scene_legend(const brn_axes *a, int count, const int *clouds)
{
    static const char *const names[BRN_CLOUDS] = {"source", "target", "pushed source", "pulled target"};
    const char *texts[BRN_CLOUDS];
    brn_color colors[BRN_CLOUDS];
    for (int k = 0; k < count; ++k) texts[k] = names[clouds[k]], colors[k] = COLORS[clouds[k]];
    brn_axes_legend(a, count, texts, colors);
}

static void legend(const brn_axes *a, brn_plot_kind kind)
{
    static const struct {
        int count, cloud[3];
    } of[] = {[BRN_PLOT_SAMPLES] = {2, {BRN_CLOUD_SOURCE, BRN_CLOUD_TARGET}},
              [BRN_PLOT_FORWARD] = {3, {BRN_CLOUD_SOURCE, BRN_CLOUD_TARGET, BRN_CLOUD_PUSHED}},
              [BRN_PLOT_INVERSE] = {3, {BRN_CLOUD_SOURCE, BRN_CLOUD_TARGET, BRN_CLOUD_PULLED}},
              [BRN_PLOT_POTENTIAL] = {1, {BRN_CLOUD_SOURCE}},
              [BRN_PLOT_CONJUGATE] = {1, {BRN_CLOUD_TARGET}}};
    brn_scene_legend(a, of[kind].count, of[kind].cloud);
}

brn_status brn_scene_panel(brn_scene *s, brn_figure *figure, const brn_panel *p)
{
    brn_axes a;
    brn_status status = BRN_OK;
    brn_axes_begin(&a, figure, p->page, s->data, p->title, p->ticks);
    if (p->kind == BRN_PLOT_SAMPLES) draw_samples(s, &a);
    else if (p->kind == BRN_PLOT_FORWARD) draw_transport(s, &a, BRN_CLOUD_SOURCE, BRN_CLOUD_PUSHED, BRN_CLOUD_TARGET);
    else if (p->kind == BRN_PLOT_INVERSE) draw_transport(s, &a, BRN_CLOUD_TARGET, BRN_CLOUD_PULLED, BRN_CLOUD_SOURCE);
    else status = draw_field(s, &a, p->kind);
    brn_axes_end(&a);
    if (p->legend) legend(&a, p->kind);
    return status;
}
