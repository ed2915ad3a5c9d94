/* The host's arithmetic, compiled once per instruction set with
 *   BRN_ISA     name of the variant (plain, avx2, avx512, f64)
 *   BRN_VL      elements of one vector register
 *   BRN_MR      features and
 *   BRN_NV      vectors of samples that one step of the dense layer keeps in registers
 *
 * The dense layer is an outer-product micro-kernel on a feature-major tile: BRN_MR weights are
 * broadcast against BRN_NV vectors of samples, so that neither operand is transposed or packed.
 *
 * A row's result has the same bits whatever its lane and however many rows stand beside it. So all
 * blocks add in the same order with one accumulator per result, rows that fill no vector run through
 * the vector code too (operands are read up to one vector past the last row, results are not written
 * there), and the file is compiled without contraction: where a product and a sum are fused is written
 * (vfma, M_FMA), because compilers may decide differently for a loop's vectors and its remainder.
 */
#include "engine.h"

#include "prelude/c.h"
#include "prelude/math.h"
#include "prelude/activation.h"
#include "prelude/philox.h"
#include "prelude/conjugate.h"
#include "prelude/search.h"
#include "prelude/lbfgs.h"
#include "prelude/small.h"
#include "prelude/sample.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define KERNEL_NAME(name) JOIN(k_, name)
#include "kernels_c.inc"
#include "kernels.h"

static const brn_host_kernel kernels[] = {
#define KERNEL_ENTRY(name, wg, buffers, writes, spread, sized) k_##name,
    BRN_KERNEL_LIST(KERNEL_ENTRY)
#undef KERNEL_ENTRY
};

typedef real reg __attribute__((vector_size(BRN_VL * sizeof(real))));
typedef real vec __attribute__((vector_size(BRN_VL * sizeof(real)), aligned(sizeof(real)), may_alias));

