/** @file plot.h
 *  Figures of learned maps.
 */
#ifndef BRENIER_PLOT_H
#define BRENIER_PLOT_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum brn_plot_kind {
    BRN_PLOT_MAP,           /**< samples, forward and inverse map side by side */
    BRN_PLOT_SAMPLES,       /**< source and target */
    BRN_PLOT_FORWARD,       /**< pushed source over the target, with transport lines */
    BRN_PLOT_INVERSE,       /**< pulled target over the source, with transport lines */
    BRN_PLOT_POTENTIAL,     /**< contours of f, n = 2 only */
    BRN_PLOT_CONJUGATE,     /**< contours of f*, n = 2 only */
    BRN_PLOT_INTERPOLATION, /**< samples at (1 - t) x + t T(x) */
    BRN_PLOT_WARP,          /**< a grid of the plane under (1 - t) x + t T(x), n = 2 only */
    BRN_PLOT_DENSITY        /**< densities of source and target where known, and of each carried over by the map; n = 2 only */
} brn_plot_kind;

/** Number of kinds, and the i-th one's name and meaning (static storage; may be NULL). */
BRN_API int brn_plot_kind_count(void);
BRN_API brn_status brn_plot_describe(int i, const char **name, const char **meaning);

/** All zero, or NULL instead: the default of each. */
typedef struct brn_plot_options {
    double width; /**< inches; default 3.25, one column of a paper, and 6.75, the width of a page, where panels stand side by side */
    int points;   /**< samples of each side; default 2000. Of images: pictures beside each other, default 10, in an animation 5 */
    int frames;   /**< pictures of what moves: panels beside each other, of images below each other (default 5), or frames
                       of an animation (40) */
} brn_plot_options;

/** Draw a figure, written atomically as PNG, SVG or PDF, by the ending of `path`. What moves, interpolation and
 *  warp, is drawn there as panels side by side; as .gif it is an animation, and a path that ends in / becomes a folder
 *  of frames 0001.png, 0002.png, ... In more than two dimensions the first two principal coordinates of the
 *  target are shown; of a convolutional potential's images, map and samples are bands of pictures: source images, their
 *  images, the true ones where known, target images and theirs; interpolation is the same source images at each time.
 *
 *  A density is p(x) = beta(T(x)) det DT(x) on the source's side and p(y) = alpha(x) / det DT(x), x = T^-1(y), on the target's
 *  (brn_evaluate_density), beside the true one; all share one logarithmic scale of four decades. Where one is not known, samples stand
 *  in its place; where the potential is not convex nothing is mapped to, and p is 0.
 *  @return BRN_ERR_USAGE for another ending, a kind that needs the plane, or dimensions that differ;
 *          BRN_ERR_UNSUPPORTED in a build without cairo, for GIF without giflib, for densities of a pair that has none;
 *          BRN_ERR_DISK. */
BRN_API brn_status brn_plot(brn_model *model, brn_pair *pair, brn_plot_kind kind, const brn_plot_options *options, const char *path);

/** Draw the log of a run folder: loss and dual objective against steps.
 *  @return BRN_ERR_INPUT where the folder has no log yet */
BRN_API brn_status brn_plot_training(const char *folder, const char *path);

/** A page with a row of panels for each of `count` maps of the plane: samples, forward and inverse map,
 *  potential, conjugate. */
BRN_API brn_status brn_plot_sheet(int count, brn_model *const *models, brn_pair *const *pairs, const char *path);

#ifdef __cplusplus
}
#endif
#endif
