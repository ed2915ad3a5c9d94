/* The NPY format of NumPy: a short header in Python's notation, then the array's bytes. */
#ifndef BRN_IO_NPY_H
#define BRN_IO_NPY_H

#include "io/bytes.h"

#define BRN_NPY_MAGIC "\x93NUMPY"

/** Bytes of the header that brn_npy_format makes: a multiple of 64 with room for any size. */
#define BRN_NPY_HEADER 128

enum { BRN_NPY_RANK = 4 };

typedef struct brn_npy {
    char kind;           /**< 'f', 'i', 'u' or 'b' */
    unsigned item;       /**< bytes of one number: 1, 2, 4 or 8 */
    bool fortran;        /**< column after column instead of row after row */
    uint64_t rows, cols; /**< both at least 1; a one-dimensional array is one column */
    int rank;            /**< 1 to 4; cols is the product of all sizes after the first */
    uint64_t shape[BRN_NPY_RANK];
    uint64_t data;       /**< offset of the first number */
} brn_npy;

/** Parse the header and check it against bytes->size. BRN_ERR_INPUT for what is no array of numbers
 *  of one to four dimensions, or is shorter or longer than its shape needs. */
brn_status brn_npy_parse(brn_npy *npy, brn_bytes *bytes);

/** The pictures that arrays of three dimensions (count, height, width) and of four, (count, height, width, channels) or
 *  (count, channels, height, width), hold. Strides are those of a row in the file's order. */
typedef struct brn_npy_image {
    int channels, height, width; /**< channels = 0: rows of numbers */
    size_t channel_stride, line_stride, pixel_stride;
} brn_npy_image;

/** BRN_ERR_INPUT for arrays of three dimensions or four that are no pictures of bytes or floats with one channel or three. */
brn_status brn_npy_image_of(brn_npy_image *image, const brn_npy *npy, const char *name);

/** Numbers as the nearest floats; one that is too large becomes Inf. */
void brn_npy_decode(const brn_npy *npy, const unsigned char *raw, size_t n, float *out);

/** One number for an error line: a double as it is, all else as its float. */
double brn_npy_value(const brn_npy *npy, const unsigned char *raw);

/** Header, version 1.0, of a float array [rows][cols]. */
void brn_npy_format(char header[BRN_NPY_HEADER], uint64_t rows, int cols);

#endif
