/* Learning curves: logs of several runs as lines of one chart, and as one CSV file. */
#include "core/memory.h"
#include "core/statistics.h"
#include "io/atomic.h"
#include "plot/chart.h"
#include "sweep/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_against_find(const char *name, brn_against *against)
{
    static const char *const names[] = {"steps", "seconds", "evaluations"};
    for (int i = 0; i < 3; ++i)
        if (!strcmp(name, names[i])) {
            *against = (brn_against)i;
            return BRN_OK;
        }
    return brn_fail(BRN_ERR_USAGE, "unknown axis \"%.40s\"; did you mean \"%s\"?", name, brn_nearest_name(name, names, 3));
}

typedef struct {
    brn_log_line *lines;
    size_t count;
} run_log;

typedef struct {
    const brn_results *results;
    brn_against against;
    int count;          /* of runs */
    run_log *log;       /* [count] */
    bool *shown;        /* [count], it has points */
    uint64_t *group;    /* [count] */
    char (*label)[512]; /* [count], of its group */
    brn_series *series; /* [count] at most */
    double *numbers;    /* what they point into */
    int lines;
} curves;

static double position(const curves *c, const brn_log_line *line)
{
    return c->against == BRN_AGAINST_STEPS ? (double)line->step : c->against == BRN_AGAINST_SECONDS ? line->seconds : line->evaluations;
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* A point has a place on both axes. The first evaluations count from 0: no solver, no axis. */
static bool has_points(const curves *c, const run_log *log)
{
    for (size_t i = 0; i < log->count; ++i)
        if (log->lines[i].l2_uvp > 0 && isfinite(log->lines[i].l2_uvp) && position(c, &log->lines[i]) > 0) return true;
    return false;
}

static brn_status read_logs(curves *c)
{
    const brn_results *r = c->results;
    brn_texts keys = {0};
    for (int i = 0; i < c->count; ++i) {
        BRN_TRY(brn_run_log(&r->run[i], &c->log[i].lines, &c->log[i].count));
        c->shown[i] = has_points(c, &c->log[i]);
        c->group[i] = 0;
    }
    brn_status status = brn_results_distinguish(r, c->group, NULL, &keys);
    for (int i = 0; i < c->count && status == BRN_OK; ++i) {
        status = brn_results_label(r, &r->run[i], &keys, c->label[i], sizeof c->label[i]);
        if (!*c->label[i]) snprintf(c->label[i], sizeof c->label[i], "%.500s", c->count > 1 ? "all" : r->run[i].folder);
    }
    brn_texts_free(&keys);
    return status;
}

/* ---- lines ------------------------------------------------------------------------------------- */

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, brn_ascending);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* The step after `step` that some run of the group has logged; -1 = none. */
static int64_t next_step(const curves *c, uint64_t group, int64_t step)
{
    int64_t next = -1;
    for (int i = 0; i < c->count; ++i)
        for (size_t k = 0; c->shown[i] && c->group[i] == group && k < c->log[i].count; ++k) {
            const int64_t at = c->log[i].lines[k].step;
            if (at > step && (next < 0 || at < next)) next = at;
            if (at > step) break;
        }
    return next;
}

static const brn_log_line *line_at(const run_log *log, int64_t step)
{
    for (size_t k = 0; k < log->count; ++k)
        if (log->lines[k].step == step) return &log->lines[k];
    return NULL;
}

/* Seeds are compared at the same step, wherever that lies on the axis. */
static void add_point(const curves *c, uint64_t group, int64_t step, brn_series *s, double *scratch)
{
    double *x = scratch, *y = scratch + c->count;
    int count = 0;
    for (int i = 0; i < c->count; ++i) {
        const brn_log_line *line = c->shown[i] && c->group[i] == group ? line_at(&c->log[i], step) : NULL;
        if (!line || !isfinite(line->l2_uvp) || !isfinite(position(c, line))) continue;
        x[count] = position(c, line);
        y[count++] = line->l2_uvp;
    }
    if (!count) return;
    const size_t at = s->count++;
    ((double *)s->x)[at] = median(x, count);
    ((double *)s->y)[at] = median(y, count);
    ((double *)s->low)[at] = y[0];
    ((double *)s->high)[at] = y[count - 1];
}

static int seeds_of(const curves *c, uint64_t group)
{
    int seeds = 0;
    for (int i = 0; i < c->count; ++i) seeds += c->shown[i] && c->group[i] == group;
    return seeds;
}

