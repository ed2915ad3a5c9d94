/* NumPy's frozen stream of random numbers (numpy.random.RandomState): the published benchmark is built
 * with it, and so whoever wants the same measures needs it bit for bit. */
#ifndef BRN_CORE_RANDOM_STATE_H
#define BRN_CORE_RANDOM_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum { BRN_MT_WORDS = 624 };

typedef struct brn_random_state {
    uint32_t word[BRN_MT_WORDS];
    int next;
    bool waiting; /* every second normal number is left over from the one before */
    double left;
} brn_random_state;

/** RandomState(seed) */
void brn_random_state_seed(brn_random_state *r, uint32_t seed);
/** A uniform whole number of [0, most], by rejection: randint(0, most + 1). */
uint32_t brn_random_state_integer(brn_random_state *r, uint32_t most);
/** standard_normal() */
double brn_random_state_normal(brn_random_state *r);
/** permutation(count), which is also choice(count, count, replace=False) */
void brn_random_state_permutation(brn_random_state *r, int count, int *order);

#endif
