/* Pictures: what is read, what is refused, what is written. */
#include "support/support.h"
#include "io/image.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[128];
static void make_dir(void) { test_make_dir(dir); }
static void remove_dir(void) { test_remove_dir(dir); }
TestSuite(images, .init = make_dir, .fini = remove_dir);

static const char *in_dir(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* Smooth, so that JPEG keeps it. */
static brn_image picture(int width, int height, int channels)
{
    brn_image p = {width, height, channels, malloc((size_t)width * (size_t)height * (size_t)channels)};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < channels; ++c)
                p.pixels[(y * width + x) * channels + c] = (unsigned char)(40 + 150 * x / width + 50 * y / height * (c + 1) / channels);
    return p;
}

static int worst(const brn_image *a, const brn_image *b)
{
    int most = 0;
    for (int i = 0; i < a->width * a->height * a->channels; ++i) {
        const int off = abs(a->pixels[i] - b->pixels[i]);
        most = off > most ? off : most;
    }
    return most;
}

Test(images, come_back_as_written)
{
    static const char *const names[] = {"a.png", "a.jpg", "a.JPEG"};
    for (int k = 0; k < 3; ++k)
        for (int channels = 1; channels <= 3; channels += 2) {
            brn_image p = picture(37, 21, channels), q;
            MUST(brn_image_write(&p, in_dir(names[k])));
            MUST(brn_image_read(&q, path, 0));
            cr_assert(q.width == 37 && q.height == 21 && q.channels == channels, "%s: %d x %d x %d", names[k], q.width, q.height, q.channels);
            cr_assert_leq(worst(&p, &q), k ? 8 : 0, "%s: off by %d", names[k], worst(&p, &q));
            brn_image_free(&p), brn_image_free(&q);
        }
}

/* ---- formats of PNG ------------------------------------------------------------------------------ */

static void put_png(const char *name, int width, int depth, int type, const unsigned char *row)
{
    FILE *file = fopen(in_dir(name), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    static const png_color colors[] = {{200, 30, 10}, {0, 0, 0}};
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)width, 1, depth, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, colors, 2);
    png_write_info(png, info);
    png_write_row(png, row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

static void pixels_are(int channels, const unsigned char *expected, int width)
{
    brn_image p;
    MUST(brn_image_read(&p, path, channels));
    cr_assert_eq(p.width, width);
    for (int i = 0; i < width * p.channels; ++i) cr_expect_eq(p.pixels[i], expected[i], "%s: value %d is %d, not %d", path, i, p.pixels[i], expected[i]);
    brn_image_free(&p);
}

Test(images, depths_palettes_and_transparency)
{
    put_png("grey16.png", 2, 16, PNG_COLOR_TYPE_GRAY, (const unsigned char[]){0x80, 0x80, 0xff, 0xff});
    pixels_are(0, (const unsigned char[]){128, 255}, 2);
    put_png("rgb16.png", 1, 16, PNG_COLOR_TYPE_RGB, (const unsigned char[]){0x10, 0x10, 0x20, 0x20, 0xf0, 0xf0});
    pixels_are(3, (const unsigned char[]){16, 32, 240}, 1);
    put_png("bits.png", 3, 1, PNG_COLOR_TYPE_GRAY, (const unsigned char[]){0xa0});
    pixels_are(1, (const unsigned char[]){255, 0, 255}, 3);
    put_png("palette.png", 2, 8, PNG_COLOR_TYPE_PALETTE, (const unsigned char[]){0, 1});
    pixels_are(3, (const unsigned char[]){200, 30, 10, 0, 0, 0}, 2);
    put_png("alpha.png", 2, 8, PNG_COLOR_TYPE_RGB_ALPHA, (const unsigned char[]){9, 9, 9, 0, 10, 20, 30, 255});
    pixels_are(3, (const unsigned char[]){255, 255, 255, 10, 20, 30}, 2); /* what is transparent stands on white */
    put_png("grey_alpha.png", 2, 8, PNG_COLOR_TYPE_GRAY_ALPHA, (const unsigned char[]){0, 0, 0, 255});
    pixels_are(1, (const unsigned char[]){255, 0}, 2);
}

/* ---- what is refused ----------------------------------------------------------------------------- */

Test(images, cut_off_anywhere)
{
    static const char *const names[] = {"a.png", "a.jpg"};
    for (int k = 0; k < 2; ++k) {
        brn_image p = picture(40, 30, 3), q;
        size_t size;
        MUST(brn_image_write(&p, in_dir(names[k])));
        unsigned char *bytes = (unsigned char *)test_read_file(dir, names[k], &size);
        for (size_t cut = 0; cut + 13 < size; cut += 7) {
            unsigned char *exact = malloc(cut + 1);
            memcpy(exact, bytes, cut);
            MUST_FAIL(brn_image_parse(&q, exact, cut, "cut.file", 0), BRN_ERR_INPUT, "cut.file");
            cr_assert_null(q.pixels);
            free(exact);
        }
        free(bytes);
        brn_image_free(&p);
    }
}

static void big_endian(unsigned char *to, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; ++i) to[i] = (unsigned char)(v >> 8 * (bytes - 1 - i));
}

