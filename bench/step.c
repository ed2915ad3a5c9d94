/* Time of whole training steps, part by part, at a stated point of a training.
 *
 *     brenier-bench-step --pair FILE [--preset NAME] [--potential mlp|icnn] [--pretrain N] [--warmup N]
 *                        [--steps N] [--threads N] [--json] [--csv FILE] [key=value ...]
 *
 * A fresh training makes --pretrain steps to the identity (where the preset starts so) and --warmup
 * steps, then --steps timed ones in blocks of BLOCK. Defaults are those of bench/peers: the solver has
 * more to do as the potential takes shape, so only equal numbers of steps compare. `without draw` is
 * what the peers time. Milliseconds a step; quantiles are over the blocks. */
#include "core/clock.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "evaluation/score.h"
#include "subject.h"

#include <brenier/brenier.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 10, BLOCKS_MOST = 10000, POINTS = 1 << 14 };

/* Columns of time: the trainer's phases, the whole step, and the step as the peers time it. */
enum { WHOLE = BRN_PHASES, WITHOUT_DRAW, COLUMNS };
static const char *const column_names[COLUMNS] = {"draw", "predict", "conjugate", "gradient", "learn", "step", "without draw"};

typedef struct {
    brn_settings settings;
    const char *csv;
    int warmup, steps;
    bool json;
} options;

typedef struct {
    double p10, median, p90; /* ms a step */
} timing;

typedef struct {
    char machine[256], versions[256], commit[64], pair[BRN_NAME_MAX];
    int n, threads;
    timing time[COLUMNS];
    double evaluations, iterations, iterations_most; /* per row, over the last steps of all blocks */
    double floor_rows, failed_rows;                  /* shares of the rows */
    double peak_rss_mib, uvp;
} report;

static double block_ms[COLUMNS][BLOCKS_MOST];

/* ---- facts --------------------------------------------------------------------------------- */

/* First line of a command's output, or of a file, after `key` where that is given. */
static void read_line(FILE *from, const char *key, char *text, size_t size)
{
    char line[512];
    snprintf(text, size, "unknown");
    while (from && fgets(line, sizeof line, from)) {
        if (key && strncmp(line, key, strlen(key))) continue;
        const char *colon = key ? strchr(line, ':') : NULL, *value = colon ? colon + 2 : line;
        snprintf(text, size, "%.*s", (int)strcspn(value, "\n"), value);
        return;
    }
}

/* Largest resident memory, MiB. getrusage would not do: it counts what ran before exec too. */
static double peak_rss(void)
{
    char text[64];
    FILE *file = fopen("/proc/self/status", "r");
    read_line(file, "VmHWM", text, sizeof text);
    if (file) fclose(file);
    return atof(text) / 1024;
}

/* ---- measuring ------------------------------------------------------------------------------- */

