/* brenier sweep: a grid of trainings, run, resumed, listed or submitted. */
#include "sweep.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

bool cli_sweep_pending(const brn_run *run)
{
    return run->state != BRN_RUN_DIVERGED && !(run->state == BRN_RUN_FINISHED && run->scored);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static bool is_key(const char *assignment, const char *key)
{
    const size_t n = strlen(key);
    return !strncmp(assignment, key, n) && assignment[n] == '=';
}

/* Where to train: holds for this command only, unless the sweep begins with it. */
static bool is_place(const char *assignment) { return is_key(assignment, "device") || is_key(assignment, "threads"); }

static brn_status find_folder(const cli_args *args, const char **folder)
{
    *folder = args->positional_count ? args->positional[0] : NULL;
    for (int i = 0; i < args->assignment_count; ++i) {
        if (!is_key(args->assignments[i], "out")) continue;
        if (*folder) return cli_fail(BRN_ERR_USAGE, "sweep: two folders given, %.200s and %.200s", *folder, args->assignments[i] + 4);
        *folder = args->assignments[i] + 4;
    }
    return *folder && **folder ? BRN_OK : cli_fail(BRN_ERR_USAGE, "sweep needs a folder: out=DIR");
}

static brn_status open_sweep(cli_sweep *s, const cli_args *args)
{
    const char *folder = NULL, **grid = calloc((size_t)args->assignment_count + 1, sizeof *grid);
    brn_settings start;
    int count = 0;
    bool more = args->config != NULL;
    if (!grid) return cli_fail(BRN_ERR_MEMORY, "out of memory");
    brn_status status = find_folder(args, &folder);
    for (int i = 0; i < args->assignment_count; ++i) {
        if (is_key(args->assignments[i], "out")) continue;
        grid[count++] = args->assignments[i];
        more = more || !is_place(args->assignments[i]);
    }
    if (status == BRN_OK && args->config && cli_assigned(args, "preset"))
        status = cli_fail(BRN_ERR_USAGE, "preset= starts over and would undo %.200s; name the preset in the file instead", args->config);
    if (status == BRN_OK && args->config) {
        status = brn_settings_preset(&start, "hd");
        if (status == BRN_OK) status = brn_settings_load(&start, args->config);
    }
    if (status == BRN_OK) status = brn_sweep_open(&s->sweep, folder, args->config ? &start : NULL, more ? count : 0, grid);
    free(grid);
    return status;
}

brn_status cli_sweep_settings(const cli_sweep *s, int i, brn_settings *settings)
{
    brn_status status = brn_sweep_settings(s->sweep, i, settings);
    for (int k = 0; k < s->args->assignment_count && status == BRN_OK; ++k)
        if (is_place(s->args->assignments[k])) status = brn_settings_assign(settings, 1, &s->args->assignments[k]);
    return status;
}

static brn_status read_run(cli_sweep *s, int i)
{
    brn_settings settings;
    brn_status status = brn_sweep_settings(s->sweep, i, &settings);
    if (status == BRN_OK) status = brn_run_read(&s->run[i], settings.out);
    return status;
}

/* ---- one run ----------------------------------------------------------------------------------- */

static brn_status train_run(cli_sweep *s, const brn_settings *settings, brn_evaluation *e)
{
    cli_progress progress;
    brn_device *device = NULL;
    brn_model *model = NULL;
    const bool report = cli_option_value(s->args, "--report");
    cli_progress_init(&progress, report || cli_option_value(s->args, "--quiet"));
    brn_status status = cli_open_device(&device, settings, report);
    if (status == BRN_OK) status = brn_train(device, settings, false, report ? cli_report_print : cli_progress_step, &progress, &model);
    cli_progress_finish(&progress);
    if (status == BRN_OK) {
        cli_release_signals(); /* what was trained is saved; scoring it can begin again */
        status = brn_run_evaluate(device, model, settings->out, e);
    }
    brn_model_free(model);
    brn_device_close(device);
    return status;
}

brn_status cli_sweep_task(cli_sweep *s, int i)
{
    brn_settings settings;
    brn_evaluation e;
    const char *name = brn_sweep_name(s->sweep, i);
    const brn_run *run = &s->run[i];
    if (cli_option_value(s->args, "--report")) { /* by a sweep that watches: end with it, and not by its closed pipe */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        signal(SIGPIPE, SIG_IGN);
    }
    if (run->state == BRN_RUN_DIVERGED) return cli_fail(BRN_ERR_DIVERGED, "%s diverged before: %s", run->folder, run->reason);
    if (!cli_sweep_pending(run)) return BRN_OK;
    brn_status status = cli_sweep_settings(s, i, &settings);
    if (status == BRN_OK && !*settings.data.pair && !*settings.data.source)
        return cli_fail(BRN_ERR_USAGE, "%s: nothing to train on: data.pair=NAME|FILE, or data.source=FILE data.target=FILE", name);
    if (status == BRN_OK) status = train_run(s, &settings, &e);
    if (status != BRN_OK || cli_option_value(s->args, "--report")) return status;
    printf("%s\n", settings.out);
    return cli_print_evaluation(&e);
}

/* ---- all --------------------------------------------------------------------------------------- */

static void print_run(const cli_sweep *s, int i)
{
    const brn_run *run = &s->run[i];
    printf("%4d  %-8s  ", i, brn_outcome_name(run->state));
    if (run->state == BRN_RUN_FINISHED && isfinite(run->score[BRN_METRIC_FORWARD])) printf("%-16.4g", run->score[BRN_METRIC_FORWARD]);
    else if (run->state == BRN_RUN_FINISHED) printf("%-16s", run->scored ? "" : "not scored");
    else if (run->state == BRN_RUN_NEW) printf("%-16s", "");
    else printf("%7lld/%-8lld", (long long)run->step, (long long)run->steps);
    printf("  %s\n", brn_sweep_name(s->sweep, i));
}

static brn_status print_json(const cli_sweep *s)
{
    cJSON *tree = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(tree, "runs");
    cJSON_AddStringToObject(tree, "out", brn_sweep_folder(s->sweep));
    for (int i = 0; i < s->count; ++i) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(runs, item);
        cJSON_AddStringToObject(item, "name", brn_sweep_name(s->sweep, i));
        cJSON_AddStringToObject(item, "state", brn_outcome_name(s->run[i].state));
        cli_json_number(item, "step", (double)s->run[i].step);
        cli_json_number(item, "l2_uvp_forward", s->run[i].scored ? s->run[i].score[BRN_METRIC_FORWARD] : (double)NAN);
        if (*s->run[i].reason) cJSON_AddStringToObject(item, "reason", s->run[i].reason);
    }
    return cli_print_json(tree);
}

