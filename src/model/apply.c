/* Models applied to rows in raw coordinates. With x' = (x - a) / s and y' = (y - b) / s the learned
 * potential f of the standardised problem gives, in raw coordinates,
 *
 *     F(x) = s^2 f(x') + <b, x>          T(x) = grad F(x) = b + s grad f(x')
 *     F*(y) = s^2 f*(y') + <a, y - b>    grad F*(y) = a + s grad f*(y')
 *
 * so that F + F* = <x, y> wherever f + f* = <x', y'>. With exchanged roles f lives on the target, and all this holds
 * with the two sides exchanged: T is then the conjugate's map, and what is called F outside is the conjugate's value.
 * Rows pass in chunks of bounded memory; a row's result does not depend on its chunk. */
#include "model/model.h"
#include "core/memory.h"
#include "model/seek.h"

#include <stdlib.h>

enum { CHUNK_ROWS = 16384, CHUNK_REALS = 1 << 22, LEAST_ROWS = 64 };

/* What one call works with. */
typedef struct {
    const brn_model *m;
    brn_side side;           /* of x: the measure that f lives on */
    brn_net spare;
    brn_pot f;
    int chunk;               /* rows */
    brn_batch x, y, value;   /* y holds grad f(x), or the conjugate's y; value f(x), or that of a solve's start */
    brn_batch start, start_value; /* samples where solves may start, and f there; no tiles without such */
    int works;
    brn_pot_work *f_work;    /* one per queue */
    brn_amortizer_work *h_work;
    brn_solver *solver;
    bool predicted;          /* no iterations: the amortizer's word is taken */
    float *rows;             /* [chunk][n], standardised */
    double *numbers;         /* [chunk] */
} session;

static void session_close(session *s)
{
    for (int i = 0; i < s->works; ++i) {
        if (s->f_work) brn_pot_work_free(&s->f_work[i]);
        if (s->h_work) brn_amortizer_work_free(&s->h_work[i]);
    }
    free(s->f_work), free(s->h_work), free(s->rows), free(s->numbers);
    brn_solver_free(s->solver);
    brn_batch_free(&s->x), brn_batch_free(&s->y), brn_batch_free(&s->value);
    brn_batch_free(&s->start), brn_batch_free(&s->start_value);
    brn_net_free(&s->spare);
}

static int chunk_rows(int n, size_t count)
{
    int rows = CHUNK_REALS / n / LEAST_ROWS * LEAST_ROWS;
    if (rows < LEAST_ROWS) rows = LEAST_ROWS;
    if (rows > CHUNK_ROWS) rows = CHUNK_ROWS;
    return count < (size_t)rows ? (int)count : rows;
}

/* Transfers make a staging buffer each time: there must be room for one. */
static brn_status probe_staging(const session *s)
{
    brn_buf *staging;
    BRN_TRY(brn_buf_create(&staging, s->m->dev, BRN_REAL, (size_t)s->x.tile_rows * (size_t)s->m->n, "staging"));
    brn_buf_free(staging);
    return BRN_OK;
}

/* What every use needs, for chunks of `rows`. A failure leaves the session to session_close, as success does. */
static brn_status session_open(session *s, const brn_model *m, int rows)
{
    *s = (session){.m = m, .side = brn_potential_side(&m->settings), .chunk = rows, .works = brn_device_queues(m->dev)};
    BRN_TRY(brn_model_evaluated(m, &s->spare, &s->f));
    BRN_TRY(brn_batch_create(&s->x, m->dev, m->n, s->chunk, "rows"));
    BRN_TRY(brn_batch_create(&s->y, m->dev, m->n, s->chunk, "rows"));
    BRN_TRY(probe_staging(s));
    BRN_TRY(BRN_ALLOC(&s->numbers, (size_t)s->chunk, "values"));
    return BRN_ALLOC(&s->rows, (size_t)s->chunk * (size_t)m->n, "rows");
}

/* Is it worth to try again with half the rows? On devices whose tile is a whole chunk; elsewhere scratch does not depend on it. */
static bool try_smaller(brn_status status, const brn_model *m, int *rows)
{
    if (status != BRN_ERR_MEMORY || *rows <= LEAST_ROWS || brn_device_tile_rows(m->dev, m->n) <= LEAST_ROWS) return false;
    *rows = (*rows / 2 + LEAST_ROWS - 1) / LEAST_ROWS * LEAST_ROWS;
    return true;
}

/* ---- coordinates ------------------------------------------------------------------------------- */

