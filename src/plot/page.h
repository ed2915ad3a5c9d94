/* Inside of a figure, for the files that draw on it or write it. */
#ifndef BRN_PLOT_PAGE_H
#define BRN_PLOT_PAGE_H

#include "plot/figure.h"
#include <cairo.h>
#include <stdio.h>

typedef enum { BRN_PAGE_PNG, BRN_PAGE_SVG, BRN_PAGE_PDF, BRN_PAGE_GIF, BRN_PAGE_FRAMES, BRN_PAGE_UNKNOWN } brn_page_format;

typedef struct brn_gif brn_gif;

struct brn_figure {
    char *path;
    brn_page_format format;
    double width, height;
    FILE *memory; /* receives a finished file: the figure, or one frame of a folder */
    char *bytes;
    size_t size;
    brn_gif *gif;
    char **frame; /* finished frames of a folder */
    size_t *frame_size;
    int frames, hold; /* hold: of the current frame, in hundredths of a second */
    cairo_surface_t *surface;
    cairo_t *cairo;
};

/** The face of all text on a figure. */
void brn_figure_font(cairo_t *cairo);

/** A number, powers of ten that are long as such, at a baseline: 0 = it begins at x, .5 = in the middle, 1 = it ends there. */
void brn_figure_number(cairo_t *cairo, double number, double x, double baseline, double anchor);

/** Frames of one size, kept until all are known, since they share one palette. */
brn_status brn_gif_create(brn_gif **gif, int width, int height, const char *path);
/** A frame of pixels 0x??RRGGBB, `stride` bytes a row, shown for `hold` hundredths of a second. */
brn_status brn_gif_add(brn_gif *gif, const unsigned char *pixels, int stride, int hold);
/** Encode into `out`, repeating for ever. */
brn_status brn_gif_encode(brn_gif *gif, FILE *out);
void brn_gif_free(brn_gif *gif);

#endif
