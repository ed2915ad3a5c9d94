/* Grids: axes of values, their combinations, and the names of those. */
#include "sweep/grid.h"
#include "config/config.h"
#include "core/memory.h"
#include "training/trainer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AXES_MOST = 32 };

typedef struct {
    char key[2 * BRN_NAME_MAX];
    brn_texts values;
    char *pairs; /* of data.n beside data.dir: the folder of the pairs; borrowed */
} axis;

typedef struct {
    axis axis[AXES_MOST];
    int axes;
    const char *pairs;
} grid;

bool brn_grid_matters(const char *key) { return strcmp(key, "out") && strcmp(key, "threads") && strcmp(key, "device"); }

/* ---- names and identity ------------------------------------------------------------------------ */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; ++text) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return (hash ^ 0xff) * 0x100000001b3u;
}

/* FNV-1a of every field that matters. */
static brn_status hash_settings(const brn_settings *s, uint64_t *hash)
{
    *hash = 0xcbf29ce484222325u;
    for (int i = 0; i < BRN_FIELD_COUNT; ++i) {
        char text[BRN_FIELD_TEXT_MAX];
        if (!brn_grid_matters(brn_fields[i].key)) continue;
        BRN_TRY(brn_field_get(&brn_fields[i], s, text, sizeof text));
        *hash = hash_text(*hash, text);
    }
    return BRN_OK;
}

/* A value as part of a folder's name: lists of numbers with x, files without folder and ending; whatever else a
 * file name cannot have well becomes '-'. What loses something gets a hash, and so stays different. */
static void name_value(char *to, size_t size, const char *value)
{
    const char *slash = strrchr(value, '/'), *shown = slash ? slash + 1 : value;
    const bool numbers = value[strspn(value, "0123456789, ")] == 0;
    bool lost = slash != NULL || !*value;
    size_t used = 0;
    for (const char *c = shown; *c && used + 12 < size && used < 60; ++c) {
        const bool plain = isalnum((unsigned char)*c) || strchr("._+-", *c);
        if (slash && !strncmp(c, ".safetensors", 12)) break;
        if (*c == ' ' && numbers) continue;
        lost = lost || (!plain && !numbers);
        to[used++] = plain ? *c : numbers ? 'x' : '-';
    }
    lost = lost || (!slash && strlen(shown) >= 60);
    to[used] = 0;
    if (lost) snprintf(to + used, size - used, "~%06x", (unsigned)(hash_text(0xcbf29ce484222325u, value) & 0xffffff));
}

void brn_grid_name(char name[static 256], const brn_texts *set)
{
    enum { LONGEST = 200 };
    size_t used = 0;
    uint64_t hash = 0xcbf29ce484222325u;
    const bool by_n = brn_texts_value(set, "data.n") && brn_texts_value(set, "data.pair"); /* of data.dir: n says it */
    bool cut = false;
    name[0] = 0;
    for (int i = 0; i < set->count; ++i) {
        char value[96];
        const char *text = set->text[i], *equals = strchr(text, '=');
        hash = hash_text(hash, text);
        if (by_n && !strncmp(text, "data.pair=", 10)) continue;
        name_value(value, sizeof value, equals + 1);
        const int length = snprintf(name + used, 256 - used, "%s%.*s=%s", used ? "," : "", (int)(equals - text), text, value);
        if (used + (size_t)length > LONGEST) {
            cut = true;
            break;
        }
        used += (size_t)length;
    }
    if (cut) snprintf(name + used, 256 - used, "~%08x", (unsigned)(hash & 0xffffffff));
    if (!*name) strcpy(name, "run");
}

static bool name_taken(const brn_sweep *sweep, const char *name)
{
    for (int i = 0; i < sweep->count; ++i)
        if (!strcmp(sweep->run[i].name, name)) return true;
    return false;
}

/* ---- runs -------------------------------------------------------------------------------------- */

brn_status brn_grid_settings(const brn_sweep *sweep, const brn_texts *set, brn_settings *settings)
{
    *settings = sweep->base;
    if (brn_texts_value(set, "preset")) { /* starts over, and what is fixed holds over it */
        const char *const preset[] = {brn_texts_value(set, "preset")};
        BRN_TRY(brn_settings_preset(settings, preset[0]));
        for (int i = 0; i < sweep->fixed.count; ++i)
            if (strncmp(sweep->fixed.text[i], "preset=", 7))
                BRN_TRY(brn_settings_assign(settings, 1, (const char *const *)&sweep->fixed.text[i]));
    }
    for (int i = 0; i < set->count; ++i)
        if (strncmp(set->text[i], "preset=", 7)) BRN_TRY(brn_settings_assign(settings, 1, (const char *const *)&set->text[i]));
    *settings->out = 0;
    return BRN_OK;
}

static brn_status make_room(brn_sweep *sweep)
{
    if (sweep->count == BRN_SWEEP_MAX) return brn_fail(BRN_ERR_USAGE, "a sweep has at most %d runs", BRN_SWEEP_MAX);
    return BRN_GROW(&sweep->run, &sweep->capacity, sweep->count, 1, "runs of a sweep");
}

