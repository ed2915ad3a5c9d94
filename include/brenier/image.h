/** @file image.h
 *  Pictures: PNG and JPEG files as bytes, and learned maps applied to their colours.
 */
#ifndef BRENIER_IMAGE_H
#define BRENIER_IMAGE_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** pixels[height][width][channels], 0 is black; 1 channel (grey) or 3 (red, green, blue). */
typedef struct brn_image {
    int width, height, channels;
    unsigned char *pixels;
} brn_image;

/** Whether a path ends like a picture: .png, .jpg or .jpeg. */
BRN_API bool brn_image_named(const char *path);

/** Read a PNG or JPEG file, known by its first bytes; 16 bits are rounded to 8, palettes become colours, what is
 *  transparent stands on white.
 *  @param channels 1: colours become their grey; 3: a grey picture is an error; 0: as the file has them
 *  @return BRN_ERR_INPUT, with the file and what was expected, for a file that is no picture, is cut off, or claims
 *          more pixels than its length can hold or than 2^28; BRN_ERR_UNSUPPORTED in a build without the format.
 *          Release with brn_image_free, on success only. */
BRN_API brn_status brn_image_read(brn_image *image, const char *path, int channels);

/** Write atomically, PNG or JPEG (quality 95) by the ending. BRN_ERR_USAGE for another ending, BRN_ERR_DISK. */
BRN_API brn_status brn_image_write(const brn_image *image, const char *path);
BRN_API void brn_image_free(brn_image *image);

/** Apply a map of colours in place, a chunk of pixels at a time: colours are rows in [0, 1]^3, and what leaves the
 *  cube is clipped to it.
 *  @return BRN_ERR_USAGE for a grey picture or a model of another dimension than 3 */
BRN_API brn_status brn_image_map(brn_model *model, brn_image *image);

#ifdef __cplusplus
}
#endif
#endif
