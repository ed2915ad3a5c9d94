/* Model files: safetensors with every named tensor of the networks, and text metadata:
 *
 *     format, format_version, n, pair, steps, settings (YAML)
 *     potential.<tensor>   averaged.<tensor>   amortizer.<tensor>
 *     standardization.scale [1]   standardization.source [n]   standardization.target [n]   (F64)
 *     conjugate.starts [up to 1024][n]   (F32, standardised; samples where conjugate solves may start, if there are any)
 *
 * A file is not trusted: its arrays are compared with the layout that its settings ask for before
 * anything of that size is allocated, so that memory is bounded by the file's own length. */
#include "model/model.h"
#include "config/config.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT  "brenier-model"
#define VERSION "1"
#define SCALE   "standardization.scale"
#define STARTS  "conjugate.starts"
static const char *const shift_name[2] = {"standardization.source", "standardization.target"};

enum { NAME_MAX_ = 64, DIM_MAX = 65536, BLOCKS = 3 };

/* Parameters of one network, as the file names them. */
typedef struct {
    const char *prefix;
    const brn_net_shape *shape;
    brn_buf *buf;
} block;

static int blocks_of(const brn_model *m, block blocks[static BLOCKS])
{
    int count = 0;
    const brn_net *f = &m->f.part[0], *h = brn_amortizer_net((brn_amortizer *)&m->h);
    blocks[count++] = (block){"potential", &f->shape, f->theta};
    if (m->averaged) blocks[count++] = (block){"averaged", &f->shape, m->averaged};
    if (h) blocks[count++] = (block){"amortizer", &h->shape, h->theta};
    return count;
}

static size_t tensor_count(const brn_tensor *t) { return (size_t)t->rows * (size_t)(t->cols ? t->cols : 1); }

