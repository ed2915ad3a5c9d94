/* The parity table: kernels of the optimizers. Here the lanes are parameters: rows * feats of them, from
 * element AT of their buffers on. */
#include "selftest/case.h"

#include <math.h>

enum { AT = 3 };

static int elements(const brn_case *c) { return c->rows * c->feats; }
static double either_sign(const brn_case *c, int i, int r, brn_rng *rng) { return (r + i) % 3 ? -brn_case_positive(c, i, r, rng) : brn_case_positive(c, i, r, rng); }
static int room(const brn_case *c) { return AT + elements(c); }

/* variant 0: parameters step; 1: the direction alone */
BRN_CASE_LAYOUT(adam, BRN_VECTOR(READ, room(c)), BRN_VECTOR(UPDATED, room(c)), BRN_VECTOR(UPDATED, room(c), .fill = brn_case_positive),
                BRN_VECTOR(UPDATED, room(c)))
BRN_CASE_RUN(adam)
{
    return BRN_LAUNCH(q, adam, elements(c), 1,
                      (.at = AT, .beta1 = 0.9f, .beta2 = 0.95f, .scale1 = 1.5f, .scale2 = 1.2f, .epsilon = 1e-8f, .rate = 1e-2f,
                       .decay = 1e-3f, .apply = !c->variant), BRN_CASE_VIEWS4);
}

BRN_CASE_LAYOUT(nesterov, BRN_VECTOR(UPDATED, room(c)), BRN_VECTOR(UPDATED, room(c)))
BRN_CASE_RUN(nesterov) { return BRN_LAUNCH(q, nesterov, elements(c), 1, (.at = AT, .momentum = 0.95f), BRN_CASE_VIEWS2); }

BRN_CASE_LAYOUT(normalise, BRN_VECTOR(UPDATED, room(c)))
BRN_CASE_RUN(normalise) { return BRN_LAUNCH(q, normalise, 256, 1, (.at = AT, .count = elements(c)), brn_mat_view(m[0])); }