brn_status brn_grid_add(brn_sweep *sweep, const char *name, brn_texts *set)
{
    char own[300];
    brn_settings s;
    uint64_t hash = 0;
    brn_status status = make_room(sweep);
    if (status == BRN_OK) status = brn_grid_settings(sweep, set, &s);
    if (status == BRN_OK) status = hash_settings(&s, &hash);
    snprintf(own, sizeof own, "%s", name);
    if (name_taken(sweep, own)) snprintf(own, sizeof own, "%s~%08x", name, (unsigned)(hash & 0xffffffff));
    brn_sweep_run *run = sweep->run + sweep->count;
    if (status == BRN_OK) status = brn_strdup(&run->name, own);
    if (status != BRN_OK) {
        brn_texts_free(set);
        return status;
    }
    run->set = *set;
    run->hash = hash;
    ++sweep->count;
    *set = (brn_texts){0};
    return BRN_OK;
}

/* Contradictions are told before anything runs, where the dimension is known. */
static brn_status check_run(const brn_settings *settings, const char *name)
{
    brn_settings s = *settings;
    if (s.data.n < 1) return BRN_OK;
    const brn_status status = brn_settings_resolve(&s, s.data.n);
    return status == BRN_OK ? BRN_OK : brn_fail_in(status, "%s", name);
}

/* Without fine-tuning the solver does nothing: of its settings only the first values make a run. */
static bool idle(const grid *g, const int *at, const brn_settings *s)
{
    bool further = false;
    for (int a = 0; a < g->axes; ++a) further = further || (at[a] && !strncmp(g->axis[a].key, "conjugate.", 10));
    return further && !brn_loss_finetunes(s->train.loss);
}

static brn_status combine(const grid *g, const int *at, brn_texts *set)
{
    for (int a = 0; a < g->axes; ++a) {
        const axis *x = &g->axis[a];
        const char *value = x->values.text[at[a]];
        BRN_TRY(brn_texts_print(set, "%s=%s", x->key, value));
        if (x->pairs) BRN_TRY(brn_texts_print(set, "data.pair=%s/hd_%s.safetensors", x->pairs, value));
    }
    return BRN_OK;
}

static brn_status add_combination(brn_sweep *sweep, const grid *g, const int *at)
{
    char name[256];
    brn_settings s;
    brn_texts set = {0};
    brn_status status = combine(g, at, &set);
    if (status == BRN_OK) status = brn_grid_settings(sweep, &set, &s);
    brn_grid_name(name, &set);
    const bool left_out = status == BRN_OK && idle(g, at, &s);
    if (status == BRN_OK && !left_out) status = check_run(&s, name);
    if (status == BRN_OK && !left_out) return brn_grid_add(sweep, name, &set);
    sweep->left_out += left_out;
    brn_texts_free(&set);
    return status;
}

static brn_status add_combinations(brn_sweep *sweep, const grid *g)
{
    int at[AXES_MOST] = {0};
    long long runs = 1;
    for (int a = 0; a < g->axes; ++a)
        if ((runs *= g->axis[a].values.count) > BRN_SWEEP_MAX)
            return brn_fail(BRN_ERR_USAGE, "the grid has more than %d runs", BRN_SWEEP_MAX);
    for (long long i = 0; i < runs; ++i) {
        BRN_TRY(add_combination(sweep, g, at));
        for (int a = g->axes - 1; a >= 0; --a) { /* the last axis turns fastest */
            if (++at[a] < g->axis[a].values.count) break;
            at[a] = 0;
        }
    }
    return BRN_OK;
}

/* ---- axes -------------------------------------------------------------------------------------- */

static brn_status split_key(const char *assignment, char key[static 2 * BRN_NAME_MAX])
{
    const char *equals = strchr(assignment, '=');
    if (!equals) return brn_fail(BRN_ERR_USAGE, "expected key=values, found \"%.80s\"", assignment);
    snprintf(key, 2 * BRN_NAME_MAX, "%.*s", (int)(equals - assignment), assignment);
    return BRN_OK;
}

static bool is_list(const char *key)
{
    const brn_field *field = brn_field_find(key);
    return field && field->type == BRN_FIELD_WIDTHS;
}

/* Is it a setting at all, and was it given before? Leaves room for one more axis. */
static brn_status check_key(const brn_sweep *sweep, const grid *g, const char *key)
{
    const brn_field *field;
    bool twice = brn_texts_value(&sweep->fixed, key) != NULL;
    for (int a = 0; a < g->axes; ++a) twice = twice || !strcmp(g->axis[a].key, key);
    if (twice) return brn_fail(BRN_ERR_USAGE, "%s is given twice; write all its values behind one %s=", key, key);
    if (g->axes == AXES_MOST) return brn_fail(BRN_ERR_USAGE, "a grid has at most %d keys", AXES_MOST);
    return brn_config_find(key, &field);
}

