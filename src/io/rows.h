/* A source of rows: what each file format gives to the table, which adds the column of weights. */
#ifndef BRN_IO_ROWS_H
#define BRN_IO_ROWS_H

#include "io/bytes.h"
#include <brenier/table.h>

typedef struct brn_rows {
    void *source;
    int64_t count; /**< rows; -1: not known */
    int cols;      /**< all columns, at least 1 */
    char **names;  /**< [cols], or NULL; owned by the source */
    int image[3];  /**< channels, height and width where a row is a picture, else zeros */
    brn_status (*read)(struct brn_rows *rows, float *cells, size_t max, size_t *got); /**< float[max][cols] */
    brn_status (*rewind)(struct brn_rows *rows);
    brn_status (*count_rows)(struct brn_rows *rows); /**< sets count; the position is then the first row */
    void (*close)(struct brn_rows *rows);
} brn_rows;

/** Rows of an NPY array; takes `bytes` over, on failure too. */
brn_status brn_rows_array(brn_rows *rows, brn_bytes bytes);

/** Rows of a CSV file. */
brn_status brn_rows_csv(brn_rows *rows, const char *path, const brn_table_options *options);

/** Release; one that is all zero is fine. */
static inline void brn_rows_close(brn_rows *rows)
{
    if (rows->close) rows->close(rows);
    *rows = (brn_rows){0};
}

#endif
