/* Volumes: log det of the Hessian of the evaluated potential, row by row. A row's numbers do not depend on its chunk. */
#include "core/lanczos.h"
#include "core/linalg.h"
#include "core/memory.h"
#include "core/philox.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXACT_MOST = 1024, CHUNK_ROWS = 4096, CHUNK_NUMBERS = 1 << 22 };

typedef struct {
    const brn_model *m;
    brn_side side;            /* of the rows: the measure that f lives on */
    brn_log_det_settings set;
    bool exact;
    brn_net spare;
    brn_pot f;
    int chunk, works;
    brn_batch x, v, hv;
    brn_pot_work *f_work;     /* one per queue, as are */
    double *vectors;          /* [n][lanes] and a further [n], and */
    double *work;             /* of brn_lanczos_log */
    double *rows;             /* [chunk][n], standardised */
    double *space;            /* [chunk][row_space]: Hessians [n][n], or what a run of Lanczos' method needs */
    brn_lanczos *runs;        /* [chunk] */
    double *square;           /* [chunk], sum of squared deviations over the probes */
    const float *raw;         /* of this chunk: rows, */
    double *log_det, *error;  /* and results */
} session;

static size_t row_space(const session *s)
{
    const size_t n = (size_t)s->m->n;
    return s->exact ? n * n : brn_lanczos_size(s->m->n, s->set.steps);
}

static size_t vectors_size(const session *s) { return (size_t)s->m->n * ((size_t)s->x.lanes + 1); }

static void session_close(session *s)
{
    for (int i = 0; s->f_work && i < s->works; ++i) brn_pot_work_free(&s->f_work[i]);
    free(s->f_work), free(s->vectors), free(s->work), free(s->rows), free(s->space), free(s->runs), free(s->square);
    brn_batch_free(&s->x), brn_batch_free(&s->v), brn_batch_free(&s->hv);
    brn_net_free(&s->spare);
}

static brn_status session_open(session *s, const brn_model *m, const brn_log_det_settings *set, size_t count)
{
    *s = (session){.m = m, .side = brn_potential_side(&m->settings), .set = *set, .works = brn_device_queues(m->dev)};
    s->exact = m->n <= set->exact_up_to;
    if (s->set.steps > m->n) s->set.steps = m->n;
    const size_t n = (size_t)m->n, fit = CHUNK_NUMBERS / row_space(s) + 1, most = fit < CHUNK_ROWS ? fit : CHUNK_ROWS;
    s->chunk = (int)(count < most ? count : most);
    const size_t rows = (size_t)s->chunk, works = (size_t)s->works;
    BRN_TRY(brn_model_evaluated(m, &s->spare, &s->f));
    BRN_TRY(brn_batch_create(&s->x, m->dev, m->n, s->chunk, "rows"));
    BRN_TRY(brn_batch_beside(&s->v, &s->x, m->n, "vectors"));
    BRN_TRY(brn_batch_beside(&s->hv, &s->x, m->n, "vectors"));
    BRN_TRY(BRN_ALLOC(&s->vectors, works * vectors_size(s), "vectors"));
    BRN_TRY(BRN_ALLOC(&s->rows, rows * n, "rows"));
    BRN_TRY(BRN_ALLOC(&s->space, rows * row_space(s), "determinants"));
    if (!s->exact) {
        BRN_TRY(BRN_ALLOC(&s->work, works * brn_lanczos_work(s->set.steps), "determinants"));
        BRN_TRY(BRN_ALLOC(&s->runs, rows, "determinants"));
        BRN_TRY(BRN_ALLOC(&s->square, rows, "determinants"));
    }
    BRN_TRY(BRN_ALLOC(&s->f_work, works, "potential scratch"));
    for (int i = 0; i < s->works; ++i) BRN_TRY(brn_pot_work_create(&s->f_work[i], &s->f, s->x.lanes, BRN_TAPE_SECOND));
    return BRN_OK;
}

/* ---- one tile ------------------------------------------------------------------------------------ */

typedef struct {
    session *s;
    const brn_batch *x; /* the chunk's rows */
} chunk_job;

typedef struct {
    session *s;
    brn_queue *q;
    int t, first, rows;
    double *vectors; /* [n][lanes] */
    double *one;     /* [n] */
} tile;

