/* brenier table: scores of many runs in the published layout. */
#include "cli.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs that are finished, but were ended before they were scored, or come from another version. */
static brn_status score_runs(brn_results *results, const cli_args *args)
{
    brn_device *device = NULL;
    brn_status status = BRN_OK;
    for (int i = 0; i < brn_results_count(results) && status == BRN_OK; ++i) {
        brn_run *run = brn_results_run(results, i);
        if (run->state != BRN_RUN_FINISHED || run->scored) continue;
        brn_settings settings = run->settings;
        status = brn_settings_assign(&settings, args->assignment_count, args->assignments);
        if (status == BRN_OK && !device) status = cli_open_device(&device, &settings, false);
        if (status == BRN_OK) fprintf(stderr, "scoring %s\n", run->folder);
        if (status == BRN_OK) status = brn_run_score(run, device);
    }
    brn_device_close(device);
    return status;
}

static brn_status check_complete(const brn_results *results)
{
    char first[1024] = "";
    int left = 0, count = brn_results_count(results);
    for (int i = 0; i < count; ++i)
        if (!brn_results_counts(results, i) && !left++) brn_results_standing(results, i, first, sizeof first);
    if (!left) return BRN_OK;
    return cli_fail(BRN_ERR_INPUT, "%d of %d runs are not in the means, first %s (--partial: accept that)", left, count, first);
}

static brn_status print_table(const cli_args *args, brn_metric metric, brn_table_format format)
{
    brn_results *results;
    char *text = NULL;
    brn_status status = brn_results_open(&results, args->positional_count, args->positional);
    if (status != BRN_OK) return status;
    status = score_runs(results, args);
    if (status == BRN_OK) status = brn_results_table(results, metric, format, &text);
    if (status == BRN_OK) fputs(text, stdout);
    if (status == BRN_OK && !cli_option_value(args, "--partial")) status = check_complete(results);
    free(text);
    brn_results_free(results);
    return status;
}

static brn_status print_published(brn_table_format format)
{
    char *text;
    const brn_status status = brn_published_table(format, &text);
    if (status != BRN_OK) return status;
    fputs(text, stdout);
    free(text);
    return BRN_OK;
}

static brn_status run(const cli_args *args)
{
    const char *metric_name = cli_option_value(args, "--metric"), *format_name = cli_option_value(args, "--format");
    brn_metric metric = BRN_METRIC_FORWARD;
    brn_table_format format = BRN_TABLE_MARKDOWN;
    brn_status status = metric_name ? brn_metric_find(metric_name, &metric) : BRN_OK;
    if (status == BRN_OK && format_name) status = brn_table_format_find(format_name, &format);
    if (status != BRN_OK) return status;
    if (cli_option_value(args, "--published")) {
        if (args->positional_count) return cli_fail(BRN_ERR_USAGE, "table: --published prints the published values alone, found %.200s too", args->positional[0]);
        return print_published(format);
    }
    if (!args->positional_count) return cli_fail(BRN_ERR_USAGE, "table needs DIR...; see brenier table --help");
    return print_table(args, metric, format);
}

const cli_command cli_table = {
    .name = "table",
    .positional = "DIR...",
    .summary = "Mean and deviation over seeds of many runs, in the layout of the published tables.",
    .most = INT_MAX,
    .settings = cli_device_settings,
    .details = "DIR is a sweep, a run folder, or a folder of such. Rows are potential, amortization and conjugate solver, and\n"
               "whatever else differs; columns are pairs. Where the forward L2-UVP of a benchmark pair (hd_<n>.safetensors) is\n"
               "shown, the published value stands behind a stroke and the better one is bold. Runs that are not finished or\n"
               "diverged are counted in their cells and named below; the exit code is then 3, unless --partial is given.\n"
               "Finished runs without scores are evaluated, on their own device unless device= names another.\n"
               "Metrics: forward, inverse (L2-UVP), cosine, cosine-inverse, dual, sinkhorn, seconds, evaluations.\n",
    .examples = "  brenier table runs/grid\n"
                "  brenier table runs/grid --format latex --partial\n"
                "  brenier table runs/grid runs/more --metric seconds --format csv\n"
                "  brenier table --published --format csv\n",
    .run = run,
    .options = {{"--format", "md|csv|latex", "default md", false},
                {"--metric", "NAME", "what to compare; default forward", false},
                {"--partial", NULL, "runs without a score are no failure", false},
                {"--published", NULL, "the published values alone", false}},
};
