/* Maps that need no learning: what a learned one has to beat. */
#ifndef BRN_EVALUATION_BASELINE_H
#define BRN_EVALUATION_BASELINE_H

#include "core/error.h"
#include <brenier/measure.h>

enum { BRN_LINEAR_SAMPLES = 16384, BRN_LINEAR_DIM = 2048, BRN_MEAN_SAMPLES = 1024 };

typedef enum { BRN_MAP_IDENTITY, BRN_MAP_CONSTANT, BRN_MAP_LINEAR, BRN_BASELINES } brn_baseline;

/** Means of both sides, and the optimal map between the Gaussians of their means and covariances:
 *  matrix[s] takes x - mean[s] to the other side's y - mean. */
typedef struct brn_gaussians {
    int n;
    double *mean[2];   /* [n] each */
    double *matrix[2]; /* [n][n] each; NULL above BRN_LINEAR_DIM, where they would take too long */
} brn_gaussians;

/** From BRN_LINEAR_SAMPLES draws of each side (for the means alone, BRN_MEAN_SAMPLES), number `first` of the seed's samples and after. */
brn_status brn_gaussians_fit(brn_gaussians *g, brn_pair *pair, uint64_t seed, uint64_t first);
void brn_gaussians_free(brn_gaussians *g);

/** The baseline's image of rows of side `from`. The linear one needs its matrix. */
brn_status brn_baseline_map(const brn_gaussians *g, brn_baseline kind, brn_side from, size_t count, const float *x, float *y);

#endif
