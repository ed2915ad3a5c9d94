/* Megapixels a second of a map of colours: usage: brenier-bench-colour [MEGAPIXELS [THREADS]]
 *
 * The map is that of `brenier recipe colour`, widths 64, 64, 32. Rates are per second of processor time, so that
 * other work on the machine does not count, and as such per core: of the whole of brn_image_map, of the map alone
 * (brn_model_map, from rows to rows), and of the conversions between bytes and rows. */
#include <brenier/brenier.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPEATS = 5, CHUNK = 1 << 16 };

static void must(brn_status status)
{
    if (status == BRN_OK) return;
    fprintf(stderr, "brenier-bench-colour: %s\n", brn_last_error());
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static brn_model *make_model(brn_device *device)
{
    static const char *const settings[] = {"data.pair=gaussian",  "data.n=3",       "potential.hidden=64,64,32", "amortizer.hidden=64,64,32",
                                           "train.steps=20",      "train.batch=64", "eval.points=64"};
    brn_settings s;
    brn_model *model;
    must(brn_settings_preset(&s, "hd"));
    must(brn_settings_assign(&s, (int)(sizeof settings / sizeof *settings), settings));
    must(brn_train(device, &s, false, NULL, NULL, &model));
    return model;
}

static double best_picture(brn_model *model, brn_image *image)
{
    double best = 1e30;
    for (int k = 0; k < REPEATS; ++k) {
        const double start = cpu_seconds();
        must(brn_image_map(model, image));
        const double taken = cpu_seconds() - start;
        best = taken < best ? taken : best;
    }
    return best;
}

static double best_rows(brn_model *model, size_t pixels, float *rows)
{
    double best = 1e30;
    for (int k = 0; k < REPEATS; ++k) {
        const double start = cpu_seconds();
        for (size_t at = 0; at < pixels; at += CHUNK) {
            for (size_t i = 0; i < 3 * CHUNK; ++i) rows[i] = (float)(i % 251) / 251;
            must(brn_model_map(model, rows, CHUNK, rows));
        }
        const double taken = cpu_seconds() - start;
        best = taken < best ? taken : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    const int width = 2048, threads = argc > 2 ? atoi(argv[2]) : 1;
    const int height = (argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 4) * 512;
    brn_device *device;
    must(brn_device_open(&device, "host", threads));
    brn_model *model = make_model(device);
    const size_t pixels = (size_t)width * (size_t)height;
    brn_image image = {width, height, 3, malloc(3 * pixels)};
    float *rows = malloc(3 * CHUNK * sizeof *rows);
    if (!image.pixels || !rows) return 1;
    for (size_t i = 0; i < 3 * pixels; ++i) image.pixels[i] = (unsigned char)(i * 2654435761u >> 13);
    const double mega = (double)pixels / 1e6, all = best_picture(model, &image), map = best_rows(model, pixels, rows);
    printf("%.1f megapixels, %d thread%s, %s\n", mega, threads, threads == 1 ? "" : "s", brn_device_name(device));
    printf("picture to picture  %6.2f MP/s per core\n", mega / all);
    printf("map alone           %6.2f MP/s per core\n", mega / map);
    brn_image_free(&image);
    free(rows);
    brn_model_free(model);
    brn_device_close(device);
}
