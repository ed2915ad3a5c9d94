#include "selftest/case.h"
#include "core/clock.h"
#include "core/memory.h"
#include <brenier/settings.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double brn_parity_tolerance(int reduction) { return 8 * (double)FLT_EPSILON * sqrt(reduction); }

double brn_parity_worse(double error, double found, double expected)
{
    const double e = fabs(found - expected);
    return isnan(e) ? INFINITY : fmax(error, e);
}

double brn_parity_share(const double *found, const double *expected, size_t count, int reduction, double scale)
{
    double error = 0, most = 0;
    for (size_t i = 0; i < count; ++i) {
        error = brn_parity_worse(error, found[i], expected[i]);
        most = fmax(most, fabs(expected[i]));
    }
    return error == 0 ? 0 : error / ((scale > 0 ? scale : most) * brn_parity_tolerance(reduction));
}

/* ---- the table --------------------------------------------------------------------------------- */

static const brn_operation_list *const lists[] = {&brn_layer_operations, &brn_small_operations, &brn_solver_operations, &brn_learning_operations,
                                                  &brn_draw_operations};
enum { LISTS = sizeof lists / sizeof *lists };

int brn_operation_count(void)
{
    int count = 0;
    for (int l = 0; l < LISTS; ++l) count += lists[l]->count;
    return count;
}

const brn_operation *brn_operation_at(int i)
{
    int l = 0;
    for (; i >= lists[l]->count; ++l) i -= lists[l]->count;
    return &lists[l]->operation[i];
}

/* ---- one case ---------------------------------------------------------------------------------- */

/* The buffers of one case with their start values. */
typedef struct {
    brn_case_buffer spec[BRN_CASE_BUFFERS];
    int used, cols[BRN_CASE_BUFFERS], ld[BRN_CASE_BUFFERS];
    size_t count[BRN_CASE_BUFFERS];
    float *start[BRN_CASE_BUFFERS];
    int *integers[BRN_CASE_BUFFERS];
    double *found[BRN_CASE_BUFFERS], *expected[BRN_CASE_BUFFERS];
} plan;

enum { PAD = 3, CANARY = 4711, FLAGS = 32 /* features that `exact` and `epsilons` can name */ };

static bool is_value(const plan *p, int b, size_t at) { return p->spec[b].flat || (int)(at % (size_t)p->ld[b]) < p->cols[b]; }

static double start_value(const brn_operation *op, const brn_case *c, const plan *p, int b, size_t i, brn_rng *rng)
{
    const brn_case_buffer *s = &p->spec[b];
    const int feature = s->flat ? 0 : (int)(i / (size_t)p->ld[b]), column = s->flat ? (int)i : (int)(i % (size_t)p->ld[b]);
    /* sums of these do not cancel, so that max|reference| is of the size of the terms' sum */
    const double draw = s->fill && column < p->cols[b] ? s->fill(c, feature, column, rng)
                                                       : 1.6 * brn_rng_uniform(rng) - (op->activations ? 0.8 : 0.3);
    const double nothing = s->integer ? CANARY : (double)NAN;
    if (is_value(p, b, i)) return s->access == BRN_CASE_WRITTEN ? nothing : draw;
    return s->access == BRN_CASE_READ ? nothing : CANARY;
}

