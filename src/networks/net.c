/* Parameters of a network: memory, start values, and the step from parameters to used weights. */
#include "networks/net.h"
#include "core/memory.h"
#include "core/philox.h"

#include <math.h>
#include <stdlib.h>

brn_status brn_net_create(brn_net *net, brn_device *dev, const brn_net_shape *shape)
{
    *net = (brn_net){.shape = *shape, .dev = dev};
    brn_status status = brn_buf_create(&net->theta, dev, BRN_REAL, shape->size, "parameters");
    net->used = net->theta;
    if (status == BRN_OK && shape->derived) {
        net->used = NULL;
        status = brn_buf_create(&net->used, dev, BRN_REAL, shape->size, "derived weights");
        if (status == BRN_OK) status = brn_zero(brn_device_queue(dev, 0), (brn_view){net->used, 0}, shape->size);
    }
    if (status == BRN_OK) status = brn_zero(brn_device_queue(dev, 0), (brn_view){net->theta, 0}, shape->size);
    if (status != BRN_OK) brn_net_free(net);
    return status;
}

void brn_net_free(brn_net *net)
{
    if (net->used != net->theta) brn_buf_free(net->used);
    brn_buf_free(net->theta);
    net->theta = net->used = NULL;
}

/* A positive weight cannot start at zero and still learn: softplus(-4) = 0.018 and so is its slope. */
static const float NEARLY_NO_WEIGHT = -4.0f;

/* Standard normal cut off at two deviations, rescaled to variance 1. */
static double truncated_normal(brn_rng *rng)
{
    for (;;) {
        const double x = brn_rng_normal(rng);
        if (fabs(x) <= 2.0) return x / 0.87962566103423978;
    }
}

brn_status brn_net_init(brn_net *net, uint64_t seed, uint32_t stream, bool identity)
{
    const brn_net_shape *s = &net->shape;
    float *theta;
    BRN_TRY(BRN_ALLOC(&theta, s->size, "start values"));
    for (int l = 0; l < s->layers; ++l) {
        const brn_layer *layer = &s->layer[l];
        brn_rng rng = brn_rng_start(seed, stream + (uint32_t)l);
        const int rows = brn_layer_rows(layer), out = brn_layer_cols(layer);
        for (int i = 0; i < rows; ++i) {
            /* each of the two blocks is a linear map of its own, with its own fan-in */
            const double deviation = 1.0 / sqrt(layer->conv.kernel ? rows : i < layer->in ? layer->in : layer->skip);
            for (int o = 0; o < out; ++o)
                theta[layer->weight + (size_t)i * (size_t)out + (size_t)o] = (float)(deviation * truncated_normal(&rng));
        }
        for (int i = 0; identity && l == s->layers - 1 && i < rows * out; ++i)
            theta[layer->weight + (size_t)i] = layer->positive && i < layer->in * layer->out ? NEARLY_NO_WEIGHT : 0.0f;
    }
    brn_status status = brn_write_f32(brn_device_queue(net->dev, 0), (brn_view){net->theta, 0}, theta, s->size);
    free(theta);
    if (status != BRN_OK) return status;
    return brn_net_prepare(net, brn_device_queue(net->dev, 0));
}

static brn_status prepare_layer(void *context, brn_queue *q, int l)
{
    const brn_net *net = context;
    const brn_layer *w = &net->shape.layer[l];
    return BRN_LAUNCH(q, icnn_prepare, w->out, 1, (.at = (int)w->weight, .inputs = w->in, .skip = w->skip, .norm = (int)w->norm, .positive = w->positive),
                      {net->theta, 0}, {net->used, 0});
}

brn_status brn_net_prepare(brn_net *net, brn_queue *q)
{
    const brn_net_shape *s = &net->shape;
    if (!s->derived) return BRN_OK;
    BRN_TRY(brn_parallel(net->dev, s->layers, prepare_layer, net));
    return brn_copy(q, (brn_view){net->used, (size_t)s->log_alpha}, (brn_view){net->theta, (size_t)s->log_alpha}, 1);
}

typedef struct {
    const brn_net *net;
    brn_buf *grad;
} pullback_job;

static brn_status pull_layer_back(void *context, brn_queue *q, int l)
{
    const pullback_job *job = context;
    const brn_layer *w = &job->net->shape.layer[l];
    return BRN_LAUNCH(q, icnn_pullback, w->out, 1, (.at = (int)w->weight, .inputs = w->in, .skip = w->skip, .norm = (int)w->norm, .positive = w->positive),
                      {job->net->theta, 0}, {job->net->used, 0}, {job->grad, 0});
}

brn_status brn_net_pullback(const brn_net *net, brn_buf *grad)
{
    return net->shape.derived ? brn_parallel(net->dev, net->shape.layers, pull_layer_back, &(pullback_job){net, grad}) : BRN_OK;
}

brn_dense brn_net_dense(const brn_net *net, int l)
{
    const brn_layer *w = &net->shape.layer[l];
    const int in = w->in + w->skip;
    return (brn_dense){net->used, w->weight, (ptrdiff_t)(w->weight + (size_t)in * (size_t)w->out), in, w->out};
}

brn_dense brn_net_dense_hidden(const brn_net *net, int l)
{
    const brn_layer *w = &net->shape.layer[l];
    return (brn_dense){net->used, w->weight, -1, w->in, w->out};
}

brn_dense brn_net_dense_skip(const brn_net *net, int l)
{
    const brn_layer *w = &net->shape.layer[l];
    return (brn_dense){net->used, w->weight + (size_t)w->in * (size_t)w->out, -1, w->skip, w->out};
}

brn_dense brn_net_dense_quad(const brn_net *net, int l)
{
    const brn_layer *w = &net->shape.layer[l];
    return (brn_dense){net->used, (size_t)w->quad, -1, net->shape.n, w->out};
}
