/* Speed of the compute layer on one thread, beside what the machine's own BLAS reaches.
 *
 *     brenier-bench-ops [--device NAME] [--seconds S] [--shapes FILE]
 *
 * For each shape: value + input gradient and parameter gradient of an MLP potential (elu), worked in the
 * device's tiles, and the dense operations of its widest layer. `share` is the rate divided by the rate
 * of cblas_sgemm over the same layer products (W^T x and W d) at the best of 64, 256 and 1024 columns.
 * A weight costs 4 flops per row in value + gradient and 6 in a parameter gradient. Times are medians
 * (us for all rows) with the 10th and 90th percentile. */
#include "core/clock.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/statistics.h"
#include "networks/potential.h"

#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *device, *shapes;
    double seconds; /* per line of the table */
} options;

typedef struct {
    double p10, median, p90; /* us */
} timing;

typedef brn_status (*work_fn)(void *context);

/* Repeat for `seconds` after a warm-up of a tenth of that. */
static brn_status measure(work_fn work, void *context, double seconds, timing *out)
{
    enum { MOST = 20000 };
    static double us[MOST];
    int count = 0;
    for (double start = brn_seconds(); brn_seconds() - start < 0.1 * seconds;) BRN_TRY(work(context));
    for (double start = brn_seconds(), last = start; last - start < seconds && count < MOST;) {
        BRN_TRY(work(context));
        const double t = brn_seconds();
        us[count++] = 1e6 * (t - last);
        last = t;
    }
    qsort(us, (size_t)count, sizeof *us, brn_ascending);
    *out = (timing){us[count / 10], us[count / 2], us[count * 9 / 10]};
    return BRN_OK;
}

/* ---- the potential --------------------------------------------------------------------------- */

typedef struct {
    brn_queue *q;
    brn_pot f;
    brn_pot_work work;
    brn_buf *memory, *grad;
    int rows, tile, n;
} subject;

static brn_mat tile_of(const subject *s, int t, int first, int feats)
{
    return (brn_mat){s->memory, (size_t)(t * (2 * s->n + 1) + first) * (size_t)s->tile, feats, s->tile};
}

static brn_status make_subject(subject *s, brn_device *dev, int n, int rows)
{
    const int b = n > 32 ? n : 32, tile = brn_device_lanes(dev, rows), tiles = (rows + tile - 1) / tile;
    brn_net_shape shape;
    *s = (subject){.q = brn_device_queue(dev, 0), .rows = rows, .tile = tile, .n = n, .f = {.parts = 1, .scale = 1}};
    BRN_TRY(brn_shape_mlp(&shape, n, &(brn_widths){3, {2 * b, 2 * b, b}}, BRN_ACT_ELU, 1, false));
    BRN_TRY(brn_net_create(&s->f.part[0], dev, &shape));
    BRN_TRY(brn_net_init(&s->f.part[0], 1, 0, false));
    BRN_TRY(brn_pot_work_create(&s->work, &s->f, tile, BRN_TAPE_FIRST));
    const size_t count = (size_t)tiles * (size_t)(2 * n + 1) * (size_t)tile;
    BRN_TRY(brn_buf_create(&s->memory, dev, BRN_REAL, count, "samples"));
    BRN_TRY(brn_buf_create(&s->grad, dev, BRN_REAL, shape.size, "gradient"));
    BRN_TRY(brn_zero(s->q, (brn_view){s->grad, 0}, shape.size));
    float *x;
    BRN_TRY(BRN_ALLOC(&x, count, "samples"));
    brn_rng rng = brn_rng_start(2, 0);
    for (size_t i = 0; i < count; ++i) x[i] = (float)brn_rng_normal(&rng);
    brn_status status = brn_write_f32(s->q, (brn_view){s->memory, 0}, x, count);
    free(x);
    return status;
}

static void free_subject(subject *s)
{
    brn_pot_work_free(&s->work);
    brn_pot_free(&s->f);
    brn_buf_free(s->memory);
    brn_buf_free(s->grad);
}

