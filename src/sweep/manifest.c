/* Sweeps: opened from a grid and a manifest, extended, written. */
#include "core/memory.h"
#include "io/json.h"
#include "io/path.h"
#include "sweep/grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1 };

static void path_of(char path[static BRN_PATH_MAX + 32], const char *folder) { snprintf(path, BRN_PATH_MAX + 32, "%s/sweep.json", folder); }

bool brn_sweep_is(const char *folder)
{
    char path[BRN_PATH_MAX + 32];
    path_of(path, folder);
    return access(path, F_OK) == 0;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static brn_status refuse(const char *path, const char *what) { return brn_fail(BRN_ERR_INPUT, "%s: %s: the file is damaged", path, what); }

static brn_status read_texts(const cJSON *object, const char *path, const char *key, brn_texts *texts, bool assignments)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key), *item;
    if (!cJSON_IsArray(list)) return brn_fail(BRN_ERR_INPUT, "%s: \"%s\" is not a list: the file is damaged", path, key);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || (assignments && !strchr(item->valuestring, '=')))
            return brn_fail(BRN_ERR_INPUT, "%s: an entry of \"%s\" is not %s: the file is damaged", path, key, assignments ? "key=value" : "a text");
        BRN_TRY(brn_texts_add(texts, item->valuestring, strlen(item->valuestring)));
    }
    return BRN_OK;
}

static brn_status read_base(const cJSON *tree, const char *path, brn_settings *base)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(tree, "base"), *item;
    const char *preset;
    if (!cJSON_IsObject(object)) return refuse(path, "\"base\" is missing");
    BRN_TRY(brn_json_text(object, path, "preset", &preset));
    brn_status status = brn_settings_preset(base, preset);
    cJSON_ArrayForEach(item, object)
    {
        if (status != BRN_OK || !strcmp(item->string, "preset")) continue;
        if (!cJSON_IsString(item)) return refuse(path, "a setting of \"base\" is not a text");
        status = brn_settings_set(base, item->string, item->valuestring);
    }
    return status == BRN_OK ? BRN_OK : brn_fail_in(BRN_ERR_INPUT, "%s", path);
}

/* A name becomes a path: it stays inside the folder, and has only what brn_grid_name gives. */
static bool is_safe(const char *name)
{
    const char *c = name;
    while (*c > ' ' && *c <= '~' && *c != '/') ++c;
    return *name && *name != '.' && !*c && c - name < 256;
}

static brn_status read_runs(const cJSON *tree, const char *path, brn_sweep *sweep)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, "runs"), *item;
    if (!cJSON_IsArray(list)) return refuse(path, "\"runs\" is not a list");
    cJSON_ArrayForEach(item, list)
    {
        const char *name;
        brn_texts set = {0};
        BRN_TRY(brn_json_text(item, path, "name", &name));
        if (!is_safe(name)) return refuse(path, "a run has a name that no folder can have");
        brn_status status = read_texts(item, path, "set", &set, true);
        if (status == BRN_OK) status = brn_grid_add(sweep, name, &set);
        else brn_texts_free(&set);
        if (status == BRN_ERR_USAGE) status = brn_fail_in(BRN_ERR_INPUT, "%s: run %s", path, name);
        BRN_TRY(status);
    }
    return BRN_OK;
}

static brn_status read_tree(const cJSON *tree, const char *path, brn_sweep *sweep)
{
    int64_t version;
    BRN_TRY(brn_json_integer(tree, path, "version", &version));
    if (version != VERSION) return brn_fail(BRN_ERR_INPUT, "%s: version %lld, this program reads %d", path, (long long)version, VERSION);
    BRN_TRY(read_base(tree, path, &sweep->base));
    BRN_TRY(read_texts(tree, path, "fixed", &sweep->fixed, true));
    BRN_TRY(read_texts(tree, path, "swept", &sweep->swept, false));
    return read_runs(tree, path, sweep);
}

