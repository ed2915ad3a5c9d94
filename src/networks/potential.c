#include "networks/potential.h"

void brn_pot_free(brn_pot *f)
{
    for (int k = 0; k < f->parts; ++k) brn_net_free(&f->part[k]);
    brn_buf_free(f->shift);
    *f = (brn_pot){0};
}

brn_status brn_pot_work_create(brn_pot_work *w, const brn_pot *f, int lanes, brn_tape_order order)
{
    *w = (brn_pot_work){0};
    brn_device *dev = f->part[0].dev;
    const int n = brn_pot_dim(f);
    const size_t lane = (size_t)lanes;
    brn_status status = brn_buf_create(&w->memory, dev, BRN_REAL, (size_t)(4 + BRN_POTENTIAL_PARTS + n) * lane, "potential scratch");
    for (int k = 0; k < f->parts && status == BRN_OK; ++k)
        status = brn_tape_create(&w->tape[k], dev, &f->part[k].shape, lanes, order);
    if (status != BRN_OK) {
        brn_pot_work_free(w);
        return status;
    }
    const brn_mat rows = {w->memory, 0, 4 + BRN_POTENTIAL_PARTS + n, lanes};
    w->out = brn_mat_features(rows, 0, BRN_POTENTIAL_PARTS);
    w->out_t = brn_mat_features(rows, BRN_POTENTIAL_PARTS, 1);
    w->seed = brn_mat_features(rows, BRN_POTENTIAL_PARTS + 1, 1);
    w->seed_t = brn_mat_features(rows, BRN_POTENTIAL_PARTS + 2, 1);
    w->part_grad = brn_mat_features(rows, BRN_POTENTIAL_PARTS + 4, n);
    return BRN_OK;
}

void brn_pot_work_free(brn_pot_work *w)
{
    for (int k = 0; k < BRN_POTENTIAL_PARTS; ++k) brn_tape_free(&w->tape[k]);
    brn_buf_free(w->memory);
    *w = (brn_pot_work){0};
}

static brn_view shift_view(const brn_pot *f) { return (brn_view){f->shift ? f->shift : f->part[0].used, 0}; }
static int log_alpha(const brn_pot *f) { return (int)f->part[0].shape.log_alpha; }

static brn_status forward(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat x, brn_mat value, bool slopes)
{
    for (int k = 0; k < f->parts; ++k)
        BRN_TRY(brn_tape_forward(q, &f->part[k], &w->tape[k], rows, x, brn_mat_features(w->out, k, 1), slopes));
    return BRN_LAUNCH(q, potential_value, rows, x.feats,
                      (.ldx = x.ld, .parts = f->parts, .has_shift = f->shift != NULL, .log_alpha = log_alpha(f), .s = f->scale),
                      {f->part[0].used, 0}, brn_mat_view(x), brn_mat_view(w->out), brn_mat_view(brn_mat_features(w->out, 1, 1)),
                      shift_view(f), brn_mat_view(value));
}

/* y += exp(log_alpha) x (+ s d) */
static brn_status add_explicit_terms(brn_queue *q, const brn_pot *f, int rows, bool shift, brn_mat x, brn_mat y)
{
    return BRN_LAUNCH(q, potential_grad, rows, x.feats,
                      (.ldx = x.ld, .ldy = y.ld, .has_shift = shift && f->shift, .log_alpha = log_alpha(f), .s = f->scale),
                      {f->part[0].used, 0}, brn_mat_view(x), shift_view(f), brn_mat_view(y));
}

static brn_status add_log_alpha_grad(brn_queue *q, const brn_pot *f, int rows, float s, brn_mat x, brn_mat y, brn_buf *grad)
{
    return BRN_LAUNCH(q, log_alpha_grad, rows, x.feats, (.ldx = x.ld, .ldy = y.ld, .log_alpha = log_alpha(f), .s = s),
                      {f->part[0].used, 0}, brn_mat_view(x), brn_mat_view(y), {grad, 0});
}

