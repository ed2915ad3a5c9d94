/* A solve that the device carries through without the host. Lanes are rows and stay where they are; a list of those that
 * go on is made on the device in each round, and trial points stand side by side in its order. What a round works on
 * is as wide as the list was when its loop began: a loop ends when half of its rows are left, and the next is half as
 * wide, so that the stragglers of a batch do not cost whole batches. */
#include "conjugate/lanes.h"

enum { NARROWEST = 64 };

typedef struct {
    const brn_conjugate_settings *set;
    const brn_pot *f;
    brn_pot_work *work;
    brn_lanes *l;
    int rows, width; /* of the batch, of the list at most */
} solve;

static brn_status list(brn_queue *q, const solve *s)
{
    return BRN_LAUNCH(q, conj_list, 1, 1, (.count = s->rows, .history = s->set->history), brn_mat_view(brn_mat_features(s->l->scal, C_FLAG, 1)),
                      {s->l->listed, 0});
}

/* The list, trial points and f there: of a small potential in one launch. */
static brn_status evaluate(brn_queue *q, const solve *s)
{
    const brn_lanes *l = s->l;
    if (brn_pot_is_small(s->f, s->work, s->width))
        return brn_small_trial(q, s->f, &s->work->tape[0],
                               &(brn_small_lanes){s->rows, s->width, s->set->history, l->x.ld, l->memory, l->listed, l->outside});
    BRN_TRY(list(q, s));
    BRN_TRY(BRN_LAUNCH(q, conj_trial_listed, s->width, l->x.feats, (.ld = l->x.ld), {l->listed, 0}, brn_mat_view(l->x), brn_mat_view(l->d),
                       brn_mat_view(l->scal), brn_mat_view(l->xt)));
    return brn_pot_value_grad(q, s->f, s->work, s->width, l->xt, l->value, l->gt);
}

static brn_status one_round(void *context, brn_queue *q)
{
    const solve *s = context;
    const brn_lanes *l = s->l;
    const brn_conjugate_settings *set = s->set;
    BRN_TRY(evaluate(q, s));
    return BRN_LAUNCH(q, lbfgs_round, s->width, l->x.feats,
                      (.ld = l->x.ld, .history = set->history, .wolfe = set->line_search == BRN_SEARCH_WOLFE, .max_iter = set->max_iterations,
                       .min_iter = set->min_iterations, .max_trials = set->max_evaluations, .interpolate = set->interpolate,
                       .gtol = (float)set->gtol, .c1 = (float)set->decrease, .c2 = (float)set->curvature, .shrink = (float)set->shrink),
                      {l->listed, 0}, {l->memory, 0}, {l->outside, 0});
}

static brn_status solve_tile(brn_queue *q, solve *s, const brn_lane_source *from, int tile)
{
    const brn_lanes *l = s->l;
    const brn_mat y = brn_batch_tile(from->y, tile), x = brn_batch_tile(from->x, tile);
    brn_mat info = from->info;
    info.off += (size_t)brn_batch_first(from->y, tile);
    s->rows = brn_batch_rows(from->y, tile);
    BRN_TRY(BRN_LAUNCH(q, conj_fetch, s->rows, y.feats, (.ld = l->x.ld, .tile = y.ld), {l->everyone, 0}, brn_mat_view(y), brn_mat_view(x),
                       {from->scale, 0}, brn_mat_view(l->x), brn_mat_view(l->d), brn_mat_view(l->y), brn_mat_view(l->scal)));
    BRN_TRY(list(q, s));
    for (s->width = s->rows;; s->width /= 2) {
        const int floor = s->width > NARROWEST ? s->width / 2 : 0;
        BRN_TRY(brn_repeat(q, (brn_view){l->listed, 0}, floor, one_round, s));
        if (!floor) break;
    }
    return BRN_LAUNCH(q, conj_store, s->rows, x.feats, (.ld = l->x.ld, .tile = x.ld, .ldinfo = info.ld), {l->everyone, 0}, brn_mat_view(l->x),
                      brn_mat_view(l->x), brn_mat_view(l->scal), brn_mat_view(x), brn_mat_view(info));
}

brn_status brn_device_solve(brn_queue *q, const brn_conjugate_settings *set, const brn_pot *f, brn_pot_work *work, brn_lanes *l, const brn_lane_source *from)
{
    solve s = {.set = set, .f = f, .work = work, .l = l};
    for (int t = 0; t < from->y->tiles; ++t) BRN_TRY(solve_tile(q, &s, from, t));
    return BRN_OK;
}
