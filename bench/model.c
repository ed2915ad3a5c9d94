/* What a training step would cost a GPU that is not here, at the least: launches, bytes and operations of each part are
 * counted, and the roofline gives a bound.
 *
 *     brenier-bench-model [--model v100|a100|h100] [--n LIST] [--preset NAME] [--device NAME] [--warmup N] [--steps N]
 *                         [key=value ...]
 *
 * A model, not a measurement. A training of W steps and N counted ones runs on a device (host:strict if none is named: one
 * tile per batch and composed operations, as CUDA without its fused kernels), so that the solver's rounds are those of real
 * samples. Each launch and product takes as long as its arithmetic at the peak rate or its memory at the peak bandwidth,
 * whichever is more, counted as if everything came from memory once; beside it what handing them over one by one would add.
 * BRENIER_FUSE=on counts small networks as the one launch that CUDA makes of them. The device's own submissions are printed
 * too: on CUDA these are what is left after capture. */
#include "compute/backend.h"
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_MOST = 48, SIZES_MOST = 16 };

/* Peaks as NVIDIA states them for the SXM boards; launches as commonly measured: a kernel after another on one stream. */
typedef struct {
    const char *name, *text;
    double flops, bytes, launch; /* a second, a second, seconds */
} gpu;
static const gpu gpus[] = {
    {"v100", "V100 SXM2 16 GB", 15.7e12, 900e9, 2.5e-6},
    {"a100", "A100 SXM 40 GB", 19.5e12, 1555e9, 2.5e-6},
    {"h100", "H100 SXM 80 GB", 66.9e12, 3352e9, 2.5e-6},
};
enum { GPUS = sizeof gpus / sizeof *gpus };

/* Of a kernel, per row and feature: values that it takes from and gives to memory, operations; and both for each pair of the
 * solver's history. A kernel that is not here touches each of its buffers once and does two operations for each. */
static const struct {
    int kernel;
    double values, operations, values_of_pair, operations_of_pair;
} known[] = {
    {BRN_K_lbfgs_direction, 6, 7, 4, 8}, {BRN_K_lbfgs_push, 8, 12, 0, 0}, {BRN_K_act_forward, 3, 20, 0, 0},
    {BRN_K_act_reverse, 5, 12, 0, 0},    {BRN_K_normal, 1, 30, 0, 0},     {BRN_K_uniform_box, 1, 20, 0, 0},
    {BRN_K_search_armijo, 0, 0, 0, 0},   {BRN_K_search_wolfe, 0, 0, 0, 0},
};

/* Whole networks in one launch, their weights in the second buffer: operations of a weight and row. */
static const struct {
    int kernel;
    double operations;
} whole[] = {{BRN_K_small_forward, 2}, {BRN_K_small_value_grad, 4}, {BRN_K_small_trial, 4}};

typedef struct {
    double launches, products, bytes, flops, seconds;
} part;

/* What the table below writes to: one run at a time. */
static struct {
    const brn_backend *real;
    const brn_trainer *trainer;
    const gpu *on;
    double before[BRN_PHASES];
    bool counting;
    part parts[BRN_PHASES];
} now;

/* The part of the step that is going on: those before it have been timed. */
static part *present(void)
{
    int p = 0;
    while (p + 1 < BRN_PHASES && now.trainer->seconds[p] != now.before[p]) ++p;
    return &now.parts[p];
}

static void book(double bytes, double flops)
{
    part *p = present();
    const double memory = bytes / now.on->bytes, arithmetic = flops / now.on->flops;
    p->bytes += bytes;
    p->flops += flops;
    p->seconds += memory > arithmetic ? memory : arithmetic;
}

/* The weights once, and the rows' points with what is found there. */
static bool book_whole(int kernel, const int *shape, const brn_view *views)
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; ++i) {
        if (whole[i].kernel != kernel) continue;
        const double rows = shape[2], weights = (double)brn_buf_count(views[1].buf);
        book(sizeof(float) * (weights + 2 * rows * (shape[1] + 1)), whole[i].operations * rows * weights);
        return true;
    }
    return false;
}

