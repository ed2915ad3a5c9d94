/* Panels: frame, ticks, points, lines. */
#include "plot/page.h"

#include <math.h>

enum { MOST_TICKS = 7 };
static const double TITLE_SIZE = 11, LABEL_SIZE = 8.5, TICK = 3;
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

static void draw_ticks(const brn_axes *a, bool vertical)
{
    cairo_t *c = a->figure->cairo;
    double first, step;
    int count = brn_ticks(vertical ? a->data.y0 : a->data.x0, vertical ? a->data.y1 : a->data.x1, MOST_TICKS,
                          &first, &step);
    for (int i = 0; i < count; ++i) {
        char label[32];
        double at = first + i * step, x = vertical ? a->page.x0 : page_x(a, at),
               y = vertical ? page_y(a, at) : a->page.y1;
        snprintf(label, sizeof label, "%.6g", fabs(at) < 1e-9 * step ? 0 : at);
        cairo_move_to(c, x, y);
        cairo_rel_line_to(c, vertical ? -TICK : 0, vertical ? 0 : TICK);
        cairo_stroke(c);
        if (vertical)
            text_at(c, label, x - TICK - 2.5, y, 1, .5);
        else
            text_at(c, label, x, y + TICK + 3, .5, 1);
    }
}

static void clip(const brn_axes *a)
{
    cairo_rectangle(a->figure->cairo, a->page.x0, a->page.y0, a->page.x1 - a->page.x0,
                    a->page.y1 - a->page.y0);
    cairo_clip(a->figure->cairo);
}

void brn_axes_begin(brn_axes *a, brn_figure *figure, brn_box page, brn_box data, const char *title)
{
    cairo_t *c = figure->cairo;
    *a = (brn_axes){figure, page, data};
    equal_units(a);
    set_color(c, (brn_color){.2, .2, .2, 1});
    cairo_set_line_width(c, .8);
    cairo_set_font_size(c, LABEL_SIZE);
    draw_ticks(a, false);
    draw_ticks(a, true);
    cairo_set_font_size(c, TITLE_SIZE);
    text_at(c, title, (page.x0 + page.x1) / 2, page.y0 - 8, .5, 0);
    cairo_save(c);
    clip(a);
}

/* The frame comes last, over what touches it. */
void brn_axes_end(brn_axes *a)
{
    cairo_t *c = a->figure->cairo;
    cairo_restore(c);
    set_color(c, (brn_color){.2, .2, .2, 1});
    cairo_set_line_width(c, .8);
    cairo_rectangle(c, a->page.x0, a->page.y0, a->page.x1 - a->page.x0, a->page.y1 - a->page.y0);
    cairo_stroke(c);
}

void brn_axes_scatter(brn_axes *a, const double *xy, size_t count, double radius, brn_color color)
{
    cairo_t *c = a->figure->cairo;
    set_color(c, color);
    for (size_t i = 0; i < count; ++i) {
        cairo_new_sub_path(c);
        cairo_arc(c, page_x(a, xy[2 * i]), page_y(a, xy[2 * i + 1]), radius, 0, 2 * PI);
        cairo_fill(c); /* one by one: overlaps get darker */
    }
}

void brn_axes_segments(brn_axes *a, const double *from, const double *to, size_t count, double width,
                       brn_color color)
{
    cairo_t *c = a->figure->cairo;
    set_color(c, color);
    cairo_set_line_width(c, width);
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

static double entry_width(cairo_t *c, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(c, text, &e);
    return 10 + e.x_advance;
}

void brn_axes_legend(brn_axes *a, int count, const char *const *texts, const brn_color *colors)
{
    cairo_t *c = a->figure->cairo;
    double width = 14 * (count - 1), y = a->page.y1 + 28;
    cairo_set_font_size(c, LABEL_SIZE);
    for (int i = 0; i < count; ++i) width += entry_width(c, texts[i]);
    double x = (a->page.x0 + a->page.x1 - width) / 2;
    for (int i = 0; i < count; ++i) {
        set_color(c, colors[i]);
        cairo_arc(c, x + 3, y, 3, 0, 2 * PI);
        cairo_fill(c);
        set_color(c, (brn_color){.2, .2, .2, 1});
        cairo_move_to(c, x + 10, y + 3);
        cairo_show_text(c, texts[i]);
        x += entry_width(c, texts[i]) + 14;
    }
}
