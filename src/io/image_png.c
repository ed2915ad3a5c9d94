/* PNG by libpng's simplified interface, which knows all depths, palettes and transparency. */
#include "io/image.h"

#include "core/memory.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* Deflate makes at most 1032 bytes of one, and a byte of a row holds at most eight pixels. */
enum { PIXELS_A_BYTE = 1032 * 8 };

static brn_status refuse(png_image *png, const char *path)
{
    const brn_status status = brn_fail(BRN_ERR_INPUT, "%s: not a usable PNG picture: %s", path, png->message);
    png_image_free(png);
    return status;
}

static brn_status read_pixels(brn_image *image, png_image *png, const char *path, int channels)
{
    const png_color white = {255, 255, 255};
    const bool color = png->format & PNG_FORMAT_FLAG_COLOR;
    if (channels == 3 && !color) return brn_fail(BRN_ERR_INPUT, "%s: a grey picture; expected one in colours", path);
    image->width = (int)png->width;
    image->height = (int)png->height;
    image->channels = channels ? channels : color ? 3 : 1;
    png->format = image->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    png->flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
    BRN_TRY(BRN_ALLOC(&image->pixels, (size_t)image->width * (size_t)image->height * (size_t)image->channels, "picture"));
    if (png_image_finish_read(png, &white, image->pixels, 0, NULL)) return BRN_OK;
    brn_image_free(image);
    return refuse(png, path);
}

brn_status brn_png_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&png, bytes, size)) return refuse(&png, path);
    brn_status status = brn_image_check(path, png.width, png.height, size, PIXELS_A_BYTE);
    if (status == BRN_OK) status = read_pixels(image, &png, path, channels);
    png_image_free(&png);
    return status;
}

brn_status brn_png_write(const brn_image *image, FILE *out, const char *path)
{
    png_image png = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)image->width, .height = (png_uint_32)image->height,
                     .format = image->channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY};
    if (png_image_write_to_stdio(&png, out, 0, image->pixels, 0, NULL)) return BRN_OK;
    const brn_status status = brn_fail(BRN_ERR_MEMORY, "%s: cannot be encoded: %s", path, png.message);
    png_image_free(&png);
    return status;
}
