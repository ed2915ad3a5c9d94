/* Tables, curves and run folders, from folders written by hand. */
#include "support/support.h"
#include "core/memory.h"
#include "sweep/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static void make(void) { test_make_dir(dir); }
static void drop(void)
{
    char command[128]; /* the support's removal knows no folders within folders */
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}
TestSuite(results, .init = make, .fini = drop);

static void write_text(const char *run, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s/%s", dir, run, name);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && !fclose(file), "%s", path);
}

static const char HEADER[] = "step,seconds,loss,dual,l2_uvp,evaluations_per_row,iterations_per_row,failed_rows,evaluations\n";

/* A run folder of resolved settings; result.json as given. */
static void add_run(const char *name, const char *result, int count, const char *const *assignments)
{
    char path[200];
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_settings_assign(&s, count, assignments));
    MUST(brn_settings_resolve(&s, s.data.n));
    snprintf(path, sizeof path, "%s/%s", dir, name);
    cr_assert_eq(mkdir(path, 0777), 0);
    strcat(path, "/config.yaml");
    MUST(brn_settings_save(&s, path));
    if (result) write_text(name, "result.json", result);
}
#define RUN(name, result, ...) add_run(name, result, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *const[]){__VA_ARGS__})

static const char *finished(double forward)
{
    static char text[300];
    snprintf(text, sizeof text,
             "{\"state\": \"finished\", \"step\": 60, \"steps\": 60, \"seconds\": 2, \"evaluations\": 61440, \"evaluation\": "
             "{\"l2_uvp_forward\": %.17g, \"cosine_forward\": 0.5, \"l2_uvp_inverse\": null}}",
             forward);
    return text;
}

static brn_results *open_all(void)
{
    brn_results *r;
    MUST(brn_results_open(&r, 1, (const char *const[]){dir}));
    return r;
}

#define N2 "data.pair=x/hd_2.safetensors", "data.n=2", "train.steps=60", "train.batch=1024"
#define N4 "data.pair=x/hd_4.safetensors", "data.n=4", "train.steps=60"

/* ---- tables ------------------------------------------------------------------------------------ */

Test(results, mean_and_deviation_over_seeds_beside_the_published)
{
    brn_table_layout t;
    RUN("a", finished(.02), N2, "seed=0");
    RUN("b", finished(.04), N2, "seed=1");
    RUN("c", finished(.03), N2, "seed=2");
    RUN("d", finished(.5), N4);
    RUN("e", finished(.2), N2, "potential.kind=icnn");
    brn_results *r = open_all();
    MUST(brn_table_layout_make(&t, r, BRN_METRIC_FORWARD));
    cr_assert_eq(t.rows, 2);
    cr_assert_eq(t.columns, 2);
    cr_assert_not(t.extra);
    cr_assert_str_eq(t.row[0].method.potential, "ICNN"); /* in the published order */
    cr_assert_str_eq(t.row[1].method.solver, "L-BFGS");
    const brn_table_cell *mlp = brn_table_at(&t, 1, 0), *mlp4 = brn_table_at(&t, 1, 1), *icnn = brn_table_at(&t, 0, 0);
    cr_assert_eq(mlp->counted, 3);
    cr_assert_float_eq(mlp->mean, .03, 1e-12);
    cr_assert_float_eq(mlp->deviation, .01, 1e-12);
    cr_assert_eq(mlp->published, .03);
    cr_assert(isnan(mlp4->deviation));
    cr_assert_eq(brn_table_better(mlp4), 1);
    cr_assert_eq(brn_table_better(icnn), -1);
    cr_assert_eq(brn_table_at(&t, 0, 1)->runs, 0);
    brn_table_layout_free(&t);

    char *text;
    MUST(brn_results_table(r, BRN_METRIC_FORWARD, BRN_TABLE_MARKDOWN, &text));
    cr_assert(strstr(text, "| MLP | regression | L-BFGS | 0.0300 ± 0.010 / 0.03 | 0.500 / **0.22** |"), "%s", text);
    cr_assert(strstr(text, "| ICNN | regression | L-BFGS | **0.200** / 0.26 |  |"), "%s", text);
    free(text);
    MUST(brn_results_table(r, BRN_METRIC_FORWARD, BRN_TABLE_LATEX, &text));
    cr_assert(strstr(text, "MLP & regression & L-BFGS & 0.0300 $\\pm$ 0.010 / {\\footnotesize 0.03} &"), "%s", text);
    free(text);
    MUST(brn_results_table(r, BRN_METRIC_FORWARD, BRN_TABLE_CSV, &text));
    cr_assert(strstr(text, "\nICNN,regression,L-BFGS,,hd_2,2,forward,0.2,,1,1,0,0.26,ours\n"), "%s", text);
    free(text);
    MUST(brn_results_table(r, BRN_METRIC_EVALUATIONS, BRN_TABLE_CSV, &text));
    cr_assert(strstr(text, "\nICNN,regression,L-BFGS,,hd_2,2,evaluations,1,,1,1,0,,\n"), "%s", text);
    free(text);
    brn_results_free(r);
}