/* One line for each run, and how many stand where. */
static brn_status print_state(const cli_sweep *s)
{
    int count[BRN_RUN_FINISHED + 1] = {0};
    if (cli_option_value(s->args, "--json")) return print_json(s);
    for (int i = 0; i < s->count; ++i) {
        ++count[s->run[i].state];
        if (cli_option_value(s->args, "--dry-run")) print_run(s, i);
    }
    printf("%s: %d runs", brn_sweep_folder(s->sweep), s->count);
    for (int k = BRN_RUN_FINISHED; k >= BRN_RUN_NEW; --k)
        if (count[k]) printf(", %d %s", count[k], brn_outcome_name((brn_outcome)k));
    if (brn_sweep_left_out(s->sweep)) printf("; %d combinations left out, whose loss does not use the solver", brn_sweep_left_out(s->sweep));
    putchar('\n');
    return BRN_OK;
}

static brn_status check_diverged(const cli_sweep *s)
{
    int diverged = 0, first = -1;
    for (int i = 0; i < s->count; ++i)
        if (s->run[i].state == BRN_RUN_DIVERGED) ++diverged, first = first < 0 ? i : first;
    if (!diverged) return BRN_OK;
    return cli_fail(BRN_ERR_DIVERGED, "%d of %d runs diverged, first %s: %s; all others are done", diverged, s->count,
                    brn_sweep_name(s->sweep, first), s->run[first].reason);
}