static brn_status make_plan(plan *p, const brn_operation *op, const brn_case *c, uint32_t stream)
{
    brn_rng rng = brn_rng_start(2024, stream);
    *p = (plan){0};
    op->layout(c, p->spec);
    for (int b = 0; b < BRN_CASE_BUFFERS && p->spec[b].feats; ++b, ++p->used) {
        const brn_case_buffer *s = &p->spec[b];
        p->cols[b] = s->flat ? s->feats : s->cols ? s->cols : c->rows;
        p->ld[b] = p->cols[b] + (s->flat ? 0 : s->pad ? s->pad : PAD + b);
        p->count[b] = s->flat ? (size_t)s->feats : (size_t)s->feats * (size_t)p->ld[b];
        BRN_TRY(BRN_ALLOC(&p->start[b], p->count[b], op->name));
        BRN_TRY(BRN_ALLOC(&p->integers[b], p->count[b], op->name));
        BRN_TRY(BRN_ALLOC(&p->found[b], p->count[b], op->name));
        BRN_TRY(BRN_ALLOC(&p->expected[b], p->count[b], op->name));
        for (size_t i = 0; i < p->count[b]; ++i) {
            const double value = start_value(op, c, p, b, i, &rng);
            p->start[b][i] = (float)value;
            if (s->integer) p->integers[b][i] = (int)value;
        }
    }
    return BRN_OK;
}

static void free_plan(plan *p)
{
    for (int b = 0; b < BRN_CASE_BUFFERS; ++b) free(p->start[b]), free(p->integers[b]), free(p->found[b]), free(p->expected[b]);
}

typedef struct {
    const brn_operation *op;
    const brn_case *c;
    brn_queue *q;
    brn_buf *buf[BRN_CASE_BUFFERS];
    brn_mat m[BRN_CASE_BUFFERS];
    const plan *plan;
    int used;
} bench;

static void close_bench(bench *t)
{
    for (int b = 0; b < t->used; ++b) brn_buf_free(t->buf[b]);
}

static brn_status write_start(void *context)
{
    const bench *t = context;
    const plan *p = t->plan;
    for (int b = 0; b < p->used; ++b) {
        const brn_view to = {t->buf[b], 0};
        BRN_TRY(p->spec[b].integer ? brn_write_int(t->q, to, p->integers[b], p->count[b]) : brn_write_f32(t->q, to, p->start[b], p->count[b]));
    }
    return BRN_OK;
}

static brn_status open_bench(bench *t, brn_device *dev, const brn_operation *op, const brn_case *c, const plan *p)
{
    *t = (bench){.op = op, .c = c, .q = brn_device_queue(dev, 0), .plan = p, .used = p->used};
    for (int b = 0; b < p->used; ++b) {
        BRN_TRY(brn_buf_create(&t->buf[b], dev, p->spec[b].integer ? BRN_INT : BRN_REAL, p->count[b], op->name));
        t->m[b] = (brn_mat){t->buf[b], 0, p->spec[b].feats, p->ld[b]};
    }
    return write_start(t);
}

static brn_status read_bench(const bench *t, plan *p, double **out)
{
    for (int b = 0; b < p->used; ++b) {
        const brn_view from = {t->buf[b], 0};
        if (!p->spec[b].integer) {
            BRN_TRY(brn_read_f64(t->q, from, out[b], p->count[b]));
            continue;
        }
        int *integers;
        BRN_TRY(BRN_ALLOC(&integers, p->count[b], t->op->name));
        const brn_status status = brn_read_int(t->q, from, integers, p->count[b]);
        for (size_t i = 0; i < p->count[b]; ++i) out[b][i] = integers[i];
        free(integers);
        BRN_TRY(status);
    }
    return BRN_OK;
}

/* Run on one device; out[b] are the buffers afterwards. */
static brn_status run_on(brn_device *dev, const brn_operation *op, const brn_case *c, plan *p, double **out)
{
    bench t;
    brn_status status;
    BRN_GO(open_bench(&t, dev, op, c, p));
    BRN_GO(op->run(t.q, c, t.m));
    BRN_GO(read_bench(&t, p, out));
done:
    close_bench(&t);
    return status;
}

static bool unchanged(const plan *p, int b, size_t i)
{
    const double found = p->found[b][i];
    if (p->spec[b].integer) return found == p->integers[b][i];
    return (float)found == p->start[b][i] || (isnan(found) && isnan(p->start[b][i]));
}

