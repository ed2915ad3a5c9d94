#include "training/wide.h"
#include "compute/backend.h"
#include "core/clock.h"
#include "core/memory.h"
#include "model/seek.h"
#include "training/losses.h"
#include "training/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool brn_loss_finetunes(brn_loss loss) { return loss != BRN_LOSS_OBJECTIVE && loss != BRN_LOSS_CYCLE; }

/* The cycle losses, displacements and pretraining differentiate grad f with respect to the parameters. */
static brn_tape_order order_needed(const brn_settings *s)
{
    const bool second = s->train.loss == BRN_LOSS_CYCLE || s->train.loss == BRN_LOSS_CYCLE_FINETUNE || brn_pretrains(s) ||
                        s->train.dual == BRN_DUAL_ASSIGNMENT;
    return second ? BRN_TAPE_SECOND : BRN_TAPE_FIRST;
}

static brn_status create_member(brn_trainer *t, brn_trainer_member *m)
{
    const int n = t->n, tile = brn_device_tile_rows(t->dev, n), monitored = brn_monitor_rows(t->set);
    const int watched = brn_device_lanes(t->dev, monitored < tile ? monitored : tile);
    const int lanes = t->x.lanes > watched ? t->x.lanes : watched;
    BRN_TRY(brn_pair_work_create(&m->pair, t->pair, lanes));
    BRN_TRY(brn_pot_work_create(&m->f, &t->model->f, lanes, order_needed(t->set)));
    BRN_TRY(brn_amortizer_work_create(&m->h, &t->model->h, lanes));
    BRN_TRY(brn_buf_create(&m->memory, t->dev, BRN_REAL, (size_t)(3 * n + 1) * (size_t)lanes, "training scratch"));
    const brn_mat all = {m->memory, 0, 3 * n + 1, lanes};
    m->a = brn_mat_features(all, 0, n);
    m->b = brn_mat_features(all, n, n);
    m->c = brn_mat_features(all, 2 * n, n);
    m->value = brn_mat_features(all, 3 * n, 1);
    return BRN_OK;
}

static brn_status create_batches(brn_trainer *t)
{
    BRN_TRY(brn_batch_create(&t->x, t->dev, t->n, t->batch, "source batch"));
    BRN_TRY(brn_batch_create(&t->y, t->dev, t->n, t->batch, "target batch"));
    BRN_TRY(brn_batch_create(&t->start, t->dev, t->n, t->batch, "predictions"));
    BRN_TRY(brn_batch_create(&t->argmax, t->dev, t->n, t->batch, "conjugate arguments"));
    if (t->set->train.seek) BRN_TRY(brn_batch_beside(&t->source_value, &t->x, 1, "source values"));
    BRN_TRY(brn_batch_beside(&t->rows, &t->x, BRN_ROW_FIELDS, "losses"));
    return BRN_ALLOC(&t->host_rows, brn_buf_count(t->rows.buf), "losses");
}

static brn_status create_work(brn_trainer *t)
{
    BRN_TRY(BRN_ALLOC(&t->member, (size_t)brn_device_queues(t->dev), "training scratch"));
    t->members = brn_device_queues(t->dev);
    for (int i = 0; i < t->members; ++i) BRN_TRY(create_member(t, &t->member[i]));
    BRN_TRY(BRN_ALLOC(&t->tape, (size_t)t->x.tiles, "amortizer tapes"));
    t->tapes = t->x.tiles;
    for (int i = 0; i < t->tapes; ++i) BRN_TRY(brn_amortizer_work_create(&t->tape[i], &t->model->h, t->x.lanes));
    return BRN_OK;
}

static brn_status create_learning(brn_trainer *t)
{
    const brn_settings *s = t->set;
    const brn_net *f = &t->model->f.part[0], *h = brn_amortizer_net(&t->model->h);
    t->groups = t->x.tiles < BRN_GRADIENT_GROUPS ? t->x.tiles : BRN_GRADIENT_GROUPS;
    if (brn_wide_pays(t)) {
        BRN_TRY(brn_wide_create(&t->wide, t));
        if (s->train.start != BRN_START_PRETRAIN) t->groups = 1; /* pretraining works in groups */
    }
    for (int g = 0; g < t->groups; ++g) {
        BRN_TRY(brn_buf_create(&t->f_grad[g], t->dev, BRN_REAL, f->shape.size, "gradient"));
        if (h) BRN_TRY(brn_buf_create(&t->h_grad[g], t->dev, BRN_REAL, h->shape.size, "gradient"));
    }
    BRN_TRY(brn_optimizer_create(&t->f_opt, t->dev, &f->shape, &s->train.potential));
    if (h) BRN_TRY(brn_optimizer_create(&t->h_opt, t->dev, &h->shape, &s->train.amortizer));
    if (s->train.dual == BRN_DUAL_ASSIGNMENT) return brn_matching_create(&t->matching, t);
    if (s->train.dual != BRN_DUAL_CONJUGATE || !brn_loss_finetunes(s->train.loss)) return BRN_OK;
    BRN_TRY(brn_solver_create(&t->solver, t->dev, &t->model->f, &s->conjugate, t->batch));
    if (t->wide) brn_solver_keep(t->solver, &t->wide->target, -1.0f / (float)t->batch);
    return BRN_OK;
}