/* Of sorted values, linear between neighbours. */
static double quantile(const double *sorted, int count, double share)
{
    const double at = share * (count - 1);
    const int below = (int)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

/* Add the last step's solves to the sums in *r. */
static brn_status add_solves(brn_trainer *t, report *r)
{
    static const int fields[] = {BRN_INFO_EVALUATIONS, BRN_INFO_ITERATIONS, BRN_INFO_STOP};
    if (!t->solver) return BRN_OK;
    for (int k = 0; k < 3; ++k) {
        BRN_TRY(brn_solver_read_info(t->solver, brn_device_queue(t->dev, 0), fields[k], t->host_rows, t->batch));
        for (int i = 0; i < t->batch; ++i) {
            const double v = t->host_rows[i];
            if (fields[k] == BRN_INFO_EVALUATIONS) r->evaluations += v;
            else if (fields[k] == BRN_INFO_ITERATIONS) r->iterations += v, r->iterations_most = fmax(r->iterations_most, v);
            else r->floor_rows += v == BRN_CONJUGATE_PRECISION_FLOOR, r->failed_rows += v > BRN_CONJUGATE_PRECISION_FLOOR;
        }
    }
    return BRN_OK;
}

static brn_status time_block(brn_trainer *t, int block)
{
    double before[BRN_PHASES];
    memcpy(before, t->seconds, sizeof before);
    const double start = brn_seconds();
    for (int i = 0; i < BLOCK; ++i) BRN_TRY(brn_trainer_step(t));
    block_ms[WHOLE][block] = 1e3 * (brn_seconds() - start) / BLOCK;
    for (int p = 0; p < BRN_PHASES; ++p) block_ms[p][block] = 1e3 * (t->seconds[p] - before[p]) / BLOCK;
    block_ms[WITHOUT_DRAW][block] = block_ms[WHOLE][block] - block_ms[BRN_PHASE_DRAW][block];
    return BRN_OK;
}

static brn_status train(const options *o, brn_trainer *t, report *r)
{
    const int blocks = o->steps / BLOCK;
    BRN_TRY(brn_trainer_begin(t));
    if (t->set->train.start == BRN_START_PRETRAIN) BRN_TRY(brn_pretrain(t, NULL, NULL));
    for (int i = 0; i < o->warmup; ++i) BRN_TRY(brn_trainer_step(t));
    for (int b = 0; b < blocks; ++b) {
        BRN_TRY(time_block(t, b));
        BRN_TRY(add_solves(t, r));
    }
    for (int c = 0; c < COLUMNS; ++c) {
        qsort(block_ms[c], (size_t)blocks, sizeof **block_ms, brn_ascending);
        r->time[c] = (timing){quantile(block_ms[c], blocks, .1), quantile(block_ms[c], blocks, .5), quantile(block_ms[c], blocks, .9)};
    }
    double *const sums[] = {&r->evaluations, &r->iterations, &r->floor_rows, &r->failed_rows};
    for (int k = 0; k < 4; ++k) *sums[k] /= (double)blocks * t->batch;
    r->peak_rss_mib = peak_rss();
    return BRN_OK;
}

/* Forward L2-UVP on fresh points; NaN where the map is not known. */
static brn_status score(brn_model *model, brn_pair *pair, double *uvp)
{
    const size_t count = (size_t)POINTS * (size_t)model->n;
    float *x = NULL, *truth = NULL, *image = NULL;
    brn_status status;
    *uvp = NAN;
    if (!brn_pair_has_map(pair)) return BRN_OK;
    BRN_GO(BRN_ALLOC(&x, count, "evaluation points"));
    BRN_GO(BRN_ALLOC(&truth, count, "evaluation points"));
    BRN_GO(BRN_ALLOC(&image, count, "evaluation points"));
    BRN_GO(brn_pair_sample(pair, BRN_SOURCE, model->settings.eval.seed, 0, POINTS, x));
    BRN_GO(brn_pair_map(pair, x, POINTS, truth));
    BRN_GO(brn_model_map(model, x, POINTS, image));
    *uvp = brn_l2_uvp(POINTS, model->n, image, truth);
done:
    free(x), free(truth), free(image);
    return status;
}

/* ---- what was measured ----------------------------------------------------------------------- */

static void describe(report *r, const brn_pair *pair, brn_device *dev)
{
    brn_device_info info[16];
    int count = 0;
    char cpu[128];
    FILE *file = fopen("/proc/cpuinfo", "r"), *git = popen("git -C '" BRN_SOURCE_DIR "' describe --always --dirty 2>/dev/null", "r");
    read_line(file, "model name", cpu, sizeof cpu);
    read_line(git, NULL, r->commit, sizeof r->commit);
    if (file) fclose(file);
    if (git) pclose(git);
    snprintf(r->machine, sizeof r->machine, "%s", cpu);
    if (brn_device_list(info, 16, &count) == BRN_OK)
        for (int i = 0; i < count && i < 16; ++i)
            if (!strcmp(info[i].name, brn_device_name(dev)))
                snprintf(r->machine, sizeof r->machine, "%s, %d cores (%s)", cpu, info[i].cores, info[i].description);
    snprintf(r->versions, sizeof r->versions, "brenier %s", brn_version());
    snprintf(r->pair, sizeof r->pair, "%s", brn_pair_name(pair));
    r->n = brn_pair_dim(pair);
    r->threads = brn_device_queues(dev);
}

static const char *potential_name(const brn_settings *s) { return s->potential.kind == BRN_POTENTIAL_ICNN ? "icnn" : "mlp"; }

static void print_text(const options *o, const report *r)
{
    const brn_settings *s = &o->settings;
    printf("%s, commit %s, %s\n\n", r->machine, r->commit, r->versions);
    printf("%s: n = %d, %s, %s, batch %d, %d threads; steps %d to %d\n\n", r->pair, r->n, s->preset, potential_name(s), s->train.batch,
           r->threads, o->warmup + 1, o->warmup + o->steps);
    printf("| ms a step | median | p10 | p90 | share %% |\n|---|---|---|---|---|\n");
    for (int c = 0; c < COLUMNS; ++c)
        printf("| %s | %.3f | %.3f | %.3f | %.0f |\n", column_names[c], r->time[c].median, r->time[c].p10, r->time[c].p90,
               100 * r->time[c].median / r->time[WHOLE].median);
    printf("\nper row %.2f iterations (most %.0f), %.2f evaluations; rows at the precision floor %.2f %%, failed %.2f %%\n", r->iterations,
           r->iterations_most, r->evaluations, 100 * r->floor_rows, 100 * r->failed_rows);
    printf("peak resident memory %.0f MiB; L2-UVP after %d steps %.3f %%\n", r->peak_rss_mib, o->warmup + o->steps, r->uvp);
}

static void print_json(const options *o, const report *r)
{
    const brn_settings *s = &o->settings;
    cJSON *tree = cJSON_CreateObject(), *parts;
    const struct {
        const char *key, *value;
    } texts[] = {{"machine", r->machine}, {"commit", r->commit}, {"versions", r->versions}, {"pair", r->pair},
                 {"preset", s->preset},   {"potential", potential_name(s)}};
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"n", r->n},
                   {"threads", r->threads},
                   {"batch", s->train.batch},
                   {"warmup", o->warmup},
                   {"steps", o->steps},
                   {"iterations_per_row", r->iterations},
                   {"iterations_most", r->iterations_most},
                   {"evaluations_per_row", r->evaluations},
                   {"floor_rows", r->floor_rows},
                   {"failed_rows", r->failed_rows},
                   {"peak_rss_mib", r->peak_rss_mib},
                   {"uvp_after", r->uvp}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) cJSON_AddStringToObject(tree, texts[i].key, texts[i].value);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; ++i) cJSON_AddNumberToObject(tree, numbers[i].key, numbers[i].value);
    parts = cJSON_AddObjectToObject(tree, "ms_per_step");
    for (int c = 0; c < COLUMNS; ++c) {
        cJSON *part = cJSON_AddObjectToObject(parts, column_names[c]);
        cJSON_AddNumberToObject(part, "median", r->time[c].median);
        cJSON_AddNumberToObject(part, "p10", r->time[c].p10);
        cJSON_AddNumberToObject(part, "p90", r->time[c].p90);
    }
    char *text = cJSON_PrintUnformatted(tree);
    if (text) puts(text);
    free(text);
    cJSON_Delete(tree);
}

