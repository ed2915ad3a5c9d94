/* LAPACK stores by columns: its matrix of column vectors is our matrix of row vectors, so nothing is
 * transposed here. */
#include "training/eigenbasis.h"
#include "core/blas.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

/* Eigenvalues or reflector scales, then what syevd asks for; the blocked QR is content with less. */
static size_t work_count(size_t n) { return n + brn_syevd_reals(n) + 64 * n; }

brn_status brn_eigenbasis_create(brn_eigenbasis *basis, int n, bool f64)
{
    const size_t size = f64 ? sizeof(double) : sizeof(float), count = (size_t)n;
    *basis = (brn_eigenbasis){.f64 = f64, .room = (int)(work_count(count) - count)};
    brn_status status = brn_blas_load();
    if (status == BRN_OK) status = brn_alloc_bytes(&basis->matrix, count * count, size, "eigenvectors");
    if (status == BRN_OK) status = brn_alloc_bytes(&basis->work, work_count(count), size, "eigenvectors");
    if (status == BRN_OK) status = BRN_ALLOC(&basis->integers, brn_syevd_ints(count), "eigenvectors");
    if (status != BRN_OK) brn_eigenbasis_free(basis);
    return status;
}

void brn_eigenbasis_free(brn_eigenbasis *basis)
{
    free(basis->matrix);
    free(basis->work);
    free(basis->integers);
    *basis = (brn_eigenbasis){0};
}

#define DEFINE_FACTORISATIONS(p, real)                                                                       \
    /* a symmetric positive matrix is finite where its trace is */                                           \
    static double p##trace(const real *a, int n)                                                             \
    {                                                                                                        \
        double sum = 0;                                                                                      \
        for (int i = 0; i < n; ++i) sum += (double)a[(size_t)i * (size_t)n + (size_t)i];                     \
        return sum;                                                                                          \
    }                                                                                                        \
    static void p##reverse_rows(real *a, int n)                                                              \
    {                                                                                                        \
        for (int i = 0; i < n / 2; ++i)                                                                      \
            for (int k = 0; k < n; ++k) {                                                                    \
                real *x = a + (size_t)i * (size_t)n + k, *y = a + (size_t)(n - 1 - i) * (size_t)n + k, t = *x; \
                *x = *y;                                                                                     \
                *y = t;                                                                                      \
            }                                                                                                \
    }                                                                                                        \
    static int p##solve(const brn_eigenbasis *b, int n)                                                      \
    {                                                                                                        \
        real *a = b->matrix, *w = b->work;                                                                   \
        int info, room = (int)brn_syevd_ints((size_t)n);                                                      \
        brn_blas.p##syevd("V", "U", &n, a, &n, w, w + n, &b->room, b->integers, &room, &info);                       \
        p##reverse_rows(a, n);                                                                               \
        return info;                                                                                         \
    }                                                                                                        \
    static int p##orthonormalise(const brn_eigenbasis *b, int n)                                             \
    {                                                                                                        \
        real *a = b->matrix, *tau = b->work;                                                                 \
        int info;                                                                                            \
        brn_blas.p##geqrf(&n, &n, a, &n, tau, tau + n, &b->room, &info);                                             \
        if (!info) brn_blas.p##orgqr(&n, &n, &n, a, &n, tau, tau + n, &b->room, &info);                              \
        return info;                                                                                         \
    }
DEFINE_FACTORISATIONS(s, float)
DEFINE_FACTORISATIONS(d, double)

brn_status brn_eigenbasis_solve(brn_eigenbasis *basis, int n)
{
    const double trace = basis->f64 ? dtrace(basis->matrix, n) : strace(basis->matrix, n);
    if (!isfinite(trace)) return brn_fail(BRN_ERR_DIVERGED, "the statistics of the gradients are not finite");
    const int info = basis->f64 ? dsolve(basis, n) : ssolve(basis, n);
    if (info) return brn_fail(BRN_ERR_DIVERGED, "no eigenvectors of a %d x %d matrix (syevd: %d)", n, n, info);
    return BRN_OK;
}

brn_status brn_eigenbasis_orthonormalise(brn_eigenbasis *basis, int n)
{
    const int info = basis->f64 ? dorthonormalise(basis, n) : sorthonormalise(basis, n);
    if (info) return brn_fail(BRN_ERR_INTERNAL, "orthonormalisation of %d rows (geqrf: %d)", n, info);
    return BRN_OK;
}
