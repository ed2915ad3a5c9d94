/* Philox 4x32-10 on the host: the same numbers as shaders/prelude/philox.h gives on a device. */
#ifndef BRN_CORE_PHILOX_H
#define BRN_CORE_PHILOX_H

#include <stdint.h>

typedef struct { uint32_t w[4]; } brn_philox_words;

brn_philox_words brn_philox(const uint32_t counter[4], uint64_t key);

/** A word as a number in (0, 1). */
static inline double brn_uniform(uint32_t w) { return ((double)(w >> 9) + 0.5) / 8388608.0; }

/* A stream of numbers for host-side set-up work, where order is fixed anyway. */
typedef struct {
    uint64_t key;
    uint32_t stream;
    uint64_t drawn;
    brn_philox_words words;
} brn_rng;

static inline brn_rng brn_rng_start(uint64_t seed, uint32_t stream) { return (brn_rng){.key = seed, .stream = stream}; }
uint32_t brn_rng_word(brn_rng *rng);
double brn_rng_uniform(brn_rng *rng);
double brn_rng_normal(brn_rng *rng);

#endif
