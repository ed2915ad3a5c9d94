/* Runs into rows, columns and cells. */
#include "sweep/table.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- where a run belongs ----------------------------------------------------------------------- */

typedef struct {
    brn_table_row *row;       /* [count], of each run */
    brn_table_column *column; /* [count] */
    uint64_t *group;          /* [count] */
} places;

static void places_free(places *p) { free(p->row), free(p->column), free(p->group); }

/* The pair is the column. */
static bool is_pair(const char *key) { return brn_names_data(key) || !strncmp(key, "eval.", 5); }

static uint64_t hash_place(const brn_table_row *row, const brn_table_column *column)
{
    uint64_t hash = brn_hash(0xcbf29ce484222325u, row->method.potential);
    hash = brn_hash(brn_hash(hash, row->method.amortization), row->method.solver);
    return brn_hash(hash, column->name);
}

/* Runs of one cell that are not seeds of the same get rows of their own, by the settings that part them. */
static brn_status find_places(places *p, const brn_results *r)
{
    const size_t count = (size_t)r->count;
    brn_texts keys = {0};
    brn_status status;
    BRN_GO(BRN_ALLOC(&p->row, count, "rows of a table"));
    BRN_GO(BRN_ALLOC(&p->column, count, "columns of a table"));
    BRN_GO(BRN_ALLOC(&p->group, count, "groups of runs"));
    for (int i = 0; i < r->count; ++i) {
        p->row[i].method = brn_method_of(&r->run[i].settings);
        brn_results_pair(&r->run[i], p->column[i].name, &p->column[i].n);
        p->group[i] = hash_place(&p->row[i], &p->column[i]);
    }
    BRN_GO(brn_results_distinguish(r, p->group, is_pair, &keys));
    for (int i = 0; i < r->count; ++i) BRN_GO(brn_results_label(r, &r->run[i], &keys, p->row[i].extra, sizeof p->row[i].extra));
done:
    brn_texts_free(&keys);
    return status;
}

/* ---- order ------------------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
    const brn_table_row *x = a, *y = b;
    const int px = brn_published_find(&x->method), py = brn_published_find(&y->method);
    if (px != py) return px < py ? -1 : 1; /* those that were not published come last */
    int order = strcmp(x->method.potential, y->method.potential);
    if (!order) order = strcmp(x->method.amortization, y->method.amortization);
    if (!order) order = strcmp(x->method.solver, y->method.solver);
    return order ? order : strcmp(x->extra, y->extra);
}

static int compare_columns(const void *a, const void *b)
{
    const brn_table_column *x = a, *y = b;
    if (!x->n != !y->n) return x->n ? -1 : 1;
    return x->n != y->n ? (x->n < y->n ? -1 : 1) : strcmp(x->name, y->name);
}

/* Sort a copy, and keep one of those that are equal. */
static brn_status unique(void **out, int *count, const void *items, int all, size_t size, int (*compare)(const void *, const void *))
{
    BRN_TRY(brn_alloc_bytes(out, (size_t)all, size, "table"));
    char *at = *out;
    memcpy(at, items, (size_t)all * size);
    qsort(at, (size_t)all, size, compare);
    *count = 0;
    for (int i = 0; i < all; ++i)
        if (!*count || compare(at + (size_t)i * size, at + (size_t)(*count - 1) * size))
            memmove(at + (size_t)(*count)++ * size, at + (size_t)i * size, size);
    return BRN_OK;
}

static int index_of(const void *items, int count, size_t size, const void *wanted, int (*compare)(const void *, const void *))
{
    const char *found = bsearch(wanted, items, (size_t)count, size, compare);
    return (int)((size_t)(found - (const char *)items) / size);
}

/* ---- cells ------------------------------------------------------------------------------------- */

