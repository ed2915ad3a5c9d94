#include "optimizer_bed.h"
#include "core/philox.h"

#include <brenier/device.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const brn_optimizer_settings bed_settings[] = {
    {.kind = BRN_OPT_ADAMW, .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .weight_decay = 1e-2, .epsilon = 1e-8},
    {.kind = BRN_OPT_MUON, .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .weight_decay = 1e-2, .epsilon = 1e-8, .matrix_lr = 2e-2, .momentum = 0.95},
    {.kind = BRN_OPT_SOAP, .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .weight_decay = 1e-2, .epsilon = 1e-8, .factor_beta = 0.95, .refresh = 4},
};

void bed_open(bed *b, const char *device, int threads, const brn_net_shape *shape, const brn_optimizer_settings *set)
{
    MUST(brn_device_open(&b->dev, device, threads));
    MUST(brn_net_create(&b->net, b->dev, shape));
    MUST(brn_net_init(&b->net, 5, 0, false));
    MUST(brn_optimizer_create(&b->opt, b->dev, shape, set));
    b->size = shape->size;
    MUST(brn_buf_create(&b->grad, b->dev, BRN_REAL, b->size, "gradient"));
    b->values = calloc(b->size, sizeof *b->values);
}

void bed_close(bed *b)
{
    free(b->values);
    brn_optimizer_free(b->opt);
    brn_buf_free(b->grad);
    brn_net_free(&b->net);
    brn_device_close(b->dev);
}

brn_queue *bed_queue(const bed *b) { return brn_device_queue(b->dev, 0); }

void bed_step(bed *b, const double *grad, double rate)
{
    MUST(brn_write_f64(bed_queue(b), (brn_view){b->grad, 0}, grad, b->size));
    MUST(brn_optimizer_step(b->opt, &b->net, b->grad, rate));
}

const double *bed_theta(bed *b)
{
    MUST(brn_read_f64(bed_queue(b), (brn_view){b->net.theta, 0}, b->values, b->size));
    return b->values;
}

void bed_gradient(const brn_net_shape *shape, int k, double *grad)
{
    brn_rng rng = brn_rng_start(17, (uint32_t)k);
    memset(grad, 0, shape->size * sizeof *grad);
    for (int t = 0; t < shape->tensors; ++t) {
        const brn_tensor *x = &shape->tensor[t];
        for (size_t i = 0; i < (size_t)x->rows * (size_t)(x->cols ? x->cols : 1); ++i)
            grad[x->at + i] = (float)(brn_rng_normal(&rng) * (t + 1));
    }
}

void bed_shape(brn_net_shape *shape)
{
    const brn_widths hidden = {2, {13, 9}};
    MUST(brn_shape_icnn(shape, 5, &hidden, BRN_ACT_SILU, 0, false, true));
}

double bed_difference(const double *a, const double *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; ++i) most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

bool bed_at_hand(const char *device)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, device, 1));
    const bool is = brn_device_at_hand(dev);
    brn_device_close(dev);
    return is;
}
