#include "selftest/subject.h"
#include "core/memory.h"
#include "core/philox.h"

#include <math.h>
#include <stdlib.h>

const char *const brn_network_names[BRN_NETWORK_KINDS] = {
    "mlp", "mlp, last activation", "icnn with actnorm", "icnn", "quadratic icnn", "residual", "convolutional",
};

static brn_status conv_shape(brn_net_shape *shape, int n, const brn_widths *channels, int kind, float c)
{
    int side = 1;
    for (int s = 2; s * s <= n; ++s)
        if (n % (s * s) == 0) side = s;
    return brn_shape_conv(shape, (const int[]){n / (side * side), side, side}, channels, kind, c, true);
}

brn_status brn_network_shape(brn_net_shape *shape, brn_network_kind network, int n, const brn_widths *hidden, int kind, float c)
{
    switch (network) {
    case BRN_NETWORK_MLP: return brn_shape_mlp(shape, n, hidden, kind, c, false);
    case BRN_NETWORK_MLP_LAST: return brn_shape_mlp(shape, n, hidden, kind, c, true);
    case BRN_NETWORK_ICNN: return brn_shape_icnn(shape, n, hidden, kind, c, true, true);
    case BRN_NETWORK_ICNN_PLAIN: return brn_shape_icnn(shape, n, hidden, kind, c, false, false);
    case BRN_NETWORK_QUADRATIC: return brn_shape_quadratic_icnn(shape, n, (const int[]){hidden->width[0], hidden->width[1], hidden->width[0]});
    case BRN_NETWORK_CONV: return conv_shape(shape, n, hidden, kind, c);
    default: return brn_shape_residual(shape, n, hidden, kind, c);
    }
}

static bool vector_valued(const brn_subject *s) { return s->network == BRN_NETWORK_RESIDUAL; }
static brn_net *net_of(brn_subject *s) { return &s->f.part[0]; }

/* Weights of variance 1 / fan-in; biases, scales and log_alpha small but not zero. */
static brn_status draw_theta(brn_subject *s, const brn_net_shape *shape, uint64_t seed)
{
    brn_rng rng = brn_rng_start(seed, 1);
    double *theta;
    BRN_TRY(BRN_ALLOC(&theta, shape->size, "parameters"));
    for (int t = 0; t < shape->tensors; ++t) {
        const brn_tensor *tensor = &shape->tensor[t];
        const int count = tensor->rows * (tensor->cols ? tensor->cols : 1);
        const double scale = tensor->cols ? 1 / sqrt(tensor->rows) : 0.3;
        for (int i = 0; i < count; ++i) theta[tensor->at + (size_t)i] = (float)(scale * brn_rng_normal(&rng));
    }
    const brn_status status = brn_subject_set_theta(s, theta);
    free(theta);
    return status;
}

static brn_status draw(brn_subject *s, brn_mat m, uint64_t seed, uint32_t stream)
{
    brn_rng rng = brn_rng_start(seed, stream);
    const size_t count = (size_t)m.feats * (size_t)m.ld;
    double *a;
    BRN_TRY(BRN_ALLOC(&a, count, "samples"));
    for (size_t i = 0; i < count; ++i) a[i] = (float)brn_rng_normal(&rng);
    const brn_status status = brn_subject_write(s, m, a);
    free(a);
    return status;
}

brn_status brn_subject_open(brn_subject *s, brn_device *dev, const brn_net_shape *shape, brn_network_kind network, int rows, uint64_t seed)
{
    *s = (brn_subject){.q = brn_device_queue(dev, 0), .network = network, .n = shape->n, .rows = rows, .size = shape->size,
                        .f = {.parts = 1, .scale = 1}};
    BRN_TRY(brn_net_create(net_of(s), dev, shape));
    const int lanes = (rows + 63) / 64 * 64, n = shape->n;
    if (vector_valued(s)) BRN_TRY(brn_tape_create(&s->work.tape[0], dev, shape, lanes, BRN_TAPE_SECOND));
    else BRN_TRY(brn_pot_work_create(&s->work, &s->f, lanes, BRN_TAPE_SECOND));
    BRN_TRY(brn_buf_create(&s->memory, dev, BRN_REAL, (size_t)(8 * n + 1) * (size_t)rows, "samples"));
    BRN_TRY(brn_buf_create(&s->gradient, dev, BRN_REAL, shape->size, "gradient"));
    const brn_mat all = {s->memory, 0, 8 * n + 1, rows};
    s->x = brn_mat_features(all, 0, n), s->v = brn_mat_features(all, n, n), s->w = brn_mat_features(all, 2 * n, n);
    s->grad = brn_mat_features(all, 3 * n, n), s->hv = brn_mat_features(all, 4 * n, n), s->value = brn_mat_features(all, 8 * n, 1);
    BRN_TRY(draw_theta(s, shape, seed));
    BRN_TRY(draw(s, s->x, seed, 2));
    BRN_TRY(draw(s, s->v, seed, 3));
    return draw(s, s->w, seed, 4);
}

