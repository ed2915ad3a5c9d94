/* Small factorisations on the host for SOAP: the eigenvectors of a symmetric matrix, and their
 * refreshment by one step of orthogonal iteration. In the precision of the device. */
#ifndef BRN_TRAINING_EIGENBASIS_H
#define BRN_TRAINING_EIGENBASIS_H

#include "core/error.h"
#include <stdbool.h>

typedef struct brn_eigenbasis {
    bool f64;
    void *matrix; /* n x n: the argument, and in its place the result; one basis vector per row */
    void *work;
    int *integers;
    int room; /* reals in work */
} brn_eigenbasis;

/** Scratch for matrices up to n x n; to be used by one thread at a time. */
brn_status brn_eigenbasis_create(brn_eigenbasis *basis, int n, bool f64);
void brn_eigenbasis_free(brn_eigenbasis *basis);

/** The symmetric matrix becomes its eigenvectors, the one of the largest eigenvalue first.
 *  BRN_ERR_DIVERGED where it is not finite. */
brn_status brn_eigenbasis_solve(brn_eigenbasis *basis, int n);

/** The rows become orthonormal, each in the span of itself and those before it. */
brn_status brn_eigenbasis_orthonormalise(brn_eigenbasis *basis, int n);

#endif
