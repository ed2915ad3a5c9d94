/* Random mixtures of Gaussians, as the published benchmark builds its pairs from. */
#ifndef BRN_MEASURES_MIXTURES_H
#define BRN_MEASURES_MIXTURES_H

#include "measures/kinds.h"

#define BRN_MIXTURES "mixtures"
#define BRN_MIXTURE_STD 0.4
enum { BRN_MIXTURE_SOURCE = 3, BRN_MIXTURE_TARGET = 10, BRN_MIXTURE_TARGETS = 1000 };

/** Component k is x = BRN_MIXTURE_STD M_k z + c_k with M_k in maps[count][n][n] and c_k in centres[count][n], all of them
 *  floats. Centres stand at evenly spaced levels in every coordinate, in a random order, and rows of M_k have one
 *  norm; all is scaled so that every coordinate of the mixture has mean 0 and variance 1. `number` tells the
 *  mixtures of a seed apart. */
void brn_random_mixture(int n, int count, uint64_t seed, uint32_t number, double *maps, double *centres);

#endif