static void tensor_name(char name[static NAME_MAX_], const block *b, const brn_tensor *t)
{
    snprintf(name, NAME_MAX_, "%s.%s", b->prefix, t->name);
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* The arrays of a file, copied from the device. */
typedef struct {
    brn_st_tensor *tensor;
    char (*name)[NAME_MAX_];
    size_t tensors;
    void **memory;
    int blocks;
    bool f64;
} bundle;

static void bundle_free(bundle *b)
{
    for (int i = 0; i < b->blocks; ++i) free(b->memory[i]);
    free(b->memory), free(b->tensor), free(b->name);
}

static brn_status bundle_create(bundle *b, const brn_model *m, int extras)
{
    *b = (bundle){.f64 = brn_device_is_f64(m->dev)};
    const size_t most = BLOCKS * BRN_NET_TENSORS + 4 + (size_t)extras;
    BRN_TRY(BRN_ALLOC(&b->tensor, most, "list of arrays"));
    BRN_TRY(BRN_ALLOC(&b->name, most, "list of arrays"));
    return BRN_ALLOC(&b->memory, BLOCKS + (size_t)extras, "list of arrays");
}

static brn_st_tensor *bundle_add(bundle *b, const char *name, brn_st_dtype dtype, const void *data, size_t count)
{
    brn_st_tensor *t = &b->tensor[b->tensors];
    snprintf(b->name[b->tensors], NAME_MAX_, "%s", name);
    *t = (brn_st_tensor){.name = b->name[b->tensors++], .dtype = dtype, .rank = 1, .shape = {count}, .data = data, .count = count};
    return t;
}

static void as_matrix(brn_st_tensor *t, size_t rows, size_t cols)
{
    t->rank = 2, t->shape[0] = rows, t->shape[1] = cols;
}

/* All of a device buffer, as its own element type. */
static brn_status bundle_fetch(bundle *b, brn_device *dev, brn_buf *buf, void **data)
{
    brn_queue *q = brn_device_queue(dev, 0);
    const size_t count = brn_buf_count(buf), size = brn_buf_kind(buf) == BRN_INT ? sizeof(int) : b->f64 ? sizeof(double) : sizeof(float);
    BRN_TRY(brn_alloc_bytes(data, count, size, "arrays to write"));
    b->memory[b->blocks++] = *data;
    const brn_view all = {buf, 0};
    if (brn_buf_kind(buf) == BRN_INT) return brn_read_int(q, all, *data, count);
    return b->f64 ? brn_read_f64(q, all, *data, count) : brn_read_f32(q, all, *data, count);
}

static brn_status bundle_block(bundle *b, brn_device *dev, const block *from)
{
    void *data;
    char name[NAME_MAX_];
    BRN_TRY(bundle_fetch(b, dev, from->buf, &data));
    for (int i = 0; i < from->shape->tensors; ++i) {
        const brn_tensor *t = &from->shape->tensor[i];
        tensor_name(name, from, t);
        const char *at = (const char *)data + t->at * (b->f64 ? sizeof(double) : sizeof(float));
        brn_st_tensor *added = bundle_add(b, name, b->f64 ? BRN_ST_F64 : BRN_ST_F32, at, tensor_count(t));
        if (t->cols) as_matrix(added, (size_t)t->rows, (size_t)t->cols);
    }
    return BRN_OK;
}

static brn_status bundle_extra(bundle *b, brn_device *dev, const brn_extra *extra)
{
    void *data;
    BRN_TRY(bundle_fetch(b, dev, extra->buf, &data));
    const brn_st_dtype dtype = brn_buf_kind(extra->buf) == BRN_INT ? BRN_ST_I32 : b->f64 ? BRN_ST_F64 : BRN_ST_F32;
    bundle_add(b, extra->name, dtype, data, brn_buf_count(extra->buf));
    return BRN_OK;
}

static brn_status check_finite(const bundle *b, const char *path)
{
    for (size_t k = 0; k < b->tensors; ++k) {
        const brn_st_tensor *t = &b->tensor[k];
        for (size_t i = 0; t->dtype != BRN_ST_I32 && i < t->count; ++i) {
            const double value = t->dtype == BRN_ST_F64 ? ((const double *)t->data)[i] : ((const float *)t->data)[i];
            if (!isfinite(value))
                return brn_fail(BRN_ERR_DIVERGED, "%s: not written: %s holds %g at %zu", path, t->name, value, i);
        }
    }
    return BRN_OK;
}

/* With the model's own metadata and `more`. */
static brn_status write_bundle(const brn_model *m, const bundle *b, const char *path, const char *settings, const brn_st_pair *more, int count)
{
    char dim[16], steps[32];
    snprintf(dim, sizeof dim, "%d", m->n);
    snprintf(steps, sizeof steps, "%lld", (long long)m->steps);
    const brn_st_pair own[] = {{"format", FORMAT}, {"format_version", VERSION}, {"n", dim},
                               {"pair", m->pair},  {"steps", steps},            {"settings", settings}};
    const size_t owned = sizeof own / sizeof *own;
    brn_st_pair *pairs;
    BRN_TRY(BRN_ALLOC(&pairs, owned + (size_t)count, "metadata"));
    memcpy(pairs, own, sizeof own);
    if (count) memcpy(pairs + owned, more, (size_t)count * sizeof *more);
    const brn_status status = brn_st_write(path, b->tensor, b->tensors, pairs, owned + (size_t)count);
    free(pairs);
    return status;
}

brn_status brn_model_write(const brn_model *m, const char *path, const brn_extra *extra, int extras, const brn_st_pair *pairs,
                           int pair_count)
{
    block blocks[BLOCKS];
    const int count = blocks_of(m, blocks);
    bundle b;
    char *text = NULL;
    brn_status status;
    brn_settings settings = m->settings;
    settings.threads = 0;
    memset(settings.out, 0, sizeof settings.out);
    BRN_GO(bundle_create(&b, m, extras));
    for (int i = 0; i < count; ++i) BRN_GO(bundle_block(&b, m->dev, &blocks[i]));
    for (int i = 0; i < extras; ++i) BRN_GO(bundle_extra(&b, m->dev, &extra[i]));
    if (m->standardized) {
        bundle_add(&b, SCALE, BRN_ST_F64, &m->scale, 1);
        for (int side = 0; side < 2; ++side) bundle_add(&b, shift_name[side], BRN_ST_F64, m->shift[side], (size_t)m->n);
    }
    if (m->starts) as_matrix(bundle_add(&b, STARTS, BRN_ST_F32, m->start, m->starts * (size_t)m->n), m->starts, (size_t)m->n);
    BRN_GO(check_finite(&b, path));
    BRN_GO(brn_settings_text(&settings, &text));
    BRN_GO(write_bundle(m, &b, path, text, pairs, pair_count));
done:
    free(text);
    bundle_free(&b);
    return status;
}

brn_status brn_model_save(const brn_model *m, const char *path) { return brn_model_write(m, path, NULL, 0, NULL, 0); }

/* ---- reading ----------------------------------------------------------------------------------- */

/* A whole number of the metadata. */
static brn_status read_number(const brn_st *file, const char *path, const char *key, long long most, long long *number)
{
    const char *text = brn_st_metadata(file, key);
    if (!text) return brn_fail(BRN_ERR_INPUT, "%s: metadata: no '%s'; not a model of brenier", path, key);
    char *end;
    *number = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || *number > most)
        return brn_fail(BRN_ERR_INPUT, "%s: metadata: %s is '%.40s', expected a whole number up to %lld", path, key, text, most);
    return BRN_OK;
}

