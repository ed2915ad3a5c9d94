/* The Sinkhorn divergence of two samples of equal size:
 *
 *     S(x, y) = OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2
 *
 * with entropic transport OT for the cost |x - y|^2 / 2 and one epsilon for all three, 5 % of the mean
 * cost between x and y (the default of OTT-JAX). It is 0 for equal samples. */
#ifndef BRN_EVALUATION_SINKHORN_H
#define BRN_EVALUATION_SINKHORN_H

#include "core/error.h"
#include <stddef.h>

/** x and y are [count][n]. NaN where a number is not finite. */
brn_status brn_sinkhorn_divergence(size_t count, int n, const float *x, const float *y, double *divergence);

#endif