static brn_status run_sweep(cli_sweep *s)
{
    const cli_args *args = s->args;
    uint64_t task;
    brn_status status = cli_option_number(args, "--task", 0, BRN_SWEEP_MAX, 0, &task);
    if (status != BRN_OK) return status;
    if (cli_option_value(args, "--task")) {
        if (task >= (uint64_t)s->count)
            return cli_fail(BRN_ERR_USAGE, "sweep: there is no task %d, the runs are 0 to %d", (int)task, s->count - 1);
        status = read_run(s, (int)task);
        return status == BRN_OK ? cli_sweep_task(s, (int)task) : status;
    }
    for (int i = 0; i < s->count && status == BRN_OK; ++i) status = read_run(s, i);
    if (status == BRN_OK && cli_option_value(args, "--dry-run")) return print_state(s);
    if (status == BRN_OK) status = brn_sweep_save(s->sweep);
    if (status != BRN_OK) return status;
    if (cli_option_value(args, "--slurm")) return cli_sweep_slurm(s);
    status = cli_sweep_local(s);
    if (status == BRN_OK) status = print_state(s);
    return status == BRN_OK ? check_diverged(s) : status;
}

static brn_status run(const cli_args *args)
{
    cli_sweep s = {.args = args};
    cli_catch_signals();
    brn_status status = open_sweep(&s, args);
    if (status == BRN_OK) {
        s.count = brn_sweep_count(s.sweep);
        s.run = calloc((size_t)s.count + 1, sizeof *s.run);
        status = s.run ? run_sweep(&s) : cli_fail(BRN_ERR_MEMORY, "out of memory for %d runs", s.count);
    }
    free(s.run);
    brn_sweep_free(s.sweep);
    return status;
}

const cli_command cli_sweep_command = {
    .name = "sweep",
    .positional = "[DIR]",
    .summary = "Train every combination of several values of settings, or go on with that.",
    .most = 1,
    .settings = cli_all_settings,
    .details =
        "Values: A,B,C several; 0..4 whole numbers from 0 to 4; [64,64],[128,128] values that hold commas (widths are one\n"
        "value without brackets); \"a,b.npy\" texts. preset=hd,hd-paper is a key like any other; data.dir=DIR data.n=2,4\n"
        "means the benchmark pairs DIR/hd_2.safetensors and so on.\n"
        "\n"
        "out=DIR (or DIR alone) receives sweep.json, which records the grid, and one run folder per combination, named by\n"
        "what differs. The same command, or brenier sweep out=DIR, goes on: finished runs are not run again, stopped ones\n"
        "continue, failed ones are tried again; another grid in the same folder adds runs. SIGINT and SIGTERM let the\n"
        "running ones save and stop. Diverged runs are results: they are not tried again, and the exit code is then 4.\n"
        "Remove a run's folder to train it anew.\n"
        "As many run at once as cores and memory allow, with the cores divided among them (threads=T: T for each).\n"
        "\n"
        "--slurm writes DIR/sweep.sbatch, an array job with one task per run that is not finished, and submits it.\n",
    .examples = "  brenier sweep preset=hd data.dir=pairs data.n=2,4,16 potential.kind=mlp,icnn seed=0..2 out=runs/grid\n"
                "  brenier sweep preset=hd-paper data.dir=pairs data.n=2,4 potential.kind=icnn,mlp conjugate.solver=lbfgs,adam\n"
                "    train.loss=cycle,cycle_finetune,objective,objective_finetune,regression seed=0..2 out=runs/paper --dry-run\n"
                "  brenier sweep mine.yaml 'potential.hidden=[64,64],[128,128]' --jobs 4 threads=2 out=runs/widths\n"
                "  brenier sweep out=runs/grid\n"
                "  brenier sweep out=runs/grid --slurm --partition gpu --time 02:00:00 --sbatch '--gres=gpu:1' device=cuda:0\n"
                "  brenier table runs/grid\n",
    .run = run,
    .options = {{"--jobs", "N", "runs at once (with --slurm: tasks at once)", false},
                {"--dry-run", NULL, "list the runs and how they stand, and do nothing", false},
                {"--slurm", NULL, "submit an array job instead of running here", false},
                {"--partition", "NAME", "of the job", false},
                {"--time", "LIMIT", "of each task", false},
                {"--sbatch", "ARGUMENTS", "further arguments of sbatch, separated by blanks", false},
                {"--task", "I", "run number I of DIR alone, in this process", false},
                {"--report", NULL, "with --task: progress as lines of numbers on the standard output", false},
                {"--quiet", NULL, "show no progress", false},
                {"--json", NULL, "print the runs as JSON", false}},
};
