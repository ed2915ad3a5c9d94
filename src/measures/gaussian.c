/* Two Gaussians of any dimension; the optimal map between them is affine. */
#include "core/linalg.h"
#include "core/memory.h"
#include "core/philox.h"
#include "measures/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* m ~ N(0, I), S = I/4 + G G^T / n with G of standard normal numbers: eigenvalues between 1/4 and about 4. */
static void random_gaussian(int n, uint32_t which, double *mean, double *g, double *covariance)
{
    brn_rng rng = brn_rng_start(0x6a55, 2 * (uint32_t)n + which);
    for (int i = 0; i < n; ++i) mean[i] = brn_rng_normal(&rng);
    for (int i = 0; i < n * n; ++i) g[i] = brn_rng_normal(&rng) / sqrt(n);
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
            double sum = i == j ? .25 : 0;
            for (int k = 0; k < n; ++k) sum += g[i * n + k] * g[j * n + k];
            covariance[i * n + j] = sum;
        }
}

brn_status brn_pair_open_gaussian(brn_pair *pair, int n)
{
    if (n > 4096) return brn_fail(BRN_ERR_USAGE, "data.n=%d: the pair \"gaussian\" has at most 4096 dimensions", n);
    const size_t d = (size_t)n, dd = d * d;
    double *block;
    BRN_TRY(BRN_ALLOC(&block, 4 * dd + 3 * d, "Gaussian pair"));
    double *covariance[2] = {block, block + dd}, *t = block + 2 * dd, *map = t + dd, *mean[2] = {map + dd, map + dd + d};
    double *offset = mean[1] + d;
    brn_status status;
    pair->n = n;
    for (uint32_t k = 0; k < 2; ++k) {
        random_gaussian(n, k, mean[k], t, covariance[k]);
        BRN_GO(brn_sym_apply(n, covariance[k], BRN_SYM_SQRT, 0, t));
        pair->side[k].kind = BRN_MEASURE_MIXTURE;
        BRN_GO(brn_mixture_create(&pair->side[k].mixture, pair->dev, n, 1, t, mean[k], (double[]){1}));
    }
    BRN_GO(brn_bures_map(n, covariance[0], covariance[1], map));
    for (int i = 0; i < n; ++i) {
        offset[i] = mean[1][i];
        for (int j = 0; j < n; ++j) offset[i] -= map[i * n + j] * mean[0][j];
    }
    BRN_GO(brn_affine_create(&pair->affine, pair->dev, n, 1, map, offset));
    pair->map = BRN_MAP_AFFINE;
    BRN_GO(brn_strdup(&pair->name, "gaussian"));
done:
    free(block);
    return status;
}
