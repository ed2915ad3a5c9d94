/* A table of runs before it is written: rows of methods, columns of pairs. */
#ifndef BRN_SWEEP_TABLE_H
#define BRN_SWEEP_TABLE_H

#include "sweep/results.h"

enum { BRN_EXTRA_MAX = 256 };

typedef struct brn_table_row {
    brn_method method;
    char extra[BRN_EXTRA_MAX]; /* further settings that tell rows apart */
} brn_table_row;

typedef struct brn_table_column {
    char name[BRN_NAME_MAX];
    int n; /* of a pair of the benchmark, else 0 */
} brn_table_column;

typedef struct brn_table_cell {
    int runs, counted, diverged; /* counted: finished and scored */
    int first_left;              /* a run that is not counted, -1 = none */
    double mean, deviation;      /* of the counted; deviation NaN for one */
    double published;            /* NaN where there is none */
} brn_table_cell;

typedef struct brn_table_layout {
    brn_metric metric;
    int rows, columns;
    brn_table_row *row;
    brn_table_column *column;
    brn_table_cell *cell; /* [rows][columns] */
    bool extra, published; /* some row has further settings, some cell a published value */
    const brn_results *results; /* NULL: published values alone */
} brn_table_layout;

brn_status brn_table_layout_make(brn_table_layout *layout, const brn_results *results, brn_metric metric);
void brn_table_layout_free(brn_table_layout *layout);

static inline const brn_table_cell *brn_table_at(const brn_table_layout *t, int row, int column)
{
    return &t->cell[(size_t)row * (size_t)t->columns + (size_t)column];
}

/** -1 where ours is better, 1 where the published one is, 0 where there are not two or they are equal. */
int brn_table_better(const brn_table_cell *cell);

/** All of it as text. */
brn_status brn_table_text(const brn_table_layout *layout, brn_table_format format, char **text);

#endif
