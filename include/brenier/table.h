/** @file table.h
 *  Rows of numbers in files: NPY, NPZ and CSV, which may be larger than memory.
 *
 *  A table is read and written as float[n][d], row-major. Reading takes float and double, integers
 *  and booleans and rounds to the nearest float; NaN, Inf and values too large for a float are
 *  errors. Every error of a file is BRN_ERR_INPUT and names file, position and what was expected.
 *
 *      brn_table *t;
 *      brn_table_open(&t, "x.csv", NULL);
 *      while (brn_table_read(t, rows, NULL, 1000, &got) == BRN_OK && got > 0) use(rows, got);
 *      brn_table_close(t);
 */
#ifndef BRENIER_TABLE_H
#define BRENIER_TABLE_H

#include "status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum brn_table_header {
    BRN_TABLE_HEADER_AUTO, /**< a first line without any number is a header */
    BRN_TABLE_HEADER_YES,
    BRN_TABLE_HEADER_NO
} brn_table_header;

/** How to read a file; all zero, or NULL instead, is the default. */
typedef struct brn_table_options {
    const char *array;       /**< NPZ: name of the array; NULL: the first one, or the one that the path names: "a.npz[name]" */
    const char *weight;      /**< column of weights >= 0, by name or by number from 1; NULL or "": none */
    brn_table_header header; /**< CSV */
    char separator; /**< CSV: ',', ';', '\\t', or ' ' for any white space; 0: seen from the first line */
} brn_table_options;

/* ---- reading ----------------------------------------------------------------------------------- */

typedef struct brn_table brn_table;

/** Open a file for reading from its first row.
 *
 *  NPY and NPZ are known by their first bytes, everything else is CSV. NPY: versions 1 to 3, one
 *  dimension (a single column) or two, C or Fortran order, little-endian. Three dimensions (count, height,
 *  width) and four, (count, height, width, channels) or (count, channels, height, width) with one channel
 *  or three, are pictures of bytes or floats: a row is a picture, channel first, from -1 (black) to 1.
 *  Bytes are scaled to that, floats are taken as they are and refused beyond -2 and 2. NPZ: members stored or
 *  deflated, as NumPy writes them; BRN_ERR_UNSUPPORTED in a build without libzip. CSV: numbers with
 *  a decimal point whatever the locale, an optional header with names, which may be "quoted",
 *  comment lines that begin with '#', empty lines before and after the rows.
 *  @return BRN_ERR_INPUT for a file that cannot be used, one without rows or columns included. */
BRN_API brn_status brn_table_open(brn_table **table, const char *path, const brn_table_options *options);

/** Number of rows; -1 while it is unknown: for CSV until they were counted or read to the end. */
BRN_API int64_t brn_table_rows(const brn_table *table);

/** The same, counting the lines of a CSV file if need be. Afterwards reading starts at the first row. */
BRN_API brn_status brn_table_count(brn_table *table, int64_t *rows);

/** Number of columns d, without that of the weights; at least 1. */
BRN_API int brn_table_cols(const brn_table *table);

/** Whether rows are pictures, and then their shape (else zeros): d = channels height width. */
BRN_API bool brn_table_image(const brn_table *table, int *channels, int *height, int *width);

/** Name of column i = 0 .. d-1, or NULL: only a CSV header has names. Owned by the table. */
BRN_API const char *brn_table_column_name(const brn_table *table, int i);

/** Read up to `max` rows.
 *  @param rows    [out] float[max][d]
 *  @param weights [out] float[max], 1 where the table has no weights; may be NULL
 *  @param got     [out] rows read; 0 at the end of the file (for max > 0) */
BRN_API brn_status brn_table_read(brn_table *table, float *rows, float *weights, size_t max, size_t *got);

/** Start again at the first row. */
BRN_API brn_status brn_table_rewind(brn_table *table);

/** Release a table; NULL is fine. */
BRN_API void brn_table_close(brn_table *table);

/** Read a whole file.
 *  @param rows    [out] float[n][d], release with free()
 *  @param weights [out] float[n], release with free(); NULL if the options name no column of
 *                       weights. The argument itself may be NULL. */
BRN_API brn_status brn_table_load(const char *path, const brn_table_options *options, float **rows,
                                  float **weights, size_t *n, int *d);

/* ---- writing ----------------------------------------------------------------------------------- */

typedef struct brn_table_writer brn_table_writer;

/** Start a file of `cols` columns, its format by the ending .npy, .npz (array "arr_0") or .csv. The
 *  file appears under its name with brn_table_commit only.
 *  @param names [in] cols names for the header of a CSV file, or NULL: none; unused by the others
 *  @return BRN_ERR_USAGE for another ending, BRN_ERR_DISK where no file can be written. */
BRN_API brn_status brn_table_create(brn_table_writer **writer, const char *path, int cols,
                                    const char *const *names);

/** Append n rows, float[n][cols]. NPY and NPZ keep the bits, CSV nine digits, which read back as
 *  the same floats. BRN_ERR_DISK on failure. */
BRN_API brn_status brn_table_write(brn_table_writer *writer, const float *rows, size_t n);

/** Complete the file and give it its name. Releases the writer whether it succeeds or fails; on
 *  failure, BRN_ERR_DISK, a former file of that name is intact and nothing else is left behind. */
BRN_API brn_status brn_table_commit(brn_table_writer *writer);

/** Give up: release the writer and leave no file behind. NULL is fine. */
BRN_API void brn_table_discard(brn_table_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
