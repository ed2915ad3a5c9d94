/* brenier benchmark make: a pair whose optimal map is known. */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const settings_taken[] = {"n", "seed", "out", "runs", "device", "threads", "train.", "amortizer.", "conjugate.", "eval.", NULL};

typedef struct job {
    brn_settings settings;
    char out[BRN_PATH_MAX];
    cli_progress progress;
    bool quiet;
    int part;
} job;

/* The last "key=value" of a key that is no setting of the library. */
static const char *own_value(const cli_args *args, const char *key)
{
    const char *value = NULL;
    const size_t length = strlen(key);
    for (int i = 0; i < args->assignment_count; ++i)
        if (!strncmp(args->assignments[i], key, length) && args->assignments[i][length] == '=') value = args->assignments[i] + length + 1;
    return value;
}

static bool is_own(const char *assignment)
{
    static const char *const keys[] = {"n=", "out=", "runs="};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i)
        if (!strncmp(assignment, keys[i], strlen(keys[i]))) return true;
    return false;
}

static brn_status take_number(const cli_args *args, const char *key, unsigned long long most, bool needed, unsigned long long *number)
{
    const char *text = own_value(args, key);
    char *end;
    *number = 0;
    if (!text && !needed) return BRN_OK;
    if (!text) return cli_fail(BRN_ERR_USAGE, "benchmark make needs %s=...", key);
    *number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || *number > most)
        return cli_fail(BRN_ERR_USAGE, "benchmark make: %s takes a whole number up to %llu, found \"%.40s\"", key, most, text);
    return BRN_OK;
}

/* hd_<n>.safetensors, and beside it the folder hd_<n>_runs of the two trainings. */
static brn_status choose_places(const cli_args *args, job *j)
{
    static const char ending[] = ".safetensors";
    const char *out = own_value(args, "out"), *runs = own_value(args, "runs");
    if (out && strlen(out) > BRN_PATH_MAX - 64) return cli_fail(BRN_ERR_USAGE, "out=%.80s...: the path is too long", out);
    if (out) snprintf(j->out, sizeof j->out, "%s", out);
    else snprintf(j->out, sizeof j->out, "hd_%d%s", j->settings.data.n, ending);
    const size_t length = strlen(j->out), end = sizeof ending - 1;
    if (length <= end || strcmp(j->out + length - end, ending))
        return cli_fail(BRN_ERR_USAGE, "benchmark make: out=%.200s: expected a name that ends in %s", j->out, ending);
    if (runs && strlen(runs) > BRN_PATH_MAX - 64) return cli_fail(BRN_ERR_USAGE, "runs=%.80s...: the path is too long", runs);
    if (runs) snprintf(j->settings.out, sizeof j->settings.out, "%s", runs);
    else snprintf(j->settings.out, sizeof j->settings.out, "%.*s_runs", (int)(length - end), j->out);
    return BRN_OK;
}

static brn_status choose_settings(const cli_args *args, job *j)
{
    unsigned long long n, seed;
    const char **rest = calloc((size_t)args->assignment_count + 1, sizeof *rest);
    int count = 0;
    if (!rest) return cli_fail(BRN_ERR_MEMORY, "out of memory");
    for (int i = 0; i < args->assignment_count; ++i)
        if (!is_own(args->assignments[i])) rest[count++] = args->assignments[i];
    brn_status status = take_number(args, "n", 4096, true, &n);
    if (status == BRN_OK) status = take_number(args, "seed", UINT32_MAX, false, &seed);
    if (status == BRN_OK) status = brn_benchmark_settings(&j->settings, (int)n, seed);
    if (status == BRN_OK) status = brn_settings_assign(&j->settings, count, rest);
    if (status == BRN_OK) status = choose_places(args, j);
    free(rest);
    return status;
}

static bool show(void *user, int part, const brn_progress *p)
{
    job *j = user;
    if (part != j->part) {
        cli_progress_finish(&j->progress);
        cli_progress_init(&j->progress, j->quiet);
        if (!j->quiet) fprintf(stderr, "network %d of 2\n", part);
        j->part = part;
    }
    return cli_progress_step(&j->progress, p);
}

