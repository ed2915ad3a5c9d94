/* Every kernel and every dense operation on every device against the double-precision oracle.
 *
 * An operation describes its buffers; the harness fills them with the same floats on both devices, NaN
 * where nothing may be read (lanes past the last row, results that are only written) and a canary past
 * the rows of what is written, runs, and compares. Sizes are odd on purpose. */
#include "support/devices.h"
#include "core/philox.h"
#include <brenier/settings.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int rows, feats, depth; /* depth: inner index of products */
    int kind, variant;
} shape;

/* One buffer: a matrix of feats x rows, or with flat a vector. */
typedef enum { READ, WRITTEN, UPDATED } access;
typedef struct {
    int feats;
    bool flat;
    access access;
    int pad; /* lanes past the last row; 0: another number for each buffer */
} spec;

enum { BUFFERS = 6, PAD = 3 };

typedef struct operation {
    const char *name;
    int variants;
    bool activations; /* run for each kind */
    int (*reduction)(shape s);
    void (*layout)(shape s, spec *buffers);
    brn_status (*run)(brn_queue *q, shape s, brn_mat *m);
} operation;

static int one(shape s) { return (void)s, 1; }
static int over_feats(shape s) { return s.feats; }
static int over_depth(shape s) { return s.depth; }
static int over_rows(shape s) { return s.rows; }
static int over_all(shape s) { return s.rows * s.feats; }

/* ---- kernels --------------------------------------------------------------------------------- */

#define VIEWS2 brn_mat_view(m[0]), brn_mat_view(m[1])
#define VIEWS3 VIEWS2, brn_mat_view(m[2])
#define VIEWS4 VIEWS3, brn_mat_view(m[3])
#define LAYOUT(name, ...)                                                                                    \
    static void layout_##name(shape s, spec *b)                                                              \
    {                                                                                                        \
        const spec list[] = {__VA_ARGS__};                                                                   \
        (void)s;                                                                                             \
        memcpy(b, list, sizeof list);                                                                        \
    }

static float constant(shape s) { return s.kind == BRN_ACT_LEAKY_RELU ? 0.2f : 0.7f; }

/* variant 0: z, q and u with a bias; 1: z alone */
LAYOUT(act_forward, {s.feats, true, READ}, {s.feats, false, UPDATED}, {s.feats, false, WRITTEN}, {s.feats, false, UPDATED})
static brn_status run_act_forward(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, act_forward, s.rows, s.feats,
                      (.ldu = m[1].ld, .ldz = m[2].ld, .ldq = m[3].ld, .kind = s.kind, .c = constant(s), .bias = s.variant ? -1 : 0,
                       .slope = !s.variant), VIEWS4);
}

LAYOUT(act_reverse, {s.feats, false, READ, 1}, {s.feats, false, READ, 1}, {s.feats, false, READ, 1}, {s.feats, false, UPDATED, 4},
       {s.feats, false, UPDATED, 4})
static brn_status run_act_reverse(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, act_reverse, s.rows, s.feats, (.ld = m[0].ld, .ldz = m[3].ld, .kind = s.kind, .c = constant(s)), VIEWS4,
                      brn_mat_view(m[4]));
}

LAYOUT(mul, {s.feats, false, READ}, {s.feats, false, READ}, {s.feats, false, WRITTEN})
static brn_status run_mul(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, mul, s.rows, s.feats, (.lda = m[0].ld, .ldb = m[1].ld, .ldy = m[2].ld), VIEWS3);
}

LAYOUT(axpby, {s.feats, false, READ}, {s.feats, false, s.variant ? WRITTEN : UPDATED})
static brn_status run_axpby(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, axpby, s.rows, s.feats, (.ldx = m[0].ld, .ldy = m[1].ld, .s = 0.3f, .t = s.variant ? 0 : 1.7f), VIEWS2);
}

