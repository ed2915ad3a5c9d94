/** @file conjugate.h
 *  Convex conjugates f*(y) = max_x <x, y> - f(x), one independent problem per row.
 */
#ifndef BRENIER_CONJUGATE_H
#define BRENIER_CONJUGATE_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Why a row stopped. */
typedef enum brn_conjugate_stop {
    BRN_CONJUGATE_CONVERGED,       /**< max |grad J| < gtol */
    BRN_CONJUGATE_PRECISION_FLOOR, /**< no step lowers J beyond its rounding error */
    BRN_CONJUGATE_MAX_ITERATIONS,  /**< out of iterations, or the line search out of evaluations */
    BRN_CONJUGATE_NONFINITE        /**< f or its gradient is not finite at the start */
} brn_conjugate_stop;

typedef struct brn_conjugate_row {
    brn_conjugate_stop stop;
    int iterations;
    int evaluations;     /**< of f and grad f together */
    float gradient;      /**< max |grad f(x) - y| at the returned x */
} brn_conjugate_row;

/** Solve count problems for the model's potential with the given settings, in raw coordinates.
 *  @param y     [in]  float[count][n]
 *  @param x     [in,out] float[count][n]; with warm_start the starting points on entry, else ignored
 *               (the amortizer's prediction, or y without one); the maximisers grad f*(y) on return
 *  @param value [out] float[count], f*(y); may be NULL
 *  @param rows  [out] count entries; may be NULL */
BRN_API brn_status brn_conjugate(brn_model *model, const brn_conjugate_settings *settings, const float *y, size_t count,
                                 bool warm_start, float *x, float *value, brn_conjugate_row *rows);

#ifdef __cplusplus
}
#endif
#endif
