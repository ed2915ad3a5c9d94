#include "conjugate/lanes.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* One queue's share. */
typedef struct {
    brn_lanes lanes;
    brn_pot_work work;
} member;

struct brn_solver {
    brn_device *dev;
    brn_conjugate_settings set;
    bool by_device; /* no host between the rounds */
    int members;
    member *member;
    brn_buf *info_buf, *scale;
    brn_mat info;
    brn_traces *kept; /* or NULL */
    float kept_scale;
};

void brn_solver_free(brn_solver *solver)
{
    if (!solver) return;
    for (int i = 0; i < solver->members; ++i) {
        brn_lanes_free(&solver->member[i].lanes);
        brn_pot_work_free(&solver->member[i].work);
    }
    free(solver->member);
    brn_buf_free(solver->info_buf);
    brn_buf_free(solver->scale);
    free(solver);
}

static brn_status create_parts(brn_solver *s, const brn_pot *f, int rows)
{
    const bool adam = s->set.solver == BRN_SOLVER_ADAM;
    const int tile = brn_device_tile_rows(s->dev, brn_pot_dim(f)), capacity = rows < tile ? rows : tile;
    const int ld = brn_device_lanes(s->dev, capacity);
    const int info_ld = (rows + 63) / 64 * 64;
    BRN_TRY(BRN_ALLOC(&s->member, (size_t)brn_device_queues(s->dev), "solver"));
    s->members = brn_device_queues(s->dev);
    for (int i = 0; i < s->members; ++i) {
        BRN_TRY(brn_lanes_create(&s->member[i].lanes, s->dev, brn_pot_dim(f), adam ? 1 : s->set.history, capacity));
        BRN_TRY(brn_pot_work_create(&s->member[i].work, f, ld, BRN_TAPE_FIRST));
    }
    BRN_TRY(brn_buf_create(&s->info_buf, s->dev, BRN_REAL, (size_t)BRN_INFO_FIELDS * (size_t)info_ld, "solver results"));
    BRN_TRY(brn_zero(brn_device_queue(s->dev, 0), (brn_view){s->info_buf, 0}, brn_buf_count(s->info_buf)));
    s->info = (brn_mat){s->info_buf, 0, BRN_INFO_FIELDS, info_ld};
    BRN_TRY(brn_buf_create(&s->scale, s->dev, BRN_REAL, 1, "solver scale"));
    return brn_write_f32(brn_device_queue(s->dev, 0), (brn_view){s->scale, 0}, (float[]){1}, 1);
}

/* BRENIER_SOLVE=host|device takes one of the two ways on any device with one queue, for looking into it. */
static bool solves_by_itself(const brn_device *dev, const brn_conjugate_settings *settings)
{
    const char *way = getenv("BRENIER_SOLVE");
    if (settings->solver == BRN_SOLVER_ADAM || brn_device_queues(dev) > 1 || (way && !strcmp(way, "host"))) return false;
    return brn_device_repeats(dev) || (way && !strcmp(way, "device"));
}

brn_status brn_solver_create(brn_solver **out, brn_device *dev, const brn_pot *f, const brn_conjugate_settings *settings, int rows)
{
    *out = NULL;
    if (settings->history < 1 || settings->history > 64)
        return brn_fail(BRN_ERR_USAGE, "conjugate.history = %d; 1 to 64 are possible", settings->history);
    brn_solver *s;
    BRN_TRY(BRN_ALLOC(&s, 1, "solver"));
    s->dev = dev;
    s->set = *settings;
    s->by_device = solves_by_itself(dev, settings);
    brn_status status = create_parts(s, f, rows > 0 ? rows : 1);
    if (status != BRN_OK) {
        brn_solver_free(s);
        return status;
    }
    *out = s;
    return BRN_OK;
}

/* Lanes are evaluated in whole vectors; what stands in the surplus ones is of no consequence. */
static int whole_vectors(const brn_lanes *l)
{
    const int rounded = (l->active + 15) / 16 * 16;
    return rounded < l->x.ld ? rounded : l->x.ld;
}

