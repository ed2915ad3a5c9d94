#include "networks/conv_icnn.h"

static const float CELU[BRN_CONV_ICNN_LAYERS] = {0, 1, .2f, .2f};
static const brn_mat NONE = {0};

static int outputs(const brn_convolution *c) { return c->kernel.out * c->shape.out_height * c->shape.out_width; }

void brn_conv_icnn_lay_out(brn_conv_icnn_work *w, brn_carver *c, const brn_device *dev, const brn_conv_icnn *f)
{
    size_t columns = 0;
    w->dev = dev;
    for (int i = 0; i < BRN_CONV_ICNN_INPUTS; ++i) w->seen[i] = brn_carve(c, outputs(&f->input[i]));
    for (int i = 1; i < BRN_CONV_ICNN_LAYERS; ++i) {
        w->z[i] = brn_carve(c, outputs(&f->hidden[i - 1]));
        w->q[i] = brn_carve(c, outputs(&f->hidden[i - 1]));
    }
    w->seed = brn_carve(c, 1);
    for (int i = 0; i < BRN_CONV_ICNN_INPUTS + BRN_CONV_ICNN_LAYERS; ++i) {
        const brn_convolution *k = i < BRN_CONV_ICNN_INPUTS ? &f->input[i] : &f->hidden[i - BRN_CONV_ICNN_INPUTS];
        const size_t needed = brn_conv_scratch(dev, &k->shape, c->lanes);
        if (needed > columns) columns = needed;
    }
    w->columns = brn_carve(c, (int)columns);
}

/* Block r of what an input layer makes: Q_ir x, and with r = rank L_i x, later u_i. */
static brn_mat term(const brn_conv_icnn *f, const brn_conv_icnn_work *w, int i, int r)
{
    const int size = outputs(&f->input[i]) / (f->rank + 1);
    return brn_mat_features(w->seen[i], r * size, size);
}

static brn_status forward(brn_queue *q, const brn_conv_icnn_work *w, const brn_convolution *k, int rows, int layer, brn_mat x, brn_mat z, brn_mat slope)
{
    return brn_conv_forward(q, w->dev, k, w->columns, rows, false, layer ? BRN_ACT_CELU : BRN_ACT_NONE, layer ? CELU[layer] : 0, x, NONE, z, slope);
}

/* y = s a b + t y */
static brn_status multiply(brn_queue *q, int rows, float s, brn_mat a, brn_mat b, float t, brn_mat y)
{
    return BRN_LAUNCH(q, mul_add, rows, y.feats, (.lda = a.ld, .ldb = b.ld, .ldy = y.ld, .s = s, .t = t), brn_mat_view(a), brn_mat_view(b), brn_mat_view(y));
}

static brn_status look(brn_queue *q, const brn_conv_icnn *f, const brn_conv_icnn_work *w, int rows, int i, brn_mat x)
{
    BRN_TRY(forward(q, w, &f->input[i], rows, 0, x, w->seen[i], NONE));
    for (int r = 0; r < f->rank; ++r) BRN_TRY(multiply(q, rows, 1, term(f, w, i, r), term(f, w, i, r), 1, term(f, w, i, f->rank)));
    return BRN_OK;
}

/* x_adjoint (+)= [2 (Q_ir x) * d, d] through the input layer; d stands where u_i stood. */
static brn_status look_back(brn_queue *q, const brn_conv_icnn *f, const brn_conv_icnn_work *w, int rows, int i, brn_mat grad, bool accumulate)
{
    const brn_mat d = term(f, w, i, f->rank);
    for (int r = 0; r < f->rank; ++r) BRN_TRY(multiply(q, rows, 2, term(f, w, i, r), d, 0, term(f, w, i, r)));
    return brn_conv_backward(q, w->dev, &f->input[i], w->columns, rows, rows, w->seen[i], NONE, grad, accumulate);
}

/* y = A_i^T d, times the slopes of the layer that it reaches. */
static brn_status back(brn_queue *q, const brn_conv_icnn *f, const brn_conv_icnn_work *w, int rows, int i, brn_mat d, brn_mat y)
{
    return brn_conv_backward(q, w->dev, &f->hidden[i], w->columns, rows, y.ld, d, w->q[i], y, false);
}

brn_status brn_conv_icnn_gradient(brn_queue *q, const brn_conv_icnn *f, const brn_conv_icnn_work *w, int rows, float s, brn_mat x, brn_mat grad,
                                  bool accumulate)
{
    const brn_mat u0 = term(f, w, 0, f->rank), u1 = term(f, w, 1, f->rank);
    for (int i = 0; i < BRN_CONV_ICNN_INPUTS; ++i) BRN_TRY(look(q, f, w, rows, i, x));
    BRN_TRY(forward(q, w, &f->hidden[0], rows, 0, u0, w->z[1], NONE));
    BRN_TRY(brn_mat_axpby(q, rows, 1, w->z[1], 1, u1));
    BRN_TRY(brn_mat_activate(q, rows, BRN_ACT_CELU, CELU[1], u1, w->z[1], w->q[1]));
    BRN_TRY(forward(q, w, &f->hidden[1], rows, 2, w->z[1], w->z[2], w->q[2]));
    BRN_TRY(forward(q, w, &f->hidden[2], rows, 3, w->z[2], w->z[3], w->q[3]));
    BRN_TRY(brn_mat_fill(q, rows, s, w->seed)); /* the value itself is not needed */
    BRN_TRY(back(q, f, w, rows, 3, w->seed, w->z[3]));
    BRN_TRY(back(q, f, w, rows, 2, w->z[3], w->z[2]));
    BRN_TRY(back(q, f, w, rows, 1, w->z[2], w->z[1]));
    BRN_TRY(brn_mat_copy(q, rows, w->z[1], u1));
    BRN_TRY(back(q, f, w, rows, 0, w->z[1], u0));
    BRN_TRY(look_back(q, f, w, rows, 0, grad, accumulate));
    return look_back(q, f, w, rows, 1, grad, true);
}
