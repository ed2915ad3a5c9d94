/* What a build without libjpeg has instead. */
#include "io/image.h"

static brn_status missing(const char *path)
{
    return brn_fail(BRN_ERR_UNSUPPORTED, "%s: this build knows no JPEG, it was built without libjpeg-dev", path);
}

brn_status brn_jpeg_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels)
{
    (void)image, (void)bytes, (void)size, (void)channels;
    return missing(path);
}

brn_status brn_jpeg_write(const brn_image *image, FILE *out, const char *path)
{
    (void)image, (void)out;
    return missing(path);
}
