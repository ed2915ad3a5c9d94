/* The words behind a draw, host side: see shaders/prelude/sample.h. */
#ifndef BRN_MEASURES_LATENTS_H
#define BRN_MEASURES_LATENTS_H

#include "measures/measure.h"

/** What the kernels need to know about a draw. */
typedef struct brn_latents {
    uint32_t mask, fill, flip; /* Philox sees the row (row & mask) | fill; odd rows flip where flip = 1 */
    uint32_t seed0, seed1, step, high, stream;
    uint32_t gain, shift;      /* antithetic: the component word is (row / 2) gain + shift */
} brn_latents;

/** `component` is the latent that chooses a component, and that is spread evenly over antithetic pairs. */
brn_latents brn_latents_of(const brn_draw *draw, brn_side side, int component);

/** Members of a kernel's parameters. */
#define BRN_LATENT_PARAMS(l)                                                                                 \
    .mask = (l).mask, .fill = (l).fill, .flip = (l).flip, .seed0 = (l).seed0, .seed1 = (l).seed1,            \
    .step = (l).step, .high = (l).high, .stream = (l).stream

/** Generator of a rank-1 lattice of `batch` points, in units of 2^-32: g[0..dims). The best Korobov
 *  generator (1, a, a^2, ...) out of a fixed choice, by the worst-case error in a Korobov space. */
brn_status brn_lattice(int batch, int dims, int *g);

/** Cumulative probabilities in units of 2^-32 of `count` weights, for the kernels that choose. */
void brn_limits(const double *weights, size_t count, int *limits);

#endif