Test(results, what_did_not_end_is_shown_and_named)
{
    char *text, line[500];
    RUN("a", finished(.02), N2, "seed=0");
    RUN("b", "{\"state\": \"diverged\", \"step\": 7, \"steps\": 60, \"seconds\": 2, \"evaluations\": 1, \"reason\": \"loss 2e5\"}", N2, "seed=1");
    RUN("c", "{\"state\": \"stopped\", \"step\": 20, \"steps\": 60, \"seconds\": 2, \"evaluations\": 1}", N2, "potential.kind=icnn");
    RUN("d", finished(345), N2, "train.loss=cycle");
    RUN("e", NULL, N2, "train.loss=objective");
    brn_results *r = open_all();
    MUST(brn_results_table(r, BRN_METRIC_FORWARD, BRN_TABLE_MARKDOWN, &text));
    cr_assert(strstr(text, "| MLP | regression | L-BFGS | **0.0200** (1 of 2, 1 diverged) / 0.03 |"), "%s", text);
    cr_assert(strstr(text, "| ICNN | regression | L-BFGS | at 20 of 60 / 0.26 |"), "%s", text);
    cr_assert(strstr(text, "| MLP | cycle | none | >100 / **0.05** |"), "%s", text);
    cr_assert(strstr(text, "/b: diverged at step 7 of 60: loss 2e5\n"), "%s", text);
    cr_assert(strstr(text, "/c: stopped at step 20 of 60\n"), "%s", text);
    free(text);
    for (int i = 0, left = 0; i < brn_results_count(r); ++i) {
        left += !brn_results_counts(r, i);
        brn_results_standing(r, i, line, sizeof line);
        if (i == brn_results_count(r) - 1) cr_assert_eq(left, 3);
    }
    brn_results_free(r);
}

/* What a preset chooses for each dimension makes no rows; what a user changed does. */
Test(results, other_settings_are_not_seeds)
{
    char *text;
    RUN("a", finished(.02), N2, "seed=0", "train.batch=256");
    RUN("b", finished(.04), N2, "seed=1", "train.batch=256");
    RUN("c", finished(.1), N2, "seed=0", "eval.points=99", "device=host:f64", "threads=7");
    RUN("d", finished(.3), N4, "train.batch=256");
    RUN("e", finished(.2), N4, "data.sampling=lattice"); /* as the preset has it there */
    RUN("f", finished(.5), N4, "data.sampling=iid", "train.steps=60");
    brn_results *r = open_all();
    MUST(brn_results_table(r, BRN_METRIC_FORWARD, BRN_TABLE_MARKDOWN, &text));
    cr_assert(strstr(text, "| MLP | regression | L-BFGS | train.batch=256 | 0.0300 ± 0.014 / 0.03 | 0.300 / **0.22** |"), "%s", text);
    cr_assert(strstr(text, "| MLP | regression | L-BFGS | preset=hd | 0.100 / **0.03** | **0.200** / 0.22 |"), "%s", text);
    cr_assert(strstr(text, "| MLP | regression | L-BFGS | data.sampling=iid |  | 0.500 / **0.22** |"), "%s", text);
    free(text);
    brn_results_free(r);
}

