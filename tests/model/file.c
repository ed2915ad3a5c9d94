/* Model files: what is written is what is read, and nothing else is. */
#include "fixture.h"
#include "core/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 3, ROWS = 40 };
static float x[ROWS * N], y[ROWS * N], again[ROWS * N];
static const char MODEL[] = "model.safetensors", OTHER[] = "other.safetensors";
static char dir[64], path[128], other[128];
static brn_device *dev;

static void open_all(void)
{
    test_make_dir(dir);
    snprintf(path, sizeof path, "%s/%s", dir, MODEL);
    snprintf(other, sizeof other, "%s/%s", dir, OTHER);
    MUST(brn_device_open(&dev, "host", 1));
    model_normal(x, ROWS * N, 1);
}

static void close_all(void)
{
    brn_device_close(dev);
    test_remove_dir(dir);
}

TestSuite(model_file, .init = open_all, .fini = close_all);

/* What was saved in one place and in the other is the same. */
static void same_files(void) { cr_assert(test_same_files(dir, MODEL, dir, OTHER), "%s and %s differ", path, other); }

/* Save, load, map and save again, for all kinds of networks. */
static void round_trip(brn_settings s, bool standardized)
{
    MUST(brn_settings_resolve(&s, N));
    brn_model *m = model_make(dev, &s, N, standardized), *loaded;
    m->steps = 1234567890123;
    if (standardized) MUST(brn_model_set_starts(m, x, ROWS / 2));
    MUST(brn_model_map(m, x, ROWS, y));
    MUST(brn_model_save(m, path));
    MUST(brn_model_load(&loaded, dev, path));
    MUST(brn_model_map(loaded, x, ROWS, again));
    cr_assert_arr_eq(y, again, sizeof y);
    MUST(brn_model_inverse(m, x, ROWS, y, NULL));
    MUST(brn_model_inverse(loaded, x, ROWS, again, NULL));
    cr_assert_arr_eq(y, again, sizeof y);
    cr_assert_eq(loaded->steps, m->steps);
    cr_assert_eq(loaded->starts, m->starts);
    cr_assert_str_eq(loaded->pair, m->pair);
    MUST(brn_model_save(loaded, other));
    same_files();
    brn_model_free(m);
    brn_model_free(loaded);
}

Test(model_file, a_loaded_model_is_the_saved_one)
{
    brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    round_trip(s, true);
    s.amortizer.kind = BRN_AMORTIZER_GRADIENT;
    s.train.averaging = 0.9;
    round_trip(s, false);
    s = model_settings(N, BRN_POTENTIAL_ICNN);
    round_trip(s, false);
    s.amortizer.kind = BRN_AMORTIZER_GRADIENT;
    round_trip(s, true);
    s.amortizer.kind = BRN_AMORTIZER_NONE;
    s.train.loss = BRN_LOSS_NONE;
    s.train.averaging = 0;
    round_trip(s, true);
}

Test(model_file, threads_and_folder_do_not_change_the_file)
{
    brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *a = model_make(dev, &s, N, true);
    s.threads = 2;
    strcpy(s.out, "/somewhere/else");
    brn_device *two;
    MUST(brn_device_open(&two, "host", 2));
    brn_model *b = model_make(two, &s, N, true);
    MUST(brn_model_save(a, path));
    MUST(brn_model_save(b, other));
    same_files();
    brn_model_free(a);
    brn_model_free(b);
    brn_device_close(two);
}

Test(model_file, another_device_takes_the_model)
{
    const brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *m = model_make(dev, &s, N, true), *wide, *back;
    brn_device *f64;
    brn_st *file;
    MUST(brn_device_open(&f64, "host:f64", 1));
    MUST(brn_model_map(m, x, ROWS, y));
    MUST(brn_model_save(m, path));
    MUST(brn_model_load(&wide, f64, path));
    MUST(brn_model_map(wide, x, ROWS, again));
    for (int i = 0; i < ROWS * N; ++i) cr_assert_float_eq(y[i], again[i], 1e-5);
    MUST(brn_model_save(wide, other));
    MUST(brn_st_open(&file, other));
    cr_assert_eq(brn_st_find(file, "potential.layers.0.weight")->dtype, BRN_ST_F64);
    brn_st_close(file);
    MUST(brn_model_load(&back, dev, other)); /* F32 -> F64 -> F32 loses nothing */
    MUST(brn_model_save(back, other));
    same_files();
    brn_model_free(m), brn_model_free(wide), brn_model_free(back);
    brn_device_close(f64);
}

