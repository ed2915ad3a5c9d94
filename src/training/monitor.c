#include "training/monitor.h"
#include "core/memory.h"
#include "core/statistics.h"
#include "model/seek.h"

#include <math.h>
#include <stdlib.h>

struct brn_monitor {
    brn_trainer *t;
    brn_batch x, y, truth, grad, argmax, value;
    brn_solver *solver;
    brn_net spare;      /* holds averaged parameters */
    brn_buf *kept;      /* f(x) + f*(y) of the rows where their mean was lowest */
    float *values, *solved, *host_truth, *host_grad;
    double variance;    /* total variance of the true images */
    double identity, spread;
    bool known, exchanged; /* exchanged: the forward map is the conjugate's */
};

void brn_monitor_free(brn_monitor *m)
{
    if (!m) return;
    brn_batch *const batches[] = {&m->x, &m->y, &m->truth, &m->grad, &m->argmax, &m->value};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; ++i) brn_batch_free(batches[i]);
    brn_solver_free(m->solver);
    brn_net_free(&m->spare);
    brn_buf_free(m->kept);
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
    const brn_mat source = brn_batch_tile(m->exchanged ? &m->y : &m->x, i), target = brn_batch_tile(m->exchanged ? &m->x : &m->y, i);
    BRN_TRY(brn_pair_draw(t->pair, BRN_SOURCE, q, work, &draw, first, rows, source));
    draw.stream = BRN_STREAM_MONITOR_TARGET;
    BRN_TRY(brn_pair_draw(t->pair, BRN_TARGET, q, work, &draw, first, rows, target));
    return m->known ? brn_pair_true_map(t->pair, q, work, rows, source, brn_batch_tile(&m->truth, i)) : BRN_OK;
}

/* The batch as it is, before anything is learned. */
static brn_status measure_batch(brn_monitor *m)
{
    const brn_batch *const sides[] = {&m->x, &m->y};
    const int rows = m->x.rows, n = m->t->n;
    for (int side = 0; side < 2; ++side) {
        BRN_TRY(brn_batch_read(sides[side], m->host_grad));
        for (size_t i = 0; i < (size_t)rows * (size_t)n; ++i) m->identity += pow((double)m->host_grad[i], 2) / 2 / rows;
        m->spread += brn_total_variance((size_t)rows, n, m->host_grad) / 2;
    }
    return BRN_OK;
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
    BRN_TRY(brn_buf_create(&m->kept, t->dev, BRN_REAL, (size_t)rows, "evaluation batch"));
    BRN_TRY(brn_zero(brn_device_queue(t->dev, 0), (brn_view){m->kept, 0}, (size_t)rows));
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
    BRN_TRY(measure_batch(m));
    if (!m->known) return BRN_OK;
    BRN_TRY(brn_batch_read(&m->truth, m->host_truth));
    m->variance = brn_total_variance((size_t)rows, t->n, m->host_truth);
    return BRN_OK;
}

brn_status brn_monitor_create(brn_monitor **out, brn_trainer *t)
{
    *out = NULL;
    brn_monitor *m;
    BRN_TRY(BRN_ALLOC(&m, 1, "evaluation"));
    m->t = t;
    m->known = brn_pair_has_map(t->pair);
    m->exchanged = brn_potential_side(t->set) == BRN_TARGET;
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

static brn_status seek_tile(void *context, brn_queue *q, int i)
{
    const look_job *job = context;
    brn_monitor *m = job->m;
    brn_trainer_member *member = &m->t->member[brn_queue_index(q)];
    return brn_seek_tile(q, job->f, &member->f, brn_batch_rows(&m->y, i), brn_batch_tile(&m->y, i), brn_batch_tile(&m->argmax, i), member->value, &m->x,
                         &m->value);
}

/* The forward map's images, which `from` holds, against the true ones. */
static brn_status score(brn_monitor *m, const brn_batch *from, double *l2_uvp)
{
    double error = 0;
    BRN_TRY(brn_batch_read(from, m->host_grad));
    for (size_t i = 0; i < (size_t)m->x.rows * (size_t)m->t->n; ++i) error += pow((double)m->host_grad[i] - m->host_truth[i], 2);
    *l2_uvp = 100 * error / m->x.rows / m->variance;
    return BRN_OK;
}

/* Means over the rows; `values` becomes f(x) + f*(y). */
static brn_status sum_up(brn_monitor *m, brn_sight *sight)
{
    BRN_TRY(brn_batch_read(&m->value, m->values));
    BRN_TRY(brn_solver_read_info(m->solver, brn_device_queue(m->t->dev, 0), BRN_INFO_VALUE, m->solved, m->x.rows));
    for (int r = 0; r < m->x.rows; ++r) {
        m->values[r] += m->solved[r];
        sight->dual += (double)m->values[r] / m->x.rows;
        sight->failed += !isfinite(m->solved[r]) / (double)m->x.rows;
    }
    return BRN_OK;
}

brn_status brn_monitor_look(brn_monitor *m, brn_sight *sight)
{
    const bool predicted = m->t->set->eval.max_iterations == 0; /* H itself is the map */
    brn_pot f;
    *sight = (brn_sight){.l2_uvp = NAN};
    BRN_TRY(brn_model_evaluated(m->t->model, &m->spare, &f));
    BRN_TRY(brn_parallel(m->t->dev, m->x.tiles, look_tile, &(look_job){m, &f}));
    if (m->known && m->exchanged && predicted) BRN_TRY(score(m, &m->argmax, &sight->l2_uvp));
    if (m->t->set->train.seek) BRN_TRY(brn_parallel(m->t->dev, m->y.tiles, seek_tile, &(look_job){m, &f}));
    BRN_TRY(brn_solver_run(m->solver, &f, &m->y, &m->argmax));
    BRN_TRY(sum_up(m, sight));
    if (!m->known || (m->exchanged && predicted)) return BRN_OK;
    return score(m, m->exchanged ? &m->argmax : &m->grad, &sight->l2_uvp);
}

brn_status brn_monitor_keep(brn_monitor *m)
{
    return brn_write_f32(brn_device_queue(m->t->dev, 0), (brn_view){m->kept, 0}, m->values, (size_t)m->x.rows);
}

brn_buf *brn_monitor_kept(const brn_monitor *m) { return m->kept; }

brn_status brn_monitor_level(const brn_monitor *m, bool *level)
{
    const int rows = m->x.rows;
    double mean = 0, square = 0;
    BRN_TRY(brn_read_f32(brn_device_queue(m->t->dev, 0), (brn_view){m->kept, 0}, m->solved, (size_t)rows));
    for (int r = 0; r < rows; ++r) mean += ((double)m->values[r] - m->solved[r]) / rows;
    for (int r = 0; r < rows; ++r) square += pow((double)m->values[r] - m->solved[r] - mean, 2) / rows;
    *level = mean <= 2 * sqrt(square / rows); /* not where anything is not finite */
    return BRN_OK;
}

void brn_monitor_identity(const brn_monitor *m, double *dual, double *spread)
{
    *dual = m->identity;
    *spread = m->spread;
}
