/* Densities: of both sides, the true one beside what the learned map makes of the other side's. */
#include "core/memory.h"
#include "core/statistics.h"
#include "plot/scene.h"
#include <brenier/evaluate.h>

#include <math.h>
#include <stdlib.h>

enum { GRID = 241, TRUE = 0, LEARNED = 1 };
static const double LEFT = 24, RIGHT = 6, GAP = 8, TOP = 18, ROW_GAP = 32, SCALE_GAP = 25, SCALE = 6, BOTTOM = 17;
static const double DECADES = 4; /* of the colours */

static const struct {
    int cloud;
    const char *title;
} shown[2][2] = {[BRN_SOURCE] = {{BRN_CLOUD_SOURCE, "Source"}, {BRN_CLOUD_PULLED, "Target, pulled back"}},
                 [BRN_TARGET] = {{BRN_CLOUD_TARGET, "Target"}, {BRN_CLOUD_PUSHED, "Source, pushed forward"}}};

typedef struct view {
    brn_scene scene;
    brn_pair *pair;
    brn_box box[2];
    float *density[2][2];   /* [GRID][GRID], row 0 at the bottom; NULL: not known */
    double low, high;       /* of the colours */
} view;

static void view_free(view *v)
{
    brn_scene_free(&v->scene);
    for (int side = 0; side < 2; ++side) free(v->density[side][TRUE]), free(v->density[side][LEARNED]);
}

/* ---- what is shown ------------------------------------------------------------------------------ */

static bool known(const view *v, int side, int which)
{
    return brn_pair_has_density(v->pair, which == TRUE ? (brn_side)side : side == BRN_SOURCE ? BRN_TARGET : BRN_SOURCE);
}

static brn_box square(brn_box b)
{
    const double half = fmax(b.x1 - b.x0, b.y1 - b.y0) / 2, x = (b.x0 + b.x1) / 2, y = (b.y0 + b.y1) / 2;
    return (brn_box){x - half, y - half, x + half, y + half};
}

/* The map and its inverse lead back to a place that has mass. Where they do not, the potential is not convex: the formula of
 * the density holds there too, but nothing arrives. */
static brn_status drop_others(view *v, int side, const float *grid, float *density)
{
    const size_t count = (size_t)GRID * GRID;
    const double near = 4 * (v->box[side].x1 - v->box[side].x0) / GRID;
    brn_model *model = v->scene.model;
    float *image;
    BRN_TRY(BRN_ALLOC(&image, 4 * count, "grid of a figure"));
    float *const back = image + 2 * count;
    brn_status status;
    if (side == BRN_SOURCE) {
        BRN_GO(brn_model_map(model, grid, count, image));
        BRN_GO(brn_model_inverse(model, image, count, back, NULL));
    } else {
        BRN_GO(brn_model_inverse(model, grid, count, image, NULL));
        BRN_GO(brn_model_map(model, image, count, back));
    }
    for (size_t k = 0; k < count; ++k)
        if (!(hypot(back[2 * k] - grid[2 * k], back[2 * k + 1] - grid[2 * k + 1]) < near)) density[k] = 0;
done:
    free(image);
    return status;
}

static brn_status evaluate(view *v, int side, int which, const float *grid, double *value)
{
    const size_t count = (size_t)GRID * GRID;
    if (!known(v, side, which)) return BRN_OK;
    BRN_TRY(BRN_ALLOC(&v->density[side][which], count, "density of a figure"));
    if (which == TRUE) BRN_TRY(brn_pair_log_density(v->pair, (brn_side)side, grid, count, value));
    else BRN_TRY(brn_evaluate_density(v->scene.model, v->pair, NULL, (brn_side)side, grid, count, value, NULL));
    for (size_t k = 0; k < count; ++k) v->density[side][which][k] = isnan(value[k]) ? 0 : (float)exp(value[k]);
    return which == LEARNED ? drop_others(v, side, grid, v->density[side][which]) : BRN_OK;
}

