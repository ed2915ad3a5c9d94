// Our own declarations against NVIDIA's headers, where these are installed: the compiler compares values, sizes and,
// for each function, the number, the sizes and the kinds of its arguments. Nothing of it is run.
#include <cstddef>
#include <type_traits>
#define __CUDA_API_VERSION_INTERNAL // names as the library exports them, older forms too
#include <cuda.h>
#undef __CUDA_API_VERSION_INTERNAL
#include <nvrtc.h>
#include <cublas_v2.h>
#include "cuda/cuda_api.h"

#define SAME(mine, theirs) static_assert((int)mine == (int)theirs, #theirs);
SAME(BRN_CU_ERROR_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY)
SAME(BRN_CU_ERROR_IMAGE, CUDA_ERROR_INVALID_IMAGE)
SAME(BRN_CU_ERROR_NO_BINARY, CUDA_ERROR_NO_BINARY_FOR_GPU)
SAME(BRN_CU_ERROR_PTX, CUDA_ERROR_INVALID_PTX)
SAME(BRN_CU_ERROR_PTX_VERSION, CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
SAME(BRN_CU_MULTIPROCESSORS, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
SAME(BRN_CU_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
SAME(BRN_CU_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
SAME(BRN_CU_SHARED_OPTIN, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
SAME(BRN_CU_FUNCTION_SHARED, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
SAME(BRN_CU_ERROR_CAPTURE_UNSUPPORTED, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
SAME(BRN_CU_ERROR_CAPTURE_INVALIDATED, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
SAME(BRN_CU_CAPTURE_GLOBAL, CU_STREAM_CAPTURE_MODE_GLOBAL)
SAME(BRN_CU_CAPTURE_THREAD_LOCAL, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
SAME(BRN_CU_CAPTURE_RELAXED, CU_STREAM_CAPTURE_MODE_RELAXED)
SAME(BRN_CU_CAPTURE_NONE, CU_STREAM_CAPTURE_STATUS_NONE)
SAME(BRN_CU_CAPTURE_ACTIVE, CU_STREAM_CAPTURE_STATUS_ACTIVE)
SAME(BRN_CU_CAPTURE_INVALIDATED, CU_STREAM_CAPTURE_STATUS_INVALIDATED)
SAME(BRN_CU_SET_DEPENDENCIES, CU_STREAM_SET_CAPTURE_DEPENDENCIES)
SAME(BRN_CU_NODE_KERNEL, CU_GRAPH_NODE_TYPE_KERNEL)
SAME(BRN_CU_NODE_MEMCPY, CU_GRAPH_NODE_TYPE_MEMCPY)
SAME(BRN_CU_NODE_MEMSET, CU_GRAPH_NODE_TYPE_MEMSET)
SAME(BRN_CU_NODE_EMPTY, CU_GRAPH_NODE_TYPE_EMPTY)
SAME(BRN_CU_NODE_CONDITIONAL, CU_GRAPH_NODE_TYPE_CONDITIONAL)
SAME(BRN_CU_CONDITION_IF, CU_GRAPH_COND_TYPE_IF)
SAME(BRN_CU_CONDITION_WHILE, CU_GRAPH_COND_TYPE_WHILE)
SAME(BRN_CU_CONDITION_DEFAULT, CU_GRAPH_COND_ASSIGN_DEFAULT)
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
SAME(BRN_BLAS_F32, CUDA_R_32F)
SAME(BRN_BLAS_BY_HALF, CUBLAS_COMPUTE_32F_FAST_16F)
SAME(BRN_BLAS_BY_TF32, CUBLAS_COMPUTE_32F_FAST_TF32)
SAME(BRN_BLAS_ANY_WAY, CUBLAS_GEMM_DEFAULT)
static_assert(sizeof(brn_cu_pool_props) == sizeof(CUmemPoolProps), "");
static_assert(offsetof(brn_cu_pool_props, location_id) == offsetof(CUmemPoolProps, location.id), "");
static_assert(offsetof(brn_cu_pool_props, security) == offsetof(CUmemPoolProps, win32SecurityAttributes), "");
#define PLACE(mine, field, theirs, its) static_assert(offsetof(mine, field) == offsetof(theirs, its), #its);
static_assert(sizeof(brn_cu_kernel_params) == sizeof(CUDA_KERNEL_NODE_PARAMS_v2), "");
PLACE(brn_cu_kernel_params, shared, CUDA_KERNEL_NODE_PARAMS_v2, sharedMemBytes)
PLACE(brn_cu_kernel_params, arguments, CUDA_KERNEL_NODE_PARAMS_v2, kernelParams)
PLACE(brn_cu_kernel_params, context, CUDA_KERNEL_NODE_PARAMS_v2, ctx)
static_assert(sizeof(brn_cu_node_params) == sizeof(CUgraphNodeParams), "");
PLACE(brn_cu_node_params, conditional.handle, CUgraphNodeParams, conditional.handle)
PLACE(brn_cu_node_params, conditional.kind, CUgraphNodeParams, conditional.type)
PLACE(brn_cu_node_params, conditional.size, CUgraphNodeParams, conditional.size)
PLACE(brn_cu_node_params, conditional.bodies, CUgraphNodeParams, conditional.phGraph_out)
PLACE(brn_cu_node_params, conditional.context, CUgraphNodeParams, conditional.ctx)

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
// C++ has it twice.
typedef cublasStatus_t (*gemm_ex)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void *, const void *, cudaDataType, int,
                                  const void *, cudaDataType, int, const void *, void *, cudaDataType, int, cublasComputeType_t, cublasGemmAlgo_t);
static_assert(same<decltype(brn_cublas_functions::cublasGemmEx), gemm_ex>::value, "cublasGemmEx");
const gemm_ex there = ::cublasGemmEx;
BRN_CU_LIST(CHECK_CU)
BRN_CU_POOL_LIST(CHECK_CU)
BRN_CU_GRAPH_LIST(CHECK_CU)
BRN_CU_CONDITIONAL_LIST(CHECK_CU)
BRN_RTC_LIST(CHECK_RTC)
BRN_BLAS_LIST(CHECK_BLAS)
