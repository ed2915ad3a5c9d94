/* The measures that benchmark pairs are made from (Korotin et al. 2021): mixtures of Gaussians of any
 * dimension, three components on the source side and ten on the target side. */
#include "measures/mixtures.h"
#include "core/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the mixture, in the order and the precision of the published code --------------------------- */

static void place_centres(brn_random_state *r, int n, int count, float *centres)
{
    int level[BRN_MIXTURE_TARGET];
    for (int i = 0; i < n; ++i) {
        brn_random_state_permutation(r, count, level);
        for (int k = 0; k < count; ++k) centres[k * n + i] = (float)level[k] - (float)((count - 1) / 2.0);
    }
}

/* Sums of squares as NumPy adds them in single precision: pairwise, eight at a time. */
static float sum_of_squares(const float *x, size_t n)
{
    float part[8] = {0}, sum = 0;
    if (n > 128) {
        const size_t half = n / 2 - n / 2 % 8;
        return sum_of_squares(x, half) + sum_of_squares(x + half, n - half);
    }
    size_t i = 0;
    if (n >= 8) {
        for (; i + 8 <= n; i += 8)
            for (size_t k = 0; k < 8; ++k) part[k] += x[i + k] * x[i + k];
        sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    }
    for (; i < n; ++i) sum += x[i] * x[i];
    return sum;
}

static void turn(brn_random_state *r, size_t n, size_t rows, float *maps)
{
    for (size_t i = 0; i < rows * n; ++i) maps[i] = (float)brn_random_state_normal(r);
    for (size_t k = 0; k < rows; ++k) {
        const float norm = sqrtf(sum_of_squares(maps + k * n, n));
        for (size_t i = 0; i < n; ++i) maps[k * n + i] /= norm;
    }
}

/* Root of the variance of a coordinate. */
static float deviation(size_t n, size_t count, const float *centres)
{
    double square = 0; /* of multiples of 1/4: exact */
    for (size_t i = 0; i < count * n; ++i) square += (double)centres[i] * centres[i];
    const float mean = (float)square / (float)count;
    return (float)(sqrt(mean + (double)n * (BRN_MIXTURE_STD * BRN_MIXTURE_STD)) / sqrt((double)n));
}

brn_status brn_random_mixture(int n, int count, uint32_t seed, float *maps, float *centres)
{
    if (count < 1 || count > BRN_MIXTURE_TARGET) return brn_fail(BRN_ERR_INTERNAL, "mixture of %d components", count);
    const size_t d = (size_t)n, k = (size_t)count;
    brn_random_state r;
    brn_random_state_seed(&r, seed);
    place_centres(&r, n, count, centres);
    turn(&r, d, k * d, maps);
    const float scale = deviation(d, k, centres);
    for (size_t i = 0; i < k * d; ++i) centres[i] /= scale;
    for (size_t i = 0; i < k * d * d; ++i) maps[i] /= scale;
    return BRN_OK;
}

uint32_t brn_mixture_seed(uint32_t seed, int number)
{
    static const uint32_t published[] = {0, 0xBADBEEF, 0xC0FFEE};
    return published[number] + seed;
}

static void move_point(size_t n, const float *map, const float *centre, const double *z, float *x)
{
    for (size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (size_t j = 0; j < n; ++j) sum += (double)map[i * n + j] * z[j];
        x[i] = (float)(BRN_MIXTURE_STD * sum + centre[i]);
    }
}

brn_status brn_mixture_points(brn_random_state *r, int n, int count, const float *maps, const float *centres, size_t rows, float *x)
{
    const size_t d = (size_t)n;
    uint32_t which[BRN_MIXTURE_BLOCK];
    double *z;
    BRN_TRY(BRN_ALLOC(&z, d, "points of a mixture"));
    for (size_t at = 0; at < rows; at += BRN_MIXTURE_BLOCK) {
        const size_t part = rows - at < BRN_MIXTURE_BLOCK ? rows - at : BRN_MIXTURE_BLOCK;
        for (size_t i = 0; i < part; ++i) which[i] = brn_random_state_integer(r, (uint32_t)count - 1);
        for (size_t i = 0; i < part; ++i) {
            for (size_t j = 0; j < d; ++j) z[j] = brn_random_state_normal(r);
            move_point(d, maps + which[i] * d * d, centres + which[i] * d, z, x + (at + i) * d);
        }
    }
    free(z);
    return BRN_OK;
}

/* ---- the pair ------------------------------------------------------------------------------------ */

static brn_status open_side(brn_pair *pair, brn_side side, uint32_t seed)
{
    const size_t n = (size_t)pair->n, k = side == BRN_SOURCE ? BRN_MIXTURE_SOURCE : BRN_MIXTURE_TARGET, size = k * n * n + k * n;
    double *wide = NULL, weights[BRN_MIXTURE_TARGET];
    float *block = NULL;
    brn_status status;
    BRN_GO(BRN_ALLOC(&wide, size, "mixture"));
    BRN_GO(BRN_ALLOC(&block, size, "mixture"));
    BRN_GO(brn_random_mixture(pair->n, (int)k, seed, block, block + k * n * n));
    for (size_t i = 0; i < size; ++i) wide[i] = i < k * n * n ? BRN_MIXTURE_STD * block[i] : block[i];
    for (size_t i = 0; i < k; ++i) weights[i] = 1;
    pair->side[side].kind = BRN_MEASURE_MIXTURE;
    BRN_GO(brn_mixture_create(&pair->side[side].mixture, pair->dev, pair->n, (int)k, wide, wide + k * n * n, weights));
done:
    free(block);
    free(wide);
    return status;
}

/* A whole number behind a colon; *at moves behind it. */
static bool take_number(const char **at, uint32_t *number)
{
    char *end;
    if (**at != ':' || (*at)[1] < '0' || (*at)[1] > '9') return false;
    errno = 0;
    const unsigned long long value = strtoull(*at + 1, &end, 10);
    *at = end;
    *number = (uint32_t)value;
    return !errno && value <= UINT32_MAX;
}

/* "mixtures", "mixtures:SEED" or "mixtures:SEED:TARGET" */
static brn_status parse(const char *name, uint32_t *seed, uint32_t *target)
{
    const char *at = name + strlen(BRN_MIXTURES);
    *seed = 0, *target = 1;
    if (!*at || (take_number(&at, seed) && (!*at || (take_number(&at, target) && !*at && *target >= 1 && *target <= BRN_MIXTURE_TARGETS))))
        return BRN_OK;
    return brn_fail(BRN_ERR_USAGE, "data.pair \"%.100s\": expected " BRN_MIXTURES ":SEED:TARGET, SEED a whole number below 2^32, TARGET 1 or %d",
                    name, BRN_MIXTURE_TARGETS);
}

brn_status brn_pair_open_mixtures(brn_pair *pair, const char *name, int n)
{
    uint32_t seed, target;
    BRN_TRY(parse(name, &seed, &target));
    if (n > 4096) return brn_fail(BRN_ERR_USAGE, "data.n=%d: the pair \"" BRN_MIXTURES "\" has at most 4096 dimensions", n);
    pair->n = n;
    BRN_TRY(open_side(pair, BRN_SOURCE, brn_mixture_seed(seed, 0)));
    BRN_TRY(open_side(pair, BRN_TARGET, brn_mixture_seed(seed, (int)target)));
    return brn_strdup(&pair->name, name);
}
