/* Pictures as measures: places, as dark as they are likely, or colours.
 *
 * Both become rows once, POOL of them, which then are drawn as a user's rows are. Row k is taken at a random point
 * of the k-th of POOL equal parts of the whole mass, so that every pixel gets its share to within one row, and at a
 * random point of its pixel, or of the interval of colours that its byte stands for. */
#include "core/memory.h"
#include "core/philox.h"
#include "measures/kinds.h"
#include <brenier/image.h>

#include <stdlib.h>

enum { POOL = 1 << 18, STREAM_PICTURE = 0x91c7 };
static const double SIDE = 10; /* of the square that holds the places */

static double total_darkness(const brn_image *p)
{
    double sum = 0;
    for (size_t i = 0; i < (size_t)p->width * (size_t)p->height; ++i) sum += 255 - p->pixels[i];
    return sum;
}

static void draw_places(const brn_image *p, double total, float *rows)
{
    brn_rng rng = brn_rng_start(0, STREAM_PICTURE);
    const size_t width = (size_t)p->width, last = width * (size_t)p->height - 1;
    const double unit = SIDE / (p->width > p->height ? p->width : p->height);
    double passed = 255 - p->pixels[0];
    size_t i = 0;
    for (size_t k = 0; k < POOL; ++k) {
        const double at = ((double)k + brn_rng_uniform(&rng)) / POOL * total;
        while (passed <= at && i < last) passed += 255 - p->pixels[++i];
        rows[2 * k] = (float)(((double)(i % width) + brn_rng_uniform(&rng) - p->width / 2.) * unit);
        rows[2 * k + 1] = (float)((p->height / 2. - (double)(i / width) - brn_rng_uniform(&rng)) * unit); /* upwards */
    }
}

static void draw_colors(const brn_image *p, float *rows)
{
    brn_rng rng = brn_rng_start(0, STREAM_PICTURE);
    const double pixels = (double)p->width * p->height;
    for (size_t k = 0; k < POOL; ++k) {
        const size_t i = (size_t)(((double)k + brn_rng_uniform(&rng)) / POOL * pixels);
        for (size_t c = 0; c < 3; ++c) rows[3 * k + c] = (float)((p->pixels[3 * i + c] + brn_rng_uniform(&rng)) / 256);
    }
}

brn_status brn_picture_rows(const char *path, brn_pictures kind, float **rows, size_t *count, int *n)
{
    brn_image p;
    const bool places = kind == BRN_PICTURES_DARKNESS;
    BRN_TRY(brn_image_read(&p, path, places ? 1 : 3));
    const double total = places ? total_darkness(&p) : 1;
    *count = POOL;
    *n = places ? 2 : 3;
    brn_status status = total > 0 ? BRN_OK : brn_fail(BRN_ERR_INPUT, "%s: all white; expected something dark, which is where samples are", path);
    if (status == BRN_OK) status = BRN_ALLOC(rows, (size_t)POOL * (size_t)*n, "samples of a picture");
    if (status == BRN_OK && places) draw_places(&p, total, *rows);
    else if (status == BRN_OK) draw_colors(&p, *rows);
    brn_image_free(&p);
    return status;
}
