/* The losses of a training step and their gradients, tile by tile. With B rows of dimension n:
 *
 *   dual            mean f(x) + mean (<x^, y> - f(x^)),  x^ held constant (envelope theorem)
 *   objective       mean f(H(y)) - <H(y), y>,            f held constant
 *   regression      mean over rows and dimensions of (H(y) - x^)^2
 *   cycle           w [ mean (grad f(H(y)) - y)^2 + mean (H(grad f(x)) - x)^2 ],  into f and H
 *   cycle_finetune  w mean (grad f(H(y)) - y)^2,         f held constant
 */
#include "training/wide.h"

/* What a loss works on. */
typedef struct {
    brn_trainer *t;
    brn_queue *q;
    brn_trainer_member *m;
    brn_amortizer_work *tape;
    brn_pot_work *source;          /* of f at x */
    int tile, rows;
    brn_mat x, y, start, argmax;
    brn_mat loss;                  /* amortization loss per row */
    brn_mat adjoint;               /* of the prediction */
    brn_buf *f_grad, *h_grad;      /* NULL: what they are made of is left in the works, for wide.c */
} tile_job;

static brn_status add_loss(const tile_job *j, float s, brn_mat a, brn_mat b, bool more)
{
    return BRN_LAUNCH(j->q, row_dot, j->rows, a.feats, (.ldx = a.ld, .ldy = b.ld, .s = s, .t = more), brn_mat_view(a), brn_mat_view(b),
                      brn_mat_view(j->loss));
}

static brn_status regression(const tile_job *j)
{
    const int n = j->t->n;
    BRN_TRY(brn_mat_copy(j->q, j->rows, j->start, j->adjoint));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, -1, j->argmax, 1, j->adjoint));
    BRN_TRY(add_loss(j, 1.0f / (float)n, j->adjoint, j->adjoint, false));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, 2.0f / ((float)n * (float)j->t->batch), j->adjoint, 0, j->adjoint));
    return brn_amortizer_reverse(j->q, &j->t->model->h, j->tape, j->rows, j->y, j->adjoint, j->h_grad, (brn_mat){0});
}

static brn_status objective(const tile_job *j)
{
    BRN_TRY(brn_pot_value_grad(j->q, &j->t->model->f, &j->m->f, j->rows, j->start, j->loss, j->adjoint));
    BRN_TRY(add_loss(j, -1, j->start, j->y, true));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, -1, j->y, 1, j->adjoint));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, 1.0f / (float)j->t->batch, j->adjoint, 0, j->adjoint));
    return brn_amortizer_reverse(j->q, &j->t->model->h, j->tape, j->rows, j->y, j->adjoint, j->h_grad, (brn_mat){0});
}

/* w mean (grad f(H(y)) - y)^2; f_grad NULL holds f constant. */
static brn_status cycle_target(const tile_job *j, brn_buf *f_grad)
{
    const float w = (float)j->t->set->train.cycle_weight / (float)j->t->n;
    const brn_pot *f = &j->t->model->f;
    BRN_TRY(brn_pot_value_grad(j->q, f, &j->m->f, j->rows, j->start, j->m->value, j->m->a));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, -1, j->y, 1, j->m->a));
    BRN_TRY(add_loss(j, w, j->m->a, j->m->a, false));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, 2 * w / (float)j->t->batch, j->m->a, 0, j->m->a));
    BRN_TRY(brn_pot_mixed(j->q, f, &j->m->f, j->rows, 1, j->start, j->m->a, f_grad, j->m->b));
    return brn_amortizer_reverse(j->q, &j->t->model->h, j->tape, j->rows, j->y, j->m->b, j->h_grad, (brn_mat){0});
}

