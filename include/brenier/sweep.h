/** @file sweep.h
 *  Grids of trainings: every combination of several values of some settings, in one folder with one
 *  run folder each, and a manifest, sweep.json, by which the sweep is continued and extended.
 *
 *      const char *grid[] = {"preset=hd", "data.dir=pairs", "data.n=2,4", "potential.kind=mlp,icnn", "seed=0..2"};
 *      brn_sweep *sweep;
 *      brn_sweep_open(&sweep, "runs/grid", NULL, 5, grid);
 *      brn_sweep_save(sweep);
 *      for (int i = 0; i < brn_sweep_count(sweep); ++i) {
 *          brn_settings s;
 *          brn_sweep_settings(sweep, i, &s);
 *          brn_train(device, &s, false, NULL, NULL, NULL);
 *      }
 *
 *  Values: "A,B,C" several, "0..4" all whole numbers from 0 to 4, "[64,64],[128,128]" values that hold
 *  commas, "\"a,b.npy\"" texts with commas or none at all. Without brackets the widths of hidden layers are
 *  one value, as everywhere. "data.dir=DIR data.n=2,4" stands for the benchmark pairs DIR/hd_2.safetensors
 *  and so on. Where a loss does not fine-tune, further values of conjugate.* change nothing and are left out.
 */
#ifndef BRENIER_SWEEP_H
#define BRENIER_SWEEP_H

#include "settings.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brn_sweep brn_sweep;

/** Most runs of a sweep. */
#define BRN_SWEEP_MAX 10000

/** The runs that the folder's manifest holds, then those of a grid that are new. Nothing is written.
 *  @param folder      of the sweep; need not exist where a grid is given
 *  @param start       settings under the grid, as from a configuration file; NULL: preset "hd"
 *  @param count       of assignments "key=values"; 0: those of the manifest, which must be there
 *  @return BRN_ERR_USAGE for a grid that cannot be: an unknown key (with the nearest), a value that the key
 *          does not take, an empty one, a range that runs backwards, settings that contradict each other, or
 *          settings outside the grid that differ from those of the manifest (with the first difference; device,
 *          threads and out do not count). BRN_ERR_INPUT for a damaged manifest, or a pair that data.dir has not. */
BRN_API brn_status brn_sweep_open(brn_sweep **sweep, const char *folder, const brn_settings *start, int count,
                                  const char *const *assignments);
BRN_API void brn_sweep_free(brn_sweep *sweep);

/** Write the manifest, atomically, making the folder where it is missing. */
BRN_API brn_status brn_sweep_save(const brn_sweep *sweep);

/** Whether a folder holds a manifest. */
BRN_API bool brn_sweep_is(const char *folder);

/** Where its manifest and its runs are. Owned by the sweep. */
BRN_API const char *brn_sweep_folder(const brn_sweep *sweep);
/** Number of runs. */
BRN_API int brn_sweep_count(const brn_sweep *sweep);
/** Combinations that were left out because they equal another one of the grid. */
BRN_API int brn_sweep_left_out(const brn_sweep *sweep);
/** Name of run i = 0 .. count - 1, which is that of its folder: "potential.kind=mlp,seed=0". Owned by the sweep. */
BRN_API const char *brn_sweep_name(const brn_sweep *sweep, int i);
/** Its settings, with settings->out = FOLDER/NAME. */
BRN_API brn_status brn_sweep_settings(const brn_sweep *sweep, int i, brn_settings *settings);
/** The i-th of the keys that differ between runs, NULL beyond the last. Owned by the sweep. */
BRN_API const char *brn_sweep_key(const brn_sweep *sweep, int i);

#ifdef __cplusplus
}
#endif
#endif
