/* Own products against CLBlast's on one OpenCL device, interleaved in one run.
 *
 *     brenier-bench-gemm [--device NAME] [--rows N] [--rounds N]
 *
 * The shapes are those of the dense layers of MLP potentials in n = 16 and 64 dimensions (widths 2b, 2b, b with
 * b = max(n, 32)) on a batch: forward W^T x, backward W d, and the gradient x d^T. A round queues REPEATS products
 * and waits once; times are medians over the rounds (us a product), `x` is CLBlast's time over the own. */
#include "compute/compute.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/statistics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 20, ROUNDS_MOST = 1000 };

typedef struct {
    const char *kind;
    brn_gemm_args args;
} product;

typedef struct {
    brn_device *dev;
    brn_buf *a, *b, *c;
} side;

/* The device with its products made by `way`. */
static brn_status open_side(side *s, const char *device, const char *way, size_t count)
{
    *s = (side){0};
    setenv("BRENIER_OPENCL_GEMM", way, 1);
    BRN_TRY(brn_device_open(&s->dev, device, 1));
    brn_buf **const buffers[] = {&s->a, &s->b, &s->c};
    float *values;
    BRN_TRY(BRN_ALLOC(&values, count, "matrix"));
    brn_rng rng = brn_rng_start(1, 0);
    for (size_t i = 0; i < count; ++i) values[i] = (float)brn_rng_normal(&rng);
    brn_status status = BRN_OK;
    for (int i = 0; i < 3 && status == BRN_OK; ++i) {
        status = brn_buf_create(buffers[i], s->dev, BRN_REAL, count, "matrix");
        if (status == BRN_OK) status = brn_write_f32(brn_device_queue(s->dev, 0), (brn_view){*buffers[i], 0}, values, count);
    }
    free(values);
    return status;
}

static void close_side(side *s)
{
    brn_buf_free(s->a), brn_buf_free(s->b), brn_buf_free(s->c);
    brn_device_close(s->dev);
}

static brn_status round_of(const side *s, const product *p, double *us)
{
    brn_queue *q = brn_device_queue(s->dev, 0);
    brn_gemm_args args = p->args;
    float last;
    args.a.buf = s->a, args.b.buf = s->b, args.c.buf = s->c;
    const double start = brn_seconds();
    for (int i = 0; i < REPEATS; ++i) BRN_TRY(brn_gemm(q, &args));
    BRN_TRY(brn_read_f32(q, args.c, &last, 1));
    *us = 1e6 * (brn_seconds() - start) / REPEATS;
    return BRN_OK;
}

static brn_status compare(const side sides[2], const product *p, int rounds)
{
    double us[2][ROUNDS_MOST], median[2];
    for (int w = 0; w < 2; ++w) BRN_TRY(round_of(&sides[w], p, &us[w][0])); /* compiles */
    for (int r = 0; r < rounds; ++r)
        for (int w = 0; w < 2; ++w) BRN_TRY(round_of(&sides[w], p, &us[w][r]));
    const double flops = 2e-3 * p->args.m * p->args.n * p->args.k;
    for (int w = 0; w < 2; ++w) {
        qsort(us[w], (size_t)rounds, sizeof(double), brn_ascending);
        median[w] = us[w][rounds / 2];
    }
    printf("%-9s %5d %5d %5d %10.1f %8.2f %10.1f %8.2f %6.2f\n", p->kind, p->args.m, p->args.n, p->args.k, median[0], flops / median[0],
           median[1], flops / median[1], median[1] / median[0]);
    fflush(stdout);
    return BRN_OK;
}

static brn_status compare_layer(const side sides[2], int in, int out, int rows, int rounds)
{
    const product products[] = {
        {"forward", {.ta = true, .m = out, .n = rows, .k = in, .alpha = 1, .lda = out, .ldb = rows, .ldc = rows}},
        {"backward", {.m = in, .n = rows, .k = out, .alpha = 1, .lda = out, .ldb = rows, .ldc = rows}},
        {"gradient", {.tb = true, .m = in, .n = out, .k = rows, .alpha = 1, .beta = 1, .lda = rows, .ldb = rows, .ldc = out}},
    };
    for (int i = 0; i < 3; ++i) BRN_TRY(compare(sides, &products[i], rounds));
    return BRN_OK;
}

static brn_status bench(const char *device, int rows, int rounds)
{
    side sides[2];
    BRN_TRY(open_side(&sides[0], device, "own", (size_t)128 * (size_t)(rows > 128 ? rows : 128)));
    BRN_TRY(open_side(&sides[1], device, "clblast", (size_t)128 * (size_t)(rows > 128 ? rows : 128)));
    printf("device %s, %d rows\n%-9s %5s %5s %5s %10s %8s %10s %8s %6s\n", device, rows, "product", "m", "n", "k", "own_us", "GFLOP/s",
           "clblast_us", "GFLOP/s", "x");
    for (int n = 16; n <= 64; n += 48) {
        const int b = n > 32 ? n : 32;
        BRN_TRY(compare_layer(sides, n, 2 * b, rows, rounds));
        BRN_TRY(compare_layer(sides, 2 * b, 2 * b, rows, rounds));
        BRN_TRY(compare_layer(sides, 2 * b, b, rows, rounds));
        BRN_TRY(compare_layer(sides, b, 1, rows, rounds));
    }
    close_side(&sides[0]), close_side(&sides[1]);
    return BRN_OK;
}

int main(int argc, char **argv)
{
    const char *device = "opencl:0";
    int rows = 1024, rounds = 15;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--device")) device = argv[i + 1];
        else if (!strcmp(argv[i], "--rows")) rows = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--rounds")) rounds = atoi(argv[i + 1]);
    }
    if (rows < 1 || rounds < 1 || rounds > ROUNDS_MOST) {
        fprintf(stderr, "usage: brenier-bench-gemm [--device NAME] [--rows N] [--rounds N]\n");
        return 2;
    }
    if (bench(device, rows, rounds) == BRN_OK) return 0;
    fprintf(stderr, "brenier-bench-gemm: %s\n", brn_last_error());
    return 1;
}
