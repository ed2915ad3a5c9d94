/** @file evaluate.h
 *  How good a learned map is: against the true map where it is known, by its dual objective and the
 *  Sinkhorn divergence everywhere.
 */
#ifndef BRENIER_EVALUATE_H
#define BRENIER_EVALUATE_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A map against the true one, over points x of the source and y = T(x):
 *
 *      L2-UVP = 100 mean |S(x) - y|^2 / Var(y)     cosine = mean <S(x) - x, y - x> / (|S - id| |T - id|)
 *
 *  forward, and for the inverse map with x and y exchanged. Var is the total variance; 0 is a perfect
 *  L2-UVP, 1 a perfect cosine, and the identity's cosine is 0 by convention. NaN where the true map is
 *  not known. */
typedef struct brn_map_scores {
    double l2_uvp_forward; /**< percent */
    double l2_uvp_inverse; /**< percent */
    double cosine_forward;
    double cosine_inverse;
} brn_map_scores;

/** The model as a density, at as many of the points as are cheap: p(y) = alpha(x) / det DT(x) at x = T^-1(y) for the target's, and
 *  for the source's p(x) = beta(T(x)) det DT(x). Means in nats, over rows where the potential is convex. Where the true density
 *  is known too its mean at the same rows stands beside; the difference estimates the divergence of Kullback and Leibler. NaN
 *  where a density that it takes is not known (brn_pair_has_density). */
typedef struct brn_likelihood {
    size_t points;         /**< of each side; 0 where neither density is known */
    size_t indefinite;     /**< of both sides, left out: the potential is not convex there, or p is not finite */
    double target;         /**< mean log p(y), y of the target */
    double target_true;    /**< mean log beta(y) */
    double source;         /**< mean log p(x), x of the source */
    double source_true;    /**< mean log alpha(x) */
    brn_log_det_settings log_det; /**< the settings' own: how log det DT was found */
    double error;          /**< largest standard error of either mean by the probes of brn_model_log_det; 0 where that is exact */
    double row_error;      /**< and of one row: root of the mean square, the larger of both sides */
} brn_likelihood;

typedef struct brn_evaluation {
    int    n;
    size_t points;              /**< of each side */
    brn_map_scores learned;     /**< grad f and grad f* */
    brn_map_scores identity;    /**< x */
    brn_map_scores constant;    /**< the mean of the other side */
    brn_map_scores linear;      /**< optimal between the Gaussians of the same means and covariances; NaN above n = 2048 */
    double dual_objective;      /**< mean f(x) + mean f*(y); lower is better, the minimum belongs to the true map */
    double w2;                  /**< mean |x|^2 / 2 + mean |y|^2 / 2 - dual_objective: W2^2 for the cost |x - y|^2 / 2 */
    size_t sinkhorn_points;
    double sinkhorn_forward;    /**< debiased divergence of T(x) to fresh y, cost |.|^2 / 2, epsilon 5 % of the mean cost */
    double sinkhorn_inverse;    /**< the same of T^-1(y) to fresh x */
    double sinkhorn_reference;  /**< two independent samples of the target: what a perfect forward map reaches */
    double sinkhorn_reference_inverse; /**< of the source: what a perfect inverse map reaches */
    brn_likelihood likelihood;
    struct {
        size_t total;
        size_t predicted;       /**< all or none: taken from the amortizer, not solved (eval.max_iterations = 0) */
        size_t not_converged;   /**< ran out of iterations */
        size_t precision_floor; /**< as exact as the arithmetic allows, though not to the tolerance */
        size_t nonfinite;       /**< f is not finite where the solver starts */
    } inverse;                  /**< rows of the inverse map; where the roles are exchanged, of the forward one */
} brn_evaluation;

/** The model's density at rows of one side, as brn_likelihood has it: that of the other side carried through the map.
 *  @param side        of the rows; the other one's density must be known
 *  @param rows        [in]  float[count][n]
 *  @param log_density [out] double[count]; NaN where the potential is not convex
 *  @param error       [out] double[count], standard error of log det DT (brn_model_log_det); may be NULL
 *  @param settings    their eval group is used; NULL for the model's own
 *  @return BRN_ERR_UNSUPPORTED where the density of the other side is not known, BRN_ERR_USAGE where the dimensions differ */
BRN_API brn_status brn_evaluate_density(brn_model *model, brn_pair *pair, const brn_settings *settings, brn_side side, const float *rows,
                                        size_t count, double *log_density, double *error);

/** Likelihoods of `count` fresh draws of each side; 0: as many as are cheap. Settings as for brn_evaluate. */
BRN_API brn_status brn_evaluate_likelihood(brn_model *model, brn_pair *pair, const brn_settings *settings, size_t count,
                                           brn_likelihood *likelihood);

/** Evaluate a model on fresh draws of a pair of the same dimension. Same arguments, same numbers.
 *  @param settings their eval group is used; NULL for the model's own
 *  @return BRN_ERR_USAGE where the dimensions differ */
BRN_API brn_status brn_evaluate(brn_model *model, brn_pair *pair, const brn_settings *settings, brn_evaluation *evaluation);

/** As JSON; unknown numbers are null. Allocated, release with free(). */
BRN_API brn_status brn_evaluation_json(const brn_evaluation *evaluation, char **json);

/** As a table for people. Allocated, release with free(). */
BRN_API brn_status brn_evaluation_text(const brn_evaluation *evaluation, char **text);

#ifdef __cplusplus
}
#endif
#endif
