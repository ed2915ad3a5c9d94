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
typedef struct CUgraph_st *brn_cu_graph;
typedef struct CUgraphNode_st *brn_cu_node;
typedef struct CUgraphExec_st *brn_cu_exec;
typedef unsigned long long brn_cu_condition; /* CUgraphConditionalHandle; what a kernel gives to cudaGraphSetConditional */
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

/* CUDA_KERNEL_NODE_PARAMS_v2 */
typedef struct brn_cu_kernel_params {
    brn_cu_function f;
    unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared;
    void **arguments, **extra;
    void *kernel; /* where there is no function: not used */
    brn_cu_context context;
} brn_cu_kernel_params;

/* CUgraphNodeParams, of which conditional nodes are used: `bodies` is the driver's, filled in by cuGraphAddNode */
typedef struct brn_cu_node_params {
    int type, zero[3];
    union {
        long long all[29];
        struct {
            brn_cu_condition handle;
            int kind;
            unsigned size;
            brn_cu_graph *bodies;
            brn_cu_context context;
        } conditional;
    };
    long long zeros;
} brn_cu_node_params;

enum {
    BRN_CU_ERROR_OUT_OF_MEMORY = 2,
    BRN_CU_ERROR_IMAGE = 200,
    BRN_CU_ERROR_NO_BINARY = 209,
    BRN_CU_ERROR_PTX = 218,
    BRN_CU_ERROR_PTX_VERSION = 222,
    BRN_CU_ERROR_CAPTURE_UNSUPPORTED = 900,
    BRN_CU_ERROR_CAPTURE_INVALIDATED = 901,
    BRN_CU_MULTIPROCESSORS = 16,
    BRN_CU_MAJOR = 75,
    BRN_CU_MINOR = 76,
    BRN_CU_SHARED_OPTIN = 97, /* CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN */
    BRN_CU_POOLS_SUPPORTED = 115,
    BRN_CU_STREAM_NON_BLOCKING = 1,
    BRN_CU_EVENT_DISABLE_TIMING = 2,
    BRN_CU_FUNCTION_SHARED = 8, /* CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES */
    BRN_CU_CAPTURE_GLOBAL = 0,  /* which calls of which threads a capture refuses */
    BRN_CU_CAPTURE_THREAD_LOCAL = 1,
    BRN_CU_CAPTURE_RELAXED = 2,
    BRN_CU_CAPTURE_NONE = 0, /* how a stream's capture stands */
    BRN_CU_CAPTURE_ACTIVE = 1,
    BRN_CU_CAPTURE_INVALIDATED = 2,
    BRN_CU_SET_DEPENDENCIES = 1, /* CU_STREAM_SET_CAPTURE_DEPENDENCIES */
    BRN_CU_NODE_KERNEL = 0,
    BRN_CU_NODE_MEMCPY = 1,
    BRN_CU_NODE_MEMSET = 2,
    BRN_CU_NODE_EMPTY = 5,
    BRN_CU_NODE_CONDITIONAL = 13,
    BRN_CU_CONDITION_IF = 0,
    BRN_CU_CONDITION_WHILE = 1,
    BRN_CU_CONDITION_DEFAULT = 1, /* CU_GRAPH_COND_ASSIGN_DEFAULT */
    BRN_CU_POOL_PINNED = 1,            /* CU_MEM_ALLOCATION_TYPE_PINNED */
    BRN_CU_LOCATION_DEVICE = 1,        /* CU_MEM_LOCATION_TYPE_DEVICE */
    BRN_CU_POOL_RELEASE_THRESHOLD = 4, /* CU_MEMPOOL_ATTR_RELEASE_THRESHOLD */
    BRN_RTC_OUT_OF_MEMORY = 1,
    BRN_BLAS_ALLOC_FAILED = 3,
    BRN_BLAS_NO_TRANSPOSE = 0,
    BRN_BLAS_TRANSPOSE = 1,
    BRN_BLAS_PEDANTIC = 2, /* CUBLAS_PEDANTIC_MATH */
    BRN_BLAS_F32 = 0,        /* CUDA_R_32F: what lies in memory */
    BRN_BLAS_BY_HALF = 74,   /* CUBLAS_COMPUTE_32F_FAST_16F: operands rounded to halves, sums in single precision */
    BRN_BLAS_BY_TF32 = 77,   /* CUBLAS_COMPUTE_32F_FAST_TF32 */
    BRN_BLAS_ANY_WAY = -1,   /* CUBLAS_GEMM_DEFAULT */
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
    X(cuStreamWaitEvent, (brn_cu_stream, brn_cu_event, unsigned))                                            \
    X(cuModuleLoadData, (brn_cu_module *, const void *))                                                     \
    X(cuModuleUnload, (brn_cu_module))                                                                       \
    X(cuModuleGetFunction, (brn_cu_function *, brn_cu_module, const char *))                                 \
    X(cuFuncSetAttribute, (brn_cu_function, int, int))                                                       \
    X(cuLaunchKernel, (brn_cu_function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,          \
                       unsigned, brn_cu_stream, void **, void **))

/* Since CUDA 11.2; NULL where the driver lacks them. */
#define BRN_CU_POOL_LIST(X)                                                                                  \
    X(cuMemPoolCreate, (brn_cu_pool *, const brn_cu_pool_props *))                                           \
    X(cuMemPoolDestroy, (brn_cu_pool))                                                                       \
    X(cuMemPoolSetAttribute, (brn_cu_pool, int, void *))                                                     \
    X(cuMemAllocFromPoolAsync, (brn_cu_ptr *, size_t, brn_cu_pool, brn_cu_stream))                           \
    X(cuMemFreeAsync, (brn_cu_ptr, brn_cu_stream))

/* Graphs, in every driver of CUDA 11.8 and newer but for the kernel nodes' parameters of 12; NULL where they are lacking. */
#define BRN_CU_GRAPH_LIST(X)                                                                                 \
    X(cuStreamBeginCapture_v2, (brn_cu_stream, int))                                                         \
    X(cuStreamEndCapture, (brn_cu_stream, brn_cu_graph *))                                                   \
    X(cuStreamGetCaptureInfo_v2, (brn_cu_stream, int *, uint64_t *, brn_cu_graph *, const brn_cu_node **,    \
                                  size_t *))                                                                 \
    X(cuStreamUpdateCaptureDependencies, (brn_cu_stream, brn_cu_node *, size_t, unsigned))                   \
    X(cuGraphCreate, (brn_cu_graph *, unsigned))                                                             \
    X(cuGraphDestroy, (brn_cu_graph))                                                                        \
    X(cuGraphGetNodes, (brn_cu_graph, brn_cu_node *, size_t *))                                              \
    X(cuGraphNodeGetType, (brn_cu_node, int *))                                                              \
    X(cuGraphKernelNodeGetParams_v2, (brn_cu_node, brn_cu_kernel_params *))                                  \
    X(cuGraphInstantiateWithFlags, (brn_cu_exec *, brn_cu_graph, unsigned long long))                        \
    X(cuGraphExecKernelNodeSetParams_v2, (brn_cu_exec, brn_cu_node, const brn_cu_kernel_params *))           \
    X(cuGraphExecDestroy, (brn_cu_exec))                                                                     \
    X(cuGraphLaunch, (brn_cu_exec, brn_cu_stream))

/* Conditional nodes, since CUDA 12.3; NULL where the driver lacks them. The edges' data stay NULL. */
#define BRN_CU_CONDITIONAL_LIST(X)                                                                           \
    X(cuGraphConditionalHandleCreate, (brn_cu_condition *, brn_cu_graph, brn_cu_context, unsigned, unsigned)) \
    X(cuGraphAddNode_v2, (brn_cu_node *, brn_cu_graph, const brn_cu_node *, const void *, size_t,            \
                          brn_cu_node_params *))                                                             \
    X(cuStreamBeginCaptureToGraph, (brn_cu_stream, brn_cu_graph, const brn_cu_node *, const void *, size_t, int))

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

#define BRN_BLAS_ROUNDING_LIST(X)                                                                            \
    X(cublasGemmEx, (brn_cublas_handle, int, int, int, int, int, const void *, const void *, int, int,         \
                     const void *, int, int, const void *, void *, int, int, int, int))

#define BRN_CU_POINTER(name, arguments) brn_cu_code(*name) arguments;
typedef struct brn_cu_functions {
    BRN_CU_LIST(BRN_CU_POINTER)
    BRN_CU_POOL_LIST(BRN_CU_POINTER)
    BRN_CU_GRAPH_LIST(BRN_CU_POINTER)
    BRN_CU_CONDITIONAL_LIST(BRN_CU_POINTER)
} brn_cu_functions;

typedef struct brn_rtc_functions {
    BRN_RTC_LIST(BRN_CU_POINTER)
    int major, minor; /* nvrtcVersion */
} brn_rtc_functions;

typedef struct brn_cublas_functions {
    BRN_BLAS_LIST(BRN_CU_POINTER)
    BRN_BLAS_ROUNDING_LIST(BRN_CU_POINTER)
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
