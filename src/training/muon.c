/* Muon (Jordan et al. 2024): the momentum of a weight matrix, replaced by the nearest orthogonal matrix.
 * Five Newton-Schulz steps X <- a X + (b X X^T + c (X X^T)^2) X with coefficients that lift small
 * singular values fast, and leave them between 0.7 and 1.2; matrix products only. */
#include "training/optimizer_parts.h"

#include <math.h>

static const float A = 3.4445f, B = -4.7750f, C = 2.0315f;
enum { ITERATIONS = 5 };

double brn_muon_cost(const brn_block *b)
{
    const double small = b->rows < b->cols ? b->rows : b->cols, large = b->rows + b->cols - small;
    return ITERATIONS * (4 * small * small * large + 2 * small * small * small);
}

/* next = p(x) x, or x p(x) for a tall matrix: the Gram matrix is the smaller one. */
static brn_status newton_schulz(brn_queue *q, const brn_block *b, brn_view x, brn_view next, brn_view gram, brn_view poly)
{
    const bool tall = b->rows > b->cols;
    const int r = b->rows, c = b->cols, small = tall ? c : r, large = tall ? r : c;
    BRN_TRY(brn_gemm(q, &(brn_gemm_args){.ta = tall, .tb = !tall, .m = small, .n = small, .k = large, .alpha = 1,
                                         .a = x, .lda = c, .b = x, .ldb = c, .c = gram, .ldc = small}));
    BRN_TRY(brn_gemm(q, &(brn_gemm_args){.m = small, .n = small, .k = small, .alpha = C, .a = gram, .lda = small,
                                         .b = gram, .ldb = small, .c = poly, .ldc = small}));
    BRN_TRY(BRN_LAUNCH(q, newton_schulz, small, small, (.at = (int)b->at, .a = A, .b = B), {gram.buf, 0}, {poly.buf, 0}));
    return brn_gemm(q, &(brn_gemm_args){.m = r, .n = c, .k = small, .alpha = 1, .a = tall ? x : poly,
                                        .lda = tall ? c : small, .b = tall ? poly : x, .ldb = c, .c = next, .ldc = c});
}

brn_status brn_muon_step(const brn_update *u, brn_queue *q, const brn_block *b)
{
    brn_optimizer *opt = u->opt;
    const int count = (int)brn_block_count(b), at = (int)b->at;
    BRN_TRY(BRN_LAUNCH(q, nesterov, count, 1, (.at = at, .momentum = (float)opt->set.momentum), {u->grad, 0}, {opt->m, 0}));
    BRN_TRY(BRN_LAUNCH(q, normalise, 256, 1, (.at = at, .count = count), {u->grad, 0}));
    brn_view x = brn_block_view(b, u->grad), next = brn_block_view(b, opt->work[0]);
    for (int i = 0; i < ITERATIONS; ++i) {
        BRN_TRY(newton_schulz(q, b, x, next, brn_block_view(b, opt->work[1]), brn_block_view(b, opt->work[2])));
        const brn_view done = x;
        x = next;
        next = done;
    }
    const float wide = b->cols > b->rows ? sqrtf((float)b->cols / (float)b->rows) : 1;
    return BRN_LAUNCH(q, param_step, count, 1, (.at = at, .rate = u->matrix_lr * wide, .decay = u->decay), {x.buf, 0}, {u->theta, 0});
}