static brn_status write_raw(const session *s, brn_side side, const float *raw, brn_batch *to)
{
    const brn_model *m = s->m;
    if (!m->standardized) return brn_batch_write(to, raw);
    brn_model_standardized_rows(m, side, (size_t)to->rows, raw, s->rows);
    return brn_batch_write(to, s->rows);
}

static brn_status read_raw(const session *s, brn_side side, const brn_batch *from, float *raw)
{
    const brn_model *m = s->m;
    BRN_TRY(brn_batch_read(from, raw));
    const size_t n = (size_t)m->n, count = m->standardized ? (size_t)from->rows : 0;
    for (size_t r = 0; r < count; ++r)
        for (size_t i = 0; i < n; ++i) raw[r * n + i] = (float)(m->shift[side][i] + m->scale * raw[r * n + i]);
    return BRN_OK;
}

/* s->numbers become values in raw coordinates: of f at raw rows x, */
static void potential_values(const session *s, int rows, const float *x, float *value)
{
    const brn_model *m = s->m;
    for (int r = 0; r < rows; ++r) {
        double sum = s->numbers[r] * m->scale * m->scale;
        for (int i = 0; m->standardized && i < m->n; ++i) sum += m->shift[1 - s->side][i] * x[(size_t)r * (size_t)m->n + (size_t)i];
        value[r] = (float)sum;
    }
}

/* and of f* at raw rows y. */
static void conjugate_values(const session *s, int rows, const float *y, float *value)
{
    const brn_model *m = s->m;
    const double *a = m->shift[s->side], *b = m->shift[1 - s->side];
    for (int r = 0; r < rows; ++r) {
        double sum = s->numbers[r] * m->scale * m->scale;
        for (int i = 0; m->standardized && i < m->n; ++i) sum += a[i] * (y[(size_t)r * (size_t)m->n + (size_t)i] - b[i]);
        value[r] = (float)sum;
    }
}

/* ---- potential and its gradient ---------------------------------------------------------------- */

typedef struct {
    const session *s;
    const brn_batch *x;
    bool gradient;
} evaluation;

static brn_status evaluate_tile(void *context, brn_queue *q, int t)
{
    const evaluation *e = context;
    const session *s = e->s;
    brn_pot_work *work = &s->f_work[brn_queue_index(q)];
    const brn_mat x = brn_batch_tile(e->x, t), value = brn_batch_tile(&s->value, t);
    const int rows = brn_batch_rows(e->x, t);
    return e->gradient ? brn_pot_value_grad(q, &s->f, work, rows, x, value, brn_batch_tile(&s->y, t))
                       : brn_pot_value(q, &s->f, work, rows, x, value);
}

static brn_status create_f_work(session *s, int lanes)
{
    BRN_TRY(BRN_ALLOC(&s->f_work, (size_t)s->works, "potential scratch"));
    for (int i = 0; i < s->works; ++i) BRN_TRY(brn_pot_work_create(&s->f_work[i], &s->f, lanes, BRN_TAPE_FIRST));
    return BRN_OK;
}

static brn_status evaluate_open(session *s, const brn_model *m, int rows)
{
    BRN_TRY(session_open(s, m, rows));
    BRN_TRY(brn_batch_beside(&s->value, &s->x, 1, "values"));
    return create_f_work(s, s->x.lanes);
}

static brn_status evaluate_chunk(session *s, int rows, const float *x, float *grad, float *value)
{
    brn_batch xb = brn_batch_part(&s->x, rows);
    const brn_batch yb = brn_batch_part(&s->y, rows), vb = brn_batch_part(&s->value, rows);
    BRN_TRY(write_raw(s, s->side, x, &xb));
    BRN_TRY(brn_parallel(s->m->dev, xb.tiles, evaluate_tile, &(evaluation){s, &xb, grad != NULL}));
    if (grad) return read_raw(s, 1 - s->side, &yb, grad);
    BRN_TRY(brn_batch_read_f64(&vb, s->numbers));
    potential_values(s, rows, x, value);
    return BRN_OK;
}