static brn_status search(brn_queue *q, const brn_conjugate_settings *set, brn_lanes *l, int rows)
{
    if (set->line_search == BRN_SEARCH_WOLFE)
        return BRN_LAUNCH(q, search_wolfe, rows, 1,
                          (.ld = l->scal.ld, .max_iter = set->max_iterations, .min_iter = set->min_iterations,
                           .max_trials = set->max_evaluations, .gtol = (float)set->gtol, .c1 = (float)set->decrease,
                           .c2 = (float)set->curvature),
                          brn_mat_view(l->scal));
    return BRN_LAUNCH(q, search_armijo, rows, 1,
                      (.ld = l->scal.ld, .max_iter = set->max_iterations, .min_iter = set->min_iterations,
                       .max_trials = set->max_evaluations, .interpolate = set->interpolate, .gtol = (float)set->gtol,
                       .c1 = (float)set->decrease, .shrink = (float)set->shrink),
                      brn_mat_view(l->scal));
}

static brn_status new_directions(brn_queue *q, const brn_conjugate_settings *set, brn_lanes *l, int rows)
{
    const int n = l->x.feats, ld = l->x.ld;
    l->slot = (l->slot + 1) % set->history;
    BRN_TRY(BRN_LAUNCH(q, lbfgs_push, rows, n, (.ld = ld, .slot = l->slot, .history = set->history), brn_mat_view(l->xt),
                       brn_mat_view(l->gt), brn_mat_view(l->x), brn_mat_view(l->g), brn_mat_view(l->scal), brn_mat_view(l->s),
                       brn_mat_view(l->yh), brn_mat_view(l->rho)));
    return BRN_LAUNCH(q, lbfgs_direction, rows, n, (.ld = ld, .slot = l->slot, .history = set->history), brn_mat_view(l->g),
                      brn_mat_view(l->s), brn_mat_view(l->yh), brn_mat_view(l->rho), brn_mat_view(l->scal), brn_mat_view(l->d),
                      brn_mat_view(l->q), brn_mat_view(l->al));
}

/* f, its gradient and what follows from them at the trial points of all lanes. */
static brn_status evaluate(brn_queue *q, const brn_pot *f, member *m, int rows, brn_mat at)
{
    brn_lanes *l = &m->lanes;
    BRN_TRY(brn_pot_value_grad(q, f, &m->work, rows, at, l->value, l->gt));
    return BRN_LAUNCH(q, conj_measure, rows, at.feats, (.ld = at.ld), brn_mat_view(l->value), brn_mat_view(l->y),
                      brn_mat_view(at), brn_mat_view(l->d), brn_mat_view(l->gt), brn_mat_view(l->scal));
}

/* Results of the rows that stopped. */
static brn_status store(brn_queue *q, const brn_solver *s, const brn_pot *f, member *m, int rows, brn_mat at, brn_lane_source *rows_of)
{
    BRN_TRY(brn_lanes_store(q, &m->lanes, rows_of));
    if (!s->kept) return BRN_OK;
    const brn_trace evaluated = brn_pot_trace(f, &m->work, rows, at);
    return brn_lanes_keep(q, &m->lanes, &evaluated, s->kept_scale, s->kept);
}

static brn_status lbfgs_round(brn_queue *q, const brn_solver *s, const brn_pot *f, member *m, brn_lane_source *rows_of)
{
    brn_lanes *l = &m->lanes;
    const int rows = whole_vectors(l);
    bool deciding;
    BRN_TRY(BRN_LAUNCH(q, conj_trial, rows, l->x.feats, (.ld = l->x.ld), brn_mat_view(l->x), brn_mat_view(l->d),
                       brn_mat_view(l->scal), brn_mat_view(l->xt)));
    BRN_TRY(evaluate(q, f, m, rows, l->xt));
    BRN_TRY(search(q, &s->set, l, rows));
    BRN_TRY(brn_lanes_read_flags(q, l, &deciding));
    BRN_TRY(store(q, s, f, m, rows, l->xt, rows_of));
    if (deciding) BRN_TRY(new_directions(q, &s->set, l, rows));
    return brn_lanes_refill(q, l, rows_of);
}