/* a * b + c, fused where the instruction set can. */
#if defined(__AVX512F__) && BRN_VL == 16
#include <immintrin.h>
static inline __attribute__((always_inline)) reg vfma(reg a, reg b, reg c)
{
    return (reg)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
#elif defined(__FMA__) && BRN_VL == 8
#include <immintrin.h>
static inline __attribute__((always_inline)) reg vfma(reg a, reg b, reg c)
{
    return (reg)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#elif defined(__aarch64__)
#include <arm_neon.h>
static inline __attribute__((always_inline)) reg vfma(reg a, reg b, reg c)
{
#ifdef BRN_REAL_IS_DOUBLE
    return (reg)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return (reg)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#endif
}
#else
static inline __attribute__((always_inline)) reg vfma(reg a, reg b, reg c) { return a * b + c; }
#endif

/* Cuts of a product: inner indices, and features whose results are activated while they are in cache. */
enum { DEPTH_BLOCK = 128, FEATURE_BLOCK = 64 };

#define UNROLLED _Pragma("GCC unroll 16")

static inline __attribute__((always_inline)) reg splat(real a) { return a - (reg){0}; }
static inline __attribute__((always_inline)) reg load(const real *p) { return *(const vec *)p; }
static inline __attribute__((always_inline)) void store(real *p, reg v) { *(vec *)p = v; }
/* The first `count` lanes only. */
static __attribute__((noinline)) void store_part(real *p, reg v, int count)
{
    for (int l = 0; l < count; ++l) p[l] = v[l];
}

/* A product C = A B over `depth`, with A(i, k) = a[i * rs + k * cs] and C[i][lanes]. */
typedef struct {
    int lanes, depth;
    const real *a;
    ptrdiff_t rs, cs;
    const real *b;
    ptrdiff_t ldb;
    const real *init; /* [features] that the sums start from, or NULL */
    real *c;
    ptrdiff_t ldc;
    const real *q; /* factor of the result, or NULL */
    ptrdiff_t ldq;
    bool add; /* to the old C */
} product_args;

/* What happens to the sums of a block. */
enum { STORE = 0, ADD = 1, TIMES = 2 };

/* Features [i0, i0 + mr) and vectors [r0, r0 + nv) of the product, inner indices [k0, k1). mr, nv, `how`
 * and `whole` are compile-time constants of the callers; without `whole`, nv is 1 and the vector is
 * not full. */
static inline __attribute__((always_inline)) void block(const int mr, const int nv, const int how, const bool whole,
                                                        const product_args *p, int i0, int r0, int k0, int k1)
{
    const ptrdiff_t rs = p->rs, cs = p->cs, ldb = p->ldb, ldc = p->ldc, ldq = p->ldq;
    const real *a = p->a + i0 * rs, *b = p->b + r0, *init = k0 ? NULL : p->init;
    reg acc[BRN_MR][BRN_NV];
    UNROLLED for (int i = 0; i < mr; ++i)
        UNROLLED for (int v = 0; v < nv; ++v) acc[i][v] = splat(init ? init[i0 + i] : 0);
    for (int k = k0; k < k1; ++k) {
        reg bk[BRN_NV];
        UNROLLED for (int v = 0; v < nv; ++v) bk[v] = load(b + k * ldb + v * BRN_VL);
        UNROLLED for (int i = 0; i < mr; ++i) {
            const reg ai = splat(a[i * rs + k * cs]);
            UNROLLED for (int v = 0; v < nv; ++v) acc[i][v] = vfma(ai, bk[v], acc[i][v]);
        }
    }
    UNROLLED for (int i = 0; i < mr; ++i)
        UNROLLED for (int v = 0; v < nv; ++v) {
            const int r = r0 + v * BRN_VL;
            real *to = p->c + (i0 + i) * ldc + r;
            if (how & ADD) acc[i][v] += load(to);
            if (how & TIMES) acc[i][v] *= load(p->q + (i0 + i) * ldq + r);
            if (whole) store(to, acc[i][v]);
            else store_part(to, acc[i][v], p->lanes - r);
        }
}

static inline __attribute__((always_inline)) void panel(const int nv, const int how, const bool whole, const product_args *p,
                                                        int i, int end, int r, int k0, int k1)
{
    for (; i + BRN_MR <= end; i += BRN_MR) block(BRN_MR, nv, how, whole, p, i, r, k0, k1);
    if (end - i >= 8 && BRN_MR > 8) block(8, nv, how, whole, p, i, r, k0, k1), i += 8;
    if (end - i >= 4 && BRN_MR > 4) block(4, nv, how, whole, p, i, r, k0, k1), i += 4;
    if (end - i >= 2 && BRN_MR > 2) block(2, nv, how, whole, p, i, r, k0, k1), i += 2;
    for (; i < end; ++i) block(1, nv, how, whole, p, i, r, k0, k1);
}

#define DEFINE_PANELS(name, how)                                                                             \
    static void name(const product_args *p, int i, int end, int k0, int k1)                                  \
    {                                                                                                        \
        int r = 0;                                                                                           \
        for (; r + BRN_NV * BRN_VL <= p->lanes; r += BRN_NV * BRN_VL) panel(BRN_NV, how, true, p, i, end, r, k0, k1); \
        for (; r + 2 * BRN_VL <= p->lanes && BRN_NV > 2; r += 2 * BRN_VL) panel(2, how, true, p, i, end, r, k0, k1);  \
        for (; r + BRN_VL <= p->lanes; r += BRN_VL) panel(1, how, true, p, i, end, r, k0, k1);               \
        if (r < p->lanes) panel(1, how, false, p, i, end, r, k0, k1);                                        \
    }
DEFINE_PANELS(panels_store, STORE)
DEFINE_PANELS(panels_add, ADD)
DEFINE_PANELS(panels_times, TIMES)
DEFINE_PANELS(panels_add_times, ADD | TIMES)

/* Features [i, end). The inner index is cut so that a block of B stays in the first-level cache while
 * the features pass over it; each cut adds one rounding per result. */
static void product(const product_args *p, int i, int end)
{
    static void (*const panels[])(const product_args *, int, int, int, int) = {panels_store, panels_add, panels_times, panels_add_times};
    for (int k0 = 0; k0 == 0 || k0 < p->depth; k0 += DEPTH_BLOCK) {
        const int k1 = p->depth - k0 < DEPTH_BLOCK ? p->depth : k0 + DEPTH_BLOCK;
        panels[(p->add || k0 ? ADD : 0) | (p->q && k1 == p->depth ? TIMES : 0)](p, i, end, k0, k1);
    }
}

/* z = a(u) and, where wanted, q = a'(u), for one feature; the kind is a constant in each copy. */
static inline __attribute__((always_inline)) void activate_row(const int kind, real c, int rows, const real *u,
                                                               real *z, real *q)
{
    if (q) {
#pragma omp simd
        for (int r = 0; r < rows; ++r) {
            const real v = u[r], a = a_value(kind, c, v);
            q[r] = a_slope(kind, c, v, a);
            z[r] = a;
        }
    } else {
#pragma omp simd
        for (int r = 0; r < rows; ++r) z[r] = a_value(kind, c, u[r]);
    }
}

/* Features [i, end). Where they follow each other without gaps they are one long row: the polynomial's
 * constants are then loaded once and not once a feature. */
static void activate(const brn_host_forward *a, const real *u, int ldu, int i, int end)
{
    const bool joined = ldu == a->rows && a->ldz == a->rows && (!a->q || a->ldq == a->rows);
    const int length = joined ? (end - i) * a->rows : a->rows;
    real *z = a->z, *q = a->q;
#define ACTIVATION(id)                                                                                       \
    case id:                                                                                                 \
        for (; i < end; i += joined ? end - i : 1)                                                           \
            activate_row(id, a->c, length, u + (ptrdiff_t)i * ldu, z + (ptrdiff_t)i * a->ldz,                \
                         q ? q + (ptrdiff_t)i * a->ldq : NULL);                                              \
        break
    switch (a->kind) {
        ACTIVATION(A_RELU);
        ACTIVATION(A_LEAKY_RELU);
        ACTIVATION(A_ELU);
        ACTIVATION(A_SELU);
        ACTIVATION(A_CELU);
        ACTIVATION(A_SOFTPLUS);
        ACTIVATION(A_SILU);
        ACTIVATION(A_NONE);
    }
#undef ACTIVATION
}

static void forward(const brn_host_forward *a)
{
    real *u = a->u ? a->u : a->z;
    const int ldu = a->u ? a->ldu : a->ldz;
    const bool activated = a->kind != A_NONE || a->q || a->u;
    const product_args p = {.lanes = a->rows, .depth = a->in, .a = a->weight, .rs = 1, .cs = a->out, .b = a->x, .ldb = a->ldx,
                            .init = a->bias, .c = u, .ldc = ldu};
    for (int i = 0; i < a->out; i += FEATURE_BLOCK) {
        const int end = a->out - i < FEATURE_BLOCK ? a->out : i + FEATURE_BLOCK;
        product(&p, i, end);
        if (activated) activate(a, u, ldu, i, end);
    }
}

static void backward(const brn_host_backward *a)
{
    const product_args p = {.lanes = a->rows, .depth = a->out, .a = a->weight, .rs = a->out, .cs = 1, .b = a->d, .ldb = a->ldd,
                            .c = a->y, .ldc = a->ldy, .q = a->accumulate ? NULL : a->q, .ldq = a->ldq, .add = a->accumulate};
    for (int i = 0; i < a->in; i += FEATURE_BLOCK) product(&p, i, a->in - i < FEATURE_BLOCK ? a->in : i + FEATURE_BLOCK);
}

/* Transpose a BRN_VL x BRN_VL block by log2(BRN_VL) rounds of perfect shuffles. */
#if BRN_VL == 16
#define LOW  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif BRN_VL == 8
#define LOW  0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif BRN_VL == 4
#define LOW  0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#else
#define LOW  0, 2
#define HIGH 1, 3
#endif
static inline __attribute__((always_inline)) void transpose_block(const real *from, ptrdiff_t ldf, real *to, ptrdiff_t ldt)
{
    vec a[BRN_VL], b[BRN_VL];
    UNROLLED for (int i = 0; i < BRN_VL; ++i) a[i] = load(from + i * ldf);
    UNROLLED for (int round = 1; round < BRN_VL; round *= 2) {
        UNROLLED for (int i = 0; i < BRN_VL / 2; ++i) {
            b[2 * i] = __builtin_shufflevector(a[i], a[i + BRN_VL / 2], LOW);
            b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + BRN_VL / 2], HIGH);
        }
        UNROLLED for (int i = 0; i < BRN_VL; ++i) a[i] = b[i];
    }
    UNROLLED for (int i = 0; i < BRN_VL; ++i) store(to + i * ldt, a[i]);
}