static brn_status write_csv(const char *path, const report *r)
{
    FILE *file = fopen(path, "w");
    if (!file) return brn_fail(BRN_ERR_DISK, "%s: %s", path, strerror(errno));
    fprintf(file, "part,median_ms,p10_ms,p90_ms\n");
    for (int c = 0; c < COLUMNS; ++c)
        fprintf(file, "%s,%.6g,%.6g,%.6g\n", column_names[c], r->time[c].median, r->time[c].p10, r->time[c].p90);
    return fclose(file) ? brn_fail(BRN_ERR_DISK, "%s: %s", path, strerror(errno)) : BRN_OK;
}

/* ---- command --------------------------------------------------------------------------------- */

static brn_status run(options *o)
{
    static report r;
    subject s;
    brn_status status;
    BRN_GO(open_subject(&s, &o->settings, o->settings.threads));
    BRN_GO(train(o, s.trainer, &r));
    describe(&r, s.pair, s.dev); /* lists all devices, which loads drivers: not in the memory of a training */
    BRN_GO(score(s.model, s.pair, &r.uvp));
    if (o->json) print_json(o, &r);
    else print_text(o, &r);
    if (o->csv) BRN_GO(write_csv(o->csv, &r));
done:
    close_subject(&s);
    return status;
}

/* Options that are settings by a shorter name. */
static const char *setting_of(const char *option)
{
    static const char *const names[][2] = {{"--pair", "data.pair"},           {"--preset", "preset"},
                                           {"--potential", "potential.kind"}, {"--pretrain", "train.pretrain_steps"},
                                           {"--threads", "threads"},          {"--seed", "seed"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (!strcmp(option, names[i][0])) return names[i][1];
    return NULL;
}

static brn_status parse(int argc, char **argv, options *o)
{
    enum { MOST = 64 };
    static char text[MOST][BRN_PATH_MAX + BRN_NAME_MAX];
    const char *list[MOST] = {"train.pretrain_steps=1000"}; /* as many as bench/peers makes */
    int count = 1;
    BRN_TRY(brn_settings_preset(&o->settings, "hd-paper"));
    for (int i = 1; i < argc && count < MOST; ++i) {
        const char *key = setting_of(argv[i]), *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--json")) o->json = true;
        else if (strchr(argv[i], '=')) list[count++] = argv[i];
        else if (key) snprintf(text[count], sizeof *text, "%s=%s", key, value), list[count] = text[count], ++count, ++i;
        else if (!strcmp(argv[i], "--csv")) o->csv = value, ++i;
        else if (!strcmp(argv[i], "--warmup")) o->warmup = atoi(value), ++i;
        else if (!strcmp(argv[i], "--steps")) o->steps = atoi(value), ++i;
        else return brn_fail(BRN_ERR_USAGE, "unknown option %s", argv[i]);
    }
    if (o->warmup < 0 || o->steps < BLOCK || o->steps % BLOCK || o->steps / BLOCK > BLOCKS_MOST)
        return brn_fail(BRN_ERR_USAGE, "--steps is a positive multiple of %d and --warmup not negative", BLOCK);
    BRN_TRY(brn_settings_assign(&o->settings, count, list));
    return o->settings.data.pair[0] ? BRN_OK : brn_fail(BRN_ERR_USAGE, "no pair given: --pair FILE");
}

int main(int argc, char **argv)
{
    static options o = {.warmup = 300, .steps = 150};
    brn_status status = parse(argc, argv, &o);
    if (status == BRN_OK) status = run(&o);
    if (status == BRN_OK) return 0;
    fprintf(stderr, "brenier-bench-step: %s\n", brn_last_error());
    return (int)status;
}
