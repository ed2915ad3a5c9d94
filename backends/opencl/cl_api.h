/* The part of OpenCL 1.2 that is used, declared by ourselves: every build has the backend, whether or not the
 * Khronos headers are there, and links nothing. Constants are written as in those headers, so that a file which
 * includes both (tests/opencl/headers.c) lets the compiler compare them. */
#ifndef BRN_OPENCL_CL_API_H
#define BRN_OPENCL_CL_API_H

#include "common/inject.h"
#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t cl_int;
typedef uint32_t cl_uint;
typedef uint64_t cl_ulong;
typedef cl_uint cl_bool;
typedef cl_ulong cl_bitfield;
typedef cl_bitfield cl_command_queue_properties;
typedef cl_bitfield cl_device_type;
typedef struct _cl_platform_id *cl_platform_id;
typedef struct _cl_device_id *cl_device_id;
typedef struct _cl_context *cl_context;
typedef struct _cl_command_queue *cl_command_queue;
typedef struct _cl_mem *cl_mem;
typedef struct _cl_program *cl_program;
typedef struct _cl_kernel *cl_kernel;
typedef struct _cl_event *cl_event;

#define CL_SUCCESS                              0
#define CL_DEVICE_NOT_FOUND                     -1
#define CL_MEM_OBJECT_ALLOCATION_FAILURE        -4
#define CL_OUT_OF_RESOURCES                     -5
#define CL_OUT_OF_HOST_MEMORY                   -6
#define CL_BUILD_PROGRAM_FAILURE                -11
#define CL_INVALID_BUFFER_SIZE                  -61
#define CL_FALSE                                0
#define CL_TRUE                                 1
#define CL_DEVICE_TYPE_GPU                      (1 << 2)
#define CL_DEVICE_TYPE_ACCELERATOR              (1 << 3)
#define CL_DEVICE_TYPE_ALL                      0xFFFFFFFF
#define CL_DEVICE_TYPE                          0x1000
#define CL_DEVICE_MAX_COMPUTE_UNITS             0x1002
#define CL_DEVICE_MAX_WORK_GROUP_SIZE           0x1004
#define CL_DEVICE_MAX_MEM_ALLOC_SIZE            0x1010
#define CL_DEVICE_MAX_PARAMETER_SIZE            0x1017
#define CL_DEVICE_SINGLE_FP_CONFIG              0x101B
#define CL_DEVICE_GLOBAL_MEM_SIZE               0x101F
#define CL_DEVICE_LOCAL_MEM_SIZE                0x1023
#define CL_DEVICE_ENDIAN_LITTLE                 0x1026
#define CL_DEVICE_AVAILABLE                     0x1027
#define CL_DEVICE_COMPILER_AVAILABLE            0x1028
#define CL_DEVICE_NAME                          0x102B
#define CL_DRIVER_VERSION                       0x102D
#define CL_DEVICE_VERSION                       0x102F
#define CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT     (1 << 7)
#define CL_MEM_READ_WRITE                       (1 << 0)
#define CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE  (1 << 0)
#define CL_QUEUE_PROFILING_ENABLE               (1 << 1)
#define CL_PROFILING_COMMAND_END                0x1283
#define CL_QUEUE_PROPERTIES                     0x1093
#define CL_PROGRAM_BINARY_SIZES                 0x1165
#define CL_PROGRAM_BINARIES                     0x1166
#define CL_PROGRAM_BUILD_LOG                    0x1183

