/* Names of the figures, also for builds that draw none. */
#include "core/error.h"
#include <brenier/plot.h>

static const char *const kinds[][2] = {
    [BRN_PLOT_MAP] = {"map", "samples, forward and inverse map side by side"},
    [BRN_PLOT_SAMPLES] = {"samples", "samples of source and target"},
    [BRN_PLOT_FORWARD] = {"forward", "pushed source over the target, with transport lines"},
    [BRN_PLOT_INVERSE] = {"inverse", "pulled target over the source, with transport lines"},
    [BRN_PLOT_POTENTIAL] = {"potential", "contours of the potential over the source"},
    [BRN_PLOT_CONJUGATE] = {"conjugate", "contours of its convex conjugate over the target"},
    [BRN_PLOT_INTERPOLATION] = {"interpolation", "source samples on their way, (1 - t) x + t T(x)"},
    [BRN_PLOT_WARP] = {"warp", "a grid of the plane under the same map"},
    [BRN_PLOT_DENSITY] = {"density", "densities of both sides, true and as the map carries them over; the plane"},
};
enum { COUNT = sizeof kinds / sizeof *kinds };

int brn_plot_kind_count(void) { return COUNT; }

brn_status brn_plot_describe(int i, const char **name, const char **meaning)
{
    if (i < 0 || i >= COUNT) return brn_fail(BRN_ERR_USAGE, "figure %d does not exist; there are %d", i, COUNT);
    if (name) *name = kinds[i][0];
    if (meaning) *meaning = kinds[i][1];
    return BRN_OK;
}
