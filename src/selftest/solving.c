/* The parity table: kernels of the conjugate solver. Their state is a matrix with one column per lane and
 * a meaning per row (prelude/conjugate.h): each row has its own scale, and what decides is identical. */
#include "selftest/case.h"
#include "prelude/conjugate.h"
#include "conjugate/solver.h"

enum { LD = 3, TILE = 64 }; /* lanes past the last one, common to the matrices of a launch; lanes of a batch's tile */
#define BIT(field) (1u << (field))
static const unsigned DECISIONS = BIT(C_COUNT) | BIT(C_ITER) | BIT(C_EVALS) | BIT(C_TRIALS) | BIT(C_FIRST) | BIT(C_FLAG) | BIT(C_STOP) |
                                  BIT(C_FINITE) | BIT(C_STAGE) | BIT(C_STALLED);

static int history(const brn_case *c) { return 1 + c->depth % 10; }

/* A state in which rounding decides nothing: brackets are wide, slopes are not flat. */
static double state(const brn_case *c, int i, int r, brn_rng *rng)
{
    const double u = brn_rng_uniform(rng), sign = r % 2 ? 1 : -1;
    switch (i) {
    case C_T: return 0.45 + 0.1 * u;
    case C_SLOPE: return -0.3 - 0.7 * u;
    case C_GAMMA: return 0.5 + u;
    case C_COUNT: return (int)(u * (history(c) + 1));
    case C_ITER: return (int)(u * 5);
    case C_EVALS: return (int)(u * 9);
    case C_TRIALS: return (int)(u * 4);
    case C_FIRST: return u < 0.15;
    case C_GNORM: case C_GTRIAL: return 0.02 + u;
    case C_FLAG: return (int)(u * 5);
    case C_STOP: return (int)(u * 4);
    case C_NOISE: return 1e-6;
    case C_FINITE: return u < 0.9;
    case C_STAGE: return (int)(u * 3);
    case C_TLO: return 0.1 + 0.3 * u;
    case C_THI: return 0.6 + 0.4 * u;
    case C_DTRIAL: case C_DLO: return sign * (0.3 + 0.7 * u);
    case C_STALLED: return (int)(u * 6);
    default: return 2 * u - 1;
    }
}
#define STATE(access, exact_) BRN_MATRIX(access, C_FIELDS, .pad = LD, .fill = state, .each = true, .exact = (exact_))
#define LANES(access, feats) BRN_MATRIX(access, feats, .pad = LD)

/* Pairs (lane, row): two orders of the same numbers. */
static double pairs(const brn_case *c, int i, int at, brn_rng *rng)
{
    (void)i, (void)rng;
    const int k = at / 2;
    return at % 2 ? (k + c->rows / 2) % c->rows : c->rows - 1 - k;
}

/* From the second half of the lanes to the first. */
static double moves(const brn_case *c, int i, int at, brn_rng *rng)
{
    (void)i, (void)rng;
    const int k = at / 2;
    return at % 2 ? c->rows - 1 - k : c->rows + k;
}
#define LIST(order) BRN_VECTOR(READ, 2 * c->rows, .integer = true, .fill = order)
static int batch(const brn_case *c) { return (c->rows + TILE - 1) / TILE * TILE * c->feats; }

BRN_CASE_LAYOUT(conj_fetch, LIST(pairs), BRN_VECTOR(READ, batch(c)), BRN_VECTOR(READ, batch(c)), BRN_VECTOR(READ, 1), LANES(WRITTEN, c->feats),
                LANES(WRITTEN, c->feats), LANES(WRITTEN, c->feats), LANES(WRITTEN, C_FIELDS))
BRN_CASE_RUN(conj_fetch)
{
    return BRN_LAUNCH(q, conj_fetch, c->rows, c->feats, (.ld = m[4].ld, .tile = TILE), BRN_CASE_VIEWS4, brn_mat_view(m[4]), brn_mat_view(m[5]),
                      brn_mat_view(m[6]), brn_mat_view(m[7]));
}

BRN_CASE_LAYOUT(conj_store, LIST(pairs), LANES(READ, c->feats), LANES(READ, c->feats), STATE(READ, 0), BRN_VECTOR(UPDATED, batch(c)),
                BRN_MATRIX(WRITTEN, BRN_INFO_FIELDS))
BRN_CASE_RUN(conj_store)
{
    return BRN_LAUNCH(q, conj_store, c->rows, c->feats, (.ld = m[1].ld, .tile = TILE, .ldinfo = m[5].ld), BRN_CASE_VIEWS4, brn_mat_view(m[4]),
                      brn_mat_view(m[5]));
}

BRN_CASE_LAYOUT(lane_move, LIST(moves), BRN_MATRIX(UPDATED, c->feats, .cols = 2 * c->rows))
BRN_CASE_RUN(lane_move) { return BRN_LAUNCH(q, lane_move, c->rows, c->feats, (.ld = m[1].ld), BRN_CASE_VIEWS2); }

