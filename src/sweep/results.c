/* Runs of several folders, and what tells them apart. */
#include "sweep/results.h"
#include "config/config.h"
#include "core/memory.h"
#include <brenier/sweep.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- collecting -------------------------------------------------------------------------------- */

static brn_status add_run(brn_results *r, const char *folder)
{
    BRN_TRY(BRN_GROW(&r->run, &r->capacity, r->count, 1, "runs"));
    BRN_TRY(brn_run_read(&r->run[r->count], folder));
    ++r->count;
    return BRN_OK;
}

/* A run that was not begun has its place in a table by the settings it would have. */
static void guess_settings(brn_run *run, const brn_settings *settings)
{
    char name[BRN_NAME_MAX];
    int n;
    run->settings = *settings;
    brn_results_pair(run, name, &n);
    n = settings->data.n > 0 ? settings->data.n : n ? n : 2;
    if (brn_settings_resolve(&run->settings, n) == BRN_OK) run->steps = run->settings.train.steps;
}

static brn_status add_sweep_runs(brn_results *r, const brn_sweep *sweep)
{
    const char *key;
    for (int i = 0; (key = brn_sweep_key(sweep, i)); ++i)
        if (!brn_texts_have(&r->swept, key)) BRN_TRY(brn_texts_print(&r->swept, "%s", key));
    for (int i = 0; i < brn_sweep_count(sweep); ++i) {
        brn_settings settings;
        BRN_TRY(brn_sweep_settings(sweep, i, &settings));
        BRN_TRY(add_run(r, settings.out));
        if (r->run[r->count - 1].state == BRN_RUN_NEW) guess_settings(&r->run[r->count - 1], &settings);
    }
    return BRN_OK;
}

static brn_status add_sweep(brn_results *r, const char *folder)
{
    brn_sweep *sweep;
    BRN_TRY(brn_sweep_open(&sweep, folder, NULL, 0, NULL));
    const brn_status status = add_sweep_runs(r, sweep);
    brn_sweep_free(sweep);
    return status;
}

