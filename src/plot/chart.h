/* Line charts: lines with bands over linear or logarithmic axes, and a legend. */
#ifndef BRN_PLOT_CHART_H
#define BRN_PLOT_CHART_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct brn_series {
    const char *label;
    size_t count;
    const double *x, *y;      /* [count]; what is not finite, or not positive on a logarithmic axis, interrupts the line */
    const double *low, *high; /* [count], a band about it; NULL: none */
} brn_series;

typedef struct brn_chart {
    const char *x_label, *y_label;
    bool log_x, log_y;
    int count;
    const brn_series *series;
} brn_chart;

/** Ticks of a logarithmic axis within [low, high]: powers of ten, with 2 and 5 times them where those are few. Returns
 *  their number, at most `most`. */
int brn_log_ticks(double low, double high, int most, double *ticks);

/** Draw a chart into a file, by its ending as any figure. BRN_ERR_INPUT where no point can be shown. */
brn_status brn_chart_draw(const brn_chart *chart, const char *path);

#endif
