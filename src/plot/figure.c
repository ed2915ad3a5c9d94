/* Pages: cairo surfaces in memory, written when all are drawn. */
#include "plot/page.h"

#include "core/memory.h"
#include "io/atomic.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static brn_page_format format_of(const char *path)
{
    static const char *const endings[] = {".png", ".svg", ".pdf", ".gif"};
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    if (slash && !slash[1]) return BRN_PAGE_FRAMES;
    if (!dot || (slash && dot < slash)) return BRN_PAGE_UNKNOWN;
    int k = 0;
    while (k < 4 && strcasecmp(dot, endings[k])) ++k;
    return k < 4 ? (brn_page_format)k : BRN_PAGE_UNKNOWN;
}

bool brn_figure_moves(const char *path)
{
    const brn_page_format format = format_of(path);
    return format == BRN_PAGE_GIF || format == BRN_PAGE_FRAMES;
}

/* Print quality for pictures that stand, half of it for those that move. */
static double pixels_per_point(brn_page_format format) { return format == BRN_PAGE_PNG ? 3 : 2; }
static bool is_raster(brn_page_format format) { return format != BRN_PAGE_SVG && format != BRN_PAGE_PDF; }

static cairo_status_t collect(void *user, const unsigned char *bytes, unsigned count)
{
    brn_figure *f = user;
    return fwrite(bytes, 1, count, f->memory) == count ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_surface_t *make_surface(brn_figure *f)
{
    const double scale = pixels_per_point(f->format);
    if (is_raster(f->format)) return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(f->width * scale), (int)(f->height * scale));
    return f->format == BRN_PAGE_SVG ? cairo_svg_surface_create_for_stream(collect, f, f->width, f->height)
                                     : cairo_pdf_surface_create_for_stream(collect, f, f->width, f->height);
}

static void clear(brn_figure *f)
{
    cairo_set_source_rgb(f->cairo, 1, 1, 1);
    cairo_paint(f->cairo);
}

static brn_status open_memory(brn_figure *f)
{
    f->memory = open_memstream(&f->bytes, &f->size);
    return f->memory ? BRN_OK : brn_fail(BRN_ERR_MEMORY, "%s: out of memory for a figure", f->path);
}

static brn_status prepare(brn_figure *f, const char *path)
{
    BRN_TRY(brn_strdup(&f->path, path));
    f->format = format_of(path);
    if (f->format == BRN_PAGE_UNKNOWN)
        return brn_fail(BRN_ERR_USAGE, "%s: figures are written as .png, .svg or .pdf, those that move as .gif or, with a / at the end, as a folder of frames", path);
    BRN_TRY(open_memory(f));
    f->surface = make_surface(f);
    f->cairo = cairo_create(f->surface);
    f->hold = 5;
    const double scale = pixels_per_point(f->format);
    if (is_raster(f->format)) cairo_scale(f->cairo, scale, scale);
    if (f->format == BRN_PAGE_GIF)
        BRN_TRY(brn_gif_create(&f->gif, cairo_image_surface_get_width(f->surface), cairo_image_surface_get_height(f->surface), path));
    clear(f);
    brn_figure_font(f->cairo);
    return BRN_OK;
}

brn_status brn_figure_open(brn_figure **figure, const char *path, double width, double height)
{
    *figure = NULL;
    brn_figure *f;
    BRN_TRY(BRN_ALLOC(&f, 1, "figure"));
    f->width = width;
    f->height = height;
    brn_status status = prepare(f, path);
    if (status == BRN_OK)
        *figure = f;
    else
        brn_figure_discard(f);
    return status;
}

void brn_figure_discard(brn_figure *f)
{
    if (!f) return;
    cairo_destroy(f->cairo);
    cairo_surface_destroy(f->surface);
    if (f->memory) fclose(f->memory);
    for (int k = 0; k < f->frames && f->frame; ++k) free(f->frame[k]);
    free(f->frame);
    free(f->frame_size);
    brn_gif_free(f->gif);
    free(f->bytes);
    free(f->path);
    free(f);
}

