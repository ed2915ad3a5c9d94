/* Any number of samples, or of images under the true map, as rows in host memory. */
#include "core/memory.h"
#include "measures/kinds.h"

#include <stdlib.h>

/* Rows of one item of work at most: bounds the scratch of devices whose tile is a whole batch. Divides
 * BATCH, so that no item spans two batches. */
enum { MOST_ROWS = 4096, BATCH = 1 << 20 };

typedef struct brn_sampler {
    int queues, rows;    /* per item */
    brn_pair_work **work;
    brn_buf **stage;     /* [rows][n] row-major, */
    brn_buf **tile;      /* then x and y, [n][lanes] each */
} brn_sampler;

void brn_sampler_free(brn_sampler *s)
{
    if (!s) return;
    for (int i = 0; i < s->queues; ++i) {
        if (s->work) brn_pair_work_free(s->work[i]);
        if (s->stage) brn_buf_free(s->stage[i]);
        if (s->tile) brn_buf_free(s->tile[i]);
    }
    free(s->work);
    free(s->stage);
    free(s->tile);
    free(s);
}

static brn_status fill(brn_sampler *s, brn_pair *pair)
{
    const size_t queues = (size_t)s->queues, n = (size_t)pair->n;
    const int lanes = brn_device_lanes(pair->dev, s->rows);
    BRN_TRY(BRN_ALLOC(&s->work, queues, "sampler"));
    BRN_TRY(BRN_ALLOC(&s->stage, queues, "sampler"));
    BRN_TRY(BRN_ALLOC(&s->tile, queues, "sampler"));
    for (size_t i = 0; i < queues; ++i) {
        BRN_TRY(brn_pair_work_create(&s->work[i], pair, lanes));
        BRN_TRY(brn_buf_create(&s->stage[i], pair->dev, BRN_REAL, (size_t)s->rows * n, "sampler"));
        BRN_TRY(brn_buf_create(&s->tile[i], pair->dev, BRN_REAL, 2 * (size_t)lanes * n, "sampler"));
    }
    return BRN_OK;
}

static brn_status prepare(brn_pair *pair)
{
    if (pair->sampler) return BRN_OK;
    brn_sampler *s;
    BRN_TRY(BRN_ALLOC(&s, 1, "sampler"));
    const int tile = brn_device_tile_rows(pair->dev, pair->n);
    s->queues = brn_device_queues(pair->dev);
    s->rows = tile < MOST_ROWS ? tile : MOST_ROWS;
    const brn_status status = fill(s, pair);
    if (status != BRN_OK) {
        brn_sampler_free(s);
        return status;
    }
    pair->sampler = s;
    return BRN_OK;
}

typedef struct {
    brn_pair *pair;
    brn_side side;
    uint64_t seed, first, count;
    const float *x;
    float *y;
} job;

static brn_mat tile_of(const brn_pair *pair, int queue, int which)
{
    const int lanes = pair->sampler->work[queue]->lanes;
    return (brn_mat){pair->sampler->tile[queue], (size_t)which * (size_t)pair->n * (size_t)lanes, pair->n, lanes};
}

static brn_status read_tile(const brn_pair *pair, brn_queue *q, brn_mat y, int rows, float *to)
{
    brn_buf *stage = pair->sampler->stage[brn_queue_index(q)];
    BRN_TRY(BRN_LAUNCH(q, tile_to_rows, rows, pair->n, (.ld = y.ld), brn_mat_view(y), {stage, 0}));
    return brn_read_f32(q, (brn_view){stage, 0}, to, (size_t)rows * (size_t)pair->n);
}

/* Items are the parts of the numbers first .. first + count in fixed blocks of the endless stream. */
static brn_status sample_item(void *context, brn_queue *q, int item)
{
    const job *j = context;
    const brn_pair *pair = j->pair;
    const uint64_t rows = (uint64_t)pair->sampler->rows, block = j->first / rows + (uint64_t)item;
    const uint64_t begin = block * rows > j->first ? block * rows : j->first;
    const uint64_t end = (block + 1) * rows < j->first + j->count ? (block + 1) * rows : j->first + j->count;
    const brn_draw draw = {.seed = j->seed, .step = begin / BATCH, .stream = BRN_STREAM_SAMPLE, .batch = BATCH, .sampling = BRN_SAMPLING_IID};
    const int k = brn_queue_index(q), part = (int)(end - begin);
    const size_t n = (size_t)pair->n;
    const brn_mat y = tile_of(pair, k, 0);
    float *to = j->y + (begin - j->first) * n;
    BRN_TRY(brn_pair_draw(pair, j->side, q, pair->sampler->work[k], &draw, (int)(begin % BATCH), part, y));
    BRN_TRY(read_tile(pair, q, y, part, to));
    for (size_t e = 0; pair->standardized && e < (size_t)part * n; ++e)
        to[e] = (float)(to[e] * pair->standardization.scale + pair->shift[j->side][e % n]);
    return BRN_OK;
}

static brn_status map_item(void *context, brn_queue *q, int item)
{
    const job *j = context;
    const brn_pair *pair = j->pair;
    const uint64_t rows = (uint64_t)pair->sampler->rows, begin = (uint64_t)item * rows;
    const int k = brn_queue_index(q), part = (int)(j->count - begin < rows ? j->count - begin : rows);
    const brn_mat x = tile_of(pair, k, 0), y = tile_of(pair, k, 1);
    const size_t n = (size_t)pair->n;
    brn_buf *stage = pair->sampler->stage[k];
    BRN_TRY(brn_write_f32(q, (brn_view){stage, 0}, j->x + begin * n, (size_t)part * n));
    BRN_TRY(BRN_LAUNCH(q, rows_to_tile, part, pair->n, (.ld = x.ld), {stage, 0}, brn_mat_view(x)));
    BRN_TRY(brn_pair_true_map(pair, q, pair->sampler->work[k], part, x, y));
    return read_tile(pair, q, y, part, j->y + begin * n);
}

static brn_status run(brn_pair *pair, brn_item_fn fn, job *j)
{
    if (j->count == 0) return BRN_OK;
    BRN_TRY(prepare(pair));
    const uint64_t rows = (uint64_t)pair->sampler->rows;
    const uint64_t items = (j->first + j->count - 1) / rows - j->first / rows + 1;
    if (j->count > UINT64_MAX / 2 || j->first > UINT64_MAX / 2 || items > INT32_MAX)
        return brn_fail(BRN_ERR_USAGE, "%llu samples from number %llu on are too many", (unsigned long long)j->count, (unsigned long long)j->first);
    return brn_parallel(pair->dev, (int)items, fn, j);
}

brn_status brn_pair_sample(brn_pair *pair, brn_side side, uint64_t seed, uint64_t first, size_t count, float *rows)
{
    return run(pair, sample_item, &(job){.pair = pair, .side = side, .seed = seed, .first = first, .count = count, .y = rows});
}

brn_status brn_pair_map(brn_pair *pair, const float *x, size_t count, float *y)
{
    if (!brn_pair_has_map(pair)) return brn_fail(BRN_ERR_UNSUPPORTED, "the optimal map of pair \"%s\" is not known", pair->name);
    return run(pair, map_item, &(job){.pair = pair, .count = count, .x = x, .y = y});
}
