/* The parity table: whole small networks in one launch (shaders/prelude/small.h). */
#include "selftest/case.h"
#include "networks/small.h"
#include "prelude/conjugate.h"
#include "prelude/small.h"
#include <brenier/settings.h>

enum { LAYERS = 3, PAD = 2, LD = 3, INNER = 64 /* beside the widest layers there is room for some weights, still */ };

static float constant(const brn_case *c) { return c->kind == BRN_ACT_LEAKY_RELU ? 0.2f : 0.7f; }
static int inputs(const brn_case *c) { return c->feats < INNER ? c->feats : INNER; }

/* Two hidden layers, as far as a launch has to know. Variant bits: 1 all layers see x, 2 not all weights are held at once. */
static brn_net_shape shape(const brn_case *c, bool potential)
{
    const int n = inputs(c), widths[LAYERS] = {c->depth < SMALL_WIDEST ? c->depth : SMALL_WIDEST, 1 + 7 * c->depth % 40, potential ? 1 : n};
    brn_net_shape s = {.n = n, .layers = LAYERS};
    for (int l = 0; l < LAYERS; ++l) {
        brn_layer *w = &s.layer[l];
        *w = (brn_layer){.in = l ? widths[l - 1] : 0, .skip = l && !(c->variant & 1) ? 0 : n, .out = widths[l], .quad = -1, .weight = s.size,
                         .kind = l + 1 == LAYERS ? BRN_ACT_NONE : c->kind, .c = constant(c)};
        s.size += (size_t)((w->in + w->skip + 1) * w->out);
    }
    return s;
}

static brn_small memory(const brn_case *c, const brn_net_shape *s)
{
    brn_small all, some;
    brn_small_layout(s, 0, &all);
    if (!(c->variant & 2) || !brn_small_layout(s, all.weights + 2 * SMALL_PLACES(all.widest) + 40, &some)) return all;
    return some;
}

/* The tape: slopes of the hidden layers, then what the layers behind them read. */
static int sloped(const brn_net_shape *s) { return s->layer[0].out + s->layer[1].out; }
static int kept(const brn_case *c)
{
    const brn_net_shape s = shape(c, false);
    return 2 * sloped(&s) + s.layer[1].skip + s.layer[2].skip;
}

static double number(const brn_case *c, bool potential, int at)
{
    const brn_net_shape s = shape(c, potential);
    const brn_small m = memory(c, &s);
    const int l = at / SMALL_NUMBERS, ld = c->rows + PAD;
    const brn_layer *w = &s.layer[l];
    switch (at % SMALL_NUMBERS) {
    case SMALL_INPUTS: return w->in;
    case SMALL_SKIP: return w->skip;
    case SMALL_WIDTH: return w->out;
    case SMALL_KIND: return w->kind;
    case SMALL_W: return (double)w->weight;
    case SMALL_Q: return l == 2 ? -1 : l * s.layer[0].out * ld;
    case SMALL_Z: return l == 2 ? -1 : (sloped(&s) + l * (s.layer[0].out + s.layer[1].skip)) * ld;
    case SMALL_AT: return m.at[l];
    default: return m.held[l];
    }
}
static double of_potential(const brn_case *c, int i, int at, brn_rng *rng) { return (void)i, (void)rng, number(c, true, at); }
static double of_vectors(const brn_case *c, int i, int at, brn_rng *rng) { return (void)i, (void)rng, number(c, false, at); }

/* Weights that keep values at their size; the last number is log_alpha. */
static double weight(const brn_case *c, int i, int at, brn_rng *rng)
{
    const brn_net_shape s = shape(c, true);
    (void)i, (void)at;
    return brn_case_between(rng, -0.5, 1.5) / (1 + s.n + s.layer[0].out);
}
static int weights(const brn_case *c, bool potential)
{
    const brn_net_shape s = shape(c, potential);
    return (int)s.size;
}
static int sums(const brn_case *c)
{
    const brn_net_shape s = shape(c, true);
    return 4 * s.n + 2 * sloped(&s);
}

