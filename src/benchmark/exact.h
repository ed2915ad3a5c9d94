/* The networks of a pair in double precision, as their file describes them: unscaled and unshifted. */
#ifndef BRN_BENCHMARK_EXACT_H
#define BRN_BENCHMARK_EXACT_H

#include "benchmark/frozen.h"

typedef struct brn_exact brn_exact;

brn_status brn_exact_open(brn_exact **e, const brn_frozen *f, int threads);
void brn_exact_close(brn_exact *e);

/** At x[rows][n], up to BRN_MIXTURE_BLOCK rows: the value (may be NULL) and the gradient of phi_1 (part 0), phi_2 (part 1)
 *  or their sum (part BRN_FROZEN_PARTS), |x|^2 terms included. */
brn_status brn_exact_gradients(brn_exact *e, int part, size_t rows, const float *x, double *value, double *grad);

#endif
