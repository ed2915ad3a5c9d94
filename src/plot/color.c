/* Colours between colours, in Oklab (B. Ottosson), where equal steps look equal. */
#include "plot/figure.h"

#include <math.h>

typedef struct {
    double l, a, b;
} lab;

static double to_linear(double c) { return c <= .04045 ? c / 12.92 : pow((c + .055) / 1.055, 2.4); }
static double to_screen(double c)
{
    c = fmin(fmax(c, 0), 1);
    return c <= .0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - .055;
}

static lab to_lab(brn_color c)
{
    const double r = to_linear(c.red), g = to_linear(c.green), b = to_linear(c.blue);
    const double l = cbrt(.4122214708 * r + .5363325363 * g + .0514459929 * b), m = cbrt(.2119034982 * r + .6806995451 * g + .1073969566 * b),
                 s = cbrt(.0883024619 * r + .2817188376 * g + .6299787005 * b);
    return (lab){.2104542553 * l + .7936177850 * m - .0040720468 * s, 1.9779984951 * l - 2.4285922050 * m + .4505937099 * s,
                 .0259040371 * l + .7827717662 * m - .8086757660 * s};
}

static brn_color to_color(lab c, double alpha)
{
    const double l = pow(c.l + .3963377774 * c.a + .2158037573 * c.b, 3), m = pow(c.l - .1055613458 * c.a - .0638541728 * c.b, 3),
                 s = pow(c.l - .0894841775 * c.a - 1.2914855480 * c.b, 3);
    return (brn_color){to_screen(4.0767416621 * l - 3.3077115913 * m + .2309699292 * s), to_screen(-1.2684380046 * l + 2.6097574011 * m - .3413193965 * s),
                       to_screen(-.0041960863 * l - .7034186147 * m + 1.7076147010 * s), alpha};
}

brn_color brn_mix(brn_color from, brn_color to, double t)
{
    const lab a = to_lab(from), b = to_lab(to);
    return to_color((lab){a.l + t * (b.l - a.l), a.a + t * (b.a - a.a), a.b + t * (b.b - a.b)}, from.alpha + t * (to.alpha - from.alpha));
}

/* A curve of even steps: both halves of its control polygon are as long. Bands rather than a gradient: a shade is found again
 * on the scale, and pictures of few colours are short. */
brn_color brn_heat(double at)
{
    enum { BANDS = 24 };
    const double t = fmin(fmax(floor(at * BANDS), 0), BANDS - 1) / (BANDS - 1);
    static const lab from = {1, 0, 0}, by = {.63, -.115, -.03}, to = {.23, .03, -.115};
    const double u = (1 - t) * (1 - t), v = 2 * t * (1 - t), w = t * t;
    return to_color((lab){u * from.l + v * by.l + w * to.l, u * from.a + v * by.a + w * to.a, u * from.b + v * by.b + w * to.b}, 1);
}

/* Lightness falls evenly; the hue turns from a warm white to a cool blue-grey, faint enough for points on top. */
brn_color brn_shade(double t)
{
    return to_color((lab){.985 - .36 * t, .004 - .040 * t, .012 - .055 * t}, 1);
}
