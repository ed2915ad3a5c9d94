/* The built-in pairs in the plane. */
#include "core/memory.h"
#include "measures/kinds.h"

#include <string.h>

#define STANDARD_NORMAL {BRN_SHAPE_BLOBS, .latents = 2, .count = 1, .noise = 1}
#define CRESCENT        {BRN_SHAPE_CRESCENT, .latents = 2, .noise = 1}
#define RINGS           {BRN_SHAPE_CIRCLES, .latents = 4, .count = 4, .radius = 3, .noise = .08f}
#define CIRCLE(r)       {BRN_SHAPE_CIRCLES, .latents = 3, .count = 1, .radius = (r), .noise = .01f}

static const struct {
    const char *name, *meaning;
    brn_shape2d source, target;
} plane[] = {
    {"gauss8", "one Gaussian to eight on a circle of radius 5",
     {BRN_SHAPE_BLOBS, .latents = 2, .count = 1, .noise = .25f},
     {BRN_SHAPE_BLOBS, .latents = 3, .count = 8, .radius = 5, .noise = .25f}},
    {"gauss_sq", "five Gaussians, at 0 and (+-5, +-5), to four, at (+-5, 0) and (0, +-5)",
     {BRN_SHAPE_BLOBS, .latents = 3, .count = 4, .centre = 1, .radius = 7.07106781f, .phase = .125f, .noise = .25f},
     {BRN_SHAPE_BLOBS, .latents = 3, .count = 4, .radius = 5, .noise = .25f}},
    {"circles", "circle of radius 1 to circle of radius 1/2", CIRCLE(1), CIRCLE(.5f)},
    {"moons", "lower half-moon to upper half-moon", {BRN_SHAPE_LOWER_MOON, .latents = 1}, {BRN_SHAPE_UPPER_MOON, .latents = 1}},
    {"s_curve", "S-curve to N(0, I)", {BRN_SHAPE_S_CURVE, .latents = 3, .radius = 5, .noise = .01f}, STANDARD_NORMAL},
    {"swiss", "swiss roll to N(0, I)", {BRN_SHAPE_SWISS, .latents = 3, .radius = .5f, .noise = .01f}, STANDARD_NORMAL},
    {"maf_moon", "crescent to N(0, I)", CRESCENT, STANDARD_NORMAL},
    {"rings", "four rings to N(0, I)", RINGS, STANDARD_NORMAL},
    {"maf_rings", "crescent to four rings", CRESCENT, RINGS},
};
enum { PLANE = sizeof plane / sizeof *plane };
static const char GAUSSIAN[] = "gaussian", IMAGES[] = "images";

int brn_pair_builtin_count(void) { return PLANE + 2; }

brn_status brn_pair_builtin(int i, const char **name, const char **meaning)
{
    if (i < 0 || i > PLANE + 1) return brn_fail(BRN_ERR_USAGE, "built-in pair %d does not exist; there are %d", i, PLANE + 2);
    *name = i < PLANE ? plane[i].name : i == PLANE ? GAUSSIAN : IMAGES;
    *meaning = i < PLANE    ? plane[i].meaning
               : i == PLANE ? "two Gaussians of dimension data.n, the map known in closed form"
                            : "images of overlapping patches and their image under a known convolutional map, data.n = 3 s^2 or s^2";
    return BRN_OK;
}

static brn_status unknown(const char *name)
{
    char names[256] = "";
    for (int i = 0; i < PLANE; ++i) strcat(strcat(names, plane[i].name), ", ");
    return brn_fail(BRN_ERR_USAGE, "data.pair \"%.100s\" is not known; expected %s%s, %s or a file name that ends in .safetensors",
                    name, names, GAUSSIAN, IMAGES);
}

brn_status brn_pair_open_builtin(brn_pair *pair, const char *name, int n)
{
    if (!strcmp(name, GAUSSIAN)) return brn_pair_open_gaussian(pair, n > 0 ? n : 2);
    if (!strcmp(name, IMAGES)) return brn_pair_open_images(pair, n > 0 ? n : 3 * 64 * 64);
    for (int i = 0; i < PLANE; ++i)
        if (!strcmp(name, plane[i].name)) {
            pair->n = 2;
            pair->side[BRN_SOURCE] = (brn_measure){BRN_MEASURE_SHAPE2D, .shape = plane[i].source};
            pair->side[BRN_TARGET] = (brn_measure){BRN_MEASURE_SHAPE2D, .shape = plane[i].target};
            return brn_strdup(&pair->name, name);
        }
    return unknown(name);
}

brn_status brn_shape2d_draw(const brn_shape2d *s, const brn_tile_draw *t)
{
    const brn_latents l = brn_latents_of(t->draw, t->side, s->latents - 1);
    const bool normal = s->kind == BRN_SHAPE_BLOBS || s->kind == BRN_SHAPE_CRESCENT; /* the first two latents */
    return BRN_LAUNCH(t->q, shape2d, t->rows, 1,
                      (.ld = t->out.ld, .kind = s->kind, .count = s->count, .centre = s->centre, .normal = normal ? ~0u : 0, .radius = s->radius,
                       .phase = s->phase, .noise = s->noise, .gain = l.gain, .shift = l.shift, .row0 = (uint32_t)t->row0, BRN_LATENT_PARAMS(l)),
                      {t->generator, 0}, brn_mat_view(t->out));
}