/* Devices may still be working when a call returns: one number is read back at the end. */
static brn_status finish(subject *s)
{
    float last;
    return brn_read_f32(s->q, (brn_view){s->memory, 0}, &last, 1);
}

static brn_status value_grad(void *context)
{
    subject *s = context;
    for (int r = 0, t = 0; r < s->rows; r += s->tile, ++t) {
        const int rows = s->rows - r < s->tile ? s->rows - r : s->tile;
        BRN_TRY(brn_pot_value_grad(s->q, &s->f, &s->work, rows, tile_of(s, t, 0, s->n), tile_of(s, t, 2 * s->n, 1),
                                   tile_of(s, t, s->n, s->n)));
    }
    return finish(s);
}

static brn_status param_grad(void *context)
{
    subject *s = context;
    for (int r = 0, t = 0; r < s->rows; r += s->tile, ++t) {
        const int rows = s->rows - r < s->tile ? s->rows - r : s->tile;
        BRN_TRY(brn_pot_param_grad(s->q, &s->f, &s->work, rows, 1, tile_of(s, t, 0, s->n), tile_of(s, t, 2 * s->n, 1), s->grad));
    }
    return finish(s);
}

/* The layer 2b -> 2b alone, over and over on one tile. */
static brn_status each_tile(subject *s, brn_status (*op)(subject *, int rows))
{
    for (int r = 0; r < s->rows; r += s->tile) BRN_TRY(op(s, s->rows - r < s->tile ? s->rows - r : s->tile));
    return finish(s);
}

static brn_status one_forward(subject *s, int rows)
{
    const brn_tape *t = &s->work.tape[0];
    const brn_dense w = brn_net_dense(&s->f.part[0], 1);
    return brn_dense_forward(s->q, &w, rows, BRN_ACT_ELU, 1, t->in[1], (brn_mat){0}, t->in[2], t->q[1]);
}

static brn_status one_backward(subject *s, int rows)
{
    const brn_tape *t = &s->work.tape[0];
    const brn_dense w = brn_net_dense(&s->f.part[0], 1);
    return brn_dense_backward(s->q, &w, rows, t->a[1], t->q[0], t->a[0], false);
}

static brn_status one_grad(subject *s, int rows)
{
    const brn_tape *t = &s->work.tape[0];
    const brn_dense w = brn_net_dense(&s->f.part[0], 1);
    return brn_dense_grad(s->q, &w, rows, t->in[1], t->a[1], s->grad, true);
}

static brn_status forward_layers(void *s) { return each_tile(s, one_forward); }
static brn_status backward_layers(void *s) { return each_tile(s, one_backward); }
static brn_status grad_layers(void *s) { return each_tile(s, one_grad); }

/* ---- what the BLAS reaches ------------------------------------------------------------------- */

typedef struct {
    const brn_net_shape *shape;
    float *weights, *x, *y;
    int columns;
} blas_subject;

static brn_status blas_products(void *context)
{
    const blas_subject *s = context;
    const int c = s->columns;
    for (int l = 0; l < s->shape->layers; ++l) {
        const int in = s->shape->layer[l].in + s->shape->layer[l].skip, out = s->shape->layer[l].out;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, out, c, in, 1, s->weights, out, s->x, c, 0, s->y, c);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, in, c, out, 1, s->weights, out, s->x, c, 0, s->y, c);
    }
    return BRN_OK;
}

static double weights_of(const brn_net_shape *shape)
{
    double count = 0;
    for (int l = 0; l < shape->layers; ++l)
        count += (double)(shape->layer[l].in + shape->layer[l].skip) * shape->layer[l].out;
    return count;
}