BRN_CASE_LAYOUT(conj_trial, LANES(READ, c->feats), LANES(READ, c->feats), STATE(READ, 0), LANES(WRITTEN, c->feats))
BRN_CASE_RUN(conj_trial) { return BRN_LAUNCH(q, conj_trial, c->rows, c->feats, (.ld = m[0].ld), BRN_CASE_VIEWS4); }

BRN_CASE_LAYOUT(conj_measure, BRN_MATRIX(READ, 1), LANES(READ, c->feats), LANES(READ, c->feats), LANES(READ, c->feats), LANES(UPDATED, c->feats),
                BRN_MATRIX(UPDATED, C_FIELDS, .pad = LD, .fill = state, .each = true, .exact = DECISIONS, .epsilons = BIT(C_NOISE)))
BRN_CASE_RUN(conj_measure)
{
    return BRN_LAUNCH(q, conj_measure, c->rows, c->feats, (.ld = m[1].ld), BRN_CASE_VIEWS4, brn_mat_view(m[4]), brn_mat_view(m[5]));
}

BRN_CASE_LAYOUT(conj_adam, LANES(READ, c->feats), LANES(UPDATED, c->feats), LANES(UPDATED, c->feats),
                BRN_MATRIX(UPDATED, c->feats, .pad = LD, .fill = brn_case_positive), STATE(UPDATED, DECISIONS))
BRN_CASE_RUN(conj_adam)
{
    return BRN_LAUNCH(q, conj_adam, c->rows, c->feats,
                      (.ld = m[0].ld, .max_iter = 4, .min_iter = 1, .gtol = 0.3f, .lr = 0.1f, .lr_final = 1e-4f, .beta1 = 0.9f, .beta2 = 0.999f),
                      BRN_CASE_VIEWS4, brn_mat_view(m[4]));
}

BRN_CASE_LAYOUT(conj_scale, BRN_MATRIX(READ, 1), BRN_VECTOR(UPDATED, 1, .fill = brn_case_positive))
BRN_CASE_RUN(conj_scale) { return BRN_LAUNCH(q, conj_scale, c->rows, 1, (), BRN_CASE_VIEWS2); }

/* Products of a pair and its inverse curvature below 1, so that the recursion is a contraction. */
static double curvature(const brn_case *c, int i, int r, brn_rng *rng)
{
    (void)i, (void)r;
    return brn_case_between(rng, 0.1, 1) / c->feats;
}
#define HISTORY(access) BRN_MATRIX(access, history(c) * c->feats, .pad = LD)
#define CURVATURES(access) BRN_MATRIX(access, history(c), .pad = LD, .fill = curvature, .each = true)

BRN_CASE_LAYOUT(lbfgs_direction, LANES(READ, c->feats), HISTORY(READ), HISTORY(READ), CURVATURES(READ), STATE(UPDATED, DECISIONS),
                LANES(UPDATED, c->feats), LANES(SCRATCH, c->feats), LANES(SCRATCH, history(c)))
BRN_CASE_RUN(lbfgs_direction)
{
    return BRN_LAUNCH(q, lbfgs_direction, c->rows, c->feats, (.ld = m[0].ld, .slot = c->feats % history(c), .history = history(c)), BRN_CASE_VIEWS4,
                      brn_mat_view(m[4]), brn_mat_view(m[5]), brn_mat_view(m[6]), brn_mat_view(m[7]));
}
static int two_loops(const brn_case *c) { return 2 * history(c) * c->feats; }

/* Differences that do not cancel; every fifth row has negative curvature. */
static double ahead(const brn_case *c, int i, int r, brn_rng *rng) { return 2 + brn_case_positive(c, i, r, rng); }
static double bent(const brn_case *c, int i, int r, brn_rng *rng) { return r % 5 == 4 ? -ahead(c, i, r, rng) : ahead(c, i, r, rng); }
#define POINTS(fill_) BRN_MATRIX(READ, c->feats, .pad = LD, .fill = (fill_))

BRN_CASE_LAYOUT(lbfgs_push, POINTS(ahead), POINTS(bent), LANES(UPDATED, c->feats), LANES(UPDATED, c->feats), STATE(UPDATED, DECISIONS),
                HISTORY(UPDATED), HISTORY(UPDATED), CURVATURES(UPDATED))
BRN_CASE_RUN(lbfgs_push)
{
    return BRN_LAUNCH(q, lbfgs_push, c->rows, c->feats, (.ld = m[0].ld, .slot = c->feats % history(c), .history = history(c)), BRN_CASE_VIEWS4,
                      brn_mat_view(m[4]), brn_mat_view(m[5]), brn_mat_view(m[6]), brn_mat_view(m[7]));
}

/* variant 1: by interpolation */
BRN_CASE_LAYOUT(search_armijo, STATE(UPDATED, DECISIONS))
BRN_CASE_RUN(search_armijo)
{
    return BRN_LAUNCH(q, search_armijo, c->rows, 1,
                      (.ld = m[0].ld, .max_iter = 4, .min_iter = 1, .max_trials = 3, .interpolate = c->variant, .gtol = 0.3f, .c1 = 1e-4f,
                       .shrink = 0.6666667f), brn_mat_view(m[0]));
}

