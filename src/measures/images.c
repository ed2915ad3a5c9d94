/* A pair of image measures whose optimal map is known, of any size: what the published experiments on
 * photographs need generators of the user's for.
 *
 * alpha: overlapping patches. The atoms are the 16 lowest two-dimensional cosines under a window that
 * adds up to one, in one grey and two colour axes, with coefficients z z' of two normal numbers: products
 * are seldom large, as the coefficients of photographs are. There are as many coefficients as pixels.
 * beta = (grad psi) # alpha with psi(x) = 1/4 |x|^2 + sum over places and filters of v softplus(<w, patch>
 * + b), v > 0: a convolutional potential that is convex. Filters are fixed random numbers. */
#include "core/memory.h"
#include "core/philox.h"
#include "measures/kinds.h"
#include "networks/linear.h"

#include <math.h>
#include <stdlib.h>

enum { ATOM = 8, STRIDE = 4, PAD = 2, WAVES = 4, FILTERS = 16 };
static const double PI = 3.14159265358979323846;
static const double SIZE = .45;          /* deviation of a pixel, about */
static const double CURVED = .06;        /* share of a filter in the map */
static const double STEEP = 5;           /* of the filters: how far from linear the map is */

void brn_patches_free(brn_patches *p) { brn_net_free(&p->atoms); }

/* Grey, red - blue, green - magenta; the colours of photographs are mostly grey. */
static double axis(int channels, int which, int channel)
{
    static const double axes[3][3] = {{.577350, .577350, .577350}, {.235702, 0, -.235702}, {.0816497, -.1632993, .0816497}};
    return channels == 1 ? 1 : axes[which][channel];
}

static double wave(int frequency, int i)
{
    const double window = pow(sin(PI * (i + .5) / ATOM), 2);
    return window * cos(PI * frequency * (i + .5) / ATOM);
}

static brn_status create_atoms(brn_patches *p, brn_device *dev, const int image[static 3])
{
    const int channels = image[0], count = WAVES * WAVES * channels;
    brn_net_shape shape;
    float *theta;
    BRN_TRY(brn_shape_patches(&shape, image, count, ATOM, STRIDE, PAD));
    BRN_TRY(brn_net_create(&p->atoms, dev, &shape));
    BRN_TRY(BRN_ALLOC(&theta, shape.size, "atoms"));
    for (int tap = 0; tap < brn_layer_rows(&shape.layer[0]); ++tap)
        for (int k = 0; k < count; ++k) {
            const int x = tap % ATOM, y = tap / ATOM % ATOM, u = k % WAVES, v = k / WAVES % WAVES;
            theta[shape.layer[0].weight + (size_t)(tap * count + k)] =
                (float)(SIZE * sqrt(channels) * axis(channels, k / (WAVES * WAVES), tap / (ATOM * ATOM)) * wave(u, x) * wave(v, y) / (1 + .5 * (u * u + v * v)));
        }
    const brn_status status = brn_write_f32(brn_device_queue(dev, 0), (brn_view){p->atoms.theta, 0}, theta, shape.size);
    free(theta);
    return status;
}

static brn_status create_psi(brn_pot *psi, brn_device *dev, const int image[static 3])
{
    brn_net_shape shape;
    float *theta;
    BRN_TRY(brn_shape_conv(&shape, image, &(brn_widths){1, {FILTERS}}, BRN_ACT_SOFTPLUS, 1, false));
    psi->scale = 1;
    psi->parts = 1;
    BRN_TRY(brn_net_create(&psi->part[0], dev, &shape));
    BRN_TRY(BRN_ALLOC(&theta, shape.size, "filters"));
    brn_rng rng = brn_rng_start(0x1a6e, (uint32_t)image[0]);
    const brn_layer *filters = &shape.layer[0], *sum = &shape.layer[1];
    const int taps = brn_layer_rows(filters);
    for (int i = 0; i < taps * FILTERS; ++i) theta[filters->weight + (size_t)i] = (float)(STEEP * brn_rng_normal(&rng) / sqrt(taps));
    for (int k = 0; k < FILTERS; ++k) theta[filters->weight + (size_t)(taps * FILTERS + k)] = (float)brn_rng_normal(&rng);
    for (int i = 0; i < brn_layer_rows(sum); ++i) theta[sum->weight + (size_t)i] = (float)CURVED;
    theta[shape.log_alpha] = (float)log(.5);
    const brn_status status = brn_write_f32(brn_device_queue(dev, 0), (brn_view){psi->part[0].theta, 0}, theta, shape.size);
    free(theta);
    return status;
}

brn_status brn_pair_open_images(brn_pair *pair, int n)
{
    int image[3];
    if (brn_conv_image(n, image) != BRN_OK || image[1] % STRIDE || n < ATOM * ATOM)
        return brn_fail(BRN_ERR_USAGE, "data.n=%d: the pair \"images\" has n = 3 s^2 or s^2 with s = 8, 12, 16, ..., as 192, 3072 or 12288", n);
    pair->n = n;
    pair->side[BRN_SOURCE].kind = BRN_MEASURE_PATCHES;
    BRN_TRY(create_atoms(&pair->side[BRN_SOURCE].patches, pair->dev, image));
    pair->side[BRN_TARGET].kind = BRN_MEASURE_PUSHED;
    BRN_TRY(create_psi(&pair->psi, pair->dev, image));
    pair->map = BRN_MAP_GRADIENT;
    return brn_strdup(&pair->name, "images");
}

/* z or z'. The products of an antithetic pair would be equal: always independent. */
brn_status brn_draw_normals(const brn_tile_draw *t, bool second, brn_mat to)
{
    brn_draw draw = *t->draw;
    draw.sampling = BRN_SAMPLING_IID;
    draw.stream ^= second ? 0x40000000u : 0;
    const brn_latents l = brn_latents_of(&draw, t->side, to.feats);
    return BRN_LAUNCH(t->q, normal, t->rows, (to.feats + 3) / 4, (.ld = to.ld, .dim = to.feats, .row0 = (uint32_t)t->row0, BRN_LATENT_PARAMS(l)),
                      {t->work->no_lattice, 0}, brn_mat_view(to));
}

brn_status brn_patches_draw(const brn_patches *p, const brn_tile_draw *t)
{
    brn_pair_work *w = t->work;
    BRN_TRY(brn_draw_normals(t, false, w->latents));
    BRN_TRY(brn_draw_normals(t, true, w->component));
    BRN_TRY(brn_mat_mul(t->q, t->rows, w->latents, w->component, w->latents));
    return brn_linear_backward(t->q, &p->atoms, &w->patches, 0, t->rows, true, w->latents, (brn_mat){0}, t->out, false);
}
