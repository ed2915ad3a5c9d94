/* Device, model and pair of a command, opened and closed together. */
#include "cli.h"

#include <stdio.h>

brn_status cli_open_device(brn_device **device, const brn_settings *settings, bool quiet)
{
    const brn_status status = brn_device_open(device, settings->device, settings->threads);
    if (status == BRN_OK && !quiet && *brn_device_why(*device))
        fprintf(stderr, "device auto: %s, %s\n", brn_device_name(*device), brn_device_why(*device));
    return status;
}

brn_status cli_session_open(cli_session *s, const cli_args *args, const char *path)
{
    /* where to compute is known before the model is read */
    brn_status status = cli_resolve_settings(args, &s->settings);
    if (status == BRN_OK) status = cli_open_device(&s->device, &s->settings, false);
    if (status == BRN_OK) status = brn_model_load(&s->model, s->device, path);
    if (status != BRN_OK) return status;
    s->settings = *brn_model_settings(s->model);
    return cli_assign_settings(args, &s->settings);
}

brn_status cli_session_open_pair(cli_session *s)
{
    brn_status status = brn_pair_open(&s->pair, s->device, &s->settings);
    if (status == BRN_OK && brn_pair_dim(s->pair) != brn_model_dim(s->model))
        status = cli_fail(BRN_ERR_INPUT, "%s has dimension %d, the model %d", brn_pair_name(s->pair),
                          brn_pair_dim(s->pair), brn_model_dim(s->model));
    return status;
}

void cli_session_close(cli_session *s)
{
    brn_pair_close(s->pair);
    brn_model_free(s->model);
    brn_device_close(s->device);
    *s = (cli_session){0};
}

/* About four megabytes of floats: long enough for every core, short enough for any memory. */
size_t cli_chunk_rows(int n)
{
    size_t rows = ((size_t)1 << 20) / (size_t)n;
    return rows < 256 ? 256 : rows;
}

brn_status cli_open_rows(brn_table **table, const char *path, int n)
{
    brn_status status = brn_table_open(table, path, NULL);
    if (status == BRN_OK && brn_table_cols(*table) != n)
        status =
            cli_fail(BRN_ERR_INPUT, "%s: expected rows of dimension %d, as the model has, found %d columns",
                     path, n, brn_table_cols(*table));
    return status;
}

void cli_tally_add(cli_tally *tally, const brn_conjugate_row *rows, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        ++tally->stops[rows[i].stop];
        tally->iterations += rows[i].iterations;
        tally->evaluations += rows[i].evaluations;
    }
    tally->rows += count;
}

size_t cli_tally_failed(const cli_tally *tally)
{
    return tally->stops[BRN_CONJUGATE_MAX_ITERATIONS] + tally->stops[BRN_CONJUGATE_NONFINITE];
}

void cli_report_tally(const cli_tally *t)
{
    fprintf(stderr, "%zu of %zu rows did not converge", cli_tally_failed(t), t->rows);
    if (cli_tally_failed(t))
        fprintf(stderr, " (%zu out of iterations, %zu not finite)", t->stops[BRN_CONJUGATE_MAX_ITERATIONS],
                t->stops[BRN_CONJUGATE_NONFINITE]);
    if (t->stops[BRN_CONJUGATE_PRECISION_FLOOR])
        fprintf(stderr, "; %zu stopped at the precision of the numbers",
                t->stops[BRN_CONJUGATE_PRECISION_FLOOR]);
    fprintf(stderr, "; %.2f evaluations a row\n", t->rows ? t->evaluations / (double)t->rows : 0);
}
