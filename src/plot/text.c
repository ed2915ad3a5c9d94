/* Letters: the face of all figures, and numbers. */
#include "plot/page.h"

#include <math.h>

static const double RAISED = .36, SMALL = .72; /* of an exponent, in heights of the font */

void brn_figure_font(cairo_t *c)
{
    cairo_select_font_face(c, "Helvetica", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL); /* or what stands for it here */
}

static double width_of(cairo_t *c, const char *text)
{
    cairo_text_extents_t e;
    cairo_text_extents(c, text, &e);
    return e.x_advance;
}

/* "10", and the exponent of a number that is written so. */
static void write_number(double number, char text[static 32], char exponent[static 16])
{
    const double size = fabs(number), power = size > 0 ? round(log10(size)) : 0;
    const char *sign = number < 0 ? "\u2212" : "";
    exponent[0] = 0;
    if (power < -3 && fabs(size / pow(10, power) - 1) < 1e-9) {
        snprintf(text, 32, "%s10", sign);
        snprintf(exponent, 16, "\u2212%g", -power);
    } else if (size >= 1e6) snprintf(text, 32, "%s%.6gM", sign, size / 1e6);
    else snprintf(text, 32, "%s%.6g", sign, size);
}

void brn_figure_number(cairo_t *c, double number, double x, double baseline, double anchor)
{
    char text[32], exponent[16];
    cairo_matrix_t font;
    write_number(number, text, exponent);
    cairo_get_font_matrix(c, &font);
    const double size = font.xx, first = width_of(c, text);
    cairo_set_font_size(c, SMALL * size);
    const double second = width_of(c, exponent), left = x - anchor * (first + second);
    cairo_move_to(c, left + first, baseline - RAISED * size);
    cairo_show_text(c, exponent);
    cairo_set_font_size(c, size);
    cairo_move_to(c, left, baseline);
    cairo_show_text(c, text);
}