LAYOUT(fill, {s.feats, false, WRITTEN})
static brn_status run_fill(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, fill, s.rows, s.feats, (.ld = m[0].ld, .s = 0.3f), brn_mat_view(m[0]));
}

LAYOUT(row_dot, {s.feats, false, READ}, {s.feats, false, READ}, {1, false, s.variant ? WRITTEN : UPDATED})
static brn_status run_row_dot(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, row_dot, s.rows, s.feats, (.ldx = m[0].ld, .ldy = m[1].ld, .s = 0.3f, .t = s.variant ? 0 : 1.7f), VIEWS3);
}

LAYOUT(rows_to_tile, {s.feats * s.rows, true, READ}, {s.feats, false, WRITTEN})
static brn_status run_rows_to_tile(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, rows_to_tile, s.rows, s.feats, (.ld = m[1].ld), VIEWS2);
}

LAYOUT(tile_to_rows, {s.feats, false, READ}, {s.feats * s.rows, true, WRITTEN})
static brn_status run_tile_to_rows(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, tile_to_rows, s.rows, s.feats, (.ld = m[0].ld), VIEWS2);
}

LAYOUT(feature_sum, {s.feats, false, READ}, {s.feats + 1, true, UPDATED})
static brn_status run_feature_sum(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, feature_sum, s.rows, s.feats, (.ld = m[0].ld, .at = 1), VIEWS2);
}

/* variant bits: 1 a second part, 2 a shift */
LAYOUT(potential_value, {2, true, READ}, {s.feats, false, READ}, {1, false, READ}, {1, false, READ}, {s.feats, true, READ}, {1, false, WRITTEN})
static brn_status run_potential_value(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, potential_value, s.rows, s.feats,
                      (.ldx = m[1].ld, .parts = 1 + (s.variant & 1), .has_shift = s.variant >> 1, .log_alpha = 1, .s = 0.5f), VIEWS4,
                      brn_mat_view(m[4]), brn_mat_view(m[5]));
}

LAYOUT(potential_grad, {2, true, READ}, {s.feats, false, READ}, {s.feats, true, READ}, {s.feats, false, UPDATED})
static brn_status run_potential_grad(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, potential_grad, s.rows, s.feats, (.ldx = m[1].ld, .ldy = m[3].ld, .has_shift = s.variant, .log_alpha = 1, .s = 0.5f),
                      VIEWS4);
}

LAYOUT(log_alpha_grad, {2, true, READ}, {s.feats, false, READ}, {s.feats, false, READ}, {2, true, UPDATED})
static brn_status run_log_alpha_grad(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, log_alpha_grad, s.rows, s.feats, (.ldx = m[1].ld, .ldy = m[2].ld, .log_alpha = 1, .s = 0.5f), VIEWS4);
}

/* Here the lanes are outputs: `rows` of them, depth hidden and feats skip inputs; variant 0: positive with
 * normalisation, 1: neither. Parameters: weights and bias, then the normalisation's two vectors. */
static int icnn_size(shape s) { return (s.depth + s.feats + 3) * s.rows; }
LAYOUT(icnn_prepare, {icnn_size(s), true, READ}, {icnn_size(s), true, UPDATED})
static brn_status run_icnn_prepare(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, icnn_prepare, s.rows, 1,
                      (.at = 0, .inputs = s.depth, .skip = s.feats, .norm = s.variant ? -1 : (s.depth + s.feats + 1) * s.rows, .positive = !s.variant),
                      VIEWS2);
}

static int icnn_reduction(shape s) { return s.depth + s.feats; }
LAYOUT(icnn_pullback, {icnn_size(s), true, READ}, {icnn_size(s), true, READ}, {icnn_size(s), true, UPDATED})
static brn_status run_icnn_pullback(brn_queue *q, shape s, brn_mat *m)
{
    return BRN_LAUNCH(q, icnn_pullback, s.rows, 1,
                      (.at = 0, .inputs = s.depth, .skip = s.feats, .norm = s.variant ? -1 : (s.depth + s.feats + 1) * s.rows, .positive = !s.variant),
                      VIEWS3);
}

