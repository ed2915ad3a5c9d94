/* A map of colours applied to a picture. */
#include "core/memory.h"
#include "model/model.h"
#include <brenier/image.h>

#include <stdlib.h>

enum { CHUNK = 1 << 16 }; /* pixels */

/* The middle of the interval that a byte stands for, so that the identity gives back every byte. */
static void to_rows(const unsigned char *bytes, size_t count, float *rows)
{
    for (size_t k = 0; k < count; ++k) rows[k] = ((float)bytes[k] + .5f) * (1 / 256.f);
}

static void to_bytes(const float *rows, size_t count, unsigned char *bytes)
{
    for (size_t k = 0; k < count; ++k) {
        float v = rows[k] * 256;
        v = v > 0 ? v : 0; /* NaN too */
        bytes[k] = (unsigned char)(int)(v < 255 ? v : 255);
    }
}

brn_status brn_image_map(brn_model *model, brn_image *image)
{
    if (image->channels != 3) return brn_fail(BRN_ERR_USAGE, "a map of colours needs a picture in colours, not a grey one");
    if (model->n != 3) return brn_fail(BRN_ERR_USAGE, "a map of colours has dimension 3, this model has %d", model->n);
    const size_t pixels = (size_t)image->width * (size_t)image->height;
    float *rows;
    BRN_TRY(BRN_ALLOC(&rows, 3 * (size_t)CHUNK, "colours"));
    brn_status status = BRN_OK;
    for (size_t at = 0; at < pixels && status == BRN_OK; at += CHUNK) {
        const size_t part = pixels - at < CHUNK ? pixels - at : CHUNK;
        unsigned char *bytes = image->pixels + 3 * at;
        to_rows(bytes, 3 * part, rows);
        status = brn_model_map(model, rows, part, rows);
        if (status == BRN_OK) to_bytes(rows, 3 * part, bytes);
    }
    free(rows);
    return status;
}
