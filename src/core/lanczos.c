/* Golub and Meurant, Matrices, Moments and Quadrature, ch. 4 and 6: the tridiagonal matrix's eigenvalues are the nodes, the
 * squares of its eigenvectors' first entries the weights. */
#include "core/lanczos.h"
#include "core/blas.h"

#include <math.h>
#include <string.h>

/* Beside the largest entry this much of a product is what single precision leaves of nothing. */
static const double NOTHING = 1e-6;

void brn_lanczos_start(brn_lanczos *l, int n, int most, double *memory, const double *v)
{
    const size_t d = (size_t)n, m = (size_t)most;
    *l = (brn_lanczos){.n = n, .most = most, .basis = memory, .diagonal = memory + m * d, .beside = memory + m * d + m};
    memcpy(l->basis, v, d * sizeof *v);
}

static double dot(int n, const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

void brn_lanczos_take(brn_lanczos *l, double *av)
{
    if (l->ended) return;
    const int k = l->length, n = l->n;
    l->diagonal[k] = dot(n, av, brn_lanczos_vector(l));
    for (int pass = 0; pass < 2; ++pass) /* twice is enough, once is not */
        for (int j = 0; j <= k; ++j) {
            const double *q = l->basis + (size_t)j * (size_t)n, s = dot(n, av, q);
            for (int i = 0; i < n; ++i) av[i] -= s * q[i];
        }
    double size = fabs(l->diagonal[0]);
    for (int j = 1; j <= k; ++j) size = fmax(size, fabs(l->diagonal[j]));
    l->beside[k] = sqrt(dot(n, av, av));
    l->length = k + 1;
    l->ended = l->length == l->most || !(l->beside[k] > NOTHING * size);
    if (l->ended) return;
    double *next = l->basis + (size_t)(k + 1) * (size_t)n;
    for (int i = 0; i < n; ++i) next[i] = av[i] / l->beside[k];
}

size_t brn_lanczos_work(int most)
{
    const size_t m = (size_t)most;
    return m * m + m + brn_syevd_reals(m) + brn_syevd_ints(m);
}

brn_status brn_lanczos_log(const brn_lanczos *l, double *work, double *value)
{
    BRN_TRY(brn_blas_load());
    const size_t m = (size_t)l->length;
    double *t = work, *node = t + m * m, *rest = node + m;
    *value = NAN;
    memset(t, 0, m * m * sizeof *t);
    for (size_t k = 0; k < m; ++k) {
        if (!isfinite(l->diagonal[k]) || (k + 1 < m && !isfinite(l->beside[k]))) return BRN_OK;
        t[k * m + k] = l->diagonal[k];
        if (k + 1 < m) t[(k + 1) * m + k] = t[k * m + k + 1] = l->beside[k];
    }
    int info = 0;
    const int size = l->length;
    const size_t reals = brn_syevd_reals(m);
    brn_blas.dsyevd("V", "U", &size, t, &size, node, rest, &(int){(int)reals}, (int *)(rest + reals), &(int){(int)brn_syevd_ints(m)}, &info);
    if (info != 0 || !(node[0] > 0)) return BRN_OK;
    double sum = 0;
    for (size_t k = 0; k < m; ++k) sum += t[k * m] * t[k * m] * log(node[k]); /* row k: eigenvector k */
    *value = sum;
    return BRN_OK;
}
