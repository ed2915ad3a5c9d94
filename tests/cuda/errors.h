/* The errors that NVIDIA documents for each call that is used: what its description lists under "returns", and whether
 * it may also give those of work that was handed over before. Of CUDA 13.0; older ones list the same or fewer. */
#ifndef BRN_TESTS_CUDA_ERRORS_H
#define BRN_TESTS_CUDA_ERRORS_H

#include "standin/standin.h"

enum {
    E_VALUE = 1, E_MEMORY = 2, E_NOT_INITIALIZED = 3, E_DEINITIALIZED = 4, E_DEVICE = 101, E_IMAGE = 200, E_CONTEXT = 201,
    E_NO_BINARY = 209, E_ECC = 214, E_PTX = 218, E_NO_JIT = 221, E_PTX_VERSION = 222, E_NO_SYMBOL = 302, E_INIT_FAILED = 303,
    E_HANDLE = 400, E_STATE = 401, E_LOSSY = 402, E_NOT_FOUND = 500, E_ADDRESS = 700, E_RESOURCES = 701, E_TIMEOUT = 702,
    E_TEXTURING = 703, E_LAUNCH = 719, E_PERMITTED = 800, E_SUPPORTED = 801, E_MISMATCH = 803, E_COMPAT = 804, E_IMPLICIT = 906,
    E_THREAD = 908, E_UNKNOWN = 999
};

/* After one of these all calls fail, until the process ends. */
static const brn_cu_code error_sticky[] = {E_ADDRESS, E_LAUNCH, E_ECC, E_TIMEOUT};
enum { ERRORS_STICKY = sizeof error_sticky / sizeof *error_sticky, ERRORS_MOST = 16 };

typedef struct {
    const char *call;
    enum { ALONE, LATE, OF_RTC, OF_BLAS } kind; /* LATE: the sticky ones too */
    brn_cu_code codes[ERRORS_MOST];
} error_row;