brn_status brn_model_gradient(const brn_model *m, const float *x, size_t count, float *grad, float *value)
{
    if (!count) return BRN_OK;
    session s;
    const size_t n = (size_t)m->n;
    brn_status status;
    int chunk = chunk_rows(m->n, count);
    for (;;) {
        status = evaluate_open(&s, m, chunk);
        if (!try_smaller(status, m, &chunk)) break;
        session_close(&s);
    }
    if (status != BRN_OK) goto done;
    for (size_t at = 0; at < count; at += (size_t)s.chunk) {
        const int rows = count - at < (size_t)s.chunk ? (int)(count - at) : s.chunk;
        BRN_GO(evaluate_chunk(&s, rows, x + at * n, grad ? grad + at * n : NULL, value ? value + at : NULL));
    }
done:
    session_close(&s);
    return status;
}

/* ---- conjugate --------------------------------------------------------------------------------- */

typedef struct {
    const session *s;
    const brn_batch *x, *y;
} prediction;

static brn_status predict_tile(void *context, brn_queue *q, int t)
{
    const prediction *p = context;
    const session *s = p->s;
    const int worker = brn_queue_index(q), rows = brn_batch_rows(p->y, t);
    const brn_mat x = brn_batch_tile(p->x, t), y = brn_batch_tile(p->y, t);
    BRN_TRY(brn_amortizer_forward(q, &s->m->h, &s->h_work[worker], rows, y, x));
    if (!s->start.tiles) return BRN_OK;
    return brn_seek_tile(q, &s->f, &s->f_work[worker], rows, y, x, brn_batch_tile(&s->value, t), &s->start, &s->start_value);
}

static brn_status start_value_tile(void *context, brn_queue *q, int t)
{
    session *s = context;
    return brn_pot_value(q, &s->f, &s->f_work[brn_queue_index(q)], brn_batch_rows(&s->start, t), brn_batch_tile(&s->start, t),
                         brn_batch_tile(&s->start_value, t));
}

/* The model's samples where solves may start. */
static brn_status open_starts(session *s)
{
    const brn_model *m = s->m;
    BRN_TRY(brn_batch_beside(&s->value, &s->x, 1, "values"));
    BRN_TRY(brn_batch_create(&s->start, m->dev, m->n, (int)m->starts, "rows"));
    BRN_TRY(brn_batch_beside(&s->start_value, &s->start, 1, "values"));
    BRN_TRY(brn_batch_write(&s->start, m->start));
    BRN_TRY(create_f_work(s, s->start.lanes > s->x.lanes ? s->start.lanes : s->x.lanes));
    return brn_parallel(m->dev, s->start.tiles, start_value_tile, s);
}

static brn_status conjugate_open(session *s, const brn_model *m, const brn_conjugate_settings *set, int rows)
{
    BRN_TRY(session_open(s, m, rows));
    s->predicted = set->max_iterations == 0;
    BRN_TRY(brn_solver_create(&s->solver, m->dev, &s->f, set, s->chunk));
    BRN_TRY(BRN_ALLOC(&s->h_work, (size_t)s->works, "amortizer scratch"));
    for (int i = 0; i < s->works; ++i) BRN_TRY(brn_amortizer_work_create(&s->h_work[i], &m->h, s->x.lanes));
    return m->starts && !s->predicted ? open_starts(s) : BRN_OK;
}

static brn_status read_info(const session *s, int field, int rows)
{
    const brn_mat info = brn_mat_features(brn_solver_info(s->solver), field, 1);
    return brn_read_f64(brn_device_queue(s->m->dev, 0), brn_mat_view(info), s->numbers, (size_t)rows);
}

static brn_status read_rows_info(const session *s, int rows, brn_conjugate_row *out)
{
    BRN_TRY(read_info(s, BRN_INFO_STOP, rows));
    for (int r = 0; r < rows; ++r) {
        const brn_conjugate_stop stop = (brn_conjugate_stop)s->numbers[r];
        out[r].stop = s->predicted && stop == BRN_CONJUGATE_MAX_ITERATIONS ? BRN_CONJUGATE_CONVERGED : stop; /* of none */
    }
    BRN_TRY(read_info(s, BRN_INFO_ITERATIONS, rows));
    for (int r = 0; r < rows; ++r) out[r].iterations = (int)s->numbers[r];
    BRN_TRY(read_info(s, BRN_INFO_EVALUATIONS, rows));
    for (int r = 0; r < rows; ++r) out[r].evaluations = (int)s->numbers[r];
    BRN_TRY(read_info(s, BRN_INFO_GRADIENT, rows));
    for (int r = 0; r < rows; ++r) out[r].gradient = (float)s->numbers[r];
    return BRN_OK;
}

