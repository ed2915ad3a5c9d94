/* Blocked Gram-Schmidt: a panel of rows loses what it has of the rows above it by two products, is made orthonormal
 * by a kernel, and all that once more. What the first pass leaves of a row may be small beside what it took away, and
 * then rounding has put something of the rows above back into it; the second pass takes away next to nothing.
 * Panels cost a work-group's time each, products are spread over the device. */
#include "training/orthonormal.h"
#include "compute/backend.h"

#include <float.h>

enum { PANEL = 32 }; /* rows that shaders/orthonormal_rows.k takes */

/* The product, its share of the rows above a panel, 1 / trace. */
size_t brn_orthonormal_scratch(int n) { return (size_t)n * (size_t)n + (size_t)PANEL * (size_t)n + 1; }

static brn_view at(brn_view v, size_t off) { return (brn_view){v.buf, v.off + off}; }

/* The `count` rows of a panel, rows `first` ... of y, minus their projections on the rows above. */
static brn_status project(brn_queue *q, brn_view y, int n, int first, brn_view panel, int count, brn_view share)
{
    BRN_TRY(brn_gemm(q, &(brn_gemm_args){.tb = true, .m = count, .n = first, .k = n, .alpha = 1, .a = panel, .lda = n, .b = y, .ldb = n,
                                         .c = share, .ldc = first}));
    return brn_gemm(q, &(brn_gemm_args){.m = count, .n = n, .k = first, .alpha = -1, .beta = 1, .a = share, .lda = first, .b = y, .ldb = n,
                                        .c = panel, .ldc = n});
}

static brn_status orthonormalise(brn_queue *q, brn_view y, int n, brn_view scratch)
{
    for (int first = 0; first < n; first += PANEL) {
        const int count = n - first < PANEL ? n - first : PANEL;
        const brn_view panel = at(y, (size_t)first * (size_t)n);
        for (int pass = 0; pass < (first ? 2 : 1); ++pass) {
            if (first) BRN_TRY(project(q, y, n, first, panel, count, scratch));
            BRN_TRY(BRN_LAUNCH(q, orthonormal_rows, 128, 1, (.n = n, .count = count), panel));
        }
    }
    return BRN_OK;
}

float brn_orthogonal_shift(const brn_device *dev) { return 8 * (dev->product_epsilon > 0 ? (float)dev->product_epsilon : FLT_EPSILON); }

brn_status brn_orthogonal_iteration(brn_queue *q, brn_view mean, brn_view basis, int n, brn_view scratch)
{
    const size_t all = (size_t)n * (size_t)n;
    const brn_view share = at(scratch, all), inverse = at(share, (size_t)PANEL * (size_t)n);
    BRN_TRY(BRN_LAUNCH(q, trace_inverse, 64, 1, (.n = n), mean, inverse));
    BRN_TRY(brn_gemm(q, &(brn_gemm_args){.m = n, .n = n, .k = n, .alpha = 1, .a = basis, .lda = n, .b = mean, .ldb = n, .c = scratch, .ldc = n}));
    BRN_TRY(BRN_LAUNCH(q, shifted_product, (int)all, 1, (.shift = brn_orthogonal_shift(q->dev)), inverse, basis, scratch));
    BRN_TRY(orthonormalise(q, scratch, n, share));
    return brn_copy(q, basis, scratch, all);
}
