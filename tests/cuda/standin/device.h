/* Stands in front of CUDA C++ that is compiled as host C++: see standin.h. Only what the kernels use. */
#include <utility>
#include <type_traits>

struct standin_dim { unsigned x, y, z; };
struct standin_lane { standin_dim thread, block, block_size, grid_size; void (*barrier)(); };
struct standin_kernel { void (*call)(void **); int count; decltype(sizeof 0) size[24]; bool pointer[24]; };
extern "C" __attribute__((visibility("default"))) standin_lane *standin_lane_here;
standin_lane *standin_lane_here;

#define threadIdx (standin_lane_here->thread)
#define blockIdx  (standin_lane_here->block)
#define blockDim  (standin_lane_here->block_size)
#define gridDim   (standin_lane_here->grid_size)
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("standin_shared"))) /* one block runs at a time */
#define __syncthreads() standin_lane_here->barrier()
#define sqrtf  __builtin_sqrtf
#define fabsf  __builtin_fabsf
#define floorf __builtin_floorf
#define fmaf   __builtin_fmaf
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
static inline float __uint_as_float(unsigned u) { float f; __builtin_memcpy(&f, &u, 4); return f; }
static inline unsigned __float_as_uint(float f) { unsigned u; __builtin_memcpy(&u, &f, 4); return u; }

template <class... A, decltype(sizeof 0)... I>
static inline void standin_call(void (*f)(A...), void **p, std::index_sequence<I...>) { f(*(std::remove_const_t<A> *)p[I]...); }
template <class... A> static inline void standin_call(void (*f)(A...), void **p) { standin_call(f, p, std::index_sequence_for<A...>{}); }
template <class... A> constexpr standin_kernel standin_describe(void (*)(A...), void (*call)(void **))
{
    return {call, (int)sizeof...(A), {sizeof(A)...}, {std::is_pointer<A>::value...}};
}
#define STANDIN_EXPORT(name)                                                                                 \
    static void name##_call(void **p) { standin_call(&name, p); }                                            \
    extern "C" __attribute__((visibility("default"))) const standin_kernel name##_kernel = standin_describe(&name, name##_call);
