#include "core/philox.h"

#include <math.h>

brn_philox_words brn_philox(const uint32_t counter[4], uint64_t key)
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; ++round) {
        const uint64_t a = (uint64_t)0xD2511F53u * c0, b = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (brn_philox_words){{c0, c1, c2, c3}};
}

uint32_t brn_rng_word(brn_rng *rng)
{
    const unsigned i = rng->drawn % 4;
    if (i == 0) {
        const uint64_t block = rng->drawn / 4;
        rng->words = brn_philox((uint32_t[]){(uint32_t)block, (uint32_t)(block >> 32), rng->stream, 0x5e7u}, rng->key);
    }
    ++rng->drawn;
    return rng->words.w[i];
}

double brn_rng_uniform(brn_rng *rng) { return brn_uniform(brn_rng_word(rng)); }

double brn_rng_normal(brn_rng *rng)
{
    const double u = brn_rng_uniform(rng), v = brn_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}
