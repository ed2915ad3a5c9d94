/* The user's own samples: two files of rows, or folders of pictures, brought to common coordinates and kept on the device;
 * where they would take more than half of its memory they stay on the host, and each draw takes its own rows there. */
#include "compute/backend.h"
#include "config/config.h"
#include "core/memory.h"
#include "io/mapped.h"
#include "measures/kinds.h"
#include <brenier/image.h>
#include <brenier/table.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path, *weight_column;
    float *rows, *weights; /* weights: NULL without */
    size_t count;
    int n;
    bool images;            /* of a folder or an array */
    double *mean, variance; /* total variance */
} sample_file;

static void release(sample_file *f)
{
    free(f->rows);
    free(f->weights);
    *f = (sample_file){0};
}

static brn_status load_picture(sample_file *f, brn_pictures kind)
{
    if (*f->weight_column) return brn_fail(BRN_ERR_USAGE, "%s: a picture has no column of weights", f->path);
    return brn_picture_rows(f->path, kind, &f->rows, &f->count, &f->n);
}

static brn_status load_folder(sample_file *f, int image_size, brn_photo_shape *shape)
{
    if (*f->weight_column) return brn_fail(BRN_ERR_USAGE, "%s: a folder of pictures has no column of weights", f->path);
    f->images = true;
    return brn_photo_rows(f->path, image_size, shape, &f->rows, &f->count, &f->n);
}

/* A table of rows, or an array of pictures. */
static brn_status load_table(sample_file *f, int image_size, brn_photo_shape *shape)
{
    const brn_table_options options = {.weight = f->weight_column};
    int channels, height, width;
    brn_table *t;
    BRN_TRY(brn_table_open(&t, f->path, &options));
    f->images = brn_table_image(t, &channels, &height, &width);
    brn_status status = f->images ? brn_photo_array(t, f->path, image_size, shape, &f->rows, &f->count, &f->n) : BRN_OK;
    brn_table_close(t);
    if (f->images || status != BRN_OK) return status;
    BRN_TRY(brn_table_load(f->path, &options, &f->rows, &f->weights, &f->count, &f->n));
    size_t numbers;
    if (!brn_mul_size(f->count, (size_t)f->n, &numbers) || numbers > INT32_MAX)
        return brn_fail(BRN_ERR_INPUT, "%s: %zu rows of %d columns; at most 2^31 numbers can be used", f->path, f->count, f->n);
    return BRN_OK;
}

static brn_status load(sample_file *f, const char *path, const char *weight_column, const brn_settings *s, brn_photo_shape *shape)
{
    *f = (sample_file){.path = path, .weight_column = weight_column};
    if (brn_is_folder(path)) return load_folder(f, s->data.image_size, shape);
    if (brn_image_named(path)) return load_picture(f, s->data.pictures);
    return load_table(f, s->data.image_size, shape);
}

static brn_status constant_column(const sample_file *f, int column)
{
    char name[80] = "";
    brn_table *t;
    if (brn_table_open(&t, f->path, &(brn_table_options){.weight = f->weight_column}) == BRN_OK) {
        const char *text = brn_table_column_name(t, column);
        if (text) snprintf(name, sizeof name, " (\"%.64s\")", text);
        brn_table_close(t);
    }
    return brn_fail(BRN_ERR_INPUT, "%s: column %d%s is the constant %g; a measure must spread in every column", f->path,
                    column + 1, name, f->rows[column]);
}

static double weight_of(const sample_file *f, size_t r) { return f->weights ? f->weights[r] : 1; }

/* Weighted mean and total variance, in two passes; fails on a column in which no drawn row differs. Images may have such
 * pixels, as the black border of digits. */
static brn_status measure(sample_file *f)
{
    const size_t n = (size_t)f->n;
    double total = 0;
    for (size_t r = 0; r < f->count; ++r) total += weight_of(f, r);
    if (!(total > 0)) return brn_fail(BRN_ERR_INPUT, "%s: all weights are 0", f->path);
    f->variance = 0;
    for (size_t i = 0; i < n; ++i) {
        double sum = 0, square = 0;
        float low = INFINITY, high = -INFINITY;
        for (size_t r = 0; r < f->count; ++r) {
            const float x = f->rows[r * n + i];
            sum += weight_of(f, r) * x;
            if (weight_of(f, r) > 0) low = fminf(low, x), high = fmaxf(high, x);
        }
        f->mean[i] = sum / total;
        for (size_t r = 0; r < f->count; ++r) square += weight_of(f, r) * pow(f->rows[r * n + i] - f->mean[i], 2);
        if (!(low < high) && !f->images) return constant_column(f, (int)i);
        f->variance += square / total;
    }
    if (!(f->variance > 0)) return brn_fail(BRN_ERR_INPUT, "%s: all pictures are the same; a measure must spread", f->path);
    return BRN_OK;
}

