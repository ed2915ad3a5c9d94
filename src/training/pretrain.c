/* Pretraining: grad f(x) = x and H(y) = y on uniform samples of a box, by Adam (METHOD: section 5). */
#include "training/trainer.h"

#include <math.h>

typedef struct {
    brn_trainer *t;
    bool amortizer;          /* which network learns */
    uint64_t step;
} pretrain_job;

/* With r = grad f(x) - x: the loss is mean |r|^2, and its parameter gradient that of <2 r / B, grad f(x)>. */
static brn_status potential_tile(const pretrain_job *job, brn_queue *q, brn_trainer_member *m, int rows, brn_mat x, brn_mat loss, brn_buf *grad)
{
    const brn_pot *f = &job->t->model->f;
    BRN_TRY(brn_pot_value_grad(q, f, &m->f, rows, x, m->value, m->a));
    BRN_TRY(brn_mat_axpby(q, rows, -1, x, 1, m->a));
    BRN_TRY(BRN_LAUNCH(q, row_dot, rows, x.feats, (.ldx = m->a.ld, .ldy = m->a.ld, .s = 1), brn_mat_view(m->a), brn_mat_view(m->a), brn_mat_view(loss)));
    return brn_pot_mixed(q, f, &m->f, rows, 2.0f / (float)job->t->batch, x, m->a, grad, (brn_mat){0});
}

static brn_status amortizer_tile(const pretrain_job *job, brn_queue *q, brn_trainer_member *m, brn_amortizer_work *tape, int rows, brn_mat x,
                                 brn_mat loss, brn_buf *grad)
{
    const brn_amortizer *h = &job->t->model->h;
    BRN_TRY(brn_amortizer_forward(q, h, tape, rows, x, m->a));
    BRN_TRY(brn_mat_axpby(q, rows, -1, x, 1, m->a));
    BRN_TRY(BRN_LAUNCH(q, row_dot, rows, x.feats, (.ldx = m->a.ld, .ldy = m->a.ld, .s = 1), brn_mat_view(m->a), brn_mat_view(m->a), brn_mat_view(loss)));
    BRN_TRY(brn_mat_axpby(q, rows, 2.0f / (float)job->t->batch, m->a, 0, m->a));
    return brn_amortizer_reverse(q, h, tape, rows, x, m->a, grad, (brn_mat){0});
}

static brn_status pretrain_group(void *context, brn_queue *q, int group)
{
    const pretrain_job *job = context;
    brn_trainer *t = job->t;
    brn_trainer_member *m = &t->member[brn_queue_index(q)];
    brn_buf *grad = job->amortizer ? t->h_grad[group] : t->f_grad[group];
    BRN_TRY(brn_zero(q, (brn_view){grad, 0}, brn_buf_count(grad)));
    for (int i = group * t->x.tiles / t->groups; i < (group + 1) * t->x.tiles / t->groups; ++i) {
        const brn_mat x = brn_batch_tile(&t->x, i), loss = brn_mat_features(brn_batch_tile(&t->rows, i), BRN_ROW_F, 1);
        const int rows = brn_batch_rows(&t->x, i);
        BRN_TRY(BRN_LAUNCH(q, uniform_box, rows, t->n,
                           (.ld = x.ld, .first = brn_batch_first(&t->x, i), .seed0 = (unsigned)t->set->seed, .seed1 = (unsigned)(t->set->seed >> 32),
                            .stream = BRN_STREAM_PRETRAIN + 16 * (unsigned)job->amortizer, .step = (unsigned)job->step,
                            .low = (float)t->set->train.pretrain_low, .high = (float)t->set->train.pretrain_high),
                           brn_mat_view(x)));
        if (job->amortizer) BRN_TRY(amortizer_tile(job, q, m, &t->tape[i], rows, x, loss, grad));
        else BRN_TRY(potential_tile(job, q, m, rows, x, loss, grad));
    }
    return BRN_OK;
}

static brn_status mean_loss(brn_trainer *t, double *loss)
{
    BRN_TRY(brn_trainer_read_rows(t));
    *loss = brn_trainer_mean(t, BRN_ROW_F);
    if (isfinite(*loss)) return BRN_OK;
    return brn_fail(BRN_ERR_DIVERGED, "pretraining: the loss is not finite; lower train.pretrain_lr");
}

/* One network until its loss is below the tolerance or the steps are used up. */
static brn_status pretrain_net(pretrain_job *job, brn_net *net, brn_pretrain_fn progress, void *user)
{
    brn_trainer *t = job->t;
    const int64_t steps = t->set->train.pretrain_steps;
    brn_optimizer_settings adam = {.kind = BRN_OPT_ADAMW, .lr = t->set->train.pretrain_lr, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    brn_optimizer *opt;
    BRN_TRY(brn_optimizer_create(&opt, t->dev, &net->shape, &adam));
    brn_status status = BRN_OK;
    for (int64_t k = 0; k < steps && status == BRN_OK; ++k) {
        double loss;
        job->step = (uint64_t)k;
        BRN_GO(brn_parallel(t->dev, t->groups, pretrain_group, job));
        BRN_GO(mean_loss(t, &loss));
        if (loss < t->set->train.pretrain_tolerance) break;
        BRN_GO(brn_trainer_reduce(t, job->amortizer, t->groups));
        BRN_GO(brn_optimizer_step(opt, net, job->amortizer ? t->h_grad[0] : t->f_grad[0], 1));
        BRN_GO(brn_net_prepare(net, brn_device_queue(t->dev, 0)));
        if (progress && !progress(user, k, steps, loss)) status = brn_fail(BRN_ERR_STOPPED, "stopped while pretraining");
    }
done:
    brn_optimizer_free(opt);
    return status;
}

bool brn_pretrains(const brn_settings *s)
{
    return s->train.start == BRN_START_PRETRAIN || (s->train.start == BRN_START_IDENTITY && s->potential.kind == BRN_POTENTIAL_QUADRATIC);
}

brn_status brn_pretrain(brn_trainer *t, brn_pretrain_fn progress, void *user)
{
    brn_net *h = brn_amortizer_net(&t->model->h);
    BRN_TRY(pretrain_net(&(pretrain_job){.t = t}, &t->model->f.part[0], progress, user));
    if (h && t->model->h.kind == BRN_AMORTIZER_GRADIENT && h->shape.size == t->model->f.part[0].shape.size) /* the same network: copy it */
    {
        BRN_TRY(brn_copy(brn_device_queue(t->dev, 0), (brn_view){h->theta, 0}, (brn_view){t->model->f.part[0].theta, 0}, h->shape.size));
        return brn_net_prepare(h, brn_device_queue(t->dev, 0));
    }
    if (h) BRN_TRY(pretrain_net(&(pretrain_job){.t = t, .amortizer = true}, h, progress, user));
    return BRN_OK;
}