Test(model_file, extras_and_pairs_come_back)
{
    const brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *m = model_make(dev, &s, N, false);
    brn_queue *q = brn_device_queue(dev, 0);
    brn_extra extra[2] = {{.name = "optimizer.m"}, {.name = "optimizer.order"}};
    MUST(brn_buf_create(&extra[0].buf, dev, BRN_REAL, 5, "test"));
    MUST(brn_buf_create(&extra[1].buf, dev, BRN_INT, 2, "test"));
    float reals[5] = {1, -2, 3.5f, 0, 1e-30f}, zeros[5] = {0};
    int ints[2] = {7, -9}, none[2] = {0};
    MUST(brn_write_f32(q, (brn_view){extra[0].buf, 0}, reals, 5));
    MUST(brn_write_int(q, (brn_view){extra[1].buf, 0}, ints, 2));
    MUST(brn_model_write(m, path, extra, 2, &(brn_st_pair){"train.step", "12"}, 1));
    MUST(brn_write_f32(q, (brn_view){extra[0].buf, 0}, zeros, 5));
    MUST(brn_write_int(q, (brn_view){extra[1].buf, 0}, none, 2));
    brn_st *file;
    MUST(brn_st_open(&file, path));
    cr_assert_str_eq(brn_st_metadata(file, "train.step"), "12");
    MUST(brn_model_read(m, file, path, extra, 2));
    MUST(brn_read_f32(q, (brn_view){extra[0].buf, 0}, zeros, 5));
    MUST(brn_read_int(q, (brn_view){extra[1].buf, 0}, none, 2));
    cr_assert_arr_eq(reals, zeros, sizeof reals);
    cr_assert_arr_eq(ints, none, sizeof ints);
    strcpy(extra[1].name, "optimizer.other");
    MUST_FAIL(brn_model_read(m, file, path, extra, 2), BRN_ERR_INPUT, "optimizer.other");
    strcpy(extra[1].name, "optimizer.m");
    MUST_FAIL(brn_model_read(m, file, path, extra, 2), BRN_ERR_INPUT, "expected 2 of I32");
    brn_st_close(file);
    brn_model *alone;
    MUST(brn_model_load(&alone, dev, path)); /* a checkpoint is a model */
    brn_model_free(alone), brn_model_free(m);
    brn_buf_free(extra[0].buf), brn_buf_free(extra[1].buf);
}

Test(model_file, a_diverged_model_leaves_the_former_file)
{
    const brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *m = model_make(dev, &s, N, false);
    MUST(brn_model_save(m, path));
    MUST(brn_model_save(m, other));
    const brn_tensor *t = brn_shape_find(&m->f.part[0].shape, "layers.1.bias");
    MUST(brn_write_f32(brn_device_queue(dev, 0), (brn_view){m->f.part[0].theta, t->at + 2}, (float[]){NAN}, 1));
    MUST_FAIL(brn_model_save(m, path), BRN_ERR_DIVERGED, "potential.layers.1.bias");
    same_files();
    brn_model_free(m);
}

Test(model_file, a_run_folder_gives_its_best_else_its_latest)
{
    char name[160];
    const brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *m = model_make(dev, &s, N, false), *loaded;
    MUST_FAIL(brn_model_load(&loaded, dev, dir), BRN_ERR_INPUT, "latest.safetensors");
    cr_assert_null(loaded);
    m->steps = 20;
    snprintf(name, sizeof name, "%s/latest.safetensors", dir);
    MUST(brn_model_save(m, name));
    MUST(brn_model_load(&loaded, dev, dir));
    cr_assert_eq(loaded->steps, 20);
    brn_model_free(loaded);
    m->steps = 10;
    snprintf(name, sizeof name, "%s/best.safetensors", dir);
    MUST(brn_model_save(m, name));
    MUST(brn_model_load(&loaded, dev, dir));
    cr_assert_eq(loaded->steps, 10);
    brn_model_free(loaded);
    MUST_FAIL(brn_model_load(&loaded, dev, "/nowhere/at/all"), BRN_ERR_INPUT, "/nowhere/at/all");
    brn_model_free(m);
}

