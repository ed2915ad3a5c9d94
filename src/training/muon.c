/* Muon (Jordan et al. 2024): the momentum of a weight matrix, replaced by the nearest orthogonal matrix.
 * Five Newton-Schulz steps X <- a X + (b X X^T + c (X X^T)^2) X with coefficients that lift small
 * singular values fast, and leave them between 0.7 and 1.2; matrix products only.
 *
 * The largest matrix has most of the work, so matrices are cut into stripes of rows, and all stripes
 * finish one product before the next begins. */
#include "training/optimizer_parts.h"

#include <math.h>

static const float A = 3.4445f, B = -4.7750f, C = 2.0315f;

double brn_muon_cost(const brn_block *b)
{
    const double small = b->rows < b->cols ? b->rows : b->cols, large = b->rows + b->cols - small;
    return BRN_MUON_ITERATIONS * (4 * small * small * large + 2 * small * small * small);
}

int brn_muon_stripes(const brn_optimizer *opt, const brn_block *b)
{
    const int small = b->rows < b->cols ? b->rows : b->cols, tile = brn_device_tile_rows(opt->dev, 1);
    return small > tile ? (small + tile / 2) / tile : 1;
}

/* One part of a step, and what it works on: rows [first, last) of the result. */
typedef struct {
    const brn_update *u;
    const brn_block *b;
    bool tall;        /* the Gram matrix is the smaller one: X^T X of a tall matrix */
    int small, large;
    int first, last;
    brn_view x, next, gram, poly;
} stripe;

static stripe stripe_of(const brn_update *u, const brn_task *t, int iteration, bool gram)
{
    brn_optimizer *opt = u->opt;
    const brn_block *b = &opt->block[t->index];
    brn_buf *x = iteration % 2 ? opt->work[0] : u->grad, *next = iteration % 2 ? u->grad : opt->work[0];
    stripe s = {.u = u, .b = b, .tall = b->rows > b->cols, .x = brn_block_view(b, x), .next = brn_block_view(b, next),
                .gram = brn_block_view(b, opt->work[1]), .poly = brn_block_view(b, opt->work[2])};
    s.small = s.tall ? b->cols : b->rows;
    s.large = s.tall ? b->rows : b->cols;
    const int rows = gram ? s.small : b->rows;
    s.first = (int)((int64_t)rows * t->stripe / t->stripes);
    s.last = (int)((int64_t)rows * (t->stripe + 1) / t->stripes);
    return s;
}

/* View of row `row` of a matrix with `cols` columns. */
static brn_view row_of(brn_view v, int row, int cols) { return (brn_view){v.buf, v.off + (size_t)row * (size_t)cols}; }

static brn_status start(const brn_update *u, brn_queue *q, const brn_block *b)
{
    const int count = (int)brn_block_count(b), at = (int)b->at;
    BRN_TRY(BRN_LAUNCH(q, nesterov, count, 1, (.at = at, .momentum = (float)u->opt->set.momentum), {u->grad, 0}, {u->opt->m, 0}));
    return BRN_LAUNCH(q, normalise, 256, 1, (.at = at, .count = count), {u->grad, 0});
}

/* gram = X X^T, or X^T X */
static brn_status gram(brn_queue *q, const stripe *s)
{
    const int c = s->b->cols;
    return brn_gemm(q, &(brn_gemm_args){.ta = s->tall, .tb = !s->tall, .m = s->last - s->first, .n = s->small, .k = s->large, .alpha = 1,
                                        .a = row_of(s->x, s->first, s->tall ? 1 : c), .lda = c, .b = s->x, .ldb = c,
                                        .c = row_of(s->gram, s->first, s->small), .ldc = s->small});
}

/* poly = a I + b gram + c gram^2 */
static brn_status poly(brn_queue *q, const stripe *s)
{
    const int n = s->small;
    const brn_view to = row_of(s->poly, s->first, n);
    BRN_TRY(brn_gemm(q, &(brn_gemm_args){.m = s->last - s->first, .n = n, .k = n, .alpha = C, .a = row_of(s->gram, s->first, n),
                                         .lda = n, .b = s->gram, .ldb = n, .c = to, .ldc = n}));
    return BRN_LAUNCH(q, newton_schulz, n, s->last - s->first, (.at = (int)to.off, .diagonal = s->first, .a = A, .b = B),
                      {s->gram.buf, 0}, {s->poly.buf, 0});
}

/* next = poly X, or X poly */
static brn_status next(brn_queue *q, const stripe *s)
{
    const int c = s->b->cols, inner = s->small;
    return brn_gemm(q, &(brn_gemm_args){.m = s->last - s->first, .n = c, .k = inner, .alpha = 1,
                                        .a = row_of(s->tall ? s->x : s->poly, s->first, inner), .lda = inner,
                                        .b = s->tall ? s->poly : s->x, .ldb = c, .c = row_of(s->next, s->first, c), .ldc = c});
}

static brn_status finish(brn_queue *q, const stripe *s)
{
    const int r = s->b->rows, c = s->b->cols;
    const float wide = c > r ? sqrtf((float)c / (float)r) : 1;
    return BRN_LAUNCH(q, param_step, (s->last - s->first) * c, 1,
                      (.at = (int)row_of(s->x, s->first, c).off, .rate = s->u->matrix_lr * wide, .decay = s->u->decay),
                      {s->x.buf, 0}, {s->u->theta, 0});
}

brn_status brn_muon_step(const brn_update *u, brn_queue *q, const brn_task *t)
{
    if (u->part == 0) return t->stripe ? BRN_OK : start(u, q, &u->opt->block[t->index]);
    const int iteration = (u->part - 1) / 3, which = (u->part - 1) % 3;
    const bool last = iteration == BRN_MUON_ITERATIONS;
    const stripe s = stripe_of(u, t, iteration, !last && which < 2);
    if (last) return finish(q, &s);
    return which == 0 ? gram(q, &s) : which == 1 ? poly(q, &s) : next(q, &s);
}
