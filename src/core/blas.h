/* The host's BLAS and LAPACK, loaded when something first needs them: factorisations of the SOAP optimizer, matrix roots,
 * double-precision products. Most runs never do, start faster for it and need no room for its buffers. */
#ifndef BRN_CORE_BLAS_H
#define BRN_CORE_BLAS_H

#include "core/error.h"

#include <cblas.h>
#include <stddef.h>

#define BRN_LAPACK_LIST(X, p, real)                                                                          \
    X(p##syevd, (const char *jobz, const char *uplo, const int *n, real *a, const int *lda, real *w, real *work, const int *lwork, \
                 int *iwork, const int *liwork, int *info))                                                  \
    X(p##geqrf, (const int *m, const int *n, real *a, const int *lda, real *tau, real *work, const int *lwork, int *info)) \
    X(p##potrf, (const char *uplo, const int *n, real *a, const int *lda, int *info))                           \
    X(p##orgqr, (const int *m, const int *n, const int *k, real *a, const int *lda, const real *tau, real *work, \
                 const int *lwork, int *info))

/** Functions of OpenBLAS; LAPACK's by their Fortran interface (matrices by columns). */
typedef struct brn_blas_functions {
    void (*dgemm)(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE ta, enum CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
                  const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc);
#define BRN_LAPACK_POINTER(name, arguments) void(*name) arguments;
    BRN_LAPACK_LIST(BRN_LAPACK_POINTER, s, float)
    BRN_LAPACK_LIST(BRN_LAPACK_POINTER, d, double)
#undef BRN_LAPACK_POINTER
} brn_blas_functions;

/** Filled by brn_blas_load, never changed after. */
extern brn_blas_functions brn_blas;

/** Load the library, once; its own threads are switched off, parallelism is ours. BRN_ERR_UNSUPPORTED with the package
 *  to install where it is missing, BRN_ERR_MEMORY where its buffers find no room. */
brn_status brn_blas_load(void);

/** What syevd with eigenvectors asks for beside an n x n matrix and its eigenvalues. */
static inline size_t brn_syevd_reals(size_t n) { return 1 + 6 * n + 2 * n * n; }
static inline size_t brn_syevd_ints(size_t n) { return 3 + 5 * n; }

#endif
