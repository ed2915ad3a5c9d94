#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

brn_settings fixture_settings(const char *pair, int n)
{
    brn_settings s = {.data.n = n, .data.standardize = BRN_STANDARDIZE_AUTO};
    snprintf(s.data.pair, sizeof s.data.pair, "%s", pair);
    return s;
}

fixture fixture_open(const char *device, int threads, const brn_settings *settings)
{
    fixture f = {0};
    MUST(brn_device_open(&f.device, device, threads));
    MUST(brn_pair_open(&f.pair, f.device, settings));
    f.n = brn_pair_dim(f.pair);
    return f;
}

void fixture_close(fixture *f)
{
    brn_pair_close(f->pair);
    brn_device_close(f->device);
    *f = (fixture){0};
}

void fixture_refused(const brn_settings *settings, brn_status status, const char *part)
{
    brn_device *device;
    brn_pair *pair;
    MUST(brn_device_open(&device, "host", 1));
    MUST_FAIL(brn_pair_open(&pair, device, settings), status, part);
    cr_assert_null(pair);
    brn_device_close(device);
}

double *fixture_batch(const fixture *f, brn_side side, const brn_draw *draw, int tile)
{
    if (tile == 0) tile = brn_device_tile_rows(f->device, 1) < draw->batch ? brn_device_tile_rows(f->device, 1) : draw->batch;
    brn_queue *q = brn_device_queue(f->device, 0);
    brn_pair_work *w;
    brn_buf *buf;
    const size_t n = (size_t)f->n, lanes = (size_t)brn_device_lanes(f->device, tile);
    double *out = malloc((size_t)draw->batch * n * sizeof *out), *block = malloc(n * lanes * sizeof *block);
    MUST(brn_pair_work_create(&w, f->pair, (int)lanes));
    MUST(brn_buf_create(&buf, f->device, BRN_REAL, n * lanes, "tile"));
    for (int r0 = 0; r0 < draw->batch; r0 += tile) {
        const int rows = draw->batch - r0 < tile ? draw->batch - r0 : tile;
        MUST(brn_pair_draw(f->pair, side, q, w, draw, r0, rows, (brn_mat){buf, 0, f->n, (int)lanes}));
        MUST(brn_read_f64(q, (brn_view){buf, 0}, block, n * lanes));
        for (size_t r = 0; r < (size_t)rows; ++r)
            for (size_t i = 0; i < n; ++i) out[((size_t)r0 + r) * n + i] = block[i * lanes + r];
    }
    brn_buf_free(buf);
    brn_pair_work_free(w);
    free(block);
    return out;
}

float *fixture_samples(const fixture *f, brn_side side, uint64_t seed, uint64_t first, size_t count)
{
    float *rows = malloc(count * (size_t)f->n * sizeof *rows);
    MUST(brn_pair_sample(f->pair, side, seed, first, count, rows));
    return rows;
}
