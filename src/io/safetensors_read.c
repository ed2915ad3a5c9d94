#include "io/safetensors.h"

#include "core/memory.h"
#include "io/mapped.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A parsed header takes many times its length in memory, up to 80 bytes for each comma. These limits leave
 * room for two thousand arrays, and keep what a hostile file can take below six megabytes. */
#define MAX_HEADER ((uint64_t)1 << 20)
#define MAX_VALUES 16384

/* Whole numbers above this are not exact in cJSON, which keeps doubles. */
#define MAX_WHOLE 9007199254740992.0

struct brn_st {
    char *path;
    brn_mapped mapped;
    cJSON *json; /* owns all names and texts */
    const unsigned char *data;
    size_t data_bytes;
    size_t tensor_count, pair_count;
    brn_st_tensor *tensors; /* sorted by name */
    brn_st_pair *pairs;
};

static const struct {
    const char *name;
    size_t size;
} dtypes[BRN_ST_DTYPES] = {[BRN_ST_F64] = {"F64", 8},
                           [BRN_ST_I64] = {"I64", 8},
                           [BRN_ST_F32] = {"F32", 4},
                           [BRN_ST_I32] = {"I32", 4},
                           [BRN_ST_U8] = {"U8", 1}};

const char *brn_st_dtype_name(brn_st_dtype dtype) { return dtypes[dtype].name; }
size_t brn_st_dtype_size(brn_st_dtype dtype) { return dtypes[dtype].size; }

/* ---- header ------------------------------------------------------------------------------------ */

/* Every value but the first of a list or object follows a comma, and every list or object begins with a
 * bracket: their number, outside texts, bounds the number of values. */
static brn_status check_values(const brn_st *st, const char *text, size_t length)
{
    size_t values = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; ++i) {
        if (text[i] == '"') quoted = !quoted;
        else if (quoted) i += text[i] == '\\';
        else values += text[i] == ',' || text[i] == '{' || text[i] == '[';
        if (values > MAX_VALUES)
            return brn_fail(BRN_ERR_INPUT, "%s:byte %zu: expected at most %d values in the header", st->path,
                            i + sizeof(uint64_t), MAX_VALUES);
    }
    return BRN_OK;
}

static brn_status parse_header(brn_st *st)
{
    const unsigned char *bytes = st->mapped.bytes;
    uint64_t length;
    if (st->mapped.size < sizeof length)
        return brn_fail(BRN_ERR_INPUT, "%s: expected a safetensors file, found only %zu bytes", st->path,
                        st->mapped.size);
    memcpy(&length, bytes, sizeof length);
    if (length > st->mapped.size - sizeof length)
        return brn_fail(BRN_ERR_INPUT,
                        "%s:byte 0: header of %llu bytes claimed, the file has %zu more (truncated, or no "
                        "safetensors file)",
                        st->path, (unsigned long long)length, st->mapped.size - sizeof length);
    if (length > MAX_HEADER)
        return brn_fail(BRN_ERR_INPUT, "%s:byte 0: header of %llu bytes, expected at most %llu", st->path,
                        (unsigned long long)length, (unsigned long long)MAX_HEADER);
    const char *text = (const char *)bytes + sizeof length, *end = text + length, *stop = text;
    if (length == 0 || *text != '{') return brn_fail(BRN_ERR_INPUT, "%s:byte 8: expected '{'", st->path);

    /* A zero inside a text, plain or escaped, would cut it short and could hide a second name. */
    if (memchr(text, '\0', length) || memmem(text, length, "\\u0000", 6))
        return brn_fail(BRN_ERR_INPUT, "%s: zero byte in the header", st->path);
    BRN_TRY(check_values(st, text, length));
    st->json = cJSON_ParseWithLengthOpts(text, length, &stop, false);
    if (!st->json) {
        if (stop < text || stop > end) stop = end;
        return brn_fail(BRN_ERR_INPUT, "%s:byte %zu: header is not valid JSON", st->path,
                        (size_t)(stop - text) + sizeof length);
    }
    while (stop < end && (*stop == ' ' || *stop == '\n')) ++stop;
    if (stop < end)
        return brn_fail(BRN_ERR_INPUT, "%s:byte %zu: expected only spaces after the header's last brace",
                        st->path, (size_t)(stop - text) + sizeof length);
    st->data = bytes + sizeof length + length;
    st->data_bytes = st->mapped.size - sizeof length - length;
    return BRN_OK;
}

