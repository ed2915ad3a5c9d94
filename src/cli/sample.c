/* brenier sample: rows of a measure into a file. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const settings_taken[] = {"device", "threads", "data.", NULL};

static brn_status find_side(const char *name, brn_side *side)
{
    if (strcmp(name, "source") && strcmp(name, "target"))
        return cli_fail(BRN_ERR_USAGE, "sample: expected source or target, found \"%.40s\"", name);
    *side = name[0] == 's' ? BRN_SOURCE : BRN_TARGET;
    return BRN_OK;
}

static brn_status sample_rows(brn_pair *pair, brn_side side, uint64_t seed, uint64_t count, const char *path)
{
    int n = brn_pair_dim(pair);
    size_t chunk = cli_chunk_rows(n);
    brn_table_writer *out = NULL;
    float *rows = malloc(chunk * (size_t)n * sizeof *rows);
    if (!rows) return cli_fail(BRN_ERR_MEMORY, "out of memory for %zu rows of dimension %d", chunk, n);
    brn_status status = brn_table_create(&out, path, n, NULL);
    for (uint64_t done = 0; status == BRN_OK && done < count; done += chunk) {
        size_t now = count - done < chunk ? (size_t)(count - done) : chunk;
        status = cli_check_signal();
        if (status == BRN_OK) status = brn_pair_sample(pair, side, seed, done, now, rows);
        if (status == BRN_OK) status = brn_table_write(out, rows, now);
    }
    if (status == BRN_OK)
        status = brn_table_commit(out);
    else
        brn_table_discard(out);
    free(rows);
    return status;
}

static brn_status list_pairs(void)
{
    const char *name, *meaning;
    for (int i = 0; i < brn_pair_builtin_count(); ++i) {
        brn_status status = brn_pair_builtin(i, &name, &meaning);
        if (status != BRN_OK) return status;
        printf("%-20s %s\n", name, meaning);
    }
    return BRN_OK;
}

static brn_status run(const cli_args *args)
{
    brn_settings settings;
    brn_device *device = NULL;
    brn_pair *pair = NULL;
    brn_side side = BRN_SOURCE;
    uint64_t count, seed;
    if (cli_option_value(args, "--list")) return list_pairs();
    const char *out = cli_option_value(args, "--out");
    cli_catch_signals();
    if (args->positional_count != 2 || !out)
        return cli_fail(BRN_ERR_USAGE,
                        "sample needs PAIR, source or target, and --out FILE; see brenier sample --help");
    brn_status status = find_side(args->positional[1], &side);
    if (status == BRN_OK) status = cli_option_number(args, "--n", 1, (uint64_t)1 << 40, 1000, &count);
    if (status == BRN_OK) status = cli_option_number(args, "--seed", 0, UINT64_MAX, 0, &seed);
    if (status == BRN_OK) status = cli_resolve_settings(args, &settings);
    if (status == BRN_OK) status = brn_settings_set(&settings, "data.pair", args->positional[0]);
    if (status == BRN_OK) status = cli_open_device(&device, &settings, false);
    if (status == BRN_OK) status = brn_pair_open(&pair, device, &settings);
    if (status == BRN_OK) status = sample_rows(pair, side, seed, count, out);
    brn_pair_close(pair);
    brn_device_close(device);
    return status;
}

const cli_command cli_sample = {
    .name = "sample",
    .positional = "PAIR source|target",
    .summary = "Write samples of a built-in pair or of a benchmark file.",
    .most = 2,
    .settings = settings_taken,
    .details = "PAIR is a built-in pair (--list shows them) or the safetensors file of a benchmark pair.\n",
    .examples = "  brenier sample --list\n"
                "  brenier sample gauss8 source --n 1000 --seed 1 --out x.npy\n"
                "  brenier sample gaussian target data.n=5 --out y.csv\n",
    .run = run,
    .options = {{"--out", "FILE", "where to write: .npy, .npz or .csv", false},
                {"--n", "N", "number of samples, 1000 if not given", false},
                {"--seed", "S", "seed, 0 if not given", false},
                {"--list", NULL, "list the built-in pairs", false}},
};
