/* The figure of a solver study. */
#include "core/memory.h"
#include "plot/chart.h"
#include <brenier/study.h>

#include <math.h>
#include <stdlib.h>

/* Gaps below this are rounding errors of double precision; the axis ends there. */
static const double FLOOR = 1e-15;

static void shown(const double *gap, int points, double *to)
{
    for (int k = 0; k < points; ++k) to[k] = isnan(gap[k]) ? NAN : fmax(gap[k], FLOOR);
}

static void fill(const brn_study_line *lines, int count, brn_series *series, double *numbers)
{
    double *at = numbers;
    for (int i = 0; i < count; ++i) {
        const brn_study_curve *c = lines[i].curve;
        double *const x = at, *const y = x + c->points, *const low = y + c->points, *const high = low + c->points;
        for (int k = 0; k < c->points; ++k) x[k] = k;
        shown(c->median, c->points, y), shown(c->low, c->points, low), shown(c->high, c->points, high);
        series[i] = (brn_series){.label = lines[i].label, .count = (size_t)c->points, .x = x, .y = y, .low = low, .high = high};
        at = high + c->points;
    }
}

brn_status brn_study_plot(const brn_study_line *lines, int count, const char *path)
{
    size_t points = 0;
    brn_series *series = NULL;
    double *numbers = NULL;
    brn_status status;
    for (int i = 0; i < count; ++i) points += (size_t)lines[i].curve->points;
    BRN_GO(BRN_ALLOC(&series, (size_t)count, "figure"));
    BRN_GO(BRN_ALLOC(&numbers, 4 * points, "figure"));
    fill(lines, count, series, numbers);
    status = brn_chart_draw(&(brn_chart){.x_label = "iteration", .y_label = "objective above the least known", .log_y = true, .count = count, .series = series}, path);
done:
    free(series), free(numbers);
    return status;
}
