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

/* Weights that are to be non-negative themselves start so, and about as large as softplus(theta) / in. */
static bool starts_positive(const brn_layer *w) { return w->held == BRN_CONVEXITY_PROJECT || w->held == BRN_CONVEXITY_PENALTY; }

static float start_weight(const brn_layer *w, int i, brn_rng *rng)
{
    /* each of the two blocks is a linear map of its own, with its own fan-in */
    const double deviation = 1.0 / sqrt(w->conv.kernel ? brn_layer_rows(w) : i < w->in ? w->in : w->skip), x = truncated_normal(rng);
    return (float)(i < w->in && starts_positive(w) ? fabs(x) / w->in : deviation * x);
}

/* Start values of projected networks: hidden weights are normal numbers of variance 1 / in where those are positive, so that a
 * layer multiplies by 0.4 sqrt(in) what comes in, and the Hessian is about 2 s^2 o (1 + c_2 + c_2 c_1) = 1 for squared and
 * linear terms of deviation s. */
static double quadratic_deviation(const brn_net_shape *s)
{
    double sum = 0, gain = 1;
    for (int l = s->layers - 1; l >= 0; --l) {
        if (s->layer[l].quad >= 0) sum += gain;
        gain *= 0.4 * sqrt(s->layer[l].in);
    }
    return sqrt(1 / (2 * sum));
}

static void start_projected(const brn_net_shape *s, int l, brn_rng *rng, float *theta)
{
    const brn_layer *layer = &s->layer[l];
    const double deviation = quadratic_deviation(s);
    const int hidden = layer->in * layer->out, all = (layer->in + layer->skip) * layer->out;
    for (int i = 0; i < all; ++i) {
        const double x = truncated_normal(rng);
        theta[layer->weight + (size_t)i] = (float)(i < hidden ? fmax(x, 0) / sqrt(layer->in) : deviation * x);
    }
    for (int i = 0; layer->quad >= 0 && i < s->n * layer->out; ++i) theta[layer->quad + i] = (float)(deviation * truncated_normal(rng));
}

static void start_layer(const brn_net_shape *s, int l, bool zero, brn_rng *rng, float *theta)
{
    const brn_layer *layer = &s->layer[l];
    const int rows = brn_layer_rows(layer), out = brn_layer_cols(layer);
    for (int i = 0; i < rows; ++i)
        for (int o = 0; o < out; ++o) theta[layer->weight + (size_t)i * (size_t)out + (size_t)o] = start_weight(layer, i, rng);
    for (int i = 0; zero && i < rows * out; ++i)
        theta[layer->weight + (size_t)i] = layer->positive && i < layer->in * layer->out ? NEARLY_NO_WEIGHT : 0.0f;
}

brn_status brn_net_init(brn_net *net, uint64_t seed, uint32_t stream, bool identity)
{
    const brn_net_shape *s = &net->shape;
    float *theta;
    BRN_TRY(BRN_ALLOC(&theta, s->size, "start values"));
    for (int l = 0; l < s->layers; ++l) {
        brn_rng rng = brn_rng_start(seed, stream + (uint32_t)l);
        if (s->fixed_alpha > 0) start_projected(s, l, &rng, theta);
        else start_layer(s, l, identity && l == s->layers - 1, &rng, theta);
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

/* The hidden weights of layer l: y += s min(x, 0). */
static brn_status negative_part(brn_queue *q, const brn_layer *w, float s, brn_buf *x, brn_buf *y)
{
    return BRN_LAUNCH(q, negative_part, w->in * w->out, 1, (.s = s), {x, w->weight}, {y, w->weight});
}

/* Negative weights become zero where the shape asks for it. */
static brn_status project(brn_net *net, brn_queue *q)
{
    for (int l = 0; l < net->shape.layers; ++l)
        if (net->shape.layer[l].held == BRN_CONVEXITY_PROJECT) BRN_TRY(negative_part(q, &net->shape.layer[l], -1, net->theta, net->theta));
    return BRN_OK;
}

static brn_status fix_alpha(brn_net *net, brn_queue *q)
{
    const brn_net_shape *s = &net->shape;
    BRN_TRY(brn_copy(q, (brn_view){net->used, 0}, (brn_view){net->theta, 0}, s->size));
    return BRN_LAUNCH(q, fill, 1, 1, (.ld = 1, .s = (float)log(s->fixed_alpha)), {net->used, (size_t)s->log_alpha});
}

brn_status brn_net_prepare(brn_net *net, brn_queue *q)
{
    const brn_net_shape *s = &net->shape;
    BRN_TRY(project(net, q));
    if (!s->derived) return BRN_OK;
    if (s->fixed_alpha > 0) return fix_alpha(net, q);
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
    const brn_net_shape *s = &net->shape;
    if (s->fixed_alpha > 0) return brn_zero(brn_device_queue(net->dev, 0), (brn_view){grad, (size_t)s->log_alpha}, 1);
    return s->derived ? brn_parallel(net->dev, s->layers, pull_layer_back, &(pullback_job){net, grad}) : BRN_OK;
}

brn_status brn_net_penalise(const brn_net *net, brn_queue *q, float weight, brn_buf *grad)
{
    for (int l = 0; l < net->shape.layers; ++l)
        if (net->shape.layer[l].held == BRN_CONVEXITY_PENALTY) BRN_TRY(negative_part(q, &net->shape.layer[l], 2 * weight, net->theta, grad));
    return BRN_OK;
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
