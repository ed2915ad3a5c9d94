/* Panels: frame, ticks, points, lines. */
#include "core/memory.h"
#include "plot/chart.h"
#include "plot/page.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { MOST_TICKS = 6, PAINT_PIXELS = 480, DOTS_A_PATH = 40 };
static const double TITLE_SIZE = 8.5, LABEL_SIZE = 7, TICK = 2.5, FRAME_WIDTH = .6;
static const double PI = 3.14159265358979323846;

static void set_color(cairo_t *c, brn_color color)
{
    cairo_set_source_rgba(c, color.red, color.green, color.blue, color.alpha);
}

static double page_x(const brn_axes *a, double x)
{
    return a->page.x0 + (x - a->data.x0) / (a->data.x1 - a->data.x0) * (a->page.x1 - a->page.x0);
}
static double page_y(const brn_axes *a, double y)
{
    return a->page.y1 - (y - a->data.y0) / (a->data.y1 - a->data.y0) * (a->page.y1 - a->page.y0);
}

static void equal_units(brn_axes *a)
{
    double width = a->page.x1 - a->page.x0, height = a->page.y1 - a->page.y0;
    double unit = fmax((a->data.x1 - a->data.x0) / width, (a->data.y1 - a->data.y0) / height);
    double x = (a->data.x0 + a->data.x1) / 2, y = (a->data.y0 + a->data.y1) / 2;
    if (!(unit > 0)) unit = 1 / width; /* a single point */
    a->data =
        (brn_box){x - unit * width / 2, y - unit * height / 2, x + unit * width / 2, y + unit * height / 2};
}

/* Text with its anchor at (x, y): 0 = left or lower end, .5 = middle, 1 = right or upper end. */
static void text_at(cairo_t *c, const char *text, double x, double y, double anchor_x, double anchor_y)
{
    cairo_text_extents_t e;
    cairo_text_extents(c, text, &e);
    cairo_move_to(c, x - e.x_bearing - anchor_x * e.width, y - e.y_bearing - e.height + anchor_y * e.height);
    cairo_show_text(c, text);
}

void brn_figure_title(brn_figure *figure, double x, double baseline, const char *text)
{
    cairo_t *c = figure->cairo;
    cairo_text_extents_t e;
    set_color(c, BRN_INK);
    cairo_set_font_size(c, TITLE_SIZE);
    cairo_text_extents(c, text, &e);
    cairo_move_to(c, x - e.x_advance / 2, baseline);
    cairo_show_text(c, text);
}

/* `shown`: with its number. */
static void draw_tick(const brn_axes *a, bool vertical, double at, double number, bool shown)
{
    cairo_t *c = a->figure->cairo;
    const double x = vertical ? a->page.x0 : page_x(a, at), y = vertical ? page_y(a, at) : a->page.y1;
    cairo_move_to(c, x, y);
    cairo_rel_line_to(c, vertical ? -TICK : 0, vertical ? 0 : TICK);
    cairo_stroke(c);
    if (shown && vertical) brn_figure_number(c, number, x - TICK - 2, y + 2.5, 1);
    else if (shown) brn_figure_number(c, number, x, y + TICK + 7.5, .5);
}

static void draw_ticks(const brn_axes *a, bool vertical, bool numbered)
{
    const double low = vertical ? a->data.y0 : a->data.x0, high = vertical ? a->data.y1 : a->data.x1;
    double first, step;
    const int count = brn_ticks(low, high, MOST_TICKS, &first, &step);
    for (int i = 0; i < count; ++i) {
        const double at = first + i * step;
        draw_tick(a, vertical, at, fabs(at) < 1e-9 * step ? 0 : at, numbered);
    }
}

static void clip(const brn_axes *a)
{
    cairo_rectangle(a->figure->cairo, a->page.x0, a->page.y0, a->page.x1 - a->page.x0,
                    a->page.y1 - a->page.y0);
    cairo_clip(a->figure->cairo);
}

void brn_axes_begin(brn_axes *a, brn_figure *figure, brn_box page, brn_box data, const char *title, brn_ticks_shown ticks)
{
    cairo_t *c = figure->cairo;
    *a = (brn_axes){figure, page, data};
    equal_units(a);
    set_color(c, BRN_INK);
    cairo_set_line_width(c, FRAME_WIDTH);
    cairo_set_line_cap(c, CAIRO_LINE_CAP_BUTT);
    cairo_set_font_size(c, LABEL_SIZE);
    for (int vertical = 0; ticks != BRN_TICKS_NONE && vertical < 2; ++vertical) draw_ticks(a, vertical, ticks == BRN_TICKS_NUMBERED);
    brn_figure_title(figure, (page.x0 + page.x1) / 2, page.y0 - 5, title); /* one baseline for all panels */
    cairo_save(c);
    clip(a);
}

