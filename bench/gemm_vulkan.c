/* The tiles of the matrix product on a Vulkan device beside the plain 4 x 4 tile, interleaved in one run.
 *
 *     brenier-bench-gemm_vulkan [--device NAME] [--rows N] [--rounds N] [--tiles NAME,NAME,...]
 *
 * The shapes are those of the dense layers of MLP potentials in n = 16 and 64 dimensions (widths 2b, 2b, b with
 * b = max(n, 32)) on a batch: forward W^T x, backward W d, and the gradient x d^T. A round queues REPEATS products
 * and waits once; GFLOP/s are those of the median round. The last column is the backend's own choice over simple. */
#include "core/clock.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/statistics.h"
#include "compute/compute.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 20, ROUNDS_MOST = 1000, SIDES_MOST = 16 };

typedef struct {
    const char *tile; /* "" is the backend's choice */
    brn_device *dev;
    brn_buf *buffer[3];
} side;

static brn_status open_side(side *s, const char *device, size_t count)
{
    float *values;
    setenv("BRENIER_VULKAN_GEMM", s->tile, 1);
    BRN_TRY(brn_device_open(&s->dev, device, 1));
    BRN_TRY(BRN_ALLOC(&values, count, "matrix"));
    brn_rng rng = brn_rng_start(1, 0);
    for (size_t i = 0; i < count; ++i) values[i] = (float)brn_rng_normal(&rng);
    brn_status status = BRN_OK;
    for (int i = 0; i < 3 && status == BRN_OK; ++i) {
        status = brn_buf_create(&s->buffer[i], s->dev, BRN_REAL, count, "matrix");
        if (status == BRN_OK) status = brn_write_f32(brn_device_queue(s->dev, 0), (brn_view){s->buffer[i], 0}, values, count);
    }
    free(values);
    return status;
}

static void close_side(side *s)
{
    for (int i = 0; i < 3; ++i) brn_buf_free(s->buffer[i]);
    brn_device_close(s->dev);
}

static brn_status round_of(const side *s, brn_gemm_args args, double *us)
{
    brn_queue *q = brn_device_queue(s->dev, 0);
    float last;
    args.a.buf = s->buffer[0], args.b.buf = s->buffer[1], args.c.buf = s->buffer[2];
    const double start = brn_seconds();
    for (int i = 0; i < REPEATS; ++i) BRN_TRY(brn_gemm(q, &args));
    BRN_TRY(brn_read_f32(q, args.c, &last, 1));
    *us = 1e6 * (brn_seconds() - start) / REPEATS;
    return BRN_OK;
}

/* sides[0] is simple, the last one the choice. */
static brn_status compare(const side *sides, int count, const char *kind, const brn_gemm_args *args, int rounds, double *log_gain)
{
    static double us[SIDES_MOST][ROUNDS_MOST];
    for (int s = 0; s < count; ++s) BRN_TRY(round_of(&sides[s], *args, &us[s][0])); /* makes the pipeline */
    for (int r = 0; r < rounds; ++r)
        for (int s = 0; s < count; ++s) BRN_TRY(round_of(&sides[s], *args, &us[s][r]));
    printf("| %-8s | %4d | %4d | %4d |", kind, args->m, args->n, args->k);
    for (int s = 0; s < count; ++s) {
        qsort(us[s], (size_t)rounds, sizeof(double), brn_ascending);
        printf(" %9.2f |", 2e-3 * args->m * args->n * args->k / us[s][rounds / 2]);
    }
    const double gain = us[0][rounds / 2] / us[count - 1][rounds / 2];
    *log_gain += log(gain);
    printf(" %5.2f |\n", gain);
    fflush(stdout);
    return BRN_OK;
}

static brn_status compare_layer(const side *sides, int count, int in, int out, int rows, int rounds, double *log_gain)
{
    BRN_TRY(compare(sides, count, "forward", &(brn_gemm_args){.ta = true, .m = out, .n = rows, .k = in, .alpha = 1, .lda = out, .ldb = rows, .ldc = rows}, rounds, log_gain));
    BRN_TRY(compare(sides, count, "backward", &(brn_gemm_args){.m = in, .n = rows, .k = out, .alpha = 1, .lda = out, .ldb = rows, .ldc = rows}, rounds, log_gain));
    return compare(sides, count, "gradient", &(brn_gemm_args){.tb = true, .m = in, .n = out, .k = rows, .alpha = 1, .beta = 1, .lda = rows, .ldb = rows, .ldc = out}, rounds, log_gain);
}

static brn_status bench(side *sides, int count, const char *device, int rows, int rounds)
{
    double log_gain = 0;
    for (int s = 0; s < count; ++s) BRN_TRY(open_side(&sides[s], device, (size_t)128 * (size_t)(rows > 128 ? rows : 128)));
    printf("%s, %d rows, GFLOP/s by tile\n\n| product  |    m |    n |    k |", device, rows);
    for (int s = 0; s < count; ++s) printf(" %9s |", *sides[s].tile ? sides[s].tile : "chosen");
    printf("  gain |\n|---|---|---|---|");
    for (int s = 0; s <= count; ++s) printf("---|");
    putchar('\n');
    for (int n = 16; n <= 64; n += 48) {
        const int b = n > 32 ? n : 32;
        BRN_TRY(compare_layer(sides, count, n, 2 * b, rows, rounds, &log_gain));
        BRN_TRY(compare_layer(sides, count, 2 * b, 2 * b, rows, rounds, &log_gain));
        BRN_TRY(compare_layer(sides, count, 2 * b, b, rows, rounds, &log_gain));
    }
    printf("\ngeometric mean of the gain: %.2f\n", exp(log_gain / 18));
    return BRN_OK;
}

int main(int argc, char **argv)
{
    const char *device = "vulkan:0";
    char tiles[256] = "";
    int rows = 1024, rounds = 9, count = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--device")) device = argv[i + 1];
        else if (!strcmp(argv[i], "--rows")) rows = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--rounds")) rounds = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--tiles")) snprintf(tiles, sizeof tiles, "%s", argv[i + 1]);
    }
    if (rows < 1 || rounds < 1 || rounds > ROUNDS_MOST) {
        fprintf(stderr, "usage: brenier-bench-gemm_vulkan [--device NAME] [--rows N] [--rounds N] [--tiles NAME,NAME,...]\n");
        return 2;
    }
    side sides[SIDES_MOST] = {{.tile = "simple"}};
    for (char *rest = tiles, *item; count < SIDES_MOST - 1 && (item = strsep(&rest, ","));)
        if (*item) sides[count++].tile = item;
    sides[count++].tile = "";
    const brn_status status = bench(sides, count, device, rows, rounds);
    if (status != BRN_OK) fprintf(stderr, "brenier-bench-gemm_vulkan: %s\n", brn_last_error());
    for (int s = 0; s < count; ++s) close_side(&sides[s]);
    return (int)status;
}
