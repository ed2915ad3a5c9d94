#include "core/random_state.h"

#include <math.h>

/* Mersenne Twister, MT19937 (Matsumoto and Nishimura 1998). */
void brn_random_state_seed(brn_random_state *r, uint32_t seed)
{
    r->word[0] = seed;
    for (uint32_t i = 1; i < BRN_MT_WORDS; ++i) r->word[i] = 1812433253u * (r->word[i - 1] ^ (r->word[i - 1] >> 30)) + i;
    r->next = BRN_MT_WORDS;
    r->waiting = false;
}

static void twist(brn_random_state *r)
{
    for (int i = 0; i < BRN_MT_WORDS; ++i) {
        const uint32_t y = (r->word[i] & 0x80000000u) | (r->word[(i + 1) % BRN_MT_WORDS] & 0x7fffffffu);
        r->word[i] = r->word[(i + 397) % BRN_MT_WORDS] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->next = 0;
}

static uint32_t draw_word(brn_random_state *r)
{
    if (r->next == BRN_MT_WORDS) twist(r);
    uint32_t y = r->word[r->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static double draw_uniform(brn_random_state *r)
{
    const uint32_t a = draw_word(r) >> 5, b = draw_word(r) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

uint32_t brn_random_state_integer(brn_random_state *r, uint32_t most)
{
    uint32_t mask = most, value;
    if (most == 0) return 0;
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    do value = draw_word(r) & mask;
    while (value > most);
    return value;
}

/* The polar method; its second number comes first. */
double brn_random_state_normal(brn_random_state *r)
{
    double u, v, square;
    if (r->waiting) {
        r->waiting = false;
        return r->left;
    }
    do {
        u = 2 * draw_uniform(r) - 1;
        v = 2 * draw_uniform(r) - 1;
        square = u * u + v * v;
    } while (square >= 1 || square == 0);
    const double factor = sqrt(-2 * log(square) / square);
    r->left = factor * u;
    r->waiting = true;
    return factor * v;
}

void brn_random_state_permutation(brn_random_state *r, int count, int *order)
{
    for (int i = 0; i < count; ++i) order[i] = i;
    for (int i = count - 1; i > 0; --i) {
        const int j = (int)brn_random_state_integer(r, (uint32_t)i), kept = order[j];
        order[j] = order[i];
        order[i] = kept;
    }
}
