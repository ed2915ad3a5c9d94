#include "training/monitor.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

struct brn_monitor {
    brn_trainer *t;
    brn_batch x, y, truth, grad, argmax, value;
    brn_solver *solver;
    brn_net spare;      /* holds averaged parameters */
    float *values, *solved, *host_truth, *host_grad;
    double variance;    /* total variance of the true images */
    bool known;
};

void brn_monitor_free(brn_monitor *m)
{
    if (!m) return;
    brn_batch *const batches[] = {&m->x, &m->y, &m->truth, &m->grad, &m->argmax, &m->value};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; ++i) brn_batch_free(batches[i]);
    brn_solver_free(m->solver);
    brn_net_free(&m->spare);
    free(m->values), free(m->solved), free(m->host_truth), free(m->host_grad);
    free(m);
}

static brn_status draw_tile(void *context, brn_queue *q, int i)
{
    brn_monitor *m = context;
    brn_trainer *t = m->t;
    brn_pair_work *work = t->member[brn_queue_index(q)].pair;
    const int rows = brn_batch_rows(&m->x, i), first = brn_batch_first(&m->x, i);
    brn_draw draw = {.seed = t->set->eval.seed, .batch = m->x.rows, .sampling = BRN_SAMPLING_IID, .stream = BRN_STREAM_MONITOR_SOURCE};
    BRN_TRY(brn_pair_draw(t->pair, BRN_SOURCE, q, work, &draw, first, rows, brn_batch_tile(&m->x, i)));
    draw.stream = BRN_STREAM_MONITOR_TARGET;
    BRN_TRY(brn_pair_draw(t->pair, BRN_TARGET, q, work, &draw, first, rows, brn_batch_tile(&m->y, i)));
    return m->known ? brn_pair_true_map(t->pair, q, work, rows, brn_batch_tile(&m->x, i), brn_batch_tile(&m->truth, i)) : BRN_OK;
}

/* Sum over the coordinates of the variance of the rows. */
static double total_variance(const float *rows, int count, int n)
{
    double variance = 0;
    for (int i = 0; i < n; ++i) {
        double sum = 0, square = 0;
        for (int r = 0; r < count; ++r) sum += rows[(size_t)r * (size_t)n + (size_t)i];
        const double mean = sum / count;
        for (int r = 0; r < count; ++r) square += pow(rows[(size_t)r * (size_t)n + (size_t)i] - mean, 2);
        variance += square / count;
    }
    return variance;
}

static brn_status create_parts(brn_monitor *m)
{
    brn_trainer *t = m->t;
    const int rows = brn_monitor_rows(t->set);
    const size_t count = (size_t)rows * (size_t)t->n;
    BRN_TRY(brn_batch_create(&m->x, t->dev, t->n, rows, "evaluation batch"));
    BRN_TRY(brn_batch_create(&m->y, t->dev, t->n, rows, "evaluation batch"));
    BRN_TRY(brn_batch_create(&m->truth, t->dev, t->n, rows, "evaluation batch"));
    BRN_TRY(brn_batch_create(&m->grad, t->dev, t->n, rows, "evaluation batch"));
    BRN_TRY(brn_batch_create(&m->argmax, t->dev, t->n, rows, "evaluation batch"));
    BRN_TRY(brn_batch_beside(&m->value, &m->x, 1, "evaluation batch"));
    BRN_TRY(BRN_ALLOC(&m->values, (size_t)rows, "evaluation"));
    BRN_TRY(BRN_ALLOC(&m->solved, (size_t)rows, "evaluation"));
    BRN_TRY(BRN_ALLOC(&m->host_truth, count, "evaluation"));
    BRN_TRY(BRN_ALLOC(&m->host_grad, count, "evaluation"));
    brn_conjugate_settings set = t->set->conjugate;
    set.gtol = t->set->eval.gtol;
    set.max_evaluations = t->set->eval.max_evaluations;
    set.running_scale = false;
    BRN_TRY(brn_solver_create(&m->solver, t->dev, &t->model->f, &set, rows));
    BRN_TRY(brn_parallel(t->dev, m->x.tiles, draw_tile, m));
    BRN_TRY(brn_batch_read(&m->value, m->values)); /* zeros: that there is room for the transfer is found out now */
    if (!m->known) return BRN_OK;
    BRN_TRY(brn_batch_read(&m->truth, m->host_truth));
    m->variance = total_variance(m->host_truth, rows, t->n);
    return BRN_OK;
}

brn_status brn_monitor_create(brn_monitor **out, brn_trainer *t)
{
    *out = NULL;
    brn_monitor *m;
    BRN_TRY(BRN_ALLOC(&m, 1, "evaluation"));
    m->t = t;
    m->known = brn_pair_has_map(t->pair);
    brn_status status = create_parts(m);
    if (status != BRN_OK) {
        brn_monitor_free(m);
        return status;
    }
    *out = m;
    return BRN_OK;
}

typedef struct {
    brn_monitor *m;
    const brn_pot *f;
} look_job;

static brn_status look_tile(void *context, brn_queue *q, int i)
{
    const look_job *job = context;
    brn_monitor *m = job->m;
    brn_trainer_member *member = &m->t->member[brn_queue_index(q)];
    const int rows = brn_batch_rows(&m->x, i);
    BRN_TRY(brn_pot_value_grad(q, job->f, &member->f, rows, brn_batch_tile(&m->x, i), brn_batch_tile(&m->value, i), brn_batch_tile(&m->grad, i)));
    return brn_amortizer_forward(q, &m->t->model->h, &member->h, rows, brn_batch_tile(&m->y, i), brn_batch_tile(&m->argmax, i));
}

brn_status brn_monitor_look(brn_monitor *m, double *dual, double *l2_uvp)
{
    brn_pot f;
    BRN_TRY(brn_model_evaluated(m->t->model, &m->spare, &f));
    BRN_TRY(brn_parallel(m->t->dev, m->x.tiles, look_tile, &(look_job){m, &f}));
    BRN_TRY(brn_solver_run(m->solver, &f, &m->y, &m->argmax));
    BRN_TRY(brn_batch_read(&m->value, m->values));
    BRN_TRY(brn_solver_read_info(m->solver, brn_device_queue(m->t->dev, 0), BRN_INFO_VALUE, m->solved, m->x.rows));
    *dual = 0;
    for (int r = 0; r < m->x.rows; ++r) *dual += ((double)m->values[r] + m->solved[r]) / m->x.rows;
    *l2_uvp = NAN;
    if (!m->known) return BRN_OK;
    BRN_TRY(brn_batch_read(&m->grad, m->host_grad));
    double error = 0;
    for (size_t i = 0; i < (size_t)m->x.rows * (size_t)m->t->n; ++i) error += pow((double)m->host_grad[i] - m->host_truth[i], 2);
    *l2_uvp = 100 * error / m->x.rows / m->variance;
    return BRN_OK;
}
