/* Pages: a cairo surface in memory, written in one atomic step. */
#include "plot/page.h"

#include "core/memory.h"
#include "io/atomic.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *ending_of(const char *path)
{
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    return dot && (!slash || dot > slash) ? dot : "";
}

static brn_status refuse_ending(const char *path)
{
    return brn_fail(BRN_ERR_USAGE, "%s: figures are written as .png, .svg or .pdf", path);
}

static const double PIXELS_PER_POINT = 2;

static cairo_status_t collect(void *user, const unsigned char *bytes, unsigned count)
{
    brn_figure *f = user;
    return fwrite(bytes, 1, count, f->memory) == count ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static cairo_surface_t *make_surface(brn_figure *f, double width, double height)
{
    const char *ending = ending_of(f->path);
    f->png = !strcasecmp(ending, ".png");
    if (f->png)
        return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(width * PIXELS_PER_POINT),
                                          (int)(height * PIXELS_PER_POINT));
    if (!strcasecmp(ending, ".svg")) return cairo_svg_surface_create_for_stream(collect, f, width, height);
    if (!strcasecmp(ending, ".pdf")) return cairo_pdf_surface_create_for_stream(collect, f, width, height);
    return NULL;
}

static brn_status prepare(brn_figure *f, const char *path, double width, double height)
{
    BRN_TRY(brn_strdup(&f->path, path));
    f->memory = open_memstream(&f->bytes, &f->size);
    if (!f->memory) return brn_fail(BRN_ERR_MEMORY, "%s: out of memory for a figure", path);
    f->surface = make_surface(f, width, height);
    if (!f->surface) return refuse_ending(path);
    f->cairo = cairo_create(f->surface);
    if (f->png) cairo_scale(f->cairo, PIXELS_PER_POINT, PIXELS_PER_POINT);
    cairo_set_source_rgb(f->cairo, 1, 1, 1);
    cairo_paint(f->cairo);
    cairo_select_font_face(f->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    return BRN_OK;
}

brn_status brn_figure_open(brn_figure **figure, const char *path, double width, double height)
{
    *figure = NULL;
    brn_figure *f;
    BRN_TRY(BRN_ALLOC(&f, 1, "figure"));
    brn_status status = prepare(f, path, width, height);
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
    free(f->bytes);
    free(f->path);
    free(f);
}

static brn_status render(brn_figure *f)
{
    cairo_status_t drawn = cairo_status(f->cairo);
    if (drawn == CAIRO_STATUS_SUCCESS && f->png)
        drawn = cairo_surface_write_to_png_stream(f->surface, collect, f);
    cairo_surface_finish(f->surface);
    if (drawn == CAIRO_STATUS_SUCCESS) drawn = cairo_surface_status(f->surface);
    bool memory = drawn == CAIRO_STATUS_NO_MEMORY || drawn == CAIRO_STATUS_WRITE_ERROR || fflush(f->memory);
    if (drawn == CAIRO_STATUS_SUCCESS && !memory) return BRN_OK;
    return brn_fail(memory ? BRN_ERR_MEMORY : BRN_ERR_INTERNAL, "%s: drawing failed: %s", f->path,
                    cairo_status_to_string(drawn));
}

brn_status brn_figure_save(brn_figure *f)
{
    brn_status status = render(f);
    if (status == BRN_OK) status = brn_write_file(f->path, f->bytes, f->size);
    brn_figure_discard(f);
    return status;
}
