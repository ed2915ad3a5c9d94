#include "evaluation/baseline.h"
#include "core/blas.h"
#include "core/linalg.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void brn_gaussians_free(brn_gaussians *g)
{
    for (int side = 0; side < 2; ++side) free(g->mean[side]), free(g->matrix[side]);
    *g = (brn_gaussians){0};
}

static void mean_of(size_t n, size_t samples, const float *rows, double *mean)
{
    for (size_t r = 0; r < samples; ++r)
        for (size_t i = 0; i < n; ++i) mean[i] += rows[r * n + i] / (double)samples;
}

static brn_status fit_matrices(brn_gaussians *g, double *const covariance[2])
{
    const size_t nn = (size_t)g->n * (size_t)g->n;
    for (int side = 0; side < 2; ++side) {
        BRN_TRY(BRN_ALLOC(&g->matrix[side], nn, "linear map"));
        BRN_TRY(brn_bures_map(g->n, covariance[side], covariance[1 - side], g->matrix[side]));
    }
    return BRN_OK;
}

brn_status brn_gaussians_fit(brn_gaussians *g, brn_pair *pair, uint64_t seed, uint64_t first)
{
    const size_t n = (size_t)brn_pair_dim(pair);
    const bool linear = n <= BRN_LINEAR_DIM;
    const size_t samples = linear ? BRN_LINEAR_SAMPLES : BRN_MEAN_SAMPLES;
    double *covariance[2] = {NULL, NULL};
    float *rows = NULL;
    brn_status status;
    *g = (brn_gaussians){.n = (int)n};
    BRN_GO(BRN_ALLOC(&rows, samples * n, "samples of the linear map"));
    for (int side = 0; side < 2; ++side) {
        BRN_GO(BRN_ALLOC(&g->mean[side], n, "means"));
        BRN_GO(brn_pair_sample(pair, (brn_side)side, seed, first, samples, rows));
        if (linear) BRN_GO(BRN_ALLOC(&covariance[side], n * n, "covariance"));
        if (linear) BRN_GO(brn_moments((int)n, samples, rows, g->mean[side], covariance[side]));
        else mean_of(n, samples, rows, g->mean[side]);
    }
    if (linear) BRN_GO(fit_matrices(g, covariance));
done:
    free(covariance[BRN_SOURCE]), free(covariance[BRN_TARGET]), free(rows);
    if (status != BRN_OK) brn_gaussians_free(g);
    return status;
}

/* y = mean' + M (x - mean), M symmetric */
static brn_status linear(const brn_gaussians *g, brn_side from, size_t count, const float *x, float *y)
{
    enum { BLOCK = 256 };
    const size_t n = (size_t)g->n;
    const double *here = g->mean[from], *there = g->mean[1 - from];
    double *centred;
    BRN_TRY(brn_blas_load());
    BRN_TRY(BRN_ALLOC(&centred, 2 * BLOCK * n, "linear map"));
    double *moved = centred + BLOCK * n;
    for (size_t at = 0; at < count; at += BLOCK) {
        const size_t part = count - at < BLOCK ? count - at : BLOCK;
        for (size_t k = 0; k < part * n; ++k) centred[k] = x[at * n + k] - here[k % n];
        brn_blas.dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)part, g->n, g->n, 1, centred, g->n, g->matrix[from], g->n, 0,
                    moved, g->n);
        for (size_t k = 0; k < part * n; ++k) y[at * n + k] = (float)(there[k % n] + moved[k]);
    }
    free(centred);
    return BRN_OK;
}

brn_status brn_baseline_map(const brn_gaussians *g, brn_baseline kind, brn_side from, size_t count, const float *x, float *y)
{
    const size_t n = (size_t)g->n;
    if (kind == BRN_MAP_LINEAR) return linear(g, from, count, x, y);
    if (kind == BRN_MAP_IDENTITY) memcpy(y, x, count * n * sizeof *y);
    else
        for (size_t k = 0; k < count * n; ++k) y[k] = (float)g->mean[1 - from][k % n];
    return BRN_OK;
}
