/* brenier train: learn a map into a run folder. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "--resume out=DIR" alone continues what the folder holds. */
static brn_status choose_settings(const cli_args *args, brn_settings *settings)
{
    char path[BRN_PATH_MAX + 16];
    cli_args with_config = *args;
    brn_status status = cli_resolve_settings(args, settings);
    if (status != BRN_OK || !cli_option_value(args, "--resume") || args->config ||
        cli_assigned(args, "preset"))
        return status;
    snprintf(path, sizeof path, "%s/config.yaml", settings->out);
    if (access(path, R_OK) != 0) return BRN_OK;
    with_config.config = path;
    return cli_resolve_settings(&with_config, settings);
}

/* A run folder by the name of the data, where none is given: runs/NAME. */
static void choose_folder(brn_settings *settings)
{
    if (*settings->out) return;
    const char *data = *settings->data.pair ? settings->data.pair : settings->data.source;
    const char *slash = strrchr(data, '/'), *name = slash ? slash + 1 : data;
    int length = (int)strcspn(name, ".");
    snprintf(settings->out, sizeof settings->out, "runs/%.*s", length ? length : 3, length ? name : "run");
}

static brn_status print_result(const brn_settings *settings, const cli_progress *progress,
                               const brn_evaluation *e, bool json)
{
    const brn_progress *last = &progress->last;
    if (!json) {
        printf("run folder           %s\nsteps                %lld\n", settings->out, (long long)last->steps);
        if (last->submissions_per_step > 0)
            printf("driver               %.1f submissions, %.1f waits a step, %.1f of them outside the solver\n",
                   last->submissions_per_step, last->waits_per_step, last->waits_outside);
        return cli_print_evaluation(e);
    }
    cJSON *tree = cli_json_evaluation(e);
    if (!tree) return cli_print_json(NULL);
    cJSON_AddStringToObject(tree, "out", settings->out);
    cli_json_number(tree, "steps", (double)last->steps);
    cli_json_number(tree, "seconds", last->seconds);
    cli_json_number(tree, "submissions_per_step", last->submissions_per_step);
    cli_json_number(tree, "waits_per_step", last->waits_per_step);
    cli_json_number(tree, "waits_per_step_outside", last->waits_outside);
    cJSON_AddItemToObject(tree, "memory", cli_json_plan(&progress->plan));
    return cli_print_json(tree);
}

static brn_status plan(const cli_args *args, const brn_settings *settings, brn_device *device)
{
    brn_memory_plan p;
    const brn_status status = brn_train_plan(device, settings, &p);
    if (status != BRN_OK) return status;
    if (cli_option_value(args, "--json")) return cli_print_json(cli_json_plan(&p));
    cli_print_plan(&p);
    return BRN_OK;
}

static brn_status train(const cli_args *args, const brn_settings *settings, brn_device *device)
{
    cli_progress progress;
    brn_model *model = NULL;
    brn_evaluation e;
    cli_progress_init(&progress, cli_option_value(args, "--quiet"));
    brn_status status =
        brn_train(device, settings, cli_option_value(args, "--resume"), cli_progress_step, &progress, &model);
    cli_progress_finish(&progress);
    cli_release_signals();
    if (status == BRN_ERR_STOPPED)
        status =
            cli_fail(status, "stopped at step %lld of %lld; continue with: brenier train --resume out=%s",
                     (long long)progress.last.step, (long long)progress.last.steps, settings->out);
    if (status == BRN_OK) status = brn_run_evaluate(device, model, settings->out, &e);
    if (status == BRN_OK)
        status = print_result(settings, &progress, &e, cli_option_value(args, "--json"));
    brn_model_free(model);
    return status;
}

static brn_status run(const cli_args *args)
{
    brn_settings settings;
    brn_device *device = NULL;
    cli_catch_signals();
    brn_status status = choose_settings(args, &settings);
    if (status == BRN_OK && !*settings.data.pair && !*settings.data.source)
        return cli_fail(BRN_ERR_USAGE,
                        "train needs data.pair=NAME|FILE, or data.source=FILE data.target=FILE");
    if (status == BRN_OK) status = cli_open_device(&device, &settings, cli_option_value(args, "--quiet"));
    if (status == BRN_OK && cli_option_value(args, "--plan")) status = plan(args, &settings, device);
    else if (status == BRN_OK) {
        choose_folder(&settings);
        status = train(args, &settings, device);
    }
    brn_device_close(device);
    return status;
}

const cli_command cli_train = {
    .name = "train",
    .positional = "",
    .summary = "Learn an optimal transport map from samples.",
    .settings = cli_all_settings,
    .details = "The run folder out=DIR (runs/NAME if not given) receives config.yaml, log.csv, "
               "latest.safetensors,\n"
               "best.safetensors and result.json. A folder of the same configuration is continued; one of another is "
               "refused. SIGINT\n"
               "and SIGTERM save and stop.\n",
    .examples = "  brenier train preset=2d data.pair=gauss8 out=runs/gauss8\n"
                "  brenier train preset=hd data.pair=hd_16.safetensors train.steps=2000 seed=1 device=host "
                "out=runs/hd16\n"
                "  brenier train data.source=a.npy data.target=b.csv out=runs/mine\n"
                "  brenier train mine.yaml train.batch=128 --quiet --json\n"
                "  brenier train preset=hd data.pair=hd_16.safetensors --plan\n"
                "  brenier train --resume out=runs/hd16\n",
    .run = run,
    .options = {{"--resume", NULL, "the folder must hold a run to continue", false},
                {"--plan", NULL, "print the device memory it needs, and train nothing", false},
                {"--quiet", NULL, "show no progress", false},
                {"--json", NULL, "print the result as JSON", false}},
};