static bool whole_number(const cJSON *item, size_t *value)
{
    if (!cJSON_IsNumber(item)) return false;
    double v = item->valuedouble;
    if (!(v >= 0.0 && v <= MAX_WHOLE) || v != floor(v)) return false;
    *value = (size_t)v;
    return true;
}

static brn_status parse_shape(const brn_st *st, const cJSON *shape, brn_st_tensor *t)
{
    const cJSON *size;
    if (!cJSON_IsArray(shape))
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': shape is not a list", st->path, t->name);
    t->count = 1;
    cJSON_ArrayForEach(size, shape)
    {
        if (t->rank == BRN_ST_MAX_RANK)
            return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': more than %d dimensions", st->path, t->name,
                            BRN_ST_MAX_RANK);
        if (!whole_number(size, &t->shape[t->rank]))
            return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': shape[%d] is not a whole number >= 0", st->path,
                            t->name, t->rank);
        if (!brn_mul_size(t->count, t->shape[t->rank], &t->count))
            return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': the product of its shape overflows", st->path,
                            t->name);
        ++t->rank;
    }
    if (!brn_mul_size(t->count, dtypes[t->dtype].size, &t->bytes))
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': its size in bytes overflows", st->path, t->name);
    return BRN_OK;
}

static brn_status parse_dtype(const brn_st *st, const cJSON *dtype, brn_st_tensor *t)
{
    const char *name = cJSON_GetStringValue(dtype);
    for (int i = 0; name && i < BRN_ST_DTYPES; ++i)
        if (strcmp(name, dtypes[i].name) == 0) {
            t->dtype = (brn_st_dtype)i;
            return BRN_OK;
        }
    return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': dtype '%.16s', expected F32, F64, I32, I64 or U8",
                    st->path, t->name, name ? name : "?");
}

static brn_status parse_tensor(const brn_st *st, const cJSON *entry, brn_st_tensor *t)
{
    t->name = entry->string;
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(entry, "shape");
    const cJSON *range = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
    /* Three members of which each is there: none is there twice. */
    if (!cJSON_IsObject(entry) || !dtype || !shape || !range || cJSON_GetArraySize(entry) != 3)
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': expected exactly dtype, shape and data_offsets",
                        st->path, t->name);
    BRN_TRY(parse_dtype(st, dtype, t));
    BRN_TRY(parse_shape(st, shape, t));

    size_t begin, end;
    if (!cJSON_IsArray(range) || cJSON_GetArraySize(range) != 2 || !whole_number(range->child, &begin) ||
        !whole_number(range->child->next, &end) || begin > end)
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': data_offsets are not [begin, end]", st->path,
                        t->name);
    if (end > st->data_bytes)
        return brn_fail(BRN_ERR_INPUT,
                        "%s: tensor '%s': ends at data byte %zu, the file has %zu (truncated?)", st->path,
                        t->name, end, st->data_bytes);
    if (end - begin != t->bytes)
        return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': %zu bytes, its dtype and shape need %zu", st->path,
                        t->name, end - begin, t->bytes);
    t->data = st->data + begin;
    return BRN_OK;
}

/* ---- names and byte ranges --------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const brn_st_tensor *)a)->name, ((const brn_st_tensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const brn_st_pair *)a)->key, ((const brn_st_pair *)b)->key);
}

static int by_place(const void *a, const void *b)
{
    const brn_st_tensor *s = a, *t = b;
    if (s->data != t->data) return (const char *)s->data < (const char *)t->data ? -1 : 1;
    return (s->bytes > t->bytes) - (s->bytes < t->bytes); /* empty arrays first */
}

