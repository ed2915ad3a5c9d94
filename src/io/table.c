#include <brenier/table.h>

#include "core/memory.h"
#include "io/mapped.h"
#include "io/npy.h"
#include "io/path.h"
#include "io/rows.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_NUMBERS 16384

struct brn_table {
    char *path;
    char *array;    /* of an archive, or NULL: the first one */
    brn_rows rows;
    int weight;     /* column of the weights, or -1 */
    uint64_t row;   /* rows read so far */
    float *scratch; /* rows with their weights, where there are any */
    size_t scratch_rows;
};

/* ---- opening ----------------------------------------------------------------------------------- */

/* "a.npz[name]" names an array where no file is called so. */
static brn_status split_path(brn_table *t, const char *path, const char *array)
{
    static const char open[] = ".npz[";
    const size_t n = strlen(path);
    const char *at = n && path[n - 1] == ']' && access(path, F_OK) ? strstr(path, open) : NULL;
    BRN_TRY(brn_strdup(&t->path, path));
    if (!at) return array ? brn_strdup(&t->array, array) : BRN_OK;
    const size_t end = (size_t)(at - path) + sizeof open - 2;
    BRN_TRY(brn_strdup(&t->array, path + end + 1));
    t->path[end] = t->array[n - end - 2] = 0;
    return BRN_OK;
}

static brn_status open_rows(brn_table *t, const brn_table_options *options)
{
    int fd;
    uint64_t size;
    char magic[6] = {0};
    brn_bytes bytes;
    BRN_TRY(brn_open_regular(t->path, &fd, &size));
    ssize_t got = pread(fd, magic, sizeof magic, 0);
    close(fd);
    bool zip = got == sizeof magic && (memcmp(magic, "PK\3\4", 4) == 0 || memcmp(magic, "PK\5\6", 4) == 0);
    bool npy = got == sizeof magic && memcmp(magic, BRN_NPY_MAGIC, 6) == 0;
    if (zip || (!npy && brn_has_ending(t->path, ".npz"))) {
        BRN_TRY(brn_bytes_zip(&bytes, t->path, t->array));
        return brn_rows_array(&t->rows, bytes);
    }
    if (npy || brn_has_ending(t->path, ".npy")) {
        BRN_TRY(brn_bytes_file(&bytes, t->path));
        return brn_rows_array(&t->rows, bytes);
    }
    return brn_rows_csv(&t->rows, t->path, options);
}

static brn_status find_weight(brn_table *t, const char *wanted)
{
    char *end;
    t->weight = -1;
    if (!wanted || !*wanted) return BRN_OK;
    if (t->rows.image[0]) return brn_fail(BRN_ERR_INPUT, "%s: holds pictures, which have no column of weights", t->path);
    for (int i = 0; t->rows.names && i < t->rows.cols; ++i) {
        if (strcmp(t->rows.names[i], wanted) != 0) continue;
        if (t->weight >= 0) return brn_fail(BRN_ERR_INPUT, "%s: two columns are named '%s'", t->path, wanted);
        t->weight = i;
    }
    if (t->weight < 0) {
        long number = strtol(wanted, &end, 10);
        if (*end || number < 1 || number > t->rows.cols)
            return brn_fail(BRN_ERR_INPUT,
                            "%s: no column '%s' for the weights: expected %sa number from 1 to %d", t->path,
                            wanted, t->rows.names ? "a name of the header or " : "", t->rows.cols);
        t->weight = (int)number - 1;
    }
    if (t->rows.cols == 1)
        return brn_fail(BRN_ERR_INPUT, "%s: no columns besides that of the weights", t->path);
    t->scratch_rows = SCRATCH_NUMBERS / (size_t)t->rows.cols + 1;
    return BRN_ALLOC(&t->scratch, t->scratch_rows * (size_t)t->rows.cols, "rows with weights");
}

brn_status brn_table_open(brn_table **table, const char *path, const brn_table_options *options)
{
    static const brn_table_options defaults;
    brn_status status;
    brn_table *t = NULL;
    *table = NULL;
    if (!options) options = &defaults;
    BRN_TRY(BRN_ALLOC(&t, 1, "table"));
    BRN_GO(split_path(t, path, options->array));
    BRN_GO(open_rows(t, options));
    BRN_GO(find_weight(t, options->weight));
    *table = t;
    return BRN_OK;
done:
    brn_table_close(t);
    return status;
}

