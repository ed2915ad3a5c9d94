#include "plot/chart.h"
#include "plot/page.h"

#include <math.h>

static const double WIDTH = 3.25 * 72, PLOT_HEIGHT = 145, LEFT = 44, RIGHT = 8, TOP = 6, BOTTOM = 36;
static const double LABEL_SIZE = 8, TICK_SIZE = 7, LEGEND_SIZE = 7, LEGEND_LINE = 10, SWATCH = 16, MARGIN = 6;

/* Okabe and Ito's colours, those of all figures, and two more for dark lines on white; then dashed ones. */
static const brn_color palette[] = {{.000, .447, .698, 1}, {.835, .369, .000, 1}, {.000, .620, .451, 1}, {.800, .475, .655, 1},
                                    {.902, .624, .000, 1}, {.337, .706, .914, 1}, {.10, .10, .10, 1}};
enum { COLORS = sizeof palette / sizeof *palette, MOST_TICKS = 64 };
static const brn_color INK = {.2, .2, .2, 1}, FAINT = {.2, .2, .2, .12};

typedef struct {
    const brn_chart *chart;
    cairo_t *cairo;
    brn_box page, data; /* data: logarithms of what is shown on logarithmic axes */
    double legend;      /* where it begins */
} plane;

static void set_color(cairo_t *c, brn_color color) { cairo_set_source_rgba(c, color.red, color.green, color.blue, color.alpha); }

/* ---- scales ------------------------------------------------------------------------------------ */

/* NaN where it cannot be shown. */
static double scaled(bool logarithmic, double v)
{
    if (logarithmic) return v > 0 && isfinite(v) ? log10(v) : (double)NAN;
    return isfinite(v) ? v : (double)NAN;
}

static double page_x(const plane *p, double scaled_x) { return p->page.x0 + (scaled_x - p->data.x0) / (p->data.x1 - p->data.x0) * (p->page.x1 - p->page.x0); }
static double page_y(const plane *p, double scaled_y) { return p->page.y1 - (scaled_y - p->data.y0) / (p->data.y1 - p->data.y0) * (p->page.y1 - p->page.y0); }

static void include(double v, double *low, double *high)
{
    if (isnan(v)) return;
    *low = fmin(*low, v);
    *high = fmax(*high, v);
}

static void widen(double *low, double *high, double margin)
{
    if (*high - *low < 1e-12 * fmax(fabs(*low), fabs(*high)) || *low == *high) *low -= .5, *high += .5;
    const double more = margin * (*high - *low);
    *low -= more;
    *high += more;
}

/* The points of all lines; a linear x begins at 0, where training does. */
static bool find_range(plane *p)
{
    const brn_chart *chart = p->chart;
    brn_box d = {INFINITY, INFINITY, -INFINITY, -INFINITY};
    for (int s = 0; s < chart->count; ++s)
        for (size_t i = 0; i < chart->series[s].count; ++i) {
            const brn_series *one = &chart->series[s];
            const double x = scaled(chart->log_x, one->x[i]), y = scaled(chart->log_y, one->y[i]);
            if (isnan(x) || isnan(y)) continue;
            include(x, &d.x0, &d.x1);
            include(y, &d.y0, &d.y1);
            if (one->low) include(scaled(chart->log_y, one->low[i]), &d.y0, &d.y1);
            if (one->high) include(scaled(chart->log_y, one->high[i]), &d.y0, &d.y1);
        }
    if (!(d.x0 <= d.x1)) return false;
    if (!chart->log_x && d.x0 > 0) d.x0 = 0;
    widen(&d.x0, &d.x1, chart->log_x ? .03 : .02);
    if (!chart->log_x && d.x0 < 0) d.x0 = 0;
    widen(&d.y0, &d.y1, .05);
    p->data = d;
    return true;
}

/* ---- axes -------------------------------------------------------------------------------------- */

