/* Small dense linear algebra in double precision: symmetric matrices and maps between Gaussians.
 * All matrices are n x n and row-major; outputs may not overlap inputs. */
#ifndef BRN_CORE_LINALG_H
#define BRN_CORE_LINALG_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>

/** Which power of a symmetric matrix. Eigenvalues below `floor` times the largest count as that. */
typedef enum { BRN_SYM_SQRT, BRN_SYM_INVERSE_SQRT, BRN_SYM_INVERSE } brn_sym_power;
brn_status brn_sym_apply(int n, const double *s, brn_sym_power power, double floor, double *out);

/** Cholesky: a = L L^T, L in place of the lower triangle of a. log det a = 2 sum_i log L_ii in *log_det (may be NULL); false
 *  in *definite where a is not positive definite or not finite. */
brn_status brn_cholesky(int n, double *a, bool *definite, double *log_det);

/** c = a b */
brn_status brn_mat_product(int n, const double *a, const double *b, double *c);

/** The optimal map's matrix between N(., sa) and N(., sb):
 *  sa^(-1/2) (sa^(1/2) sb sa^(1/2))^(1/2) sa^(-1/2), symmetric. */
brn_status brn_bures_map(int n, const double *sa, const double *sb, double *map);

/** Mean [n] and covariance [n][n] (divided by count) of rows[count][n], in two passes. */
brn_status brn_moments(int n, size_t count, const float *rows, double *mean, double *covariance);

#endif
