/* Lanczos' method for one symmetric matrix that is known by its products alone: a quadratic form of its logarithm. */
#ifndef BRN_CORE_LANCZOS_H
#define BRN_CORE_LANCZOS_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>

/** State of one run. The caller gives memory and products, so that many rows may ask for theirs at once. */
typedef struct brn_lanczos {
    int n, most;      /* dimension; most steps */
    int length;       /* steps done */
    bool ended;       /* no further product is of use */
    double *basis;    /* [most][n], orthonormal */
    double *diagonal; /* [most] of the tridiagonal matrix, */
    double *beside;   /* [most] and beside it */
} brn_lanczos;

/** Numbers of memory that a run needs, beside `basis`. */
static inline size_t brn_lanczos_size(int n, int most) { return (size_t)most * ((size_t)n + 2); }

/** A run in `memory` from a unit vector v[n]. */
void brn_lanczos_start(brn_lanczos *l, int n, int most, double *memory, const double *v);
/** The vector whose product comes next; of no meaning once the run has ended. */
static inline const double *brn_lanczos_vector(const brn_lanczos *l) { return l->basis + (size_t)l->length * (size_t)l->n; }
/** Take the product of that vector, av[n], which is overwritten. Does nothing once the run has ended. */
void brn_lanczos_take(brn_lanczos *l, double *av);

/** <v, log(A) v> by the quadrature of Gauss that belongs to the run; NaN where a node is not positive, for A is not positive
 *  definite then. `work` has brn_lanczos_work(most) numbers. */
brn_status brn_lanczos_log(const brn_lanczos *l, double *work, double *value);
size_t brn_lanczos_work(int most);

#endif