#define PLAN(fill_) BRN_VECTOR(READ, LAYERS * SMALL_NUMBERS, .integer = true, .fill = fill_)
#define THETA(potential) BRN_VECTOR(READ, weights(c, potential) + 1, .fill = weight)
#define OF_NETWORK(m)                                                                                                              \
    .layers = LAYERS, .widest = (m).widest, .weights = (m).weights, .resident = (m).resident, .room = (m).shared, .c = constant(c)

BRN_CASE_LAYOUT(small_value_grad, PLAN(of_potential), THETA(true), BRN_MATRIX(READ, inputs(c)), BRN_MATRIX(SCRATCH, kept(c), .pad = PAD),
                BRN_MATRIX(WRITTEN, 1), BRN_MATRIX(WRITTEN, inputs(c)))
BRN_CASE_RUN(small_value_grad)
{
    const brn_net_shape s = shape(c, true);
    const brn_small at = memory(c, &s);
    return BRN_LAUNCH(q, small_value_grad, SMALL_R * c->rows, s.n,
                      (OF_NETWORK(at), .count = c->rows, .ldx = m[2].ld, .ldg = m[5].ld, .ldq = m[3].ld, .log_alpha = (int)s.size, .s = 0.7f),
                      BRN_CASE_VIEWS4, brn_mat_view(m[4]), brn_mat_view(m[5]));
}

/* Where not all layers see x: x + network(x). */
BRN_CASE_LAYOUT(small_forward, PLAN(of_vectors), THETA(false), BRN_MATRIX(READ, inputs(c)), BRN_MATRIX(WRITTEN, kept(c), .pad = PAD),
                BRN_MATRIX(WRITTEN, inputs(c)))
BRN_CASE_RUN(small_forward)
{
    const brn_net_shape s = shape(c, false);
    const brn_small at = memory(c, &s);
    return BRN_LAUNCH(q, small_forward, SMALL_R * c->rows, s.n,
                      (OF_NETWORK(at), .count = c->rows, .ldx = m[2].ld, .ldy = m[4].ld, .ldq = m[3].ld, .slopes = 1, .residual = !(c->variant & 1)),
                      BRN_CASE_VIEWS4, brn_mat_view(m[4]));
}

/* A solver's lanes: a quarter of them has stopped; what stood in the list and at the trial points before. */
static double lane(const brn_case *c, int i, int r, brn_rng *rng)
{
    const double u = brn_case_between(rng, -0.3, 1.3);
    return i == C_FLAG ? (r + c->feats) % 4 : i == C_T ? 0.5 + u * u : u;
}
static double before(const brn_case *c, int i, int at, brn_rng *rng) { return (void)c, (void)i, (void)rng, at == 1 ? 4 : 0; }

BRN_CASE_LAYOUT(small_trial, PLAN(of_potential), THETA(true), BRN_MATRIX(READ, C_FIELDS + 2 * inputs(c), .pad = LD, .fill = lane),
                BRN_VECTOR(UPDATED, 3 + c->rows, .integer = true, .fill = before), BRN_MATRIX(SCRATCH, kept(c), .pad = PAD),
                BRN_MATRIX(UPDATED, 3 * inputs(c) + 1, .pad = LD))
BRN_CASE_RUN(small_trial)
{
    const brn_net_shape s = shape(c, true);
    const brn_small at = memory(c, &s);
    return BRN_LAUNCH(q, small_trial, SMALL_R * c->rows, s.n,
                      (OF_NETWORK(at), .count = c->rows, .history = 5, .ld = m[2].ld, .ldq = m[4].ld, .log_alpha = (int)s.size, .s = 0.7f), BRN_CASE_VIEWS4,
                      brn_mat_view(m[4]), brn_mat_view(m[5]));
}

#define OP(name) {"product", #name, 4, true, sums, layout_##name, run_##name, 0, {0}}
static const brn_operation operations[] = {OP(small_value_grad), OP(small_forward), OP(small_trial)};
const brn_operation_list brn_small_operations = {operations, sizeof operations / sizeof *operations};
