/** @file model.h
 *  A learned transport map: the potential f, the amortizer H that warm-starts its conjugate, and the
 *  standardisation of the samples it was learned from. All rows are in raw coordinates, row-major.
 */
#ifndef BRENIER_MODEL_H
#define BRENIER_MODEL_H

#include "measure.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brn_model brn_model;

/** Why a row of a conjugate problem stopped. */
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
    float gradient;      /**< max |grad f(x) - y| at the returned x, in standardised coordinates */
} brn_conjugate_row;

/** Load a model or checkpoint file, or from a run folder its best.safetensors (else latest), onto a
 *  device. A model trained on one device runs on any other.
 *  @return BRN_ERR_INPUT with the file and what was expected. Free with brn_model_free before closing
 *  the device. */
BRN_API brn_status brn_model_load(brn_model **model, brn_device *device, const char *path);
BRN_API void brn_model_free(brn_model *model);

/** Write the model alone (no optimizer state), atomically. */
BRN_API brn_status brn_model_save(const brn_model *model, const char *path);

/** Numbers in a sample. */
BRN_API int brn_model_dim(const brn_model *model);
/** The resolved settings it was trained with. Valid while the model lives. */
BRN_API const brn_settings *brn_model_settings(const brn_model *model);
/** Description as JSON (networks, parameters, steps, provenance); allocated, release with free(). */
BRN_API brn_status brn_model_describe(const brn_model *model, char **json);

/** Forward map y = T(x) = grad f(x) for count rows. x and y may be the same array. Where the roles are exchanged
 *  (settings.train.roles) f lives on the target: T is then what the conjugate solver finds and the inverse map, like all of
 *  brn_conjugate, a gradient that needs no solver and no start. */
BRN_API brn_status brn_model_map(brn_model *model, const float *x, size_t count, float *y);

/** Inverse map x = grad f*(y), by the conjugate solver with the settings' evaluation tolerance; with eval.max_iterations = 0 the
 *  amortizer's prediction as it is (rows then count as converged; their gradients tell how good it is).
 *  @param rows [out] count entries, may be NULL */
BRN_API brn_status brn_model_inverse(brn_model *model, const float *y, size_t count, float *x, brn_conjugate_row *rows);

/** Kantorovich potential in raw coordinates, value[count]. Its gradient is brn_model_map. */
BRN_API brn_status brn_model_potential(brn_model *model, const float *x, size_t count, float *value);

/** Solve count conjugate problems f*(y) = max_x <x, y> - f(x) with the given settings (NULL: those of
 *  the model's evaluation).
 *  @param y     [in]  float[count][n]
 *  @param x     [in,out] float[count][n]; with warm_start the starting points on entry, else ignored
 *               (the amortizer's prediction, or y without one); the maximisers grad f*(y) on return
 *  @param value [out] float[count], f*(y); may be NULL
 *  @param rows  [out] count entries; may be NULL */
BRN_API brn_status brn_conjugate(brn_model *model, const brn_conjugate_settings *settings, const float *y, size_t count,
                                 bool warm_start, float *x, float *value, brn_conjugate_row *rows);

/** How T changes volumes: log_det[r] = log det DT(x_r), so that T(x) has the density alpha(x) / exp(log_det) where x has alpha(x).
 *
 *      DT(x) = Hess f(x)                 (roles exchanged: DT(x) = Hess f(T(x))^-1)
 *
 *  In raw coordinates as in standardised ones: both sides share one scale, which cancels. Up to exact_up_to dimensions n
 *  products with the Hessian make it, and its Cholesky factor gives the determinant. Beyond, stochastic Lanczos quadrature:
 *  with probes z of n random signs, n * mean_z (z/|z|)^T log(Hess f) (z/|z|), each from `steps` products. The probes of a row
 *  depend on the seed and on its coordinates alone: neither on its chunk nor on the number of threads.
 *  @param settings    NULL: those of the model's evaluation
 *  @param x           [in]  float[count][n], rows of the source
 *  @param y           [in]  float[count][n], T(x), for those who have it; NULL: found here where it is needed (exchanged roles)
 *  @param log_det     [out] double[count]; NaN where the Hessian is not positive definite, as that of a potential that is not
 *                     convex may be, or not finite: T is not invertible there
 *  @param error       [out] double[count], standard error over the probes, which falls as 1 / sqrt(probes). That of the quadrature,
 *                     which more steps lower, is not in it: at most as (sqrt k - 1)^2s / (sqrt k + 1)^2s of s steps for a Hessian
 *                     of condition k. 0 where exact, NaN where log_det is; may be NULL
 *  @param indefinite  [out] number of rows that are NaN; may be NULL */
BRN_API brn_status brn_model_log_det(brn_model *model, const brn_log_det_settings *settings, const float *x, const float *y, size_t count,
                                     double *log_det, double *error, size_t *indefinite);

#ifdef __cplusplus
}
#endif
#endif