static void draw_frame(const brn_axes *a)
{
    cairo_t *c = a->figure->cairo;
    set_color(c, BRN_INK);
    cairo_set_line_width(c, FRAME_WIDTH);
    cairo_rectangle(c, a->page.x0, a->page.y0, a->page.x1 - a->page.x0, a->page.y1 - a->page.y0);
    cairo_stroke(c);
}

/* The frame comes last, over what touches it. */
void brn_axes_end(brn_axes *a)
{
    cairo_restore(a->figure->cairo);
    draw_frame(a);
}

/* A dot is a line of no length with round ends: in vector files much shorter than a circle. Some share a path, which
 * overlap without getting darker: shorter again. */
void brn_axes_scatter(brn_axes *a, const double *xy, size_t count, double radius, brn_color color)
{
    cairo_t *c = a->figure->cairo;
    set_color(c, color);
    cairo_set_line_width(c, 2 * radius);
    cairo_set_line_cap(c, CAIRO_LINE_CAP_ROUND);
    for (size_t i = 0; i < count; ++i) {
        const double x = page_x(a, xy[2 * i]), y = page_y(a, xy[2 * i + 1]);
        if (isfinite(x) && isfinite(y)) {
            cairo_move_to(c, x, y);
            cairo_line_to(c, x, y);
        }
        if (i % DOTS_A_PATH == DOTS_A_PATH - 1 || i + 1 == count) cairo_stroke(c);
    }
}

void brn_axes_line(brn_axes *a, const double *xy, size_t count, double width, brn_color color)
{
    cairo_t *c = a->figure->cairo;
    bool on = false;
    set_color(c, color);
    cairo_set_line_width(c, width);
    cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < count; ++i) {
        const double x = page_x(a, xy[2 * i]), y = page_y(a, xy[2 * i + 1]);
        const bool finite = isfinite(x) && isfinite(y);
        if (finite && on) cairo_line_to(c, x, y);
        else if (finite) cairo_move_to(c, x, y);
        on = finite;
    }
    cairo_stroke(c);
}

void brn_axes_segments(brn_axes *a, const double *from, const double *to, size_t count, double width,
                       brn_color color)
{
    cairo_t *c = a->figure->cairo;
    set_color(c, color);
    cairo_set_line_width(c, width);
    cairo_set_line_cap(c, CAIRO_LINE_CAP_BUTT);
    for (size_t i = 0; i < count; ++i) {
        cairo_move_to(c, page_x(a, from[2 * i]), page_y(a, from[2 * i + 1]));
        cairo_line_to(c, page_x(a, to[2 * i]), page_y(a, to[2 * i + 1]));
        cairo_stroke(c);
    }
}

static void add_segment(void *user, const double from[2], const double to[2])
{
    const brn_axes *a = user;
    cairo_move_to(a->figure->cairo, page_x(a, from[0]), page_y(a, from[1]));
    cairo_line_to(a->figure->cairo, page_x(a, to[0]), page_y(a, to[1]));
}

void brn_axes_contour(brn_axes *a, const float *values, int rows, int cols, brn_box area, double level,
                      double width, brn_color color)
{
    cairo_t *c = a->figure->cairo;
    set_color(c, color);
    cairo_set_line_width(c, width);
    cairo_set_line_cap(c, CAIRO_LINE_CAP_ROUND);
    brn_contour(values, rows, cols, area, level, add_segment, a);
    cairo_stroke(c);
}

/* ---- colours ------------------------------------------------------------------------------------ */

static double bilinear(const float *values, int rows, int cols, double row, double col)
{
    const int i = (int)fmin(row, rows - 2), j = (int)fmin(col, cols - 2);
    const double s = row - i, t = col - j;
    const float *v = values + (size_t)i * (size_t)cols + (size_t)j;
    return (1 - s) * ((1 - t) * v[0] + t * v[1]) + s * ((1 - t) * v[cols] + t * v[cols + 1]);
}

static uint32_t pixel_of(brn_color c)
{
    return (uint32_t)lround(255 * c.red) << 16 | (uint32_t)lround(255 * c.green) << 8 | (uint32_t)lround(255 * c.blue);
}

