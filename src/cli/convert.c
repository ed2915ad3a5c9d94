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

/* What to convert. */
typedef struct {
    int n[MOST], count;
    brn_celeba pair[BRN_CELEBA_PAIRS];
    int pairs;
} choice;

/* "early,late" */
static brn_status read_pairs(const char *text, choice *c)
{
    const char *at = text;
    for (c->pairs = 0; c->pairs < BRN_CELEBA_PAIRS; ++at) {
        size_t length = 0;
        int k = 0;
        for (; k < BRN_CELEBA_PAIRS; ++k) {
            length = strlen(brn_celeba_name((brn_celeba)k));
            if (!strncmp(at, brn_celeba_name((brn_celeba)k), length)) break;
        }
        if (k == BRN_CELEBA_PAIRS) break;
        c->pair[c->pairs++] = (brn_celeba)k;
        at += length;
        if (!*at) return BRN_OK;
        if (*at != ',') break;
    }
    return cli_fail(BRN_ERR_USAGE, "convert: --celeba takes pairs as in early,mid,late, found \"%.80s\"", text);
}

/* What the options name, without any all that is there; a folder has one kind of checkpoints or both. */
static brn_status choose(const cli_args *args, choice *c)
{
    const char *list = cli_option_value(args, "--n"), *pairs = cli_option_value(args, "--celeba"), *clone = args->positional[0];
    brn_status status = BRN_OK;
    if (list) status = read_list(list, c->n, &c->count);
    if (pairs && status == BRN_OK) status = read_pairs(pairs, c);
    if (list || pairs) return status;
    const bool photographs = brn_benchmark_celeba_list(clone, c->pair, &c->pairs) == BRN_OK;
    status = brn_benchmark_list(clone, c->n, MOST, &c->count);
    if (status != BRN_OK && photographs) c->count = 0;
    if (c->count > MOST) c->count = MOST;
    return photographs ? BRN_OK : status;
}

static brn_status convert(const char *clone, const char *out, const choice *c, int i, int threads)
{
    char path[BRN_PATH_MAX + 64];
    if (i < c->count) snprintf(path, sizeof path, "%s/hd_%d.safetensors", out, c->n[i]);
    else snprintf(path, sizeof path, "%s/celeba_%s.safetensors", out, brn_celeba_name(c->pair[i - c->count]));
    const brn_status status = i < c->count ? brn_benchmark_convert(clone, c->n[i], threads, path)
                                           : brn_benchmark_celeba_convert(clone, c->pair[i - c->count], path);
    if (status == BRN_OK) printf("%s\n", path), fflush(stdout);
    return status;
}

static brn_status run(const cli_args *args)
{
    choice c = {0};
    brn_settings settings;
    const char *out = cli_option_value(args, "--out");
    if (!out) out = ".";
    if (strlen(out) >= BRN_PATH_MAX) return cli_fail(BRN_ERR_USAGE, "--out %.80s...: the path is too long", out);
    cli_catch_signals();
    brn_status status = cli_resolve_settings(args, &settings);
    if (status == BRN_OK) status = choose(args, &c);
    for (int i = 0; i < c.count + c.pairs && status == BRN_OK; ++i) {
        if (cli_signal) return cli_fail(BRN_ERR_STOPPED, "stopped; %d of %d pairs were converted", i, c.count + c.pairs);
        status = convert(args->positional[0], out, &c, i, settings.threads);
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
               "benchmarks/Mix3toMix10 or benchmarks/CelebA64. For every dimension hd_<n>.safetensors and hd_<n>_eval.safetensors\n"
               "are written, for every pair of photographs celeba_early.safetensors, celeba_mid and celeba_late, some 200 MB\n"
               "each. The checkpoints are pickles: they are read without running anything in them, and one that names anything but\n"
               "tensors in an ordered dictionary is refused. Checkpoints kept by Git LFS must have been pulled.\n",
    .examples = "  git clone https://github.com/iamalexkorotin/Wasserstein2Benchmark\n"
                "  brenier convert Wasserstein2Benchmark --out pairs\n"
                "  brenier convert Wasserstein2Benchmark --n 2,64 --out pairs\n"
                "  brenier convert Wasserstein2Benchmark --celeba early --out pairs\n"
                "  brenier train preset=images data.pair=pairs/celeba_early.safetensors\n",
    .run = run,
    .options = {{"--out", "DIR", "an existing folder, this one if not given", false}, {"--n", "LIST", "dimensions, as in 2,4,16; with neither option all that is there", false},
                {"--celeba", "LIST", "pairs of photographs, as in early,mid,late", false}},
};