static bool has(const char *folder, const char *name)
{
    char path[BRN_PATH_MAX + 300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static bool is_run(const char *folder) { return has(folder, "config.yaml") || has(folder, "result.json") || has(folder, "latest.safetensors"); }

/* The runs and sweeps right below a folder, in the order of their names. */
static brn_status add_below(brn_results *r, const char *folder)
{
    struct dirent **entry;
    const int count = scandir(folder, &entry, NULL, alphasort), before = r->count;
    brn_status status = BRN_OK;
    for (int i = 0; i < count; ++i) {
        char path[BRN_PATH_MAX + 300];
        snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        if (status == BRN_OK && entry[i]->d_name[0] != '.') {
            if (brn_sweep_is(path)) status = add_sweep(r, path);
            else if (is_run(path)) status = add_run(r, path);
        }
        free(entry[i]);
    }
    if (count >= 0) free(entry);
    if (status == BRN_OK && r->count == before)
        return brn_fail(BRN_ERR_INPUT, "%s: neither a run (config.yaml) nor a sweep (sweep.json), nor a folder of such", folder);
    return status;
}

static brn_status add_path(brn_results *r, const char *path)
{
    char folder[BRN_PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') --length;
    if (length + 300 > sizeof folder) return brn_fail(BRN_ERR_INPUT, "%.80s...: the path is too long", path);
    snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    if (brn_sweep_is(folder)) return add_sweep(r, folder);
    return is_run(folder) ? add_run(r, folder) : add_below(r, folder);
}

brn_status brn_results_open(brn_results **out, int count, const char *const *paths)
{
    brn_results *r;
    brn_status status = BRN_OK;
    *out = NULL;
    BRN_TRY(BRN_ALLOC(&r, 1, "results"));
    for (int i = 0; i < count && status == BRN_OK; ++i) status = add_path(r, paths[i]);
    if (status == BRN_OK) *out = r;
    else brn_results_free(r);
    return status;
}

void brn_results_free(brn_results *r)
{
    if (!r) return;
    free(r->run);
    brn_texts_free(&r->swept);
    free(r);
}

int brn_results_count(const brn_results *r) { return r->count; }
brn_run *brn_results_run(brn_results *r, int i) { return &r->run[i]; }
bool brn_results_counts(const brn_results *r, int i) { return r->run[i].state == BRN_RUN_FINISHED && r->run[i].scored; }

void brn_results_standing(const brn_results *r, int i, char *text, size_t size)
{
    const brn_run *run = &r->run[i];
    const char *state = brn_outcome_name(run->state);
    if (run->state == BRN_RUN_NEW) snprintf(text, size, "%s: not begun", run->folder);
    else if (run->state == BRN_RUN_FINISHED) snprintf(text, size, "%s: finished%s", run->folder, run->scored ? "" : ", not scored");
    else if (run->state == BRN_RUN_STARTED) snprintf(text, size, "%s: not finished, at step %lld of %lld", run->folder, (long long)run->step, (long long)run->steps);
    else
        snprintf(text, size, "%s: %s at step %lld of %lld%s%s", run->folder, state, (long long)run->step, (long long)run->steps, *run->reason ? ": " : "",
                 run->reason);
}

/* ---- telling apart ----------------------------------------------------------------------------- */

uint64_t brn_hash(uint64_t hash, const char *text)
{
    for (; *text; ++text) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u;
}

bool brn_same_but_seed(const char *key) { return !strcmp(key, "seed") || !strcmp(key, "out") || !strcmp(key, "threads") || !strcmp(key, "device"); }

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int distinct(const uint64_t *group, int count, uint64_t *scratch)
{
    int different = 0;
    memcpy(scratch, group, (size_t)count * sizeof *scratch);
    qsort(scratch, (size_t)count, sizeof *scratch, ascending);
    for (int i = 0; i < count; ++i) different += !i || scratch[i] != scratch[i - 1];
    return different;
}

/* Zeros where there is none, or none of this name any more. */
static void find_preset(const brn_run *run, brn_settings *preset)
{
    if (!*run->settings.preset || brn_settings_preset(preset, run->settings.preset) != BRN_OK) memset(preset, 0, sizeof *preset);
}

/* A swept setting is told of all runs. One without a preset has nothing that goes without saying. */
static brn_status goes_without_saying(const brn_results *r, const brn_run *run, const brn_settings *preset, const char *key, bool *own)
{
    *own = false;
    return *preset->preset && !brn_texts_have(&r->swept, key) ? brn_presets_own(&run->settings, preset, key, own) : BRN_OK;
}

/* Use this key if it parts a group. */
static brn_status try_key(const brn_results *r, const brn_settings *preset, const char *key, uint64_t *group, uint64_t *finer, uint64_t *scratch,
                          brn_texts *keys)
{
    for (int i = 0; i < r->count; ++i) {
        char value[BRN_PATH_MAX];
        bool own;
        BRN_TRY(goes_without_saying(r, &r->run[i], &preset[i], key, &own));
        BRN_TRY(brn_settings_get(&r->run[i].settings, key, value, sizeof value));
        finer[i] = brn_hash(group[i], own ? "the preset's" : value);
    }
    if (distinct(finer, r->count, scratch) == distinct(group, r->count, scratch)) return BRN_OK;
    memcpy(group, finer, (size_t)r->count * sizeof *group);
    return brn_texts_print(keys, "%s", key);
}

static brn_status try_keys(const brn_results *r, const brn_settings *preset, uint64_t *group, bool (*skip)(const char *), brn_texts *keys,
                           uint64_t *scratch)
{
    static const char *const first[] = {"preset", "potential.kind", "train.loss", "conjugate.solver", "data.pair", "data.n", "train.potential.kind"};
    enum { FIRST = sizeof first / sizeof *first };
    uint64_t *finer = scratch + r->count;
    for (int i = 0; i < 1 + r->swept.count + FIRST + BRN_FIELD_COUNT; ++i) {
        const int of_first = i - r->swept.count, of_fields = of_first - FIRST;
        const char *key = i == 0              ? first[0]
                          : of_first <= 0     ? r->swept.text[i - 1]
                          : of_first < FIRST  ? first[of_first]
                          : of_fields < BRN_FIELD_COUNT ? brn_fields[of_fields].key
                                              : NULL;
        if (!key || brn_same_but_seed(key) || (skip && skip(key)) || brn_texts_have(keys, key)) continue;
        BRN_TRY(try_key(r, preset, key, group, finer, scratch, keys));
    }
    return BRN_OK;
}

brn_status brn_results_distinguish(const brn_results *r, uint64_t *group, bool (*skip)(const char *), brn_texts *keys)
{
    uint64_t *scratch = NULL;
    brn_settings *preset = NULL;
    brn_status status;
    BRN_GO(BRN_ALLOC(&scratch, 2 * (size_t)r->count, "groups of runs"));
    BRN_GO(BRN_ALLOC(&preset, (size_t)r->count, "presets of runs"));
    for (int i = 0; i < r->count; ++i) find_preset(&r->run[i], &preset[i]);
    status = try_keys(r, preset, group, skip, keys, scratch);
done:
    free(scratch), free(preset);
    return status;
}

brn_status brn_results_label(const brn_results *r, const brn_run *run, const brn_texts *keys, char *label, size_t size)
{
    size_t used = 0;
    brn_settings preset;
    find_preset(run, &preset);
    *label = 0;
    for (int i = 0; i < keys->count && used + 1 < size; ++i) {
        char value[BRN_PATH_MAX];
        bool own;
        BRN_TRY(goes_without_saying(r, run, &preset, keys->text[i], &own));
        if (own) continue;
        BRN_TRY(brn_settings_get(&run->settings, keys->text[i], value, sizeof value));
        const char *slash = strrchr(value, '/');
        snprintf(label + used, size - used, "%s%s=%s", used ? ", " : "", keys->text[i], slash ? slash + 1 : value);
        used = strlen(label);
    }
    if (!used && keys->count && *preset.preset) snprintf(label, size, "preset=%s", preset.preset);
    return BRN_OK;
}

/* A run without scores has no word of it: then the name is believed. */
static bool is_published(const brn_run *run) { return !*run->pair_source || strstr(run->pair_source, "Wasserstein2Benchmark"); }

void brn_results_pair(const brn_run *run, char name[static BRN_NAME_MAX], int *n)
{
    const brn_settings *s = &run->settings;
    const char *path = *s->data.pair ? s->data.pair : s->data.source, *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path, *ending = strstr(file, ".safetensors");
    int digits = 0;
    snprintf(name, BRN_NAME_MAX, "%.*s", ending ? (int)(ending - file) : (int)strlen(file), file);
    *n = 0;
    const bool benchmark = ending && sscanf(name, "hd_%9d%n", n, &digits) == 1 && digits && !name[digits];
    if (benchmark && is_published(run)) return;
    *n = 0;
    if (benchmark) strcat(name, " (own)");
    if (!strcmp(name, "gaussian") && s->data.n > 0) snprintf(name, BRN_NAME_MAX, "gaussian n=%d", s->data.n);
}