BRN_CASE_LAYOUT(newton_schulz, BRN_VECTOR(READ, room(c)), BRN_VECTOR(UPDATED, room(c)))
BRN_CASE_RUN(newton_schulz)
{
    return BRN_LAUNCH(q, newton_schulz, c->rows, c->feats, (.at = AT, .diagonal = c->rows / 3, .a = 3.4445f, .b = -4.775f), BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(param_step, BRN_VECTOR(READ, room(c)), BRN_VECTOR(UPDATED, room(c)))
BRN_CASE_RUN(param_step) { return BRN_LAUNCH(q, param_step, elements(c), 1, (.at = AT, .rate = 1e-2f, .decay = 1e-3f), BRN_CASE_VIEWS2); }

BRN_CASE_LAYOUT(running_mean, BRN_VECTOR(READ, elements(c)), BRN_VECTOR(UPDATED, elements(c)))
BRN_CASE_RUN(running_mean) { return BRN_LAUNCH(q, running_mean, elements(c), 1, (.keep = 0.9f), BRN_CASE_VIEWS2); }

/* As many rows as a panel has, or fewer; in a square matrix they would be far from dependent. */
static int panel(const brn_case *c)
{
    const int least = c->rows < c->feats ? c->rows : c->feats;
    return least < 32 ? least : 32;
}
static double heavy_diagonal(const brn_case *c, int i, int r, brn_rng *rng) { return (r / c->rows == r % c->rows ? 4 : 0) + 0.3 * either_sign(c, i, r, rng); }
BRN_CASE_LAYOUT(orthonormal_rows, BRN_VECTOR(UPDATED, c->rows * panel(c), .fill = heavy_diagonal))
BRN_CASE_RUN(orthonormal_rows) { return BRN_LAUNCH(q, orthonormal_rows, 128, 1, (.n = c->rows, .count = panel(c)), brn_mat_view(m[0])); }

/* variant 0: a trace, 1: zero, 2: infinite */
static double element_of_trace(const brn_case *c, int i, int r, brn_rng *rng)
{
    return c->variant == 0 ? brn_case_positive(c, i, r, rng) : c->variant == 1 ? 0 : (double)INFINITY;
}
BRN_CASE_LAYOUT(trace_inverse, BRN_VECTOR(READ, c->feats * c->feats, .fill = element_of_trace), BRN_VECTOR(WRITTEN, 1))
BRN_CASE_RUN(trace_inverse) { return BRN_LAUNCH(q, trace_inverse, 64, 1, (.n = c->feats), BRN_CASE_VIEWS2); }

/* variant 1: where the scale is zero the product is not used */
static double scale_or_none(const brn_case *c, int i, int r, brn_rng *rng) { return c->variant ? 0 : brn_case_positive(c, i, r, rng); }
static double product_or_none(const brn_case *c, int i, int r, brn_rng *rng) { return c->variant ? (double)NAN : brn_case_positive(c, i, r, rng); }
BRN_CASE_LAYOUT(shifted_product, BRN_VECTOR(READ, 1, .fill = scale_or_none), BRN_VECTOR(READ, elements(c)),
                BRN_VECTOR(UPDATED, elements(c), .fill = product_or_none))
BRN_CASE_RUN(shifted_product) { return BRN_LAUNCH(q, shifted_product, elements(c), 1, (.shift = 0.1f), BRN_CASE_VIEWS3); }

/* what the mean of clip_factor starts from: variant 0 within the limit, 1 above it, 2 no limit */
static double seen_norm(const brn_case *c, int i, int r, brn_rng *rng)
{
    (void)i, (void)r, (void)rng;
    return c->variant == 1 ? 1e-3 : 1e3;
}

static int parts(const brn_case *c) { return (elements(c) + 63) / 64; }
BRN_CASE_LAYOUT(square_sum, BRN_VECTOR(READ, elements(c)), BRN_VECTOR(WRITTEN, parts(c)))
BRN_CASE_RUN(square_sum) { return BRN_LAUNCH(q, square_sum, 64, parts(c), (.slice = 64, .count = elements(c)), BRN_CASE_VIEWS2); }

BRN_CASE_LAYOUT(clip_factor, BRN_VECTOR(READ, elements(c), .fill = brn_case_positive), BRN_VECTOR(UPDATED, 2, .fill = seen_norm))
BRN_CASE_RUN(clip_factor)
{
    return BRN_LAUNCH(q, clip_factor, 1, 1, (.count = elements(c), .limit = c->variant == 2 ? 0 : 2, .keep = 0.9f), BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(scale_by, BRN_VECTOR(READ, 2), BRN_VECTOR(UPDATED, elements(c)))
BRN_CASE_RUN(scale_by) { return BRN_LAUNCH(q, scale_by, elements(c), 1, (.at = 1), BRN_CASE_VIEWS2); }

BRN_CASE_LAYOUT(negative_part, BRN_VECTOR(READ, elements(c), .fill = either_sign), BRN_VECTOR(UPDATED, elements(c)))
BRN_CASE_RUN(negative_part) { return BRN_LAUNCH(q, negative_part, elements(c), 1, (.s = 0.3f), BRN_CASE_VIEWS2); }

/* variant 1: among more points than these */
BRN_CASE_LAYOUT(batch_argmax, BRN_MATRIX(READ, c->feats, .cols = c->depth), BRN_VECTOR(READ, c->depth), BRN_MATRIX(READ, c->feats),
                {.feats = 1, .access = c->variant ? BRN_CASE_UPDATED : BRN_CASE_WRITTEN},
                {.feats = c->feats, .access = c->variant ? BRN_CASE_UPDATED : BRN_CASE_WRITTEN})
BRN_CASE_RUN(batch_argmax)
{
    return BRN_LAUNCH(q, batch_argmax, c->rows, c->feats,
                      (.count = c->depth, .ldx = m[0].ld, .ldy = m[2].ld, .ldz = m[4].ld, .more = c->variant), BRN_CASE_VIEWS4, brn_mat_view(m[4]));
}

/* variant 0: quadratic, 1: entropic */
BRN_CASE_LAYOUT(pair_penalty, BRN_MATRIX(UPDATED, 1, .fill = either_sign), BRN_MATRIX(WRITTEN, 1))
BRN_CASE_RUN(pair_penalty)
{
    return BRN_LAUNCH(q, pair_penalty, c->rows, 1, (.kind = c->variant, .epsilon = 0.4f, .s = 0.3f), BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(displacement, BRN_MATRIX(READ, 1), BRN_MATRIX(UPDATED, c->feats), BRN_MATRIX(WRITTEN, 1))
BRN_CASE_RUN(displacement)
{
    return BRN_LAUNCH(q, displacement, c->rows, c->feats, (.ld = m[1].ld, .s = 0.8f, .r = 0.3f), BRN_CASE_VIEWS3);
}

#define OP(name, variants, reduction, flops) {"learning", #name, variants, false, reduction, layout_##name, run_##name, flops, {0}}
static const brn_operation operations[] = {
    OP(adam, 2, brn_case_one, 15),
    OP(nesterov, 1, brn_case_one, 5),
    OP(normalise, 1, brn_case_all, 3),
    OP(newton_schulz, 1, brn_case_one, 2),
    OP(param_step, 1, brn_case_one, 4),
    OP(square_sum, 1, brn_case_all, 2),
    OP(clip_factor, 3, brn_case_all, 1),
    OP(scale_by, 1, brn_case_one, 1),
    OP(running_mean, 1, brn_case_one, 3),
    OP(orthonormal_rows, 1, brn_case_all, 32),
    OP(trace_inverse, 3, brn_case_feats, 0),
    OP(shifted_product, 2, brn_case_one, 3),
    OP(negative_part, 1, brn_case_one, 3),
    OP(batch_argmax, 2, brn_case_feats, -2),
    OP(pair_penalty, 2, brn_case_one, 8),
    OP(displacement, 1, brn_case_feats, 4),
};
const brn_operation_list brn_learning_operations = {operations, sizeof operations / sizeof *operations};
