#include "measures/latents.h"
#include "core/memory.h"
#include "core/philox.h"

#include <stdlib.h>

/* The counter of the words that a whole batch shares: no row has this number. */
static const uint32_t NO_ROW = 0xFFFFFFFFu;

brn_latents brn_latents_of(const brn_draw *draw, brn_side side, int component)
{
    const bool antithetic = draw->sampling == BRN_SAMPLING_ANTITHETIC, lattice = draw->sampling == BRN_SAMPLING_LATTICE;
    brn_latents l = {
        .mask = lattice ? 0 : antithetic ? ~1u : ~0u, .fill = lattice ? NO_ROW : 0, .flip = antithetic,
        .seed0 = (uint32_t)draw->seed, .seed1 = (uint32_t)(draw->seed >> 32),
        .step = (uint32_t)draw->step, .high = (uint32_t)(draw->step >> 32) << 20, /* steps below 2^44 */
        .stream = 2 * draw->stream + (uint32_t)side,
    };
    if (antithetic) {
        const uint64_t pairs = ((uint64_t)draw->batch + 1) / 2;
        const uint32_t counter[4] = {NO_ROW, l.high | (uint32_t)component / 4, l.step, l.stream};
        l.gain = (uint32_t)(0xFFFFFFFFu / pairs);
        l.shift = brn_philox(counter, draw->seed).w[component % 4];
    }
    return l;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        const uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* Squared worst-case error, up to constants, of the lattice (1, a, a^2, ...) / batch: the mean over its
 * points of prod_j (1 + w_j 2 pi^2 B_2(x_j)) with weights that fall with the dimension. */
static double lattice_error(int batch, int dims, uint64_t a, const double *bernoulli)
{
    const uint64_t points = (uint64_t)batch;
    double sum = 0;
    for (uint64_t r = 0; r < points; ++r) {
        uint64_t at = r;
        double product = 1;
        for (int j = 0; j < dims; ++j) {
            product *= 1 + bernoulli[at] / (1 + 0.3 * j);
            at = at * a % points;
        }
        sum += product;
    }
    return sum;
}

brn_status brn_lattice(int batch, int dims, int *g)
{
    enum { CANDIDATES = 150, COMPARED = 8 }; /* dimensions beyond those compared weigh little */
    const uint64_t points = (uint64_t)batch;
    double *bernoulli, least = 0;
    BRN_TRY(BRN_ALLOC(&bernoulli, (size_t)batch, "lattice"));
    for (int i = 0; i < batch; ++i) {
        const double x = (double)i / batch;
        bernoulli[i] = 19.739208802178716 * (x * x - x + 1.0 / 6);
    }
    brn_rng rng = brn_rng_start(0x1a771ce, (uint32_t)batch);
    uint64_t best = 1 % points;
    for (int k = 0; k < CANDIDATES && batch > 2; ++k) {
        const uint64_t a = 1 + brn_rng_word(&rng) % (points - 1);
        if (common_divisor(a, points) != 1) continue;
        const double error = lattice_error(batch, dims < COMPARED ? dims : COMPARED, a, bernoulli);
        if (least == 0 || error < least) {
            least = error;
            best = a;
        }
    }
    uint64_t z = 1 % points;
    for (int j = 0; j < dims; ++j) {
        g[j] = (int)(uint32_t)((z << 32) / points);
        z = z * best % points;
    }
    free(bernoulli);
    return BRN_OK;
}

void brn_limits(const double *weights, size_t count, int *limits)
{
    double total = 0, sum = 0;
    for (size_t k = 0; k < count; ++k) total += weights[k];
    for (size_t k = 0; k < count; ++k) {
        sum += weights[k];
        const double limit = sum / total * 4294967296.0;
        limits[k] = (int)(limit < 4294967295.0 ? (uint32_t)limit : 4294967295u);
    }
}
