/* What a build without cairo has instead of figures. */
#include "core/error.h"
#include "plot/chart.h"
#include <brenier/plot.h>

static brn_status no_figures(const char *path)
{
    return brn_fail(BRN_ERR_UNSUPPORTED, "%s: this build draws no figures, it was built without libcairo2-dev", path);
}

brn_status brn_plot(brn_model *model, brn_pair *pair, brn_plot_kind kind, const brn_plot_options *options, const char *path)
{
    (void)model, (void)pair, (void)kind, (void)options;
    return no_figures(path);
}

brn_status brn_plot_sheet(int count, brn_model *const *models, brn_pair *const *pairs, const char *path)
{
    (void)count, (void)models, (void)pairs;
    return no_figures(path);
}

brn_status brn_chart_draw(const brn_chart *chart, const char *path)
{
    (void)chart;
    return no_figures(path);
}

brn_status brn_plot_training(const char *folder, const char *path)
{
    (void)folder;
    return no_figures(path);
}