/* An optimizer brings its own rates and steps: they need no words. */
Test(results, what_follows_from_a_choice_goes_without_saying)
{
    char *text;
    RUN("a", finished(.02), N2, "seed=0");
    RUN("b", finished(.03), N2, "train.potential.kind=adamw");
    RUN("c", finished(.04), N2, "train.potential.kind=adamw", "train.potential.lr=1e-4");
    brn_results *r = open_all();
    MUST(brn_results_table(r, BRN_METRIC_FORWARD, BRN_TABLE_MARKDOWN, &text));
    cr_assert(strstr(text, "| L-BFGS | preset=hd | **0.0200** / 0.03 |"), "%s", text);
    cr_assert(strstr(text, "| L-BFGS | train.potential.kind=adamw | 0.0300 / 0.03 |"), "%s", text);
    cr_assert(strstr(text, "| L-BFGS | train.potential.kind=adamw, train.potential.lr=0.0001 |"), "%s", text);
    free(text);
    brn_results_free(r);
}

Test(results, published_values)
{
    brn_settings s;
    char *text;
    MUST(brn_settings_preset(&s, "hd-paper"));
    cr_assert_eq(brn_published_uvp(&s, 16), .77);
    cr_assert(isnan(brn_published_uvp(&s, 3)));
    MUST(brn_settings_set(&s, "train.loss", "cycle_finetune"));
    cr_assert(isinf(brn_published_uvp(&s, 16)));
    MUST(brn_settings_set(&s, "conjugate.solver", "adam"));
    cr_assert(isnan(brn_published_uvp(&s, 16)));
    strcpy(s.preset, "mmv1");
    MUST(brn_settings_set(&s, "train.loss", "none"));
    cr_assert_eq(brn_published_uvp(&s, 4), 1);
    strcpy(s.preset, "mm");
    MUST(brn_settings_set(&s, "train.loss", "objective"));
    cr_assert_eq(brn_published_uvp(&s, 256), 4.1);
    strcpy(s.preset, "qc");
    cr_assert(isnan(brn_published_uvp(&s, 4)));
    MUST(brn_published_table(BRN_TABLE_CSV, &text));
    cr_assert(strstr(text, "\nW2,cycle,none,,hd_2,2,forward,,,0,0,0,0.1,\n"), "%s", text);
    free(text);
}

Test(results, pairs_by_name)
{
    static const struct {
        const char *pair, *source, *name;
        int n;
    } of[] = {{"a/hd_16.safetensors", "", "hd_16", 16},
              {"a/hd_16.safetensors", "https://github.com/iamalexkorotin/Wasserstein2Benchmark", "hd_16", 16},
              {"a/hd_16.safetensors", "brenier", "hd_16 (own)", 0},
              {"hd_16_own.safetensors", "", "hd_16_own", 0},
              {"gauss8", "", "gauss8", 0},
              {"hd_.safetensors", "", "hd_", 0},
              {"hd_2", "", "hd_2", 0}};
    for (size_t i = 0; i < sizeof of / sizeof *of; ++i) {
        brn_run run = {0};
        char name[BRN_NAME_MAX];
        int n;
        MUST(brn_settings_preset(&run.settings, "hd"));
        MUST(brn_settings_set(&run.settings, "data.pair", of[i].pair));
        strcpy(run.pair_source, of[i].source);
        brn_results_pair(&run, name, &n);
        cr_assert_str_eq(name, of[i].name);
        cr_assert_eq(n, of[i].n, "%s: %d", of[i].pair, n);
    }
}

/* ---- curves ------------------------------------------------------------------------------------ */