/* ---- frames ------------------------------------------------------------------------------------- */

static brn_status drawn(const brn_figure *f, cairo_status_t status)
{
    bool memory = status == CAIRO_STATUS_NO_MEMORY || status == CAIRO_STATUS_WRITE_ERROR || (f->memory && fflush(f->memory));
    if (status == CAIRO_STATUS_SUCCESS && !memory) return BRN_OK;
    return brn_fail(memory ? BRN_ERR_MEMORY : BRN_ERR_INTERNAL, "%s: drawing failed: %s", f->path, cairo_status_to_string(status));
}

static brn_status write_png(brn_figure *f)
{
    cairo_status_t status = cairo_status(f->cairo);
    if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_write_to_png_stream(f->surface, collect, f);
    return drawn(f, status);
}

/* The finished frame goes from the memory stream into the list. */
static brn_status keep_frame(brn_figure *f)
{
    BRN_TRY(write_png(f));
    char **frame = realloc(f->frame, (size_t)(f->frames + 1) * sizeof *frame);
    if (frame) f->frame = frame;
    size_t *sizes = realloc(f->frame_size, (size_t)(f->frames + 1) * sizeof *sizes);
    if (sizes) f->frame_size = sizes;
    if (!frame || !sizes) return brn_fail(BRN_ERR_MEMORY, "%s: out of memory for a frame", f->path);
    fclose(f->memory);
    f->memory = NULL;
    f->frame[f->frames] = f->bytes;
    f->frame_size[f->frames++] = f->size;
    f->bytes = NULL;
    return open_memory(f);
}

static brn_status end_frame(brn_figure *f)
{
    BRN_TRY(drawn(f, cairo_status(f->cairo)));
    if (f->format == BRN_PAGE_FRAMES) return keep_frame(f);
    cairo_surface_flush(f->surface);
    return brn_gif_add(f->gif, cairo_image_surface_get_data(f->surface), cairo_image_surface_get_stride(f->surface), f->hold);
}

void brn_figure_hold(brn_figure *f, int hundredths) { f->hold = hundredths; }

brn_status brn_figure_next(brn_figure *f)
{
    BRN_TRY(end_frame(f));
    f->hold = 5;
    clear(f);
    return BRN_OK;
}

/* ---- files -------------------------------------------------------------------------------------- */

static brn_status write_frames(brn_figure *f)
{
    BRN_TRY(keep_frame(f));
    if (mkdir(f->path, 0777) && errno != EEXIST) return brn_fail(BRN_ERR_DISK, "%s: cannot make this folder: %s", f->path, strerror(errno));
    char *name;
    const size_t length = strlen(f->path) + 16;
    BRN_TRY(BRN_ALLOC(&name, length, "name of a frame"));
    brn_status status = BRN_OK;
    for (int k = 0; k < f->frames && status == BRN_OK; ++k) {
        snprintf(name, length, "%s%04d.png", f->path, k + 1);
        status = brn_write_file(name, f->frame[k], f->frame_size[k]);
    }
    free(name);
    return status;
}

static brn_status write_page(brn_figure *f)
{
    if (f->format == BRN_PAGE_PNG) BRN_TRY(write_png(f));
    cairo_status_t status = cairo_status(f->cairo);
    cairo_surface_finish(f->surface);
    if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(f->surface);
    BRN_TRY(drawn(f, status));
    return brn_write_file(f->path, f->bytes, f->size);
}

static brn_status write_gif(brn_figure *f)
{
    BRN_TRY(end_frame(f));
    BRN_TRY(brn_gif_encode(f->gif, f->memory));
    BRN_TRY(drawn(f, CAIRO_STATUS_SUCCESS));
    return brn_write_file(f->path, f->bytes, f->size);
}

brn_status brn_figure_save(brn_figure *f)
{
    brn_status status = f->format == BRN_PAGE_FRAMES ? write_frames(f) : f->format == BRN_PAGE_GIF ? write_gif(f) : write_page(f);
    brn_figure_discard(f);
    return status;
}
