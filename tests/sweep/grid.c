/* Grids: values, names, manifests, and what is refused. */
#include "support/support.h"
#include "core/memory.h"
#include "io/atomic.h"
#include "sweep/grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];
static void make(void) { test_make_dir(dir); }
static void drop(void) { test_remove_dir(dir); }
TestSuite(sweep, .init = make, .fini = drop);

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && !fclose(file));
}

/* ---- values ------------------------------------------------------------------------------------ */

/* The values in one text, separated by '|'. */
static const char *split(const char *text, bool list)
{
    static char joined[1024];
    brn_texts values = {0};
    MUST(brn_values_split(&values, "key", text, list));
    *joined = 0;
    for (int i = 0; i < values.count; ++i) strcat(strcat(joined, i ? "|" : ""), values.text[i]);
    brn_texts_free(&values);
    return joined;
}

Test(values, lists_ranges_brackets_and_quotes)
{
    cr_assert_str_eq(split("mlp,icnn", false), "mlp|icnn");
    cr_assert_str_eq(split("0..3", false), "0|1|2|3");
    cr_assert_str_eq(split("-1..1,7", false), "-1|0|1|7");
    cr_assert_str_eq(split("../a,x..y,1e-3", false), "../a|x..y|1e-3");
    cr_assert_str_eq(split("[64,64],[128,128]", true), "64,64|128,128");
    cr_assert_str_eq(split("64,64", true), "64,64");
    cr_assert_str_eq(split("\"a,b.npy\",c.npy", false), "a,b.npy|c.npy");
    cr_assert_str_eq(split("\"\"", false), "");
}

Test(values, what_cannot_be)
{
    static const struct {
        const char *text, *line;
    } bad[] = {{"", "empty value"}, {"1,,2", "empty value"}, {"1,", "empty value"}, {"4..0", "runs backwards; write 0..4"}, {"[1,2", "not closed"},
               {"\"a", "not closed"}, {"[1]2", "not closed"}, {"1,1", "given twice"}, {"0..3,2", "given twice"}, {"0..100000", "at most"},
               {"-9223372036854775808..9223372036854775807", "at most"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        brn_texts values = {0};
        MUST_FAIL(brn_values_split(&values, "key", bad[i].text, false), BRN_ERR_USAGE, bad[i].line);
        brn_texts_free(&values);
    }
}

/* ---- grids ------------------------------------------------------------------------------------- */

#define OPEN(sweep, ...)                                                                                     \
    brn_sweep_open(sweep, dir, NULL, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *const[]){__VA_ARGS__})

static const char *value_of(const brn_sweep *sweep, int i, const char *key)
{
    static char text[BRN_PATH_MAX];
    brn_settings s;
    MUST(brn_sweep_settings(sweep, i, &s));
    MUST(brn_settings_get(&s, key, text, sizeof text));
    return text;
}

Test(sweep, every_combination_the_last_key_fastest)
{
    brn_sweep *sweep;
    char out[200];
    MUST(OPEN(&sweep, "preset=2d", "data.pair=gauss8", "potential.kind=mlp,icnn", "seed=0..2"));
    cr_assert_eq(brn_sweep_count(sweep), 6);
    cr_assert_str_eq(brn_sweep_name(sweep, 1), "potential.kind=mlp,seed=1");
    cr_assert_str_eq(brn_sweep_name(sweep, 3), "potential.kind=icnn,seed=0");
    cr_assert_str_eq(value_of(sweep, 3, "potential.kind"), "icnn");
    cr_assert_str_eq(value_of(sweep, 5, "seed"), "2");
    cr_assert_str_eq(value_of(sweep, 5, "data.pair"), "gauss8");
    snprintf(out, sizeof out, "%s/potential.kind=icnn,seed=2", dir);
    cr_assert_str_eq(value_of(sweep, 5, "out"), out);
    cr_assert_str_eq(brn_sweep_key(sweep, 0), "potential.kind");
    cr_assert_null(brn_sweep_key(sweep, 2));
    brn_sweep_free(sweep);
}

Test(sweep, presets_keep_what_is_fixed)
{
    brn_sweep *sweep;
    MUST(OPEN(&sweep, "preset=hd,hd-paper", "train.steps=77", "data.pair=gaussian"));
    cr_assert_str_eq(value_of(sweep, 0, "conjugate.gtol"), "auto");
    cr_assert_str_eq(value_of(sweep, 1, "conjugate.gtol"), "0.1");
    cr_assert_str_eq(value_of(sweep, 1, "train.steps"), "77");
    cr_assert_str_eq(value_of(sweep, 1, "data.pair"), "gaussian");
    brn_sweep_free(sweep);
}