static void book_kernel(int kernel, int rows, const int *shape)
{
    const brn_kernel_info *k = &brn_kernel_table[kernel];
    double values = k->buffers, operations = 2.0 * k->buffers;
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
        if (known[i].kernel != kernel) continue;
        const int pairs = known[i].values_of_pair > 0 ? shape[4] : 0; /* lbfgs_direction's history */
        values = known[i].values + pairs * known[i].values_of_pair;
        operations = known[i].operations + pairs * known[i].operations_of_pair;
    }
    const double elements = (double)(rows > shape[0] ? rows : shape[0]) * (shape[1] > 1 ? shape[1] : 1);
    book(sizeof(float) * values * elements, operations * elements);
}

static brn_status launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    int shape[8] = {0}; /* the parameters begin with rows and feats */
    if (now.counting && rows > 0) {
        memcpy(shape, params, size < sizeof shape ? size : sizeof shape);
        present()->launches += 1;
        if (!book_whole(kernel, shape, views)) book_kernel(kernel, rows, shape);
    }
    return now.real->launch(q, kernel, params, size, rows, feats, views, count);
}

static brn_status gemm(brn_queue *q, const brn_gemm_args *a)
{
    if (now.counting && a->m > 0 && a->n > 0) {
        const double m = a->m, n = a->n, k = a->k;
        present()->products += 1;
        book(sizeof(float) * (m * k + k * n + m * n * (a->beta != 0 ? 2 : 1)), 2 * m * n * k);
    }
    return now.real->gemm(q, a);
}

static brn_status write_bytes(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    if (now.counting) present()->launches += 1;
    return now.real->write(q, to, from, bytes);
}

static brn_status copy(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    if (now.counting) present()->launches += 1, book(2.0 * (double)bytes, 0);
    return now.real->copy(q, to, from, bytes);
}

static brn_status zero(brn_queue *q, brn_view to, size_t bytes)
{
    if (now.counting) present()->launches += 1, book((double)bytes, 0);
    return now.real->zero(q, to, bytes);
}

/* ---- a training -------------------------------------------------------------------------------- */

static void print_parts(const gpu *g, int steps)
{
    static const char *const names[BRN_PHASES] = {"draw", "predict", "solve", "gradient", "learn"};
    part all = {0};
    printf("| part | launches | products | MB | GFLOP | bound us | launches one by one us |\n|---|---|---|---|---|---|---|\n");
    for (int p = 0; p <= BRN_PHASES; ++p) {
        const part *c = p < BRN_PHASES ? &now.parts[p] : &all;
        printf("| %s | %.0f | %.0f | %.2f | %.3f | %.1f | %.0f |\n", p < BRN_PHASES ? names[p] : "step", c->launches / steps, c->products / steps,
               1e-6 * c->bytes / steps, 1e-9 * c->flops / steps, 1e6 * c->seconds / steps, 1e6 * g->launch * (c->launches + c->products) / steps);
        if (p == BRN_PHASES) break;
        all.launches += c->launches, all.products += c->products, all.bytes += c->bytes, all.flops += c->flops, all.seconds += c->seconds;
    }
}

static brn_status count_steps(brn_device *dev, brn_trainer *t, const gpu *g, int warmup, int steps)
{
    brn_backend counted = *dev->ops;
    brn_status status = brn_trainer_begin(t);
    for (int i = 0; i < warmup && status == BRN_OK; ++i) status = brn_trainer_step(t);
    memset(now.parts, 0, sizeof now.parts);
    now.real = dev->ops, now.trainer = t, now.on = g, now.counting = true;
    counted.launch = launch, counted.gemm = gemm, counted.write = write_bytes, counted.copy = copy, counted.zero = zero;
    dev->ops = &counted;
    const brn_device_counts before = dev->counts;
    for (int i = 0; i < steps && status == BRN_OK; ++i) {
        memcpy(now.before, t->seconds, sizeof now.before);
        status = brn_trainer_step(t);
    }
    dev->ops = now.real;
    if (status != BRN_OK) return status;
    print_parts(g, steps);
    if (dev->counts.submissions > before.submissions)
        printf("\n%s was asked %.1f times a step and waited for %.1f times\n", brn_device_name(dev), (double)(dev->counts.submissions - before.submissions) / steps,
               (double)(dev->counts.waits - before.waits) / steps);
    printf("\n");
    fflush(stdout);
    return BRN_OK;
}