static brn_status make_lines(curves *c)
{
    size_t most = 0, used = 0;
    double *scratch;
    for (int i = 0; i < c->count; ++i) most += c->log[i].count;
    BRN_TRY(BRN_ALLOC(&c->numbers, 4 * most + 1, "learning curves"));
    BRN_TRY(BRN_ALLOC(&scratch, 2 * (size_t)c->count, "learning curves"));
    for (int i = 0; i < c->count; ++i) {
        bool first = c->shown[i];
        for (int k = 0; k < i; ++k) first = first && !(c->shown[k] && c->group[k] == c->group[i]);
        if (!first) continue;
        double *at = c->numbers + 4 * used;
        size_t room = 0;
        for (int k = 0; k < c->count; ++k) room += c->shown[k] && c->group[k] == c->group[i] ? c->log[k].count : 0;
        brn_series *s = &c->series[c->lines++];
        *s = (brn_series){c->label[i], 0, at, at + room, at + 2 * room, at + 3 * room};
        for (int64_t step = next_step(c, c->group[i], -1); step >= 0; step = next_step(c, c->group[i], step)) add_point(c, c->group[i], step, s, scratch);
        if (seeds_of(c, c->group[i]) < 2) s->low = s->high = NULL;
        used += room;
    }
    free(scratch);
    return BRN_OK;
}

/* ---- files ------------------------------------------------------------------------------------- */

static void print_quoted(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; ++text) {
        if (*text == '"') fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void print_cell(FILE *to, double value)
{
    fputc(',', to);
    if (isfinite(value)) fprintf(to, "%.9g", value);
}

static void print_logs(const curves *c, FILE *to)
{
    fputs("run,line,seed,step,seconds,evaluations,l2_uvp,dual,loss\n", to);
    for (int i = 0; i < c->count; ++i)
        for (size_t k = 0; k < c->log[i].count; ++k) {
            const brn_run *run = &c->results->run[i];
            const brn_log_line *line = &c->log[i].lines[k];
            print_quoted(to, run->folder);
            fputc(',', to);
            print_quoted(to, c->label[i]);
            fprintf(to, ",%llu,%lld", (unsigned long long)run->settings.seed, (long long)line->step);
            print_cell(to, line->seconds);
            print_cell(to, line->evaluations);
            print_cell(to, line->l2_uvp);
            print_cell(to, line->dual);
            print_cell(to, line->loss);
            fputc('\n', to);
        }
}

static brn_status write_csv(const curves *c, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return brn_fail(BRN_ERR_MEMORY, "%s: out of memory", path);
    print_logs(c, to);
    const bool complete = !ferror(to);
    brn_status status = fclose(to) == 0 && complete ? BRN_OK : brn_fail(BRN_ERR_MEMORY, "%s: out of memory", path);
    if (status == BRN_OK) status = brn_write_file(path, text, size);
    free(text);
    return status;
}

static brn_status draw(const curves *c, const char *path)
{
    static const char *const names[] = {"steps", "seconds", "evaluations of f by the solver"};
    const brn_chart chart = {.x_label = names[c->against], .y_label = "L2-UVP (%)", .log_y = true, .count = c->lines, .series = c->series};
    if (c->lines) return brn_chart_draw(&chart, path);
    return brn_fail(BRN_ERR_INPUT, "%s%s: no L2-UVP to draw%s", c->results->run[0].folder, c->count > 1 ? " and others" : "",
                    c->against == BRN_AGAINST_EVALUATIONS ? " against solver evaluations" : "");
}

/* ---- the whole --------------------------------------------------------------------------------- */

static brn_status allocate(curves *c)
{
    const size_t count = (size_t)c->count;
    BRN_TRY(BRN_ALLOC(&c->log, count, "learning curves"));
    BRN_TRY(BRN_ALLOC(&c->shown, count, "learning curves"));
    BRN_TRY(BRN_ALLOC(&c->group, count, "learning curves"));
    BRN_TRY(BRN_ALLOC(&c->label, count, "learning curves"));
    return BRN_ALLOC(&c->series, count, "learning curves");
}

static void release(curves *c)
{
    for (int i = 0; c->log && i < c->count; ++i) free(c->log[i].lines);
    free(c->log), free(c->shown), free(c->group), free(c->label), free(c->series), free(c->numbers);
}

brn_status brn_results_curves(const brn_results *results, brn_against against, const char *figure, const char *csv, int *skipped)
{
    curves c = {.results = results, .against = against, .count = results->count};
    brn_status status;
    BRN_GO(allocate(&c));
    BRN_GO(read_logs(&c));
    BRN_GO(make_lines(&c));
    if (skipped) *skipped = 0;
    for (int i = 0; skipped && i < c.count; ++i) *skipped += !c.shown[i];
    if (figure) BRN_GO(draw(&c, figure));
    if (csv) BRN_GO(write_csv(&c, csv));
done:
    release(&c);
    return status;
}
