#include "networks/linear.h"

/* ---- memory ---------------------------------------------------------------------------------- */

static void lay_out(brn_tape *t, brn_carver *c, const brn_device *dev, const brn_net_shape *s)
{
    const bool second = t->order == BRN_TAPE_SECOND;
    int widest_quad = 0;
    for (int l = 0; l < s->layers; ++l) {
        const brn_layer *w = &s->layer[l];
        if (l) t->in[l] = brn_carve(c, w->in + w->skip);
        if (w->kind != BRN_ACT_NONE) t->q[l] = brn_carve(c, w->out);
        if (second || w->quad >= 0) t->u[l] = brn_carve(c, w->out);
        if (w->quad >= 0) t->square[l] = brn_carve(c, w->out);
        if (w->quad >= 0 && w->out > widest_quad) widest_quad = w->out;
        t->a[l] = brn_carve(c, w->out);
        if (!second) continue;
        if (l) t->in_t[l] = brn_carve(c, w->in + w->skip);
        t->u_t[l] = brn_carve(c, w->out);
        t->a_t[l] = brn_carve(c, w->out);
        if (w->quad >= 0) t->square_t[l] = brn_carve(c, w->out);
    }
    if (widest_quad) t->quad_a = brn_carve(c, widest_quad);
    const size_t columns = brn_linear_scratch(dev, s, c->lanes);
    if (columns) t->columns = brn_carve(c, (int)columns);
}

brn_status brn_tape_create(brn_tape *tape, brn_device *dev, const brn_net_shape *shape, int lanes, brn_tape_order order)
{
    *tape = (brn_tape){.lanes = lanes, .order = order};
    brn_carver count = {.lanes = lanes};
    lay_out(tape, &count, dev, shape);
    BRN_TRY(brn_buf_create(&tape->memory, dev, BRN_REAL, count.used, "activations"));
    brn_carver hand_out = {.memory = tape->memory, .lanes = lanes};
    lay_out(tape, &hand_out, dev, shape);
    return brn_small_create(&tape->small, dev, shape, tape);
}

void brn_tape_free(brn_tape *tape)
{
    brn_small_free(&tape->small);
    brn_buf_free(tape->memory);
    *tape = (brn_tape){0};
}

/* ---- shorthands ------------------------------------------------------------------------------ */

brn_status brn_mat_axpby(brn_queue *q, int rows, float s, brn_mat x, float t, brn_mat y)
{
    return BRN_LAUNCH(q, axpby, rows, y.feats, (.ldx = x.ld, .ldy = y.ld, .s = s, .t = t), brn_mat_view(x), brn_mat_view(y));
}

brn_status brn_mat_copy(brn_queue *q, int rows, brn_mat x, brn_mat y) { return brn_mat_axpby(q, rows, 1, x, 0, y); }

brn_status brn_mat_mul(brn_queue *q, int rows, brn_mat a, brn_mat b, brn_mat y)
{
    return BRN_LAUNCH(q, mul, rows, y.feats, (.lda = a.ld, .ldb = b.ld, .ldy = y.ld), brn_mat_view(a), brn_mat_view(b), brn_mat_view(y));
}

/* y = s a * b + t y */
static brn_status mul_add(brn_queue *q, int rows, float s, brn_mat a, brn_mat b, float t, brn_mat y)
{
    return BRN_LAUNCH(q, mul_add, rows, y.feats, (.lda = a.ld, .ldb = b.ld, .ldy = y.ld, .s = s, .t = t), brn_mat_view(a),
                      brn_mat_view(b), brn_mat_view(y));
}

brn_status brn_mat_fill(brn_queue *q, int rows, float s, brn_mat y)
{
    return BRN_LAUNCH(q, fill, rows, y.feats, (.ld = y.ld, .s = s), brn_mat_view(y));
}

brn_status brn_mat_activate(brn_queue *q, int rows, int kind, float c, brn_mat u, brn_mat z, brn_mat slope)
{
    const brn_mat s = slope.buf ? slope : z;
    return BRN_LAUNCH(q, act_forward, rows, u.feats,
                      (.ldu = u.ld, .ldz = z.ld, .ldq = s.ld, .kind = kind, .c = c, .bias = -1, .slope = slope.buf != NULL),
                      brn_mat_view(u), brn_mat_view(u), brn_mat_view(z), brn_mat_view(s));
}

static const brn_mat NONE = {0};

/* ---- forward --------------------------------------------------------------------------------- */

/* Where layer l writes z: the upper part of the next layer's input, or the network's output. */
static brn_mat output_of(const brn_net_shape *s, const brn_tape *t, int l, brn_mat out)
{
    return l + 1 < s->layers ? brn_mat_features(t->in[l + 1], 0, s->layer[l].out) : out;
}

