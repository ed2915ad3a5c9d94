/* Inside of a sweep: its runs as lists of assignments over common settings. */
#ifndef BRN_SWEEP_GRID_H
#define BRN_SWEEP_GRID_H

#include "sweep/texts.h"
#include <brenier/sweep.h>
#include <stdint.h>

typedef struct brn_sweep_run {
    char *name;
    brn_texts set;   /* "key=value" of every key that is swept */
    uint64_t hash;   /* of its settings but for out, device and threads */
} brn_sweep_run;

struct brn_sweep {
    char folder[BRN_PATH_MAX];
    brn_settings base; /* under all runs */
    brn_texts fixed;   /* what of it was assigned: holds over a preset that a run names */
    brn_texts swept;   /* keys */
    brn_sweep_run *run;
    int count, left_out;
    size_t capacity;
};

/** The values of "A,B", "0..4", "[64,64],[32]" and so on. `list`: the key's own values have commas. */
brn_status brn_values_split(brn_texts *values, const char *key, const char *text, bool list);

/** Add the runs of a grid to an empty sweep. */
brn_status brn_grid_expand(brn_sweep *sweep, const brn_settings *start, int count, const char *const *assignments);

/** Settings of a run but for settings->out. */
brn_status brn_grid_settings(const brn_sweep *sweep, const brn_texts *set, brn_settings *settings);

/** Append a run, giving it a name that no other has; takes `set` over, on failure too. */
brn_status brn_grid_add(brn_sweep *sweep, const char *name, brn_texts *set);

/** "potential.kind=mlp,seed=0" of assignments; a folder can be called so. */
void brn_grid_name(char name[static 256], const brn_texts *set);

/** Whether a key tells what is trained, not where. */
bool brn_grid_matters(const char *key);

#endif