static brn_status conjugate_chunk(session *s, int rows, const float *y, bool warm_start, float *x, float *value,
                                  brn_conjugate_row *out)
{
    brn_batch xb = brn_batch_part(&s->x, rows), yb = brn_batch_part(&s->y, rows);
    BRN_TRY(write_raw(s, 1 - s->side, y, &yb));
    if (warm_start) BRN_TRY(write_raw(s, s->side, x, &xb));
    else BRN_TRY(brn_parallel(s->m->dev, yb.tiles, predict_tile, &(prediction){s, &xb, &yb}));
    BRN_TRY(brn_solver_run(s->solver, &s->f, &yb, &xb));
    if (value) {
        BRN_TRY(read_info(s, BRN_INFO_VALUE, rows));
        conjugate_values(s, rows, y, value);
    }
    if (out) BRN_TRY(read_rows_info(s, rows, out));
    return read_raw(s, s->side, &xb, x); /* last: x may be y */
}

brn_status brn_model_argmax(const brn_model *m, const brn_conjugate_settings *settings, const float *y, size_t count, bool warm_start,
                            float *x, float *value, brn_conjugate_row *rows)
{
    brn_conjugate_settings set = settings ? *settings : brn_eval_conjugate(&m->settings);
    set.running_scale = false; /* it would tie rows to the chunks before them */
    if (!count) return BRN_OK;
    session s;
    const size_t n = (size_t)m->n;
    brn_status status;
    int chunk = chunk_rows(m->n, count);
    for (;;) {
        status = conjugate_open(&s, m, &set, chunk);
        if (!try_smaller(status, m, &chunk)) break;
        session_close(&s);
    }
    if (status != BRN_OK) goto done;
    for (size_t at = 0; at < count; at += (size_t)s.chunk) {
        const int part = count - at < (size_t)s.chunk ? (int)(count - at) : s.chunk;
        BRN_GO(conjugate_chunk(&s, part, y + at * n, warm_start, x + at * n, value ? value + at : NULL, rows ? rows + at : NULL));
    }
done:
    session_close(&s);
    return status;
}

/* ---- what is called from outside ----------------------------------------------------------------- */

static bool exchanged(const brn_model *m) { return brn_potential_side(&m->settings) == BRN_TARGET; }

/* Nothing had to be solved. */
static void solved_at_once(size_t count, brn_conjugate_row *rows)
{
    for (size_t r = 0; rows && r < count; ++r) rows[r] = (brn_conjugate_row){.stop = BRN_CONJUGATE_CONVERGED};
}

brn_status brn_model_map(brn_model *m, const float *x, size_t count, float *y)
{
    return exchanged(m) ? brn_model_argmax(m, NULL, x, count, false, y, NULL, NULL) : brn_model_gradient(m, x, count, y, NULL);
}

brn_status brn_model_inverse(brn_model *m, const float *y, size_t count, float *x, brn_conjugate_row *rows)
{
    return brn_conjugate(m, NULL, y, count, false, x, NULL, rows);
}

brn_status brn_model_potential(brn_model *m, const float *x, size_t count, float *value)
{
    if (!exchanged(m)) return brn_model_gradient(m, x, count, NULL, value);
    size_t numbers;
    float *ignored;
    if (!brn_mul_size(count, (size_t)m->n, &numbers)) return brn_fail(BRN_ERR_USAGE, "%zu rows are too many", count);
    BRN_TRY(BRN_ALLOC(&ignored, numbers, "rows"));
    const brn_status status = brn_model_argmax(m, NULL, x, count, false, ignored, value, NULL);
    free(ignored);
    return status;
}

/* The model's settings check those of the caller, and complete their automatic values. */
static brn_status complete(const brn_model *m, const brn_conjugate_settings *given, brn_conjugate_settings *set)
{
    brn_settings s = m->settings;
    s.conjugate = *given;
    BRN_TRY(brn_settings_resolve(&s, m->n));
    *set = s.conjugate;
    return BRN_OK;
}

brn_status brn_conjugate(brn_model *m, const brn_conjugate_settings *settings, const float *y, size_t count, bool warm_start,
                         float *x, float *value, brn_conjugate_row *rows)
{
    brn_conjugate_settings set;
    if (settings) BRN_TRY(complete(m, settings, &set));
    if (!exchanged(m)) return brn_model_argmax(m, settings ? &set : NULL, y, count, warm_start, x, value, rows);
    if (value) BRN_TRY(brn_model_gradient(m, y, count, NULL, value)); /* first: x may be y */
    solved_at_once(count, rows);
    return brn_model_gradient(m, y, count, x, NULL);
}
