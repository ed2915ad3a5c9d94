/* What moves: samples along x_t = (1 - t) x + t T(x), and a grid of the source's plane under the same map. */
#include "core/memory.h"
#include "plot/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { GRID_LINES = 25, GRID_POINTS = 241 /* of each direction; of a line */, HOLD = 100 };

struct brn_motion {
    const brn_scene *scene;
    brn_plot_kind kind;
    double *from, *to, *now; /* [2 GRID_LINES][GRID_POINTS][2] of a warp, [count][2] of an interpolation */
    size_t count;
};

void brn_motion_free(brn_motion *m)
{
    if (!m) return;
    free(m->from);
    free(m->to);
    free(m->now);
    free(m);
}

static brn_status allocate(brn_motion *m, size_t count)
{
    m->count = count;
    BRN_TRY(BRN_ALLOC(&m->from, 2 * count, "motion of a figure"));
    BRN_TRY(BRN_ALLOC(&m->to, 2 * count, "motion of a figure"));
    return BRN_ALLOC(&m->now, 2 * count, "motion of a figure");
}

static brn_status take_samples(brn_motion *m)
{
    const brn_scene *s = m->scene;
    BRN_TRY(allocate(m, (size_t)s->count));
    for (size_t k = 0; k < 2 * m->count; ++k) {
        m->from[k] = s->points[BRN_CLOUD_SOURCE][k];
        m->to[k] = s->points[BRN_CLOUD_PUSHED][k];
    }
    return BRN_OK;
}

/* Where source samples lie: elsewhere nothing taught the map. */
static brn_box source_box(const brn_scene *s)
{
    brn_box b = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int i = 0; i < s->count; ++i) {
        const double *p = s->points[BRN_CLOUD_SOURCE] + 2 * i;
        b = (brn_box){fmin(b.x0, p[0]), fmin(b.y0, p[1]), fmax(b.x1, p[0]), fmax(b.y1, p[1])};
    }
    const double half = fmax(b.x1 - b.x0, b.y1 - b.y0) / 2, x = (b.x0 + b.x1) / 2, y = (b.y0 + b.y1) / 2;
    return (brn_box){x - half, y - half, x + half, y + half};
}

static brn_status map_grid(brn_motion *m)
{
    const brn_box box = source_box(m->scene);
    BRN_TRY(allocate(m, (size_t)2 * GRID_LINES * GRID_POINTS));
    float *rows;
    BRN_TRY(BRN_ALLOC(&rows, 2 * m->count, "grid of a figure"));
    for (size_t k = 0; k < m->count; ++k) {
        const size_t line = k / GRID_POINTS;
        const double along = (double)(k % GRID_POINTS) / (GRID_POINTS - 1), across = (double)(line % GRID_LINES) / (GRID_LINES - 1);
        const bool upright = line >= GRID_LINES;
        rows[2 * k] = (float)(box.x0 + (box.x1 - box.x0) * (upright ? across : along));
        rows[2 * k + 1] = (float)(box.y0 + (box.y1 - box.y0) * (upright ? along : across));
    }
    for (size_t k = 0; k < 2 * m->count; ++k) m->from[k] = rows[k];
    const brn_status status = brn_model_map(m->scene->model, rows, m->count, rows);
    for (size_t k = 0; k < 2 * m->count; ++k) m->to[k] = rows[k];
    free(rows);
    return status;
}

brn_status brn_motion_create(brn_motion **motion, brn_scene *scene, brn_plot_kind kind)
{
    BRN_TRY(BRN_ALLOC(motion, 1, "motion of a figure"));
    (*motion)->scene = scene;
    (*motion)->kind = kind;
    return kind == BRN_PLOT_WARP ? map_grid(*motion) : take_samples(*motion);
}

double brn_motion_time(brn_figure *figure, int frame, int frames)
{
    if (frame == 0 || frame == frames - 1) brn_figure_hold(figure, HOLD);
    return (1 - cos(acos(-1) * frame / (frames - 1))) / 2;
}

static void draw_grid(const brn_motion *m, brn_axes *a)
{
    for (int line = 0; line < 2 * GRID_LINES; ++line) {
        const double across = (double)(line % GRID_LINES) / (GRID_LINES - 1);
        const brn_color color = line < GRID_LINES ? brn_mix(BRN_BLUE, BRN_GREEN, across) : brn_mix(BRN_ORANGE, BRN_PURPLE, across);
        brn_axes_line(a, m->now + (size_t)line * GRID_POINTS * 2, GRID_POINTS, .5, brn_fade(color, .9));
    }
}

/* The target stays behind, so that one sees it being covered. */
static void draw_samples(const brn_motion *m, brn_axes *a, double t)
{
    const brn_scene *s = m->scene;
    if (s->drawing) return brn_axes_scatter(a, m->now, m->count, s->dot, BRN_INK);
    brn_axes_scatter(a, s->points[BRN_CLOUD_TARGET], (size_t)s->count, s->dot, brn_fade(BRN_ORANGE, .3));
    brn_axes_scatter(a, m->now, m->count, s->dot, brn_fade(brn_mix(BRN_BLUE, BRN_GREEN, t), .8));
}

void brn_motion_panel(const brn_motion *m, brn_figure *figure, brn_box page, double t, brn_ticks_shown ticks)
{
    char title[32];
    brn_axes a;
    snprintf(title, sizeof title, "t = %.2f", t);
    for (size_t k = 0; k < 2 * m->count; ++k) m->now[k] = (1 - t) * m->from[k] + t * m->to[k];
    brn_axes_begin(&a, figure, page, m->scene->data, title, ticks);
    if (m->kind == BRN_PLOT_WARP) draw_grid(m, &a);
    else draw_samples(m, &a, t);
    brn_axes_end(&a);
}
