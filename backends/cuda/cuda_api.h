/* The parts of the CUDA driver API, of NVRTC and of cuBLAS that are used, declared by ourselves and loaded at run
 * time: every build has the backend and links nothing. All of it is the same in CUDA 11.8, 12 and 13. Constants are
 * written as numbers; tests/cuda/headers.c compares everything with NVIDIA's headers where they are installed. */
#ifndef BRN_CUDA_API_H
#define BRN_CUDA_API_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int brn_cu_code; /* CUresult, nvrtcResult, cublasStatus_t: 0 is success */
typedef int brn_cu_device;
typedef unsigned long long brn_cu_ptr;
typedef struct CUctx_st *brn_cu_context;
typedef struct CUstream_st *brn_cu_stream;
typedef struct CUevent_st *brn_cu_event;
typedef struct CUmod_st *brn_cu_module;
typedef struct CUfunc_st *brn_cu_function;
typedef struct CUmemPoolHandle_st *brn_cu_pool;
typedef struct _nvrtcProgram *brn_rtc_program;
typedef struct cublasContext *brn_cublas_handle;

/* CUmemPoolProps: memory of one device, for this process only */
typedef struct brn_cu_pool_props {
    int alloc_type, handle_types, location_type, location_id;
    void *security;
    size_t most;
    unsigned short usage;
    unsigned char reserved[54];
} brn_cu_pool_props;

enum {
    BRN_CU_ERROR_OUT_OF_MEMORY = 2,
    BRN_CU_ERROR_NO_BINARY = 209,
    BRN_CU_MULTIPROCESSORS = 16,
    BRN_CU_MAJOR = 75,
    BRN_CU_MINOR = 76,
    BRN_CU_POOLS_SUPPORTED = 115,
    BRN_CU_STREAM_NON_BLOCKING = 1,
    BRN_CU_EVENT_DISABLE_TIMING = 2,
    BRN_CU_POOL_PINNED = 1,            /* CU_MEM_ALLOCATION_TYPE_PINNED */
    BRN_CU_LOCATION_DEVICE = 1,        /* CU_MEM_LOCATION_TYPE_DEVICE */
    BRN_CU_POOL_RELEASE_THRESHOLD = 4, /* CU_MEMPOOL_ATTR_RELEASE_THRESHOLD */
    BRN_RTC_OUT_OF_MEMORY = 1,
    BRN_BLAS_ALLOC_FAILED = 3,
    BRN_BLAS_NO_TRANSPOSE = 0,
    BRN_BLAS_TRANSPOSE = 1,
    BRN_BLAS_PEDANTIC = 2, /* CUBLAS_PEDANTIC_MATH */
    BRN_BLAS_TF32 = 3,     /* CUBLAS_TF32_TENSOR_OP_MATH */
};

/* X(name, arguments), each giving a code. The driver exports the newer form of some under a name with _v2. */
#define BRN_CU_LIST(X)                                                                                       \
    X(cuInit, (unsigned))                                                                                    \
    X(cuDriverGetVersion, (int *))                                                                           \
    X(cuDeviceGetCount, (int *))                                                                             \
    X(cuDeviceGet, (brn_cu_device *, int))                                                                   \
    X(cuDeviceGetName, (char *, int, brn_cu_device))                                                         \
    X(cuDeviceGetAttribute, (int *, int, brn_cu_device))                                                     \
    X(cuDeviceTotalMem_v2, (size_t *, brn_cu_device))                                                        \
    X(cuDevicePrimaryCtxRetain, (brn_cu_context *, brn_cu_device))                                           \
    X(cuDevicePrimaryCtxRelease_v2, (brn_cu_device))                                                         \
    X(cuCtxSetCurrent, (brn_cu_context))                                                                     \
    X(cuGetErrorName, (int, const char **))                                                                  \
    X(cuMemAlloc_v2, (brn_cu_ptr *, size_t))                                                                 \
    X(cuMemFree_v2, (brn_cu_ptr))                                                                            \
    X(cuMemAllocHost_v2, (void **, size_t))                                                                  \
    X(cuMemFreeHost, (void *))                                                                               \
    X(cuMemcpyHtoDAsync_v2, (brn_cu_ptr, const void *, size_t, brn_cu_stream))                               \
    X(cuMemcpyDtoHAsync_v2, (void *, brn_cu_ptr, size_t, brn_cu_stream))                                     \
    X(cuMemcpyDtoDAsync_v2, (brn_cu_ptr, brn_cu_ptr, size_t, brn_cu_stream))                                 \
    X(cuMemsetD8Async, (brn_cu_ptr, unsigned char, size_t, brn_cu_stream))                                   \
    X(cuStreamCreate, (brn_cu_stream *, unsigned))                                                           \
    X(cuStreamDestroy_v2, (brn_cu_stream))                                                                   \
    X(cuStreamSynchronize, (brn_cu_stream))                                                                  \
    X(cuEventCreate, (brn_cu_event *, unsigned))                                                             \
    X(cuEventDestroy_v2, (brn_cu_event))                                                                     \
    X(cuEventRecord, (brn_cu_event, brn_cu_stream))                                                          \
    X(cuEventSynchronize, (brn_cu_event))                                                                    \
    X(cuModuleLoadData, (brn_cu_module *, const void *))                                                     \
    X(cuModuleUnload, (brn_cu_module))                                                                       \
    X(cuModuleGetFunction, (brn_cu_function *, brn_cu_module, const char *))                                 \
    X(cuLaunchKernel, (brn_cu_function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,          \
                       unsigned, brn_cu_stream, void **, void **))