static uint32_t crc(const unsigned char *bytes, size_t n)
{
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < n; ++i) {
        c ^= bytes[i];
        for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
    }
    return ~c;
}

Test(images, claims_beyond_the_file)
{
    brn_image p = picture(16, 16, 3), q;
    size_t size;
    MUST(brn_image_write(&p, in_dir("a.png")));
    unsigned char *bytes = (unsigned char *)test_read_file(dir, "a.png", &size);
    big_endian(bytes + 16, 16000, 4), big_endian(bytes + 20, 16000, 4); /* width and height of IHDR */
    big_endian(bytes + 29, crc(bytes + 12, 17), 4);
    test_write_file(dir, "claims.png", bytes, size);
    MUST_FAIL(brn_image_read(&q, in_dir("claims.png"), 0), BRN_ERR_INPUT, "16000 x 16000");
    big_endian(bytes + 16, 900000, 4), big_endian(bytes + 20, 900000, 4);
    big_endian(bytes + 29, crc(bytes + 12, 17), 4);
    test_write_file(dir, "claims.png", bytes, size);
    MUST_FAIL(brn_image_read(&q, in_dir("claims.png"), 0), BRN_ERR_INPUT, "claims.png");
    free(bytes);

    MUST(brn_image_write(&p, in_dir("a.jpg")));
    bytes = (unsigned char *)test_read_file(dir, "a.jpg", &size);
    for (size_t i = 2; i + 9 < size; ++i)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) big_endian(bytes + i + 5, 60000, 2), big_endian(bytes + i + 7, 60000, 2);
    test_write_file(dir, "claims.jpg", bytes, size);
    MUST_FAIL(brn_image_read(&q, in_dir("claims.jpg"), 0), BRN_ERR_INPUT, "60000 x 60000");
    free(bytes);
    brn_image_free(&p);
}

Test(images, other_files)
{
    brn_image q, grey = picture(8, 8, 1);
    test_write_file(dir, "text.png", "not a picture", 13);
    MUST_FAIL(brn_image_read(&q, in_dir("text.png"), 0), BRN_ERR_INPUT, "expected a picture");
    MUST_FAIL(brn_image_read(&q, in_dir("nowhere.png"), 0), BRN_ERR_INPUT, "nowhere.png");
    MUST_FAIL(brn_image_read(&q, dir, 0), BRN_ERR_INPUT, dir);
    MUST(brn_image_write(&grey, in_dir("grey.png")));
    MUST_FAIL(brn_image_read(&q, path, 3), BRN_ERR_INPUT, "grey.png: a grey picture");
    MUST(brn_image_write(&grey, in_dir("grey.jpg")));
    MUST_FAIL(brn_image_read(&q, path, 3), BRN_ERR_INPUT, "grey.jpg: a grey picture");
    MUST_FAIL(brn_image_write(&grey, in_dir("a.bmp")), BRN_ERR_USAGE, "a.bmp");
    MUST_FAIL(brn_image_write(&grey, in_dir("none/a.png")), BRN_ERR_DISK, "none");
    brn_image_free(&grey);
}
