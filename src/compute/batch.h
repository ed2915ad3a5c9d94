/* A batch of samples as tiles: tile t holds rows [t * tile_rows, ...) feature-major. */
#ifndef BRN_COMPUTE_BATCH_H
#define BRN_COMPUTE_BATCH_H

#include "compute/compute.h"

typedef struct brn_batch {
    brn_device *dev;
    brn_buf *buf;
    int feats, rows;
    int tiles, tile_rows; /* rows per tile, the last one may have fewer */
    int lanes;            /* leading dimension of a tile */
} brn_batch;

brn_status brn_batch_create(brn_batch *b, brn_device *dev, int feats, int rows, const char *what);
/** Other features of the same rows: cut into the same tiles as `of`, whose features decide their size. */
brn_status brn_batch_beside(brn_batch *b, const brn_batch *of, int feats, const char *what);
void brn_batch_free(brn_batch *b);

static inline brn_mat brn_batch_tile(const brn_batch *b, int t)
{
    return (brn_mat){b->buf, (size_t)t * (size_t)b->feats * (size_t)b->lanes, b->feats, b->lanes};
}
static inline int brn_batch_first(const brn_batch *b, int t) { return t * b->tile_rows; }
static inline int brn_batch_rows(const brn_batch *b, int t)
{
    const int left = b->rows - t * b->tile_rows;
    return left < b->tile_rows ? left : b->tile_rows;
}

/** The first `rows` rows of a batch, in the same tiles; the memory stays the batch's. */
brn_batch brn_batch_part(const brn_batch *whole, int rows);

/** Row-major host samples in and out, [rows][feats], through the device's queues. */
brn_status brn_batch_write(brn_batch *b, const float *rows);
brn_status brn_batch_write_f64(brn_batch *b, const double *rows);
brn_status brn_batch_read(const brn_batch *b, float *rows);
brn_status brn_batch_read_f64(const brn_batch *b, double *rows);

#endif
