/* Inside of pictures: formats in memory. */
#ifndef BRN_IO_IMAGE_H
#define BRN_IO_IMAGE_H

#include "core/error.h"
#include <brenier/image.h>
#include <stdio.h>

/** A picture from the bytes of a file; `path` is for error lines. Hostile bytes are refused before memory is
 *  taken for more pixels than so many bytes can hold. */
brn_status brn_image_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels);

/** Dimensions that a header claims, against the limits and against the file. `most` pixels a byte can code. */
brn_status brn_image_check(const char *path, uint64_t width, uint64_t height, size_t size, uint64_t most);

/** The formats: parse with the wanted channels (0: as the file has them), write into a stream. */
brn_status brn_png_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels);
brn_status brn_png_write(const brn_image *image, FILE *out, const char *path);
brn_status brn_jpeg_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels);
brn_status brn_jpeg_write(const brn_image *image, FILE *out, const char *path);

#endif
