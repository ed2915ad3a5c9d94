/* How a training went: its log as a chart. */
#include "core/memory.h"
#include "plot/chart.h"
#include "plot/figure.h"
#include <brenier/plot.h>
#include <brenier/run.h>

#include <math.h>
#include <stdlib.h>

static brn_status draw(const brn_log_line *lines, size_t count, const char *path)
{
    double *numbers;
    BRN_TRY(BRN_ALLOC(&numbers, 3 * count, "training curve"));
    double *const step = numbers, *const loss = numbers + count, *const dual = numbers + 2 * count;
    for (size_t i = 0; i < count; ++i) {
        step[i] = (double)lines[i].step;
        loss[i] = lines[i].loss;
        dual[i] = lines[i].dual;
    }
    const brn_series series[] = {{.label = "loss of the batch", .count = count, .x = step, .y = loss},
                                 {.label = "dual objective on the evaluation batch", .count = count, .x = step, .y = dual}};
    const brn_chart chart = {.x_label = "steps", .y_label = "dual objective", .count = 2, .series = series};
    const brn_status status = brn_chart_draw(&chart, path);
    free(numbers);
    return status;
}

brn_status brn_plot_training(const char *folder, const char *path)
{
    brn_run *run;
    brn_log_line *lines = NULL;
    size_t count = 0;
    if (brn_figure_moves(path)) return brn_fail(BRN_ERR_USAGE, "%s: this figure does not move; draw it as .png, .svg or .pdf", path);
    BRN_TRY(BRN_ALLOC(&run, 1, "run"));
    brn_status status = brn_run_read(run, folder);
    if (status == BRN_OK) status = brn_run_log(run, &lines, &count);
    if (status == BRN_OK && count == 0) status = brn_fail(BRN_ERR_INPUT, "%s: no run folder with a log yet", folder);
    if (status == BRN_OK) status = draw(lines, count, path);
    free(lines);
    free(run);
    return status;
}