/* vectors become their products with the Hessians of the tile's rows. */
static brn_status multiply(const tile *t)
{
    const session *s = t->s;
    const size_t count = (size_t)s->m->n * (size_t)s->x.lanes;
    const brn_mat v = brn_batch_tile(&s->v, t->t), hv = brn_batch_tile(&s->hv, t->t);
    BRN_TRY(brn_write_f64(t->q, brn_mat_view(v), t->vectors, count));
    BRN_TRY(brn_pot_mixed(t->q, &s->f, &s->f_work[brn_queue_index(t->q)], t->rows, 1, brn_batch_tile(&s->x, t->t), v, NULL, hv));
    return brn_read_f64(t->q, brn_mat_view(hv), t->vectors, count);
}

static brn_status exact_row(session *s, int row)
{
    const size_t n = (size_t)s->m->n;
    double *h = s->space + (size_t)row * n * n;
    bool definite;
    for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < i; ++j) h[i * n + j] = (h[i * n + j] + h[j * n + i]) / 2; /* they differ by rounding */
    BRN_TRY(brn_cholesky(s->m->n, h, &definite, &s->log_det[row]));
    if (!definite) s->log_det[row] = NAN;
    s->error[row] = definite ? 0 : NAN;
    return BRN_OK;
}

static brn_status exact_tile(const tile *t)
{
    session *s = t->s;
    const size_t n = (size_t)s->m->n, lanes = (size_t)s->x.lanes;
    for (size_t j = 0; j < n; ++j) {
        memset(t->vectors, 0, n * lanes * sizeof *t->vectors);
        for (size_t r = 0; r < lanes; ++r) t->vectors[j * lanes + r] = 1;
        BRN_TRY(multiply(t));
        for (size_t r = 0; r < (size_t)t->rows; ++r)
            for (size_t i = 0; i < n; ++i) s->space[(((size_t)t->first + r) * n + i) * n + j] = t->vectors[i * lanes + r];
    }
    for (int r = 0; r < t->rows; ++r) BRN_TRY(exact_row(s, t->first + r));
    return BRN_OK;
}

/* A number of the row's coordinates. */
static uint64_t fingerprint(const float *row, int n)
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, a word at a time */
    for (int i = 0; i < n; ++i) {
        uint32_t word;
        memcpy(&word, &row[i], sizeof word);
        hash = (hash ^ word) * 0x100000001b3;
    }
    return hash;
}

/* Random signs over sqrt n. */
static void draw_probe(const session *s, int row, int probe, double *v)
{
    const int n = s->m->n;
    const uint64_t mark = fingerprint(s->raw + (size_t)row * (size_t)n, n);
    const double size = 1 / sqrt(n);
    brn_philox_words words = {{0}};
    for (int i = 0; i < n; ++i) {
        if (i % 128 == 0) words = brn_philox((uint32_t[4]){(uint32_t)mark, (uint32_t)(mark >> 32), (uint32_t)probe, (uint32_t)i / 128}, s->set.seed);
        v[i] = words.w[i / 32 % 4] >> i % 32 & 1 ? size : -size;
    }
}

/* All rows of a tile go the same steps; those that have ended stand still. */
static brn_status run_probe(const tile *t, int probe)
{
    session *s = t->s;
    const size_t n = (size_t)s->m->n, lanes = (size_t)s->x.lanes;
    for (int r = t->first; r < t->first + t->rows; ++r) {
        draw_probe(s, r, probe, t->one);
        brn_lanczos_start(&s->runs[r], s->m->n, s->set.steps, s->space + (size_t)r * row_space(s), t->one);
    }
    memset(t->vectors, 0, n * lanes * sizeof *t->vectors);
    for (int k = 0; k < s->set.steps; ++k) {
        for (size_t r = 0; r < (size_t)t->rows; ++r) {
            const brn_lanczos *run = &s->runs[(size_t)t->first + r];
            for (size_t i = 0; i < n; ++i) t->vectors[i * lanes + r] = run->ended ? 0 : brn_lanczos_vector(run)[i];
        }
        BRN_TRY(multiply(t));
        for (size_t r = 0; r < (size_t)t->rows; ++r) {
            for (size_t i = 0; i < n; ++i) t->one[i] = t->vectors[i * lanes + r];
            brn_lanczos_take(&s->runs[(size_t)t->first + r], t->one);
        }
    }
    return BRN_OK;
}

