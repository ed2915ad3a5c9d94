/* GIF: one palette for all frames, and of each frame only what differs from the one before. */
#include "core/memory.h"
#include "plot/page.h"

#include <gif_lib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Colours are counted in cells of 32 x 64 x 32. The last entry of the palette is transparent. */
enum { CELLS = 1 << 16, COLORS = 255, CLEAR = 255 };

struct brn_gif {
    char *path;
    int width, height, frames;
    uint32_t **pixels; /* [frames][height * width], 0x00RRGGBB */
    int *hold;
};

typedef struct palette {
    GifColorType entry[COLORS + 1];
    uint8_t of_cell[CELLS];
} palette;

brn_status brn_gif_create(brn_gif **gif, int width, int height, const char *path)
{
    BRN_TRY(BRN_ALLOC(gif, 1, "animation"));
    (*gif)->width = width;
    (*gif)->height = height;
    return brn_strdup(&(*gif)->path, path);
}

void brn_gif_free(brn_gif *gif)
{
    if (!gif) return;
    for (int k = 0; k < gif->frames; ++k) free(gif->pixels[k]);
    free(gif->pixels);
    free(gif->hold);
    free(gif->path);
    free(gif);
}

brn_status brn_gif_add(brn_gif *gif, const unsigned char *pixels, int stride, int hold)
{
    uint32_t *frame, **frames = realloc(gif->pixels, (size_t)(gif->frames + 1) * sizeof *frames);
    if (frames) gif->pixels = frames;
    int *holds = realloc(gif->hold, (size_t)(gif->frames + 1) * sizeof *holds);
    if (holds) gif->hold = holds;
    if (!frames || !holds) return brn_fail(BRN_ERR_MEMORY, "%s: out of memory for a frame", gif->path);
    BRN_TRY(BRN_ALLOC(&frame, (size_t)gif->width * (size_t)gif->height, "frame of an animation"));
    for (int i = 0; i < gif->height; ++i)
        memcpy(frame + (size_t)i * (size_t)gif->width, pixels + (size_t)i * (size_t)stride, (size_t)gif->width * sizeof *frame);
    for (size_t i = 0; i < (size_t)gif->width * (size_t)gif->height; ++i) frame[i] &= 0xffffff;
    gif->pixels[gif->frames] = frame;
    gif->hold[gif->frames++] = hold;
    return BRN_OK;
}

/* ---- palette ------------------------------------------------------------------------------------ */

static unsigned cell_of(uint32_t c) { return (c >> 8 & 0xf800) | (c >> 5 & 0x7e0) | (c >> 3 & 0x1f); }

typedef struct count {
    uint64_t pixels, red, green, blue;
} count;

static int distance(GifColorType a, GifColorType b)
{
    const int r = a.Red - b.Red, g = a.Green - b.Green, c = a.Blue - b.Blue;
    return 3 * r * r + 6 * g * g + c * c;
}

static GifColorType mean_of(const count *c)
{
    return (GifColorType){(GifByteType)(c->red / c->pixels), (GifByteType)(c->green / c->pixels), (GifByteType)(c->blue / c->pixels)};
}

/* The colours that fill most pixels: figures have few inks and their blends. Others become the nearest of these. */
static void choose(palette *p, count *counts)
{
    for (int k = 0; k < COLORS; ++k) {
        unsigned best = 0;
        for (unsigned c = 1; c < CELLS; ++c)
            if (counts[c].pixels > counts[best].pixels) best = c;
        p->entry[k] = counts[best].pixels ? mean_of(&counts[best]) : p->entry[0];
        counts[best].pixels = 0;
    }
}

static brn_status make_palette(const brn_gif *gif, palette *p)
{
    count *counts;
    BRN_TRY(BRN_ALLOC(&counts, 2 * CELLS, "palette"));
    count *all = counts + CELLS;
    for (int k = 0; k < gif->frames; ++k)
        for (size_t i = 0; i < (size_t)gif->width * (size_t)gif->height; ++i) {
            const uint32_t c = gif->pixels[k][i];
            count *to = &counts[cell_of(c)];
            ++to->pixels;
            to->red += c >> 16, to->green += c >> 8 & 0xff, to->blue += c & 0xff;
        }
    memcpy(all, counts, CELLS * sizeof *counts);
    choose(p, counts);
    for (unsigned c = 0; c < CELLS; ++c) {
        if (!all[c].pixels) continue;
        const GifColorType color = mean_of(&all[c]);
        for (int k = 1; k < COLORS; ++k)
            if (distance(color, p->entry[k]) < distance(color, p->entry[p->of_cell[c]])) p->of_cell[c] = (uint8_t)k;
    }
    free(counts);
    return BRN_OK;
}

/* ---- encoding ----------------------------------------------------------------------------------- */

static int put(GifFileType *file, const GifByteType *bytes, int length)
{
    return (int)fwrite(bytes, 1, (size_t)length, file->UserData);
}

static bool put_header(const brn_gif *gif, GifFileType *file, const palette *p)
{
    static const unsigned char forever[] = {1, 0, 0};
    ColorMapObject *map = GifMakeMapObject(COLORS + 1, p->entry);
    EGifSetGifVersion(file, true);
    const bool done = map && EGifPutScreenDesc(file, gif->width, gif->height, 8, 0, map) && EGifPutExtensionLeader(file, APPLICATION_EXT_FUNC_CODE) &&
                      EGifPutExtensionBlock(file, 11, "NETSCAPE2.0") && EGifPutExtensionBlock(file, 3, forever) && EGifPutExtensionTrailer(file);
    GifFreeMapObject(map);
    return done;
}

static bool put_frame(const brn_gif *gif, int k, GifFileType *file, const palette *p, GifByteType *row)
{
    const size_t width = (size_t)gif->width;
    GraphicsControlBlock control = {DISPOSE_DO_NOT, false, gif->hold[k], k ? CLEAR : NO_TRANSPARENT_COLOR};
    GifByteType extension[4];
    EGifGCBToExtension(&control, extension);
    bool done = EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, 4, extension) && EGifPutImageDesc(file, 0, 0, gif->width, gif->height, false, NULL);
    for (size_t i = 0; i < (size_t)gif->height && done; ++i) {
        for (size_t j = 0; j < width; ++j) {
            const uint8_t color = p->of_cell[cell_of(gif->pixels[k][i * width + j])];
            row[j] = k && color == p->of_cell[cell_of(gif->pixels[k - 1][i * width + j])] ? CLEAR : color;
        }
        done = EGifPutLine(file, row, gif->width);
    }
    return done;
}

static bool put_all(const brn_gif *gif, GifFileType *file, const palette *p, GifByteType *row)
{
    bool done = put_header(gif, file, p);
    for (int k = 0; k < gif->frames && done; ++k) done = put_frame(gif, k, file, p, row);
    int error;
    return EGifCloseFile(file, &error) == GIF_OK && done;
}

brn_status brn_gif_encode(brn_gif *gif, FILE *out)
{
    palette *p;
    GifByteType *row = NULL;
    brn_status status;
    BRN_GO(BRN_ALLOC(&p, 1, "palette"));
    BRN_GO(BRN_ALLOC(&row, (size_t)gif->width, "row of an animation"));
    BRN_GO(make_palette(gif, p));
    int error = 0;
    GifFileType *file = EGifOpen(out, put, &error);
    if (!file || !put_all(gif, file, p, row)) status = brn_fail(BRN_ERR_MEMORY, "%s: the animation cannot be encoded", gif->path);
done:
    free(row);
    free(p);
    return status;
}