bool brn_pot_is_small(const brn_pot *f, const brn_pot_work *w, int rows)
{
    return brn_small_wanted(&w->tape[0].small, rows) && brn_small_potential(f);
}

brn_status brn_pot_value(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat x, brn_mat value)
{
    return forward(q, f, w, rows, x, value, false);
}

brn_status brn_pot_value_grad(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat x, brn_mat value, brn_mat grad)
{
    if (brn_pot_is_small(f, w, rows)) return brn_small_value_grad(q, f, &w->tape[0], rows, x, value, grad);
    BRN_TRY(forward(q, f, w, rows, x, value, true));
    for (int k = 0; k < f->parts; ++k) {
        const brn_mat to = k ? w->part_grad : grad;
        BRN_TRY(brn_mat_fill(q, rows, f->scale, w->seed));
        BRN_TRY(brn_tape_reverse(q, &f->part[k], &w->tape[k], rows, x, w->seed, NULL, to));
        if (k) BRN_TRY(brn_mat_axpby(q, rows, 1, to, 1, grad));
    }
    return add_explicit_terms(q, f, rows, true, x, grad);
}

brn_status brn_pot_param_grad(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, float s, brn_mat x, brn_mat value,
                              brn_buf *theta_grad)
{
    BRN_TRY(forward(q, f, w, rows, x, value, true));
    BRN_TRY(brn_mat_fill(q, rows, s * f->scale, w->seed));
    BRN_TRY(brn_tape_reverse(q, &f->part[0], &w->tape[0], rows, x, w->seed, theta_grad, (brn_mat){0}));
    return theta_grad ? brn_pot_log_alpha_grad(q, f, rows, s, x, theta_grad) : BRN_OK;
}

brn_trace brn_pot_trace(const brn_pot *f, const brn_pot_work *w, int rows, brn_mat x)
{
    return brn_tape_trace(&f->part[0].shape, &w->tape[0], rows, x, w->seed);
}

brn_status brn_pot_log_alpha_grad(brn_queue *q, const brn_pot *f, int rows, float s, brn_mat x, brn_buf *theta_grad)
{
    return add_log_alpha_grad(q, f, rows, 0.5f * s, x, x, theta_grad);
}

brn_status brn_pot_param_grad_rows(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat weight, brn_mat x, brn_mat value,
                                   brn_mat scratch, brn_buf *theta_grad)
{
    const brn_mat every = {weight.buf, weight.off, x.feats, 0}; /* the same weight for every feature */
    BRN_TRY(forward(q, f, w, rows, x, value, true));
    BRN_TRY(brn_mat_axpby(q, rows, f->scale, weight, 0, w->seed));
    BRN_TRY(brn_tape_reverse(q, &f->part[0], &w->tape[0], rows, x, w->seed, theta_grad, (brn_mat){0}));
    BRN_TRY(brn_mat_mul(q, rows, x, every, scratch));
    return add_log_alpha_grad(q, f, rows, 0.5f, x, scratch, theta_grad);
}

brn_status brn_pot_mixed(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, float s, brn_mat x, brn_mat v,
                         brn_buf *theta_grad, brn_mat hv)
{
    BRN_TRY(brn_tape_forward_dual(q, &f->part[0], &w->tape[0], rows, x, v, w->out, w->out_t));
    BRN_TRY(brn_mat_fill(q, rows, 0, w->seed));
    BRN_TRY(brn_mat_fill(q, rows, s * f->scale, w->seed_t));
    BRN_TRY(brn_tape_reverse_dual(q, &f->part[0], &w->tape[0], rows, x, v, w->seed, w->seed_t, theta_grad, hv, (brn_mat){0}));
    if (theta_grad) BRN_TRY(add_log_alpha_grad(q, f, rows, s, x, v, theta_grad));
    if (!hv.buf) return BRN_OK;
    if (s != 1) BRN_TRY(brn_mat_axpby(q, rows, 1 / s, hv, 0, hv));
    return add_explicit_terms(q, f, rows, false, v, hv);
}