void brn_subject_close(brn_subject *s)
{
    brn_pot_work_free(&s->work);
    brn_pot_free(&s->f);
    brn_buf_free(s->memory);
    brn_buf_free(s->gradient);
}

brn_status brn_subject_theta(brn_subject *s, double *theta) 
{
    return brn_read_f64(s->q, (brn_view){net_of(s)->theta, 0}, theta, s->size);
}

brn_status brn_subject_set_theta(brn_subject *s, const double *theta)
{
    BRN_TRY(brn_write_f64(s->q, (brn_view){net_of(s)->theta, 0}, theta, s->size));
    return brn_net_prepare(net_of(s), s->q);
}

brn_status brn_subject_read(brn_subject *s, brn_mat m, double *to)
{
    return brn_read_f64(s->q, brn_mat_view(m), to, (size_t)m.feats * (size_t)m.ld);
}

brn_status brn_subject_write(brn_subject *s, brn_mat m, const double *from)
{
    return brn_write_f64(s->q, brn_mat_view(m), from, (size_t)m.feats * (size_t)m.ld);
}

/* Outputs and seeds of a vector-valued network stand behind hv. */
static brn_mat extra(const brn_subject *s, int i) { return (brn_mat){s->memory, s->hv.off + (size_t)((i + 1) * s->n * s->rows), s->n, s->rows}; }

brn_status brn_subject_value_grad(brn_subject *s, int rows)
{
    if (!vector_valued(s)) return brn_pot_value_grad(s->q, &s->f, &s->work, rows, s->x, s->value, s->grad);
    const brn_mat out = extra(s, 0), seed = extra(s, 1);
    BRN_TRY(brn_tape_forward(s->q, net_of(s), &s->work.tape[0], rows, s->x, out, true));
    BRN_TRY(BRN_LAUNCH(s->q, row_dot, rows, s->n, (.ldx = out.ld, .ldy = s->w.ld, .s = 1), brn_mat_view(out), brn_mat_view(s->w),
                    brn_mat_view(s->value)));
    BRN_TRY(brn_mat_copy(s->q, rows, s->w, seed));
    return brn_tape_reverse(s->q, net_of(s), &s->work.tape[0], rows, s->x, seed, NULL, s->grad);
}

static brn_status clear_gradient(brn_subject *s) { return brn_zero(s->q, (brn_view){s->gradient, 0}, s->size); }

static brn_status read_gradient(brn_subject *s, double *theta_grad)
{
    BRN_TRY(brn_net_pullback(net_of(s), s->gradient));
    return brn_read_f64(s->q, (brn_view){s->gradient, 0}, theta_grad, s->size);
}

brn_status brn_subject_param_grad(brn_subject *s, int rows, double *theta_grad)
{
    BRN_TRY(clear_gradient(s));
    if (vector_valued(s)) {
        const brn_mat out = extra(s, 0), seed = extra(s, 1);
        BRN_TRY(brn_tape_forward(s->q, net_of(s), &s->work.tape[0], rows, s->x, out, true));
        BRN_TRY(brn_mat_copy(s->q, rows, s->w, seed));
        BRN_TRY(brn_tape_reverse(s->q, net_of(s), &s->work.tape[0], rows, s->x, seed, s->gradient, (brn_mat){0}));
    } else {
        BRN_TRY(brn_pot_param_grad(s->q, &s->f, &s->work, rows, 1, s->x, s->value, s->gradient));
    }
    return read_gradient(s, theta_grad);
}

brn_status brn_subject_mixed(brn_subject *s, int rows, double *theta_grad)
{
    BRN_TRY(clear_gradient(s));
    if (vector_valued(s)) {
        const brn_mat out = extra(s, 0), out_t = extra(s, 1), seed = extra(s, 2);
        brn_tape *tape = &s->work.tape[0];
        BRN_TRY(brn_tape_forward_dual(s->q, net_of(s), tape, rows, s->x, s->v, out, out_t));
        BRN_TRY(brn_mat_fill(s->q, rows, 0, seed));
        BRN_TRY(brn_mat_copy(s->q, rows, s->w, out_t));
        BRN_TRY(brn_tape_reverse_dual(s->q, net_of(s), tape, rows, s->x, s->v, seed, out_t, s->gradient, s->hv, (brn_mat){0}));
    } else {
        BRN_TRY(brn_pot_mixed(s->q, &s->f, &s->work, rows, 1, s->x, s->v, s->gradient, s->hv));
    }
    return read_gradient(s, theta_grad);
}
