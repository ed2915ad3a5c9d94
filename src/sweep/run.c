/* Run folders read back, and scored. */
#include "core/memory.h"
#include "io/safetensors.h"
#include "training/result.h"
#include <brenier/model.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- metrics ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *title, *key; /* key: in the evaluation */
} metrics[BRN_METRICS] = {
    [BRN_METRIC_FORWARD] = {"forward", "L2-UVP of the forward map (%)", "l2_uvp_forward"},
    [BRN_METRIC_INVERSE] = {"inverse", "L2-UVP of the inverse map (%)", "l2_uvp_inverse"},
    [BRN_METRIC_COSINE] = {"cosine", "cosine of the forward map", "cosine_forward"},
    [BRN_METRIC_COSINE_INVERSE] = {"cosine-inverse", "cosine of the inverse map", "cosine_inverse"},
    [BRN_METRIC_DUAL] = {"dual", "dual objective", "dual_objective"},
    [BRN_METRIC_SINKHORN] = {"sinkhorn", "Sinkhorn divergence of the forward map", "sinkhorn_forward"},
    [BRN_METRIC_SECONDS] = {"seconds", "training time (s)", NULL},
    [BRN_METRIC_EVALUATIONS] = {"evaluations", "solver evaluations per row and step", NULL},
};

const char *brn_metric_name(brn_metric metric) { return metrics[metric].name; }
const char *brn_metric_title(brn_metric metric) { return metrics[metric].title; }

