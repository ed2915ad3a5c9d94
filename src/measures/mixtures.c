/* The measures that benchmark pairs are made from (Korotin et al. 2021): mixtures of Gaussians of any
 * dimension, three components on the source side and ten on the target side. */
#include "core/memory.h"
#include "core/philox.h"
#include "measures/mixtures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Streams of a mixture seed: the source, then the targets by number. */
enum { STREAM = 0x3a10 };

/* Per coordinate the components stand at the levels 0, 1, ... in a random order, minus their mean. */
static void place_centres(brn_rng *rng, int n, int count, double *centres)
{
    for (int i = 0; i < n; ++i)
        for (int k = 0; k < count; ++k) {
            const int j = (int)(brn_rng_word(rng) % (uint32_t)(k + 1)); /* shuffled while it is dealt */
            centres[k * n + i] = centres[j * n + i];
            centres[j * n + i] = k - .5 * (count - 1);
        }
}

/* Rows of normal numbers, each of norm 1: every coordinate of a component varies by as much. */
static void turn(brn_rng *rng, int n, double *row)
{
    double square = 0;
    for (int j = 0; j < n; ++j) {
        row[j] = brn_rng_normal(rng);
        square += row[j] * row[j];
    }
    for (int j = 0; j < n; ++j) row[j] /= sqrt(square);
}

void brn_random_mixture(int n, int count, uint64_t seed, uint32_t number, double *maps, double *centres)
{
    brn_rng rng = brn_rng_start(seed, STREAM + number);
    place_centres(&rng, n, count, centres);
    for (int i = 0; i < count * n; ++i) turn(&rng, n, maps + (size_t)i * (size_t)n);
    /* levels 0 ... count - 1 have the variance (count^2 - 1) / 12 */
    const double deviation = sqrt((count * count - 1) / 12.0 + BRN_MIXTURE_STD * BRN_MIXTURE_STD);
    for (size_t i = 0; i < (size_t)count * (size_t)n * (size_t)n; ++i) maps[i] = (float)(maps[i] / deviation);
    for (int i = 0; i < count * n; ++i) centres[i] = (float)(centres[i] / deviation);
}

static brn_status open_side(brn_pair *pair, brn_side side, uint64_t seed, uint32_t number)
{
    const size_t n = (size_t)pair->n, k = side == BRN_SOURCE ? BRN_MIXTURE_SOURCE : BRN_MIXTURE_TARGET;
    double *maps, weights[BRN_MIXTURE_TARGET];
    BRN_TRY(BRN_ALLOC(&maps, k * n * n + k * n, "mixture"));
    double *centres = maps + k * n * n;
    brn_random_mixture(pair->n, (int)k, seed, number, maps, centres);
    for (size_t i = 0; i < k * n * n; ++i) maps[i] *= BRN_MIXTURE_STD;
    for (size_t i = 0; i < k; ++i) weights[i] = 1;
    pair->side[side].kind = BRN_MEASURE_MIXTURE;
    const brn_status status = brn_mixture_create(&pair->side[side].mixture, pair->dev, pair->n, (int)k, maps, centres, weights);
    free(maps);
    return status;
}

/* "mixtures", "mixtures:SEED" or "mixtures:SEED:TARGET" */
static brn_status parse(const char *name, uint64_t *seed, uint32_t *target)
{
    const char *at = name + strlen(BRN_MIXTURES);
    char *end = (char *)at;
    *seed = 0, *target = 1;
    errno = 0;
    if (*at) *seed = at[1] >= '0' && at[1] <= '9' ? strtoull(at + 1, &end, 10) : 0;
    if (end != at && *end == ':') {
        at = end;
        const unsigned long number = at[1] >= '0' && at[1] <= '9' ? strtoul(at + 1, &end, 10) : 0;
        if (number < 1 || number > BRN_MIXTURE_TARGETS) end = (char *)at;
        else *target = (uint32_t)number;
    }
    if (*end || errno)
        return brn_fail(BRN_ERR_USAGE, "data.pair \"%.100s\": expected " BRN_MIXTURES ":SEED:TARGET with whole numbers, TARGET from 1 to %d", name,
                        BRN_MIXTURE_TARGETS);
    return BRN_OK;
}

brn_status brn_pair_open_mixtures(brn_pair *pair, const char *name, int n)
{
    uint64_t seed;
    uint32_t target;
    BRN_TRY(parse(name, &seed, &target));
    if (n > 4096) return brn_fail(BRN_ERR_USAGE, "data.n=%d: the pair \"" BRN_MIXTURES "\" has at most 4096 dimensions", n);
    pair->n = n;
    BRN_TRY(open_side(pair, BRN_SOURCE, seed, 0));
    BRN_TRY(open_side(pair, BRN_TARGET, seed, target));
    return brn_strdup(&pair->name, name);
}
