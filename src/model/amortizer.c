#include "model/amortizer.h"

brn_status brn_amortizer_shape(brn_net_shape *shape, const brn_settings *s, int n)
{
    const float c = brn_shape_constant(s->amortizer.activation, s->amortizer.slope, s->amortizer.alpha);
    if (s->amortizer.kind == BRN_AMORTIZER_RESIDUAL)
        return brn_shape_residual(shape, n, &s->amortizer.hidden, s->amortizer.activation, c);
    return brn_shape_potential(shape, s, n, &s->amortizer.hidden, s->amortizer.activation, c, s->amortizer.convexity);
}

brn_status brn_amortizer_create(brn_amortizer *h, brn_device *dev, const brn_settings *s, int n)
{
    *h = (brn_amortizer){.kind = s->amortizer.kind};
    if (h->kind == BRN_AMORTIZER_NONE) return BRN_OK;
    brn_net_shape shape;
    BRN_TRY(brn_amortizer_shape(&shape, s, n));
    if (h->kind == BRN_AMORTIZER_RESIDUAL) return brn_net_create(&h->net, dev, &shape);
    h->g = (brn_pot){.parts = 1, .scale = 1};
    return brn_net_create(&h->g.part[0], dev, &shape);
}

void brn_amortizer_free(brn_amortizer *h)
{
    if (h->kind == BRN_AMORTIZER_RESIDUAL) brn_net_free(&h->net);
    if (h->kind == BRN_AMORTIZER_GRADIENT) brn_pot_free(&h->g);
    *h = (brn_amortizer){0};
}

brn_net *brn_amortizer_net(brn_amortizer *h)
{
    return h->kind == BRN_AMORTIZER_RESIDUAL ? &h->net : h->kind == BRN_AMORTIZER_GRADIENT ? &h->g.part[0] : NULL;
}

brn_status brn_amortizer_work_create(brn_amortizer_work *w, const brn_amortizer *h, int lanes)
{
    *w = (brn_amortizer_work){0};
    if (h->kind == BRN_AMORTIZER_NONE) return BRN_OK;
    const brn_net *net = h->kind == BRN_AMORTIZER_RESIDUAL ? &h->net : &h->g.part[0];
    const int n = net->shape.n;
    brn_status status = brn_buf_create(&w->memory, net->dev, BRN_REAL, (size_t)(n + 1) * (size_t)lanes, "amortizer scratch");
    if (status == BRN_OK && h->kind == BRN_AMORTIZER_RESIDUAL)
        status = brn_tape_create(&w->tape, net->dev, &net->shape, lanes, BRN_TAPE_FIRST);
    if (status == BRN_OK && h->kind == BRN_AMORTIZER_GRADIENT) status = brn_pot_work_create(&w->g, &h->g, lanes, BRN_TAPE_SECOND);
    if (status != BRN_OK) {
        brn_amortizer_work_free(w);
        return status;
    }
    const brn_mat all = {w->memory, 0, n + 1, lanes};
    w->out = brn_mat_features(all, 0, n);
    w->value = brn_mat_features(all, n, 1);
    return BRN_OK;
}

void brn_amortizer_work_free(brn_amortizer_work *w)
{
    brn_tape_free(&w->tape);
    brn_pot_work_free(&w->g);
    brn_buf_free(w->memory);
    *w = (brn_amortizer_work){0};
}

brn_status brn_amortizer_forward(brn_queue *q, const brn_amortizer *h, brn_amortizer_work *w, int rows, brn_mat y, brn_mat x)
{
    if (h->kind == BRN_AMORTIZER_NONE) return brn_mat_copy(q, rows, y, x);
    if (h->kind == BRN_AMORTIZER_GRADIENT) return brn_pot_value_grad(q, &h->g, &w->g, rows, y, w->value, x);
    if (brn_small_wanted(&w->tape.small, rows)) return brn_small_forward(q, &h->net, &w->tape, rows, y, x, true, true);
    BRN_TRY(brn_tape_forward(q, &h->net, &w->tape, rows, y, x, true));
    return brn_mat_axpby(q, rows, 1, y, 1, x);
}

brn_status brn_amortizer_reverse(brn_queue *q, const brn_amortizer *h, brn_amortizer_work *w, int rows, brn_mat y,
                                 brn_mat adjoint, brn_buf *grad, brn_mat y_adjoint)
{
    if (h->kind == BRN_AMORTIZER_NONE) return BRN_OK;
    if (h->kind == BRN_AMORTIZER_GRADIENT) /* d <a, grad g(y)>: mixed second order; its y part is a Hessian product */
        return brn_pot_mixed(q, &h->g, &w->g, rows, 1, y, adjoint, grad, y_adjoint);
    const brn_mat keep = w->out;
    if (y_adjoint.buf) BRN_TRY(brn_mat_copy(q, rows, adjoint, keep));
    BRN_TRY(brn_tape_reverse(q, &h->net, &w->tape, rows, y, adjoint, grad, y_adjoint));
    return y_adjoint.buf ? brn_mat_axpby(q, rows, 1, keep, 1, y_adjoint) : BRN_OK;
}
