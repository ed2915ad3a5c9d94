/* JPEG by libjpeg. Its errors come back by a jump, which skips nothing but libjpeg's own frames. */
#include "io/image.h"

#include "core/memory.h"

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>

/* A block of 8 x 8 pixels needs a bit at least, and of colours only every fourth. */
enum { PIXELS_A_BYTE = 64 * 8 * 4, QUALITY = 95, MOST_SCANS = 100 };

typedef struct {
    struct jpeg_error_mgr base;
    jmp_buf back;
    char line[JMSG_LENGTH_MAX];
} failures;

static void on_error(j_common_ptr info)
{
    failures *f = (failures *)info->err;
    f->base.format_message(info, f->line);
    longjmp(f->back, 1);
}

/* Pixels made up for missing data are no picture; other warnings do no harm. */
static void on_message(j_common_ptr info, int level)
{
    if (level < 0 && (info->err->msg_code == JWRN_JPEG_EOF || info->err->msg_code == JWRN_HIT_MARKER)) on_error(info);
}

/* A few bytes can ask for thousands of passes over a large picture. */
static void on_scan(j_common_ptr info)
{
    if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > MOST_SCANS) {
        failures *f = (failures *)info->err;
        snprintf(f->line, sizeof f->line, "more than %d passes", MOST_SCANS);
        longjmp(f->back, 1);
    }
}

static struct jpeg_error_mgr *catch_errors(failures *f)
{
    jpeg_std_error(&f->base);
    f->base.error_exit = on_error;
    f->base.emit_message = on_message;
    return &f->base;
}

static brn_status find_channels(const struct jpeg_decompress_struct *info, const char *path, int *channels)
{
    const bool grey = info->jpeg_color_space == JCS_GRAYSCALE, color = info->jpeg_color_space == JCS_YCbCr || info->jpeg_color_space == JCS_RGB;
    if (!grey && !color) return brn_fail(BRN_ERR_INPUT, "%s: a JPEG picture that is neither grey nor RGB", path);
    if (*channels == 3 && grey) return brn_fail(BRN_ERR_INPUT, "%s: a grey picture; expected one in colours", path);
    if (!*channels) *channels = color ? 3 : 1;
    return BRN_OK;
}

static brn_status read_header(struct jpeg_decompress_struct *info, brn_image *image, size_t size, const char *path, int channels)
{
    jpeg_read_header(info, TRUE);
    BRN_TRY(brn_image_check(path, info->image_width, info->image_height, size, PIXELS_A_BYTE));
    BRN_TRY(find_channels(info, path, &channels));
    *image = (brn_image){(int)info->image_width, (int)info->image_height, channels, NULL};
    info->out_color_space = channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    return BRN_ALLOC(&image->pixels, (size_t)image->width * (size_t)image->height * (size_t)channels, "picture");
}

brn_status brn_jpeg_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels)
{
    struct jpeg_decompress_struct info = {0};
    struct jpeg_progress_mgr progress = {.progress_monitor = on_scan};
    failures f;
    volatile brn_status status = BRN_OK;
    info.err = catch_errors(&f);
    if (setjmp(f.back)) {
        status = brn_fail(BRN_ERR_INPUT, "%s: not a usable JPEG picture: %s", path, f.line);
        goto done;
    }
    jpeg_create_decompress(&info);
    info.progress = &progress;
    jpeg_mem_src(&info, bytes, size);
    status = read_header(&info, image, size, path, channels);
    if (status != BRN_OK) goto done;
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
        JSAMPROW row = image->pixels + (size_t)info.output_scanline * (size_t)image->width * (size_t)image->channels;
        jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
done:
    jpeg_destroy_decompress(&info);
    if (status != BRN_OK) brn_image_free(image);
    return status;
}

brn_status brn_jpeg_write(const brn_image *image, FILE *out, const char *path)
{
    struct jpeg_compress_struct info = {0};
    failures f;
    volatile brn_status status = BRN_OK;
    info.err = catch_errors(&f);
    if (setjmp(f.back)) {
        status = brn_fail(BRN_ERR_MEMORY, "%s: cannot be encoded: %s", path, f.line);
        goto done;
    }
    jpeg_create_compress(&info);
    jpeg_stdio_dest(&info, out);
    info.image_width = (JDIMENSION)image->width;
    info.image_height = (JDIMENSION)image->height;
    info.input_components = image->channels;
    info.in_color_space = image->channels == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, QUALITY, TRUE);
    jpeg_start_compress(&info, TRUE);
    while (info.next_scanline < info.image_height) {
        JSAMPROW row = image->pixels + (size_t)info.next_scanline * (size_t)image->width * (size_t)image->channels;
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
done:
    jpeg_destroy_compress(&info);
    return status;
}
