/* The parity table: kernels of networks, and products. */
#include "selftest/case.h"
#include <brenier/settings.h>

static float constant(const brn_case *c) { return c->kind == BRN_ACT_LEAKY_RELU ? 0.2f : 0.7f; }

/* variant 0: z, q and u with a bias; 1: z alone */
BRN_CASE_LAYOUT(act_forward, BRN_VECTOR(READ, c->feats), BRN_MATRIX(UPDATED, c->feats), BRN_MATRIX(WRITTEN, c->feats), BRN_MATRIX(UPDATED, c->feats))
BRN_CASE_RUN(act_forward)
{
    return BRN_LAUNCH(q, act_forward, c->rows, c->feats,
                      (.ldu = m[1].ld, .ldz = m[2].ld, .ldq = m[3].ld, .kind = c->kind, .c = constant(c), .bias = c->variant ? -1 : 0,
                       .slope = !c->variant), BRN_CASE_VIEWS4);
}

BRN_CASE_LAYOUT(act_reverse, BRN_MATRIX(READ, c->feats, .pad = 1), BRN_MATRIX(READ, c->feats, .pad = 1), BRN_MATRIX(READ, c->feats, .pad = 1), BRN_MATRIX(UPDATED, c->feats, .pad = 4),
       BRN_MATRIX(UPDATED, c->feats, .pad = 4))
BRN_CASE_RUN(act_reverse)
{
    return BRN_LAUNCH(q, act_reverse, c->rows, c->feats, (.ld = m[0].ld, .ldz = m[3].ld, .kind = c->kind, .c = constant(c)), BRN_CASE_VIEWS4,
                      brn_mat_view(m[4]));
}

BRN_CASE_LAYOUT(mul, BRN_MATRIX(READ, c->feats), BRN_MATRIX(READ, c->feats), BRN_MATRIX(WRITTEN, c->feats))
BRN_CASE_RUN(mul)
{
    return BRN_LAUNCH(q, mul, c->rows, c->feats, (.lda = m[0].ld, .ldb = m[1].ld, .ldy = m[2].ld), BRN_CASE_VIEWS3);
}

BRN_CASE_LAYOUT(mul_add, BRN_MATRIX(READ, c->feats), BRN_MATRIX(READ, c->feats),
                {.feats = c->feats, .access = c->variant ? BRN_CASE_WRITTEN : BRN_CASE_UPDATED})
BRN_CASE_RUN(mul_add)
{
    return BRN_LAUNCH(q, mul_add, c->rows, c->feats,
                      (.lda = m[0].ld, .ldb = m[1].ld, .ldy = m[2].ld, .s = 0.3f, .t = c->variant ? 0 : 1.7f), BRN_CASE_VIEWS3);
}

