/* Inside of a set of runs: what tables and curves share. */
#ifndef BRN_SWEEP_RESULTS_H
#define BRN_SWEEP_RESULTS_H

#include "sweep/texts.h"
#include <brenier/results.h>
#include <stdint.h>

struct brn_results {
    brn_run *run;
    int count;
    size_t capacity;
    brn_texts swept; /* keys that the sweeps among the paths vary */
};

/** Where a run counts as another seed of the same: neither these keys nor where it ran tell runs apart. */
bool brn_same_but_seed(const char *key);

/** The fewest settings, those that were swept first, by which runs of the same group can be told apart. On return
 *  group[i] is the same for two runs if and only if it was and they agree in all of these settings.
 *  @param group  [in,out] of each run
 *  @param skip   a key that is not to be used; may be NULL
 *  @param keys   [out] appended to */
brn_status brn_results_distinguish(const brn_results *results, uint64_t *group, bool (*skip)(const char *key), brn_texts *keys);

/** "potential.kind=icnn, seed=0" of the keys, paths without their folders. What the run's preset chooses by itself goes without saying,
 *  unless it was swept; "preset=hd" where nothing else is left to say. */
brn_status brn_results_label(const brn_results *results, const brn_run *run, const brn_texts *keys, char *label, size_t size);

/** Whether a run has the value that its preset gives to this key beside the run's other settings. Not of the preset and
 *  the data: those are always the run's own choice. */
brn_status brn_presets_own(const brn_settings *run, const brn_settings *preset, const char *key, bool *own);

/** The settings that say where samples come from. */
bool brn_names_data(const char *key);

uint64_t brn_hash(uint64_t hash, const char *text);

/** Name of a run's pair: "hd_16", "gauss8", "a.npy". *n is the dimension of a published pair, else 0; a pair called like
 *  one that was made elsewhere is "hd_16 (own)". */
void brn_results_pair(const brn_run *run, char name[static BRN_NAME_MAX], int *n);

/** What a table calls a run: "MLP", "regression", "L-BFGS"; the potential of a prior solver is its name. */
typedef struct brn_method {
    const char *potential, *amortization, *solver;
} brn_method;
brn_method brn_method_of(const brn_settings *settings);

/** The published rows, and their values. */
enum { BRN_PUBLISHED_COLUMNS = 8 };
extern const int brn_published_n[BRN_PUBLISHED_COLUMNS];
int brn_published_count(void);
brn_method brn_published_method(int row);
double brn_published_value(int row, int n);
/** Its row, brn_published_count() where there is none. */
int brn_published_find(const brn_method *method);

#endif
