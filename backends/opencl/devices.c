/* Which devices there are, and whether the kernels can run on them. */
#include "opencl/opencl.h"

#include <stdio.h>
#include <string.h>

enum { PLATFORMS = 16 };

void brn_opencl_check(const brn_opencl_limits *l, char reason[static 128])
{
    int major = 0, minor = 0;
    reason[0] = '\0';
    if (!l->available) snprintf(reason, 128, "the driver says that the device is not available");
    else if (!l->compiler) snprintf(reason, 128, "the driver has no compiler");
    else if (!l->little_endian) snprintf(reason, 128, "big-endian devices are not supported");
    else if (sscanf(l->version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 12)
        snprintf(reason, 128, "OpenCL 1.2 is needed, found \"%.60s\"", l->version);
    else if (l->work_group < BRN_OPENCL_WORK_GROUP)
        snprintf(reason, 128, "work-groups of at most %zu items, needed %d", l->work_group, BRN_OPENCL_WORK_GROUP);
    else if (l->local_memory < BRN_OPENCL_LOCAL_MEMORY)
        snprintf(reason, 128, "%llu bytes of local memory, needed %d", (unsigned long long)l->local_memory, BRN_OPENCL_LOCAL_MEMORY);
    else if (l->parameters < BRN_OPENCL_PARAMETERS)
        snprintf(reason, 128, "%zu bytes of kernel arguments, needed %d", l->parameters, BRN_OPENCL_PARAMETERS);
}

brn_status brn_opencl_devices(cl_device_id *ids, int capacity, int *count)
{
    cl_platform_id platforms[PLATFORMS];
    cl_uint known = 0;
    *count = 0;
    BRN_TRY(brn_cl_load());
    const cl_int code = CL(clGetPlatformIDs(PLATFORMS, platforms, &known));
    if (code != CL_SUCCESS || known == 0) /* the loader has a code of its own for "no platform" */
        return brn_fail(BRN_ERR_DEVICE, "no OpenCL driver; install your GPU's, or pocl-opencl-icd for the processor");
    for (cl_uint p = 0; p < known && p < PLATFORMS; ++p) {
        cl_uint here = 0;
        const cl_uint room = capacity > *count ? (cl_uint)(capacity - *count) : 0;
        if (CL(clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, room, room ? ids + *count : NULL, &here)) == CL_SUCCESS)
            *count += (int)here;
    }
    if (*count == 0) return brn_fail(BRN_ERR_DEVICE, "the OpenCL drivers here have no device");
    return BRN_OK;
}

static brn_status ask(cl_device_id id, cl_uint what, void *value, size_t size)
{
    const cl_int code = CL(clGetDeviceInfo(id, what, size, value, NULL));
    if (code == CL_SUCCESS) return BRN_OK;
    return brn_fail(brn_cl_status(code), "clGetDeviceInfo(0x%x) failed: %s (%d)", what, brn_cl_code_name(code), code);
}

brn_status brn_opencl_limits_of(cl_device_id id, brn_opencl_limits *l)
{
    *l = (brn_opencl_limits){0};
    BRN_TRY(ask(id, CL_DEVICE_NAME, l->name, sizeof l->name));
    BRN_TRY(ask(id, CL_DRIVER_VERSION, l->driver, sizeof l->driver));
    BRN_TRY(ask(id, CL_DEVICE_VERSION, l->version, sizeof l->version));
    BRN_TRY(ask(id, CL_DEVICE_TYPE, &l->type, sizeof l->type));
    BRN_TRY(ask(id, CL_DEVICE_MAX_COMPUTE_UNITS, &l->units, sizeof l->units));
    BRN_TRY(ask(id, CL_DEVICE_GLOBAL_MEM_SIZE, &l->memory, sizeof l->memory));
    BRN_TRY(ask(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &l->most_at_once, sizeof l->most_at_once));
    BRN_TRY(ask(id, CL_DEVICE_LOCAL_MEM_SIZE, &l->local_memory, sizeof l->local_memory));
    BRN_TRY(ask(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, &l->work_group, sizeof l->work_group));
    BRN_TRY(ask(id, CL_DEVICE_MAX_PARAMETER_SIZE, &l->parameters, sizeof l->parameters));
    BRN_TRY(ask(id, CL_DEVICE_AVAILABLE, &l->available, sizeof l->available));
    BRN_TRY(ask(id, CL_DEVICE_COMPILER_AVAILABLE, &l->compiler, sizeof l->compiler));
    BRN_TRY(ask(id, CL_DEVICE_ENDIAN_LITTLE, &l->little_endian, sizeof l->little_endian));
    return ask(id, CL_DEVICE_SINGLE_FP_CONFIG, &l->single, sizeof l->single);
}

static void describe(cl_device_id id, brn_device_info *info)
{
    brn_opencl_limits l;
    if (brn_opencl_limits_of(id, &l) != BRN_OK) {
        snprintf(info->reason, sizeof info->reason, "%s", brn_last_error());
        return;
    }
    brn_opencl_check(&l, info->reason);
    info->available = !info->reason[0];
    info->gpu = (l.type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR)) != 0;
    info->cores = (int)l.units;
    info->memory = l.memory;
    snprintf(info->description, sizeof info->description, "%.40s, driver %.16s, %.10s, work-groups of %u, %u KiB local", l.name, l.driver, l.version,
             (unsigned)l.work_group, (unsigned)(l.local_memory >> 10));
}

int brn_opencl_enumerate(brn_device_info *info, int capacity)
{
    enum { MOST = 32 };
    cl_device_id ids[MOST];
    int count;
    const brn_status status = brn_opencl_devices(ids, MOST, &count);
    if (status != BRN_OK) {
        if (capacity < 1) return 1;
        info[0] = (brn_device_info){.name = "opencl:0"};
        snprintf(info[0].reason, sizeof info[0].reason, "%s", brn_last_error());
        return 1;
    }
    if (count > MOST) count = MOST;
    for (int i = 0; i < count && i < capacity; ++i) {
        info[i] = (brn_device_info){0};
        snprintf(info[i].name, sizeof info[i].name, "opencl:%d", i);
        describe(ids[i], &info[i]);
    }
    return count;
}