static char *slurp(const char *name)
{
    static char text[8192];
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

Test(results, curves_of_several_runs)
{
    char log[1000], csv[200];
    int skipped;
    RUN("a", finished(.02), N2, "seed=0");
    RUN("b", finished(.04), N2, "seed=1");
    RUN("c", NULL, N2, "train.loss=objective");
    snprintf(log, sizeof log, "%s20,1,1,1,8,2,1,0,500\n40,2,1,1,4,2,1,0,900\n", HEADER);
    write_text("a", "log.csv", log);
    write_text("b", "log.csv", log);
    snprintf(log, sizeof log, "%s20,1.5,1,1,,0,0,0,0\n40,2.5,1,1,3,0,0,0,0\n", HEADER);
    write_text("c", "log.csv", log);
    snprintf(csv, sizeof csv, "%s/curves.csv", dir);
    brn_results *r = open_all();
    MUST(brn_results_curves(r, BRN_AGAINST_STEPS, NULL, csv, &skipped));
    cr_assert_eq(skipped, 0);
    cr_assert(strstr(slurp("curves.csv"), "/b\",\"preset=hd\",1,40,2,900,4,1,1\n"), "%s", slurp("curves.csv"));
    cr_assert(strstr(slurp("curves.csv"), "/c\",\"train.loss=objective\",0,20,1.5,0,,1,1\n"), "%s", slurp("curves.csv"));
    MUST(brn_results_curves(r, BRN_AGAINST_EVALUATIONS, NULL, NULL, &skipped));
    cr_assert_eq(skipped, 1);
    brn_results_free(r);
}

static brn_status use_all(void)
{
    brn_results *r;
    char *text;
    BRN_TRY(brn_results_open(&r, 1, (const char *const[]){dir}));
    brn_status status = brn_results_table(r, BRN_METRIC_FORWARD, BRN_TABLE_CSV, &text);
    if (status == BRN_OK) {
        free(text);
        status = brn_results_curves(r, BRN_AGAINST_STEPS, NULL, NULL, NULL);
    }
    brn_results_free(r);
    return status;
}

Test(results, every_allocation_that_fails_is_told)
{
    char log[300];
    brn_status status = BRN_ERR_MEMORY;
    int n = 0;
    RUN("a", finished(.02), N2, "seed=0");
    RUN("b", finished(.04), N2, "train.batch=512");
    snprintf(log, sizeof log, "%s20,1,1,1,8,2,1,0,500\n", HEADER);
    write_text("a", "log.csv", log);
    write_text("b", "log.csv", log);
    while (status != BRN_OK) {
        brn_alloc_fail_at(++n);
        status = use_all();
        brn_alloc_fail_at(0);
        if (status != BRN_OK) cr_assert_eq(status, BRN_ERR_MEMORY, "allocation %d: %s", n, brn_last_error());
    }
    cr_assert_gt(n, 10);
}

/* ---- run folders ------------------------------------------------------------------------------- */

static brn_status read_run(const char *name, brn_run *run)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return brn_run_read(run, path);
}

Test(results, how_a_run_stands)
{
    char log[300];
    brn_run run;
    MUST(read_run("nothing", &run));
    cr_assert_eq(run.state, BRN_RUN_NEW);
    RUN("a", NULL, N2);
    MUST(read_run("a", &run));
    cr_assert_eq(run.state, BRN_RUN_NEW);
    cr_assert_eq(run.steps, 60);
    snprintf(log, sizeof log, "%s20,1,1,1,8,2,1,0,500\n", HEADER); /* killed */
    write_text("a", "log.csv", log);
    MUST(read_run("a", &run));
    cr_assert_eq(run.state, BRN_RUN_STARTED);
    cr_assert_eq(run.step, 20);
    write_text("a", "result.json", "{\"state\": \"failed\", \"step\": 20, \"steps\": 60, \"seconds\": 3, \"evaluations\": 7, \"reason\": \"no space\"}");
    MUST(read_run("a", &run));
    cr_assert_eq(run.state, BRN_RUN_FAILED);
    cr_assert_str_eq(run.reason, "no space");
    cr_assert_eq(run.seconds, 3);
    write_text("a", "result.json", finished(.5));
    MUST(read_run("a", &run));
    cr_assert(run.scored && run.score[BRN_METRIC_FORWARD] == .5 && isnan(run.score[BRN_METRIC_INVERSE]));
}

