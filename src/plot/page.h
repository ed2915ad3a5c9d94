/* Inside of a figure, for the files that draw on it. */
#ifndef BRN_PLOT_PAGE_H
#define BRN_PLOT_PAGE_H

#include "plot/figure.h"
#include <cairo.h>
#include <stdbool.h>
#include <stdio.h>

struct brn_figure {
    char *path;
    bool png;
    FILE *memory; /* receives the finished file */
    char *bytes;
    size_t size;
    cairo_surface_t *surface;
    cairo_t *cairo;
};

#endif