static brn_status adam_round(brn_queue *q, const brn_solver *s, const brn_pot *f, member *m, brn_lane_source *rows_of)
{
    brn_lanes *l = &m->lanes;
    const brn_conjugate_settings *set = &s->set;
    const int rows = whole_vectors(l);
    bool deciding;
    BRN_TRY(evaluate(q, f, m, rows, l->x));
    BRN_TRY(BRN_LAUNCH(q, conj_adam, rows, l->x.feats,
                       (.ld = l->x.ld, .max_iter = set->max_iterations, .min_iter = set->min_iterations, .gtol = (float)set->gtol,
                        .lr = (float)set->lr, .lr_final = (float)set->lr_final, .beta1 = (float)set->beta1, .beta2 = (float)set->beta2),
                       brn_mat_view(l->gt), brn_mat_view(l->x), brn_mat_view(l->s), brn_mat_view(l->yh), brn_mat_view(l->scal)));
    BRN_TRY(brn_mat_copy(q, rows, l->x, l->xt)); /* a row that stopped did not move */
    BRN_TRY(brn_lanes_read_flags(q, l, &deciding));
    BRN_TRY(store(q, s, f, m, rows, l->x, rows_of));
    return brn_lanes_refill(q, l, rows_of);
}

typedef struct {
    brn_solver *solver;
    const brn_pot *f;
    brn_lane_source rows_of;
} run_call;

static brn_status run_member(void *context, brn_queue *q, int item)
{
    (void)item;
    run_call *call = context;
    brn_solver *s = call->solver;
    member *m = &s->member[brn_queue_index(q)];
    m->lanes.active = 0;
    BRN_TRY(brn_lanes_fetch(q, &m->lanes, &call->rows_of));
    while (m->lanes.active) {
        if (s->set.solver == BRN_SOLVER_ADAM) BRN_TRY(adam_round(q, s, call->f, m, &call->rows_of));
        else BRN_TRY(lbfgs_round(q, s, call->f, m, &call->rows_of));
    }
    return BRN_OK;
}

brn_status brn_solver_run(brn_solver *s, const brn_pot *f, const brn_batch *y, brn_batch *x)
{
    if (y->rows > s->info.ld || x->rows != y->rows || x->feats != y->feats)
        return brn_fail(BRN_ERR_INTERNAL, "solver: %d x %d rows for %d", x->rows, y->rows, s->info.ld);
    if (s->kept) brn_traces_forget(s->kept);
    run_call call = {s, f, {.y = y, .x = x, .scale = s->scale, .info = s->info}};
    if (s->by_device) BRN_TRY(brn_device_solve(brn_device_queue(s->dev, 0), &s->set, f, &s->member[0].work, &s->member[0].lanes, &call.rows_of));
    else BRN_TRY(brn_parallel(s->dev, s->members, run_member, &call));
    if (!s->set.running_scale || s->set.solver == BRN_SOLVER_ADAM) return BRN_OK;
    return BRN_LAUNCH(brn_device_queue(s->dev, 0), conj_scale, y->rows, 1, (),
                      brn_mat_view(brn_mat_features(s->info, BRN_INFO_GAMMA, 1)), {s->scale, 0});
}

void brn_solver_keep(brn_solver *s, brn_traces *kept, float scale)
{
    s->kept = kept;
    s->kept_scale = scale;
}

brn_status brn_solver_read_info(const brn_solver *s, brn_queue *q, int field, float *values, int count)
{
    return brn_read_f32(q, brn_mat_view(brn_mat_features(s->info, field, 1)), values, (size_t)count);
}

brn_mat brn_solver_info(const brn_solver *s) { return s->info; }
brn_view brn_solver_scale(const brn_solver *s) { return (brn_view){s->scale, 0}; }
