/* What a build without libpng has instead. */
#include "io/image.h"

static brn_status missing(const char *path)
{
    return brn_fail(BRN_ERR_UNSUPPORTED, "%s: this build knows no PNG, it was built without libpng-dev", path);
}

brn_status brn_png_parse(brn_image *image, const unsigned char *bytes, size_t size, const char *path, int channels)
{
    (void)image, (void)bytes, (void)size, (void)channels;
    return missing(path);
}

brn_status brn_png_write(const brn_image *image, FILE *out, const char *path)
{
    (void)image, (void)out;
    return missing(path);
}