static brn_status print_report(const job *j, const brn_benchmark_report *r, bool json)
{
    if (!json) {
        printf("pair                 %s (n = %d, made by brenier, not a published pair)\n", j->out, r->n);
        for (int k = 0; k < 2; ++k)
            printf("network %d            %lld steps, dual objective %.6g, Sinkhorn divergence %.4g to its mixture (two samples of it: %.4g)\n",
                   k + 1, (long long)r->part[k].steps, r->part[k].dual, r->part[k].sinkhorn, r->part[k].sinkhorn_reference);
        printf("linear map           L2-UVP forward %.2f %%, inverse %.2f %%\nidentity             L2-UVP forward %.2f %%\n", r->linear_forward,
               r->linear_inverse, r->identity_forward);
        return BRN_OK;
    }
    cJSON *tree = cJSON_CreateObject(), *parts = cJSON_AddArrayToObject(tree, "networks");
    cJSON_AddStringToObject(tree, "out", j->out);
    cJSON_AddStringToObject(tree, "origin", "made by brenier, not a published pair");
    cli_json_number(tree, "n", r->n);
    for (int k = 0; k < 2; ++k) {
        cJSON *part = cJSON_CreateObject();
        cli_json_number(part, "steps", (double)r->part[k].steps);
        cli_json_number(part, "dual_objective", r->part[k].dual);
        cli_json_number(part, "w2", r->part[k].w2);
        cli_json_number(part, "sinkhorn", r->part[k].sinkhorn);
        cli_json_number(part, "sinkhorn_reference", r->part[k].sinkhorn_reference);
        cJSON_AddItemToArray(parts, part);
    }
    cli_json_number(tree, "linear_l2_uvp_forward", r->linear_forward);
    cli_json_number(tree, "linear_l2_uvp_inverse", r->linear_inverse);
    cli_json_number(tree, "identity_l2_uvp_forward", r->identity_forward);
    return cli_print_json(tree);
}

static brn_status run(const cli_args *args)
{
    job j = {.quiet = cli_option_value(args, "--quiet") != NULL};
    brn_device *device = NULL;
    brn_benchmark_report report;
    if (strcmp(args->positional[0], "make"))
        return cli_fail(BRN_ERR_USAGE, "benchmark: unknown action %.80s; did you mean make?", args->positional[0]);
    cli_catch_signals();
    brn_status status = choose_settings(args, &j);
    if (status == BRN_OK) status = cli_open_device(&device, &j.settings, j.quiet);
    if (status == BRN_OK) status = brn_benchmark_make(device, &j.settings, j.out, show, &j, &report);
    if (j.part) cli_progress_finish(&j.progress);
    cli_release_signals();
    brn_device_close(device);
    if (status == BRN_ERR_STOPPED)
        return cli_fail(status, "stopped at step %lld of network %d; the same command continues", (long long)j.progress.last.step, j.part);
    return status == BRN_OK ? print_report(&j, &report, cli_option_value(args, "--json")) : status;
}

const cli_command cli_benchmark = {
    .name = "benchmark",
    .positional = "make",
    .summary = "Make a benchmark pair whose optimal map is known.",
    .least = 1,
    .most = 1,
    .settings = settings_taken,
    .details = "Two input-convex networks are trained from a mixture of three Gaussians to two mixtures of ten; the gradient of\n"
               "their sum, standardised, is the optimal map of the pair (the construction of Korotin et al. 2021). Written are\n"
               "out=FILE.safetensors, to be used as data.pair=FILE.safetensors, and FILE_eval.safetensors with 4096 points, their\n"
               "images and the potentials in double precision. n=N is the dimension; seed=0 takes the mixtures of the published\n"
               "pairs. The trainings stand in runs=DIR (FILE_runs); the same command continues a stopped one.\n",
    .examples = "  brenier benchmark make n=256 out=hd_256.safetensors\n"
                "  brenier benchmark make n=3 seed=7 train.steps=2000 out=mine/hd_3.safetensors\n"
                "  brenier info hd_256.safetensors\n"
                "  brenier train data.pair=hd_256.safetensors\n",
    .run = run,
    .options = {{"--quiet", NULL, "show no progress", false}, {"--json", NULL, "print the result as JSON", false}},
};