/* ---- products -------------------------------------------------------------------------------- */

static brn_dense dense_of(shape s, brn_mat params, bool bias)
{
    return (brn_dense){params.buf, params.off, bias ? (ptrdiff_t)params.off + s.depth * s.feats : -1, s.depth, s.feats};
}

/* variant bits: 1 without bias, 2 without u, 4 without q, 8 composed */
LAYOUT(dense_forward, {(s.depth + 1) * s.feats, true, READ}, {s.depth, false, READ}, {s.feats, false, s.variant & 2 ? UPDATED : WRITTEN},
       {s.feats, false, WRITTEN}, {s.feats, false, s.variant & 4 ? UPDATED : WRITTEN})
static brn_status run_dense_forward(brn_queue *q, shape s, brn_mat *m)
{
    const brn_dense w = dense_of(s, m[0], !(s.variant & 1));
    const brn_mat u = s.variant & 2 ? (brn_mat){0} : m[2], slope = s.variant & 4 ? (brn_mat){0} : m[4];
    if (s.variant & 8) return brn_compose_dense_forward(q, &w, s.rows, s.kind, constant(s), m[1], u, m[3], slope);
    return brn_dense_forward(q, &w, s.rows, s.kind, constant(s), m[1], u, m[3], slope);
}

/* variant % 3: plain, times q, accumulated; 3 more: composed. The reduction runs over the outputs. */
LAYOUT(dense_backward, {(s.depth + 1) * s.feats, true, READ}, {s.feats, false, READ}, {s.depth, false, READ},
       {s.depth, false, s.variant % 3 == 2 ? UPDATED : WRITTEN})
static brn_status run_dense_backward(brn_queue *q, shape s, brn_mat *m)
{
    const brn_dense w = dense_of(s, m[0], true);
    const brn_mat slope = s.variant % 3 == 1 ? m[2] : (brn_mat){0};
    if (s.variant >= 3) return brn_compose_dense_backward(q, &w, s.rows, m[1], slope, m[3], s.variant % 3 == 2);
    return brn_dense_backward(q, &w, s.rows, m[1], slope, m[3], s.variant % 3 == 2);
}

/* variant bits: 1 without bias, 2 composed */
LAYOUT(dense_grad, {s.depth, false, READ}, {s.feats, false, READ}, {(s.depth + 1) * s.feats, true, UPDATED})
static brn_status run_dense_grad(brn_queue *q, shape s, brn_mat *m)
{
    brn_dense w = dense_of(s, m[2], true);
    w.params = NULL; /* only the offsets count */
    if (s.variant & 2) return brn_compose_dense_grad(q, &w, s.rows, m[0], m[1], m[2].buf, !(s.variant & 1));
    return brn_dense_grad(q, &w, s.rows, m[0], m[1], m[2].buf, !(s.variant & 1));
}

/* variant bits: 1 A transposed, 2 B transposed, 4 C is added to */
LAYOUT(gemm, {s.variant & 1 ? s.depth : s.feats, false, READ}, {s.variant & 2 ? s.rows : s.depth, false, READ},
       {s.feats, false, s.variant & 4 ? UPDATED : WRITTEN})
static brn_status run_gemm(brn_queue *q, shape s, brn_mat *m)
{
    return brn_gemm(q, &(brn_gemm_args){.ta = s.variant & 1, .tb = s.variant & 2, .m = s.feats, .n = s.rows, .k = s.depth, .alpha = 0.7f,
                                        .beta = s.variant & 4 ? 1.3f : 0, .a = brn_mat_view(m[0]), .lda = m[0].ld,
                                        .b = brn_mat_view(m[1]), .ldb = m[1].ld, .c = brn_mat_view(m[2]), .ldc = m[2].ld});
}

