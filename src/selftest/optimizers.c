#include "selftest/wholes.h"
#include "core/memory.h"
#include "training/optimizer_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static brn_optimizer_settings settings_of(brn_optimizer_kind kind)
{
    return (brn_optimizer_settings){.kind = kind, .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .weight_decay = 1e-2,
                                    .epsilon = 1e-8, .matrix_lr = 2e-2, .momentum = 0.95,
                                    .factor_beta = 0.95, .refresh = 2, .clip = 0.5};
}

/* A network, its optimizer, its gradient on one device. */
typedef struct {
    brn_net net;
    brn_optimizer *opt;
    brn_buf *grad;
    float *host;
} bed;

static void close_bed(bed *b)
{
    brn_optimizer_free(b->opt);
    brn_buf_free(b->grad);
    brn_net_free(&b->net);
    free(b->host);
}

/* SOAP from the midst of a training, where the eigenvalues of its factors are distinct: in the first steps the factors
 * are singular, the bases of their null spaces are arbitrary, and so are the steps. */
static brn_status settle(brn_optimizer *opt)
{
    brn_queue *q = brn_device_queue(opt->dev, 0);
    brn_optimizer_set_steps(opt, 10);
    /* the mean norm of earlier gradients: these ones are shortened */
    BRN_TRY(brn_write_f32(q, (brn_view){opt->clip, 0}, (float[]){(float)sqrt((double)opt->size), 1}, 2));
    for (int i = -1; i < opt->factors; ++i) {
        brn_buf *buf = i < 0 ? opt->v : opt->factor[i].mean;
        const size_t n = i < 0 ? brn_buf_count(buf) : (size_t)opt->factor[i].size, rows = i < 0 ? 1 : n;
        float *values;
        BRN_TRY(BRN_ALLOC(&values, n * rows, "optimizer"));
        for (size_t k = 0; k < n * rows; ++k) values[k] = i < 0 ? 0.5f : k / n == k % n ? (float)(1 + k % n) : 0.1f;
        const brn_status status = brn_write_f32(q, (brn_view){buf, 0}, values, n * rows);
        free(values);
        BRN_TRY(status);
    }
    return BRN_OK;
}

static brn_status open_bed(bed *b, brn_device *dev, const brn_net_shape *shape, brn_optimizer_kind kind)
{
    const brn_optimizer_settings set = settings_of(kind);
    *b = (bed){0};
    BRN_TRY(brn_net_create(&b->net, dev, shape));
    BRN_TRY(brn_optimizer_create(&b->opt, dev, shape, &set));
    if (kind == BRN_OPT_SOAP) BRN_TRY(settle(b->opt));
    BRN_TRY(brn_buf_create(&b->grad, dev, BRN_REAL, shape->size, "gradient"));
    return BRN_ALLOC(&b->host, shape->size, "gradient");
}

/* Gradient number k: normal numbers in the tensors, zeros between them. */
static brn_status step(bed *b, int k)
{
    const brn_net_shape *shape = &b->net.shape;
    brn_rng rng = brn_rng_start(17, (uint32_t)k);
    for (int t = 0; t < shape->tensors; ++t) {
        const brn_tensor *x = &shape->tensor[t];
        for (size_t i = 0; i < (size_t)x->rows * (size_t)(x->cols ? x->cols : 1); ++i) b->host[x->at + i] = (float)brn_rng_normal(&rng);
    }
    BRN_TRY(brn_write_f32(brn_device_queue(b->net.dev, 0), (brn_view){b->grad, 0}, b->host, shape->size));
    return brn_optimizer_step(b->opt, &b->net, b->grad, 1.0 / (1 + k));
}

static brn_status read(const bed *b, double *theta)
{
    return brn_read_f64(brn_device_queue(b->net.dev, 0), (brn_view){b->net.theta, 0}, theta, b->net.shape.size);
}

/* Inner lengths of the products behind one number of the step. */
static int inner(const brn_net_shape *shape, brn_optimizer_kind kind)
{
    int most = 0;
    for (int l = 0; l < shape->layers; ++l) {
        const int sum = shape->layer[l].in + shape->layer[l].skip + shape->layer[l].out;
        if (sum > most) most = sum;
    }
    if (kind == BRN_OPT_ADAMW) return 1;
    return kind == BRN_OPT_MUON ? 2 * 5 * most : 3 * most; /* five iterations; factor, rotation, back */
}

static brn_status check_shape(brn_device *dev, brn_device *oracle, const brn_net_shape *shape, brn_optimizer_kind kind, brn_parity *parity)
{
    enum { STEPS = 5 };
    bed on = {0}, by = {0};
    double *found = NULL, *expected = NULL;
    brn_status status;
    BRN_GO(open_bed(&on, dev, shape, kind));
    BRN_GO(open_bed(&by, oracle, shape, kind));
    BRN_GO(BRN_ALLOC(&found, shape->size, "parameters"));
    BRN_GO(BRN_ALLOC(&expected, shape->size, "parameters"));
    for (int k = 1; k <= STEPS; ++k) {
        BRN_GO(step(&on, k));
        BRN_GO(step(&by, k));
        BRN_GO(read(&on, found));
        BRN_GO(read(&by, expected));
        const double share = brn_parity_share(found, expected, shape->size, k * inner(shape, kind), 0);
        ++parity->cases;
        if (share > parity->share) snprintf(parity->worst, sizeof parity->worst, "width %d, step %d", shape->layer[0].out, k);
        if (share > parity->share) parity->share = share;
    }
done:
    close_bed(&on), close_bed(&by);
    free(found), free(expected);
    return status;
}

brn_status brn_optimizer_check(brn_device *dev, brn_device *oracle, brn_optimizer_kind kind, brn_parity *parity)
{
    static const int widths[] = {1, 2, 3, 31, 33};
    *parity = (brn_parity){0};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; ++i) {
        brn_net_shape shape;
        BRN_TRY(brn_shape_residual(&shape, 5, &(brn_widths){2, {widths[i], 13}}, BRN_ACT_ELU, 1));
        BRN_TRY(check_shape(dev, oracle, &shape, kind, parity));
    }
    return BRN_OK;
}

static brn_status run(void *context) { return step(context, 1); }

static brn_status wait(void *context)
{
    bed *b = context;
    float one;
    return brn_read_f32(brn_device_queue(b->net.dev, 0), (brn_view){b->net.theta, 0}, &one, 1);
}

brn_status brn_optimizer_time(brn_device *dev, brn_optimizer_kind kind, brn_rate *rate)
{
    bed b = {0};
    brn_net_shape shape;
    brn_status status;
    BRN_TRY(brn_shape_residual(&shape, 64, &(brn_widths){2, {128, 128}}, BRN_ACT_ELU, 1));
    BRN_GO(open_bed(&b, dev, &shape, kind));
    BRN_GO(brn_time_calls(&(brn_timed){.q = brn_device_queue(dev, 0), .run = run, .wait = wait}, &b, rate));
    rate->flops = 0; /* depends on the step */
    rate->bytes = 0;
done:
    close_bed(&b);
    return status;
}
