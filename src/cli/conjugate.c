/* brenier conjugate: f*(y) = max_x <x, y> - f(x) and its maximiser at the rows of a file. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const settings_taken[] = {"device", "threads", "conjugate.", NULL};

enum { REPORT_COLUMNS = 5 };
static const char *const report_names[REPORT_COLUMNS] = {"value", "stop", "iterations", "evaluations",
                                                         "gradient"};

typedef struct job {
    cli_session session;
    cli_tally tally;
    brn_table *in;
    brn_table_writer *out, *report;
    float *y, *x, *value, *table; /* a chunk of each */
    brn_conjugate_row *rows;
    size_t chunk;
} job;

/* The solver as in an evaluation of the model, then what the command line says. */
static brn_status prepare(job *j, const cli_args *args)
{
    cli_session *s = &j->session;
    brn_status status = cli_session_open(s, args, args->positional[0]);
    if (status != BRN_OK) return status;
    const brn_settings *trained = brn_model_settings(s->model);
    s->settings.conjugate = trained->conjugate;
    s->settings.conjugate.gtol = trained->eval.gtol;
    s->settings.conjugate.max_evaluations = trained->eval.max_evaluations;
    status = brn_settings_assign(&s->settings, args->assignment_count, args->assignments);
    if (status == BRN_OK) status = brn_settings_resolve(&s->settings, brn_model_dim(s->model));
    return status;
}

static brn_status open_files(job *j, const cli_args *args)
{
    int n = brn_model_dim(j->session.model);
    size_t chunk = j->chunk = cli_chunk_rows(n);
    j->y = malloc(chunk * (size_t)n * sizeof *j->y);
    j->x = malloc(chunk * (size_t)n * sizeof *j->x);
    j->value = malloc(chunk * sizeof *j->value);
    j->table = malloc(chunk * REPORT_COLUMNS * sizeof *j->table);
    j->rows = malloc(chunk * sizeof *j->rows);
    if (!j->y || !j->x || !j->value || !j->table || !j->rows)
        return cli_fail(BRN_ERR_MEMORY, "out of memory for %zu rows of dimension %d", chunk, n);
    const char *report = cli_option_value(args, "--values");
    brn_status status = cli_open_rows(&j->in, cli_option_value(args, "--in"), n);
    if (status == BRN_OK) status = brn_table_create(&j->out, cli_option_value(args, "--out"), n, NULL);
    if (status == BRN_OK && report)
        status = brn_table_create(&j->report, report, REPORT_COLUMNS, report_names);
    return status;
}

static brn_status write_report(job *j, size_t count)
{
    if (!j->report) return BRN_OK;
    for (size_t i = 0; i < count; ++i) {
        const brn_conjugate_row *r = &j->rows[i];
        float cells[REPORT_COLUMNS] = {j->value[i], (float)r->stop, (float)r->iterations,
                                       (float)r->evaluations, r->gradient};
        for (int c = 0; c < REPORT_COLUMNS; ++c) j->table[i * REPORT_COLUMNS + (size_t)c] = cells[c];
    }
    return brn_table_write(j->report, j->table, count);
}

static brn_status solve_chunks(job *j)
{
    for (;;) {
        size_t got;
        brn_status status = cli_check_signal();
        if (status == BRN_OK) status = brn_table_read(j->in, j->y, NULL, j->chunk, &got);
        if (status != BRN_OK || got == 0) return status;
        status = brn_conjugate(j->session.model, &j->session.settings.conjugate, j->y, got, false, j->x,
                               j->value, j->rows);
        if (status == BRN_OK) status = brn_table_write(j->out, j->x, got);
        if (status == BRN_OK) status = write_report(j, got);
        if (status != BRN_OK) return status;
        cli_tally_add(&j->tally, j->rows, got);
    }
}

static brn_status commit(brn_table_writer **writer)
{
    brn_table_writer *w = *writer;
    *writer = NULL;
    return w ? brn_table_commit(w) : BRN_OK;
}

static void release(job *j)
{
    brn_table_close(j->in);
    brn_table_discard(j->out);
    brn_table_discard(j->report);
    cli_session_close(&j->session);
    free(j->y);
    free(j->x);
    free(j->value);
    free(j->table);
    free(j->rows);
}

static brn_status print_result(const cli_tally *t, bool json)
{
    double rows = t->rows ? (double)t->rows : 1;
    if (!json) {
        printf("rows               %zu\nconverged          %zu\nprecision floor    %zu\niteration limit    "
               "%zu\nnot finite         %zu\n"
               "iterations a row   %.2f\nevaluations a row  %.2f\n",
               t->rows, t->stops[0], t->stops[1], t->stops[2], t->stops[3], t->iterations / rows,
               t->evaluations / rows);
        return BRN_OK;
    }
    cJSON *tree = cJSON_CreateObject();
    cli_json_number(tree, "rows", (double)t->rows);
    cli_json_number(tree, "converged", (double)t->stops[BRN_CONJUGATE_CONVERGED]);
    cli_json_number(tree, "precision_floor", (double)t->stops[BRN_CONJUGATE_PRECISION_FLOOR]);
    cli_json_number(tree, "iteration_limit", (double)t->stops[BRN_CONJUGATE_MAX_ITERATIONS]);
    cli_json_number(tree, "nonfinite", (double)t->stops[BRN_CONJUGATE_NONFINITE]);
    cli_json_number(tree, "iterations_per_row", t->iterations / rows);
    cli_json_number(tree, "evaluations_per_row", t->evaluations / rows);
    return cli_print_json(tree);
}

static brn_status run(const cli_args *args)
{
    job j = {0};
    cli_catch_signals();
    brn_status status = prepare(&j, args);
    if (status == BRN_OK) status = open_files(&j, args);
    if (status == BRN_OK) status = solve_chunks(&j);
    if (status == BRN_OK) status = commit(&j.report);
    if (status == BRN_OK) status = commit(&j.out);
    release(&j);
    return status == BRN_OK ? print_result(&j.tally, cli_option_value(args, "--json")) : status;
}

const cli_command cli_conjugate = {
    .name = "conjugate",
    .positional = "MODEL",
    .summary = "Solve the convex conjugate f*(y) = max_x <x, y> - f(x) at the rows of a file.",
    .least = 1,
    .most = 1,
    .settings = settings_taken,
    .details = "The maximisers are the inverse map. --values writes the columns value, stop (0 converged, 1 "
               "precision\n"
               "floor, 2 iteration limit, 3 not finite), iterations, evaluations and gradient.\n",
    .examples = "  brenier conjugate runs/gauss8 --in y.npy --out x.npy --values v.csv\n"
                "  brenier conjugate runs/gauss8 --in y.npy --out x.npy conjugate.gtol=1e-5 "
                "conjugate.line_search=wolfe\n",
    .run = run,
    .options = {{"--in", "FILE", "rows y", true},
                {"--out", "FILE", "where to write the maximisers x", true},
                {"--values", "FILE", "where to write f*(y) and how each row stopped", false},
                {"--json", NULL, "print the summary as JSON", false}},
};