static brn_status stochastic_tile(const tile *t)
{
    session *s = t->s;
    double *work = s->work + (size_t)brn_queue_index(t->q) * brn_lanczos_work(s->set.steps);
    for (int r = t->first; r < t->first + t->rows; ++r) s->log_det[r] = s->square[r] = 0;
    for (int p = 0; p < s->set.probes; ++p) {
        BRN_TRY(run_probe(t, p));
        for (int r = t->first; r < t->first + t->rows; ++r) {
            double value;
            BRN_TRY(brn_lanczos_log(&s->runs[r], work, &value));
            const double off = s->m->n * value - s->log_det[r];
            s->log_det[r] += off / (p + 1);
            s->square[r] += off * (s->m->n * value - s->log_det[r]);
        }
    }
    for (int r = t->first; r < t->first + t->rows; ++r) s->error[r] = sqrt(s->square[r] / (s->set.probes - 1) / s->set.probes);
    return BRN_OK;
}

static brn_status one_tile(void *context, brn_queue *q, int item)
{
    const chunk_job *j = context;
    session *s = j->s;
    double *vectors = s->vectors + (size_t)brn_queue_index(q) * vectors_size(s);
    const tile t = {s, q, item, brn_batch_first(j->x, item), brn_batch_rows(j->x, item), vectors, vectors + s->m->n * s->x.lanes};
    return s->exact ? exact_tile(&t) : stochastic_tile(&t);
}

/* ---- all rows ------------------------------------------------------------------------------------ */

static brn_status one_chunk(session *s, int rows, const float *raw, double *log_det, double *error)
{
    const brn_model *m = s->m;
    const size_t n = (size_t)m->n, count = (size_t)rows * n;
    brn_batch x = brn_batch_part(&s->x, rows);
    for (size_t e = 0; e < count; ++e) s->rows[e] = m->standardized ? (raw[e] - m->shift[s->side][e % n]) / m->scale : raw[e];
    s->raw = raw, s->log_det = log_det, s->error = error;
    BRN_TRY(brn_batch_write_f64(&x, s->rows));
    return brn_parallel(m->dev, x.tiles, one_tile, &(chunk_job){s, &x});
}

/* Of the Hessian of f at rows of f's side. */
static brn_status hessians(const brn_model *m, const brn_log_det_settings *set, const float *rows, size_t count, double *log_det, double *error)
{
    session s;
    const size_t n = (size_t)m->n;
    brn_status status;
    BRN_GO(session_open(&s, m, set, count));
    for (size_t at = 0; at < count; at += (size_t)s.chunk) {
        const int part = count - at < (size_t)s.chunk ? (int)(count - at) : s.chunk;
        BRN_GO(one_chunk(&s, part, rows + at * n, log_det + at, error + at));
    }
done:
    session_close(&s);
    return status;
}

static brn_status check(const brn_log_det_settings *set)
{
    if (set->exact_up_to < 0 || set->exact_up_to > EXACT_MOST)
        return brn_fail(BRN_ERR_USAGE, "log det: exact_up_to is %d, expected 0 to %d", set->exact_up_to, EXACT_MOST);
    if (set->probes < 2) return brn_fail(BRN_ERR_USAGE, "log det: %d probes, expected at least 2", set->probes);
    if (set->steps < 1 || set->steps > EXACT_MOST)
        return brn_fail(BRN_ERR_USAGE, "log det: %d steps, expected 1 to %d", set->steps, EXACT_MOST);
    return BRN_OK;
}

brn_status brn_model_log_det(brn_model *m, const brn_log_det_settings *settings, const float *x, const float *y, size_t count,
                             double *log_det, double *error, size_t *indefinite)
{
    const brn_log_det_settings *set = settings ? settings : &m->settings.eval.log_det;
    const bool exchanged = brn_potential_side(&m->settings) == BRN_TARGET;
    float *image = NULL;
    double *errors = NULL;
    size_t numbers, bad = 0;
    brn_status status = check(set);
    if (status != BRN_OK) return status;
    if (!brn_mul_size(count, (size_t)m->n, &numbers)) return brn_fail(BRN_ERR_USAGE, "%zu rows are too many", count);
    if (exchanged && !y && count) {
        BRN_GO(BRN_ALLOC(&image, numbers, "rows"));
        BRN_GO(brn_model_map(m, x, count, image));
    }
    if (!error) BRN_GO(BRN_ALLOC(&errors, count, "errors"));
    if (count) BRN_GO(hessians(m, set, !exchanged ? x : y ? y : image, count, log_det, error ? error : errors));
    for (size_t r = 0; r < count; ++r) {
        if (exchanged) log_det[r] = -log_det[r];
        bad += isnan(log_det[r]);
    }
    if (indefinite) *indefinite = bad;
done:
    free(errors);
    free(image);
    return status;
}