/* w mean (H(grad f(x)) - x)^2 */
static brn_status cycle_source(const tile_job *j)
{
    const float w = (float)j->t->set->train.cycle_weight / (float)j->t->n;
    const brn_pot *f = &j->t->model->f;
    const brn_amortizer *h = &j->t->model->h;
    BRN_TRY(brn_pot_value_grad(j->q, f, &j->m->f, j->rows, j->x, j->m->value, j->m->a));
    BRN_TRY(brn_amortizer_forward(j->q, h, &j->m->h, j->rows, j->m->a, j->m->b));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, -1, j->x, 1, j->m->b));
    BRN_TRY(add_loss(j, w, j->m->b, j->m->b, true));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, 2 * w / (float)j->t->batch, j->m->b, 0, j->m->b));
    BRN_TRY(brn_amortizer_reverse(j->q, h, &j->m->h, j->rows, j->m->a, j->m->b, j->h_grad, j->m->c));
    return brn_pot_mixed(j->q, f, &j->m->f, j->rows, 1, j->x, j->m->c, j->f_grad, (brn_mat){0});
}

static brn_status amortization(const tile_job *j)
{
    switch (j->t->set->train.loss) {
    case BRN_LOSS_NONE: return brn_mat_fill(j->q, j->rows, 0, j->loss);
    case BRN_LOSS_OBJECTIVE:
    case BRN_LOSS_OBJECTIVE_FINETUNE: return objective(j);
    case BRN_LOSS_REGRESSION: return regression(j);
    case BRN_LOSS_CYCLE: BRN_TRY(cycle_target(j, j->f_grad)); return cycle_source(j);
    case BRN_LOSS_CYCLE_FINETUNE: return cycle_target(j, NULL);
    }
    return brn_fail(BRN_ERR_INTERNAL, "unknown loss %d", (int)j->t->set->train.loss);
}

/* jx -= <x^, y> */
static brn_status subtract_product(const tile_job *j, brn_mat jx)
{
    return BRN_LAUNCH(j->q, row_dot, j->rows, j->t->n, (.ldx = j->argmax.ld, .ldy = j->y.ld, .s = -1, .t = 1), brn_mat_view(j->argmax),
                      brn_mat_view(j->y), brn_mat_view(jx));
}

/* A wide network's f(x^) - <x^, y>. Where the solver left what it evaluated last, nothing is left to do;
 * else the same numbers come from another evaluation: a solver's piece is bit by bit a tile's. */
static brn_status wide_target(const tile_job *j, brn_mat jx)
{
    const brn_trainer *t = j->t;
    const bool solved = t->solver && brn_traces_complete(&t->wide->target, j->tile);
    if (!solved) {
        BRN_TRY(brn_pot_param_grad(j->q, &t->model->f, &j->m->f, j->rows, 1, j->argmax, jx, NULL));
        const brn_trace trace = brn_pot_trace(&t->model->f, &j->m->f, j->rows, j->argmax);
        BRN_TRY(brn_traces_fill(j->q, &t->wide->target, -1.0f / (float)t->batch, &trace, j->tile));
    }
    if (!t->solver) return subtract_product(j, jx);
    brn_mat value = brn_mat_features(brn_solver_info(t->solver), BRN_INFO_VALUE, 1);
    value.off += (size_t)brn_batch_first(&t->x, j->tile);
    return brn_mat_axpby(j->q, j->rows, -1, value, 0, jx);
}

static brn_status dual(const tile_job *j, brn_mat rows)
{
    const float share = 1.0f / (float)j->t->batch;
    const brn_pot *f = &j->t->model->f;
    const brn_mat fx = brn_mat_features(rows, BRN_ROW_F, 1), jx = brn_mat_features(rows, BRN_ROW_J, 1);
    BRN_TRY(brn_pot_param_grad(j->q, f, j->source, j->rows, share, j->x, fx, j->f_grad));
    if (j->t->wide) return wide_target(j, jx);
    BRN_TRY(brn_pot_param_grad(j->q, f, &j->m->f, j->rows, -share, j->argmax, jx, j->f_grad));
    return subtract_product(j, jx);
}

