/* The parity table: random words, samples, choices. Integers are identical on every device. */
#include "selftest/case.h"
#include "measures/kinds.h"

enum { SAMPLINGS = BRN_SAMPLING_LATTICE + 1 };

/* The draw of a case: each way of sampling, a step beyond 2^32, a batch that the rows are part of. */
static brn_latents latents(const brn_case *c, brn_sampling sampling, int component)
{
    const brn_draw draw = {.seed = 0x9E3779B97F4A7C15u * (uint64_t)(c->feats + 1), .step = ((uint64_t)1 << 33) + (uint64_t)c->depth, .stream = 7,
                           .batch = c->rows + 10, .sampling = sampling};
    return brn_latents_of(&draw, BRN_TARGET, component);
}

static brn_sampling sampling_of(const brn_case *c) { return (brn_sampling)(c->variant % SAMPLINGS); }
static int blocks(const brn_case *c) { return (c->feats + 1 + 3) / 4 * 4; }

static double random_word(const brn_case *c, int i, int r, brn_rng *rng)
{
    (void)i, (void)r;
    const uint32_t word = brn_rng_word(rng);
    return sampling_of(c) == BRN_SAMPLING_LATTICE ? (double)(int32_t)word : 0;
}

enum { ROW0 = 6 };

BRN_CASE_LAYOUT(normal, BRN_VECTOR(READ, blocks(c), .integer = true, .fill = random_word), BRN_MATRIX(WRITTEN, c->feats))
BRN_CASE_RUN(normal)
{
    const brn_latents l = latents(c, sampling_of(c), c->feats);
    return BRN_LAUNCH(q, normal, c->rows, (c->feats + 3) / 4, (.ld = m[1].ld, .dim = c->feats, .row0 = ROW0, BRN_LATENT_PARAMS(l)), BRN_CASE_VIEWS2);
}

/* variant 1: [0, 1), where the numbers are the words' first 23 bits and so identical */
BRN_CASE_LAYOUT(uniform_box, BRN_MATRIX(WRITTEN, c->feats, .each = true, .exact = c->variant ? ~0u : 0))
BRN_CASE_RUN(uniform_box)
{
    return BRN_LAUNCH(q, uniform_box, c->rows, c->feats,
                      (.ld = m[0].ld, .first = 5, .seed0 = 11, .seed1 = 12, .stream = 3, .step = (uint32_t)c->depth,
                       .low = c->variant ? 0 : -5.0f, .high = c->variant ? 1.0f : 3.0f), brn_mat_view(m[0]));
}

/* depth components of equal weight */
static double even_limit(const brn_case *c, int i, int r, brn_rng *rng)
{
    (void)i, (void)rng;
    return (double)(int32_t)(uint32_t)(4294967296.0 * (r + 1) / (c->depth + 1));
}

BRN_CASE_LAYOUT(choose, BRN_VECTOR(READ, blocks(c), .integer = true, .fill = random_word), BRN_VECTOR(READ, c->depth, .integer = true, .fill = even_limit),
                BRN_VECTOR(WRITTEN, c->rows, .integer = true))
BRN_CASE_RUN(choose)
{
    const brn_latents l = latents(c, sampling_of(c), c->feats);
    return BRN_LAUNCH(q, choose, c->rows, 1, (.count = c->depth, .dim = c->feats, .row0 = ROW0, BRN_LATENT_PARAMS(l)), BRN_CASE_VIEWS3);
}

static double small_choice(const brn_case *c, int i, int r, brn_rng *rng)
{
    (void)c, (void)i, (void)r;
    return brn_rng_word(rng) % 3;
}

BRN_CASE_LAYOUT(pick, BRN_VECTOR(READ, c->rows, .integer = true, .fill = small_choice), BRN_MATRIX(READ, c->feats), BRN_MATRIX(UPDATED, c->feats))
BRN_CASE_RUN(pick) { return BRN_LAUNCH(q, pick, c->rows, c->feats, (.ldx = m[1].ld, .ldy = m[2].ld, .k = 1), BRN_CASE_VIEWS3); }