static brn_status evaluate_side(view *v, int side)
{
    const size_t count = (size_t)GRID * GRID;
    const brn_box *b = &v->box[side];
    float *grid = NULL;
    double *value = NULL;
    brn_status status;
    BRN_GO(BRN_ALLOC(&grid, 2 * count, "grid of a figure"));
    BRN_GO(BRN_ALLOC(&value, count, "density of a figure"));
    for (size_t k = 0; k < count; ++k) {
        grid[2 * k] = (float)(b->x0 + (b->x1 - b->x0) * (double)(k % GRID) / (GRID - 1));
        grid[2 * k + 1] = (float)(b->y0 + (b->y1 - b->y0) * (double)(k / GRID) / (GRID - 1));
    }
    BRN_GO(evaluate(v, side, TRUE, grid, value));
    BRN_GO(evaluate(v, side, LEARNED, grid, value));
done:
    free(grid), free(value);
    return status;
}

/* The colours end at the highest true density, or where only a thousandth of a panel is higher: a learned one may have spikes. */
static brn_status find_scale(view *v)
{
    const size_t count = (size_t)GRID * GRID;
    double *sorted;
    BRN_TRY(BRN_ALLOC(&sorted, count, "density of a figure"));
    for (int k = 0; k < 4; ++k) {
        const float *density = v->density[k / 2][k % 2];
        if (!density) continue;
        for (size_t i = 0; i < count; ++i) sorted[i] = density[i];
        qsort(sorted, count, sizeof *sorted, brn_ascending);
        v->high = fmax(v->high, sorted[k % 2 == TRUE ? count - 1 : count - 1 - count / 1000]);
    }
    free(sorted);
    if (!(v->high > 0 && isfinite(v->high))) v->high = 1;
    v->low = v->high * pow(10, -DECADES);
    return BRN_OK;
}

static brn_status prepare(view *v, brn_model *model, int points)
{
    BRN_TRY(brn_scene_create(&v->scene, model, v->pair, points));
    BRN_TRY(brn_scene_check(&v->scene, BRN_PLOT_DENSITY));
    if (!known(v, BRN_SOURCE, TRUE) && !known(v, BRN_TARGET, TRUE))
        return brn_fail(BRN_ERR_UNSUPPORTED, "pair \"%s\" has no known density on either side: there is none to carry through the map", brn_pair_name(v->pair));
    for (int side = 0; side < 2; ++side) {
        BRN_TRY(brn_scene_box(&v->scene, shown[side][TRUE].cloud, shown[side][LEARNED].cloud, &v->box[side]));
        v->box[side] = square(v->box[side]);
        BRN_TRY(evaluate_side(v, side));
    }
    return find_scale(v);
}

/* ---- drawing ------------------------------------------------------------------------------------ */

static brn_color color_of(const void *user, double density)
{
    const view *v = user;
    return brn_heat((log10(density) - log10(v->low)) / DECADES);
}

static brn_status draw_panel(view *v, brn_figure *figure, int side, int which, brn_box page)
{
    brn_axes a;
    brn_status status = BRN_OK;
    brn_axes_begin(&a, figure, page, v->box[side], shown[side][which].title, which == TRUE ? BRN_TICKS_NUMBERED : BRN_TICKS_BARE);
    if (v->density[side][which]) status = brn_axes_paint(&a, v->density[side][which], GRID, GRID, color_of, v);
    else brn_scene_scatter(&v->scene, &a, shown[side][which].cloud, .75);
    brn_axes_end(&a);
    return status;
}

static brn_status draw(view *v, brn_figure *figure, double panel, double width)
{
    for (int side = 0; side < 2; ++side)
        for (int which = 0; which < 2; ++which) {
            const double x = LEFT + which * (panel + GAP), y = TOP + side * (panel + ROW_GAP);
            BRN_TRY(draw_panel(v, figure, side, which, (brn_box){x, y, x + panel, y + panel}));
        }
    const double y = TOP + 2 * panel + ROW_GAP + SCALE_GAP;
    brn_figure_scale(figure, (brn_box){LEFT + 30, y, width - RIGHT, y + SCALE}, v->low, v->high, "density");
    return BRN_OK;
}

brn_status brn_density_draw(brn_model *model, brn_pair *pair, double width, int points, const char *path)
{
    const double panel = (width - LEFT - GAP - RIGHT) / 2;
    view v = {.pair = pair};
    brn_figure *figure = NULL;
    brn_status status;
    BRN_GO(brn_figure_open(&figure, path, width, TOP + 2 * panel + ROW_GAP + SCALE_GAP + SCALE + BOTTOM));
    BRN_GO(prepare(&v, model, points));
    BRN_GO(draw(&v, figure, panel, width));
    status = brn_figure_save(figure);
    figure = NULL;
done:
    brn_figure_discard(figure);
    view_free(&v);
    return status;
}
