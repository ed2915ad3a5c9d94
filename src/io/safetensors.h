/* safetensors: named arrays and text metadata in one file; nothing in it is executed.
 *
 *   u64 N | N bytes of JSON, padded with spaces | the arrays' bytes, all little-endian
 *   JSON: {"__metadata__": {key: text}, name: {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}}
 *
 * The reader checks everything a file claims before it uses it: see brn_st_open. */
#ifndef BRN_IO_SAFETENSORS_H
#define BRN_IO_SAFETENSORS_H

#include "core/error.h"
#include <stddef.h>
#include <stdint.h>

#define BRN_ST_MAX_RANK 8

typedef enum brn_st_dtype {
    BRN_ST_F64,
    BRN_ST_I64,
    BRN_ST_F32,
    BRN_ST_I32,
    BRN_ST_U8,
    BRN_ST_DTYPES
} brn_st_dtype;

/** One array: what the reader finds, and what the writer takes (which looks at neither count nor bytes). */
typedef struct brn_st_tensor {
    const char *name;
    brn_st_dtype dtype;
    int rank;                      /**< 0: one number */
    size_t shape[BRN_ST_MAX_RANK]; /**< row-major */
    const void *data;              /**< read with memcpy: foreign files need not be aligned */
    size_t count, bytes;           /**< numbers, and their bytes */
} brn_st_tensor;

typedef struct brn_st_pair {
    const char *key, *value;
} brn_st_pair;

/** "F32", ..., and the bytes of one number. */
const char *brn_st_dtype_name(brn_st_dtype dtype);
size_t brn_st_dtype_size(brn_st_dtype dtype);

/* ---- reading ----------------------------------------------------------------------------------- */

typedef struct brn_st brn_st;

/** Open a file and check its header against the format and the file's length: valid JSON of known
 *  dtypes and shapes, no name twice, byte ranges exactly as long as the shapes say, covering the
 *  data without overlap or hole. The file stays mapped until brn_st_close. BRN_ERR_INPUT otherwise. */
brn_status brn_st_open(brn_st **file, const char *path);
void brn_st_close(brn_st *file);

/** All arrays, sorted by name; owned by the file. */
const brn_st_tensor *brn_st_tensors(const brn_st *file, size_t *count);

/** One array by name, or NULL. */
const brn_st_tensor *brn_st_find(const brn_st *file, const char *name);

/** All metadata, in the file's order; owned by the file. */
const brn_st_pair *brn_st_metadata_all(const brn_st *file, size_t *count);

/** One text of the metadata, or NULL. */
const char *brn_st_metadata(const brn_st *file, const char *key);

/** Rank and sizes as two arguments: brn_st_read_f32(file, "w", w, BRN_SHAPE(3, n, n)). */
#define BRN_SHAPE(...)                                                                                       \
    (int)(sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t)), ((const size_t[]){__VA_ARGS__})

/** Copy an array that must exist and have this shape, converted to the nearest float or double.
 *  Values that are NaN or Inf, or too large for the type, are BRN_ERR_INPUT. */
brn_status brn_st_read_f32(const brn_st *file, const char *name, float *dst, int rank, const size_t *shape);
brn_status brn_st_read_f64(const brn_st *file, const char *name, double *dst, int rank, const size_t *shape);

/* ---- writing ----------------------------------------------------------------------------------- */

/** Write a file atomically. The same arguments give the same bytes: metadata in the order given,
 *  then the arrays, widest types first and by name within a width, so that each is aligned to its
 *  size and the first to 8 bytes. Names are UTF-8 and unique. */
brn_status brn_st_write(const char *path, const brn_st_tensor *tensors, size_t tensor_count,
                        const brn_st_pair *metadata, size_t metadata_count);

#endif