static brn_status copy_skip(brn_queue *q, const brn_layer *w, int rows, brn_mat from, brn_mat in)
{
    if (!w->in || !w->skip) return BRN_OK;
    return brn_mat_copy(q, rows, from, brn_mat_features(in, w->in, w->skip));
}

static brn_status forward_layer(brn_queue *q, const brn_net *net, brn_tape *t, int l, int rows, brn_mat x, brn_mat z, bool slopes, bool keep_u)
{
    const brn_layer *w = &net->shape.layer[l];
    const brn_mat in = l ? t->in[l] : x, slope = slopes && w->kind != BRN_ACT_NONE ? t->q[l] : NONE;
    BRN_TRY(copy_skip(q, w, rows, x, in));
    if (w->quad < 0) return brn_linear_forward(q, net, t, l, rows, false, w->kind, w->c, in, keep_u ? t->u[l] : NONE, z, slope);
    const brn_dense quad = brn_net_dense_quad(net, l);
    const bool direct = w->kind == BRN_ACT_NONE && !keep_u; /* z is u, and u is not needed again */
    const brn_mat u = direct ? z : t->u[l];
    BRN_TRY(brn_linear_forward(q, net, t, l, rows, false, BRN_ACT_NONE, 0, in, NONE, u, NONE));
    BRN_TRY(brn_dense_forward(q, &quad, rows, BRN_ACT_NONE, 0, x, NONE, t->square[l], NONE));
    BRN_TRY(mul_add(q, rows, 1, t->square[l], t->square[l], 1, u));
    return direct ? BRN_OK : brn_mat_activate(q, rows, w->kind, w->c, u, z, slope);
}

brn_status brn_tape_forward(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat out, bool slopes)
{
    if (brn_small_wanted(&tape->small, rows)) return brn_small_forward(q, net, tape, rows, x, out, slopes, false);
    for (int l = 0; l < net->shape.layers; ++l)
        BRN_TRY(forward_layer(q, net, tape, l, rows, x, output_of(&net->shape, tape, l, out), slopes, false));
    return BRN_OK;
}

static brn_status tangent_layer(brn_queue *q, const brn_net *net, brn_tape *t, int l, int rows, brn_mat v, brn_mat z_t)
{
    const brn_layer *w = &net->shape.layer[l];
    const brn_mat in_t = l ? t->in_t[l] : v;
    BRN_TRY(copy_skip(q, w, rows, v, in_t));
    BRN_TRY(brn_linear_forward(q, net, t, l, rows, true, BRN_ACT_NONE, 0, in_t, NONE, t->u_t[l], NONE));
    if (w->quad >= 0) { /* d (Q^T x)^2 = 2 (Q^T x) (Q^T v) */
        const brn_dense quad = brn_net_dense_quad(net, l);
        BRN_TRY(brn_dense_forward(q, &quad, rows, BRN_ACT_NONE, 0, v, NONE, t->square_t[l], NONE));
        BRN_TRY(mul_add(q, rows, 2, t->square[l], t->square_t[l], 1, t->u_t[l]));
    }
    if (w->kind == BRN_ACT_NONE) return brn_mat_copy(q, rows, t->u_t[l], z_t);
    return brn_mat_mul(q, rows, t->q[l], t->u_t[l], z_t);
}

brn_status brn_tape_forward_dual(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat v,
                                 brn_mat out, brn_mat out_t)
{
    const brn_net_shape *s = &net->shape;
    for (int l = 0; l < s->layers; ++l) {
        const brn_mat z_t = l + 1 < s->layers ? brn_mat_features(tape->in_t[l + 1], 0, s->layer[l].out) : out_t;
        BRN_TRY(forward_layer(q, net, tape, l, rows, x, output_of(s, tape, l, out), true, true));
        BRN_TRY(tangent_layer(q, net, tape, l, rows, v, z_t));
    }
    return BRN_OK;
}

/* ---- reverse --------------------------------------------------------------------------------- */

/* x_adjoint += Q (2 s * d) and grad Q += x (2 s * d)^T for the squared term s = Q^T x. */
static brn_status reverse_quad(brn_queue *q, const brn_net *net, brn_tape *t, int l, int rows, brn_mat x, brn_mat s,
                               brn_mat d, brn_buf *grad, brn_mat x_adjoint)
{
    const brn_dense quad = brn_net_dense_quad(net, l);
    const brn_mat a = brn_mat_features(t->quad_a, 0, quad.out);
    BRN_TRY(mul_add(q, rows, 2, s, d, 0, a));
    if (grad) BRN_TRY(brn_dense_grad(q, &quad, rows, x, a, grad, false));
    if (x_adjoint.buf) BRN_TRY(brn_dense_backward(q, &quad, rows, a, NONE, x_adjoint, true));
    return BRN_OK;
}

