/* Figures of a learned map: which panels, and where on the page. */
#include "measures/measure.h"
#include "plot/scene.h"
#include <brenier/plot.h>

#include <stdlib.h>

enum { POINTS = 2000, PANELS = 5 };
static const double COLUMN = 3.25 * 72, PAGE = 6.75 * 72;
static const double LEFT = 24, RIGHT = 5, GAP = 22, TOP = 18, BOTTOM = 16, LEGEND = 12;

typedef struct layout {
    int count;
    double panel, width, height, gap, legend;
} layout;

static bool is_motion(brn_plot_kind kind) { return kind == BRN_PLOT_INTERPOLATION || kind == BRN_PLOT_WARP; }

/* `count` square panels beside each other on a page of this width. */
static layout arrange(int count, double width, double gap, double legend)
{
    const double panel = (width - LEFT - RIGHT - (count - 1) * gap) / count;
    return (layout){count, panel, width, TOP + panel + BOTTOM + legend, gap, legend};
}

static brn_box box_of(const layout *l, int i)
{
    const double x = LEFT + i * (l->panel + l->gap);
    return (brn_box){x, TOP, x + l->panel, TOP + l->panel};
}

static const char *title_of(brn_plot_kind kind)
{
    static const char *const titles[] = {[BRN_PLOT_SAMPLES] = "Samples", [BRN_PLOT_FORWARD] = "Forward map", [BRN_PLOT_INVERSE] = "Inverse map",
                                         [BRN_PLOT_POTENTIAL] = "Potential", [BRN_PLOT_CONJUGATE] = "Conjugate potential"};
    return titles[kind];
}

static brn_status draw_panels(brn_scene *s, brn_figure *figure, const layout *l, brn_plot_kind first)
{
    for (int i = 0; i < l->count; ++i) {
        const brn_plot_kind kind = (brn_plot_kind)(first + i);
        BRN_TRY(brn_scene_panel(s, figure, &(brn_panel){kind, box_of(l, i), title_of(kind), BRN_TICKS_NUMBERED, true}));
    }
    return BRN_OK;
}

/* Below all panels: samples change their colour on the way. A drawing has one, and a grid needs no names. */
static bool explains(const brn_pair *pair, brn_plot_kind kind) { return kind == BRN_PLOT_INTERPOLATION && !brn_pair_of_drawings(pair); }

static void explain(brn_figure *figure, const layout *l)
{
    const brn_axes all = {.figure = figure, .page = {box_of(l, 0).x0, TOP, box_of(l, l->count - 1).x1, TOP + l->panel}};
    if (l->legend > 0) brn_scene_legend(&all, 3, (const int[]){BRN_CLOUD_SOURCE, BRN_CLOUD_PUSHED, BRN_CLOUD_TARGET});
}

static brn_status draw_animation(const brn_motion *m, brn_figure *figure, const layout *l, int frames)
{
    for (int k = 0; k < frames; ++k) {
        if (k) BRN_TRY(brn_figure_next(figure));
        brn_motion_panel(m, figure, box_of(l, 0), brn_motion_time(figure, k, frames), BRN_TICKS_NUMBERED);
        explain(figure, l);
    }
    return BRN_OK;
}

static void draw_strip(const brn_motion *m, brn_figure *figure, const layout *l)
{
    for (int i = 0; i < l->count; ++i)
        brn_motion_panel(m, figure, box_of(l, i), (double)i / (l->count - 1), i ? BRN_TICKS_BARE : BRN_TICKS_NUMBERED);
    explain(figure, l);
}

static brn_status draw(brn_scene *s, brn_figure *figure, const layout *l, brn_plot_kind kind, int frames)
{
    if (!is_motion(kind)) return draw_panels(s, figure, l, kind == BRN_PLOT_MAP ? BRN_PLOT_SAMPLES : kind);
    brn_motion *motion;
    brn_status status = brn_motion_create(&motion, s, kind);
    if (status == BRN_OK && frames) status = draw_animation(motion, figure, l, frames);
    else if (status == BRN_OK) draw_strip(motion, figure, l);
    brn_motion_free(motion);
    return status;
}

static brn_status check(const brn_plot_options *o, brn_plot_kind kind, const char *path)
{
    if ((o->width != 0 && !(o->width >= 1 && o->width <= 40)) || (o->points != 0 && (o->points < 2 || o->points > 1000000)) ||
        (o->frames != 0 && (o->frames < 2 || o->frames > 1000)))
        return brn_fail(BRN_ERR_USAGE, "%s: figures have 1 to 40 inches, 2 to 1000000 points, 2 to 1000 frames", path);
    if (brn_figure_moves(path) && !is_motion(kind))
        return brn_fail(BRN_ERR_USAGE, "%s: this figure does not move; draw it as .png, .svg or .pdf", path);
    return BRN_OK;
}

static layout layout_of(const brn_plot_options *o, const brn_pair *pair, brn_plot_kind kind, const char *path)
{
    const bool beside = kind == BRN_PLOT_MAP || (is_motion(kind) && !brn_figure_moves(path));
    const double width = o->width > 0 ? 72 * o->width : beside ? PAGE : COLUMN;
    if (is_motion(kind)) return arrange(beside ? (o->frames ? o->frames : PANELS) : 1, width, 8, explains(pair, kind) ? LEGEND : 0);
    return arrange(beside ? 3 : 1, width, GAP, LEGEND);
}

/* A drawing needs many to be seen. */
static int points_of(const brn_pair *pair) { return brn_pair_of_drawings(pair) ? 20000 : POINTS; }

brn_status brn_plot(brn_model *model, brn_pair *pair, brn_plot_kind kind, const brn_plot_options *options, const char *path)
{
    const brn_plot_options o = options ? *options : (brn_plot_options){0};
    brn_scene s = {0};
    brn_figure *figure = NULL;
    brn_status status = check(&o, kind, path);
    if (status != BRN_OK) return status;
    if (brn_grid_shows(model, kind)) return brn_grid_draw(model, pair, kind, &o, o.width > 0 ? 72 * o.width : brn_figure_moves(path) ? COLUMN : PAGE, path);
    if (kind == BRN_PLOT_DENSITY) return brn_density_draw(model, pair, o.width > 0 ? 72 * o.width : COLUMN, o.points ? o.points : POINTS, path);
    const layout l = layout_of(&o, pair, kind, path);
    if (l.panel < 20) return brn_fail(BRN_ERR_USAGE, "%s: %d panels do not fit %.3g inches", path, l.count, l.width / 72);
    BRN_GO(brn_figure_open(&figure, path, l.width, l.height));
    BRN_GO(brn_scene_create(&s, model, pair, o.points ? o.points : points_of(pair)));
    BRN_GO(brn_scene_check(&s, kind));
    BRN_GO(draw(&s, figure, &l, kind, brn_figure_moves(path) ? (o.frames ? o.frames : BRN_FRAMES) : 0));
    status = brn_figure_save(figure);
    figure = NULL;
done:
    brn_figure_discard(figure);
    brn_scene_free(&s);
    return status;
}
