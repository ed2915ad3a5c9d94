/** @file benchmark.h
 *  Benchmark pairs whose optimal map is known (Korotin et al. 2021, "Do neural optimal transport solvers work?"):
 *  alpha is a mixture of three Gaussians, psi the sum of two input-convex networks, and beta the image of alpha under
 *  T = grad psi, which is optimal by Brenier's theorem. Made anew at any dimension, or converted from a clone of the
 *  published repository. A pair is a file hd_<n>.safetensors for data.pair=, with hd_<n>_eval.safetensors beside it:
 *  4096 points of alpha with T, psi and psi* there in double precision.
 */
#ifndef BRENIER_BENCHMARK_H
#define BRENIER_BENCHMARK_H

#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What became of a pair that was made. */
typedef struct brn_benchmark_report {
    int n;
    struct {
        int64_t steps;
        double dual;               /**< dual objective on evaluation samples */
        double w2;                 /**< W2^2 between the two mixtures for the cost |x - y|^2 / 2, as learned */
        double sinkhorn;           /**< divergence of the image of alpha to the mixture it should be */
        double sinkhorn_reference; /**< of two samples of that mixture */
    } part[2];
    double linear_forward, linear_inverse; /**< L2-UVP of the linear map between alpha and beta, percent */
    double identity_forward;
} brn_benchmark_report;

/** The settings by which the networks of a pair are learned: of dimension n, from a seed below 2^32. train.* and conjugate.*
 *  may be changed before they are used; potential.kind stays "quadratic". */
BRN_API brn_status brn_benchmark_settings(brn_settings *settings, int n, uint64_t seed);

/** Told for network `part` (1 or 2); return false to save and stop. */
typedef bool (*brn_benchmark_fn)(void *user, int part, const brn_progress *progress);

/** Make a pair: train two networks from alpha to two mixtures of ten Gaussians, add their potentials, standardise the sum and
 *  write `path` and its evaluation file, both or none. With seed 0 the three mixtures are those of the published pairs. The
 *  run folders settings->out/v1 and settings->out/v2 keep the trainings: the same call continues a stopped one, and
 *  settings->out = "" keeps nothing. Same settings, same bytes.
 *  @param progress may be NULL
 *  @param report   [out] may be NULL
 *  @return BRN_ERR_STOPPED, BRN_ERR_DIVERGED and others as brn_train; BRN_ERR_USAGE where `path` does not end in .safetensors */
BRN_API brn_status brn_benchmark_make(brn_device *device, const brn_settings *settings, const char *path, brn_benchmark_fn progress,
                                      void *user, brn_benchmark_report *report);

/** Dimensions whose pair can be converted from `clone`, a clone of the published repository or its folder
 *  benchmarks/Mix3toMix10: ascending into n[0..capacity), their number into *count. BRN_ERR_INPUT where there is none. */
BRN_API brn_status brn_benchmark_list(const char *clone, int *n, int capacity, int *count);

/** Convert the pair of dimension n to `path` and its evaluation file. Checkpoints are read without running anything in them: a
 *  pickle may name an ordered dictionary and tensors, any other name is refused with BRN_ERR_INPUT.
 *  @param threads of the host, as in brn_device_open */
BRN_API brn_status brn_benchmark_convert(const char *clone, int n, int threads, const char *path);

/** Pairs of the published image benchmark: 64 x 64 photographs x = G(z) + 0.01 e that a generator G makes of normal numbers z
 *  and e, and their images under the gradient of psi = (phi_1 + phi_2) / 2 + 0.005 |x|^2, phi_v convolutional input-convex
 *  networks; T = grad psi is the optimal map. Nothing but the checkpoints says how wide the networks are. */
typedef enum brn_celeba { BRN_CELEBA_EARLY, BRN_CELEBA_MID, BRN_CELEBA_LATE, BRN_CELEBA_PAIRS } brn_celeba;

/** "early", "mid", "late" */
BRN_API const char *brn_celeba_name(brn_celeba pair);

/** Pairs whose checkpoints are in `clone`, a clone of the published repository or its folder benchmarks/CelebA64: Final_G.pt and
 *  Early_v1.pt, ... BRN_ERR_INPUT where there is none. */
BRN_API brn_status brn_benchmark_celeba_list(const char *clone, brn_celeba found[BRN_CELEBA_PAIRS], int *count);

/** Convert a pair to `path`, for data.pair=, from Final_G.pt and the pair's _v1.pt and _v2.pt. Batch normalisations of the
 *  generator are folded into its convolutions. Checkpoints are read as by brn_benchmark_convert. */
BRN_API brn_status brn_benchmark_celeba_convert(const char *clone, brn_celeba pair, const char *path);

/** What a pair file says about itself, as JSON: allocated, release with free(). *json is NULL, without an error, where the
 *  file is no pair (but a model, say). */
BRN_API brn_status brn_benchmark_describe(const char *path, char **json);

#ifdef __cplusplus
}
#endif
#endif
