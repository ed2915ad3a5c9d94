#include "fuzz/parsers.h"

#include "config/config.h"
#include "io/safetensors.h"
#include <brenier/image.h>
#include "io/torch.h"
#include "measures/faces.h"
#include <brenier/model.h>
#include <brenier/table.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROMISE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "broken promise: %s (%s:%d)\n", #condition, __FILE__, __LINE__);                 \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* The parsers read files by name; this one has a name but no disk. */
static int file_of(const uint8_t *bytes, size_t n, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    PROMISE(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void refused_clearly(brn_status status, const char *path)
{
    PROMISE(status == BRN_ERR_INPUT || status == BRN_ERR_UNSUPPORTED);
    PROMISE(strstr(brn_last_error(), path) && !strchr(brn_last_error(), '\n'));
}

static void read_table(const char *path, const brn_table_options *options)
{
    enum { MAX_ROWS = 1000 };
    size_t got, total = 0;
    int64_t counted;
    brn_table *t;
    brn_status status = brn_table_open(&t, path, options);
    if (status != BRN_OK) {
        refused_clearly(status, path);
        return;
    }
    int d = brn_table_cols(t);
    PROMISE(d >= 1);
    for (int i = 0; i < d && i < 16; ++i)
        (void)(brn_table_column_name(t, i) && strlen(brn_table_column_name(t, i)));
    float *rows = malloc(sizeof *rows * 7 * (size_t)d), weights[7];
    do {
        status = brn_table_read(t, rows, weights, 7, &got);
        for (size_t i = 0; status == BRN_OK && i < got * (size_t)d; ++i) PROMISE(isfinite(rows[i]));
        total += got;
    } while (status == BRN_OK && got > 0 && total < MAX_ROWS);
    if (status != BRN_OK)
        refused_clearly(status, path);
    else if (got == 0)
        PROMISE(brn_table_rows(t) == (int64_t)total && total > 0);
    if (brn_table_count(t, &counted) == BRN_OK) PROMISE(counted >= 1);
    free(rows);
    brn_table_close(t);
}

void parse_table(const uint8_t *bytes, size_t n)
{
    char path[64];
    int fd = file_of(bytes, n, path);
    read_table(path, NULL);
    read_table(path, &(brn_table_options){.weight = "1", .header = BRN_TABLE_HEADER_YES, .separator = ' '});
    close(fd);
}

/* As a pair of the image benchmark. */
static void read_photographs(brn_st *st, const char *path)
{
    brn_device *device;
    brn_faces *f;
    PROMISE(brn_device_open(&device, "host", 1) == BRN_OK);
    const brn_status status = brn_faces_open(&f, device, st, path);
    if (status != BRN_OK) refused_clearly(status, path);
    PROMISE((status == BRN_OK) == (f != NULL));
    brn_faces_free(f);
    brn_device_close(device);
}

void parse_safetensors(const uint8_t *bytes, size_t n)
{
    char path[64];
    size_t count, pairs;
    brn_st *st;
    int fd = file_of(bytes, n, path);
    brn_status status = brn_st_open(&st, path);
    if (status != BRN_OK) {
        refused_clearly(status, path);
    } else {
        const brn_st_tensor *tensors = brn_st_tensors(st, &count);
        const brn_st_pair *metadata = brn_st_metadata_all(st, &pairs);
        for (size_t i = 0; i < pairs; ++i) PROMISE(brn_st_metadata(st, metadata[i].key) == metadata[i].value);
        for (size_t i = 0; i < count; ++i) {
            const brn_st_tensor *t = &tensors[i];
            PROMISE(t->bytes <= n && brn_st_find(st, t->name) == t);
            double *numbers = malloc(sizeof *numbers * t->count + 1);
            status = brn_st_read_f64(st, t->name, numbers, t->rank, t->shape);
            if (status != BRN_OK) refused_clearly(status, path);
            free(numbers);
        }
        read_photographs(st, path);
        brn_st_close(st);
    }
    close(fd);
}

void parse_torch(const uint8_t *bytes, size_t n)
{
    static const struct { const char *name; int rank; size_t shape[3]; } asked[] = {{"w", 2, {2, 3}}, {"b", 1, {3}}, {"w", 1, {600}}};
    float numbers[600];
    char path[64];
    brn_torch *file;
    int fd = file_of(bytes, n, path);
    const brn_status status = brn_torch_open(&file, path);
    if (status != BRN_OK) {
        refused_clearly(status, path);
        PROMISE(!file);
    } else {
        int rank;
        size_t shape[BRN_TORCH_RANK];
        const brn_status sizes = brn_torch_sizes(file, "w", &rank, shape);
        if (sizes != BRN_OK) refused_clearly(sizes, path);
        PROMISE(sizes != BRN_OK || rank <= BRN_TORCH_RANK);
        for (size_t i = 0; i < sizeof asked / sizeof *asked; ++i) {
            const brn_status read = brn_torch_read(file, asked[i].name, asked[i].rank, asked[i].shape, numbers);
            if (read != BRN_OK) refused_clearly(read, path);
            PROMISE(read != BRN_OK || (brn_torch_count(file) > 0 && brn_torch_check(file, asked[i].name, asked[i].rank, asked[i].shape) == BRN_OK));
        }
        brn_torch_close(file);
    }
    close(fd);
}

void parse_settings(const uint8_t *bytes, size_t n)
{
    brn_settings s, again;
    char *text, *second;
    PROMISE(brn_settings_preset(&s, "hd") == BRN_OK);
    const brn_status status = brn_config_parse(&s, (const char *)bytes, n, "fuzz");
    if (status != BRN_OK) {
        PROMISE(status == BRN_ERR_INPUT || status == BRN_ERR_USAGE);
        PROMISE(strstr(brn_last_error(), "fuzz:") && !strchr(brn_last_error(), '\n'));
        return;
    }
    PROMISE(brn_settings_text(&s, &text) == BRN_OK);
    PROMISE(brn_settings_preset(&again, "2d-paper") == BRN_OK);
    PROMISE(brn_config_parse(&again, text, strlen(text), "text") == BRN_OK);
    PROMISE(brn_settings_text(&again, &second) == BRN_OK);
    PROMISE(strcmp(text, second) == 0);
    free(text);
    free(second);
}

void parse_model(const uint8_t *bytes, size_t n)
{
    enum { ROWS = 3 };
    char path[64];
    brn_device *device;
    brn_model *model;
    PROMISE(brn_device_open(&device, "host", 1) == BRN_OK);
    int fd = file_of(bytes, n, path);
    const brn_status status = brn_model_load(&model, device, path);
    if (status != BRN_OK) {
        refused_clearly(status, path);
        PROMISE(!model);
    } else {
        const size_t numbers = ROWS * (size_t)brn_model_dim(model);
        float *x = calloc(numbers, sizeof *x), *y = calloc(numbers, sizeof *y);
        PROMISE(x && y && brn_model_map(model, x, ROWS, y) == BRN_OK);
        free(x);
        free(y);
        brn_model_free(model);
    }
    close(fd);
    brn_device_close(device);
}

void parse_image(const uint8_t *bytes, size_t n)
{
    static const int wanted[] = {0, 1, 3};
    char path[64];
    int fd = file_of(bytes, n, path);
    for (int k = 0; k < 3; ++k) {
        brn_image p;
        brn_status status = brn_image_read(&p, path, wanted[k]);
        if (status != BRN_OK) {
            refused_clearly(status, path);
            PROMISE(!p.pixels);
            continue;
        }
        PROMISE(p.width > 0 && p.height > 0 && (p.channels == 1 || p.channels == 3) && (!wanted[k] || p.channels == wanted[k]));
        unsigned sum = 0;
        for (size_t i = 0; i < (size_t)p.width * (size_t)p.height * (size_t)p.channels; ++i) sum += p.pixels[i];
        PROMISE(sum <= 255u * (unsigned)p.width * (unsigned)p.height * (unsigned)p.channels);
        brn_image_free(&p);
    }
    close(fd);
}