static void add_run(brn_table_layout *t, const places *p, int i)
{
    const int row = index_of(t->row, t->rows, sizeof *t->row, &p->row[i], compare_rows);
    const int column = index_of(t->column, t->columns, sizeof *t->column, &p->column[i], compare_columns);
    brn_table_cell *cell = &t->cell[row * t->columns + column];
    const double score = t->results->run[i].score[t->metric];
    if (!cell->runs++) *cell = (brn_table_cell){.runs = 1, .first_left = -1, .deviation = NAN};
    if (brn_results_counts(t->results, i) && !isnan(score)) {
        const double before = cell->counted++ ? cell->mean : 0; /* Welford: the sum of squares stands in deviation */
        const double squares = cell->counted > 1 ? cell->deviation : 0;
        cell->mean = before + (score - before) / cell->counted;
        cell->deviation = squares + (score - before) * (score - cell->mean);
        return;
    }
    cell->diverged += t->results->run[i].state == BRN_RUN_DIVERGED;
    if (cell->first_left < 0) cell->first_left = i;
}

static void finish_cells(brn_table_layout *t)
{
    for (int row = 0; row < t->rows; ++row)
        for (int column = 0; column < t->columns; ++column) {
            brn_table_cell *cell = &t->cell[row * t->columns + column];
            cell->deviation = cell->counted > 1 ? sqrt(cell->deviation / (cell->counted - 1)) : NAN;
            cell->published = t->metric == BRN_METRIC_FORWARD ? brn_published_value(brn_published_find(&t->row[row].method), t->column[column].n) : NAN;
            t->published = t->published || (cell->runs && !isnan(cell->published));
        }
    for (int row = 0; row < t->rows; ++row) t->extra = t->extra || *t->row[row].extra;
}

static brn_status make(brn_table_layout *t, const places *p)
{
    const int count = t->results->count;
    BRN_TRY(unique((void **)&t->row, &t->rows, p->row, count, sizeof *t->row, compare_rows));
    BRN_TRY(unique((void **)&t->column, &t->columns, p->column, count, sizeof *t->column, compare_columns));
    BRN_TRY(BRN_ALLOC(&t->cell, (size_t)t->rows * (size_t)t->columns, "cells of a table"));
    for (int i = 0; i < count; ++i) add_run(t, p, i);
    finish_cells(t);
    return BRN_OK;
}

void brn_table_layout_free(brn_table_layout *t)
{
    free(t->row), free(t->column), free(t->cell);
    *t = (brn_table_layout){0};
}

brn_status brn_table_layout_make(brn_table_layout *t, const brn_results *results, brn_metric metric)
{
    places p = {0};
    *t = (brn_table_layout){.metric = metric, .results = results};
    brn_status status = find_places(&p, results);
    if (status == BRN_OK) status = make(t, &p);
    places_free(&p);
    if (status != BRN_OK) brn_table_layout_free(t);
    return status;
}

static brn_status lay_out_published(brn_table_layout *t)
{
    brn_status status;
    *t = (brn_table_layout){.metric = BRN_METRIC_FORWARD, .rows = brn_published_count(), .columns = BRN_PUBLISHED_COLUMNS, .published = true};
    BRN_GO(BRN_ALLOC(&t->row, (size_t)t->rows, "rows of a table"));
    BRN_GO(BRN_ALLOC(&t->column, (size_t)t->columns, "columns of a table"));
    BRN_GO(BRN_ALLOC(&t->cell, (size_t)t->rows * (size_t)t->columns, "cells of a table"));
    for (int row = 0; row < t->rows; ++row) t->row[row].method = brn_published_method(row);
    for (int column = 0; column < t->columns; ++column) t->column[column].n = brn_published_n[column];
    finish_cells(t);
    return BRN_OK;
done:
    brn_table_layout_free(t);
    return status;
}

int brn_table_better(const brn_table_cell *cell)
{
    if (!cell->counted || isnan(cell->published)) return 0;
    const double ours = cell->mean > 100 ? (double)INFINITY : cell->mean; /* as the published tables do */
    return ours < cell->published ? -1 : ours > cell->published ? 1 : 0;
}

brn_status brn_results_table(const brn_results *results, brn_metric metric, brn_table_format format, char **text)
{
    brn_table_layout layout;
    *text = NULL;
    BRN_TRY(brn_table_layout_make(&layout, results, metric));
    const brn_status status = brn_table_text(&layout, format, text);
    brn_table_layout_free(&layout);
    return status;
}

brn_status brn_published_table(brn_table_format format, char **text)
{
    brn_table_layout layout;
    *text = NULL;
    BRN_TRY(lay_out_published(&layout));
    const brn_status status = brn_table_text(&layout, format, text);
    brn_table_layout_free(&layout);
    return status;
}
