/* What is made of many kernels, on a device beside the oracle: networks, optimizers, a training, a solve. */
#ifndef BRN_SELFTEST_WHOLES_H
#define BRN_SELFTEST_WHOLES_H

#include "selftest/case.h"
#include <brenier/settings.h>

/** Passes over whole networks of all kinds, at odd sizes and batch 1: share of the tolerance, which follows from
 *  the inner lengths along the longest path and, for gradients of parameters, the rows. */
typedef enum { BRN_PASS_VALUE, BRN_PASS_GRADIENT, BRN_PASS_PARAMETERS, BRN_PASS_MIXED, BRN_PASS_HESSIAN, BRN_PASSES } brn_pass;
extern const char *const brn_pass_names[BRN_PASSES];
brn_status brn_networks_check(brn_device *dev, brn_device *oracle, brn_parity parity[static BRN_PASSES]);

/** VALUE, GRADIENT, PARAMETERS and MIXED at a representative size; the others are part of these. */
brn_status brn_network_time(brn_device *dev, brn_pass pass, brn_rate *rate);

/** Steps of an optimizer from zero parameters with given gradients. */
brn_status brn_optimizer_check(brn_device *dev, brn_device *oracle, brn_optimizer_kind kind, brn_parity *parity);
/** SOAP's bases, one step of orthogonal iteration after another, for matrices of all kinds: orthonormal, and of the
 *  right spans, in units of brn_parity_tolerance(width). */
brn_status brn_bases_check(brn_device *dev, brn_parity *parity);
brn_status brn_optimizer_time(brn_device *dev, brn_optimizer_kind kind, brn_rate *rate);

/** A training of a Gaussian pair and a conjugate solve with the trained potential, beside the oracle. */
typedef struct brn_trajectory {
    int steps;
    double distance;              /* of the parameters from the oracle's, over the way these went */
    double l2_uvp, oracle_l2_uvp; /* held out, against the closed form, percent */
    double step_seconds;
    bool counted;                 /* devices with several queues do not count */
    brn_device_counts counts;     /* of all steps */
    uint64_t solver_waits;        /* of these, waits in the conjugate solver */
    int rows, stops[4], oracle_stops[4]; /* of the solve, by brn_conjugate_stop */
    double argmin, gtol;          /* largest difference of a coordinate; the solver's tolerance */
    double solve_seconds;
} brn_trajectory;
brn_status brn_trajectory_check(brn_device *dev, brn_device *oracle, brn_trajectory *trajectory);

#endif
