/* Random mixtures of Gaussians, as the published benchmark builds its pairs from. */
#ifndef BRN_MEASURES_MIXTURES_H
#define BRN_MEASURES_MIXTURES_H

#include "core/random_state.h"
#include "measures/kinds.h"

#define BRN_MIXTURES "mixtures"
#define BRN_MIXTURE_STD 0.4
enum { BRN_MIXTURE_SOURCE = 3, BRN_MIXTURE_TARGET = 10, BRN_MIXTURE_TARGETS = 2 };

/** Component k is x = BRN_MIXTURE_STD M_k z + c_k with M_k in maps[count][n][n] and c_k in centres[count][n]. Centres stand
 *  at evenly spaced levels in every coordinate, in a random order, and rows of M_k have one norm; all is scaled so that
 *  every coordinate of the mixture has mean 0 and variance 1. Seed by seed the numbers of the published benchmark. */
brn_status brn_random_mixture(int n, int count, uint32_t seed, float *maps, float *centres);

/** Seeds of the source (number 0) and of the targets 1 and 2; with seed 0 those of the published pairs. */
uint32_t brn_mixture_seed(uint32_t seed, int number);

/** Draw `rows` points of such a mixture, x[rows][n], its components equally probable, in the order of the published
 *  files: blocks of BRN_MIXTURE_BLOCK points, in each first the components, then the noise. */
enum { BRN_MIXTURE_BLOCK = 4096 };
brn_status brn_mixture_points(brn_random_state *r, int n, int count, const float *maps, const float *centres, size_t rows, float *x);

#endif