BRN_CASE_LAYOUT(search_wolfe, STATE(UPDATED, DECISIONS))
BRN_CASE_RUN(search_wolfe)
{
    return BRN_LAUNCH(q, search_wolfe, c->rows, 1,
                      (.ld = m[0].ld, .max_iter = 4, .min_iter = 1, .max_trials = 3, .gtol = 0.3f, .c1 = 1e-4f, .c2 = 0.9f), brn_mat_view(m[0]));
}

/* A list of lanes as conj_list makes it: how many, the slot, and the lanes in falling order. The last lanes are not on it. */
static int listed(const brn_case *c) { return c->rows - c->rows / 4; }
static double lanes(const brn_case *c, int i, int at, brn_rng *rng)
{
    (void)i, (void)rng;
    return at % 2 == 0 && at < 3 ? listed(c) : at == 1 ? c->feats % history(c) : listed(c) + 2 - at < 0 ? 0 : listed(c) + 2 - at;
}
#define LISTED(access) BRN_VECTOR(access, 3 + c->rows, .integer = true, .fill = lanes)

static double flags(const brn_case *c, int i, int r, brn_rng *rng) { return state(c, C_FLAG + 0 * i, r, rng); }
BRN_CASE_LAYOUT(conj_list, BRN_MATRIX(READ, 1, .fill = flags), LISTED(UPDATED))
BRN_CASE_RUN(conj_list) { return BRN_LAUNCH(q, conj_list, 1, 1, (.count = c->rows, .history = history(c)), BRN_CASE_VIEWS2); }

BRN_CASE_LAYOUT(conj_trial_listed, LISTED(READ), LANES(READ, c->feats), LANES(READ, c->feats), STATE(READ, 0), LANES(UPDATED, c->feats))
BRN_CASE_RUN(conj_trial_listed)
{
    return BRN_LAUNCH(q, conj_trial_listed, c->rows, c->feats, (.ld = m[1].ld), BRN_CASE_VIEWS4, brn_mat_view(m[4]));
}

/* The whole state of a lane: fields, then x, d, y, g, rho, s, yh. */
static double whole_state(const brn_case *c, int i, int r, brn_rng *rng)
{
    if (i < C_FIELDS) return i == C_NOISE ? 0 : state(c, i, r, rng); /* in units of the rounding error, where it is measured */
    const int at = i - C_FIELDS - 4 * c->feats;
    return at >= 0 && at < history(c) ? curvature(c, i, r, rng) : brn_case_between(rng, -0.3, 1.3);
}
static double scratch(const brn_case *c, int i, int r, brn_rng *rng) { return i / c->feats == 1 ? bent(c, i, r, rng) : ahead(c, i, r, rng); }

/* variants: Armijo, the same by interpolation, strong Wolfe */
BRN_CASE_LAYOUT(lbfgs_round, LISTED(UPDATED),
                BRN_MATRIX(UPDATED, C_FIELDS + 4 * c->feats + (2 * c->feats + 1) * history(c), .pad = LD, .fill = whole_state, .each = true,
                           .exact = DECISIONS, .epsilons = BIT(C_NOISE)),
                BRN_MATRIX(SCRATCH, 3 * c->feats + 1 + history(c), .pad = LD, .fill = scratch))
BRN_CASE_RUN(lbfgs_round)
{
    return BRN_LAUNCH(q, lbfgs_round, c->rows, c->feats,
                      (.ld = m[1].ld, .history = history(c), .wolfe = c->variant == 2, .max_iter = 4, .min_iter = 1, .max_trials = 3,
                       .interpolate = c->variant == 1, .gtol = 0.3f, .c1 = 1e-4f, .c2 = 0.9f, .shrink = 0.6666667f), BRN_CASE_VIEWS3);
}

#define OP(name, variants, reduction, flops) {"solver", #name, variants, false, reduction, layout_##name, run_##name, flops, {.feats = 64, .depth = 9}}
static const brn_operation operations[] = {
    OP(conj_fetch, 1, brn_case_one, 0), OP(conj_store, 1, brn_case_one, 0), OP(lane_move, 1, brn_case_one, 0), OP(conj_trial, 1, brn_case_one, 2),
    OP(conj_measure, 1, brn_case_feats, 8), OP(conj_adam, 1, brn_case_one, 16), OP(conj_scale, 1, brn_case_rows, 0),
    OP(lbfgs_direction, 1, two_loops, -9), OP(lbfgs_push, 1, brn_case_feats, 8), OP(search_armijo, 2, brn_case_one, 0),
    OP(search_wolfe, 1, brn_case_one, 0), OP(conj_list, 1, brn_case_one, 0), OP(conj_trial_listed, 1, brn_case_one, 2),
    OP(lbfgs_round, 3, two_loops, -9),
};
const brn_operation_list brn_solver_operations = {operations, sizeof operations / sizeof *operations};