/* Beside the losses, so that one wait brings both. */
static brn_status note_evaluations(const tile_job *j, brn_mat rows)
{
    if (!j->t->solver) return BRN_OK;
    brn_mat from = brn_mat_features(brn_solver_info(j->t->solver), BRN_INFO_EVALUATIONS, 1);
    from.off += (size_t)brn_batch_first(&j->t->x, j->tile);
    return brn_mat_copy(j->q, j->rows, from, brn_mat_features(rows, BRN_ROW_EVALUATIONS, 1));
}

static brn_status tile_gradient(brn_trainer *t, brn_queue *q, int i, brn_buf *f_grad, brn_buf *h_grad)
{
    brn_trainer_member *m = &t->member[brn_queue_index(q)];
    brn_wide_tile *kept = t->wide ? &t->wide->tile[i] : NULL;
    const brn_mat rows = brn_batch_tile(&t->rows, i);
    const tile_job job = {.t = t, .q = q, .m = m, .tape = &t->tape[i], .tile = i, .rows = brn_batch_rows(&t->x, i),
                          .source = kept ? &kept->source : &m->f,
                          .x = brn_batch_tile(&t->x, i), .y = brn_batch_tile(&t->y, i), .start = brn_batch_tile(&t->start, i),
                          .argmax = brn_batch_tile(&t->argmax, i), .loss = brn_mat_features(rows, BRN_ROW_AMORTIZATION, 1),
                          .adjoint = kept ? kept->adjoint : m->a, .f_grad = f_grad, .h_grad = h_grad};
    BRN_TRY(note_evaluations(&job, rows));
    BRN_TRY(dual(&job, rows));
    return amortization(&job);
}

static brn_status group_gradient(void *context, brn_queue *q, int group)
{
    brn_trainer *t = context;
    const int first = group * t->x.tiles / t->groups, end = (group + 1) * t->x.tiles / t->groups;
    BRN_TRY(brn_zero(q, (brn_view){t->f_grad[group], 0}, brn_buf_count(t->f_grad[group])));
    if (t->h_grad[group]) BRN_TRY(brn_zero(q, (brn_view){t->h_grad[group], 0}, brn_buf_count(t->h_grad[group])));
    for (int i = first; i < end; ++i) BRN_TRY(tile_gradient(t, q, i, t->f_grad[group], t->h_grad[group]));
    return BRN_OK;
}

static brn_status wide_tile(void *context, brn_queue *q, int i) { return tile_gradient(context, q, i, NULL, NULL); }

brn_status brn_trainer_gradient(brn_trainer *t)
{
    if (!t->wide) return brn_parallel(t->dev, t->groups, group_gradient, t);
    BRN_TRY(brn_parallel(t->dev, t->x.tiles, wide_tile, t));
    return brn_wide_sum(t);
}

/* Parameters are added over groups in slices, so that threads share them. */
enum { SLICE = 8192 };

typedef struct {
    brn_buf **grad;
    int groups;
    size_t size;
} sum_job;

static brn_status sum_slice(void *context, brn_queue *q, int item)
{
    const sum_job *job = context;
    const size_t at = (size_t)item * SLICE, left = job->size - at;
    const int count = (int)(left < SLICE ? left : SLICE);
    for (int g = 1; g < job->groups; ++g)
        BRN_TRY(BRN_LAUNCH(q, axpby, count, 1, (.ldx = count, .ldy = count, .s = 1, .t = 1), {job->grad[g], at}, {job->grad[0], at}));
    return BRN_OK;
}

brn_status brn_trainer_reduce(brn_trainer *t, bool amortizer, int groups)
{
    const brn_net *net = amortizer ? brn_amortizer_net(&t->model->h) : &t->model->f.part[0];
    brn_buf **grad = amortizer ? t->h_grad : t->f_grad;
    const int slices = (int)((net->shape.size + SLICE - 1) / SLICE);
    if (groups > 1) BRN_TRY(brn_parallel(t->dev, slices, sum_slice, &(sum_job){grad, groups, net->shape.size}));
    return brn_net_pullback(net, grad[0]);
}