/* The rows of layer l that see x: x_adjoint (+)= W d. `fresh` is cleared by the first contribution. */
static brn_status reverse_to_x(brn_queue *q, const brn_net *net, const brn_tape *t, int l, int rows, brn_mat d, brn_mat x_adjoint, bool *fresh)
{
    if (!x_adjoint.buf || !net->shape.layer[l].skip) return BRN_OK;
    BRN_TRY(brn_linear_backward(q, net, t, l, rows, true, d, NONE, x_adjoint, !*fresh));
    *fresh = false;
    return BRN_OK;
}

brn_status brn_tape_reverse(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat seed,
                            brn_buf *grad, brn_mat x_adjoint)
{
    const brn_net_shape *s = &net->shape;
    const int last = s->layers - 1;
    brn_mat d = seed; /* adjoint of u_l */
    bool fresh = true;
    if (s->layer[last].kind != BRN_ACT_NONE) BRN_TRY(brn_mat_mul(q, rows, seed, tape->q[last], d));
    for (int l = last; l >= 0; --l) {
        if (grad) BRN_TRY(brn_linear_grad(q, net, tape, l, rows, false, l ? tape->in[l] : x, d, grad));
        BRN_TRY(reverse_to_x(q, net, tape, l, rows, d, x_adjoint, &fresh));
        if (s->layer[l].quad >= 0) BRN_TRY(reverse_quad(q, net, tape, l, rows, x, tape->square[l], d, grad, x_adjoint));
        if (l == 0) break;
        const bool sloped = s->layer[l - 1].kind != BRN_ACT_NONE;
        BRN_TRY(brn_linear_backward(q, net, tape, l, rows, false, d, sloped ? tape->q[l - 1] : NONE, tape->a[l - 1], false));
        d = tape->a[l - 1];
    }
    return BRN_OK;
}

/* (d, d_t): adjoints of (z_l, its tangent) in, of (u_l, its tangent) out. */
static brn_status reverse_activation(brn_queue *q, const brn_layer *w, const brn_tape *t, int l, int rows, brn_mat d, brn_mat d_t)
{
    if (w->kind == BRN_ACT_NONE) return BRN_OK;
    return BRN_LAUNCH(q, act_reverse, rows, w->out, (.ld = t->u[l].ld, .ldz = d.ld, .kind = w->kind, .c = w->c),
                      brn_mat_view(t->u[l]), brn_mat_view(t->q[l]), brn_mat_view(t->u_t[l]), brn_mat_view(d), brn_mat_view(d_t));
}

/* Adjoints of the squared term: of x from both d and d_t, of v from d_t. */
static brn_status reverse_quad_dual(brn_queue *q, const brn_net *net, brn_tape *t, int l, int rows, brn_mat x, brn_mat v,
                                    brn_mat d, brn_mat d_t, brn_buf *grad, brn_mat x_adjoint, brn_mat v_adjoint)
{
    if (net->shape.layer[l].quad < 0) return BRN_OK;
    BRN_TRY(reverse_quad(q, net, t, l, rows, x, t->square[l], d, grad, x_adjoint));
    BRN_TRY(reverse_quad(q, net, t, l, rows, x, t->square_t[l], d_t, grad, x_adjoint));
    return reverse_quad(q, net, t, l, rows, v, t->square[l], d_t, grad, v_adjoint);
}

brn_status brn_tape_reverse_dual(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat v,
                                 brn_mat seed, brn_mat seed_t, brn_buf *grad, brn_mat x_adjoint, brn_mat v_adjoint)
{
    const brn_net_shape *s = &net->shape;
    brn_mat d = seed, d_t = seed_t;
    bool fresh_x = true, fresh_v = true;
    for (int l = s->layers - 1; l >= 0; --l) {
        BRN_TRY(reverse_activation(q, &s->layer[l], tape, l, rows, d, d_t));
        if (grad) BRN_TRY(brn_linear_grad(q, net, tape, l, rows, false, l ? tape->in[l] : x, d, grad));
        if (grad) BRN_TRY(brn_linear_grad(q, net, tape, l, rows, true, l ? tape->in_t[l] : v, d_t, grad));
        BRN_TRY(reverse_to_x(q, net, tape, l, rows, d, x_adjoint, &fresh_x));
        BRN_TRY(reverse_to_x(q, net, tape, l, rows, d_t, v_adjoint, &fresh_v));
        BRN_TRY(reverse_quad_dual(q, net, tape, l, rows, x, v, d, d_t, grad, x_adjoint, v_adjoint));
        if (l == 0) break;
        BRN_TRY(brn_linear_backward(q, net, tape, l, rows, false, d, NONE, tape->a[l - 1], false));
        BRN_TRY(brn_linear_backward(q, net, tape, l, rows, false, d_t, NONE, tape->a_t[l - 1], false));
        d = tape->a[l - 1];
        d_t = tape->a_t[l - 1];
    }
    return BRN_OK;
}
