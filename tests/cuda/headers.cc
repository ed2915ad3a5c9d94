// Our own declarations against NVIDIA's headers, where these are installed: the compiler compares values, sizes and,
// for each function, the number, the sizes and the kinds of its arguments. Nothing of it is run.
#include <cstddef>
#include <type_traits>
#include <cuda.h>
#include <nvrtc.h>
#include <cublas_v2.h>
#include "cuda/cuda_api.h"

#define SAME(mine, theirs) static_assert((int)mine == (int)theirs, #theirs);
SAME(BRN_CU_ERROR_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY)
SAME(BRN_CU_MULTIPROCESSORS, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
SAME(BRN_CU_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
SAME(BRN_CU_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
SAME(BRN_CU_POOLS_SUPPORTED, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)
SAME(BRN_CU_STREAM_NON_BLOCKING, CU_STREAM_NON_BLOCKING)
SAME(BRN_CU_EVENT_DISABLE_TIMING, CU_EVENT_DISABLE_TIMING)
SAME(BRN_CU_POOL_PINNED, CU_MEM_ALLOCATION_TYPE_PINNED)
SAME(BRN_CU_LOCATION_DEVICE, CU_MEM_LOCATION_TYPE_DEVICE)
SAME(BRN_CU_POOL_RELEASE_THRESHOLD, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD)
SAME(BRN_RTC_OUT_OF_MEMORY, NVRTC_ERROR_OUT_OF_MEMORY)
SAME(BRN_BLAS_ALLOC_FAILED, CUBLAS_STATUS_ALLOC_FAILED)
SAME(BRN_BLAS_NO_TRANSPOSE, CUBLAS_OP_N)
SAME(BRN_BLAS_TRANSPOSE, CUBLAS_OP_T)
SAME(BRN_BLAS_PEDANTIC, CUBLAS_PEDANTIC_MATH)
SAME(BRN_BLAS_TF32, CUBLAS_TF32_TENSOR_OP_MATH)
static_assert(sizeof(brn_cu_pool_props) == sizeof(CUmemPoolProps), "");
static_assert(offsetof(brn_cu_pool_props, location_id) == offsetof(CUmemPoolProps, location.id), "");
static_assert(offsetof(brn_cu_pool_props, security) == offsetof(CUmemPoolProps, win32SecurityAttributes), "");

template <class Mine, class Theirs> struct same;
template <class R, class... A, class S, class... B> struct same<R (*)(A...), S (*)(B...)> {
    static constexpr bool value = [] {
        if constexpr (sizeof...(A) != sizeof...(B)) return false;
        else return sizeof(R) == sizeof(S) && ((sizeof(A) == sizeof(B) && std::is_pointer<A>::value == std::is_pointer<B>::value) && ... && true);
    }();
};
#define CHECK_IN(list, name) static_assert(same<decltype(list::name), decltype(&::name)>::value, #name);
#define CHECK_CU(name, arguments) CHECK_IN(brn_cu_functions, name)
#define CHECK_RTC(name, arguments) CHECK_IN(brn_rtc_functions, name)
#define CHECK_BLAS(name, arguments) CHECK_IN(brn_cublas_functions, name)
BRN_CU_LIST(CHECK_CU)
BRN_CU_POOL_LIST(CHECK_CU)
BRN_RTC_LIST(CHECK_RTC)
BRN_BLAS_LIST(CHECK_BLAS)
