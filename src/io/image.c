/* Pictures as files: which format, within which limits. */
#include "io/image.h"

#include "core/memory.h"
#include "io/atomic.h"
#include "io/mapped.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const uint64_t MOST_PIXELS = 1 << 28, MOST_BYTES = 1 << 30;

static const char *ending_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strchr(dot, '/') ? dot : "";
}
static bool is_jpeg_name(const char *path) { return !strcasecmp(ending_of(path), ".jpg") || !strcasecmp(ending_of(path), ".jpeg"); }
static bool is_png_name(const char *path) { return !strcasecmp(ending_of(path), ".png"); }
bool brn_image_named(const char *path) { return is_png_name(path) || is_jpeg_name(path); }

brn_status brn_image_check(const char *path, uint64_t width, uint64_t height, size_t size, uint64_t most)
{
    if (width == 0 || height == 0) return brn_fail(BRN_ERR_INPUT, "%s: a picture of %llu x %llu pixels is empty", path, (unsigned long long)width, (unsigned long long)height);
    if (width > MOST_PIXELS / height)
        return brn_fail(BRN_ERR_INPUT, "%s: claims %llu x %llu pixels; at most 2^28 are read", path, (unsigned long long)width, (unsigned long long)height);
    if (width * height / most > size)
        return brn_fail(BRN_ERR_INPUT, "%s: claims %llu x %llu pixels, more than its %zu bytes can hold", path, (unsigned long long)width,
                        (unsigned long long)height, size);
    return BRN_OK;
}

brn_status brn_image_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg[] = {0xff, 0xd8, 0xff};
    *image = (brn_image){0};
    if (size >= sizeof png && !memcmp(bytes, png, sizeof png)) return brn_png_parse(image, bytes, size, path, channels);
    if (size >= sizeof jpeg && !memcmp(bytes, jpeg, sizeof jpeg)) return brn_jpeg_parse(image, bytes, size, path, channels);
    return brn_fail(BRN_ERR_INPUT, "%s: expected a picture, PNG or JPEG", path);
}

static brn_status read_all(const char *path, unsigned char **bytes, size_t *size)
{
    int fd;
    uint64_t length, at = 0;
    BRN_TRY(brn_open_regular(path, &fd, &length));
    brn_status status;
    if (length > MOST_BYTES) {
        status = brn_fail(BRN_ERR_INPUT, "%s: %llu bytes are too many for a picture; at most 2^30 are read", path, (unsigned long long)length);
        goto done;
    }
    BRN_GO(BRN_ALLOC(bytes, (size_t)length + 1, "picture"));
    while (at < length && status == BRN_OK) {
        const ssize_t got = read(fd, *bytes + at, length - at);
        if (got > 0) at += (uint64_t)got;
        else if (got == 0 || errno != EINTR) status = brn_fail(BRN_ERR_INPUT, "%s: cannot be read: %s", path, got ? strerror(errno) : "it became shorter");
    }
    *size = (size_t)length;
done:
    close(fd);
    return status;
}

brn_status brn_image_read(brn_image *image, const char *path, int channels)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    *image = (brn_image){0};
    brn_status status = read_all(path, &bytes, &size);
    if (status == BRN_OK) status = brn_image_parse(image, bytes, size, path, channels);
    free(bytes);
    return status;
}

void brn_image_free(brn_image *image)
{
    free(image->pixels);
    *image = (brn_image){0};
}

brn_status brn_image_write(const brn_image *image, const char *path)
{
    char *bytes = NULL;
    size_t size = 0;
    if (!brn_image_named(path)) return brn_fail(BRN_ERR_USAGE, "%s: pictures are written as .png or .jpg", path);
    FILE *out = open_memstream(&bytes, &size);
    if (!out) return brn_fail(BRN_ERR_MEMORY, "%s: out of memory for a picture", path);
    brn_status status = is_png_name(path) ? brn_png_write(image, out, path) : brn_jpeg_write(image, out, path);
    if (fclose(out) && status == BRN_OK) status = brn_fail(BRN_ERR_MEMORY, "%s: out of memory for a picture", path);
    if (status == BRN_OK) status = brn_write_file(path, bytes, size);
    free(bytes);
    return status;
}