Test(sweep, pairs_of_a_folder)
{
    brn_sweep *sweep;
    char grid[100];
    write_file("hd_2.safetensors", "");
    write_file("hd_4.safetensors", "");
    snprintf(grid, sizeof grid, "data.dir=%s", dir);
    MUST(OPEN(&sweep, grid, "data.n=2,4"));
    cr_assert_eq(brn_sweep_count(sweep), 2);
    cr_assert_str_eq(brn_sweep_name(sweep, 1), "data.n=4");
    cr_assert(strstr(value_of(sweep, 1, "data.pair"), "/hd_4.safetensors"));
    brn_sweep_free(sweep);
    MUST_FAIL(OPEN(&sweep, grid, "data.n=2,3"), BRN_ERR_INPUT, "hd_3.safetensors");
    MUST_FAIL(OPEN(&sweep, grid, "seed=2,3"), BRN_ERR_USAGE, "data.n=");
}

Test(sweep, names_are_folders_and_unique)
{
    brn_sweep *sweep;
    MUST(OPEN(&sweep, "data.pair=a/hd_2.safetensors,b/hd_2.safetensors,gauss8", "potential.hidden=[64,64],[128]"));
    cr_assert_eq(brn_sweep_count(sweep), 6);
    for (int i = 0; i < 6; ++i) {
        cr_assert_null(strpbrk(brn_sweep_name(sweep, i), "/ \"[]"), "%s", brn_sweep_name(sweep, i));
        for (int k = 0; k < i; ++k) cr_assert_str_neq(brn_sweep_name(sweep, i), brn_sweep_name(sweep, k));
    }
    cr_assert(strstr(brn_sweep_name(sweep, 0), "potential.hidden=64x64"));
    cr_assert_str_eq(brn_sweep_name(sweep, 4), "data.pair=gauss8,potential.hidden=64x64");
    brn_sweep_free(sweep);
}

Test(sweep, an_idle_solver_makes_no_runs)
{
    brn_sweep *sweep;
    MUST(OPEN(&sweep, "train.loss=cycle,regression,objective", "conjugate.solver=lbfgs,adam"));
    cr_assert_eq(brn_sweep_count(sweep), 4);
    cr_assert_eq(brn_sweep_left_out(sweep), 2);
    brn_sweep_free(sweep);
}

Test(sweep, refused_with_a_reason)
{
    brn_sweep *sweep;
    MUST_FAIL(OPEN(&sweep, "trian.steps=1,2"), BRN_ERR_USAGE, "did you mean \"train.steps\"");
    MUST_FAIL(OPEN(&sweep, "train.steps=1,x"), BRN_ERR_USAGE, "train.steps");
    MUST_FAIL(OPEN(&sweep, "seed=1", "seed=2"), BRN_ERR_USAGE, "seed is given twice");
    MUST_FAIL(OPEN(&sweep, "seed=0..99", "eval.seed=0..99", "train.batch=1,2"), BRN_ERR_USAGE, "more than 10000");
    MUST_FAIL(OPEN(&sweep, "threads=1,2"), BRN_ERR_USAGE, "threads");
    MUST_FAIL(OPEN(&sweep, "data.n=2", "potential.kind=icnn", "potential.activation=elu,silu"), BRN_ERR_USAGE, "potential.activation=silu: ");
    MUST_FAIL(brn_sweep_open(&sweep, "", NULL, 0, NULL), BRN_ERR_USAGE, "out=DIR");
    MUST_FAIL(brn_sweep_open(&sweep, dir, NULL, 0, NULL), BRN_ERR_INPUT, "no sweep to continue");
    cr_assert_null(sweep);
}

/* ---- manifests --------------------------------------------------------------------------------- */

Test(sweep, a_manifest_gives_back_the_same_runs)
{
    brn_sweep *made, *read;
    MUST(OPEN(&made, "preset=hd,2d", "data.pair=gauss8", "seed=1,2", "train.steps=9", "device=host:f64"));
    MUST(brn_sweep_save(made));
    cr_assert(brn_sweep_is(dir));
    MUST(brn_sweep_open(&read, dir, NULL, 0, NULL));
    cr_assert_eq(brn_sweep_count(read), 4);
    for (int i = 0; i < 4; ++i) {
        brn_settings a, b;
        char *x, *y;
        MUST(brn_sweep_settings(made, i, &a));
        MUST(brn_sweep_settings(read, i, &b));
        MUST(brn_settings_text(&a, &x));
        MUST(brn_settings_text(&b, &y));
        cr_assert_str_eq(x, y);
        cr_assert_str_eq(brn_sweep_name(made, i), brn_sweep_name(read, i));
        free(x), free(y);
    }
    brn_sweep_free(made);
    brn_sweep_free(read);
}

