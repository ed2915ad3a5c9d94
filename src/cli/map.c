/* brenier map: the map or its inverse at the rows of a file, a chunk at a time. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

/* What one command works with: a chunk of rows, and files. */
typedef struct job {
    brn_model *model;
    bool inverse;
    size_t chunk, indefinite;
    float *x, *y, *volume;   /* volume: log det and its error, [chunk][2] */
    double *log_det, *error;
    const brn_log_det_settings *log_det_settings;
    brn_conjugate_row *rows;
    brn_table *in;
    brn_table_writer *out, *volumes; /* the latter or NULL */
} job;

/* log |det| of the Jacobian of what was applied, and its standard error. */
static brn_status write_volumes(job *j, size_t got)
{
    const float *source = j->inverse ? j->y : j->x, *target = j->inverse ? j->x : j->y;
    size_t indefinite;
    const brn_status status = brn_model_log_det(j->model, j->log_det_settings, source, target, got, j->log_det, j->error, &indefinite);
    if (status != BRN_OK) return status;
    j->indefinite += indefinite;
    for (size_t r = 0; r < got; ++r) {
        j->volume[2 * r] = (float)(j->inverse ? -j->log_det[r] : j->log_det[r]);
        j->volume[2 * r + 1] = (float)j->error[r];
    }
    return brn_table_write(j->volumes, j->volume, got);
}

static brn_status map_chunks(job *j, cli_tally *tally)
{
    size_t got;
    for (;;) {
        brn_status status = cli_check_signal();
        if (status == BRN_OK) status = brn_table_read(j->in, j->x, NULL, j->chunk, &got);
        if (status != BRN_OK || got == 0) return status;
        status = j->inverse ? brn_model_inverse(j->model, j->x, got, j->y, j->rows)
                            : brn_model_map(j->model, j->x, got, j->y);
        if (status == BRN_OK && j->volumes) status = write_volumes(j, got);
        if (status != BRN_OK) return status;
        if (j->inverse) cli_tally_add(tally, j->rows, got);
        status = brn_table_write(j->out, j->y, got);
        if (status != BRN_OK) return status;
    }
}

static brn_status open_files(job *j, const cli_args *args, int n)
{
    const char *volumes = cli_option_value(args, "--log-det");
    brn_status status = cli_open_rows(&j->in, cli_option_value(args, "--in"), n);
    if (status == BRN_OK) status = brn_table_create(&j->out, cli_option_value(args, "--out"), n, NULL);
    if (status == BRN_OK && volumes) status = brn_table_create(&j->volumes, volumes, 2, (const char *const[]){"log_det", "error"});
    return status;
}

static brn_status commit(brn_table_writer **writer)
{
    brn_table_writer *const w = *writer;
    *writer = NULL; /* whether it succeeds or fails */
    return w ? brn_table_commit(w) : BRN_OK;
}

static brn_status map_file(cli_session *s, const cli_args *args, cli_tally *tally, size_t *indefinite)
{
    const int n = brn_model_dim(s->model);
    const size_t chunk = cli_chunk_rows(n);
    job j = {.model = s->model,
             .inverse = cli_option_value(args, "--inverse"),
             .chunk = chunk,
             .log_det_settings = &s->settings.eval.log_det,
             .x = malloc(chunk * (size_t)n * sizeof *j.x),
             .y = malloc(chunk * (size_t)n * sizeof *j.y),
             .volume = malloc(chunk * 2 * sizeof *j.volume),
             .log_det = malloc(chunk * sizeof *j.log_det),
             .error = malloc(chunk * sizeof *j.error),
             .rows = malloc(chunk * sizeof *j.rows)};
    brn_status status = BRN_OK;
    if (!j.x || !j.y || !j.volume || !j.log_det || !j.error || !j.rows)
        status = cli_fail(BRN_ERR_MEMORY, "out of memory for %zu rows of dimension %d", chunk, n);
    if (status == BRN_OK) status = open_files(&j, args, n);
    if (status == BRN_OK) status = map_chunks(&j, tally);
    if (status == BRN_OK) status = commit(&j.out);
    if (status == BRN_OK) status = commit(&j.volumes);
    brn_table_discard(j.out);
    brn_table_discard(j.volumes);
    brn_table_close(j.in);
    free(j.x), free(j.y), free(j.volume), free(j.log_det), free(j.error), free(j.rows);
    *indefinite = j.indefinite;
    return status;
}

static brn_status run(const cli_args *args)
{
    cli_session s = {0};
    cli_tally tally = {0};
    size_t indefinite = 0;
    cli_catch_signals();
    brn_status status = cli_session_open(&s, args, args->positional[0]);
    if (status == BRN_OK) status = map_file(&s, args, &tally, &indefinite);
    cli_session_close(&s);
    if (status == BRN_OK && tally.rows) cli_report_tally(&tally);
    if (status == BRN_OK && indefinite) fprintf(stderr, "%zu rows have no log det: the potential is not convex there\n", indefinite);
    return status;
}

static const char *const settings_taken[] = {"device", "threads", "eval.log_det.", NULL};

const cli_command cli_map = {
    .name = "map",
    .positional = "MODEL",
    .summary = "Apply a learned map, or its inverse, to the rows of a file.",
    .least = 1,
    .most = 1,
    .settings = settings_taken,
    .details =
        "MODEL is a run folder, a model or a checkpoint. Files are .npy, .npz or .csv, of any length; rows "
        "are in\n"
        "the coordinates of the training samples. How many inverse rows did not converge is told on the\n"
        "standard error. If anything fails, no output file is left behind. --log-det writes for each row log det of the\n"
        "Jacobian of the map applied and its standard error, which is 0 up to 256 dimensions (eval.log_det.*, see\n"
        "brenier eval --help): a density divided by exp(log det) is that of the image. Rows where the potential is not convex\n"
        "are NaN.\n",
    .examples = "  brenier map runs/gauss8 --in x.npy --out y.npy\n"
                "  brenier map runs/gauss8 --in y.npy --out x.csv --inverse\n"
                "  brenier map runs/gauss8 --in x.npy --out y.npy --log-det d.npy\n",
    .run = run,
    .options = {{"--in", "FILE", "rows to map", true},
                {"--out", "FILE", "where to write them", true},
                {"--log-det", "FILE", "where to write log det of the Jacobian, and its error", false},
                {"--inverse", NULL, "apply the inverse map", false}},
};
