/* Folders and arrays of pictures as measures: every picture is a row, channel first, from -1 (black) to 1.
 *
 * Pictures of a folder are taken in the order of their names. All of both sides have one shape, that of the first one read;
 * with data.image_size the largest square in the middle of each is averaged down, or enlarged, to that size. */
#include "core/memory.h"
#include "measures/kinds.h"
#include <brenier/image.h>
#include <brenier/table.h>

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NUMBERS = 65536 }; /* of a row */

/* ---- names -------------------------------------------------------------------------------------- */

static int is_picture(const struct dirent *entry) { return entry->d_name[0] != '.' && brn_image_named(entry->d_name); }
static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); } /* in any locale */

static void free_names(struct dirent **names, int count)
{
    for (int k = 0; k < count; ++k) free(names[k]);
    free(names);
}

static brn_status list(const char *folder, struct dirent ***names, int *count)
{
    *count = scandir(folder, names, is_picture, by_bytes);
    if (*count > 0) return BRN_OK;
    const int cause = errno;
    if (*count == 0) {
        free(*names);
        return brn_fail(BRN_ERR_INPUT, "%s: no pictures in this folder; expected files .png, .jpg or .jpeg", folder);
    }
    *count = 0;
    return brn_fail(cause == ENOMEM ? BRN_ERR_MEMORY : BRN_ERR_INPUT, "%s: cannot be read: %s", folder, strerror(cause));
}

/* ---- one picture -------------------------------------------------------------------------------- */

typedef struct {
    int channels, height, width;
} extent;

/* What of pixel i of the input lies within [low, high). */
static double share(int i, double low, double high) { return fmin(i + 1, high) - fmax(i, low); }

/* The mean over a box of the middle square, whose `size` pixels a side become `side`. */
static double average(const float *plane, extent e, int size, int side, int row, int column)
{
    const double step = (double)size / side, top = (e.height - size) / 2 + row * step, left = (e.width - size) / 2 + column * step;
    double sum = 0;
    for (int y = (int)top; y < e.height && y < top + step; ++y)
        for (int x = (int)left; x < e.width && x < left + step; ++x)
            sum += share(y, top, top + step) * share(x, left, left + step) * plane[(size_t)y * (size_t)e.width + (size_t)x];
    return sum / (step * step);
}

/* planes[channels][height][width] as a row of squares. */
static void to_row(const float *planes, extent e, int side, float *row)
{
    const int size = e.width < e.height ? e.width : e.height;
    for (int c = 0; c < e.channels; ++c, planes += (size_t)e.height * (size_t)e.width)
        for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x) *row++ = (float)average(planes, e, size, side, y, x);
}

static extent extent_of(const brn_image *p) { return (extent){p->channels, p->height, p->width}; }

static brn_status image_to_row(const brn_image *p, int side, float *row)
{
    const size_t channels = (size_t)p->channels, pixels = (size_t)p->width * (size_t)p->height;
    float *planes;
    BRN_TRY(BRN_ALLOC(&planes, channels * pixels, "picture"));
    for (size_t k = 0; k < channels * pixels; ++k) planes[k % channels * pixels + k / channels] = (float)(p->pixels[k] / 127.5 - 1);
    to_row(planes, extent_of(p), side, row);
    free(planes);
    return BRN_OK;
}

static const char *in_colors(int channels) { return channels == 3 ? "in colours" : "in grey"; }

/* Whether a picture has the shape, which the first one gives. */
static brn_status check(extent e, const char *path, int image_size, brn_photo_shape *shape)
{
    if (!image_size && e.width != e.height)
        return brn_fail(BRN_ERR_INPUT, "%s: %d x %d pixels; expected a square picture, or data.image_size=64 to cut and scale all", path, e.width, e.height);
    if (!shape->side) {
        shape->side = image_size ? image_size : e.width;
        shape->channels = e.channels;
        snprintf(shape->first, sizeof shape->first, "%s", path);
        if (shape->side > MOST_NUMBERS / shape->side / shape->channels)
            return brn_fail(BRN_ERR_INPUT, "%s: %d x %d pixels %s; a row has at most %d numbers: set data.image_size", path, shape->side, shape->side,
                            in_colors(shape->channels), MOST_NUMBERS);
    }
    if (e.channels != shape->channels)
        return brn_fail(BRN_ERR_INPUT, "%s: a picture %s; expected one %s, as %s", path, in_colors(e.channels), in_colors(shape->channels), shape->first);
    if (!image_size && e.width != shape->side)
        return brn_fail(BRN_ERR_INPUT, "%s: %d x %d pixels; expected %d x %d, as %s, or data.image_size=%d to scale all", path, e.width, e.height,
                        shape->side, shape->side, shape->first, shape->side);
    return BRN_OK;
}