void brn_table_close(brn_table *t)
{
    if (!t) return;
    brn_rows_close(&t->rows);
    free(t->path), free(t->array), free(t->scratch);
    free(t);
}

/* ---- what it is -------------------------------------------------------------------------------- */

int64_t brn_table_rows(const brn_table *t) { return t->rows.count; }

int brn_table_cols(const brn_table *t) { return t->rows.cols - (t->weight >= 0); }

bool brn_table_image(const brn_table *t, int *channels, int *height, int *width)
{
    *channels = t->rows.image[0], *height = t->rows.image[1], *width = t->rows.image[2];
    return *channels > 0;
}

const char *brn_table_column_name(const brn_table *t, int i)
{
    if (!t->rows.names || i < 0 || i >= brn_table_cols(t)) return NULL;
    return t->rows.names[t->weight >= 0 && i >= t->weight ? i + 1 : i];
}

brn_status brn_table_rewind(brn_table *t)
{
    t->row = 0;
    return t->rows.rewind(&t->rows);
}

brn_status brn_table_count(brn_table *t, int64_t *rows)
{
    if (t->rows.count < 0) BRN_TRY(t->rows.count_rows(&t->rows));
    *rows = t->rows.count;
    return brn_table_rewind(t);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Take the weights out of n rows in the scratch. */
static brn_status split_weights(const brn_table *t, float *rows, float *weights, size_t n)
{
    size_t cols = (size_t)t->rows.cols, w = (size_t)t->weight;
    for (size_t i = 0; i < n; ++i) {
        const float *from = t->scratch + i * cols;
        float *to = rows + i * (cols - 1);
        if (from[w] < 0.0f)
            return brn_fail(BRN_ERR_INPUT, "%s: row %llu: weight %g in column %d, expected at least 0",
                            t->path, (unsigned long long)(t->row + i + 1), from[w], t->weight + 1);
        memcpy(to, from, w * sizeof *to);
        memcpy(to + w, from + w + 1, (cols - 1 - w) * sizeof *to);
        if (weights) weights[i] = from[w];
    }
    return BRN_OK;
}

static brn_status read_weighted(brn_table *t, float *rows, float *weights, size_t max, size_t *got)
{
    size_t some = 0, d = (size_t)t->rows.cols - 1;
    for (size_t done = 0; done < max; done += some) {
        size_t left = max - done;
        BRN_TRY(t->rows.read(&t->rows, t->scratch, left < t->scratch_rows ? left : t->scratch_rows, &some));
        BRN_TRY(split_weights(t, rows + done * d, weights ? weights + done : NULL, some));
        t->row += some;
        *got = done + some;
        if (some == 0) break;
    }
    return BRN_OK;
}

brn_status brn_table_read(brn_table *t, float *rows, float *weights, size_t max, size_t *got)
{
    *got = 0;
    if (t->weight >= 0) return read_weighted(t, rows, weights, max, got);
    BRN_TRY(t->rows.read(&t->rows, rows, max, got));
    t->row += *got;
    for (size_t i = 0; weights && i < *got; ++i) weights[i] = 1.0f;
    return BRN_OK;
}

brn_status brn_table_load(const char *path, const brn_table_options *options, float **rows, float **weights,
                          size_t *n, int *d)
{
    brn_status status;
    brn_table *t = NULL;
    float *x = NULL, *w = NULL;
    int64_t count;
    *rows = NULL, *n = 0, *d = 0;
    if (weights) *weights = NULL;
    BRN_TRY(brn_table_open(&t, path, options));
    BRN_GO(brn_table_count(t, &count));
    size_t numbers = 0;
    if (!brn_mul_size((size_t)count, (size_t)brn_table_cols(t), &numbers))
        BRN_GO(brn_fail(BRN_ERR_MEMORY, "%s: too many rows", path));
    BRN_GO(BRN_ALLOC(&x, numbers, path));
    if (weights && t->weight >= 0) BRN_GO(BRN_ALLOC(&w, (size_t)count, path));
    BRN_GO(brn_table_read(t, x, w, (size_t)count, n));
    *rows = x, *d = brn_table_cols(t);
    if (weights) *weights = w;
    x = w = NULL;
done:
    if (status != BRN_OK) *n = 0;
    brn_table_close(t);
    free(x), free(w);
    return status;
}