static brn_status check_version(const brn_st *file, const char *path)
{
    const char *format = brn_st_metadata(file, "format"), *version = brn_st_metadata(file, "format_version");
    if (!format || strcmp(format, FORMAT) != 0)
        return brn_fail(BRN_ERR_INPUT, "%s: metadata: format is '%.40s', expected '%s': not a model of brenier", path,
                        format ? format : "", FORMAT);
    if (!version || strcmp(version, VERSION) != 0)
        return brn_fail(BRN_ERR_INPUT, "%s: metadata: format_version is '%.40s', this build reads %s", path,
                        version ? version : "", VERSION);
    return BRN_OK;
}

/* All arrays of a network are there, and as large as its layout says. */
static brn_status check_block(const brn_st *file, const char *path, const char *prefix, const brn_net_shape *shape)
{
    char name[NAME_MAX_];
    for (int i = 0; i < shape->tensors; ++i) {
        tensor_name(name, &(block){.prefix = prefix}, &shape->tensor[i]);
        const brn_st_tensor *t = brn_st_find(file, name);
        if (!t) return brn_fail(BRN_ERR_INPUT, "%s: no tensor '%s', which its settings ask for", path, name);
        if (t->dtype != BRN_ST_F32 && t->dtype != BRN_ST_F64)
            return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': dtype %s, expected F32 or F64", path, name, brn_st_dtype_name(t->dtype));
        if (t->count != tensor_count(&shape->tensor[i]))
            return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': %zu numbers, its settings ask for %zu", path, name, t->count,
                            tensor_count(&shape->tensor[i]));
    }
    return BRN_OK;
}

static brn_status read_block(brn_device *dev, const brn_st *file, const char *path, const block *to)
{
    const brn_net_shape *shape = to->shape;
    const bool f64 = brn_device_is_f64(dev);
    brn_queue *q = brn_device_queue(dev, 0);
    char name[NAME_MAX_];
    brn_status status;
    void *host = NULL;
    BRN_TRY(check_block(file, path, to->prefix, shape));
    BRN_TRY(brn_alloc_bytes(&host, shape->size, f64 ? sizeof(double) : sizeof(float), "parameters"));
    for (int i = 0; i < shape->tensors; ++i) {
        const brn_tensor *t = &shape->tensor[i];
        const size_t sizes[2] = {(size_t)t->rows, (size_t)t->cols};
        const int rank = t->cols ? 2 : 1;
        tensor_name(name, to, t);
        BRN_GO(f64 ? brn_st_read_f64(file, name, (double *)host + t->at, rank, sizes)
                   : brn_st_read_f32(file, name, (float *)host + t->at, rank, sizes));
    }
    status = f64 ? brn_write_f64(q, (brn_view){to->buf, 0}, host, shape->size)
                 : brn_write_f32(q, (brn_view){to->buf, 0}, host, shape->size);
done:
    free(host);
    return status;
}

