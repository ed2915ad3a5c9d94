/* Rows of an NPY array, in a file or in an archive, a block of numbers at a time. */
#include "io/rows.h"

#include "core/memory.h"
#include "io/npy.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 8192 /* numbers */

typedef struct array {
    brn_bytes bytes;
    brn_npy npy;
    brn_npy_image image;
    float *picture; /* one row, where rows are pictures */
    uint64_t row; /* the next one */
    float *whole; /* see load_whole */
    float block[BLOCK];
    unsigned char raw[BLOCK * 8];
} array;

/* Decode n <= BLOCK numbers from number `first` on, counted in the file's order. */
static brn_status fetch(array *a, uint64_t first, size_t n, float *out)
{
    const brn_npy *npy = &a->npy;
    BRN_TRY(a->bytes.get(&a->bytes, npy->data + first * npy->item, a->raw, n * npy->item));
    brn_npy_decode(npy, a->raw, n, out);
    for (size_t i = 0; i < n; ++i) {
        if (isfinite(out[i])) continue;
        uint64_t at = first + i, inner = npy->fortran ? npy->rows : npy->cols;
        unsigned long long major = at / inner + 1, minor = at % inner + 1;
        return brn_fail(BRN_ERR_INPUT,
                        "%s: row %llu of %llu, column %llu of %llu: found %g, expected a finite float",
                        a->bytes.name, npy->fortran ? minor : major, (unsigned long long)npy->rows,
                        npy->fortran ? major : minor, (unsigned long long)npy->cols,
                        brn_npy_value(npy, a->raw + i * npy->item));
    }
    return BRN_OK;
}

static brn_status read_c_order(array *a, size_t n, float *cells)
{
    uint64_t first = a->row * a->npy.cols, left = n * a->npy.cols;
    while (left > 0) {
        size_t k = left < BLOCK ? (size_t)left : BLOCK;
        BRN_TRY(fetch(a, first, k, cells));
        first += k, left -= k, cells += k;
    }
    return BRN_OK;
}

static brn_status read_fortran_order(array *a, size_t n, float *cells)
{
    size_t cols = a->npy.cols;
    for (size_t c = 0; c < cols; ++c)
        for (size_t r = 0; r < n; r += BLOCK) {
            size_t k = n - r < BLOCK ? n - r : BLOCK;
            BRN_TRY(fetch(a, c * a->npy.rows + a->row + r, k, a->block));
            for (size_t i = 0; i < k; ++i) cells[(r + i) * cols + c] = a->block[i];
        }
    return BRN_OK;
}

/* An archive cannot jump from column to column, so a Fortran array in it is read as a whole. */
static brn_status load_whole(array *a)
{
    uint64_t row = a->row;
    BRN_TRY(BRN_ALLOC(&a->whole, a->npy.rows * a->npy.cols, "array in Fortran order"));
    a->row = 0;
    brn_status status = read_fortran_order(a, a->npy.rows, a->whole);
    a->row = row;
    if (status == BRN_OK) return BRN_OK;
    free(a->whole);
    a->whole = NULL;
    return status;
}

static brn_status read_from_whole(array *a, size_t n, float *cells)
{
    if (!a->whole) BRN_TRY(load_whole(a));
    memcpy(cells, a->whole + a->row * a->npy.cols, n * a->npy.cols * sizeof *cells);
    return BRN_OK;
}

/* A picture in the file's order becomes channels x height x width, in place; bytes become -1 to 1. Floats far from there
 * are another scale, with which nothing that works on pictures would. */
static brn_status arrange(array *a, uint64_t row, float *cells)
{
    static const float FAR = 2;
    const brn_npy_image *p = &a->image;
    const bool bytes = a->npy.kind == 'u';
    memcpy(a->picture, cells, a->npy.cols * sizeof *cells);
    for (int c = 0; c < p->channels; ++c)
        for (int y = 0; y < p->height; ++y)
            for (int x = 0; x < p->width; ++x) {
                const float value = a->picture[(size_t)c * p->channel_stride + (size_t)y * p->line_stride + (size_t)x * p->pixel_stride];
                if (!bytes && fabsf(value) > FAR)
                    return brn_fail(BRN_ERR_INPUT, "%s: picture %llu, line %d, column %d, channel %d: found %g, expected pixels from -1 (black) to 1, or bytes",
                                    a->bytes.name, (unsigned long long)row + 1, y + 1, x + 1, c + 1, value);
                *cells++ = bytes ? value / 127.5f - 1 : value;
            }
    return BRN_OK;
}

static brn_status read_rows(brn_rows *rows, float *cells, size_t max, size_t *got)
{
    array *a = rows->source;
    uint64_t left = a->npy.rows - a->row;
    size_t n = left < max ? (size_t)left : max;
    *got = 0;
    BRN_TRY(!a->npy.fortran       ? read_c_order(a, n, cells)
            : a->bytes.sequential ? read_from_whole(a, n, cells)
                                  : read_fortran_order(a, n, cells));
    for (size_t i = 0; i < n && a->picture; ++i) BRN_TRY(arrange(a, a->row + i, cells + i * a->npy.cols));
    a->row += n;
    *got = n;
    return BRN_OK;
}

static brn_status rewind_rows(brn_rows *rows)
{
    ((array *)rows->source)->row = 0;
    return BRN_OK;
}

static void close_rows(brn_rows *rows)
{
    array *a = rows->source;
    brn_bytes_close(&a->bytes);
    free(a->whole);
    free(a->picture);
    free(a);
}

brn_status brn_rows_array(brn_rows *rows, brn_bytes bytes)
{
    array *a = NULL;
    *rows = (brn_rows){0};
    brn_status status = BRN_ALLOC(&a, 1, "array reader");
    if (status == BRN_OK) status = brn_npy_parse(&a->npy, &bytes);
    if (status == BRN_OK) status = brn_npy_image_of(&a->image, &a->npy, bytes.name);
    if (status == BRN_OK && a->image.channels) status = BRN_ALLOC(&a->picture, (size_t)a->npy.cols, "picture");
    if (status != BRN_OK) {
        brn_bytes_close(&bytes);
        free(a);
        return status;
    }
    a->bytes = bytes;
    *rows = (brn_rows){.source = a,
                       .count = (int64_t)a->npy.rows,
                       .cols = (int)a->npy.cols,
                       .image = {a->image.channels, a->image.height, a->image.width},
                       .read = read_rows,
                       .rewind = rewind_rows,
                       .count_rows = rewind_rows,
                       .close = close_rows};
    return BRN_OK;
}