static brn_status upload_limits(brn_user_rows *r, brn_device *own, const sample_file *f)
{
    brn_device *dev = r->picker ? r->picker : own;
    if (!f->weights) return BRN_OK;
    double *weights;
    int *limits = NULL;
    BRN_TRY(BRN_ALLOC(&weights, f->count, "weights"));
    for (size_t k = 0; k < f->count; ++k) weights[k] = f->weights[k];
    brn_status status;
    BRN_GO(BRN_ALLOC(&limits, f->count, "weights"));
    brn_limits(weights, f->count, limits);
    BRN_GO(brn_buf_create(&r->limits, dev, BRN_INT, f->count, "weights"));
    BRN_GO(brn_write_int(brn_device_queue(dev, 0), (brn_view){r->limits, 0}, limits, f->count));
done:
    free(weights);
    free(limits);
    return status;
}

static bool fit(const brn_device *dev, const sample_file file[2])
{
    const uint64_t numbers = (uint64_t)(file[0].count + file[1].count) * (uint64_t)file[0].n;
    return dev->memory == 0 || numbers <= dev->memory / 2 / dev->real_size;
}

static brn_status upload(brn_measure *m, brn_device *dev, sample_file *f, bool fits, bool standardized, double scale)
{
    m->kind = BRN_MEASURE_ROWS;
    m->rows = (brn_user_rows){.count = (int)f->count, .bits = 2};
    while ((size_t)1 << m->rows.bits < f->count) ++m->rows.bits;
    const size_t n = (size_t)f->n, numbers = f->count * n;
    for (size_t k = 0; standardized && k < numbers; ++k) f->rows[k] = (float)((f->rows[k] - f->mean[k % n]) / scale);
    if (!fits) {
        m->rows.host = f->rows;
        f->rows = NULL;
        if (brn_device_queues(dev) == 1) BRN_TRY(brn_device_open(&m->rows.picker, "host", 1));
        return upload_limits(&m->rows, dev, f);
    }
    BRN_TRY(brn_buf_create(&m->rows.data, dev, BRN_REAL, numbers, "samples"));
    BRN_TRY(brn_write_f32(brn_device_queue(dev, 0), (brn_view){m->rows.data, 0}, f->rows, numbers));
    return upload_limits(&m->rows, dev, f);
}

