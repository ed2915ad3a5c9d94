/* The host's arithmetic, compiled once per instruction set with
 *   BRN_ISA     name of the variant (plain, avx2, avx512, f64)
 *   BRN_VL      elements of one vector register
 *   BRN_MR      features and
 *   BRN_NV      vectors of samples that one step of the dense layer keeps in registers
 *
 * The dense layer is an outer-product micro-kernel on a feature-major tile: BRN_MR weights are
 * broadcast against BRN_NV vectors of samples, so that neither operand is transposed or packed. All
 * variants add in the same order (over the inner index, one accumulator per result), so that a row's
 * result does not depend on its lane or on the number of rows beside it.
 */
#include "engine.h"

#include "prelude/c.h"
#include "prelude/math.h"
#include "prelude/activation.h"
#include "prelude/philox.h"
#include "prelude/conjugate.h"
#include "prelude/search.h"
#include "prelude/sample.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define KERNEL_NAME(name) JOIN(k_, name)
#include "kernels_c.inc"
#include "kernels.h"

static const brn_host_kernel kernels[] = {
#define KERNEL_ENTRY(name, wg, buffers, writes) k_##name,
    BRN_KERNEL_LIST(KERNEL_ENTRY)
#undef KERNEL_ENTRY
};

typedef real vec __attribute__((vector_size(BRN_VL * sizeof(real)), aligned(sizeof(real)), may_alias));
/* The same rounding as the vector code, which the compiler contracts where the instruction exists. */
#if defined(BRN_REAL_IS_DOUBLE)
#define FMA(a, b, c) ((a) * (b) + (c))
#elif defined(__FMA__) || defined(__aarch64__)
#define FMA(a, b, c) fmaf(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#define LANES (BRN_NV * BRN_VL) /* rows of one register block */
#define UNROLLED _Pragma("GCC unroll 16")

static inline __attribute__((always_inline)) vec splat(real a) { return a - (vec){0}; }
static inline __attribute__((always_inline)) vec load(const real *p) { return *(const vec *)p; }
static inline __attribute__((always_inline)) void store(real *p, vec v) { *(vec *)p = v; }

/* What happens to a block of results. */
enum { STORE, ADD, TIMES };

/* C[i][lanes] = init[i] + sum_k A(i, k) B[k][lanes] for mr features i and nv vectors of lanes, where
 * A(i, k) = a[i * rs + k * cs]. mr, nv and `how` are compile-time constants of the callers. */
static inline __attribute__((always_inline)) void block(const int mr, const int nv, const int how, int depth,
                                                        const real *a, ptrdiff_t rs, ptrdiff_t cs, const real *b,
                                                        ptrdiff_t ldb, const real *init, real *c, ptrdiff_t ldc,
                                                        const real *q, ptrdiff_t ldq)
{
    vec acc[BRN_MR][BRN_NV];
    UNROLLED for (int i = 0; i < mr; ++i)
        UNROLLED for (int v = 0; v < nv; ++v) acc[i][v] = splat(init ? init[i] : 0);
    for (int k = 0; k < depth; ++k) {
        vec bk[BRN_NV];
        UNROLLED for (int v = 0; v < nv; ++v) bk[v] = load(b + k * ldb + v * BRN_VL);
        UNROLLED for (int i = 0; i < mr; ++i) {
            const vec ai = splat(a[i * rs + k * cs]);
            UNROLLED for (int v = 0; v < nv; ++v) acc[i][v] += ai * bk[v];
        }
    }
    UNROLLED for (int i = 0; i < mr; ++i)
        UNROLLED for (int v = 0; v < nv; ++v) {
            real *to = c + i * ldc + v * BRN_VL;
            if (how == ADD) acc[i][v] += load(to);
            if (how == TIMES) acc[i][v] *= load(q + i * ldq + v * BRN_VL);
            store(to, acc[i][v]);
        }
}

/* All features of one panel of nv vectors of rows. */
static inline __attribute__((always_inline)) void panel(const int nv, const int how, int features, int depth,
                                                        const real *a, ptrdiff_t rs, ptrdiff_t cs, const real *b,
                                                        ptrdiff_t ldb, const real *init, real *c, ptrdiff_t ldc,
                                                        const real *q, ptrdiff_t ldq)
{
    int i = 0;
#define STEP(mr)                                                                                             \
    block(mr, nv, how, depth, a + i * rs, rs, cs, b, ldb, init ? init + i : NULL, c + i * ldc, ldc, q + i * ldq, ldq)
    for (; i + BRN_MR <= features; i += BRN_MR) STEP(BRN_MR);
    if (features - i >= 4 && BRN_MR > 4) STEP(4), i += 4;
    if (features - i >= 2 && BRN_MR > 2) STEP(2), i += 2;
    for (; i < features; ++i) STEP(1);
#undef STEP
}

