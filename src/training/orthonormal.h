/* Orthogonal iteration on a device, where the host would have to wait for the matrices. */
#ifndef BRN_TRAINING_ORTHONORMAL_H
#define BRN_TRAINING_ORTHONORMAL_H

#include "compute/compute.h"

/** Reals of scratch for n x n matrices. */
size_t brn_orthonormal_scratch(int n);

/** What is added to the diagonal of a matrix of trace 1: eight times what the device's products round by. */
float brn_orthogonal_shift(const brn_device *dev);

/** A step of orthogonal iteration with the symmetric positive n x n matrix at `mean`: the orthonormal rows at `basis`
 *  are multiplied by mean / trace + shift and made orthonormal. The shift keeps the direction of rows that the
 *  matrix sends to nothing, so that a singular matrix, and one of which only noise is left, have a basis too. Where the
 *  trace is not positive and finite the basis stays. The scratch has brn_orthonormal_scratch(n) reals. */
brn_status brn_orthogonal_iteration(brn_queue *q, brn_view mean, brn_view basis, int n, brn_view scratch);

#endif