brn_status brn_metric_find(const char *name, brn_metric *metric)
{
    const char *names[BRN_METRICS];
    for (int i = 0; i < BRN_METRICS; ++i) {
        names[i] = metrics[i].name;
        if (!strcmp(name, names[i])) {
            *metric = (brn_metric)i;
            return BRN_OK;
        }
    }
    return brn_fail(BRN_ERR_USAGE, "unknown metric \"%.40s\"; did you mean \"%s\"?", name, brn_nearest_name(name, names, BRN_METRICS));
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void path_of(char path[static BRN_PATH_MAX + 32], const char *folder, const char *name)
{
    snprintf(path, BRN_PATH_MAX + 32, "%s/%s", folder, name);
}

static bool has(const char *folder, const char *name)
{
    char path[BRN_PATH_MAX + 32];
    path_of(path, folder, name);
    return access(path, F_OK) == 0;
}

static brn_status read_settings(brn_run *run)
{
    char path[BRN_PATH_MAX + 32];
    path_of(path, run->folder, "config.yaml");
    BRN_TRY(brn_settings_preset(&run->settings, "hd"));
    brn_status status = brn_settings_load(&run->settings, path);
    if (status == BRN_OK && run->settings.data.n < 1) status = brn_fail(BRN_ERR_INPUT, "%s: data.n is missing: not the settings of a run", path);
    if (status == BRN_OK) status = brn_settings_resolve(&run->settings, run->settings.data.n);
    return status == BRN_ERR_USAGE ? BRN_ERR_INPUT : status; /* a bad setting of a file is bad input */
}

static void read_scores(brn_run *run, const cJSON *result)
{
    const cJSON *evaluation = cJSON_GetObjectItemCaseSensitive(result, "evaluation");
    const cJSON *source = cJSON_GetObjectItemCaseSensitive(result, "pair_source");
    run->scored = cJSON_IsObject(evaluation);
    if (cJSON_IsString(source)) snprintf(run->pair_source, sizeof run->pair_source, "%s", source->valuestring);
    for (int i = 0; i < BRN_METRICS; ++i) {
        const cJSON *item = metrics[i].key ? cJSON_GetObjectItemCaseSensitive(evaluation, metrics[i].key) : NULL;
        run->score[i] = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
    }
    run->score[BRN_METRIC_SECONDS] = run->seconds;
    run->score[BRN_METRIC_EVALUATIONS] = (double)run->evaluations / run->settings.train.batch / (double)(run->step ? run->step : 1);
}

static brn_status read_result(brn_run *run)
{
    char path[BRN_PATH_MAX + 32];
    brn_result r;
    cJSON *tree;
    path_of(path, run->folder, "result.json");
    BRN_TRY(brn_result_read(path, &r, &tree));
    run->state = r.state;
    run->step = r.step;
    run->seconds = r.seconds;
    run->evaluations = r.evaluations;
    memcpy(run->reason, r.reason, sizeof run->reason);
    read_scores(run, tree);
    cJSON_Delete(tree);
    return BRN_OK;
}

/* What a run that goes on, or was killed, has logged since. */
static brn_status read_progress(brn_run *run)
{
    brn_log_line *lines;
    size_t count;
    if (run->state == BRN_RUN_FINISHED || run->state == BRN_RUN_DIVERGED) return BRN_OK;
    BRN_TRY(brn_run_log(run, &lines, &count));
    if (count && lines[count - 1].step > run->step) {
        run->state = BRN_RUN_STARTED;
        run->step = lines[count - 1].step;
        run->seconds = lines[count - 1].seconds;
    }
    free(lines);
    if (run->state == BRN_RUN_NEW && has(run->folder, "latest.safetensors")) run->state = BRN_RUN_STARTED;
    return BRN_OK;
}

brn_status brn_run_read(brn_run *run, const char *folder)
{
    static const char *const files[] = {"result.json", "log.csv", "latest.safetensors"};
    memset(run, 0, sizeof *run);
    if (strlen(folder) >= sizeof run->folder) return brn_fail(BRN_ERR_INPUT, "%.80s...: the path is too long", folder);
    strcpy(run->folder, folder);
    if (!has(folder, "config.yaml")) {
        for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
            if (has(folder, files[i])) return brn_fail(BRN_ERR_INPUT, "%s: a run folder without its config.yaml: it is damaged", folder);
        return BRN_OK;
    }
    BRN_TRY(read_settings(run));
    run->steps = run->settings.train.steps;
    BRN_TRY(read_result(run));
    return read_progress(run);
}

/* ---- scoring ----------------------------------------------------------------------------------- */

/* Not every hd_256.safetensors is the published one: files of pairs tell where they come from. */
static brn_status find_source(const char *pair, char source[static 128])
{
    brn_st *file;
    const char *ending = strstr(pair, ".safetensors");
    *source = 0;
    if (!ending || ending[12]) return BRN_OK;
    BRN_TRY(brn_st_open(&file, pair));
    const char *text = brn_st_metadata(file, "source");
    snprintf(source, 128, "%s", text ? text : "unknown");
    brn_st_close(file);
    return BRN_OK;
}

static brn_status keep(const char *folder, const char *pair, const brn_evaluation *e)
{
    char path[BRN_PATH_MAX + 32], source[128], *text;
    if (!folder || !*folder) return BRN_OK;
    path_of(path, folder, "result.json");
    BRN_TRY(find_source(pair, source));
    BRN_TRY(brn_evaluation_json(e, &text));
    const brn_status status = brn_result_keep(path, text, source);
    free(text);
    return status;
}

brn_status brn_run_evaluate(brn_device *device, brn_model *model, const char *folder, brn_evaluation *evaluation)
{
    brn_pair *pair;
    brn_evaluation e;
    const brn_settings *settings = brn_model_settings(model);
    BRN_TRY(brn_pair_open(&pair, device, settings));
    brn_status status = brn_evaluate(model, pair, settings, &e);
    brn_pair_close(pair);
    if (status == BRN_OK) status = keep(folder, settings->data.pair, &e);
    if (status == BRN_OK && evaluation) *evaluation = e;
    return status;
}

brn_status brn_run_score(brn_run *run, brn_device *device)
{
    char path[BRN_PATH_MAX + 32];
    brn_model *model;
    if (run->state != BRN_RUN_FINISHED) return brn_fail(BRN_ERR_INPUT, "%s: the run is not finished", run->folder);
    if (run->scored) return BRN_OK;
    path_of(path, run->folder, "latest.safetensors"); /* where training ended, as `brenier train` scores it */
    BRN_TRY(brn_model_load(&model, device, path));
    const brn_status status = brn_run_evaluate(device, model, run->folder, NULL);
    brn_model_free(model);
    return status == BRN_OK ? read_result(run) : status;
}