/* ---- bad files --------------------------------------------------------------------------------- */

/* Write the saved model again with one change: a text of the metadata, or one array. */
typedef struct {
    const char *key, *value;     /* metadata: new text, NULL leaves it out */
    const char *tensor, *rename; /* array: new name, NULL leaves it out */
    bool flat, poison;           /* lose its second size; one number becomes infinite */
} edit;

static void write_edited(const edit *e)
{
    brn_st *file;
    brn_st_tensor tensors[64];
    brn_st_pair pairs[32];
    float poisoned[4096];
    size_t count, all, kept = 0, texts = 0;
    MUST(brn_st_open(&file, path));
    const brn_st_tensor *t = brn_st_tensors(file, &count);
    for (size_t i = 0; i < count; ++i) {
        const bool hit = e->tensor && !strcmp(t[i].name, e->tensor);
        if (hit && !e->rename && !e->flat && !e->poison) continue;
        tensors[kept] = t[i];
        if (hit && e->rename) tensors[kept].name = e->rename;
        if (hit && e->flat) tensors[kept].rank = 1, tensors[kept].shape[0] = t[i].count;
        if (hit && e->poison) {
            memcpy(poisoned, t[i].data, t[i].bytes);
            poisoned[1] = INFINITY;
            tensors[kept].data = poisoned;
        }
        ++kept;
    }
    const brn_st_pair *p = brn_st_metadata_all(file, &all);
    for (size_t i = 0; i < all; ++i) {
        const bool hit = e->key && !strcmp(p[i].key, e->key);
        if (hit && !e->value) continue;
        pairs[texts++] = (brn_st_pair){p[i].key, hit ? e->value : p[i].value};
    }
    MUST(brn_st_write(other, tensors, kept, pairs, texts));
    brn_st_close(file);
}

static void refused(const edit *e, const char *part)
{
    brn_model *m;
    write_edited(e);
    MUST_FAIL(brn_model_load(&m, dev, other), BRN_ERR_INPUT, part);
    cr_assert(strstr(brn_last_error(), other), "\"%s\" does not name the file", brn_last_error());
    cr_assert(!strchr(brn_last_error(), '\n'));
    cr_assert_null(m);
}

