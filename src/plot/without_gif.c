/* What a build without giflib has instead of animations. */
#include "plot/page.h"

brn_status brn_gif_create(brn_gif **gif, int width, int height, const char *path)
{
    (void)gif, (void)width, (void)height;
    return brn_fail(BRN_ERR_UNSUPPORTED, "%s: this build writes no GIF, it was built without libgif-dev; a folder of frames, with a / at the end, can be written", path);
}

brn_status brn_gif_add(brn_gif *gif, const unsigned char *pixels, int stride, int hold)
{
    (void)gif, (void)pixels, (void)stride, (void)hold;
    return BRN_OK;
}

brn_status brn_gif_encode(brn_gif *gif, FILE *out)
{
    (void)gif, (void)out;
    return BRN_OK;
}

void brn_gif_free(brn_gif *gif) { (void)gif; }