static brn_status model_of(brn_settings *settings, const gpu *g, int warmup, int steps)
{
    subject s;
    brn_status status = open_subject(&s, settings, 1);
    if (status == BRN_OK) {
        printf("%s, n = %d, batch %d: a model of %s (%.1f TFLOP/s, %.0f GB/s, %.1f us a launch), no measurement\n\n", settings->preset, brn_pair_dim(s.pair),
               settings->train.batch, g->text, 1e-12 * g->flops, 1e-9 * g->bytes, 1e6 * g->launch);
        status = count_steps(s.dev, s.trainer, g, warmup, steps);
    }
    close_subject(&s);
    return status;
}

/* ---- command ----------------------------------------------------------------------------------- */

typedef struct {
    const gpu *on;
    const char *preset, *device;
    int n[SIZES_MOST], sizes, warmup, steps, count;
    const char *values[SETTINGS_MOST];
} options;

static bool parse(int argc, char **argv, options *o)
{
    *o = (options){.on = gpus, .preset = "hd-paper", .device = "host:strict", .n = {2, 16, 256}, .sizes = 3, .warmup = 3, .steps = 2};
    for (int i = 1; i < argc; ++i) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strchr(argv[i], '=') && o->count < SETTINGS_MOST - 2) o->values[o->count++] = argv[i];
        else if (!value) return false;
        else if (!strcmp(argv[i], "--model")) {
            for (o->on = gpus; o->on < gpus + GPUS && strcmp(o->on->name, value); ++o->on) {}
            if (o->on == gpus + GPUS) return false;
            ++i;
        } else if (!strcmp(argv[i], "--n")) {
            o->sizes = 0;
            for (char *at = argv[++i]; *at && o->sizes < SIZES_MOST; at += *at == ',') o->n[o->sizes++] = (int)strtol(at, &at, 10);
        } else if (!strcmp(argv[i], "--preset")) o->preset = value, ++i;
        else if (!strcmp(argv[i], "--device")) o->device = value, ++i;
        else if (!strcmp(argv[i], "--warmup")) o->warmup = atoi(value), ++i;
        else if (!strcmp(argv[i], "--steps")) o->steps = atoi(value), ++i;
        else return false;
    }
    for (int k = 0; k < o->sizes; ++k)
        if (o->n[k] < 1) return false;
    return o->sizes > 0 && o->steps > 0 && o->warmup >= 0;
}

int main(int argc, char **argv)
{
    options o;
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: brenier-bench-model [--model v100|a100|h100] [--n LIST] [--preset NAME] [--device NAME] [--warmup N] [--steps N] [key=value ...]\n");
        return 2;
    }
    for (int k = 0; k < o.sizes; ++k) {
        brn_settings s;
        char n[32], device[96];
        snprintf(n, sizeof n, "data.n=%d", o.n[k]);
        snprintf(device, sizeof device, "device=%s", o.device);
        brn_status status = brn_settings_preset(&s, o.preset);
        if (status == BRN_OK) status = brn_settings_assign(&s, 3, (const char *const[]){"data.pair=gaussian", n, device});
        if (status == BRN_OK) status = brn_settings_assign(&s, o.count, o.values);
        if (status == BRN_OK) status = model_of(&s, o.on, o.warmup, o.steps);
        if (status == BRN_OK) continue;
        fprintf(stderr, "brenier-bench-model: %s\n", brn_last_error());
        return (int)status;
    }
    return 0;
}