#define OP(name, variants, activations, reduction) {#name, variants, activations, reduction, layout_##name, run_##name}
static const operation operations[] = {
    OP(act_forward, 2, true, one), OP(act_reverse, 1, true, one), OP(mul, 1, false, one), OP(axpby, 2, false, one),
    OP(fill, 1, false, one), OP(row_dot, 2, false, over_feats), OP(rows_to_tile, 1, false, one), OP(tile_to_rows, 1, false, one),
    OP(feature_sum, 1, false, over_rows), OP(potential_value, 4, false, over_feats), OP(potential_grad, 2, false, one),
    OP(log_alpha_grad, 1, false, over_all), OP(icnn_prepare, 2, false, one), OP(icnn_pullback, 2, false, icnn_reduction),
    OP(dense_forward, 16, true, over_depth), OP(dense_backward, 6, false, over_feats), OP(dense_grad, 4, false, over_rows),
    OP(gemm, 8, false, over_depth),
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* ---- harness --------------------------------------------------------------------------------- */

/* Columns of a matrix that hold numbers: samples, but for gemm, whose operands have sizes of their own. */
static int columns(const operation *op, shape s, int b)
{
    if (op->run != run_gemm || b == 2) return s.rows;
    if (b == 0) return s.variant & 1 ? s.feats : s.depth;
    return s.variant & 2 ? s.depth : s.rows;
}

typedef struct {
    spec spec[BUFFERS];
    int used, cols[BUFFERS], ld[BUFFERS];
    size_t count[BUFFERS];
    float *start[BUFFERS];
} plan;

static const float CANARY = 4711;

static bool is_value(const plan *p, int b, size_t at) { return p->spec[b].flat || (int)(at % (size_t)p->ld[b]) < p->cols[b]; }

static void make_plan(plan *p, const operation *op, shape s, uint32_t stream)
{
    brn_rng rng = brn_rng_start(2024, stream);
    *p = (plan){0};
    op->layout(s, p->spec);
    for (int b = 0; b < BUFFERS && p->spec[b].feats; ++b, ++p->used) {
        p->cols[b] = p->spec[b].flat ? p->spec[b].feats : columns(op, s, b);
        p->ld[b] = p->cols[b] + (p->spec[b].flat ? 0 : p->spec[b].pad ? p->spec[b].pad : PAD + b);
        p->count[b] = p->spec[b].flat ? (size_t)p->spec[b].feats : (size_t)p->spec[b].feats * (size_t)p->ld[b];
        p->start[b] = calloc(p->count[b], sizeof(float));
        /* sums of these do not cancel, so that max|reference| is of the size of the terms' sum */
        for (size_t i = 0; i < p->count[b]; ++i) {
            const float draw = (float)(1.6 * brn_rng_uniform(&rng) - (op->activations ? 0.8 : 0.3));
            const bool written = p->spec[b].access == WRITTEN;
            p->start[b][i] = is_value(p, b, i) ? (written ? NAN : draw) : p->spec[b].access == READ ? NAN : CANARY;
        }
    }
}

static void free_plan(plan *p)
{
    for (int b = 0; b < p->used; ++b) free(p->start[b]);
}

/* Run on one device; out[b] are the buffers afterwards. */
static void run_on(brn_device *dev, const operation *op, shape s, const plan *p, double **out)
{
    brn_queue *q = brn_device_queue(dev, 0);
    brn_buf *buf[BUFFERS] = {0};
    brn_mat m[BUFFERS] = {0};
    for (int b = 0; b < p->used; ++b) {
        MUST(brn_buf_create(&buf[b], dev, BRN_REAL, p->count[b], op->name));
        MUST(brn_write_f32(q, (brn_view){buf[b], 0}, p->start[b], p->count[b]));
        m[b] = (brn_mat){buf[b], 0, p->spec[b].feats, p->ld[b]};
    }
    MUST(op->run(q, s, m));
    for (int b = 0; b < p->used; ++b) {
        out[b] = calloc(p->count[b], sizeof(double));
        MUST(brn_read_f64(q, (brn_view){buf[b], 0}, out[b], p->count[b]));
        brn_buf_free(buf[b]);
    }
}

/* Share of the tolerance of one buffer; what may not be written must be as before. */
static double share_of(const plan *p, int b, int reduction, const double *found, const double *expected, const char *label)
{
    double scale = 0, error = 0;
    for (size_t i = 0; i < p->count[b]; ++i) {
        const bool value = is_value(p, b, i);
        if (p->spec[b].access == READ || !value) {
            cr_assert((float)found[i] == p->start[b][i] || (isnan(found[i]) && isnan(p->start[b][i])), "%s: buffer %d, element %zu of ld %d was written", label, b, i,
                      p->ld[b]);
            continue;
        }
        scale = fmax(scale, fabs(expected[i]));
        error = test_worse(error, found[i], expected[i]);
    }
    return error == 0 ? 0 : error / (scale * test_tolerance(reduction));
}

static double check(brn_device *dev, brn_device *oracle, const operation *op, shape s, const char *device, uint32_t stream)
{
    char label[160];
    plan p;
    double *found[BUFFERS], *expected[BUFFERS], worst = 0;
    snprintf(label, sizeof label, "%s [%s] rows=%d feats=%d depth=%d kind=%d variant=%d", op->name, device, s.rows, s.feats, s.depth, s.kind, s.variant);
    make_plan(&p, op, s, stream);
    run_on(oracle, op, s, &p, expected);
    run_on(dev, op, s, &p, found);
    for (int b = 0; b < p.used; ++b) {
        const double share = share_of(&p, b, op->reduction(s), found[b], expected[b], label);
        cr_assert(share <= 1, "%s: buffer %d has %.2f of the tolerance", label, b, share);
        worst = fmax(worst, share);
        free(found[b]), free(expected[b]);
    }
    free_plan(&p);
    return worst;
}

static const int sizes[] = {1, 2, 3, 31, 33, 127, 129};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Every pair of sizes in (rows, feats); depths, kinds and variants take turns so that each meets many. */
static double check_operation(brn_device *dev, brn_device *oracle, const operation *op, const char *device)
{
    double worst = 0;
    uint32_t stream = 0;
    for (int r = 0; r < SIZES; ++r)
        for (int f = 0; f < SIZES; ++f)
            for (int variant = 0; variant < op->variants; ++variant)
                for (int k = 0; k < (op->activations ? BRN_ACT_SILU + 1 : 1); ++k) {
                    const shape s = {sizes[r], sizes[f], sizes[(r + 2 * f + 3 * variant + k) % SIZES], k, variant};
                    if (op->activations && op->variants > 2 && k != (r + f + variant) % 8) continue; /* dense: one kind per case */
                    worst = fmax(worst, check(dev, oracle, op, s, device, ++stream));
                }
    return worst;
}

/* Those are checked by the tests of what they are part of. */
static void name_kernels_without_a_case(void)
{
#define NAMED(kernel, wg, buffers, writes, spread)                                                                \
    {                                                                                                        \
        bool found = false;                                                                                  \
        for (int o = 0; o < OPERATIONS; ++o) found = found || !strcmp(operations[o].name, #kernel);          \
        if (!found) fprintf(stderr, "parity: no case for kernel %s\n", #kernel);                            \
    }
    BRN_KERNEL_LIST(NAMED)
#undef NAMED
}

Test(parity, operations)
{
    name_kernels_without_a_case();
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    brn_device *oracle = test_oracle_open();
    for (int i = 0; i < count; ++i) {
        brn_device *dev = test_device_open(&devices[i], 1);
        for (int o = 0; o < OPERATIONS; ++o)
            fprintf(stderr, "parity/%-16s [%s] worst error %.0f %% of the tolerance\n", operations[o].name, devices[i].label,
                    100 * check_operation(dev, oracle, &operations[o], devices[i].label));
        brn_device_close(dev);
    }
    brn_device_close(oracle);
}
