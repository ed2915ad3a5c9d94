#include "core/linalg.h"
#include "core/blas.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_mat_product(int n, const double *a, const double *b, double *c)
{
    BRN_TRY(brn_blas_load());
    brn_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
    return BRN_OK;
}

static double power_of(double x, brn_sym_power power)
{
    if (power == BRN_SYM_SQRT) return sqrt(x);
    return power == BRN_SYM_INVERSE ? 1 / x : 1 / sqrt(x);
}

brn_status brn_sym_apply(int n, const double *s, brn_sym_power power, double floor, double *out)
{
    const size_t nn = (size_t)n * (size_t)n, lwork = brn_syevd_reals((size_t)n), liwork = brn_syevd_ints((size_t)n);
    double *block;
    BRN_TRY(brn_blas_load());
    BRN_TRY(BRN_ALLOC(&block, 2 * nn + (size_t)n + lwork + liwork, "matrix root"));
    double *v = block, *scaled = v + nn, *w = scaled + nn, *work = w + n;
    memcpy(v, s, nn * sizeof *v);
    int info = 0;
    brn_blas.dsyevd("V", "U", &n, v, &n, w, work, &(int){(int)lwork}, (int *)(work + lwork), &(int){(int)liwork}, &info); /* row k of v: eigenvector k */
    brn_status status = BRN_OK;
    const double least = floor * w[n - 1];
    if (info != 0 || !(w[n - 1] > 0) || !isfinite(w[n - 1]) || (power != BRN_SYM_SQRT && !(least > 0) && !(w[0] > 0)))
        status = brn_fail(BRN_ERR_INPUT, "a covariance of dimension %d has no root: eigenvalues %g to %g", n, w[0], w[n - 1]);
    for (int k = 0; status == BRN_OK && k < n; ++k) {
        const double p = power_of(fmax(w[k], fmax(least, 0)), power);
        for (int i = 0; i < n; ++i) scaled[k * n + i] = p * v[k * n + i];
    }
    if (status == BRN_OK) brn_blas.dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, n, 1, v, n, scaled, n, 0, out, n);
    free(block);
    return status;
}

brn_status brn_cholesky(int n, double *a, bool *definite, double *log_det)
{
    BRN_TRY(brn_blas_load());
    int info = 0;
    double sum = 0;
    brn_blas.dpotrf("U", &n, a, &n, &info); /* the upper triangle by columns is the lower one by rows */
    for (int i = 0; info == 0 && i < n; ++i) sum += 2 * log(a[(size_t)i * (size_t)n + (size_t)i]);
    *definite = info == 0 && isfinite(sum);
    if (log_det) *log_det = sum;
    return BRN_OK;
}

brn_status brn_bures_map(int n, const double *sa, const double *sb, double *map)
{
    /* Sample covariances may be singular; eigenvalues this small carry no information in float data. */
    const double floor = 1e-12;
    const size_t nn = (size_t)n * (size_t)n;
    double *block;
    BRN_TRY(BRN_ALLOC(&block, 4 * nn, "matrix root"));
    double *root = block, *inverse = root + nn, *t = inverse + nn, *middle = t + nn;
    brn_status status;
    BRN_GO(brn_sym_apply(n, sa, BRN_SYM_SQRT, floor, root));
    BRN_GO(brn_sym_apply(n, sa, BRN_SYM_INVERSE_SQRT, floor, inverse));
    BRN_GO(brn_mat_product(n, root, sb, t));
    BRN_GO(brn_mat_product(n, t, root, middle));
    BRN_GO(brn_sym_apply(n, middle, BRN_SYM_SQRT, 0, root));
    BRN_GO(brn_mat_product(n, inverse, root, t));
    BRN_GO(brn_mat_product(n, t, inverse, map));
done:
    free(block);
    return status;
}

brn_status brn_moments(int n, size_t count, const float *rows, double *mean, double *covariance)
{
    enum { BLOCK = 256 };
    const size_t d = (size_t)n;
    double *centred;
    BRN_TRY(brn_blas_load());
    BRN_TRY(BRN_ALLOC(&centred, BLOCK * d, "moments"));
    memset(mean, 0, d * sizeof *mean);
    memset(covariance, 0, d * d * sizeof *covariance);
    for (size_t r = 0; r < count; ++r)
        for (size_t i = 0; i < d; ++i) mean[i] += rows[r * d + i];
    for (size_t i = 0; i < d; ++i) mean[i] /= (double)count;
    for (size_t r0 = 0; r0 < count; r0 += BLOCK) {
        const size_t part = count - r0 < BLOCK ? count - r0 : BLOCK;
        for (size_t k = 0; k < part * d; ++k) centred[k] = rows[r0 * d + k] - mean[k % d];
        brn_blas.dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, (int)part, 1 / (double)count, centred, n, centred, n, 1,
                    covariance, n);
    }
    free(centred);
    return BRN_OK;
}
