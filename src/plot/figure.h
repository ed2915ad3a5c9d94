/* Figures: a page with panels of axes, on which points, lines and contours are drawn. Drawing cannot
 * fail on its own; what went wrong is found when the figure is saved. */
#ifndef BRN_PLOT_FIGURE_H
#define BRN_PLOT_FIGURE_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct brn_figure brn_figure;

/** A page of width x height points (1/72 inch), white. The format follows the ending of `path`: .png
 *  (216 pixels an inch), .svg, .pdf, or for pages that follow each other .gif or, with a / at the end, a
 *  folder of frames 0001.png, ...; BRN_ERR_USAGE for another. */
brn_status brn_figure_open(brn_figure **figure, const char *path, double width, double height);
/** Write the file, atomically, and release the figure whether that succeeds or fails. */
brn_status brn_figure_save(brn_figure *figure);
/** Release without writing; NULL is fine. */
void brn_figure_discard(brn_figure *figure);

/** Whether a file of this name takes several pages. */
bool brn_figure_moves(const char *path);
/** End this page and begin the next, white again. Only where the figure moves. */
brn_status brn_figure_next(brn_figure *figure);
/** Show the current page for so many hundredths of a second; 5 if not called. */
void brn_figure_hold(brn_figure *figure, int hundredths);

/** A name above what it names, centred at x. */
void brn_figure_title(brn_figure *figure, double x, double baseline, const char *text);
/** A name that reads upwards, centred at a point of the page. */
void brn_figure_label(brn_figure *figure, double x, double y, const char *text);

typedef struct brn_color {
    double red, green, blue, alpha;
} brn_color;

/* Okabe and Ito's colours, which people with any colour vision tell apart. */
static const brn_color BRN_BLUE = {.000, .447, .698, 1}, BRN_ORANGE = {.902, .624, .000, 1},
                       BRN_GREEN = {.000, .620, .451, 1}, BRN_PURPLE = {.800, .475, .655, 1},
                       BRN_GREY = {.45, .45, .45, 1}, BRN_INK = {.2, .2, .2, 1};

static inline brn_color brn_fade(brn_color c, double alpha) { return c.alpha = alpha, c; }
/** The colour at t = 0 .. 1 between two, in even steps for the eye. */
brn_color brn_mix(brn_color from, brn_color to, double t);
/** A sequence of even steps from nearly white (t = 0) to a blue-grey (1), to draw upon. */
brn_color brn_shade(double t);

/** A sequence of 24 even steps from white (t = 0 and less) over blue-green to a dark blue (1 and more), to be read off a scale. Its lightness
 *  falls all the way, so that people with any colour vision, and prints without colours, keep its order. */
brn_color brn_heat(double t);

/** A rectangle: of the page in points from its upper left corner, or of the plane. */
typedef struct brn_box {
    double x0, y0, x1, y1;
} brn_box;

/** One panel: a part of the page that shows a part of the plane. */
typedef struct brn_axes {
    brn_figure *figure;
    brn_box page, data;
} brn_axes;

typedef enum brn_ticks_shown { BRN_TICKS_NUMBERED, BRN_TICKS_BARE, BRN_TICKS_NONE } brn_ticks_shown;

/** Frame, ticks and title; `data` grows until one unit is as long in both directions. What is drawn
 *  afterwards is cut off at the frame. */
void brn_axes_begin(brn_axes *axes, brn_figure *figure, brn_box page, brn_box data, const char *title, brn_ticks_shown ticks);
void brn_axes_end(brn_axes *axes);

/** count points, xy[count][2]; radius in points. */
void brn_axes_scatter(brn_axes *axes, const double *xy, size_t count, double radius, brn_color color);
/** count segments, from[count][2] to to[count][2]; width in points. */
void brn_axes_segments(brn_axes *axes, const double *from, const double *to, size_t count, double width,
                       brn_color color);
/** A line through count points; it is interrupted where one is not finite. */
void brn_axes_line(brn_axes *axes, const double *xy, size_t count, double width, brn_color color);
/** Coloured dots with words, in a row below the panel; after brn_axes_end. */
void brn_axes_legend(const brn_axes *axes, int count, const char *const *texts, const brn_color *colors);

/** Where a function on a grid equals `level` (marching squares). The grid's corners are those of
 *  `area`; values[rows][cols], row 0 at area.y0. Segments are handed to `segment`. */
typedef void (*brn_segment_fn)(void *user, const double from[2], const double to[2]);
void brn_contour(const float *values, int rows, int cols, brn_box area, double level, brn_segment_fn segment,
                 void *user);
/** The panel filled with the colours of a function on a grid over all of it, row 0 at the bottom; between the grid's points the
 *  function is bilinear. What is not finite stays white. */
typedef brn_color (*brn_paint_fn)(const void *user, double value);
brn_status brn_axes_paint(brn_axes *axes, const float *values, int rows, int cols, brn_paint_fn color, const void *user);
/** The line of a level, drawn. */
void brn_axes_contour(brn_axes *axes, const float *values, int rows, int cols, brn_box area, double level,
                      double width, brn_color color);

/** A bar in the colours of brn_heat with logarithmic ticks from low to high below it, and what they count on its left. */
void brn_figure_scale(brn_figure *figure, brn_box page, double low, double high, const char *text);

/** Ticks at multiples of 1, 2 or 5 times a power of ten, at most `most` of them: the first one and their
 *  distance; the number of them. */
int brn_ticks(double low, double high, int most, double *first, double *step);

/** First two principal directions of rows[count][n], double[2][n], orthonormal (n >= 2), and their mean[n].
 */
brn_status brn_principal_plane(const float *rows, size_t count, int n, double *directions, double *mean);

#endif
