/* brenier selftest: what the devices compute, beside the double-precision oracle. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DEVICES_MOST = 64 };

/* One device's report. */
typedef struct report {
    bool json;
    cJSON *results;  /* with json */
    char group[16];  /* last printed */
    int on_device;   /* times by the device's clock */
} report;

static const char *const verdicts[] = {"holds", "FAILS", "unsupported"};

static void print_number(double value, const char *format, int width)
{
    char text[32] = "-";
    if (isfinite(value)) snprintf(text, sizeof text, format, value);
    printf(" %*s", width, text);
}

static void print_time(double seconds)
{
    const char *unit = seconds < 1e-3 ? "us" : seconds < 1 ? "ms" : "s";
    char text[32] = "-";
    if (isfinite(seconds)) snprintf(text, sizeof text, "%.3g %s", seconds * (seconds < 1e-3 ? 1e6 : seconds < 1 ? 1e3 : 1), unit);
    printf(" %10s", text);
}

static void print_result(report *r, const brn_selftest_result *x)
{
    if (strcmp(r->group, x->group)) {
        snprintf(r->group, sizeof r->group, "%s", x->group);
        printf("  %s\n", x->group);
    }
    printf("    %-20s", x->operation);
    print_number(100 * x->share, "%.0f %%", 7);
    print_time(x->seconds);
    print_number(x->gflops, "%.3g", 9);
    print_number(x->gbytes, "%.3g", 8);
    printf("   %s\n", *x->size ? x->size : x->share == 0 ? "identical" : "");
    if (x->verdict != BRN_SELFTEST_HOLDS) printf("    %-20s %s: %s\n", "", verdicts[x->verdict], x->note);
    fflush(stdout);
}

static void add_result(report *r, const brn_selftest_result *x)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "group", x->group);
    cJSON_AddStringToObject(item, "operation", x->operation);
    cJSON_AddStringToObject(item, "size", x->size);
    cli_json_number(item, "cases", x->cases);
    cli_json_number(item, "share", x->share);
    cli_json_number(item, "seconds", x->seconds);
    cJSON_AddStringToObject(item, "clock", x->on_device ? "device" : "host");
    cli_json_number(item, "gflops", x->gflops);
    cli_json_number(item, "gbytes", x->gbytes);
    cJSON_AddStringToObject(item, "verdict", verdicts[x->verdict]);
    cJSON_AddStringToObject(item, "note", x->note);
    cJSON_AddItemToArray(r->results, item);
}

static bool on_result(void *user, const brn_selftest_result *x)
{
    report *r = user;
    r->on_device += x->on_device;
    if (r->json) add_result(r, x);
    else print_result(r, x);
    return !cli_signal;
}

static void print_summary(const char *device, const report *r, const brn_selftest_summary *s)
{
    if (r->on_device) printf("  times of operations are by the device's own clock\n");
    if (s->trained) {
        printf("  after 50 steps the parameters are %.1e of their way from those of host:f64 (allowed %.0e); L2-UVP %.3f %%, %.3f %% there\n",
               s->distance, s->distance_limit, s->l2_uvp, s->oracle_l2_uvp);
        if (s->counted)
            printf("  one training step: %.0f launches, %.0f products, %.1f submissions, %.1f waits for the driver, %.1f of them outside the solver\n",
                   s->launches_per_step, s->products_per_step, s->submissions_per_step, s->waits_per_step, s->waits_per_step_outside);
    }
    printf("%s: %s; %d operations, %d cases, %d failed, %d unsupported, largest error %.0f %% of the tolerance%s%s, %.1f s\n\n", device,
           s->holds ? "ALL HOLD" : "DOES NOT HOLD", s->operations, s->cases, s->failed, s->unsupported, 100 * s->worst, *s->worst_operation ? ": " : "",
           s->worst_operation, s->seconds);
}

static void add_summary(cJSON *item, const brn_selftest_summary *s)
{
    cJSON_AddBoolToObject(item, "holds", s->holds);
    cli_json_number(item, "operations", s->operations);
    cli_json_number(item, "cases", s->cases);
    cli_json_number(item, "failed", s->failed);
    cli_json_number(item, "unsupported", s->unsupported);
    cli_json_number(item, "worst", s->worst);
    cJSON_AddStringToObject(item, "worst_operation", s->worst_operation);
    cli_json_number(item, "seconds", s->seconds);
    if (!s->trained) return;
    cli_json_number(item, "distance", s->distance);
    cli_json_number(item, "distance_limit", s->distance_limit);
    cli_json_number(item, "l2_uvp", s->l2_uvp);
    cli_json_number(item, "oracle_l2_uvp", s->oracle_l2_uvp);
    cli_json_number(item, "step_seconds", s->step_seconds);
    cli_json_number(item, "launches_per_step", s->counted ? s->launches_per_step : NAN);
    cli_json_number(item, "products_per_step", s->counted ? s->products_per_step : NAN);
    cli_json_number(item, "submissions_per_step", s->counted ? s->submissions_per_step : NAN);
    cli_json_number(item, "waits_per_step", s->counted ? s->waits_per_step : NAN);
    cli_json_number(item, "waits_per_step_outside", s->counted ? s->waits_per_step_outside : NAN);
    cli_json_number(item, "solve_rows", s->solve_rows);
    cli_json_number(item, "solve_converged", s->stops[BRN_CONJUGATE_CONVERGED]);
    cli_json_number(item, "argmin", s->argmin);
    cli_json_number(item, "gtol", s->gtol);
}

