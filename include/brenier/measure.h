/** @file measure.h
 *  Measures to transport: built-in pairs, the benchmark's pairs from a file, the user's own samples.
 */
#ifndef BRENIER_MEASURE_H
#define BRENIER_MEASURE_H

#include "device.h"
#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Two measures alpha (source) and beta (target) on R^n, and the optimal map where it is known. */
typedef struct brn_pair brn_pair;
typedef enum brn_side { BRN_SOURCE, BRN_TARGET } brn_side;

/** x' = (x - shift_side) / scale: how raw samples become the coordinates of training. One common scale
 *  keeps the optimal map optimal. */
typedef struct brn_standardization {
    double scale;
    const double *shift[2]; /**< [n] each, owned by the pair or the model */
} brn_standardization;

/** Open what settings->data names: a benchmark file (its name ends in .safetensors), a built-in pair,
 *  or two sample files. Reads settings->data only.
 *  @return BRN_ERR_INPUT for unreadable or unusable files (dimensions that differ, constant
 *  columns), BRN_ERR_USAGE for an unknown name. Release with brn_pair_close before the device. */
BRN_API brn_status brn_pair_open(brn_pair **pair, brn_device *device, const brn_settings *settings);
BRN_API void brn_pair_close(brn_pair *pair);

/** Numbers in a sample. */
BRN_API int brn_pair_dim(const brn_pair *pair);
/** Name for people: "gauss8", "hd_16.safetensors", "a.npy -> b.csv". */
BRN_API const char *brn_pair_name(const brn_pair *pair);
/** The optimal map is known in closed form, so that L2-UVP can be computed. */
BRN_API bool brn_pair_has_map(const brn_pair *pair);
/** NULL where training coordinates are the raw ones. */
BRN_API const brn_standardization *brn_pair_standardization(const brn_pair *pair);

/** Draw `count` samples of one side, raw coordinates, into rows[count][n]. `first` continues a stream:
 *  draws (first = 0, count = 10) and (first = 10, count = 5) together are (0, 15). Samples are
 *  independent, except that the user's own rows come in shuffled epochs (each row once before any
 *  comes again) unless they have weights. The first call of this or of brn_pair_map makes scratch that
 *  the pair keeps; the two may not run at the same time on one pair. */
BRN_API brn_status brn_pair_sample(brn_pair *pair, brn_side side, uint64_t seed, uint64_t first, size_t count, float *rows);

/** The true map at x[count][n], raw coordinates, into y[count][n]. BRN_ERR_UNSUPPORTED where unknown. */
BRN_API brn_status brn_pair_map(brn_pair *pair, const float *x, size_t count, float *y);

/** Log density of one side at rows[count][n], raw coordinates, into log_density[count]. Known in closed form for both sides of
 *  "gaussian", "mixtures", "gauss8" and "gauss_sq", the source of "maf_moon" and "maf_rings", and targets N(0, I). */
BRN_API bool brn_pair_has_density(const brn_pair *pair, brn_side side);
/** @return BRN_ERR_UNSUPPORTED where it is not known */
BRN_API brn_status brn_pair_log_density(brn_pair *pair, brn_side side, const float *rows, size_t count, double *log_density);

/** Number of built-in pairs, and the i-th one's name and meaning (static storage). The dimension (data.n)
 *  of "gaussian" and "images", whose maps are known, and of "mixtures" can be chosen; else it is 2 and 3 * 64 * 64. */
BRN_API int brn_pair_builtin_count(void);
BRN_API brn_status brn_pair_builtin(int i, const char **name, const char **meaning);

#ifdef __cplusplus
}
#endif
#endif
