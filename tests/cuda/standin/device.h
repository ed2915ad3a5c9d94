/* Stands in front of CUDA C++ that is compiled as host C++: see standin.h. Only what the kernels use. */
#include <utility>
#include <type_traits>

struct standin_dim { unsigned x, y, z; };
struct standin_lane {
    standin_dim thread, block, block_size, grid_size;
    char *dynamic;
    void (*barrier)();
    const unsigned long long *(*exchange)(int operation, unsigned mask, unsigned long long value, unsigned *present);
    void (*set_condition)(unsigned long long handle, unsigned value);
};
struct standin_kernel { void (*call)(void **); int count, threads; decltype(sizeof 0) size[24]; bool pointer[24], constant[24]; };
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
#define __threadfence()
#define __threadfence_block()
#define warpSize  32
#define sqrtf  __builtin_sqrtf
#define fabsf  __builtin_fabsf
#define floorf __builtin_floorf
#define fmaf   __builtin_fmaf
static inline int __popc(unsigned u) { return __builtin_popcount(u); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
static inline float __uint_as_float(unsigned u) { float f; __builtin_memcpy(&f, &u, 4); return f; }
static inline unsigned __float_as_uint(float f) { unsigned u; __builtin_memcpy(&u, &f, 4); return u; }

/* Lanes of a warp: each brings a value, and sees all of them when those of the mask have come. A value of a lane that
 * is not there is NaN. */
static inline unsigned standin_lane_number()
{
    return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32;
}
template <class T> static inline T standin_shuffle(int operation, unsigned mask, T value, int from, int width)
{
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "");
    unsigned long long bits = 0;
    unsigned present;
    const int lane = (int)standin_lane_number(), first = lane / width * width;
    __builtin_memcpy(&bits, &value, sizeof value);
    const unsigned long long *all = standin_lane_here->exchange(operation, mask, bits, &present);
    const int source = from < first || from >= first + width ? lane : from;
    const unsigned long long nobody = ~0ull;
    __builtin_memcpy(&value, present >> source & 1 ? &all[source] : &nobody, sizeof value);
    return value;
}
template <class T> static inline T __shfl_sync(unsigned mask, T v, int from, int width = 32)
{
    const int lane = (int)standin_lane_number();
    return standin_shuffle(1, mask, v, lane / width * width + (from & (width - 1)), width);
}
template <class T> static inline T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) { return standin_shuffle(2, mask, v, (int)(standin_lane_number() - by), width); }
template <class T> static inline T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) { return standin_shuffle(3, mask, v, (int)(standin_lane_number() + by), width); }
template <class T> static inline T __shfl_xor_sync(unsigned mask, T v, int by, int width = 32) { return standin_shuffle(4, mask, v, (int)standin_lane_number() ^ by, width); }
static inline void __syncwarp(unsigned mask = 0xffffffffu)
{
    unsigned present;
    standin_lane_here->exchange(5, mask, 0, &present);
}
static inline unsigned __ballot_sync(unsigned mask, int predicate)
{
    unsigned present, votes = 0;
    const unsigned long long *all = standin_lane_here->exchange(6, mask, predicate != 0, &present);
    for (int l = 0; l < 32; ++l) votes |= (present >> l & 1 && all[l] ? 1u : 0u) << l;
    return votes;
}
static inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static inline int __all_sync(unsigned mask, int predicate) { return !__ballot_sync(mask, !predicate); }

/* One thread runs at a time. */
template <class T> static inline T atomicAdd(T *at, T v) { const T old = *at; *at = old + v; return old; }
template <class T> static inline T atomicMax(T *at, T v) { const T old = *at; *at = old > v ? old : v; return old; }
template <class T> static inline T atomicMin(T *at, T v) { const T old = *at; *at = old < v ? old : v; return old; }
template <class T> static inline T atomicExch(T *at, T v) { const T old = *at; *at = v; return old; }
template <class T> static inline T atomicCAS(T *at, T is, T v) { const T old = *at; if (old == is) *at = v; return old; }

extern "C" inline void cudaGraphSetConditional(unsigned long long handle, unsigned value) { standin_lane_here->set_condition(handle, value); }

template <class... A, decltype(sizeof 0)... I>
static inline void standin_call(void (*f)(A...), void **p, std::index_sequence<I...>) { f(*(std::remove_const_t<A> *)p[I]...); }
template <class... A> static inline void standin_call(void (*f)(A...), void **p) { standin_call(f, p, std::index_sequence_for<A...>{}); }
template <class... A> constexpr standin_kernel standin_describe(void (*)(A...), void (*call)(void **), int threads)
{
    return {call, (int)sizeof...(A), threads, {sizeof(A)...}, {std::is_pointer<A>::value...}, {std::is_const<std::remove_pointer_t<A>>::value...}};
}
#define STANDIN_EXPORT(name, threads)                                                                                        \
    static void name##_call(void **p) { standin_call(&name, p); }                                                            \
    extern "C" __attribute__((visibility("default"))) const standin_kernel name##_kernel = standin_describe(&name, name##_call, threads);