static brn_status take(brn_sweep *sweep, grid *g, const char *assignment)
{
    axis *x = &g->axis[g->axes];
    char key[2 * BRN_NAME_MAX];
    BRN_TRY(split_key(assignment, key));
    if (!strcmp(key, "data.dir")) return BRN_OK;
    BRN_TRY(check_key(sweep, g, key));
    const char *text = assignment + strlen(key) + 1;
    strcpy(x->key, key);
    brn_status status = brn_values_split(&x->values, key, text, is_list(key));
    ++g->axes; /* it is released with the others */
    if (status == BRN_OK && x->values.count > 1 && !brn_grid_matters(key))
        return brn_fail(BRN_ERR_USAGE, "%s: where runs are trained is not swept; give one value", key);
    const bool pairs = g->pairs && !strcmp(key, "data.n");
    if (status != BRN_OK || x->values.count > 1 || pairs) {
        if (pairs) x->pairs = (char *)g->pairs;
        return status;
    }
    status = brn_texts_print(&sweep->fixed, "%s=%s", key, x->values.text[0]);
    brn_texts_free(&x->values);
    --g->axes;
    return status;
}

/* Data named by a grid replace what the start had, be it a pair or two files. */
static brn_status make_base(brn_sweep *sweep, const grid *g, const brn_settings *start)
{
    bool pair = g->pairs || brn_texts_value(&sweep->fixed, "data.pair"), files = brn_texts_value(&sweep->fixed, "data.source") != NULL;
    for (int a = 0; a < g->axes; ++a) {
        pair = pair || !strcmp(g->axis[a].key, "data.pair");
        files = files || !strcmp(g->axis[a].key, "data.source");
    }
    if (start) sweep->base = *start;
    else BRN_TRY(brn_settings_preset(&sweep->base, "hd"));
    if (pair && !files) *sweep->base.data.source = *sweep->base.data.target = 0;
    if (files && !pair) *sweep->base.data.pair = 0;
    BRN_TRY(brn_settings_assign(&sweep->base, sweep->fixed.count, (const char *const *)sweep->fixed.text));
    *sweep->base.out = 0;
    return BRN_OK;
}

/* Every value by itself, so that the line names it and not a run. */
static brn_status check_axes(const brn_sweep *sweep, const grid *g)
{
    for (int a = 0; a < g->axes; ++a)
        for (int v = 0; v < g->axis[a].values.count; ++v) {
            brn_settings scratch = sweep->base;
            BRN_TRY(brn_settings_set(&scratch, g->axis[a].key, g->axis[a].values.text[v]));
        }
    return BRN_OK;
}

static brn_status check_pairs(const grid *g)
{
    bool named = false;
    for (int a = 0; a < g->axes; ++a)
        for (int v = 0; g->axis[a].pairs && v < g->axis[a].values.count; ++v) {
            char path[BRN_PATH_MAX];
            named = true;
            if (snprintf(path, sizeof path, "%s/hd_%s.safetensors", g->pairs, g->axis[a].values.text[v]) >= (int)sizeof path)
                return brn_fail(BRN_ERR_USAGE, "data.dir=%.80s...: the path is too long", g->pairs);
            if (access(path, R_OK)) return brn_fail(BRN_ERR_INPUT, "%s: there is no such pair to read", path);
        }
    if (g->pairs && !named) return brn_fail(BRN_ERR_USAGE, "data.dir=%.200s needs the dimensions too: data.n=2,4", g->pairs);
    return BRN_OK;
}

static brn_status expand(brn_sweep *sweep, grid *g, const brn_settings *start, int count, const char *const *assignments)
{
    for (int i = 0; i < count; ++i)
        if (!strncmp(assignments[i], "data.dir=", 9)) g->pairs = assignments[i] + 9;
    for (int i = 0; i < count; ++i) BRN_TRY(take(sweep, g, assignments[i]));
    if (g->pairs && !*g->pairs) return brn_fail(BRN_ERR_USAGE, "data.dir=: an empty value");
    BRN_TRY(make_base(sweep, g, start));
    BRN_TRY(check_axes(sweep, g));
    BRN_TRY(check_pairs(g));
    for (int a = 0; a < g->axes; ++a) {
        BRN_TRY(brn_texts_print(&sweep->swept, "%s", g->axis[a].key));
        if (g->axis[a].pairs) BRN_TRY(brn_texts_print(&sweep->swept, "data.pair"));
    }
    return add_combinations(sweep, g);
}

brn_status brn_grid_expand(brn_sweep *sweep, const brn_settings *start, int count, const char *const *assignments)
{
    grid *g;
    BRN_TRY(BRN_ALLOC(&g, 1, "grid"));
    const brn_status status = expand(sweep, g, start, count, assignments);
    for (int a = 0; a < g->axes; ++a) brn_texts_free(&g->axis[a].values);
    free(g);
    return status;
}
