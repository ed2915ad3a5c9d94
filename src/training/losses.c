/* Dual losses that have no conjugate.
 *
 *   quadratic   mean f(x) + g(y) + c+^2 / (4 e),     c = <x, y> - f(x) - g(y),  into f and g
 *   entropy     mean f(x) + g(y) + e exp(c / e)
 *   assignment  with q(x) = f(x) - |x|^2 / 2, the optimal assignment s of the batch and its potentials a, b:
 *               1/2 mean (q(x) - a)^2 + 1/2 (mean q(y) - mean b)^2 + w/8 mean (|grad q(x)| - |y_s - x|)^2
 *
 * The rows of x and y are paired by their numbers: the two samples are independent.
 */
#include "training/losses.h"

static brn_status row_dot(const brn_tile_job *j, float s, brn_mat a, brn_mat b, float t, brn_mat to)
{
    return BRN_LAUNCH(j->q, row_dot, j->rows, a.feats, (.ldx = a.ld, .ldy = b.ld, .s = s, .t = t), brn_mat_view(a), brn_mat_view(b),
                      brn_mat_view(to));
}

brn_status brn_dual_pair(const brn_tile_job *j, brn_mat rows)
{
    const brn_pot *f = &j->t->model->f, *g = &j->t->model->h.g;
    const brn_mat fx = brn_mat_features(rows, BRN_ROW_F, 1), gy = brn_mat_features(rows, BRN_ROW_J, 1), weight = j->m->value;
    const bool entropy = j->t->set->train.dual == BRN_DUAL_ENTROPY;
    BRN_TRY(brn_pot_value(j->q, f, &j->m->f, j->rows, j->x, fx));
    BRN_TRY(brn_pot_value(j->q, g, &j->m->h.g, j->rows, j->y, gy));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, -1, fx, 0, j->loss));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, -1, gy, 1, j->loss));
    BRN_TRY(row_dot(j, 1, j->x, j->y, 1, j->loss));
    BRN_TRY(BRN_LAUNCH(j->q, pair_penalty, j->rows, 1,
                       (.kind = entropy, .epsilon = (float)j->t->set->train.regularization, .s = 1.0f / (float)j->t->batch),
                       brn_mat_view(j->loss), brn_mat_view(weight)));
    BRN_TRY(brn_pot_param_grad_rows(j->q, f, &j->m->f, j->rows, weight, j->x, fx, j->m->a, j->f_grad));
    BRN_TRY(brn_pot_param_grad_rows(j->q, g, &j->m->h.g, j->rows, weight, j->y, gy, j->m->a, j->h_grad));
    return brn_mat_axpby(j->q, j->rows, -1, gy, 0, gy); /* the loss is F - J */
}

brn_status brn_dual_assignment(const brn_tile_job *j, brn_mat rows)
{
    const brn_pot *f = &j->t->model->f;
    const brn_mat loss = brn_mat_features(rows, BRN_ROW_F, 1), none = brn_mat_features(rows, BRN_ROW_J, 1);
    BRN_TRY(brn_pot_param_grad_rows(j->q, f, &j->m->f, j->rows, brn_mat_features(j->match, BRN_MATCH_X, 1), j->x, j->m->value, j->m->a, j->f_grad));
    BRN_TRY(brn_pot_param_grad_rows(j->q, f, &j->m->f, j->rows, brn_mat_features(j->match, BRN_MATCH_Y, 1), j->y, j->m->value, j->m->a, j->f_grad));
    BRN_TRY(brn_pot_value_grad(j->q, f, &j->m->f, j->rows, j->x, j->m->value, j->m->a));
    BRN_TRY(brn_mat_axpby(j->q, j->rows, -1, j->x, 1, j->m->a));
    BRN_TRY(BRN_LAUNCH(j->q, displacement, j->rows, j->x.feats,
                       (.ld = j->m->a.ld, .s = (float)j->t->set->train.regularization, .r = 1.0f / (float)j->t->batch),
                       brn_mat_view(brn_mat_features(j->match, BRN_MATCH_LENGTH, 1)), brn_mat_view(j->m->a), brn_mat_view(j->loss)));
    BRN_TRY(brn_pot_mixed(j->q, f, &j->m->f, j->rows, 1, j->x, j->m->a, j->f_grad, (brn_mat){0}));
    BRN_TRY(brn_mat_copy(j->q, j->rows, brn_mat_features(j->match, BRN_MATCH_LOSS, 1), loss));
    return brn_mat_fill(j->q, j->rows, 0, none);
}

/* ---- the conjugate over the batch -------------------------------------------------------------- */

static brn_status value_tile(void *context, brn_queue *q, int i)
{
    brn_trainer *t = context;
    return brn_pot_value(q, &t->model->f, &t->member[brn_queue_index(q)].f, brn_batch_rows(&t->x, i), brn_batch_tile(&t->x, i),
                         brn_mat_features(brn_batch_tile(&t->rows, i), BRN_ROW_F, 1));
}

static brn_status argmax_tile(void *context, brn_queue *q, int i)
{
    brn_trainer *t = context;
    const brn_mat y = brn_batch_tile(&t->y, i), z = brn_batch_tile(&t->argmax, i), top = t->member[brn_queue_index(q)].value;
    for (int k = 0; k < t->x.tiles; ++k) {
        const brn_mat x = brn_batch_tile(&t->x, k), f = brn_mat_features(brn_batch_tile(&t->rows, k), BRN_ROW_F, 1);
        BRN_TRY(BRN_LAUNCH(q, batch_argmax, brn_batch_rows(&t->y, i), t->n,
                           (.count = brn_batch_rows(&t->x, k), .ldx = x.ld, .ldy = y.ld, .ldz = z.ld, .more = k > 0), brn_mat_view(x),
                           brn_mat_view(f), brn_mat_view(y), brn_mat_view(top), brn_mat_view(z)));
    }
    return BRN_OK;
}

brn_status brn_batch_conjugate(brn_trainer *t)
{
    BRN_TRY(brn_parallel(t->dev, t->x.tiles, value_tile, t));
    return brn_parallel(t->dev, t->y.tiles, argmax_tile, t);
}
