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
brn_status brn_optimizer_time(brn_device *dev, brn_optimizer_kind kind, brn_rate *rate);

#endif