static void fill(uint32_t *pixels, const float *values, int rows, int cols, brn_paint_fn color, const void *user)
{
    for (int i = 0; i < PAINT_PIXELS; ++i)
        for (int j = 0; j < PAINT_PIXELS; ++j) {
            const double last = PAINT_PIXELS - 1, v = bilinear(values, rows, cols, (last - i) / last * (rows - 1), j / last * (cols - 1));
            pixels[i * PAINT_PIXELS + j] = isfinite(v) ? pixel_of(color(user, v)) : 0xffffff;
        }
}

static void show_pixels(cairo_t *c, uint32_t *pixels, int width, int height, brn_box page)
{
    cairo_surface_t *surface = cairo_image_surface_create_for_data((unsigned char *)pixels, CAIRO_FORMAT_RGB24, width, height, 4 * width);
    cairo_save(c);
    cairo_translate(c, page.x0, page.y0);
    cairo_scale(c, (page.x1 - page.x0) / width, (page.y1 - page.y0) / height);
    cairo_set_source_surface(c, surface, 0, 0);
    cairo_paint(c);
    cairo_restore(c);
    cairo_surface_finish(surface); /* vector pages take their copy now */
    cairo_surface_destroy(surface);
}

/* A picture over the whole panel: polygons beside each other would show seams. */
brn_status brn_axes_paint(brn_axes *a, const float *values, int rows, int cols, brn_paint_fn color, const void *user)
{
    uint32_t *pixels;
    BRN_TRY(BRN_ALLOC(&pixels, (size_t)PAINT_PIXELS * PAINT_PIXELS, "colours of a figure"));
    fill(pixels, values, rows, cols, color, user);
    show_pixels(a->figure->cairo, pixels, PAINT_PIXELS, PAINT_PIXELS, a->page);
    free(pixels);
    return BRN_OK;
}

void brn_figure_scale(brn_figure *figure, brn_box page, double low, double high, const char *text)
{
    enum { LONG = 256, HIGH = 8 };
    uint32_t pixels[HIGH * LONG];
    double ticks[MOST_TICKS];
    cairo_t *c = figure->cairo;
    for (int k = 0; k < HIGH * LONG; ++k) pixels[k] = pixel_of(brn_heat((k % LONG + .5) / LONG));
    show_pixels(c, pixels, LONG, HIGH, page);
    const brn_axes a = {figure, page, {log10(low), 0, log10(high), 1}};
    draw_frame(&a);
    cairo_set_font_size(c, LABEL_SIZE);
    for (int i = 0, count = brn_log_ticks(low, high, MOST_TICKS, ticks); i < count; ++i) draw_tick(&a, false, log10(ticks[i]), ticks[i], true);
    text_at(c, text, page.x0 - 5, (page.y0 + page.y1) / 2, 1, .5);
}

void brn_figure_label(brn_figure *figure, double x, double y, const char *text)
{
    cairo_t *c = figure->cairo;
    cairo_save(c);
    cairo_translate(c, x, y);
    cairo_rotate(c, -PI / 2);
    set_color(c, BRN_INK);
    cairo_set_font_size(c, TITLE_SIZE);
    text_at(c, text, 0, 0, .5, .5);
    cairo_restore(c);
}

/* ---- legend ------------------------------------------------------------------------------------- */

static const double DOT_SPACE = 6, ENTRY_GAP = 9;

static double entry_width(cairo_t *c, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(c, text, &e);
    return DOT_SPACE + e.x_advance;
}

void brn_axes_legend(const brn_axes *a, int count, const char *const *texts, const brn_color *colors)
{
    cairo_t *c = a->figure->cairo;
    double width = ENTRY_GAP * (count - 1), y = a->page.y1 + 18;
    cairo_set_font_size(c, LABEL_SIZE);
    cairo_set_line_cap(c, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_width(c, 4);
    for (int i = 0; i < count; ++i) width += entry_width(c, texts[i]);
    double x = (a->page.x0 + a->page.x1 - width) / 2;
    for (int i = 0; i < count; ++i) {
        set_color(c, colors[i]);
        cairo_move_to(c, x + 2, y);
        cairo_rel_line_to(c, 0, 0);
        cairo_stroke(c);
        set_color(c, BRN_INK);
        cairo_move_to(c, x + DOT_SPACE, y + 2.5);
        cairo_show_text(c, texts[i]);
        x += entry_width(c, texts[i]) + ENTRY_GAP;
    }
}
