/* The kernel dialect as CUDA C++, for NVRTC. A lane is a thread; a work-group is a block.
 *
 * Buffers are plain pointers, which may be parts of one buffer: they are not `restrict`. All kernels stand in one
 * program, so that their parameter structures are named after them and VIEWS has nothing to do. Contraction is off by
 * --fmad=false, and M_FMA is the instruction, which every device has; division and roots are correctly rounded. The second
 * launch bound lets the compiler use as many registers as a kernel wants: without it lbfgs_push spilled on sm_70. */
typedef unsigned int uint;
typedef float real;

#define PARAMS(name)      struct name##_p {
#define P_I(x)            int x;
#define P_U(x)            uint x;
#define P_F(x)            float x;
#define PARAMS_END(name)  };
#define KERNEL(name)      extern "C" __global__ void __launch_bounds__(WG, 1) brn_##name(const struct name##_p P
#define IN(i, T, x)       , const T *x
#define OUT(i, T, x)      , T *x
#define LOCALS            ) {
#define SHARED(T, x, n)   __shared__ T x[n];
#define SHARED_SIZED(T, x, n) extern __shared__ T x[]; /* P.room, a launch says so */
#define BEGIN             const int lid = (int)threadIdx.x; const int grp_x = (int)blockIdx.x; const int grp_y = (int)blockIdx.y; \
                          (void)lid; (void)grp_x; (void)grp_y;
#define END               }
#define PAR
#define ROW               (grp_x * WG + lid)
#define PAR_ROWS          if (ROW < P.rows)
#ifndef SYNC
#define SYNC              __syncthreads()
#endif
#define PRIV(T, x)        T x;
#define PRIVN(T, x, n)    T x[n];
#define L(x)              x
#define LN(x, i)          x[i]
#define FN                static __device__ __forceinline__
#define UNROLL            _Pragma("unroll")
#define TO_F(x)           ((float)(x))
#define TO_I(x)           ((int)(x))
#define TO_U(x)           ((uint)(x))
#define AS_F(x)           __uint_as_float(x)
#define AS_U(x)           __float_as_uint(x)
#define MULHI(a, b)       __umulhi((uint)(a), (uint)(b))
#define M_SQRT            sqrtf
#define M_ABS             fabsf
#define M_FLOOR           floorf
#define M_EPSILON         1.1920929e-7f
#define M_FMA             fmaf
#define EACH_FEATURE(i, n) for (int i = grp_y; i < (n); i += (int)gridDim.y)
/* Each lane goes its own way, so that its own value is the largest it needs. */
#define ACROSS_ROWS_ADD(to, x) PAR_ROWS { if (x != 0) atomicAdd(&(to), x); }
#define ACROSS_ROWS_MAX(to, x) PAR_ROWS { to = x > to ? x : to; }