/* to[row][feature] = from[feature][row]; features beyond the last are zero up to ldt. What has many features
 * does not come from the nearest cache: the next block is asked for while this one is turned. */
static void transpose(int features, int rows, const real *from, ptrdiff_t ldf, real *to, ptrdiff_t ldt)
{
    enum { MANY = 128 };
    const int ahead = features > MANY ? features : 0;
    for (int i = 0; i < ldt; i += BRN_VL) {
        int r = 0;
        if (i + BRN_VL <= features)
            for (; r + BRN_VL <= rows; r += BRN_VL) {
                for (int k = i + BRN_VL; k < ahead && k < i + 2 * BRN_VL; ++k) __builtin_prefetch(from + k * ldf + r);
                transpose_block(from + i * ldf + r, ldf, to + r * ldt + i, ldt);
            }
        for (; r < rows; ++r)
            for (int k = i; k < i + BRN_VL; ++k) to[r * ldt + k] = k < features ? from[k * ldf + r] : 0;
    }
}

/* Rows are the inner index here: d is transposed so that its features fill the vectors. */
static void grad(const brn_host_grad *a)
{
    real *dt = a->scratch, *bias = a->bias;
    const int ldt = (a->out + 15) / 16 * 16;
    for (int r0 = 0; r0 < a->rows; r0 += BRN_HOST_TILE) {
        const int rows = a->rows - r0 < BRN_HOST_TILE ? a->rows - r0 : BRN_HOST_TILE;
        transpose(a->out, rows, (const real *)a->d + r0, a->ldd, dt, ldt);
        product(&(product_args){.lanes = a->out, .depth = rows, .a = (const real *)a->x + r0, .rs = a->ldx, .cs = 1, .b = dt,
                                .ldb = ldt, .c = a->weight, .ldc = a->out, .add = true},
                0, a->in);
        for (int r = 0; bias && r < rows; ++r) {
            const real *row = dt + (ptrdiff_t)r * ldt;
#pragma omp simd
            for (int o = 0; o < a->out; ++o) bias[o] += row[o];
        }
    }
}