brn_status brn_trainer_create(brn_trainer **out, brn_model *model, const brn_pair *pair)
{
    *out = NULL;
    brn_trainer *t;
    BRN_TRY(BRN_ALLOC(&t, 1, "trainer"));
    *t = (brn_trainer){.dev = model->dev, .model = model, .pair = pair, .set = &model->settings, .n = model->n,
                       .batch = model->settings.train.batch, .loss = NAN};
    brn_status status = create_batches(t);
    if (status == BRN_OK) status = create_work(t);
    if (status == BRN_OK) status = create_learning(t);
    if (status != BRN_OK) {
        brn_trainer_free(t);
        return status;
    }
    *out = t;
    return BRN_OK;
}

void brn_trainer_free(brn_trainer *t)
{
    if (!t) return;
    brn_batch *const batches[] = {&t->x, &t->y, &t->start, &t->argmax, &t->source_value, &t->rows};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; ++i) brn_batch_free(batches[i]);
    for (int i = 0; i < t->members; ++i) {
        brn_pair_work_free(t->member[i].pair);
        brn_pot_work_free(&t->member[i].f);
        brn_amortizer_work_free(&t->member[i].h);
        brn_buf_free(t->member[i].memory);
    }
    brn_wide_free(t->wide);
    for (int i = 0; i < t->tapes; ++i) brn_amortizer_work_free(&t->tape[i]);
    for (int g = 0; g < BRN_GRADIENT_GROUPS; ++g) brn_buf_free(t->f_grad[g]), brn_buf_free(t->h_grad[g]);
    brn_solver_free(t->solver);
    brn_matching_free(t->matching);
    brn_optimizer_free(t->f_opt), brn_optimizer_free(t->h_opt);
    free(t->member), free(t->tape), free(t->host_rows);
    free(t);
}

/* Samples of one tile: f lives on x, its conjugate on y. */
static brn_draw draw_of(const brn_trainer *t, int64_t step, uint32_t stream)
{
    return (brn_draw){.seed = t->set->seed, .step = (uint64_t)step, .stream = stream, .batch = t->batch, .sampling = t->set->data.sampling};
}

static brn_status draw_tile(void *context, brn_queue *q, int i)
{
    brn_trainer *t = context;
    brn_trainer_member *m = &t->member[brn_queue_index(q)];
    const int rows = brn_batch_rows(&t->x, i), first = brn_batch_first(&t->x, i);
    const brn_side side = brn_potential_side(t->set);
    const brn_draw x = draw_of(t, t->step, BRN_STREAM_SOURCE), y = draw_of(t, t->step, BRN_STREAM_TARGET);
    BRN_TRY(brn_pair_draw(t->pair, side, q, m->pair, &x, first, rows, brn_batch_tile(&t->x, i)));
    return brn_pair_draw(t->pair, 1 - side, q, m->pair, &y, first, rows, brn_batch_tile(&t->y, i));
}

/* Rows that come from the host: those of the next step are sent while the device is at work on this one. */
static brn_status send_next(brn_trainer *t)
{
    const brn_side side = brn_potential_side(t->set);
    const brn_draw x = draw_of(t, t->step + 1, BRN_STREAM_SOURCE), y = draw_of(t, t->step + 1, BRN_STREAM_TARGET);
    brn_queue *q = brn_device_queue(t->dev, 0);
    if (!brn_pair_streams(t->pair) || brn_device_queues(t->dev) > 1 || t->x.tiles > 1) return BRN_OK;
    BRN_TRY(brn_flush(q));
    BRN_TRY(brn_pair_send(t->pair, side, q, t->member[0].pair, &x, t->batch));
    return brn_pair_send(t->pair, 1 - side, q, t->member[0].pair, &y, t->batch);
}

/* Samples for a step of the amortizer alone. */
static brn_status draw_inner_tile(void *context, brn_queue *q, int i)
{
    brn_trainer *t = context;
    const uint64_t each = (uint64_t)t->set->train.amortizer_steps - 1;
    const brn_draw draw = {.seed = t->set->seed, .step = (uint64_t)t->step * each + (uint64_t)t->inner, .batch = t->batch,
                           .sampling = t->set->data.sampling, .stream = BRN_STREAM_AMORTIZER};
    return brn_pair_draw(t->pair, 1 - brn_potential_side(t->set), q, t->member[brn_queue_index(q)].pair, &draw, brn_batch_first(&t->y, i),
                         brn_batch_rows(&t->y, i), brn_batch_tile(&t->y, i));
}

