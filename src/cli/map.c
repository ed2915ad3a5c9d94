/* brenier map: the map or its inverse at the rows of a file, a chunk at a time. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct buffers {
    float *x, *y;
    brn_conjugate_row *rows;
} buffers;

static brn_status map_chunks(brn_model *model, bool inverse, brn_table *in, brn_table_writer *out, buffers *b,
                             size_t chunk, cli_tally *tally)
{
    size_t got;
    for (;;) {
        brn_status status = cli_check_signal();
        if (status == BRN_OK) status = brn_table_read(in, b->x, NULL, chunk, &got);
        if (status != BRN_OK || got == 0) return status;
        status = inverse ? brn_model_inverse(model, b->x, got, b->y, b->rows)
                         : brn_model_map(model, b->x, got, b->y);
        if (status != BRN_OK) return status;
        if (inverse) cli_tally_add(tally, b->rows, got);
        status = brn_table_write(out, b->y, got);
        if (status != BRN_OK) return status;
    }
}

static brn_status map_file(cli_session *s, const cli_args *args, cli_tally *tally)
{
    int n = brn_model_dim(s->model);
    size_t chunk = cli_chunk_rows(n);
    bool inverse = cli_option_value(args, "--inverse");
    brn_table *in = NULL;
    brn_table_writer *out = NULL;
    buffers b = {malloc(chunk * (size_t)n * sizeof *b.x), malloc(chunk * (size_t)n * sizeof *b.y),
                 malloc(chunk * sizeof *b.rows)};
    brn_status status = BRN_OK;
    if (!b.x || !b.y || !b.rows)
        status = cli_fail(BRN_ERR_MEMORY, "out of memory for %zu rows of dimension %d", chunk, n);
    if (status == BRN_OK) status = cli_open_rows(&in, cli_option_value(args, "--in"), n);
    if (status == BRN_OK) status = brn_table_create(&out, cli_option_value(args, "--out"), n, NULL);
    if (status == BRN_OK) status = map_chunks(s->model, inverse, in, out, &b, chunk, tally);
    if (status == BRN_OK) {
        status = brn_table_commit(out);
        out = NULL;
    }
    brn_table_discard(out);
    brn_table_close(in);
    free(b.x);
    free(b.y);
    free(b.rows);
    return status;
}

static brn_status run(const cli_args *args)
{
    cli_session s = {0};
    cli_tally tally = {0};
    cli_catch_signals();
    brn_status status = cli_session_open(&s, args, args->positional[0]);
    if (status == BRN_OK) status = map_file(&s, args, &tally);
    cli_session_close(&s);
    if (status == BRN_OK && tally.rows) cli_report_tally(&tally);
    return status;
}

const cli_command cli_map = {
    .name = "map",
    .positional = "MODEL",
    .summary = "Apply a learned map, or its inverse, to the rows of a file.",
    .least = 1,
    .most = 1,
    .settings = cli_device_settings,
    .details =
        "MODEL is a run folder, a model or a checkpoint. Files are .npy, .npz or .csv, of any length; rows "
        "are in\n"
        "the coordinates of the training samples. How many inverse rows did not converge is told on the\n"
        "standard error. If anything fails, no output file is left behind.\n",
    .examples = "  brenier map runs/gauss8 --in x.npy --out y.npy\n"
                "  brenier map runs/gauss8 --in y.npy --out x.csv --inverse\n",
    .run = run,
    .options = {{"--in", "FILE", "rows to map", true},
                {"--out", "FILE", "where to write them", true},
                {"--inverse", NULL, "apply the inverse map", false}},
};