#ifndef BRN_REAL_IS_DOUBLE
/* The product of two parameter matrices by the same blocks, panels of 64 columns at a time. The BLAS of a
 * stable distribution does not know processors that came after it and leaves half of a 512-bit unit
 * idle (OpenBLAS 0.3.21 on Zen 5: 90-110 GFLOP/s at these sizes, this 180-220), and it waits for ever
 * where it cannot have 128 MiB of addresses for each thread. */
static void scale_rows(real *c, ptrdiff_t ldc, int m, int n, real s)
{
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) c[i * ldc + j] *= s;
}

static void gemm(const brn_host_gemm *a)
{
    real *c = a->c, *scratch = a->scratch;
    if (a->beta != 0 && a->beta != a->alpha) scale_rows(c, a->ldc, a->m, a->n, a->beta / a->alpha);
    for (int j = 0; j < a->n; j += BRN_HOST_TILE) {
        const int lanes = a->n - j < BRN_HOST_TILE ? a->n - j : BRN_HOST_TILE;
        const real *b = a->tb ? (const real *)a->b + (ptrdiff_t)j * a->ldb : (const real *)a->b + j;
        if (a->tb) transpose(lanes, a->k, b, a->ldb, scratch, BRN_HOST_TILE);
        const product_args p = {.lanes = lanes, .depth = a->k, .a = a->a, .rs = a->ta ? 1 : a->lda, .cs = a->ta ? a->lda : 1,
                                .b = a->tb ? scratch : b, .ldb = a->tb ? BRN_HOST_TILE : a->ldb, .c = c + j, .ldc = a->ldc,
                                .add = a->beta != 0};
        product(&p, 0, a->m);
    }
    if (a->alpha != 1) scale_rows(c, a->ldc, a->m, a->n, a->alpha);
}
#define GEMM gemm
#else
#define GEMM NULL
#endif

#define STRING_(s) #s
#define STRING(s) STRING_(s)
const brn_host_engine JOIN(brn_host_engine_, BRN_ISA) = {STRING(BRN_ISA), sizeof(real), kernels, forward, backward, grad, GEMM};