Test(results, damaged_folders)
{
    static const struct {
        const char *log, *line;
    } logs[] = {{"", "log.csv"}, {"step,loss\n1,2\n", "columns"}};
    char log[400];
    brn_run run;
    brn_log_line *lines;
    size_t count;
    brn_results *r;
    RUN("a", NULL, N2);
    for (int i = 0; i < 2; ++i) {
        write_text("a", "log.csv", logs[i].log);
        MUST_FAIL(read_run("a", &run), BRN_ERR_INPUT, logs[i].line);
    }
    static const char *const bad[] = {"20,1,1,1,8,2,1,0\n", "20,1,1,1,8,2,1,0,5,6\n", "20,1,1,1,8,2,1,0,500", "x,1,1,1,8,2,1,0,500\n",
                                      "20,1,1,1,8e,2,1,0,500\n", "20,1,1,1,8,2,1,0,5\n20,1,1,1,8,2,1,0,5\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        snprintf(log, sizeof log, "%s%s", HEADER, bad[i]);
        write_text("a", "log.csv", log);
        MUST_FAIL(read_run("a", &run), BRN_ERR_INPUT, i == 5 ? "log.csv:3: " : "log.csv:2: ");
    }
    write_text("a", "log.csv", HEADER);
    write_text("a", "result.json", "{\"state\": \"fin");
    MUST_FAIL(read_run("a", &run), BRN_ERR_INPUT, "a/result.json:1: ");
    write_text("a", "result.json", "{\"state\": \"lost\"}");
    MUST_FAIL(read_run("a", &run), BRN_ERR_INPUT, "\"state\"");
    write_text("a", "result.json", finished(1));
    write_text("a", "config.yaml", "train:\n  setps: 3\n");
    MUST_FAIL(read_run("a", &run), BRN_ERR_INPUT, "steps");
    char path[200];
    snprintf(path, sizeof path, "%s/a/config.yaml", dir);
    unlink(path);
    MUST_FAIL(read_run("a", &run), BRN_ERR_INPUT, "config.yaml");
    MUST_FAIL(brn_results_open(&r, 1, (const char *const[]){dir}), BRN_ERR_INPUT, "config.yaml");
    MUST_FAIL(brn_results_open(&r, 1, (const char *const[]){"/nothing/here"}), BRN_ERR_INPUT, "neither a run");
    RUN("b", finished(1), N2); /* a finished run without its log */
    MUST(read_run("b", &run));
    MUST_FAIL(brn_run_log(&run, &lines, &count), BRN_ERR_INPUT, "missing");
}

/* A byte changed, dropped or added anywhere: a folder is read or refused with a line that names the file. */
Test(results, any_damage_is_refused_in_good_order)
{
    static const char *const files[] = {"log.csv", "result.json", "sweep.json"};
    static const char SWEEP[] = "{\"version\": 1, \"base\": {\"preset\": \"hd\", \"seed\": \"3\"}, \"fixed\": [\"train.steps=60\"], \"swept\": [\"seed\"], "
                                "\"runs\": [{\"name\": \"seed=0\", \"set\": [\"seed=0\"]}, {\"name\": \"seed=1\", \"set\": [\"seed=1\"]}]}";
    static const char bytes[] = "0,\n\"{[:\\x-e.";
    enum { MUTATIONS = 60 };
    char whole[3][600], text[700];
    unsigned random = 1;
    RUN("a", NULL, N2);
    snprintf(whole[0], sizeof whole[0], "%s20,1,1,1,8,2,1,0,500\n40,2,1e3,-1,,2,1,0,900\n", HEADER);
    strcpy(whole[1], finished(.5));
    strcpy(whole[2], SWEEP);
    for (int k = 0; k < 3; ++k)
        for (int i = 0; i < MUTATIONS; ++i) {
            brn_results *r;
            brn_log_line *lines = NULL;
            size_t count, n = strlen(whole[k]), at = (random = random * 1103515245 + 12345) / 65536 % n;
            const char byte = bytes[random / 256 % (sizeof bytes - 1)];
            const int how = i % 4; /* replace, drop, add, cut */
            for (int other = 0; other < 2; ++other) write_text("a", files[other], whole[other]);
            memcpy(text, whole[k], at);
            text[at] = byte;
            strcpy(text + at + (how == 0 || how == 2), whole[k] + at + (how != 2));
            if (how == 3) text[at] = 0;
            write_text(k == 2 ? "." : "a", files[k], text);
            brn_status status = brn_results_open(&r, 1, (const char *const[]){dir});
            if (status == BRN_OK) {
                for (int run = 0; run < brn_results_count(r) && status == BRN_OK; ++run, free(lines)) status = brn_run_log(brn_results_run(r, run), &lines, &count);
                brn_results_free(r);
            }
            cr_assert(status == BRN_OK || status == BRN_ERR_INPUT, "%s: %s: %s", text, brn_status_name(status), brn_last_error());
            if (status != BRN_OK) cr_assert(strstr(brn_last_error(), dir), "%s", brn_last_error());
        }
}
