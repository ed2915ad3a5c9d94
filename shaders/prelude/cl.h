/* The kernel dialect as OpenCL C 1.2. A lane is a work-item.
 *
 * A view of a buffer is a kernel argument and the number of elements before its first: sub-buffers would have to
 * begin at the device's alignment. The sum is taken once, by VIEWS, which stands in front of each kernel.
 * Where fma() is no instruction it would be emulated: the product is rounded before
 * the sum there, as on a host without the instruction, and the results differ by that rounding. */
#pragma OPENCL FP_CONTRACT OFF
typedef float real;

#define PARAMS(name)      struct name##_p {
#define P_I(x)            int x;
#define P_U(x)            uint x;
#define P_F(x)            float x;
#define PARAMS_END(name)  };
#define KERNEL(name)      __kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void brn_##name(const struct name##_p P
#define IN(i, T, x)       , __global const T *x##_buffer, ulong x##_first
#define OUT(i, T, x)      , __global T *x##_buffer, ulong x##_first
#define VIEW_IN(T, x)     __global const T *x = x##_buffer + x##_first;
#define VIEW_OUT(T, x)    __global T *x = x##_buffer + x##_first;
#define LOCALS            ) { VIEWS
#define SHARED(T, x, n)   __local T x[n];
#define SHARED_SIZED(T, x, n) SHARED(T, x, n)
#define BEGIN             const int lid = (int)get_local_id(0); const int grp_x = (int)get_group_id(0); const int grp_y = (int)get_group_id(1);
#define END               }
#define PAR
#define ROW               (grp_x * WG + lid)
#define PAR_ROWS          if (ROW < P.rows)
#ifndef SYNC
#define SYNC              barrier(CLK_LOCAL_MEM_FENCE)
#endif
#define PRIV(T, x)        T x;
#define PRIVN(T, x, n)    T x[n];
#define L(x)              x
#define LN(x, i)          x[i]
#define FN                static inline
#define UNROLL            _Pragma("unroll")
#define TO_F(x)           ((float)(x))
#define TO_I(x)           ((int)(x))
#define TO_U(x)           ((uint)(x))
#define AS_F              as_float
#define AS_U              as_uint
#define MULHI(a, b)       mul_hi((uint)(a), (uint)(b))
#define M_SQRT            sqrt
#define M_ABS             fabs
#define M_FLOOR           floor
#define M_EPSILON         1.1920929e-7f
#if defined(FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA) /* PoCL has only the compiler's names */
#define M_FMA             fma
#else
#define M_FMA(a, b, c)    ((a) * (b) + (c))
#endif
#define EACH_FEATURE(i, n) for (int i = grp_y; i < (n); i += (int)get_num_groups(1))
/* Each lane goes its own way, so that its own value is the largest it needs. */
#define ACROSS_ROWS_ADD(to, x) PAR_ROWS { if (x != 0) atomic_add(&(to), x); }
#define ACROSS_ROWS_MAX(to, x) PAR_ROWS { to = x > to ? x : to; }