/* Best GFLOP/s over the numbers of columns; each is printed. */
static brn_status blas_rate(const brn_net_shape *shape, double seconds, double *best)
{
    static const int columns[] = {64, 256, 1024};
    blas_subject s = {.shape = shape};
    size_t widest = 1024;
    for (int l = 0; l < shape->layers; ++l)
        if ((size_t)shape->layer[l].out > widest) widest = (size_t)shape->layer[l].out;
    const size_t count = widest * widest; /* holds a weight matrix, and 1024 columns of a layer */
    BRN_TRY(BRN_ALLOC(&s.weights, count, "matrix"));
    BRN_TRY(BRN_ALLOC(&s.x, count, "matrix"));
    BRN_TRY(BRN_ALLOC(&s.y, count, "matrix"));
    for (size_t i = 0; i < count; ++i) s.weights[i] = s.x[i] = 1.0f / (float)(1 + i % 97);
    openblas_set_num_threads(1);
    *best = 0;
    for (int i = 0; i < 3; ++i) {
        timing t;
        s.columns = columns[i];
        BRN_TRY(measure(blas_products, &s, seconds, &t));
        const double rate = 4e-3 * weights_of(shape) * columns[i] / t.median;
        printf("sgemm_%-13d %4d %5d %10.1f %9.1f %9.1f %9.1f\n", columns[i], shape->n, columns[i], t.median, t.p10, t.p90, rate);
        if (rate > *best) *best = rate;
    }
    free(s.weights), free(s.x), free(s.y);
    return BRN_OK;
}

/* ---- table ----------------------------------------------------------------------------------- */

static brn_status line(const char *name, subject *s, work_fn work, double flops_per_row, double blas, double seconds)
{
    timing t;
    BRN_TRY(measure(work, s, seconds, &t));
    const double rate = 1e-3 * flops_per_row * s->rows / t.median;
    printf("%-19s %4d %5d %10.1f %9.1f %9.1f %9.1f %6.2f\n", name, s->n, s->rows, t.median, t.p10, t.p90, rate, rate / blas);
    fflush(stdout);
    return BRN_OK;
}

static brn_status bench_shape(brn_device *dev, const options *o, int n, int rows)
{
    subject s;
    double blas;
    BRN_TRY(make_subject(&s, dev, n, rows));
    const brn_net_shape *shape = &s.f.part[0].shape;
    const double weights = weights_of(shape), one = 2.0 * shape->layer[1].in * shape->layer[1].out;
    BRN_TRY(blas_rate(shape, o->seconds / 3, &blas));
    BRN_TRY(line("value+gradient", &s, value_grad, 4 * weights, blas, o->seconds));
    BRN_TRY(line("parameter_gradient", &s, param_grad, 6 * weights, blas, o->seconds));
    BRN_TRY(line("dense_forward", &s, forward_layers, one, blas, o->seconds));
    BRN_TRY(line("dense_backward", &s, backward_layers, one, blas, o->seconds));
    BRN_TRY(line("dense_grad", &s, grad_layers, one, blas, o->seconds));
    free_subject(&s);
    return BRN_OK;
}

static brn_status bench(const options *o)
{
    brn_device *dev;
    BRN_TRY(brn_device_open(&dev, o->device, 1));
    FILE *file = fopen(o->shapes, "r");
    if (!file) return brn_fail(BRN_ERR_INPUT, "%s: %s", o->shapes, strerror(errno));
    printf("device %s, one thread\n", brn_device_name(dev));
    printf("%-19s %4s %5s %10s %9s %9s %9s %6s\n", "op", "n", "rows", "median_us", "p10", "p90", "GFLOP/s", "share");
    char text[256];
    brn_status status = BRN_OK;
    while (status == BRN_OK && fgets(text, sizeof text, file)) {
        int n, rows;
        if (sscanf(text, "%d %d", &n, &rows) == 2) status = bench_shape(dev, o, n, rows);
    }
    fclose(file);
    brn_device_close(dev);
    return status;
}

int main(int argc, char **argv)
{
    options o = {"host", BRN_SOURCE_DIR "/bench/shapes.txt", 0.6};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--device")) o.device = argv[i + 1];
        else if (!strcmp(argv[i], "--seconds")) o.seconds = atof(argv[i + 1]);
        else if (!strcmp(argv[i], "--shapes")) o.shapes = argv[i + 1];
    }
    if (bench(&o) == BRN_OK) return 0;
    fprintf(stderr, "brenier-bench-ops: %s\n", brn_last_error());
    return 1;
}