Test(sweep, another_grid_adds_runs)
{
    brn_sweep *sweep;
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=0,1"));
    MUST(brn_sweep_save(sweep));
    brn_sweep_free(sweep);
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=1..3")); /* more values */
    cr_assert_eq(brn_sweep_count(sweep), 4);
    cr_assert_str_eq(brn_sweep_name(sweep, 3), "seed=3");
    MUST(brn_sweep_save(sweep));
    brn_sweep_free(sweep);
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=0,1", "potential.kind=mlp,icnn")); /* another key: mlp is there */
    cr_assert_eq(brn_sweep_count(sweep), 6);
    cr_assert_str_eq(brn_sweep_name(sweep, 4), "seed=0,potential.kind=icnn");
    MUST(brn_sweep_save(sweep));
    brn_sweep_free(sweep);
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=7")); /* one value of a swept key */
    cr_assert_eq(brn_sweep_count(sweep), 7);
    cr_assert_str_eq(value_of(sweep, 6, "seed"), "7");
    cr_assert_str_eq(value_of(sweep, 6, "potential.kind"), "mlp");
    brn_sweep_free(sweep);
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=0", "threads=3", "device=host:f64")); /* only elsewhere */
    cr_assert_eq(brn_sweep_count(sweep), 6);
    brn_sweep_free(sweep);
}

Test(sweep, another_base_is_refused)
{
    brn_sweep *sweep;
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=0,1", "train.steps=100"));
    MUST(brn_sweep_save(sweep));
    brn_sweep_free(sweep);
    MUST_FAIL(OPEN(&sweep, "data.pair=gauss8", "seed=0,1", "train.steps=200"), BRN_ERR_USAGE, "train.steps is 100 there, 200 here");
    MUST_FAIL(OPEN(&sweep, "data.pair=gauss8", "seed=0,1"), BRN_ERR_USAGE, "train.steps is 100 there, auto here");
    MUST_FAIL(OPEN(&sweep, "data.pair=gauss8", "seed=0,1", "preset=2d,hd"), BRN_ERR_USAGE, "train.steps is 100 there, not given here");
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=0,1", "train.steps=100,200"));
    cr_assert_eq(brn_sweep_count(sweep), 4);
    brn_sweep_free(sweep);
}

Test(sweep, damaged_manifests)
{
    static const struct {
        const char *text, *line;
    } bad[] = {
        {"", "not a JSON object"},
        {"{\"version\": 1, \"base\":\n {", "sweep.json:2: not a JSON object"},
        {"[]", "not a JSON object"},
        {"{}", "\"version\""},
        {"{\"version\": 2}", "version 2"},
        {"{\"version\": 1}", "\"base\""},
        {"{\"version\": 1, \"base\": {\"preset\": \"hd\", \"sede\": \"1\"}}", "did you mean \"seed\""},
        {"{\"version\": 1, \"base\": {\"preset\": \"hd\"}, \"fixed\": 3}", "\"fixed\""},
        {"{\"version\": 1, \"base\": {\"preset\": \"hd\"}, \"fixed\": [\"seed\"]}", "key=value"},
        {"{\"version\": 1, \"base\": {\"preset\": \"hd\"}, \"fixed\": [], \"swept\": [], \"runs\": [{}]}", "\"name\""},
        {"{\"version\": 1, \"base\": {\"preset\": \"hd\"}, \"fixed\": [], \"swept\": [], \"runs\": [{\"name\": \"../x\", \"set\": []}]}", "no folder"},
        {"{\"version\": 1, \"base\": {\"preset\": \"hd\"}, \"fixed\": [], \"swept\": [], \"runs\": [{\"name\": \"x\", \"set\": [\"seed=x\"]}]}", "run x"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        brn_sweep *sweep;
        write_file("sweep.json", bad[i].text);
        MUST_FAIL(brn_sweep_open(&sweep, dir, NULL, 0, NULL), BRN_ERR_INPUT, bad[i].line);
        cr_assert(strstr(brn_last_error(), "sweep.json"), "%s", brn_last_error());
    }
}

/* ---- no memory, no disk ------------------------------------------------------------------------ */

Test(sweep, every_allocation_that_fails_is_told)
{
    brn_sweep *sweep;
    brn_status status = BRN_ERR_MEMORY;
    int n = 0;
    MUST(OPEN(&sweep, "data.pair=gauss8", "seed=0,1"));
    MUST(brn_sweep_save(sweep));
    while (status != BRN_OK) {
        brn_sweep_free(sweep);
        brn_alloc_fail_at(++n);
        status = OPEN(&sweep, "data.pair=gauss8", "seed=0..3", "potential.hidden=[auto],[8,8]");
        brn_alloc_fail_at(0);
        if (status == BRN_OK) break;
        cr_assert_eq(status, BRN_ERR_MEMORY, "allocation %d: %s", n, brn_last_error());
        cr_assert_null(sweep);
    }
    cr_assert_gt(n, 20);
    for (int call = 0; call < BRN_IO_CALLS; ++call) { /* the former manifest stays */
        brn_sweep *held;
        brn_io_fail_at((brn_io_call)call, 1);
        MUST_FAIL(brn_sweep_save(sweep), BRN_ERR_DISK, "sweep.json");
        brn_io_fail_at((brn_io_call)call, 0);
        MUST(brn_sweep_open(&held, dir, NULL, 0, NULL));
        cr_assert_eq(brn_sweep_count(held), 2);
        brn_sweep_free(held);
    }
    brn_sweep_free(sweep);
}
