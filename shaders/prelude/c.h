/* The kernel dialect as plain C, for the host.
 *
 * A work-group is a function call and its lanes are a loop that the compiler turns into vector
 * instructions: PAR loops over all lanes, PAR_ROWS over those that hold a sample. `real` is float,
 * or double for the oracle device.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef unsigned int uint;

#define PARAMS(name)      struct name##_p {
#define P_I(x)            int x;
#define P_U(x)            uint x;
#define P_F(x)            float x;
#define PARAMS_END(name)  };
#define KERNEL(name)                                                                                         \
    static void KERNEL_NAME(name)(const void *p_, void *const *b_, int grp_x, int grp_y, int rows_)          \
    {                                                                                                        \
        struct name##_p P;                                                                                   \
        memcpy(&P, p_, sizeof P);
#define IN(i, T, x)       const T *x = (const T *)b_[i];
#define OUT(i, T, x)      T *x = (T *)b_[i];
#define LOCALS            (void)grp_x; (void)grp_y; (void)rows_; (void)P;
#define SHARED(T, x, n)   T x[n];
#define SHARED_SIZED(T, x, n) SHARED(T, x, n)
#define BEGIN             {
#define END               }}
#define PAR               _Pragma("omp simd") for (int lid = 0; lid < WG; ++lid)
#define PAR_ROWS          _Pragma("omp simd") for (int lid = 0; lid < rows_; ++lid)
#define ROW               (grp_x * WG + lid)
#define SYNC              do {} while (0)
#define PRIV(T, x)        T x[WG];
#define PRIVN(T, x, n)    T x[n][WG];
#define L(x)              x[lid]
#define LN(x, i)          x[i][lid]
#define UNROLL
#define FN                static inline __attribute__((always_inline))
#define TO_F(x)           ((real)(x))
#define TO_I(x)           ((int)(x))
#define TO_U(x)           ((uint)(x))
#define MULHI(a, b)       ((uint)(((uint64_t)(a) * (uint64_t)(b)) >> 32))

#ifdef BRN_REAL_IS_DOUBLE
typedef double real;
#define M_EXP             exp
#define M_EXP_NEGATIVE    exp
#define M_EXPM1_NEGATIVE  expm1
#define M_LOG             log
#define M_LOG1P           log1p
#define M_COS2PI(u)       cos(6.283185307179586476925 * (u))
#define M_SIN2PI(u)       sin(6.283185307179586476925 * (u))
#define M_SQRT            sqrt
#define M_ABS             fabs
#define M_FLOOR           floor
#define M_EPSILON         2.220446049250313e-16
FN int m_finite(real x) { uint64_t u; memcpy(&u, &x, 8); return (u & 0x7ff0000000000000u) != 0x7ff0000000000000u; }
#else
typedef float real;
FN float m_as_f(uint u) { float f; memcpy(&f, &u, 4); return f; }
FN uint m_as_u(float f) { uint u; memcpy(&u, &f, 4); return u; }
#define AS_F              m_as_f
#define AS_U              m_as_u
#define M_SQRT            sqrtf
#define M_ABS             fabsf
#define M_FLOOR           floorf
#define M_EPSILON         1.1920929e-7f
#endif
/* a * b + c, with one rounding where the machine has the instruction; written out, and the compiler's own
 * contraction is off, because it may treat the vectors and the remainder of a loop differently. */
#if !defined(__FMA__) && !defined(__aarch64__)
#define M_FMA(a, b, c)    ((a) * (b) + (c))
#elif defined(BRN_REAL_IS_DOUBLE)
#define M_FMA             fma
#else
#define M_FMA             fmaf
#endif
/* On the host one call covers all features of a matrix; a GPU spreads them over its grid. */
#define EACH_FEATURE(i, n) for (int i = 0; i < (n); ++i)

/* The largest value of a private int over the rows of a work-group: loops around PAR_ROWS must have the
 * same length for all lanes here, where a GPU thread may go its own way. */
#define ACROSS_ROWS_ADD(to, x) for (int l_ = 0; l_ < rows_; ++l_) to += x[l_];
#define ACROSS_ROWS_MAX(to, x) for (int l_ = 0; l_ < rows_; ++l_) to = x[l_] > to ? x[l_] : to;