/* depth rows of data; positions reach over several epochs */
BRN_CASE_LAYOUT(epoch_rows, BRN_VECTOR(WRITTEN, c->rows, .integer = true))
BRN_CASE_RUN(epoch_rows)
{
    int bits = 2;
    while (1 << bits < c->depth) ++bits;
    return BRN_LAUNCH(q, epoch_rows, c->rows, 1,
                      (.count = c->depth, .bits = bits, .first = (uint32_t)(c->feats % c->depth), .epoch = 0xFFFFFFF0u, .epoch_high = 1, .stream = 9,
                       .seed0 = 21, .seed1 = 22), brn_mat_view(m[0]));
}

BRN_CASE_LAYOUT(weighted_rows, BRN_VECTOR(READ, 4, .integer = true), BRN_VECTOR(READ, c->depth, .integer = true, .fill = even_limit),
                BRN_VECTOR(WRITTEN, c->rows, .integer = true))
BRN_CASE_RUN(weighted_rows)
{
    const brn_latents l = latents(c, BRN_SAMPLING_IID, 0);
    return BRN_LAUNCH(q, weighted_rows, c->rows, 1, (.count = c->depth, .row0 = ROW0, BRN_LATENT_PARAMS(l)), BRN_CASE_VIEWS3);
}

static double data_row(const brn_case *c, int i, int r, brn_rng *rng)
{
    (void)i, (void)r;
    return brn_rng_word(rng) % (uint32_t)c->depth;
}

BRN_CASE_LAYOUT(gather_rows, BRN_VECTOR(READ, c->depth *c->feats), BRN_VECTOR(READ, c->rows, .integer = true, .fill = data_row), BRN_MATRIX(WRITTEN, c->feats))
BRN_CASE_RUN(gather_rows) { return BRN_LAUNCH(q, gather_rows, c->rows, c->feats, (.ld = m[2].ld), BRN_CASE_VIEWS3); }

/* variant: which shape, and from SHAPES on antithetic */
enum { SHAPES = BRN_SHAPE_CRESCENT + 1 };
static const float RADIUS = 3;
static double extent(const brn_case *c) { return c->variant % SHAPES == BRN_SHAPE_SWISS ? 14 * RADIUS : 0; } /* t sin t: as far as t goes */
BRN_CASE_LAYOUT(shape2d, BRN_VECTOR(READ, 4, .integer = true), BRN_MATRIX(WRITTEN, 2, .size = extent(c)))
BRN_CASE_RUN(shape2d)
{
    const bool antithetic = c->variant >= SHAPES;
    const brn_latents l = latents(c, antithetic ? BRN_SAMPLING_ANTITHETIC : BRN_SAMPLING_IID, 2);
    return BRN_LAUNCH(q, shape2d, c->rows, 2,
                      (.ld = m[1].ld, .kind = c->variant % SHAPES, .count = 1 + c->depth % 8, .centre = c->depth % 2, .normal = c->variant % SHAPES ? 0 : ~0u,
                       .radius = RADIUS, .phase = 0.125f, .noise = 0.1f, .gain = l.gain, .shift = l.shift, .row0 = ROW0, BRN_LATENT_PARAMS(l)),
                      BRN_CASE_VIEWS2);
}

/* an angle of up to 14 and its sine are both rounded */
static int angle_and_sine(const brn_case *c) { return (void)c, 2; }

#define OP(name, variants, reduction, flops) {"sampling", #name, variants, false, reduction, layout_##name, run_##name, flops, {0}}
static const brn_operation operations[] = {
    OP(normal, SAMPLINGS, brn_case_one, 60), OP(uniform_box, 2, brn_case_one, 30), OP(choose, SAMPLINGS, brn_case_one, 0),
    OP(pick, 1, brn_case_one, 0), OP(epoch_rows, 1, brn_case_one, 0), OP(weighted_rows, 1, brn_case_one, 0),
    OP(gather_rows, 1, brn_case_one, 0), OP(shape2d, 2 * SHAPES, angle_and_sine, 0),
};
const brn_operation_list brn_draw_operations = {operations, sizeof operations / sizeof *operations};