/* The manifest of sweep->folder, where there is one. */
static brn_status read_manifest(brn_sweep *sweep)
{
    char path[BRN_PATH_MAX + 32];
    cJSON *tree;
    path_of(path, sweep->folder);
    BRN_TRY(brn_json_read(&tree, path));
    const brn_status status = read_tree(tree, path, sweep);
    cJSON_Delete(tree);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void add_texts(cJSON *to, const char *key, const brn_texts *texts)
{
    cJSON_AddItemToObject(to, key, cJSON_CreateStringArray((const char *const *)texts->text, texts->count));
}

static brn_status add_base(cJSON *to, const brn_settings *base)
{
    cJSON *object = cJSON_AddObjectToObject(to, "base");
    const char *key, *values, *meaning;
    for (int i = 0; i < brn_settings_count(); ++i) {
        char text[BRN_PATH_MAX];
        BRN_TRY(brn_settings_describe(i, &key, &values, &meaning));
        BRN_TRY(brn_settings_get(base, key, text, sizeof text));
        if (strcmp(key, "out")) cJSON_AddStringToObject(object, key, text);
    }
    return BRN_OK;
}

brn_status brn_sweep_save(const brn_sweep *sweep)
{
    char path[BRN_PATH_MAX + 32];
    path_of(path, sweep->folder);
    BRN_TRY(brn_make_folder(sweep->folder));
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddNumberToObject(tree, "version", VERSION);
    const brn_status status = add_base(tree, &sweep->base);
    if (status != BRN_OK) {
        cJSON_Delete(tree);
        return status;
    }
    add_texts(tree, "fixed", &sweep->fixed);
    add_texts(tree, "swept", &sweep->swept);
    cJSON *runs = cJSON_AddArrayToObject(tree, "runs");
    for (int i = 0; i < sweep->count; ++i) {
        cJSON *run = cJSON_CreateObject();
        cJSON_AddStringToObject(run, "name", sweep->run[i].name);
        add_texts(run, "set", &sweep->run[i].set);
        cJSON_AddItemToArray(runs, run);
    }
    return brn_json_write(tree, path);
}

/* ---- joining ----------------------------------------------------------------------------------- */

static brn_status refuse_base(const brn_sweep *sweep, const char *key, const char *there, const char *here)
{
    return brn_fail(BRN_ERR_USAGE, "%s holds another sweep: %s is %.100s there, %.100s here; choose another folder (out=), or name all values in one grid",
                    sweep->folder, key, there, here);
}

/* Outside of what is swept both must agree. Under a swept preset only what was assigned can be compared. */
static brn_status check_base(const brn_sweep *sweep, const brn_sweep *other)
{
    const bool presets = brn_texts_have(&sweep->swept, "preset") || brn_texts_have(&other->swept, "preset");
    for (int i = 0; i < brn_settings_count(); ++i) {
        const char *key, *values, *meaning;
        char a[BRN_PATH_MAX], b[BRN_PATH_MAX];
        BRN_TRY(brn_settings_describe(i, &key, &values, &meaning));
        if (!brn_grid_matters(key) || brn_texts_have(&sweep->swept, key) || brn_texts_have(&other->swept, key)) continue;
        BRN_TRY(brn_settings_get(&sweep->base, key, a, sizeof a));
        BRN_TRY(brn_settings_get(&other->base, key, b, sizeof b));
        if (!presets) {
            if (strcmp(a, b)) return refuse_base(sweep, key, a, b);
            continue;
        }
        const char *there = brn_texts_value(&sweep->fixed, key), *here = brn_texts_value(&other->fixed, key);
        if (!there != !here || (there && strcmp(there, here))) return refuse_base(sweep, key, there ? there : "not given", here ? here : "not given");
    }
    return BRN_OK;
}

static bool has_run(const brn_sweep *sweep, uint64_t hash)
{
    for (int i = 0; i < sweep->count; ++i)
        if (sweep->run[i].hash == hash) return true;
    return false;
}

/* What only the other sweep's runs vary: said as well, since the base may have another value. */
static brn_status complete(brn_texts *set, const brn_texts *keys, const brn_settings *base)
{
    for (int i = 0; i < keys->count; ++i) {
        char value[BRN_PATH_MAX];
        if (brn_texts_value(set, keys->text[i])) continue;
        BRN_TRY(brn_settings_get(base, keys->text[i], value, sizeof value));
        BRN_TRY(brn_texts_print(set, "%s=%s", keys->text[i], value));
    }
    return BRN_OK;
}

/* Add the runs of `other` that `sweep`, from a manifest, has not. */
static brn_status join(brn_sweep *sweep, brn_sweep *other)
{
    BRN_TRY(check_base(sweep, other));
    for (int i = 0; i < other->count; ++i) {
        char name[256];
        brn_texts *set = &other->run[i].set;
        if (has_run(sweep, other->run[i].hash)) continue;
        BRN_TRY(complete(set, &sweep->swept, &other->base));
        brn_grid_name(name, set);
        BRN_TRY(brn_grid_add(sweep, name, set));
    }
    for (int i = 0; i < other->swept.count; ++i)
        if (!brn_texts_have(&sweep->swept, other->swept.text[i])) BRN_TRY(brn_texts_print(&sweep->swept, "%s", other->swept.text[i]));
    sweep->left_out = other->left_out;
    return BRN_OK;
}

/* ---- the sweep --------------------------------------------------------------------------------- */

void brn_sweep_free(brn_sweep *sweep)
{
    if (!sweep) return;
    for (int i = 0; i < sweep->count; ++i) {
        free(sweep->run[i].name);
        brn_texts_free(&sweep->run[i].set);
    }
    free(sweep->run);
    brn_texts_free(&sweep->fixed);
    brn_texts_free(&sweep->swept);
    free(sweep);
}

static brn_status fill(brn_sweep *sweep, const brn_settings *start, int count, const char *const *assignments)
{
    const bool held = brn_sweep_is(sweep->folder);
    brn_sweep *grid;
    if (held) BRN_TRY(read_manifest(sweep));
    if (!count && !start) return held ? BRN_OK : brn_fail(BRN_ERR_INPUT, "%s: no sweep to continue: there is no sweep.json", sweep->folder);
    if (!held) return brn_grid_expand(sweep, start, count, assignments);
    BRN_TRY(BRN_ALLOC(&grid, 1, "sweep"));
    brn_status status = brn_grid_expand(grid, start, count, assignments);
    if (status == BRN_OK) status = join(sweep, grid);
    brn_sweep_free(grid);
    return status;
}

brn_status brn_sweep_open(brn_sweep **out, const char *folder, const brn_settings *start, int count, const char *const *assignments)
{
    brn_sweep *sweep;
    size_t length = strlen(folder);
    *out = NULL;
    while (length > 1 && folder[length - 1] == '/') --length;
    if (!length || length + 256 >= BRN_PATH_MAX)
        return brn_fail(BRN_ERR_USAGE, length ? "%.80s...: the path is too long" : "a sweep needs a folder: out=DIR%s", length ? folder : "");
    BRN_TRY(BRN_ALLOC(&sweep, 1, "sweep"));
    memcpy(sweep->folder, folder, length);
    const brn_status status = fill(sweep, start, count, assignments);
    if (status == BRN_OK) *out = sweep;
    else brn_sweep_free(sweep);
    return status;
}

const char *brn_sweep_folder(const brn_sweep *sweep) { return sweep->folder; }
int brn_sweep_count(const brn_sweep *sweep) { return sweep->count; }
int brn_sweep_left_out(const brn_sweep *sweep) { return sweep->left_out; }
const char *brn_sweep_name(const brn_sweep *sweep, int i) { return sweep->run[i].name; }
const char *brn_sweep_key(const brn_sweep *sweep, int i) { return i >= 0 && i < sweep->swept.count ? sweep->swept.text[i] : NULL; }

brn_status brn_sweep_settings(const brn_sweep *sweep, int i, brn_settings *settings)
{
    if (i < 0 || i >= sweep->count) return brn_fail(BRN_ERR_USAGE, "%s: there is no run %d, the sweep has %d", sweep->folder, i, sweep->count);
    BRN_TRY(brn_grid_settings(sweep, &sweep->run[i].set, settings));
    char out[BRN_PATH_MAX + 300];
    snprintf(out, sizeof out, "%s/%s", sweep->folder, sweep->run[i].name);
    return brn_settings_set(settings, "out", out);
}
