/** @file study.h
 *  How conjugate solvers fare on a trained potential: the ablation that settings of conjugate.* are chosen by.
 */
#ifndef BRENIER_STUDY_H
#define BRENIER_STUDY_H

#include "model.h"
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum brn_study_start {
    BRN_STUDY_AMORTIZER, /**< x = H(y); y itself where the model has no amortizer */
    BRN_STUDY_IDENTITY,  /**< x = y */
    BRN_STUDY_SOUGHT,    /**< as train.seek: H(y), or of a training batch of samples the one where J is least, if it is lower there */
    BRN_STUDY_LINEAR,    /**< the linear map of y, optimal between Gaussians of the measures' moments */
    BRN_STUDY_EARLIER,   /**< what another model maps y to, as an earlier checkpoint of the same training */
    BRN_STUDY_STARTS
} brn_study_start;

/** One way to solve. */
typedef struct brn_study_case {
    brn_conjugate_settings settings; /**< resolved; running_scale is not used */
    brn_study_start start;
} brn_study_case;

/** Over rows. NaN where there is none. */
typedef struct brn_study_spread {
    double mean, median, p90, p99, most;
} brn_study_spread;

typedef struct brn_study_result {
    size_t rows;
    size_t converged;       /**< max |grad J| < gtol */
    size_t precision_floor; /**< as exact as the arithmetic allows, though not to the tolerance */
    size_t iteration_limit; /**< out of iterations, or the line search out of evaluations */
    size_t nonfinite;
    double failed;          /**< share of rows of the last two kinds */
    size_t astray;          /**< rows at another optimum, which a convex potential does not have: their gap exceeds sqrt(n) max|grad J| |dx| */
    double seconds;         /**< of one solve of all rows, least of the repetitions */
    brn_study_spread iterations, evaluations;
    brn_study_spread gradient; /**< max |grad J| where the row stopped, as the solver saw it */
    brn_study_spread gap;      /**< J at the result minus J at the reference, both evaluated in double precision; below 0 where the result is better */
    brn_study_spread distance; /**< of the argmin to the reference's, Euclidean */
} brn_study_result;

/** The objective against iterations: of J minus the least J that is known for the row, quantiles over rows. A row that
 *  stopped keeps its last value. Arrays of `points` entries, iteration 0 (the start) first. */
typedef struct brn_study_curve {
    int points;
    double *median, *low, *high; /**< low and high: 10 and 90 % */
} brn_study_curve;

typedef struct brn_study brn_study;

/** Prepare a study of a model at the rows y[count][n] (raw coordinates; of the target, or where the roles are exchanged of the source).
 *  @param exact the same model on host:f64: there the reference is solved, gaps and curves are computed
 *  All objectives, gradients and distances are in standardised coordinates. Both models outlive the study. */
BRN_API brn_status brn_study_create(brn_study **study, brn_model *model, brn_model *exact, const float *y, size_t count);
BRN_API void brn_study_free(brn_study *study);

/** Add the starts that need samples: BRN_STUDY_SOUGHT from min(train.batch, count) samples, BRN_STUDY_LINEAR up to n = 2048.
 *  @param first the samples are those of `seed` from this number on: none that y has */
BRN_API brn_status brn_study_add_pair(brn_study *study, brn_pair *pair, uint64_t seed, uint64_t first);

/** Add BRN_STUDY_EARLIER, solved with that model's own evaluation settings. `earlier` is not needed afterwards. */
BRN_API brn_status brn_study_add_earlier(brn_study *study, const brn_model *earlier);

/** Whether cases may start there; of BRN_STUDY_AMORTIZER, whether there is an amortizer. */
BRN_API bool brn_study_has(const brn_study *study, brn_study_start start);

/** The reference: strong Wolfe L-BFGS to max |grad J| < 1e-9 from the amortizer's prediction, in double precision. */
BRN_API const brn_study_result *brn_study_reference(const brn_study *study);

/** Solve all rows `repeat` times on the model's device.
 *  @return BRN_ERR_USAGE for a start that was not added */
BRN_API brn_status brn_study_run(brn_study *study, const brn_study_case *solver, int repeat, brn_study_result *result);

/** Follow `iterations` iterations in double precision; gtol is not used. Release with brn_study_curve_free. */
BRN_API brn_status brn_study_trace(brn_study *study, const brn_study_case *solver, int iterations, brn_study_curve *curve);
BRN_API void brn_study_curve_free(brn_study_curve *curve);

/** A line of a figure. */
typedef struct brn_study_line {
    const char *label;
    const brn_study_curve *curve;
} brn_study_line;

/** Draw objective gaps against iterations, medians with bands from 10 to 90 %, the gap on a logarithmic axis. Written atomically
 *  as PNG, SVG or PDF, by the ending of `path`.
 *  @return BRN_ERR_USAGE for another ending, BRN_ERR_UNSUPPORTED in a build without cairo, BRN_ERR_DISK. */
BRN_API brn_status brn_study_plot(const brn_study_line *lines, int count, const char *path);

#ifdef __cplusplus
}
#endif
#endif