BRN_CASE_LAYOUT(axpby, BRN_MATRIX(READ, c->feats), {.feats = c->feats, .access = c->variant ? BRN_CASE_WRITTEN : BRN_CASE_UPDATED})
BRN_CASE_RUN(axpby)
{
    return BRN_LAUNCH(q, axpby, c->rows, c->feats, (.ldx = m[0].ld, .ldy = m[1].ld, .s = 0.3f, .t = c->variant ? 0 : 1.7f), BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(fill, BRN_MATRIX(WRITTEN, c->feats))
BRN_CASE_RUN(fill)
{
    return BRN_LAUNCH(q, fill, c->rows, c->feats, (.ld = m[0].ld, .s = 0.3f), brn_mat_view(m[0]));
}

BRN_CASE_LAYOUT(row_dot, BRN_MATRIX(READ, c->feats), BRN_MATRIX(READ, c->feats), {.feats = 1, .access = c->variant ? BRN_CASE_WRITTEN : BRN_CASE_UPDATED})
BRN_CASE_RUN(row_dot)
{
    return BRN_LAUNCH(q, row_dot, c->rows, c->feats, (.ldx = m[0].ld, .ldy = m[1].ld, .s = 0.3f, .t = c->variant ? 0 : 1.7f), BRN_CASE_VIEWS3);
}

BRN_CASE_LAYOUT(rows_to_tile, BRN_VECTOR(READ, c->feats * c->rows), BRN_MATRIX(WRITTEN, c->feats))
BRN_CASE_RUN(rows_to_tile)
{
    return BRN_LAUNCH(q, rows_to_tile, c->rows, c->feats, (.ld = m[1].ld), BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(tile_to_rows, BRN_MATRIX(READ, c->feats), BRN_VECTOR(WRITTEN, c->feats * c->rows))
BRN_CASE_RUN(tile_to_rows)
{
    return BRN_LAUNCH(q, tile_to_rows, c->rows, c->feats, (.ld = m[0].ld), BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(feature_sum, BRN_MATRIX(READ, c->feats), BRN_VECTOR(UPDATED, c->feats + 1))
BRN_CASE_RUN(feature_sum)
{
    return BRN_LAUNCH(q, feature_sum, c->rows, c->feats, (.ld = m[0].ld, .at = 1), BRN_CASE_VIEWS2);
}

/* variant bits: 1 a second part, 2 a shift */
BRN_CASE_LAYOUT(potential_value, BRN_VECTOR(READ, 2), BRN_MATRIX(READ, c->feats), BRN_MATRIX(READ, 1), BRN_MATRIX(READ, 1), BRN_VECTOR(READ, c->feats), BRN_MATRIX(WRITTEN, 1))
BRN_CASE_RUN(potential_value)
{
    return BRN_LAUNCH(q, potential_value, c->rows, c->feats,
                      (.ldx = m[1].ld, .parts = 1 + (c->variant & 1), .has_shift = c->variant >> 1, .log_alpha = 1, .s = 0.5f), BRN_CASE_VIEWS4,
                      brn_mat_view(m[4]), brn_mat_view(m[5]));
}

BRN_CASE_LAYOUT(potential_grad, BRN_VECTOR(READ, 2), BRN_MATRIX(READ, c->feats), BRN_VECTOR(READ, c->feats), BRN_MATRIX(UPDATED, c->feats))
BRN_CASE_RUN(potential_grad)
{
    return BRN_LAUNCH(q, potential_grad, c->rows, c->feats, (.ldx = m[1].ld, .ldy = m[3].ld, .has_shift = c->variant, .log_alpha = 1, .s = 0.5f),
                      BRN_CASE_VIEWS4);
}

BRN_CASE_LAYOUT(log_alpha_grad, BRN_VECTOR(READ, 2), BRN_MATRIX(READ, c->feats), BRN_MATRIX(READ, c->feats), BRN_VECTOR(UPDATED, 2))
BRN_CASE_RUN(log_alpha_grad)
{
    return BRN_LAUNCH(q, log_alpha_grad, c->rows, c->feats, (.ldx = m[1].ld, .ldy = m[2].ld, .log_alpha = 1, .s = 0.5f), BRN_CASE_VIEWS4);
}

/* Here the lanes are outputs: `rows` of them, depth hidden and feats skip inputs; variant 0: positive with
 * normalisation, 1: neither. Parameters: weights and bias, then the normalisation's two vectors. */
static int icnn_size(const brn_case *c) { return (c->depth + c->feats + 3) * c->rows; }
BRN_CASE_LAYOUT(icnn_prepare, BRN_VECTOR(READ, icnn_size(c)), BRN_VECTOR(UPDATED, icnn_size(c)))
BRN_CASE_RUN(icnn_prepare)
{
    return BRN_LAUNCH(q, icnn_prepare, c->rows, 1,
                      (.at = 0, .inputs = c->depth, .skip = c->feats, .norm = c->variant ? -1 : (c->depth + c->feats + 1) * c->rows, .positive = !c->variant),
                      BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(icnn_pullback, BRN_VECTOR(READ, icnn_size(c)), BRN_VECTOR(READ, icnn_size(c)), BRN_VECTOR(UPDATED, icnn_size(c)))
BRN_CASE_RUN(icnn_pullback)
{
    return BRN_LAUNCH(q, icnn_pullback, c->rows, 1,
                      (.at = 0, .inputs = c->depth, .skip = c->feats, .norm = c->variant ? -1 : (c->depth + c->feats + 1) * c->rows, .positive = !c->variant),
                      BRN_CASE_VIEWS3);
}

/* Images of some odd sizes under kernels of 4 x 4 and stride 2; the last third of the lanes holds no row.
 * variant bits: 1 a photograph, 2 not from the first position on and, for the adjoint, added to x */
typedef struct {
    int channels, height, width, out_height, out_width, first, count, used;
} image_case;

static image_case image_of(const brn_case *c)
{
    image_case g = {.channels = 1 + c->feats % 4, .height = 1 + c->depth % 5, .width = 1 + c->feats % 6, .used = c->rows - c->rows / 3};
    g.out_height = (g.height + 1) / 2, g.out_width = (g.width + 1) / 2;
    g.first = c->variant & 2 && g.out_height * g.out_width > 1;
    g.count = g.out_height * g.out_width - g.first;
    return g;
}
static int pixels(const brn_case *c) { return image_of(c).channels * image_of(c).height * image_of(c).width; }
static int taps(const brn_case *c) { return 16 * image_of(c).channels; }
static int patches(const brn_case *c) { return image_of(c).count * c->rows; }

BRN_CASE_LAYOUT(im2col, BRN_MATRIX(READ, pixels(c)), BRN_MATRIX(WRITTEN, taps(c), .cols = patches(c)))
BRN_CASE_RUN(im2col)
{
    const image_case g = image_of(c);
    return BRN_LAUNCH(q, im2col, c->rows, taps(c),
                      (.ldx = m[0].ld, .ldy = m[1].ld, .lanes = c->rows, .used = g.used, .height = g.height, .width = g.width, .side = 4,
                       .stride = 2, .pad = 1, .out_width = g.out_width, .first = g.first, .count = g.count, .image = c->variant & 1,
                       .shift = c->variant != 3, .s0 = 2, .s1 = 3, .s2 = 5, .b0 = 7, .b1 = 11, .b2 = 13), BRN_CASE_VIEWS2);
}

BRN_CASE_LAYOUT(col2im, BRN_MATRIX(READ, taps(c), .cols = patches(c)), {.feats = pixels(c), .access = c->variant & 2 ? BRN_CASE_UPDATED : BRN_CASE_WRITTEN})
BRN_CASE_RUN(col2im)
{
    const image_case g = image_of(c);
    return BRN_LAUNCH(q, col2im, c->rows, g.channels * g.height,
                      (.ldx = m[1].ld, .ldy = m[0].ld, .lanes = c->rows, .used = g.used, .height = g.height, .width = g.width, .side = 4,
                       .stride = 2, .pad = 1, .out_height = g.out_height, .out_width = g.out_width, .first = g.first, .count = g.count,
                       .top = 0, .tall = g.height, .fresh = c->variant & 2 ? g.height : 0, .image = c->variant & 1, .s0 = 2, .s1 = 3, .s2 = 5),
                      BRN_CASE_VIEWS2);
}
/* feats lines of some pixels */
static int line_width(const brn_case *c) { return 1 + c->depth % 5; }
BRN_CASE_LAYOUT(upsample, BRN_MATRIX(READ, c->feats * line_width(c)), BRN_MATRIX(WRITTEN, 4 * c->feats * line_width(c)))
BRN_CASE_RUN(upsample)
{
    return BRN_LAUNCH(q, upsample, c->rows, c->feats, (.ldx = m[0].ld, .ldy = m[1].ld, .width = line_width(c)), BRN_CASE_VIEWS2);
}
static int four(const brn_case *c) { return (void)c, 4; } /* of the 16 taps a stride of 2 leaves four */

/* ---- products ---------------------------------------------------------------------------------- */

static brn_dense dense_of(const brn_case *c, brn_mat params, bool bias)
{
    return (brn_dense){params.buf, params.off, bias ? (ptrdiff_t)params.off + c->depth * c->feats : -1, c->depth, c->feats};
}

/* variant bits: 1 without bias, 2 without u, 4 without q, 8 composed */
BRN_CASE_LAYOUT(dense_forward, BRN_VECTOR(READ, (c->depth + 1) * c->feats), BRN_MATRIX(READ, c->depth), {.feats = c->feats, .access = c->variant & 2 ? BRN_CASE_UPDATED : BRN_CASE_WRITTEN},
       BRN_MATRIX(WRITTEN, c->feats), {.feats = c->feats, .access = c->variant & 4 ? BRN_CASE_UPDATED : BRN_CASE_WRITTEN})
BRN_CASE_RUN(dense_forward)
{
    const brn_dense w = dense_of(c, m[0], !(c->variant & 1));
    const brn_mat u = c->variant & 2 ? (brn_mat){0} : m[2], slope = c->variant & 4 ? (brn_mat){0} : m[4];
    if (c->variant & 8) return brn_compose_dense_forward(q, &w, c->rows, c->kind, constant(c), m[1], u, m[3], slope);
    return brn_dense_forward(q, &w, c->rows, c->kind, constant(c), m[1], u, m[3], slope);
}

/* variant % 3: plain, times q, accumulated; 3 more: composed. The reduction runs over the outputs. */
BRN_CASE_LAYOUT(dense_backward, BRN_VECTOR(READ, (c->depth + 1) * c->feats), BRN_MATRIX(READ, c->feats), BRN_MATRIX(READ, c->depth),
       {.feats = c->depth, .access = c->variant % 3 == 2 ? BRN_CASE_UPDATED : BRN_CASE_WRITTEN})
BRN_CASE_RUN(dense_backward)
{
    const brn_dense w = dense_of(c, m[0], true);
    const brn_mat slope = c->variant % 3 == 1 ? m[2] : (brn_mat){0};
    if (c->variant >= 3) return brn_compose_dense_backward(q, &w, c->rows, m[1], slope, m[3], c->variant % 3 == 2);
    return brn_dense_backward(q, &w, c->rows, m[1], slope, m[3], c->variant % 3 == 2);
}

/* variant bits: 1 without bias, 2 composed */
BRN_CASE_LAYOUT(dense_grad, BRN_MATRIX(READ, c->depth), BRN_MATRIX(READ, c->feats), BRN_VECTOR(UPDATED, (c->depth + 1) * c->feats))
BRN_CASE_RUN(dense_grad)
{
    brn_dense w = dense_of(c, m[2], true);
    w.params = NULL; /* only the offsets count */
    if (c->variant & 2) return brn_compose_dense_grad(q, &w, c->rows, m[0], m[1], m[2].buf, !(c->variant & 1));
    return brn_dense_grad(q, &w, c->rows, m[0], m[1], m[2].buf, !(c->variant & 1));
}

/* variant bits: 1 A transposed, 2 B transposed, 4 C is added to */
BRN_CASE_LAYOUT(gemm, BRN_MATRIX(READ, c->variant & 1 ? c->depth : c->feats, .cols = c->variant & 1 ? c->feats : c->depth),
                BRN_MATRIX(READ, c->variant & 2 ? c->rows : c->depth, .cols = c->variant & 2 ? c->depth : c->rows),
                {.feats = c->feats, .access = c->variant & 4 ? BRN_CASE_UPDATED : BRN_CASE_WRITTEN})
BRN_CASE_RUN(gemm)
{
    return brn_gemm(q, &(brn_gemm_args){.ta = c->variant & 1, .tb = c->variant & 2, .m = c->feats, .n = c->rows, .k = c->depth, .alpha = 0.7f,
                                        .beta = c->variant & 4 ? 1.3f : 0, .a = brn_mat_view(m[0]), .lda = m[0].ld,
                                        .b = brn_mat_view(m[1]), .ldb = m[1].ld, .c = brn_mat_view(m[2]), .ldc = m[2].ld});
}

BRN_CASE_LAYOUT(seek, BRN_VECTOR(READ, c->rows), BRN_MATRIX(READ, c->feats), BRN_MATRIX(READ, c->feats, .pad = 3), BRN_MATRIX(UPDATED, 1),
                BRN_MATRIX(UPDATED, c->feats, .pad = 3))
BRN_CASE_RUN(seek)
{
    return BRN_LAUNCH(q, seek, c->rows, c->feats, (.ldx = m[1].ld, .ld = m[2].ld, .count = c->rows), BRN_CASE_VIEWS4, brn_mat_view(m[4]));
}

static int over_inputs(const brn_case *c) { return c->depth + c->feats; }

#define OP(group, name, variants, activations, reduction, flops) {group, #name, variants, activations, reduction, layout_##name, run_##name, flops, {0}}
static const brn_operation operations[] = {
    OP("product", gemm, 8, false, brn_case_depth, -2),
    OP("product", dense_forward, 16, true, brn_case_depth, -2),
    OP("product", dense_backward, 6, false, brn_case_feats, -2),
    OP("product", dense_grad, 4, false, brn_case_rows, -2),
    OP("layer", act_forward, 2, true, brn_case_one, 20),
    OP("layer", act_reverse, 1, true, brn_case_one, 10),
    {"layer", "seek", 1, false, brn_case_feats, layout_seek, run_seek, 1024, {.rows = 512, .feats = 2}},
    OP("layer", mul, 1, false, brn_case_one, 1),
    OP("layer", mul_add, 2, false, brn_case_one, 4),
    OP("layer", axpby, 2, false, brn_case_one, 3),
    OP("layer", fill, 1, false, brn_case_one, 0),
    OP("layer", row_dot, 2, false, brn_case_feats, 2),
    OP("layer", feature_sum, 1, false, brn_case_rows, 1),
    OP("layer", rows_to_tile, 1, false, brn_case_one, 0),
    OP("layer", tile_to_rows, 1, false, brn_case_one, 0),
    OP("layer", potential_value, 4, false, brn_case_feats, 2),
    OP("layer", potential_grad, 2, false, brn_case_one, 2),
    OP("layer", log_alpha_grad, 1, false, brn_case_all, 2),
    OP("layer", im2col, 4, false, brn_case_one, 16),
    OP("layer", col2im, 4, false, four, 8),
    OP("layer", upsample, 1, false, brn_case_one, 0),
    OP("layer", icnn_prepare, 2, false, brn_case_one, 20),
    OP("layer", icnn_pullback, 2, false, over_inputs, 20),
};
const brn_operation_list brn_layer_operations = {operations, sizeof operations / sizeof *operations};