static brn_status read_extra(brn_device *dev, const brn_st *file, const char *path, const brn_extra *extra)
{
    const brn_view to = {extra->buf, 0};
    const size_t count = brn_buf_count(extra->buf);
    const bool whole = brn_buf_kind(extra->buf) == BRN_INT;
    brn_queue *q = brn_device_queue(dev, 0);
    const brn_st_tensor *t = brn_st_find(file, extra->name);
    if (!t) return brn_fail(BRN_ERR_INPUT, "%s: no tensor '%s': not a checkpoint of this training", path, extra->name);
    if (t->count != count || whole != (t->dtype == BRN_ST_I32))
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': %zu numbers of %s, expected %zu %s", path, extra->name, t->count,
                        brn_st_dtype_name(t->dtype), count, whole ? "of I32" : "reals");
    if (whole) return brn_write_int(q, to, t->data, count);
    double *host;
    BRN_TRY(BRN_ALLOC(&host, count, "checkpoint"));
    brn_status status = brn_st_read_f64(file, extra->name, host, BRN_SHAPE(count));
    if (status == BRN_OK) status = brn_write_f64(q, to, host, count);
    free(host);
    return status;
}

static brn_status read_standardization(brn_model *m, const brn_st *file, const char *path)
{
    if (!brn_st_find(file, SCALE) && !brn_st_find(file, shift_name[0]) && !brn_st_find(file, shift_name[1]))
        return brn_model_standardize(m, NULL);
    const size_t n = (size_t)m->n;
    double *shift, scale;
    BRN_TRY(BRN_ALLOC(&shift, 2 * n, "standardisation"));
    brn_status status;
    BRN_GO(brn_st_read_f64(file, SCALE, &scale, BRN_SHAPE(1)));
    for (int side = 0; side < 2; ++side) BRN_GO(brn_st_read_f64(file, shift_name[side], shift + (size_t)side * n, BRN_SHAPE(n)));
    status = brn_model_standardize(m, &(brn_standardization){scale, {shift, shift + n}});
    if (status != BRN_OK) brn_fail_in(status, "%s", path);
done:
    free(shift);
    return status;
}

static brn_status read_starts(brn_model *m, const brn_st *file, const char *path)
{
    const brn_st_tensor *t = brn_st_find(file, STARTS);
    if (!t) return brn_model_set_starts(m, NULL, 0);
    const size_t n = (size_t)m->n, starts = t->count / n;
    if (t->rank != 2 || t->shape[1] != n || starts < 1 || starts > BRN_STARTS_MAX)
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': expected 1 to %d rows of %zu numbers", path, STARTS, BRN_STARTS_MAX, n);
    float *rows;
    BRN_TRY(BRN_ALLOC(&rows, t->count, "samples to start at"));
    brn_status status = brn_st_read_f32(file, STARTS, rows, BRN_SHAPE(starts, n));
    if (status == BRN_OK) status = brn_model_set_starts(m, rows, starts);
    free(rows);
    return status;
}

static brn_status prepare(brn_model *m)
{
    brn_queue *q = brn_device_queue(m->dev, 0);
    brn_net *h = brn_amortizer_net(&m->h);
    BRN_TRY(brn_net_prepare(&m->f.part[0], q));
    return h ? brn_net_prepare(h, q) : BRN_OK;
}

brn_status brn_model_read(brn_model *m, const brn_st *file, const char *path, const brn_extra *extra, int extras)
{
    block blocks[BLOCKS];
    long long steps;
    const int count = blocks_of(m, blocks);
    BRN_TRY(check_version(file, path));
    BRN_TRY(read_number(file, path, "steps", INT64_MAX, &steps));
    for (int i = 0; i < count; ++i) BRN_TRY(read_block(m->dev, file, path, &blocks[i]));
    for (int i = 0; i < extras; ++i) BRN_TRY(read_extra(m->dev, file, path, &extra[i]));
    BRN_TRY(read_standardization(m, file, path));
    BRN_TRY(read_starts(m, file, path));
    m->steps = steps;
    return prepare(m);
}

