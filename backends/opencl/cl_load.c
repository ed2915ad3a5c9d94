/* The ICD loader's functions. */
#include "core/library.h"
#include "opencl/cl_api.h"

brn_cl_functions brn_cl;

static brn_loading loading = BRN_LOADING;

static brn_status load(void)
{
    void *library = brn_library_open("libOpenCL.so.1");
    if (!library) return brn_fail(BRN_ERR_DEVICE, "no OpenCL loader (libOpenCL.so.1); install ocl-icd-libopencl1 and a driver");
#define RESOLVE(result, name, arguments)                                                                     \
    if (!brn_library_function(library, #name, &brn_cl.name))                                                 \
        return brn_fail(BRN_ERR_DEVICE, "the OpenCL loader lacks " #name ": OpenCL 1.2 is needed");
    BRN_CL_LIST(RESOLVE)
#undef RESOLVE
    return BRN_OK;
}

brn_status brn_cl_load(void) { return brn_load_once(&loading, load); }

const char *brn_cl_code_name(cl_int code)
{
    static const struct {
        cl_int code;
        const char *name;
    } names[] = {
        {-1, "CL_DEVICE_NOT_FOUND"}, {-2, "CL_DEVICE_NOT_AVAILABLE"}, {-3, "CL_COMPILER_NOT_AVAILABLE"},
        {-4, "CL_MEM_OBJECT_ALLOCATION_FAILURE"}, {-5, "CL_OUT_OF_RESOURCES"}, {-6, "CL_OUT_OF_HOST_MEMORY"},
        {-11, "CL_BUILD_PROGRAM_FAILURE"}, {-14, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"}, {-30, "CL_INVALID_VALUE"},
        {-33, "CL_INVALID_DEVICE"}, {-34, "CL_INVALID_CONTEXT"}, {-36, "CL_INVALID_COMMAND_QUEUE"}, {-38, "CL_INVALID_MEM_OBJECT"},
        {-42, "CL_INVALID_BINARY"}, {-43, "CL_INVALID_BUILD_OPTIONS"}, {-44, "CL_INVALID_PROGRAM"},
        {-45, "CL_INVALID_PROGRAM_EXECUTABLE"}, {-46, "CL_INVALID_KERNEL_NAME"}, {-48, "CL_INVALID_KERNEL"},
        {-51, "CL_INVALID_ARG_SIZE"}, {-52, "CL_INVALID_KERNEL_ARGS"}, {-54, "CL_INVALID_WORK_GROUP_SIZE"},
        {-55, "CL_INVALID_WORK_ITEM_SIZE"}, {-61, "CL_INVALID_BUFFER_SIZE"}, {-63, "CL_INVALID_GLOBAL_WORK_SIZE"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (names[i].code == code) return names[i].name;
    return "error";
}

brn_status brn_cl_status(cl_int code)
{
    const bool memory = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY || code == CL_INVALID_BUFFER_SIZE;
    return memory ? BRN_ERR_MEMORY : BRN_ERR_DEVICE;
}