/* One device: its part of the report is complete whatever happens. *holds is cleared where it does not. */
static brn_status test_device(const brn_device_info *info, cJSON *tree, bool *holds)
{
    brn_device *device;
    brn_selftest_summary s = {0};
    report r = {.json = tree != NULL, .results = tree ? cJSON_AddArrayToObject(tree, "results") : NULL};
    if (!tree)
        printf("%s  %s\n  %-22s %7s %10s %9s %8s   %s\n", info->name, info->description, "operation", "error", "time", "GFLOP/s", "GB/s",
               "where the error is largest");
    brn_status status = brn_device_open(&device, info->name, 0);
    if (status == BRN_OK) {
        status = brn_selftest(device, on_result, &r, &s);
        brn_device_close(device);
    }
    if (status == BRN_ERR_STOPPED) return status;
    *holds = *holds && status == BRN_OK && s.holds;
    if (tree) {
        cJSON_AddStringToObject(tree, "reason", status == BRN_OK ? "" : brn_last_error());
        add_summary(tree, &s);
    } else if (status == BRN_OK)
        print_summary(info->name, &r, &s);
    else
        printf("%s: DOES NOT HOLD; %s\n\n", info->name, brn_last_error());
    return BRN_OK;
}

static brn_status visit(const brn_device_info *info, cJSON *list, bool *holds)
{
    cJSON *item = list ? cJSON_CreateObject() : NULL;
    if (item) {
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "device", info->name);
        cJSON_AddStringToObject(item, "description", info->description);
        cJSON_AddBoolToObject(item, "available", info->available);
    }
    if (info->available) return test_device(info, item, holds);
    if (item) cJSON_AddStringToObject(item, "reason", info->reason);
    else printf("%s: not tested, not usable here: %s\n\n", info->name, info->reason);
    return BRN_OK;
}

static brn_status run(const cli_args *args)
{
    brn_device_info info[DEVICES_MOST];
    int count, visited = 0;
    bool holds = true;
    const char *wanted = cli_option_value(args, "--device");
    const bool json = cli_option_value(args, "--json"), all = !wanted || !strcmp(wanted, "all");
    brn_status status = brn_device_list(info, DEVICES_MOST, &count);
    cJSON *list = json ? cJSON_CreateArray() : NULL;
    cli_catch_signals();
    for (int i = 0; i < count && i < DEVICES_MOST && status == BRN_OK; ++i) {
        if (!all && strcmp(wanted, info[i].name)) continue;
        if (!all && !info[i].available) status = cli_fail(BRN_ERR_DEVICE, "device %s cannot be used: %s", info[i].name, info[i].reason);
        if (status == BRN_OK) status = visit(&info[i], list, &holds);
        ++visited;
    }
    if (status == BRN_OK && !visited) { /* the list knows no such name: the library says which ones it knows */
        brn_device *device;
        status = brn_device_open(&device, wanted, 1);
        if (status == BRN_OK) {
            snprintf(info->name, sizeof info->name, "%s", brn_device_name(device));
            brn_device_close(device);
            info->available = true;
            status = visit(info, list, &holds);
        }
    }
    if (status != BRN_OK) cJSON_Delete(list);
    else if (json) status = cli_print_json(list);
    if (status == BRN_ERR_STOPPED) return cli_fail(status, "stopped");
    if (status == BRN_OK && !holds) return cli_fail(BRN_ERR_DEVICE, "selftest: not every device computes what it should; see the lines that say so");
    return status;
}

const cli_command cli_selftest = {
    .name = "selftest",
    .positional = "",
    .summary = "Prove on this machine that its devices compute what they should.",
    .details =
        "Every kernel, product, network pass, optimizer and sampler runs at odd sizes on the device and on host:f64, the\n"
        "double-precision oracle, then a short training and a conjugate solve. Errors are in percent of the tolerance\n"
        "8 eps sqrt(terms of a sum) max|reference|, times and rates those of one call with 1024 rows on one queue.\n"
        "Exit code 0 only if everything holds on every device that is here, else 5.\n",
    .examples = "  brenier selftest\n"
                "  brenier selftest --device host\n"
                "  brenier selftest --device opencl:0 --json >report.json\n",
    .run = run,
    .options = {{"--device", "all|NAME", "the devices to test; all if not given", false}, {"--json", NULL, "print JSON", false}},
};
