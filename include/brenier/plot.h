/** @file plot.h
 *  Figures of learned maps.
 */
#ifndef BRENIER_PLOT_H
#define BRENIER_PLOT_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Draw three panels: samples of source and target; the forward map, its transport lines and the pushed
 *  source over the target; and the inverse map over the source, with contours of the potential. In more
 *  than two dimensions the first two principal coordinates of the target are shown, without contours.
 *  Written atomically as PNG, SVG or PDF, by the ending of `path`.
 *  @return BRN_ERR_USAGE for another ending or dimensions that differ, BRN_ERR_UNSUPPORTED in a build
 *          without cairo, BRN_ERR_DISK. */
BRN_API brn_status brn_plot_map(brn_model *model, brn_pair *pair, const char *path);

#ifdef __cplusplus
}
#endif
#endif
