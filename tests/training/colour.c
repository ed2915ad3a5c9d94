/* Colour transfer between pictures whose optimal map of colours is known. */
#include "support/support.h"
#include "core/philox.h"
#include <brenier/brenier.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 96, PIXELS = SIDE * SIDE };

/* y = A x + b with a symmetric positive A: the gradient of a convex function, so the optimal map. */
static const double A[3][3] = {{.8, .2, 0}, {.2, .6, -.1}, {0, -.1, 1.1}}, B[3] = {.05, .1, -.02};

static void transform(const double x[3], double y[3])
{
    for (int i = 0; i < 3; ++i) y[i] = B[i] + A[i][0] * x[0] + A[i][1] * x[1] + A[i][2] * x[2];
}

static void draw(double x[3], brn_rng *rng)
{
    for (int c = 0; c < 3; ++c) x[c] = .25 + .4 * brn_rng_uniform(rng);
}

static void put(const char *path, bool moved, uint64_t seed)
{
    static unsigned char pixels[3 * PIXELS];
    brn_rng rng = brn_rng_start(seed, 1);
    for (int i = 0; i < PIXELS; ++i) {
        double x[3], y[3];
        draw(x, &rng);
        transform(x, y);
        for (int c = 0; c < 3; ++c) pixels[3 * i + c] = (unsigned char)(256 * (moved ? y : x)[c]);
    }
    MUST(brn_image_write(&(brn_image){SIDE, SIDE, 3, pixels}, path));
}

static brn_model *learn(brn_device *device, const char *source, const char *target, const char *steps)
{
    brn_settings s;
    brn_model *model;
    MUST(brn_settings_preset(&s, "hd"));
    const char *const settings[] = {"data.pictures=colours", "potential.hidden=64,64,32", "amortizer.hidden=32,32", "train.batch=256", "eval.points=256"};
    MUST(brn_settings_assign(&s, 5, settings));
    MUST(brn_settings_set(&s, "data.source", source));
    MUST(brn_settings_set(&s, "data.target", target));
    MUST(brn_settings_set(&s, "train.steps", steps));
    MUST(brn_train(device, &s, false, NULL, NULL, &model));
    return model;
}

Test(colour, an_affine_change_is_found)
{
    char dir[64], from[96], to[96];
    brn_device *device;
    test_make_dir(dir);
    snprintf(from, sizeof from, "%s/a.png", dir);
    snprintf(to, sizeof to, "%s/b.png", dir);
    put(from, false, 1);
    put(to, true, 2);
    MUST(brn_device_open(&device, "host", 1));
    brn_model *model = learn(device, from, to, "500");
    brn_image before, after;
    MUST(brn_image_read(&before, from, 3));
    MUST(brn_image_read(&after, from, 3));
    MUST(brn_image_map(model, &after));
    double error = 0, change = 0;
    for (int i = 0; i < PIXELS; ++i) {
        double x[3], y[3];
        for (int c = 0; c < 3; ++c) x[c] = (before.pixels[3 * i + c] + .5) / 256;
        transform(x, y);
        for (int c = 0; c < 3; ++c) {
            error += pow((after.pixels[3 * i + c] + .5) / 256 - y[c], 2);
            change += pow(x[c] - y[c], 2);
        }
    }
    cr_assert_lt(sqrt(error / PIXELS), .015, "root mean square error %g", sqrt(error / PIXELS));
    cr_assert_gt(sqrt(change / PIXELS), .05); /* of a map that does nothing */
    brn_image_free(&before), brn_image_free(&after);
    brn_model_free(model);
    brn_device_close(device);
    test_remove_dir(dir);
}

/* One step from the exact identity moves no byte; chunks meet without a seam. */
Test(colour, the_identity_keeps_every_byte)
{
    char dir[64], from[96];
    brn_device *device;
    test_make_dir(dir);
    snprintf(from, sizeof from, "%s/a.png", dir);
    put(from, false, 1);
    MUST(brn_device_open(&device, "host", 2));
    brn_settings s;
    brn_model *model;
    MUST(brn_settings_preset(&s, "hd"));
    const char *const settings[] = {"data.pair=gaussian", "data.n=3", "potential.hidden=16", "amortizer.hidden=16", "train.steps=1",
                                    "train.potential.kind=adamw", "train.potential.lr=1e-9", "train.batch=64", "eval.points=64"};
    MUST(brn_settings_assign(&s, (int)(sizeof settings / sizeof *settings), settings));
    MUST(brn_train(device, &s, false, NULL, NULL, &model));
    brn_image p = {400, 300, 3, malloc(400 * 300 * 3)}, grey = {1, 1, 1, (unsigned char[]){7}};
    for (int i = 0; i < 400 * 300 * 3; ++i) p.pixels[i] = (unsigned char)(i * 7 + i / 256);
    MUST(brn_image_map(model, &p));
    for (int i = 0; i < 400 * 300 * 3; ++i) cr_assert_eq(p.pixels[i], (unsigned char)(i * 7 + i / 256), "byte %d became %d", i, p.pixels[i]);
    MUST_FAIL(brn_image_map(model, &grey), BRN_ERR_USAGE, "grey");
    brn_image_free(&p);
    brn_model_free(model);
    brn_device_close(device);
    test_remove_dir(dir);
}