/* Rows that fill no vector: one lane at a time with the same order of additions. */
static void tail(const int how, int features, int rows, int depth, const real *a, ptrdiff_t rs, ptrdiff_t cs,
                 const real *b, ptrdiff_t ldb, const real *init, real *c, ptrdiff_t ldc, const real *q, ptrdiff_t ldq)
{
    for (int i = 0; i < features; ++i)
        for (int r = 0; r < rows; ++r) {
            real sum = init ? init[i] : 0;
            for (int k = 0; k < depth; ++k) sum = FMA(a[i * rs + k * cs], b[k * ldb + r], sum);
            real *to = c + i * ldc + r;
            *to = how == ADD ? *to + sum : how == TIMES ? sum * q[i * ldq + r] : sum;
        }
}

#define DEFINE_PRODUCT(name, how)                                                                            \
    static void name(int features, int rows, int depth, const real *a, ptrdiff_t rs, ptrdiff_t cs,           \
                     const real *b, ptrdiff_t ldb, const real *init, real *c, ptrdiff_t ldc, const real *q,  \
                     ptrdiff_t ldq)                                                                          \
    {                                                                                                        \
        int r = 0;                                                                                           \
        for (; r + LANES <= rows; r += LANES)                                                                \
            panel(BRN_NV, how, features, depth, a, rs, cs, b + r, ldb, init, c + r, ldc, q + r, ldq);        \
        for (; r + 2 * BRN_VL <= rows && BRN_NV > 2; r += 2 * BRN_VL)                                        \
            panel(2, how, features, depth, a, rs, cs, b + r, ldb, init, c + r, ldc, q + r, ldq);             \
        for (; r + BRN_VL <= rows; r += BRN_VL)                                                              \
            panel(1, how, features, depth, a, rs, cs, b + r, ldb, init, c + r, ldc, q + r, ldq);             \
        tail(how, features, rows - r, depth, a, rs, cs, b + r, ldb, init, c + r, ldc, q + r, ldq);           \
    }
DEFINE_PRODUCT(product, STORE)
DEFINE_PRODUCT(product_add, ADD)
DEFINE_PRODUCT(product_times, TIMES)

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

static void activate(const brn_host_forward *a, const real *u, int ldu)
{
    real *z = a->z, *q = a->q;
#define ACTIVATION(id)                                                                                       \
    case id:                                                                                                 \
        for (int i = 0; i < a->out; ++i)                                                                     \
            activate_row(id, a->c, a->rows, u + (ptrdiff_t)i * ldu, z + (ptrdiff_t)i * a->ldz,               \
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
    int ldu = a->u ? a->ldu : a->ldz;
    product(a->out, a->rows, a->in, a->weight, 1, a->out, a->x, a->ldx, a->bias, u, ldu, NULL, 0);
    if (a->kind != A_NONE || a->q || a->u) activate(a, u, ldu);
}

static void backward(const brn_host_backward *a)
{
    if (a->accumulate) product_add(a->in, a->rows, a->out, a->weight, a->out, 1, a->d, a->ldd, NULL, a->y, a->ldy, NULL, 0);
    else if (a->q) product_times(a->in, a->rows, a->out, a->weight, a->out, 1, a->d, a->ldd, NULL, a->y, a->ldy, a->q, a->ldq);
    else product(a->in, a->rows, a->out, a->weight, a->out, 1, a->d, a->ldd, NULL, a->y, a->ldy, NULL, 0);
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

/* to[row][feature] = from[feature][row]; features beyond the last are zero up to ldt. */
static void transpose(int features, int rows, const real *from, ptrdiff_t ldf, real *to, ptrdiff_t ldt)
{
    for (int i = 0; i < ldt; i += BRN_VL) {
        int r = 0;
        if (i + BRN_VL <= features)
            for (; r + BRN_VL <= rows; r += BRN_VL) transpose_block(from + i * ldf + r, ldf, to + r * ldt + i, ldt);
        for (; r < rows; ++r)
            for (int k = i; k < i + BRN_VL; ++k) to[r * ldt + k] = k < features ? from[k * ldf + r] : 0;
    }
}

/* Rows are the inner index here: d is transposed so that its features fill the vectors. */
static void grad(const brn_host_grad *a)
{
    real *dt = a->scratch, *weight = a->weight, *bias = a->bias;
    const int ldt = (a->out + 15) / 16 * 16, whole = a->out / BRN_VL * BRN_VL;
    for (int r0 = 0; r0 < a->rows; r0 += BRN_HOST_TILE) {
        const int rows = a->rows - r0 < BRN_HOST_TILE ? a->rows - r0 : BRN_HOST_TILE;
        const real *x = (const real *)a->x + r0;
        transpose(a->out, rows, (const real *)a->d + r0, a->ldd, dt, ldt);
        product_add(a->in, whole, rows, x, a->ldx, 1, dt, ldt, NULL, weight, a->out, NULL, 0);
        if (whole < a->out)
            tail(ADD, a->in, a->out - whole, rows, x, a->ldx, 1, dt + whole, ldt, NULL, weight + whole, a->out, NULL, 0);
        for (int r = 0; bias && r < rows; ++r) {
            const real *row = dt + (ptrdiff_t)r * ldt;
#pragma omp simd
            for (int o = 0; o < a->out; ++o) bias[o] += row[o];
        }
    }
}

#define STRING_(s) #s
#define STRING(s) STRING_(s)
const brn_host_engine JOIN(brn_host_engine_, BRN_ISA) = {STRING(BRN_ISA), sizeof(real), kernels, forward, backward, grad};
