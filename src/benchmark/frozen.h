/* A benchmark pair in host memory, as its file holds it (formula version 1): alpha is a mixture, beta its image under
 *
 *     T(x) = s (grad phi_1(x) + grad phi_2(x) + d).
 *
 * It is filled with networks, standardised, and written with its evaluation points. */
#ifndef BRN_BENCHMARK_FROZEN_H
#define BRN_BENCHMARK_FROZEN_H

#include "io/safetensors.h"
#include "networks/potential.h"

/** Tensors of one network. A matrix is stored out x in. */
enum { BRN_FROZEN_PARTS = BRN_POTENTIAL_PARTS, BRN_FROZEN_TENSORS = 12 };

typedef struct brn_frozen_tensor {
    const char *name;  /* in the file, behind "psi.v1." */
    const char *ours;  /* of a learned quadratic network, stored in x out */
    int out, in;       /* in = 0: a vector */
    size_t at;         /* in brn_frozen.part */
    bool positive;
} brn_frozen_tensor;

typedef struct brn_frozen {
    int n, width[BRN_QUADRATIC_LAYERS];
    brn_frozen_tensor tensor[BRN_FROZEN_TENSORS];
    size_t part_size;
    uint32_t mixture_seed;
    float *maps, *centres;             /* [3][n][n], [3][n] */
    float *part[BRN_FROZEN_PARTS];     /* tensors of phi_1 and phi_2 */
    double scale, *shift;              /* s, d[n] */
    size_t points;                     /* that standardise it */
    uint32_t standard_seed, eval_seed;
} brn_frozen;

/** Room for the networks of a dimension with the published widths, alpha from its seed, and the published seeds of the
 *  points, each plus `mixture_seed`. */
brn_status brn_frozen_create(brn_frozen *f, int n, uint32_t mixture_seed);
void brn_frozen_free(brn_frozen *f);

/** Fill part v from a network (its `used` weights), whose bias of the scalar output is left out. */
brn_status brn_frozen_take(brn_frozen *f, int v, const brn_net *net);

/** Check part v: finite, and no negative number where that would cost convexity. `name` begins the line that says so. */
brn_status brn_frozen_check(const brn_frozen *f, int v, const char *name);

/** d and s from `points` points in double precision, so that T#alpha has mean 0 and mean variance 1. */
brn_status brn_frozen_standardise(brn_frozen *f, int threads, size_t points);

/** Write the pair and, beside it, its evaluation file: both or none. The metadata of the formula are added to the given ones.
 *  BRN_ERR_USAGE where `path` does not end in ".safetensors". */
brn_status brn_frozen_write(const brn_frozen *f, int threads, const char *path, const brn_st_pair *metadata, size_t count);

/** "hd_2.safetensors" -> "hd_2_eval.safetensors" */
brn_status brn_eval_path(const char *path, char **eval_path);

#endif
