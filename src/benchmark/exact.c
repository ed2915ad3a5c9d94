#include "benchmark/exact.h"
#include "core/memory.h"
#include "measures/mixtures.h"

#include <math.h>
#include <stdlib.h>

struct brn_exact {
    brn_device *dev;
    brn_pot psi;
    int works;
    brn_pot_work *work; /* per queue, for both networks */
    brn_batch x, grad, value;
};

void brn_exact_close(brn_exact *e)
{
    if (!e) return;
    for (int i = 0; i < e->works; ++i) brn_pot_work_free(&e->work[i]);
    free(e->work);
    brn_batch_free(&e->x), brn_batch_free(&e->grad), brn_batch_free(&e->value);
    brn_pot_free(&e->psi);
    brn_device_close(e->dev);
    free(e);
}

/* The quadratic term is that of both networks: the first one's parameter holds it. */
static brn_status load(brn_exact *e, const brn_frozen *f, int v)
{
    brn_net_shape shape;
    double *theta;
    BRN_TRY(brn_shape_quadratic_icnn(&shape, f->n, f->width));
    BRN_TRY(BRN_ALLOC(&theta, shape.size, "network"));
    for (int i = 0; i < BRN_FROZEN_TENSORS; ++i) {
        const brn_frozen_tensor *t = &f->tensor[i];
        const size_t at = brn_shape_find(&shape, t->ours)->at, out = (size_t)t->out, in = t->in ? (size_t)t->in : 1;
        for (size_t k = 0; k < in * out; ++k) theta[at + k] = f->part[v][t->at + k % out * in + k / out];
    }
    theta[shape.log_alpha] = log(BRN_FROZEN_PARTS * BRN_QUADRATIC_ALPHA);
    brn_status status = brn_net_create(&e->psi.part[v], e->dev, &shape);
    if (status == BRN_OK) {
        e->psi.parts = v + 1;
        status = brn_write_f64(brn_device_queue(e->dev, 0), (brn_view){e->psi.part[v].theta, 0}, theta, shape.size);
    }
    free(theta);
    return status;
}

static brn_status open_parts(brn_exact *e, const brn_frozen *f, int threads)
{
    BRN_TRY(brn_device_open(&e->dev, "host:f64", threads));
    e->psi.scale = 1;
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) BRN_TRY(load(e, f, v));
    BRN_TRY(brn_batch_create(&e->x, e->dev, f->n, BRN_MIXTURE_BLOCK, "points"));
    BRN_TRY(brn_batch_create(&e->grad, e->dev, f->n, BRN_MIXTURE_BLOCK, "points"));
    BRN_TRY(brn_batch_beside(&e->value, &e->x, 1, "points"));
    BRN_TRY(BRN_ALLOC(&e->work, (size_t)brn_device_queues(e->dev), "points"));
    for (; e->works < brn_device_queues(e->dev); ++e->works)
        BRN_TRY(brn_pot_work_create(&e->work[e->works], &e->psi, e->x.lanes, BRN_TAPE_FIRST));
    return BRN_OK;
}

brn_status brn_exact_open(brn_exact **out, const brn_frozen *f, int threads)
{
    brn_exact *e;
    *out = NULL;
    BRN_TRY(BRN_ALLOC(&e, 1, "networks"));
    const brn_status status = open_parts(e, f, threads);
    if (status == BRN_OK) *out = e;
    else brn_exact_close(e);
    return status;
}

typedef struct {
    brn_exact *e;
    const brn_pot *f;
} job;

static brn_status evaluate_tile(void *context, brn_queue *q, int t)
{
    const job *j = context;
    brn_exact *e = j->e;
    return brn_pot_value_grad(q, j->f, &e->work[brn_queue_index(q)], brn_batch_rows(&e->x, t), brn_batch_tile(&e->x, t),
                              brn_batch_tile(&e->value, t), brn_batch_tile(&e->grad, t));
}

/* A single network has the quadratic term of both; what belongs to the other one comes off. */
static void leave_one(const brn_exact *e, size_t rows, const float *x, double *value, double *grad)
{
    const size_t n = (size_t)brn_pot_dim(&e->psi);
    const double surplus = (BRN_FROZEN_PARTS - 1) * BRN_QUADRATIC_ALPHA;
    for (size_t k = 0; k < rows * n; ++k) {
        grad[k] -= surplus * x[k];
        if (value) value[k / n] -= surplus / 2 * x[k] * x[k];
    }
}

brn_status brn_exact_gradients(brn_exact *e, int part, size_t rows, const float *x, double *value, double *grad)
{
    const bool both = part == BRN_FROZEN_PARTS;
    const brn_pot one = {.parts = 1, .part = {e->psi.part[both ? 0 : part]}, .scale = 1};
    e->x = brn_batch_part(&e->x, (int)rows), e->grad = brn_batch_part(&e->grad, (int)rows), e->value = brn_batch_part(&e->value, (int)rows);
    BRN_TRY(brn_batch_write(&e->x, x));
    BRN_TRY(brn_parallel(e->dev, e->x.tiles, evaluate_tile, &(job){e, both ? &e->psi : &one}));
    BRN_TRY(brn_batch_read_f64(&e->grad, grad));
    if (value) BRN_TRY(brn_batch_read_f64(&e->value, value));
    if (!both) leave_one(e, rows, x, value, grad);
    return BRN_OK;
}