/* ---- loading ----------------------------------------------------------------------------------- */

/* Settings of a file, complete and checked; sizes that they name are compared with the file's arrays before use. */
static brn_status read_settings(const brn_st *file, const char *path, int *n, brn_settings *settings)
{
    char name[BRN_PATH_MAX + 32];
    long long dim;
    const char *text = brn_st_metadata(file, "settings");
    if (!text) return brn_fail(BRN_ERR_INPUT, "%s: metadata: no 'settings'; not a model of brenier", path);
    BRN_TRY(read_number(file, path, "n", DIM_MAX, &dim));
    snprintf(name, sizeof name, "%s: settings", path);
    BRN_TRY(brn_settings_preset(settings, "hd"));
    brn_status status = brn_config_parse(settings, text, strlen(text), name);
    if (status == BRN_ERR_USAGE) status = BRN_ERR_INPUT; /* a bad setting of a file is bad input */
    if (status != BRN_OK) return status;
    status = brn_settings_resolve(settings, (int)dim);
    if (status != BRN_OK) return brn_fail_in(status == BRN_ERR_USAGE ? BRN_ERR_INPUT : status, "%s", name);
    *n = (int)dim;
    return BRN_OK;
}

static brn_status check_layout(const brn_st *file, const char *path, const brn_settings *settings, int n)
{
    brn_net_shape shape;
    BRN_TRY(brn_potential_shape(&shape, settings, n));
    BRN_TRY(check_block(file, path, "potential", &shape));
    if (settings->train.averaging > 0) BRN_TRY(check_block(file, path, "averaged", &shape));
    if (settings->amortizer.kind == BRN_AMORTIZER_NONE) return BRN_OK;
    BRN_TRY(brn_amortizer_shape(&shape, settings, n));
    return check_block(file, path, "amortizer", &shape);
}

/* The file itself, or the one of a run folder that is meant. */
static brn_status choose_file(const char *path, char chosen[static BRN_PATH_MAX])
{
    static const char *const names[] = {"", "/best.safetensors", "/latest.safetensors"};
    struct stat s;
    const bool folder = stat(path, &s) == 0 && S_ISDIR(s.st_mode);
    if (strlen(path) + 32 > BRN_PATH_MAX) return brn_fail(BRN_ERR_INPUT, "%.80s...: the path is too long", path);
    for (int i = folder; i < (folder ? 3 : 1); ++i) {
        snprintf(chosen, BRN_PATH_MAX, "%s%s", path, names[i]);
        if (!folder || stat(chosen, &s) == 0) return BRN_OK;
    }
    return brn_fail(BRN_ERR_INPUT, "%s: a run folder with best.safetensors or latest.safetensors is expected", path);
}

brn_status brn_model_load(brn_model **model, brn_device *dev, const char *path)
{
    char chosen[BRN_PATH_MAX];
    brn_settings settings;
    brn_st *file = NULL;
    brn_status status;
    int n = 0;
    *model = NULL;
    BRN_TRY(choose_file(path, chosen));
    BRN_TRY(brn_st_open(&file, chosen));
    BRN_GO(check_version(file, chosen));
    BRN_GO(read_settings(file, chosen, &n, &settings));
    BRN_GO(check_layout(file, chosen, &settings, n));
    const char *pair = brn_st_metadata(file, "pair");
    BRN_GO(brn_model_new(model, dev, &settings, n, NULL, pair ? pair : ""));
    status = brn_model_read(*model, file, chosen, NULL, 0);
done:
    brn_st_close(file);
    if (status == BRN_OK) return BRN_OK;
    brn_model_free(*model);
    *model = NULL;
    return status;
}