/* Like the saved settings but for one line. */
static char *settings_with(const char *from, const char *to)
{
    brn_st *file;
    MUST(brn_st_open(&file, path));
    const char *text = brn_st_metadata(file, "settings"), *at = strstr(text, from);
    cr_assert(at, "settings lack \"%s\"", from);
    char *edited = malloc(strlen(text) + strlen(to) + 1);
    sprintf(edited, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    brn_st_close(file);
    return edited;
}

static void refused_settings(const char *from, const char *to, const char *part)
{
    char *text = settings_with(from, to);
    refused(&(edit){.key = "settings", .value = text}, part);
    free(text);
}

static void save_model(void)
{
    const brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *m = model_make(dev, &s, N, true);
    MUST(brn_model_set_starts(m, x, ROWS));
    MUST(brn_model_save(m, path));
    brn_model_free(m);
}

Test(model_file, edited_metadata_is_refused)
{
    save_model();
    refused(&(edit){.key = "format"}, "format");
    refused(&(edit){.key = "format", .value = "other"}, "'brenier-model'");
    refused(&(edit){.key = "format_version"}, "format_version");
    refused(&(edit){.key = "format_version", .value = "2"}, "this build reads 1");
    refused(&(edit){.key = "n"}, "no 'n'");
    refused(&(edit){.key = "n", .value = "-3"}, "n is '-3'");
    refused(&(edit){.key = "n", .value = "0"}, "dimension 0");
    refused(&(edit){.key = "n", .value = "3x"}, "n is '3x'");
    refused(&(edit){.key = "n", .value = "99999999999999999999999"}, "whole number");
    refused(&(edit){.key = "n", .value = "4"}, "data.n=3");
    refused(&(edit){.key = "steps", .value = "many"}, "steps is 'many'");
    refused(&(edit){.key = "steps"}, "no 'steps'");
    refused(&(edit){.key = "settings"}, "no 'settings'");
    refused(&(edit){.key = "settings", .value = "potential: [1"}, "settings:");
    refused(&(edit){.key = "settings", .value = "nosuch: 1"}, "nosuch");
    write_edited(&(edit){.key = "nothing"});
    brn_model *m;
    MUST(brn_model_load(&m, dev, other)); /* the edits are what is refused */
    brn_model_free(m);
}

Test(model_file, absurd_settings_are_refused_before_their_memory)
{
    save_model();
    refused_settings("hidden: [24,16]", "hidden: [65536,65536,65536,65536,65536,65536,65536,65536]", "its settings ask for");
    refused_settings("hidden: [24,16]", "hidden: [24,17]", "its settings ask for");
    refused_settings("hidden: [24,16]", "hidden: [24,-1]", "potential.hidden");
    refused_settings("kind: mlp", "kind: icnn", "potential");
    refused_settings("kind: residual", "kind: gradient", "amortizer.");
}

Test(model_file, edited_arrays_are_refused)
{
    save_model();
    refused(&(edit){.tensor = "potential.layers.1.weight"}, "no tensor 'potential.layers.1.weight'");
    refused(&(edit){.tensor = "potential.log_alpha", .rename = "potential.alpha"}, "potential.log_alpha");
    refused(&(edit){.tensor = "averaged.layers.0.weight"}, "averaged.layers.0.weight");
    refused(&(edit){.tensor = "conjugate.starts", .flat = true}, "'conjugate.starts': expected 1 to 1024 rows of 3");
    refused(&(edit){.tensor = "conjugate.starts", .poison = true}, "finite");
    refused(&(edit){.tensor = "amortizer.layers.0.bias"}, "amortizer.layers.0.bias");
    refused(&(edit){.tensor = "potential.layers.1.weight", .flat = true}, "24 x 16");
    refused(&(edit){.tensor = "potential.layers.1.weight", .poison = true}, "finite");
    refused(&(edit){.tensor = "standardization.target"}, "standardization.target");
    /* a part of it is no model without it: its maps would be of other coordinates */
    refused(&(edit){.tensor = "standardization.scale"}, "no tensor 'standardization.scale'");
}

Test(model_file, truncated_files_are_refused)
{
    save_model();
    size_t size;
    char *bytes = test_read_file(dir, MODEL, &size);
    for (size_t cut = 0; cut < size; cut += 1 + size / 97) {
        brn_model *m;
        test_write_file(dir, OTHER, bytes, cut);
        MUST_FAIL(brn_model_load(&m, dev, other), BRN_ERR_INPUT, other);
    }
    free(bytes);
}

Test(model_file, a_failed_allocation_frees_what_was_made)
{
    save_model();
    for (long at = 1; at < 400; ++at) {
        brn_model *m;
        brn_alloc_fail_at(at);
        const brn_status status = brn_model_load(&m, dev, path);
        brn_alloc_fail_at(0);
        if (status == BRN_OK) {
            cr_assert_gt(at, 10);
            brn_model_free(m);
            return;
        }
        cr_assert_eq(status, BRN_ERR_MEMORY, "%s", brn_last_error());
        cr_assert_null(m);
    }
    cr_assert_fail("a load makes more than 400 allocations");
}

Test(model_file, description_is_json)
{
    brn_settings s = model_settings(N, BRN_POTENTIAL_MLP);
    brn_model *m = model_make(dev, &s, N, true);
    char *text;
    m->steps = 42;
    MUST(brn_model_describe(m, &text));
    cJSON *json = cJSON_Parse(text);
    cr_assert(json, "%s", text);
    const cJSON *potential = cJSON_GetObjectItem(json, "potential"), *std = cJSON_GetObjectItem(json, "standardization");
    cr_assert_eq(cJSON_GetObjectItem(json, "n")->valuedouble, N);
    cr_assert_eq(cJSON_GetObjectItem(json, "steps")->valuedouble, 42);
    cr_assert_str_eq(cJSON_GetObjectItem(potential, "kind")->valuestring, "mlp");
    cr_assert_str_eq(cJSON_GetObjectItem(potential, "hidden")->valuestring, "24,16");
    cr_assert_eq(cJSON_GetObjectItem(potential, "parameters")->valuedouble, 3 * 24 + 24 + 24 * 16 + 16 + 16 + 1 + 1);
    cr_assert_eq(cJSON_GetObjectItem(std, "scale")->valuedouble, 2.5);
    cJSON_Delete(json);
    free(text);
    brn_model_free(m);
}