/* Since CUDA 11.2; NULL where the driver lacks them. */
#define BRN_CU_POOL_LIST(X)                                                                                  \
    X(cuMemPoolCreate, (brn_cu_pool *, const brn_cu_pool_props *))                                           \
    X(cuMemPoolDestroy, (brn_cu_pool))                                                                       \
    X(cuMemPoolSetAttribute, (brn_cu_pool, int, void *))                                                     \
    X(cuMemAllocFromPoolAsync, (brn_cu_ptr *, size_t, brn_cu_pool, brn_cu_stream))                           \
    X(cuMemFreeAsync, (brn_cu_ptr, brn_cu_stream))

#define BRN_RTC_LIST(X)                                                                                      \
    X(nvrtcVersion, (int *, int *))                                                                          \
    X(nvrtcGetNumSupportedArchs, (int *))                                                                    \
    X(nvrtcGetSupportedArchs, (int *))                                                                       \
    X(nvrtcCreateProgram, (brn_rtc_program *, const char *, const char *, int, const char *const *,          \
                           const char *const *))                                                             \
    X(nvrtcDestroyProgram, (brn_rtc_program *))                                                              \
    X(nvrtcCompileProgram, (brn_rtc_program, int, const char *const *))                                      \
    X(nvrtcGetProgramLogSize, (brn_rtc_program, size_t *))                                                   \
    X(nvrtcGetProgramLog, (brn_rtc_program, char *))                                                         \
    X(nvrtcGetCUBINSize, (brn_rtc_program, size_t *))                                                        \
    X(nvrtcGetCUBIN, (brn_rtc_program, char *))                                                              \
    X(nvrtcGetPTXSize, (brn_rtc_program, size_t *))                                                          \
    X(nvrtcGetPTX, (brn_rtc_program, char *))

#define BRN_BLAS_LIST(X)                                                                                     \
    X(cublasCreate_v2, (brn_cublas_handle *))                                                                  \
    X(cublasDestroy_v2, (brn_cublas_handle))                                                                   \
    X(cublasSetStream_v2, (brn_cublas_handle, brn_cu_stream))                                                  \
    X(cublasSetWorkspace_v2, (brn_cublas_handle, void *, size_t))                                              \
    X(cublasSetMathMode, (brn_cublas_handle, int))                                                             \
    X(cublasSgemm_v2, (brn_cublas_handle, int, int, int, int, int, const float *, const float *, int,          \
                       const float *, int, const float *, float *, int))

#define BRN_CU_POINTER(name, arguments) brn_cu_code(*name) arguments;
typedef struct brn_cu_functions {
    BRN_CU_LIST(BRN_CU_POINTER)
    BRN_CU_POOL_LIST(BRN_CU_POINTER)
} brn_cu_functions;

typedef struct brn_rtc_functions {
    BRN_RTC_LIST(BRN_CU_POINTER)
    int major, minor; /* nvrtcVersion */
} brn_rtc_functions;

typedef struct brn_cublas_functions {
    BRN_BLAS_LIST(BRN_CU_POINTER)
} brn_cublas_functions;
#undef BRN_CU_POINTER

/** Filled by brn_cu_load, never changed after. */
extern brn_cu_functions brn_cu;

/** Load the driver and initialise it, once. BRN_ERR_DEVICE with what is missing. */
brn_status brn_cu_load(void);

/** The NVRTCs that are installed, by falling version: as many as come back, at most BRN_RTC_MOST. */
enum { BRN_RTC_MOST = 3 };
int brn_rtc_load(const brn_rtc_functions **list);

/** cuBLAS of CUDA `most` or older, down to 11; NULL where there is none. */
const brn_cublas_functions *brn_cublas_load(int most);

#endif
