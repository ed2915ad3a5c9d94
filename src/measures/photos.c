/* Folders of pictures as measures: every picture is a row, channel first, from -1 (black) to 1.
 *
 * Pictures are taken in the order of their names. All of both folders have one shape, that of the first one read;
 * with data.image_size the largest square in the middle of each is averaged down, or enlarged, to that size. */
#include "core/memory.h"
#include "measures/kinds.h"
#include <brenier/image.h>

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

/* What of pixel i of the input lies within [low, high). */
static double share(int i, double low, double high) { return fmin(i + 1, high) - fmax(i, low); }

/* The mean over a box of the middle square, whose `size` pixels a side become `side`. */
static double average(const brn_image *p, int size, int side, int channel, int row, int column)
{
    const double step = (double)size / side, top = (p->height - size) / 2 + row * step, left = (p->width - size) / 2 + column * step;
    double sum = 0;
    for (int y = (int)top; y < p->height && y < top + step; ++y)
        for (int x = (int)left; x < p->width && x < left + step; ++x)
            sum += share(y, top, top + step) * share(x, left, left + step) *
                   p->pixels[((size_t)y * (size_t)p->width + (size_t)x) * (size_t)p->channels + (size_t)channel];
    return sum / (step * step);
}

static void to_row(const brn_image *p, int side, float *row)
{
    const int size = p->width < p->height ? p->width : p->height;
    for (int c = 0; c < p->channels; ++c)
        for (int y = 0; y < side; ++y)
            for (int x = 0; x < side; ++x) *row++ = (float)(average(p, size, side, c, y, x) / 127.5 - 1);
}

static const char *in_colors(int channels) { return channels == 3 ? "in colours" : "in grey"; }

/* Whether a picture has the shape, which the first one gives. */
static brn_status check(const brn_image *p, const char *path, int image_size, brn_photo_shape *shape)
{
    if (!image_size && p->width != p->height)
        return brn_fail(BRN_ERR_INPUT, "%s: %d x %d pixels; expected a square picture, or data.image_size=64 to cut and scale all", path, p->width, p->height);
    if (!shape->side) {
        shape->side = image_size ? image_size : p->width;
        shape->channels = p->channels;
        snprintf(shape->first, sizeof shape->first, "%s", path);
        if (shape->side > MOST_NUMBERS / shape->side / shape->channels)
            return brn_fail(BRN_ERR_INPUT, "%s: %d x %d pixels %s; a row has at most %d numbers: set data.image_size", path, shape->side, shape->side,
                            in_colors(shape->channels), MOST_NUMBERS);
    }
    if (p->channels != shape->channels)
        return brn_fail(BRN_ERR_INPUT, "%s: a picture %s; expected one %s, as %s", path, in_colors(p->channels), in_colors(shape->channels), shape->first);
    if (!image_size && p->width != shape->side)
        return brn_fail(BRN_ERR_INPUT, "%s: %d x %d pixels; expected %d x %d, as %s, or data.image_size=%d to scale all", path, p->width, p->height,
                        shape->side, shape->side, shape->first, shape->side);
    return BRN_OK;
}

static brn_status read_checked(brn_image *p, const char *path, int image_size, brn_photo_shape *shape)
{
    BRN_TRY(brn_image_read(p, path, 0));
    const brn_status status = check(p, path, image_size, shape);
    if (status != BRN_OK) brn_image_free(p);
    return status;
}

/* ---- a folder ----------------------------------------------------------------------------------- */

static brn_status allocate(const char *folder, const brn_photo_shape *shape, int count, float **rows, size_t *n)
{
    size_t numbers;
    *n = (size_t)shape->channels * (size_t)shape->side * (size_t)shape->side; /* at most MOST_NUMBERS */
    if (!brn_mul_size((size_t)count, *n, &numbers) || numbers > INT32_MAX)
        return brn_fail(BRN_ERR_INPUT, "%s: %d pictures of %zu numbers; at most 2^31 numbers can be used", folder, count, *n);
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
        status = k ? BRN_OK : allocate(folder, shape, known, rows, &row);
        if (status == BRN_OK) to_row(&p, shape->side, *rows + (size_t)k * row);
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
