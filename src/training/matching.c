/* The optimal assignment of a batch for the cost |x - y|^2 / 2, from which f learns by regression. It is a linear
 * program over the host's copy of the batch; what follows from it goes back to the device, a few numbers a row. */
#include "core/assignment.h"
#include "core/memory.h"
#include "training/losses.h"

#include <math.h>
#include <stdlib.h>

struct brn_matching {
    brn_batch rows, values;    /* [BRN_MATCH_FIELDS]; f(x), f(y) */
    double *x, *y, *f, *fields; /* host copies: [batch][n] twice, [batch][2], [batch][BRN_MATCH_FIELDS] */
    double *cost, *a, *b;      /* [batch][batch]; potentials of x and y */
    int *target;               /* number of the y of each x */
};

void brn_matching_free(brn_matching *m)
{
    if (!m) return;
    brn_batch_free(&m->rows), brn_batch_free(&m->values);
    free(m->x), free(m->y), free(m->f), free(m->fields), free(m->cost), free(m->a), free(m->b), free(m->target);
    free(m);
}

static brn_status create_parts(brn_matching *m, brn_trainer *t)
{
    const size_t batch = (size_t)t->batch, numbers = batch * (size_t)t->n;
    BRN_TRY(brn_batch_beside(&m->rows, &t->x, BRN_MATCH_FIELDS, "losses"));
    BRN_TRY(brn_batch_beside(&m->values, &t->x, 2, "losses"));
    BRN_TRY(BRN_ALLOC(&m->x, numbers, "assignment"));
    BRN_TRY(BRN_ALLOC(&m->y, numbers, "assignment"));
    BRN_TRY(BRN_ALLOC(&m->f, 2 * batch, "assignment"));
    BRN_TRY(BRN_ALLOC(&m->fields, BRN_MATCH_FIELDS * batch, "assignment"));
    BRN_TRY(BRN_ALLOC(&m->cost, batch * batch, "assignment"));
    BRN_TRY(BRN_ALLOC(&m->a, batch, "assignment"));
    BRN_TRY(BRN_ALLOC(&m->b, batch, "assignment"));
    BRN_TRY(BRN_ALLOC(&m->target, batch, "assignment"));
    BRN_TRY(brn_batch_write_f64(&m->rows, m->fields)); /* zeros: that there is room for the transfers is found out now */
    return brn_batch_read_f64(&t->x, m->x);
}

brn_status brn_matching_create(brn_matching **out, brn_trainer *t)
{
    *out = NULL;
    brn_matching *m;
    BRN_TRY(BRN_ALLOC(&m, 1, "assignment"));
    const brn_status status = create_parts(m, t);
    if (status != BRN_OK) {
        brn_matching_free(m);
        return status;
    }
    *out = m;
    return BRN_OK;
}

const brn_batch *brn_matching_rows(const brn_matching *m) { return &m->rows; }

typedef struct {
    brn_trainer *t;
    brn_matching *m;
} value_job;

static brn_status value_tile(void *context, brn_queue *q, int i)
{
    const value_job *job = context;
    brn_trainer *t = job->t;
    brn_pot_work *work = &t->member[brn_queue_index(q)].f;
    const brn_mat to = brn_batch_tile(&job->m->values, i);
    const int rows = brn_batch_rows(&t->x, i);
    BRN_TRY(brn_pot_value(q, &t->model->f, work, rows, brn_batch_tile(&t->x, i), brn_mat_features(to, 0, 1)));
    return brn_pot_value(q, &t->model->f, work, rows, brn_batch_tile(&t->y, i), brn_mat_features(to, 1, 1));
}

static double half_square(int n, const double *x, const double *y)
{
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += pow(x[i] - (y ? y[i] : 0), 2);
    return sum / 2;
}

/* Potentials with a[i] + b[j] <= |x_i - y_j|^2 / 2, of equal sums: one constant is free. */
static brn_status solve(brn_matching *m, int batch, int n)
{
    for (int i = 0; i < batch; ++i)
        for (int j = 0; j < batch; ++j)
            m->cost[(size_t)i * (size_t)batch + (size_t)j] = half_square(n, m->x + (size_t)i * (size_t)n, m->y + (size_t)j * (size_t)n);
    BRN_TRY(brn_assignment(batch, m->cost, m->target, m->a, m->b));
    double surplus = 0;
    for (int i = 0; i < batch; ++i) surplus += (m->a[i] - m->b[i]) / (2 * batch);
    for (int i = 0; i < batch; ++i) m->a[i] -= surplus, m->b[i] += surplus;
    return BRN_OK;
}

/* q = f - |.|^2 / 2 is to be -a on x, and b on y in the mean: where f is right, -a is its value there. */
static void derive(brn_matching *m, int batch, int n)
{
    double gap = 0;
    for (int j = 0; j < batch; ++j) gap += (m->f[2 * j + 1] - half_square(n, m->y + (size_t)j * (size_t)n, NULL) - m->b[j]) / batch;
    for (int i = 0; i < batch; ++i) {
        const double *x = m->x + (size_t)i * (size_t)n, *y = m->y + (size_t)m->target[i] * (size_t)n;
        const double off = m->f[2 * i] - half_square(n, x, NULL) + m->a[i];
        double *field = m->fields + BRN_MATCH_FIELDS * i;
        field[BRN_MATCH_X] = off / batch;
        field[BRN_MATCH_Y] = gap / batch;
        field[BRN_MATCH_LENGTH] = sqrt(2 * half_square(n, x, y));
        field[BRN_MATCH_LOSS] = (off * off + gap * gap) / 2;
    }
}

brn_status brn_matching_run(brn_matching *m, brn_trainer *t)
{
    BRN_TRY(brn_parallel(t->dev, t->x.tiles, value_tile, &(value_job){t, m}));
    BRN_TRY(brn_batch_read_f64(&m->values, m->f));
    BRN_TRY(brn_batch_read_f64(&t->x, m->x));
    BRN_TRY(brn_batch_read_f64(&t->y, m->y));
    BRN_TRY(solve(m, t->batch, t->n));
    derive(m, t->batch, t->n);
    return brn_batch_write_f64(&m->rows, m->fields);
}
