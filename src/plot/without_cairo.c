/* What a build without cairo has instead of figures. */
#include "core/error.h"
#include "plot/chart.h"
#include <brenier/plot.h>

brn_status brn_plot_map(brn_model *model, brn_pair *pair, const char *path)
{
    (void)model, (void)pair;
    return brn_fail(BRN_ERR_UNSUPPORTED,
                    "%s: this build draws no figures, it was built without libcairo2-dev", path);
}

brn_status brn_chart_draw(const brn_chart *chart, const char *path)
{
    (void)chart;
    return brn_fail(BRN_ERR_UNSUPPORTED, "%s: this build draws no figures, it was built without libcairo2-dev", path);
}