static brn_status check_ranges(const brn_st *st)
{
    const unsigned char *at = st->data;
    for (size_t i = 0; i < st->tensor_count; ++i) {
        const brn_st_tensor *t = &st->tensors[i];
        if (t->data != at)
            return brn_fail(
                BRN_ERR_INPUT, "%s: tensor '%s': begins at data byte %zu, expected %zu: %s", st->path,
                t->name, (size_t)((const unsigned char *)t->data - st->data), (size_t)(at - st->data),
                (const unsigned char *)t->data < at ? "arrays overlap" : "bytes that belong to no array");
        at += t->bytes;
    }
    if (at != st->data + st->data_bytes)
        return brn_fail(BRN_ERR_INPUT, "%s: %zu bytes after the last array", st->path,
                        st->data_bytes - (size_t)(at - st->data));
    return BRN_OK;
}

static brn_status check_names(const brn_st *st)
{
    for (size_t i = 1; i < st->tensor_count; ++i)
        if (by_name(&st->tensors[i - 1], &st->tensors[i]) == 0)
            return brn_fail(BRN_ERR_INPUT, "%s: two tensors are named '%s'", st->path, st->tensors[i].name);
    return BRN_OK;
}

static brn_status parse_metadata(brn_st *st, const cJSON *metadata)
{
    brn_status status = BRN_OK;
    const cJSON *item;
    brn_st_pair *sorted = NULL;
    size_t n = (size_t)cJSON_GetArraySize(metadata);
    if (!cJSON_IsObject(metadata) || st->pairs)
        return brn_fail(BRN_ERR_INPUT, "%s: __metadata__: expected one object", st->path);
    BRN_TRY(BRN_ALLOC(&st->pairs, n, "metadata"));
    cJSON_ArrayForEach(item, metadata)
    {
        if (!cJSON_IsString(item))
            return brn_fail(BRN_ERR_INPUT, "%s: __metadata__: '%s' is not a text", st->path, item->string);
        st->pairs[st->pair_count++] = (brn_st_pair){item->string, item->valuestring};
    }
    BRN_TRY(BRN_ALLOC(&sorted, n, "metadata"));
    memcpy(sorted, st->pairs, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 1; i < n && status == BRN_OK; ++i)
        if (by_key(&sorted[i - 1], &sorted[i]) == 0)
            status =
                brn_fail(BRN_ERR_INPUT, "%s: __metadata__: '%s' is there twice", st->path, sorted[i].key);
    free(sorted);
    return status;
}

static brn_status parse_entries(brn_st *st)
{
    const cJSON *entry;
    BRN_TRY(BRN_ALLOC(&st->tensors, (size_t)cJSON_GetArraySize(st->json), "tensor list"));
    cJSON_ArrayForEach(entry, st->json)
    {
        if (strcmp(entry->string, "__metadata__") == 0)
            BRN_TRY(parse_metadata(st, entry));
        else
            BRN_TRY(parse_tensor(st, entry, &st->tensors[st->tensor_count++]));
    }
    qsort(st->tensors, st->tensor_count, sizeof *st->tensors, by_place);
    BRN_TRY(check_ranges(st));
    qsort(st->tensors, st->tensor_count, sizeof *st->tensors, by_name);
    return check_names(st);
}

brn_status brn_st_open(brn_st **file, const char *path)
{
    brn_status status;
    brn_st *st = NULL;
    *file = NULL;
    BRN_TRY(BRN_ALLOC(&st, 1, "safetensors file"));
    BRN_GO(brn_strdup(&st->path, path));
    BRN_GO(brn_mapped_open(&st->mapped, path));
    BRN_GO(parse_header(st));
    BRN_GO(parse_entries(st));
    *file = st;
    return BRN_OK;
done:
    brn_st_close(st);
    return status;
}

