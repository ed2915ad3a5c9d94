/* brenier convert: the published benchmark pairs, from a clone of their repository. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };
static const char *const settings_taken[] = {"threads", NULL};

/* "2,4,16" */
static brn_status read_list(const char *text, int *n, int *count)
{
    const char *at = text;
    for (*count = 0; *count < MOST; ++at) {
        char *end = (char *)at;
        const long value = *at >= '0' && *at <= '9' ? strtol(at, &end, 10) : 0;
        if (end == at || value < 1 || value > 4096) break;
        n[(*count)++] = (int)value;
        at = end;
        if (!*at) return BRN_OK;
        if (*at != ',') break;
    }
    return cli_fail(BRN_ERR_USAGE, "convert: --n takes dimensions as in 2,4,16, found \"%.80s\"", text);
}

static brn_status choose(const cli_args *args, int *n, int *count)
{
    const char *list = cli_option_value(args, "--n");
    if (list) return read_list(list, n, count);
    const brn_status status = brn_benchmark_list(args->positional[0], n, MOST, count);
    if (*count > MOST) *count = MOST;
    return status;
}

static brn_status run(const cli_args *args)
{
    int n[MOST], count = 0;
    brn_settings settings;
    char path[BRN_PATH_MAX + 64];
    const char *out = cli_option_value(args, "--out");
    if (!out) out = ".";
    if (strlen(out) >= BRN_PATH_MAX) return cli_fail(BRN_ERR_USAGE, "--out %.80s...: the path is too long", out);
    cli_catch_signals();
    brn_status status = cli_resolve_settings(args, &settings);
    if (status == BRN_OK) status = choose(args, n, &count);
    for (int i = 0; i < count && status == BRN_OK; ++i) {
        if (cli_signal) return cli_fail(BRN_ERR_STOPPED, "stopped; %d of %d pairs were converted", i, count);
        snprintf(path, sizeof path, "%s/hd_%d.safetensors", out, n[i]);
        status = brn_benchmark_convert(args->positional[0], n[i], settings.threads, path);
        if (status == BRN_OK) printf("%s\n", path), fflush(stdout);
    }
    return status;
}

const cli_command cli_convert = {
    .name = "convert",
    .positional = "CLONE",
    .summary = "Convert the published benchmark's checkpoints into pair files.",
    .least = 1,
    .most = 1,
    .settings = settings_taken,
    .details = "CLONE is a clone of https://github.com/iamalexkorotin/Wasserstein2Benchmark, or its folder\n"
               "benchmarks/Mix3toMix10. For every dimension hd_<n>.safetensors and hd_<n>_eval.safetensors are written. The\n"
               "checkpoints are pickles: they are read without running anything in them, and one that names anything but\n"
               "tensors in an ordered dictionary is refused. Checkpoints kept by Git LFS must have been pulled.\n",
    .examples = "  git clone https://github.com/iamalexkorotin/Wasserstein2Benchmark\n"
                "  brenier convert Wasserstein2Benchmark --out pairs\n"
                "  brenier convert Wasserstein2Benchmark --n 2,64 --out pairs\n",
    .run = run,
    .options = {{"--out", "DIR", "an existing folder, this one if not given", false}, {"--n", "LIST", "dimensions, as in 2,4,16; all that are there if not given", false}},
};