int brn_log_ticks(double low, double high, int most, double *ticks)
{
    static const double mantissas[] = {1, 2, 5};
    const int first = (int)floor(log10(low)), last = (int)ceil(log10(high));
    const int each = last - first <= 3 ? 3 : 1, stride = 1 + (last - first) / 10;
    int count = 0;
    for (int e = first; e <= last; e += stride)
        for (int k = 0; k < each; ++k) {
            const double at = mantissas[k] * pow(10, e);
            if (at >= low * (1 - 1e-9) && at <= high * (1 + 1e-9) && count < most) ticks[count++] = at;
        }
    return count;
}

static int find_ticks(const plane *p, bool vertical, double *ticks)
{
    const double low = vertical ? p->data.y0 : p->data.x0, high = vertical ? p->data.y1 : p->data.x1;
    double first, step;
    if (vertical ? p->chart->log_y : p->chart->log_x) return brn_log_ticks(pow(10, low), pow(10, high), MOST_TICKS, ticks);
    const int count = brn_ticks(low, high, vertical ? 7 : 6, &first, &step);
    for (int i = 0; i < count; ++i) ticks[i] = fabs(first + i * step) < 1e-9 * step ? 0 : first + i * step;
    return count;
}

static void text_at(cairo_t *c, const char *text, double x, double y, double anchor_x)
{
    cairo_text_extents_t e;
    cairo_text_extents(c, text, &e);
    cairo_move_to(c, x - anchor_x * e.x_advance, y);
    cairo_show_text(c, text);
}

/* A line across the plane and its number beside it. */
static void draw_tick(const plane *p, bool vertical, double at)
{
    cairo_t *c = p->cairo;
    const double s = scaled(vertical ? p->chart->log_y : p->chart->log_x, at);
    const double x = vertical ? p->page.x0 : page_x(p, s), y = vertical ? page_y(p, s) : p->page.y1;
    set_color(c, FAINT);
    cairo_move_to(c, x, y);
    cairo_line_to(c, vertical ? p->page.x1 : x, vertical ? y : p->page.y0);
    cairo_stroke(c);
    set_color(c, INK);
    if (vertical) brn_figure_number(c, at, x - 3, y + 2.5, 1);
    else brn_figure_number(c, at, x, y + 10, .5);
}

static void draw_axes(const plane *p)
{
    cairo_t *c = p->cairo;
    double ticks[MOST_TICKS];
    cairo_set_line_width(c, .6);
    cairo_set_font_size(c, TICK_SIZE);
    for (int vertical = 0; vertical < 2; ++vertical)
        for (int i = 0, count = find_ticks(p, vertical, ticks); i < count; ++i) draw_tick(p, vertical, ticks[i]);
    set_color(c, INK);
    cairo_rectangle(c, p->page.x0, p->page.y0, p->page.x1 - p->page.x0, p->page.y1 - p->page.y0);
    cairo_stroke(c);
    cairo_set_font_size(c, LABEL_SIZE);
    text_at(c, p->chart->x_label, (p->page.x0 + p->page.x1) / 2, p->page.y1 + 22, .5);
    cairo_save(c);
    cairo_translate(c, 9, (p->page.y0 + p->page.y1) / 2);
    cairo_rotate(c, -1.57079632679489662);
    text_at(c, p->chart->y_label, 0, 0, .5);
    cairo_restore(c);
}

/* ---- lines ------------------------------------------------------------------------------------- */

static void set_style(cairo_t *c, int s)
{
    static const double dashes[] = {5, 2};
    set_color(c, palette[s % COLORS]);
    cairo_set_line_width(c, 1.3);
    cairo_set_dash(c, dashes, s / COLORS % 2 ? 2 : 0, 0);
}