/* Features [first, last) of a matrix, or a whole vector, with one scale. */
static double share_of_part(const plan *p, int b, size_t first, size_t last, int reduction, bool exact, double unit)
{
    double scale = p->spec[b].size, error = 0;
    for (size_t i = first; i < last; ++i) {
        if (!is_value(p, b, i)) continue;
        const double expected = unit * p->expected[b][i];
        scale = fmax(scale, fabs(expected));
        error = brn_parity_worse(error, p->found[b][i], expected);
    }
    return error == 0 ? 0 : exact ? INFINITY : error / (scale * brn_parity_tolerance(reduction));
}

static double share_of(const plan *p, int b, int reduction, bool f64)
{
    const brn_case_buffer *s = &p->spec[b];
    if (!s->each) return share_of_part(p, b, 0, p->count[b], reduction, s->integer, 1);
    double worst = 0;
    for (int i = 0; i < s->feats; ++i) {
        const size_t first = (size_t)i * (size_t)p->ld[b];
        const bool exact = i < FLAGS && s->exact >> i & 1;
        const double unit = !f64 && i < FLAGS && s->epsilons >> i & 1 ? (double)FLT_EPSILON / DBL_EPSILON : 1;
        worst = fmax(worst, share_of_part(p, b, first, first + (size_t)p->ld[b], reduction, exact, unit));
    }
    return worst;
}

/* What may not be written must be as before. */
static void find_strays(const plan *p, int b, const char *label, brn_parity *parity)
{
    if (p->spec[b].access == BRN_CASE_SCRATCH) return;
    for (size_t i = 0; i < p->count[b]; ++i)
        if ((p->spec[b].access == BRN_CASE_READ || !is_value(p, b, i)) && !unchanged(p, b, i)) {
            if (!*parity->fault)
                snprintf(parity->fault, sizeof parity->fault, "%s: buffer %d, element %zu of ld %d was written", label, b, i, p->ld[b]);
            return;
        }
}

brn_status brn_operation_check(brn_device *dev, brn_device *oracle, const brn_operation *op, const brn_case *c, uint32_t stream,
                               brn_parity *parity)
{
    plan p;
    char label[96];
    brn_status status;
    snprintf(label, sizeof label, "rows %d, features %d, depth %d, kind %d, variant %d", c->rows, c->feats, c->depth, c->kind, c->variant);
    BRN_GO(make_plan(&p, op, c, stream));
    BRN_GO(run_on(oracle, op, c, &p, p.expected));
    BRN_GO(run_on(dev, op, c, &p, p.found));
    ++parity->cases;
    for (int b = 0; b < p.used; ++b) {
        find_strays(&p, b, label, parity);
        if (p.spec[b].access == BRN_CASE_READ || p.spec[b].access == BRN_CASE_SCRATCH) continue;
        const double share = share_of(&p, b, op->reduction(c), brn_device_is_f64(dev));
        if (share > parity->share) memcpy(parity->worst, label, sizeof label);
        if (share > parity->share) parity->share = share;
    }
done:
    free_plan(&p);
    return status;
}

/* Where a product's rounding decides on which side of zero a sum falls, the slope there is anything: of ELU too, unless its
 * alpha is one. */
static bool slope_jumps(int kind) { return kind >= BRN_ACT_RELU && kind <= BRN_ACT_CELU; }

/* Every pair of sizes in (rows, feats); depths, kinds and variants take turns so that each meets many. */
brn_status brn_operation_check_all(brn_device *dev, brn_device *oracle, const brn_operation *op, brn_parity *parity)
{
    static const int sizes[] = {1, 2, 3, 31, 33, 127, 129};
    enum { SIZES = sizeof sizes / sizeof *sizes, KINDS = BRN_ACT_SILU + 1 };
    uint32_t stream = 0;
    *parity = (brn_parity){0};
    for (int r = 0; r < SIZES; ++r)
        for (int f = 0; f < SIZES; ++f)
            for (int variant = 0; variant < op->variants; ++variant)
                for (int k = 0; k < (op->activations ? KINDS : 1); ++k) {
                    const brn_case c = {sizes[r], sizes[f], sizes[(r + 2 * f + 3 * variant + k) % SIZES], k, variant};
                    if (op->activations && op->variants > 2 && k != (r + f + variant) % KINDS) continue; /* dense: one kind per case */
                    if (dev->product_epsilon > 0 && op->variants > 2 && slope_jumps(c.kind)) continue;
                    BRN_TRY(brn_operation_check(dev, oracle, op, &c, ++stream, parity));
                }
    return BRN_OK;
}