/* Predictions of one tile, where its solves start. */
static brn_status predict_tile(void *context, brn_queue *q, int i)
{
    brn_trainer *t = context;
    const int rows = brn_batch_rows(&t->x, i);
    const brn_mat y = brn_batch_tile(&t->y, i), start = brn_batch_tile(&t->start, i);
    BRN_TRY(brn_amortizer_forward(q, &t->model->h, &t->tape[i], rows, y, start));
    return brn_mat_copy(q, rows, start, brn_batch_tile(&t->argmax, i));
}

static brn_status value_tile(void *context, brn_queue *q, int i)
{
    brn_trainer *t = context;
    brn_trainer_member *m = &t->member[brn_queue_index(q)];
    return brn_pot_value(q, &t->model->f, &m->f, brn_batch_rows(&t->x, i), brn_batch_tile(&t->x, i), brn_batch_tile(&t->source_value, i));
}

static brn_status seek_tile(void *context, brn_queue *q, int i)
{
    brn_trainer *t = context;
    brn_trainer_member *m = &t->member[brn_queue_index(q)];
    return brn_seek_tile(q, &t->model->f, &m->f, brn_batch_rows(&t->y, i), brn_batch_tile(&t->y, i), brn_batch_tile(&t->argmax, i), m->value, &t->x,
                         &t->source_value);
}

static brn_status seek(brn_trainer *t)
{
    BRN_TRY(brn_parallel(t->dev, t->x.tiles, value_tile, t));
    return brn_parallel(t->dev, t->y.tiles, seek_tile, t);
}

/* The model takes some samples along, spread over the batch, so that its own solves have starts too. */
static brn_status keep_starts(brn_trainer *t)
{
    const size_t n = (size_t)t->n, starts = t->batch < BRN_STARTS_MAX ? (size_t)t->batch : BRN_STARTS_MAX;
    float *rows;
    BRN_TRY(BRN_ALLOC(&rows, (size_t)t->batch * n, "samples to start at"));
    brn_status status = brn_batch_read(&t->x, rows);
    for (size_t r = 0; r < starts; ++r) memmove(rows + r * n, rows + r * (size_t)t->batch / starts * n, n * sizeof *rows);
    if (status == BRN_OK) status = brn_model_set_starts(t->model, rows, starts);
    free(rows);
    return status;
}

brn_status brn_trainer_begin(brn_trainer *t)
{
    brn_net *h = brn_amortizer_net(&t->model->h);
    BRN_TRY(brn_parallel(t->dev, t->x.tiles, draw_tile, t));
    if (t->set->train.seek) BRN_TRY(keep_starts(t));
    BRN_TRY(brn_net_fit_norms(&t->model->f.part[0], &t->x));
    return h ? brn_net_fit_norms(h, &t->y) : BRN_OK;
}

brn_status brn_trainer_read_rows(brn_trainer *t)
{
    return brn_read_f32(brn_device_queue(t->dev, 0), (brn_view){t->rows.buf, 0}, t->host_rows, brn_buf_count(t->rows.buf));
}

double brn_trainer_mean(const brn_trainer *t, int field)
{
    double sum = 0;
    for (int i = 0; i < t->rows.tiles; ++i) {
        const float *rows = t->host_rows + brn_mat_features(brn_batch_tile(&t->rows, i), field, 1).off;
        for (int r = 0; r < brn_batch_rows(&t->rows, i); ++r) sum += (double)rows[r];
    }
    return sum / t->batch;
}

static brn_status read_losses(brn_trainer *t)
{
    BRN_TRY(brn_trainer_read_rows(t));
    t->evaluations += llround(brn_trainer_mean(t, BRN_ROW_EVALUATIONS) * t->batch);
    t->loss = brn_trainer_mean(t, BRN_ROW_F) - brn_trainer_mean(t, BRN_ROW_J) + brn_trainer_mean(t, BRN_ROW_AMORTIZATION);
    if (isfinite(t->loss) && fabs(t->loss) <= t->set->train.divergence) return BRN_OK;
    return brn_fail(BRN_ERR_DIVERGED, "loss %g at step %lld (bound %g): lower train.potential.lr, or tighten conjugate.gtol",
                    isnan(t->loss) ? (double)NAN : t->loss, /* never "-nan" */
                    (long long)t->step, t->set->train.divergence);
}