/* Up along one edge and back along the other. */
static void draw_band(const plane *p, const brn_series *s, int style)
{
    cairo_t *c = p->cairo;
    bool any = false;
    if (!s->low || !s->high) return;
    for (size_t k = 0; k < 2 * s->count; ++k) {
        const size_t i = k < s->count ? k : 2 * s->count - 1 - k;
        const double x = scaled(p->chart->log_x, s->x[i]), y = scaled(p->chart->log_y, k < s->count ? s->high[i] : s->low[i]);
        if (isnan(x) || isnan(y)) continue;
        if (any) cairo_line_to(c, page_x(p, x), page_y(p, y));
        else cairo_move_to(c, page_x(p, x), page_y(p, y));
        any = true;
    }
    brn_color color = palette[style % COLORS];
    color.alpha = .18;
    set_color(c, color);
    cairo_fill(c);
}

static void draw_line(const plane *p, const brn_series *s, int style)
{
    cairo_t *c = p->cairo;
    bool on = false;
    set_style(c, style);
    for (size_t i = 0; i < s->count; ++i) {
        const double x = scaled(p->chart->log_x, s->x[i]), y = scaled(p->chart->log_y, s->y[i]);
        const bool shown = !isnan(x) && !isnan(y);
        if (shown && on) cairo_line_to(c, page_x(p, x), page_y(p, y));
        else if (shown) cairo_move_to(c, page_x(p, x), page_y(p, y)), cairo_rel_line_to(c, .01, 0); /* a single point is seen too */
        on = shown;
    }
    cairo_stroke(c);
    cairo_set_dash(c, NULL, 0, 0);
}

static void draw_legend(const plane *p)
{
    cairo_t *c = p->cairo;
    cairo_set_font_size(c, LEGEND_SIZE);
    for (int s = 0; s < p->chart->count; ++s) {
        const double y = p->page.y1 + BOTTOM + LEGEND_LINE * s;
        set_style(c, s);
        cairo_move_to(c, p->legend, y);
        cairo_rel_line_to(c, SWATCH, 0);
        cairo_stroke(c);
        cairo_set_dash(c, NULL, 0, 0);
        set_color(c, INK);
        text_at(c, p->chart->series[s].label, p->legend + SWATCH + 5, y + 2.5, 0);
    }
}

static double legend_width(const brn_chart *chart)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1); /* to measure on */
    cairo_t *c = cairo_create(surface);
    double width = 0;
    brn_figure_font(c);
    cairo_set_font_size(c, LEGEND_SIZE);
    for (int s = 0; s < chart->count; ++s) {
        cairo_text_extents_t e;
        cairo_text_extents(c, chart->series[s].label, &e);
        width = fmax(width, SWATCH + 5 + e.x_advance);
    }
    cairo_destroy(c);
    cairo_surface_destroy(surface);
    return width;
}

brn_status brn_chart_draw(const brn_chart *chart, const char *path)
{
    plane p = {.chart = chart, .page = {LEFT, TOP, WIDTH - RIGHT, TOP + PLOT_HEIGHT}};
    brn_figure *figure;
    if (!find_range(&p)) return brn_fail(BRN_ERR_INPUT, "%s: there is no point to draw", path);
    /* long names begin further left, and widen the page, not the plot, only where that is not enough */
    const double legend = legend_width(chart);
    p.legend = fmax(MARGIN, fmin(LEFT, WIDTH - RIGHT - legend));
    BRN_TRY(brn_figure_open(&figure, path, fmax(WIDTH, p.legend + legend + MARGIN), TOP + PLOT_HEIGHT + BOTTOM + LEGEND_LINE * chart->count));
    p.cairo = figure->cairo;
    cairo_set_line_cap(p.cairo, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(p.cairo, CAIRO_LINE_JOIN_ROUND);
    draw_axes(&p);
    cairo_save(p.cairo);
    cairo_rectangle(p.cairo, p.page.x0, p.page.y0, p.page.x1 - p.page.x0, p.page.y1 - p.page.y0);
    cairo_clip(p.cairo);
    for (int s = 0; s < chart->count; ++s) draw_band(&p, &chart->series[s], s);
    for (int s = 0; s < chart->count; ++s) draw_line(&p, &chart->series[s], s);
    cairo_restore(p.cairo);
    draw_legend(&p);
    return brn_figure_save(figure);
}