void brn_st_close(brn_st *st)
{
    if (!st) return;
    brn_mapped_close(&st->mapped);
    cJSON_Delete(st->json);
    free(st->tensors), free(st->pairs), free(st->path);
    free(st);
}

/* ---- looking things up ------------------------------------------------------------------------- */

const brn_st_tensor *brn_st_tensors(const brn_st *st, size_t *count)
{
    *count = st->tensor_count;
    return st->tensors;
}

const brn_st_tensor *brn_st_find(const brn_st *st, const char *name)
{
    brn_st_tensor key = {.name = name};
    return bsearch(&key, st->tensors, st->tensor_count, sizeof key, by_name);
}

const brn_st_pair *brn_st_metadata_all(const brn_st *st, size_t *count)
{
    *count = st->pair_count;
    return st->pairs;
}

const char *brn_st_metadata(const brn_st *st, const char *key)
{
    for (size_t i = 0; i < st->pair_count; ++i)
        if (strcmp(st->pairs[i].key, key) == 0) return st->pairs[i].value;
    return NULL;
}

/* ---- conversion -------------------------------------------------------------------------------- */

static double value_at(const brn_st_tensor *t, size_t i)
{
    const unsigned char *at = (const unsigned char *)t->data + i * dtypes[t->dtype].size;
    double f64;
    float f32;
    int64_t i64;
    int32_t i32;
    switch (t->dtype) {
    case BRN_ST_F64:
        memcpy(&f64, at, sizeof f64);
        return f64;
    case BRN_ST_F32:
        memcpy(&f32, at, sizeof f32);
        return f32;
    case BRN_ST_I64:
        memcpy(&i64, at, sizeof i64);
        return (double)i64;
    case BRN_ST_I32:
        memcpy(&i32, at, sizeof i32);
        return i32;
    default:
        return *at;
    }
}

static void shape_text(char text[256], int rank, const size_t *shape)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < rank && used < 200; ++i)
        used += (size_t)snprintf(text + used, 256 - used, "%s%zu", i ? " x " : "", shape[i]);
    if (rank == 0) strcpy(text, "one number");
}

static brn_status find_shaped(const brn_st *st, const char *name, int rank, const size_t *shape,
                              const brn_st_tensor **found)
{
    const brn_st_tensor *t = *found = brn_st_find(st, name);
    if (!t) return brn_fail(BRN_ERR_INPUT, "%s: no tensor '%s'", st->path, name);
    bool same = t->rank == rank;
    for (int i = 0; same && i < rank; ++i) same = t->shape[i] == shape[i];
    if (same) return BRN_OK;
    char wanted[256], has[256];
    shape_text(wanted, rank, shape);
    shape_text(has, t->rank, t->shape);
    return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': expected %s, found %s", st->path, name, wanted, has);
}

static brn_status not_finite(const brn_st *st, const brn_st_tensor *t, size_t i, const char *type)
{
    return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': number %zu is %g, expected a finite %s", st->path,
                    t->name, i, value_at(t, i), type);
}

brn_status brn_st_read_f32(const brn_st *st, const char *name, float *dst, int rank, const size_t *shape)
{
    const brn_st_tensor *t;
    BRN_TRY(find_shaped(st, name, rank, shape, &t));
    for (size_t i = 0; i < t->count; ++i) {
        dst[i] = (float)value_at(t, i);
        if (!isfinite(dst[i])) return not_finite(st, t, i, "float");
    }
    return BRN_OK;
}

brn_status brn_st_read_f64(const brn_st *st, const char *name, double *dst, int rank, const size_t *shape)
{
    const brn_st_tensor *t;
    BRN_TRY(find_shaped(st, name, rank, shape, &t));
    for (size_t i = 0; i < t->count; ++i) {
        dst[i] = value_at(t, i);
        if (!isfinite(dst[i])) return not_finite(st, t, i, "double");
    }
    return BRN_OK;
}