/* ---- times ------------------------------------------------------------------------------------- */

enum { CALLS = 8 }; /* between two looks at the clock */

static brn_status time_round(const brn_timed *what, void *context, double *passed, bool *on_device)
{
    const brn_backend *ops = what->q->dev->ops;
    double there = (double)NAN;
    const double start = brn_seconds();
    if (ops->timer_start) BRN_TRY(ops->timer_start(what->q));
    for (int i = 0; i < CALLS; ++i) BRN_TRY(what->run(context));
    BRN_TRY(ops->timer_stop ? ops->timer_stop(what->q, &there) : what->wait(context));
    *on_device = !isnan(there);
    *passed += *on_device ? there : brn_seconds() - start;
    return BRN_OK;
}

brn_status brn_time_calls(const brn_timed *what, void *context, brn_rate *rate)
{
    enum { ROUNDS = 25 };
    const double enough = 4e-3;
    double passed = 0;
    int rounds = 0;
    BRN_TRY(what->run(context)); /* programs are made in the first call */
    while (rounds < ROUNDS && passed < enough) {
        if (what->reset) BRN_TRY(what->reset(context));
        BRN_TRY(what->wait(context));
        BRN_TRY(time_round(what, context, &passed, &rate->on_device));
        ++rounds;
    }
    rate->seconds = passed / (CALLS * rounds);
    return BRN_OK;
}

static brn_status run_bench(void *context)
{
    bench *t = context;
    return t->op->run(t->q, t->c, t->m);
}

/* Reading one element waits for all before it. */
static brn_status wait_bench(void *context)
{
    bench *t = context;
    float real;
    int integer;
    const brn_view v = {t->buf[0], 0};
    return brn_buf_kind(v.buf) == BRN_INT ? brn_read_int(t->q, v, &integer, 1) : brn_read_f32(t->q, v, &real, 1);
}

static double bytes_moved(const brn_device *dev, const plan *p)
{
    double bytes = 0;
    for (int b = 0; b < p->used; ++b) {
        const double size = p->spec[b].integer ? sizeof(int) : (double)dev->real_size;
        const double values = p->spec[b].flat ? p->spec[b].feats : (double)p->spec[b].feats * p->cols[b];
        bytes += size * values * (p->spec[b].access == BRN_CASE_UPDATED ? 2 : 1);
    }
    return bytes;
}

brn_status brn_operation_time(brn_device *dev, const brn_operation *op, brn_rate *rate)
{
    brn_case c = op->large;
    if (!c.rows) c.rows = 1024;
    if (!c.feats) c.feats = 128;
    if (!c.depth) c.depth = 128;
    if (op->activations) c.kind = BRN_ACT_ELU;
    plan p;
    bench t = {0};
    brn_status status;
    BRN_GO(make_plan(&p, op, &c, 1));
    BRN_GO(open_bench(&t, dev, op, &c, &p));
    rate->flops = fabs(op->flops) * c.rows * c.feats * (op->flops < 0 ? c.depth : 1);
    rate->bytes = bytes_moved(dev, &p);
    BRN_GO(brn_time_calls(&(brn_timed){t.q, run_bench, wait_bench, write_start}, &t, rate));
done:
    close_bench(&t);
    free_plan(&p);
    return status;
}