#define E_USUAL E_DEINITIALIZED, E_NOT_INITIALIZED, E_CONTEXT
#define E_FEWER E_DEINITIALIZED, E_NOT_INITIALIZED
static const error_row error_table[] = {
    {"cuInit", LATE, {E_VALUE, E_DEVICE, E_MISMATCH, E_COMPAT}},
    {"cuDriverGetVersion", LATE, {E_VALUE}},
    {"cuDeviceGetCount", LATE, {E_USUAL, E_VALUE}},
    {"cuDeviceGet", LATE, {E_USUAL, E_VALUE, E_DEVICE}},
    {"cuDeviceGetName", LATE, {E_USUAL, E_VALUE, E_DEVICE}},
    {"cuDeviceGetAttribute", LATE, {E_USUAL, E_VALUE, E_DEVICE}},
    {"cuDeviceTotalMem_v2", LATE, {E_USUAL, E_VALUE, E_DEVICE}},
    {"cuDevicePrimaryCtxRetain", LATE, {E_USUAL, E_DEVICE, E_VALUE, E_MEMORY, E_UNKNOWN}},
    {"cuDevicePrimaryCtxRelease_v2", LATE, {E_USUAL, E_DEVICE}},
    {"cuCtxSetCurrent", LATE, {E_USUAL}},
    {"cuGetErrorName", ALONE, {E_VALUE}},
    {"cuMemAlloc_v2", LATE, {E_USUAL, E_VALUE, E_MEMORY}},
    {"cuMemFree_v2", LATE, {E_USUAL, E_VALUE}},
    {"cuMemAllocHost_v2", LATE, {E_USUAL, E_VALUE, E_MEMORY}},
    {"cuMemFreeHost", LATE, {E_USUAL, E_VALUE}},
    {"cuMemcpyHtoDAsync_v2", LATE, {E_USUAL, E_VALUE, E_HANDLE}},
    {"cuMemcpyDtoHAsync_v2", LATE, {E_USUAL, E_VALUE, E_HANDLE}},
    {"cuMemcpyDtoDAsync_v2", LATE, {E_USUAL, E_VALUE, E_HANDLE}},
    {"cuMemsetD8Async", LATE, {E_USUAL, E_VALUE}},
    {"cuStreamCreate", LATE, {E_USUAL, E_VALUE, E_MEMORY}},
    {"cuStreamDestroy_v2", LATE, {E_USUAL, E_VALUE, E_HANDLE}},
    {"cuStreamSynchronize", LATE, {E_USUAL, E_HANDLE}},
    {"cuStreamWaitEvent", LATE, {E_USUAL, E_HANDLE}},
    {"cuEventCreate", LATE, {E_USUAL, E_VALUE, E_MEMORY}},
    {"cuEventDestroy_v2", LATE, {E_USUAL, E_HANDLE}},
    {"cuEventRecord", LATE, {E_USUAL, E_HANDLE, E_VALUE}},
    {"cuEventSynchronize", LATE, {E_USUAL, E_HANDLE}},
    {"cuModuleLoadData", LATE, {E_USUAL, E_VALUE, E_PTX, E_PTX_VERSION, E_MEMORY, E_NO_BINARY, E_NO_SYMBOL, E_INIT_FAILED, E_NO_JIT}},
    {"cuModuleUnload", LATE, {E_USUAL, E_VALUE, E_PERMITTED}},
    {"cuModuleGetFunction", LATE, {E_USUAL, E_VALUE, E_NOT_FOUND}},
    {"cuFuncSetAttribute", LATE, {E_USUAL, E_HANDLE, E_VALUE}},
    {"cuLaunchKernel", LATE, {E_USUAL, E_HANDLE, E_IMAGE, E_VALUE, E_RESOURCES, E_TEXTURING, E_INIT_FAILED, E_NOT_FOUND}},
    {"cuMemPoolCreate", ALONE, {E_NOT_INITIALIZED, E_VALUE, E_MEMORY, E_PERMITTED, E_SUPPORTED}},
    {"cuMemPoolDestroy", ALONE, {E_VALUE}},
    {"cuMemPoolSetAttribute", ALONE, {E_VALUE}},
    {"cuMemAllocFromPoolAsync", ALONE, {E_VALUE, E_NOT_INITIALIZED, E_CONTEXT, E_SUPPORTED, E_MEMORY}},
    {"cuMemFreeAsync", ALONE, {E_VALUE, E_NOT_INITIALIZED, E_CONTEXT, E_SUPPORTED}},
    {"cuStreamBeginCapture_v2", LATE, {E_FEWER, E_VALUE}},
    {"cuStreamEndCapture", LATE, {E_FEWER, E_VALUE, E_THREAD}},
    {"cuStreamGetCaptureInfo_v2", LATE, {E_VALUE, E_IMPLICIT, E_LOSSY}},
    {"cuStreamUpdateCaptureDependencies", ALONE, {E_VALUE, E_STATE}},
    {"cuStreamBeginCaptureToGraph", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphCreate", LATE, {E_FEWER, E_VALUE, E_MEMORY}},
    {"cuGraphDestroy", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphGetNodes", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphNodeGetType", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphKernelNodeGetParams_v2", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphInstantiateWithFlags", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphExecKernelNodeSetParams_v2", LATE, {E_VALUE}},
    {"cuGraphExecDestroy", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphLaunch", LATE, {E_FEWER, E_VALUE}},
    {"cuGraphConditionalHandleCreate", LATE, {E_VALUE, E_SUPPORTED}},
    {"cuGraphAddNode_v2", LATE, {E_VALUE, E_CONTEXT, E_SUPPORTED}},
    {"nvrtcVersion", OF_RTC, {3}}, /* NVRTC_ERROR_INVALID_INPUT and so on */
    {"nvrtcGetNumSupportedArchs", OF_RTC, {3}},
    {"nvrtcGetSupportedArchs", OF_RTC, {3}},
    {"nvrtcCreateProgram", OF_RTC, {1, 2, 3, 4}},
    {"nvrtcDestroyProgram", OF_RTC, {4}},
    {"nvrtcCompileProgram", OF_RTC, {1, 3, 4, 5, 6, 7, 12, 16}},
    {"nvrtcGetProgramLogSize", OF_RTC, {3, 4}},
    {"nvrtcGetProgramLog", OF_RTC, {3, 4}},
    {"nvrtcGetCUBINSize", OF_RTC, {3, 4}},
    {"nvrtcGetCUBIN", OF_RTC, {3, 4}},
    {"nvrtcGetPTXSize", OF_RTC, {3, 4}},
    {"nvrtcGetPTX", OF_RTC, {3, 4}},
    {"cublasCreate_v2", OF_BLAS, {1, 3, 7}}, /* CUBLAS_STATUS_NOT_INITIALIZED, ALLOC_FAILED, INVALID_VALUE */
    {"cublasDestroy_v2", OF_BLAS, {1}},
    {"cublasSetStream_v2", OF_BLAS, {1}},
    {"cublasSetWorkspace_v2", OF_BLAS, {1}},
    {"cublasSetMathMode", OF_BLAS, {1, 7}},
    {"cublasSgemm_v2", OF_BLAS, {1, 7, 8, 13}}, /* ARCH_MISMATCH, EXECUTION_FAILED */
    {"cublasGemmEx", OF_BLAS, {1, 7, 8, 13, 15}}, /* NOT_SUPPORTED */
};
enum { ERROR_ROWS = sizeof error_table / sizeof *error_table };

#endif