/* X(result, name, arguments) */
#define BRN_CL_LIST(X)                                                                                       \
    X(cl_int, clGetPlatformIDs, (cl_uint, cl_platform_id *, cl_uint *))                                      \
    X(cl_int, clGetDeviceIDs, (cl_platform_id, cl_device_type, cl_uint, cl_device_id *, cl_uint *))          \
    X(cl_int, clGetDeviceInfo, (cl_device_id, cl_uint, size_t, void *, size_t *))                            \
    X(cl_context, clCreateContext, (const intptr_t *, cl_uint, const cl_device_id *,                         \
                                    void (*)(const char *, const void *, size_t, void *), void *, cl_int *)) \
    X(cl_int, clReleaseContext, (cl_context))                                                                \
    X(cl_command_queue, clCreateCommandQueue, (cl_context, cl_device_id, cl_bitfield, cl_int *))             \
    X(cl_int, clReleaseCommandQueue, (cl_command_queue))                                                     \
    X(cl_int, clGetCommandQueueInfo, (cl_command_queue, cl_uint, size_t, void *, size_t *))                  \
    X(cl_mem, clCreateBuffer, (cl_context, cl_bitfield, size_t, void *, cl_int *))                           \
    X(cl_int, clReleaseMemObject, (cl_mem))                                                                  \
    X(cl_program, clCreateProgramWithSource, (cl_context, cl_uint, const char **, const size_t *, cl_int *)) \
    X(cl_program, clCreateProgramWithBinary, (cl_context, cl_uint, const cl_device_id *, const size_t *,     \
                                              const unsigned char **, cl_int *, cl_int *))                   \
    X(cl_int, clBuildProgram, (cl_program, cl_uint, const cl_device_id *, const char *,                      \
                               void (*)(cl_program, void *), void *))                                        \
    X(cl_int, clGetProgramBuildInfo, (cl_program, cl_device_id, cl_uint, size_t, void *, size_t *))          \
    X(cl_int, clGetProgramInfo, (cl_program, cl_uint, size_t, void *, size_t *))                             \
    X(cl_int, clReleaseProgram, (cl_program))                                                                \
    X(cl_kernel, clCreateKernel, (cl_program, const char *, cl_int *))                                       \
    X(cl_int, clReleaseKernel, (cl_kernel))                                                                  \
    X(cl_int, clSetKernelArg, (cl_kernel, cl_uint, size_t, const void *))                                    \
    X(cl_int, clEnqueueNDRangeKernel, (cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, \
                                       const size_t *, cl_uint, const cl_event *, cl_event *))               \
    X(cl_int, clEnqueueReadBuffer, (cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint,      \
                                    const cl_event *, cl_event *))                                           \
    X(cl_int, clEnqueueWriteBuffer, (cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *,        \
                                     cl_uint, const cl_event *, cl_event *))                                 \
    X(cl_int, clEnqueueCopyBuffer, (cl_command_queue, cl_mem, cl_mem, size_t, size_t, size_t, cl_uint,       \
                                    const cl_event *, cl_event *))                                           \
    X(cl_int, clEnqueueFillBuffer, (cl_command_queue, cl_mem, const void *, size_t, size_t, size_t, cl_uint, \
                                    const cl_event *, cl_event *))                                           \
    X(cl_int, clEnqueueMarkerWithWaitList, (cl_command_queue, cl_uint, const cl_event *, cl_event *))        \
    X(cl_int, clFlush, (cl_command_queue))                                                                   \
    X(cl_int, clFinish, (cl_command_queue))                                                                  \
    X(cl_int, clWaitForEvents, (cl_uint, const cl_event *))                                                  \
    X(cl_int, clGetEventProfilingInfo, (cl_event, cl_uint, size_t, void *, size_t *))                        \
    X(cl_int, clReleaseEvent, (cl_event))

typedef struct brn_cl_functions {
#define BRN_CL_POINTER(result, name, arguments) result(*name) arguments;
    BRN_CL_LIST(BRN_CL_POINTER)
#undef BRN_CL_POINTER
} brn_cl_functions;

/** Filled by brn_cl_load, never changed after. */
extern brn_cl_functions brn_cl;

/** Load the ICD loader, once. BRN_ERR_DEVICE with what to install where it is missing. */
brn_status brn_cl_load(void);

/** Every call that may fail stands in one of these two, so that a test can make it fail:
 *  CL gives the code of a call, CL_MAKE the object of a call that writes its code to `code`. */
#define CL(call)            (brn_injected() ?: brn_cl.call)
#define CL_MAKE(code, call) ((*(code) = brn_injected()) ? NULL : brn_cl.call)

/** "CL_OUT_OF_RESOURCES", or "error". */
const char *brn_cl_code_name(cl_int code);
/** BRN_ERR_MEMORY for codes that say so, else BRN_ERR_DEVICE. */
brn_status brn_cl_status(cl_int code);

#endif
