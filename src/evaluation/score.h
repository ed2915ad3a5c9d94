/* One map against the true one, in double precision and a fixed order. */
#ifndef BRN_EVALUATION_SCORE_H
#define BRN_EVALUATION_SCORE_H

#include <stddef.h>

/** Mean of |rows|^2. */
double brn_mean_square(size_t count, int n, const float *rows);

/** 100 mean |estimate - truth|^2 / Var(truth). */
double brn_l2_uvp(size_t count, int n, const float *estimate, const float *truth);

/** Cosine of estimate - x and truth - x in L2; 0 where one of them is nothing. */
double brn_cosine(size_t count, int n, const float *x, const float *estimate, const float *truth);

#endif
