#include "compute/batch.h"

static brn_status create_memory(brn_batch *b, const char *what)
{
    BRN_TRY(brn_buf_create(&b->buf, b->dev, BRN_REAL, (size_t)b->tiles * (size_t)b->feats * (size_t)b->lanes, what));
    return brn_zero(brn_device_queue(b->dev, 0), (brn_view){b->buf, 0}, brn_buf_count(b->buf));
}

brn_status brn_batch_create(brn_batch *b, brn_device *dev, int feats, int rows, const char *what)
{
    *b = (brn_batch){.dev = dev, .feats = feats, .rows = rows, .tile_rows = brn_device_tile_rows(dev, feats)};
    if (b->tile_rows > rows) b->tile_rows = rows > 0 ? rows : 1;
    b->lanes = brn_device_lanes(dev, b->tile_rows);
    b->tiles = (rows + b->tile_rows - 1) / b->tile_rows;
    return create_memory(b, what);
}

brn_status brn_batch_beside(brn_batch *b, const brn_batch *of, int feats, const char *what)
{
    *b = *of;
    b->feats = feats;
    b->buf = NULL;
    return create_memory(b, what);
}

void brn_batch_free(brn_batch *b)
{
    brn_buf_free(b->buf);
    *b = (brn_batch){0};
}

typedef struct {
    const brn_batch *b;
    const float *write_f32;
    const double *write_f64;
    float *read_f32;
    double *read_f64;
} transfer;

/* One tile through a row-major staging buffer. */
static brn_status move_tile(void *context, brn_queue *q, int t)
{
    const transfer *job = context;
    const brn_batch *b = job->b;
    const int rows = brn_batch_rows(b, t);
    const size_t count = (size_t)rows * (size_t)b->feats, at = (size_t)brn_batch_first(b, t) * (size_t)b->feats;
    const brn_mat tile = brn_batch_tile(b, t);
    brn_buf *staging;
    BRN_TRY(brn_buf_create(&staging, b->dev, BRN_REAL, count, "staging"));
    const brn_view stage = {staging, 0};
    brn_status status;
    if (job->write_f32 || job->write_f64) {
        status = job->write_f32 ? brn_write_f32(q, stage, job->write_f32 + at, count) : brn_write_f64(q, stage, job->write_f64 + at, count);
        if (status == BRN_OK) status = BRN_LAUNCH(q, rows_to_tile, rows, b->feats, (.ld = tile.ld), stage, brn_mat_view(tile));
    } else {
        status = BRN_LAUNCH(q, tile_to_rows, rows, b->feats, (.ld = tile.ld), brn_mat_view(tile), stage);
        if (status == BRN_OK && job->read_f32) status = brn_read_f32(q, stage, job->read_f32 + at, count);
        if (status == BRN_OK && job->read_f64) status = brn_read_f64(q, stage, job->read_f64 + at, count);
    }
    brn_buf_free(staging);
    return status;
}

brn_batch brn_batch_part(const brn_batch *whole, int rows)
{
    brn_batch part = *whole;
    part.rows = rows;
    part.tiles = (rows + part.tile_rows - 1) / part.tile_rows;
    return part;
}

brn_status brn_batch_write(brn_batch *b, const float *rows)
{
    return brn_parallel(b->dev, b->tiles, move_tile, &(transfer){.b = b, .write_f32 = rows});
}

brn_status brn_batch_write_f64(brn_batch *b, const double *rows)
{
    return brn_parallel(b->dev, b->tiles, move_tile, &(transfer){.b = b, .write_f64 = rows});
}

brn_status brn_batch_read(const brn_batch *b, float *rows)
{
    return brn_parallel(b->dev, b->tiles, move_tile, &(transfer){.b = b, .read_f32 = rows});
}

brn_status brn_batch_read_f64(const brn_batch *b, double *rows)
{
    return brn_parallel(b->dev, b->tiles, move_tile, &(transfer){.b = b, .read_f64 = rows});
}
