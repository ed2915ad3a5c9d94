#include "io/safetensors.h"

#include "core/memory.h"
#include "io/atomic.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static int by_width_and_name(const void *a, const void *b)
{
    const brn_st_tensor *s = a, *t = b;
    size_t p = brn_st_dtype_size(s->dtype), q = brn_st_dtype_size(t->dtype);
    return p != q ? (p < q) - (p > q) : strcmp(s->name, t->name);
}

/* Fill in count and bytes of the sorted copies; refuse what the reader would refuse. */
static brn_status measure(brn_st_tensor *tensors, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        brn_st_tensor *t = &tensors[i];
        t->count = 1;
        if (t->rank < 0 || t->rank > BRN_ST_MAX_RANK)
            return brn_fail(BRN_ERR_INTERNAL, "tensor '%s': rank %d", t->name, t->rank);
        for (int k = 0; k < t->rank; ++k)
            if (!brn_mul_size(t->count, t->shape[k], &t->count))
                return brn_fail(BRN_ERR_INTERNAL, "tensor '%s': its size overflows", t->name);
        if (!brn_mul_size(t->count, brn_st_dtype_size(t->dtype), &t->bytes))
            return brn_fail(BRN_ERR_INTERNAL, "tensor '%s': its size overflows", t->name);
    }
    return BRN_OK;
}

static bool add_metadata(cJSON *json, const brn_st_pair *pairs, size_t n)
{
    cJSON *object = n ? cJSON_AddObjectToObject(json, "__metadata__") : NULL;
    for (size_t i = 0; i < n; ++i)
        if (!cJSON_AddStringToObject(object, pairs[i].key, pairs[i].value)) return false;
    return true;
}

static bool add_tensor(cJSON *json, const brn_st_tensor *t, size_t begin)
{
    cJSON *entry = cJSON_AddObjectToObject(json, t->name);
    bool done = cJSON_AddStringToObject(entry, "dtype", brn_st_dtype_name(t->dtype));
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (int k = 0; k < t->rank; ++k)
        done = done && cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)t->shape[k]));
    cJSON *range = cJSON_AddArrayToObject(entry, "data_offsets");
    done = done && cJSON_AddItemToArray(range, cJSON_CreateNumber((double)begin));
    return done && cJSON_AddItemToArray(range, cJSON_CreateNumber((double)(begin + t->bytes)));
}

/* The header as text; release with cJSON_free. */
static brn_status header_text(char **text, const brn_st_tensor *tensors, size_t n, const brn_st_pair *pairs,
                              size_t pair_count)
{
    size_t begin = 0;
    cJSON *json = cJSON_CreateObject();
    bool done = json && add_metadata(json, pairs, pair_count);
    for (size_t i = 0; done && i < n; begin += tensors[i++].bytes)
        done = add_tensor(json, &tensors[i], begin);
    *text = done ? cJSON_PrintUnformatted(json) : NULL;
    cJSON_Delete(json);
    return *text ? BRN_OK : brn_fail(BRN_ERR_MEMORY, "header of a safetensors file: out of memory");
}

static brn_status write_header(brn_writer *w, const char *text)
{
    uint64_t used = strlen(text), length = (used + 7) / 8 * 8;
    BRN_TRY(brn_writer_write(w, &length, sizeof length));
    BRN_TRY(brn_writer_write(w, text, used));
    return brn_writer_write(w, "       ", length - used);
}

brn_status brn_st_write(const char *path, const brn_st_tensor *tensors, size_t n, const brn_st_pair *metadata,
                        size_t pairs)
{
    brn_status status;
    brn_st_tensor *sorted = NULL;
    brn_writer *w = NULL;
    char *header = NULL;
    BRN_GO(BRN_ALLOC(&sorted, n, "tensor list"));
    if (n) memcpy(sorted, tensors, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_width_and_name);
    BRN_GO(measure(sorted, n));
    BRN_GO(header_text(&header, sorted, n, metadata, pairs));
    BRN_GO(brn_writer_open(&w, path));
    BRN_GO(write_header(w, header));
    for (size_t i = 0; i < n; ++i) BRN_GO(brn_writer_write(w, sorted[i].data, sorted[i].bytes));
    status = brn_writer_commit(w);
    w = NULL;
done:
    brn_writer_discard(w);
    cJSON_free(header);
    free(sorted);
    return status;
}