void brn_user_rows_free(brn_user_rows *rows)
{
    brn_buf_free(rows->data);
    brn_buf_free(rows->limits);
    brn_device_close(rows->picker);
    free(rows->host);
    *rows = (brn_user_rows){0};
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static brn_status set_name(brn_pair *pair, const brn_settings *s)
{
    char name[2 * BRN_PATH_MAX + 8];
    snprintf(name, sizeof name, "%s -> %s", base_name(s->data.source), base_name(s->data.target));
    return brn_strdup(&pair->name, name);
}

brn_status brn_pair_open_rows(brn_pair *pair, const brn_settings *s)
{
    sample_file file[2] = {0};
    brn_photo_shape shape = {0};
    brn_status status;
    BRN_GO(load(&file[0], s->data.source, s->data.source_weight, s, &shape));
    BRN_GO(load(&file[1], s->data.target, s->data.target_weight, s, &shape));
    if (file[0].n != file[1].n) {
        status = brn_fail(BRN_ERR_INPUT, "%s has %d columns, %s has %d; expected as many", file[0].path, file[0].n, file[1].path, file[1].n);
        goto done;
    }
    pair->n = file[0].n;
    pair->drawings = s->data.pictures == BRN_PICTURES_DARKNESS && brn_image_named(s->data.source) && brn_image_named(s->data.target);
    for (int k = 0; k < 2; ++k) {
        BRN_GO(BRN_ALLOC(&pair->shift[k], (size_t)pair->n, "means"));
        file[k].mean = pair->shift[k];
        BRN_GO(measure(&file[k]));
    }
    pair->standardized = brn_standardizes(s);
    pair->standardization = (brn_standardization){sqrt((file[0].variance + file[1].variance) / 2 / pair->n), {pair->shift[0], pair->shift[1]}};
    const bool fits = fit(pair->dev, file);
    for (int k = 0; k < 2; ++k) BRN_GO(upload(&pair->side[k], pair->dev, &file[k], fits, pair->standardized, pair->standardization.scale));
    BRN_GO(set_name(pair, s));
done:
    release(&file[0]);
    release(&file[1]);
    return status;
}

brn_status brn_pair_check_batch(const brn_pair *pair, const brn_settings *s)
{
    const char *const path[2] = {s->data.source, s->data.target};
    for (int k = 0; k < 2; ++k) {
        const brn_measure *m = &pair->side[k];
        if (m->kind == BRN_MEASURE_ROWS && m->rows.count < s->train.batch)
            return brn_fail(BRN_ERR_INPUT, "%s: %d rows are fewer than train.batch=%d; expected at least as many", path[k], m->rows.count,
                            s->train.batch);
    }
    return BRN_OK;
}

/* `which` = the rows of a draw. */
static brn_status choose(const brn_user_rows *r, const brn_tile_draw *t, brn_queue *q)
{
    const brn_draw draw = {t->draw->seed, t->draw->step, t->draw->stream, t->draw->batch, BRN_SAMPLING_IID};
    const brn_latents l = brn_latents_of(&draw, t->side, 0);
    const brn_pair_work *w = t->work;
    if (r->limits)
        return BRN_LAUNCH(q, weighted_rows, t->rows, 1, (.count = r->count, .row0 = (uint32_t)t->row0, BRN_LATENT_PARAMS(l)), {w->no_lattice, 0},
                          {r->limits, 0}, {w->which, 0});
    const uint64_t at = draw.step * (uint64_t)draw.batch + (uint64_t)t->row0, epoch = at / (uint64_t)r->count;
    return BRN_LAUNCH(q, epoch_rows, t->rows, 1,
                      (.count = r->count, .bits = r->bits, .first = (uint32_t)(at % (uint64_t)r->count), .epoch = (uint32_t)epoch,
                       .epoch_high = (uint32_t)(epoch >> 32), .stream = l.stream, .seed0 = l.seed0, .seed1 = l.seed1),
                      {w->which, 0});
}

static bool is_ready(const brn_pair_stage *s, const brn_tile_draw *t)
{
    return s->ready && s->row0 == t->row0 && s->rows == t->rows && s->draw.seed == t->draw->seed && s->draw.step == t->draw->step &&
           s->draw.stream == t->draw->stream && s->draw.batch == t->draw->batch;
}

brn_status brn_user_rows_send(const brn_user_rows *r, const brn_tile_draw *t)
{
    brn_pair_work *w = t->work;
    brn_pair_stage *s = &w->stage[t->side];
    brn_queue *q = r->picker ? brn_device_queue(r->picker, 0) : t->q;
    const size_t n = (size_t)w->n, rows = (size_t)t->rows;
    if (is_ready(s, t)) return BRN_OK;
    BRN_TRY(choose(r, t, q));
    BRN_TRY(brn_read_int(q, (brn_view){w->which, 0}, w->index, rows));
    for (size_t k = 0; k < rows; ++k) memcpy(w->gathered + k * n, r->host + (size_t)w->index[k] * n, n * sizeof *r->host);
    s->at ^= 1;
    s->ready = false;
    BRN_TRY(brn_write_f32(t->q, (brn_view){s->buf[s->at], 0}, w->gathered, rows * n));
    s->draw = *t->draw, s->row0 = t->row0, s->rows = t->rows;
    s->ready = true;
    return BRN_OK;
}

brn_status brn_user_rows_draw(const brn_user_rows *r, const brn_tile_draw *t)
{
    const brn_pair_work *w = t->work;
    const brn_pair_stage *s = &w->stage[t->side];
    if (r->host) {
        BRN_TRY(brn_user_rows_send(r, t));
        return BRN_LAUNCH(t->q, rows_to_tile, t->rows, w->n, (.ld = t->out.ld), {s->buf[s->at], 0}, brn_mat_view(t->out));
    }
    BRN_TRY(choose(r, t, t->q));
    return BRN_LAUNCH(t->q, gather_rows, t->rows, w->n, (.ld = t->out.ld), {r->data, 0}, {w->which, 0}, brn_mat_view(t->out));
}