/* One optimizer step from the gradient in f_grad[0] or h_grad[0]. */
static brn_status learn_net(brn_trainer *t, bool amortizer, double rate)
{
    brn_net *net = amortizer ? brn_amortizer_net(&t->model->h) : &t->model->f.part[0];
    if (!net) return BRN_OK;
    BRN_TRY(brn_optimizer_step(amortizer ? t->h_opt : t->f_opt, net, amortizer ? t->h_grad[0] : t->f_grad[0], rate));
    return brn_net_prepare(net, brn_device_queue(t->dev, 0));
}

/* The groups' gradients become one, with respect to theta. */
static brn_status reduce(brn_trainer *t, bool amortizer) { return brn_trainer_reduce(t, amortizer, t->wide ? 1 : t->groups); }

static double rate_now(const brn_trainer *t)
{
    return brn_schedule_rate(t->set->train.schedule, t->step, t->set->train.steps, t->set->train.warmup, t->set->train.lr_final);
}

static brn_status learn(brn_trainer *t)
{
    const double rate = rate_now(t);
    BRN_TRY(learn_net(t, false, rate));
    BRN_TRY(learn_net(t, true, rate));
    if (!t->model->averaged) return BRN_OK;
    return brn_average_update(t->dev, t->model->averaged, t->model->f.part[0].theta, t->set->train.averaging, t->step);
}

/* The amortizer's steps of its own, on fresh targets with f held. */
static brn_status learn_amortizer(brn_trainer *t)
{
    for (t->inner = 0; t->inner + 1 < t->set->train.amortizer_steps; ++t->inner) {
        BRN_TRY(brn_parallel(t->dev, t->y.tiles, draw_inner_tile, t));
        BRN_TRY(brn_parallel(t->dev, t->y.tiles, predict_tile, t));
        if (t->solver && t->set->train.loss == BRN_LOSS_REGRESSION) BRN_TRY(brn_solver_run(t->solver, &t->model->f, &t->y, &t->argmax));
        BRN_TRY(brn_trainer_gradient(t, true));
        BRN_TRY(reduce(t, true));
        BRN_TRY(learn_net(t, true, rate_now(t)));
    }
    return BRN_OK;
}

/* From the predictions to the arguments of f* that the dual takes. */
static brn_status conjugate(brn_trainer *t)
{
    if (t->solver && t->set->train.seek) BRN_TRY(seek(t));
    if (t->solver) return brn_solver_run(t->solver, &t->model->f, &t->y, &t->argmax);
    if (t->matching) return brn_matching_run(t->matching, t);
    return t->set->train.dual == BRN_DUAL_BATCH ? brn_batch_conjugate(t) : BRN_OK;
}

/* Where a part of the step began. */
typedef struct {
    double time;
    uint64_t waits;
} mark;

static mark mark_now(const brn_trainer *t) { return (mark){brn_seconds(), t->dev->counts.waits}; }

/* Book what came since `since` under a part of the step. */
static void book_phase(brn_trainer *t, brn_phase phase, mark *since)
{
    const mark now = mark_now(t);
    t->seconds[phase] += now.time - since->time;
    t->waits[phase] += now.waits - since->waits;
    *since = now;
}

brn_status brn_trainer_losses(brn_trainer *t)
{
    mark since = mark_now(t);
    BRN_TRY(learn_amortizer(t));
    book_phase(t, BRN_PHASE_LEARN, &since);
    BRN_TRY(brn_parallel(t->dev, t->x.tiles, draw_tile, t));
    book_phase(t, BRN_PHASE_DRAW, &since);
    BRN_TRY(brn_parallel(t->dev, t->x.tiles, predict_tile, t));
    book_phase(t, BRN_PHASE_PREDICT, &since);
    BRN_TRY(conjugate(t));
    book_phase(t, BRN_PHASE_CONJUGATE, &since);
    BRN_TRY(brn_trainer_gradient(t, false));
    BRN_TRY(send_next(t));
    BRN_TRY(read_losses(t));
    BRN_TRY(reduce(t, false));
    if (t->h_opt) BRN_TRY(reduce(t, true));
    book_phase(t, BRN_PHASE_GRADIENT, &since);
    return BRN_OK;
}

brn_status brn_trainer_step(brn_trainer *t)
{
    const uint64_t submissions = t->dev->counts.submissions;
    BRN_TRY(brn_trainer_losses(t));
    mark since = mark_now(t);
    BRN_TRY(learn(t));
    BRN_TRY(brn_flush(brn_device_queue(t->dev, 0))); /* the device learns while the next step is prepared */
    book_phase(t, BRN_PHASE_LEARN, &since);
    t->submissions += t->dev->counts.submissions - submissions;
    t->model->steps = ++t->step;
    return BRN_OK;
}