static brn_status read_checked(brn_image *p, const char *path, int image_size, brn_photo_shape *shape)
{
    BRN_TRY(brn_image_read(p, path, 0));
    const brn_status status = check(extent_of(p), path, image_size, shape);
    if (status != BRN_OK) brn_image_free(p);
    return status;
}

/* ---- a folder, an array ------------------------------------------------------------------------- */

static brn_status allocate(const char *path, const brn_photo_shape *shape, size_t count, float **rows, size_t *n)
{
    size_t numbers;
    *n = (size_t)shape->channels * (size_t)shape->side * (size_t)shape->side; /* at most MOST_NUMBERS */
    if (!brn_mul_size(count, *n, &numbers) || numbers > INT32_MAX)
        return brn_fail(BRN_ERR_INPUT, "%s: %zu pictures of %zu numbers; at most 2^31 numbers can be used", path, count, *n);
    return BRN_ALLOC(rows, numbers, "pictures");
}

brn_status brn_photo_rows(const char *folder, int image_size, brn_photo_shape *shape, float **rows, size_t *count, int *n)
{
    struct dirent **names = NULL;
    char path[sizeof shape->first];
    int known = 0;
    size_t row = 0;
    *rows = NULL;
    brn_status status;
    BRN_GO(list(folder, &names, &known));
    for (int k = 0; k < known; ++k) {
        brn_image p;
        snprintf(path, sizeof path, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", names[k]->d_name);
        BRN_GO(read_checked(&p, path, image_size, shape));
        status = k ? BRN_OK : allocate(folder, shape, (size_t)known, rows, &row);
        if (status == BRN_OK) status = image_to_row(&p, shape->side, *rows + (size_t)k * row);
        brn_image_free(&p);
        if (status != BRN_OK) goto done;
    }
    *count = (size_t)known;
    *n = (int)row;
done:
    free_names(names, known);
    if (status != BRN_OK) {
        free(*rows);
        *rows = NULL;
    }
    return status;
}

/* One at a time: squares of the wanted size are read where they belong, others beside. */
static brn_status read_pictures(brn_table *t, extent e, const brn_photo_shape *shape, size_t count, size_t n, float *rows)
{
    const bool as_is = e.height == shape->side && e.width == shape->side;
    float *beside = NULL;
    size_t got = 1;
    brn_status status = BRN_OK;
    if (!as_is) BRN_TRY(BRN_ALLOC(&beside, (size_t)brn_table_cols(t), "picture"));
    for (size_t k = 0; k < count && got == 1 && status == BRN_OK; ++k) {
        status = brn_table_read(t, as_is ? rows + k * n : beside, NULL, 1, &got);
        if (status == BRN_OK && !as_is) to_row(beside, e, shape->side, rows + k * n);
    }
    free(beside);
    return status;
}

brn_status brn_photo_array(brn_table *t, const char *path, int image_size, brn_photo_shape *shape, float **rows, size_t *count, int *n)
{
    extent e;
    size_t row;
    *rows = NULL;
    brn_table_image(t, &e.channels, &e.height, &e.width);
    BRN_TRY(check(e, path, image_size, shape));
    *count = (size_t)brn_table_rows(t);
    BRN_TRY(allocate(path, shape, *count, rows, &row));
    *n = (int)row;
    const brn_status status = read_pictures(t, e, shape, *count, row, *rows);
    if (status == BRN_OK) return BRN_OK;
    free(*rows);
    *rows = NULL;
    return status;
}
