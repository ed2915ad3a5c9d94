/* The driver API: what it says of itself and of its device. */
#include "standin.h"

#include <stdio.h>

/* ---- the device -------------------------------------------------------------------------------- */

STANDIN_API brn_cu_code cuInit(unsigned flags)
{
    const brn_cu_code code = standin_begin("cuInit");
    return code ? code : flags ? INVALID_VALUE : 0;
}

STANDIN_API brn_cu_code cuDriverGetVersion(int *version)
{
    const brn_cu_code code = standin_begin("cuDriverGetVersion");
    *version = standin_environment("BRENIER_STANDIN_DRIVER", 12090);
    return code;
}

STANDIN_API brn_cu_code cuDeviceGetCount(int *count)
{
    const brn_cu_code code = standin_begin("cuDeviceGetCount");
    if (!code) *count = 1;
    return code;
}

STANDIN_API brn_cu_code cuDeviceGet(brn_cu_device *device, int index)
{
    const brn_cu_code code = standin_begin("cuDeviceGet");
    if (code) return code;
    *device = index;
    return index == 0 ? 0 : INVALID_DEVICE;
}

STANDIN_API brn_cu_code cuDeviceGetName(char *name, int size, brn_cu_device device)
{
    const brn_cu_code code = standin_begin("cuDeviceGetName");
    if (code) return code;
    snprintf(name, (size_t)size, "CUDA stand-in");
    return device == 0 ? 0 : INVALID_DEVICE;
}

STANDIN_API brn_cu_code cuDeviceTotalMem_v2(size_t *bytes, brn_cu_device device)
{
    const brn_cu_code code = standin_begin("cuDeviceTotalMem_v2");
    if (!code) *bytes = (size_t)2 << 30;
    return code ? code : device == 0 ? 0 : INVALID_DEVICE;
}

STANDIN_API brn_cu_code cuDeviceGetAttribute(int *value, int attribute, brn_cu_device device)
{
    const brn_cu_code code = standin_begin("cuDeviceGetAttribute");
    const int capability = standin_capability();
    if (code) return code;
    if (device != 0) return INVALID_DEVICE;
    switch (attribute) {
    case BRN_CU_MULTIPROCESSORS: *value = 80; return 0;
    case BRN_CU_SHARED_OPTIN: *value = standin_shared_most(); return 0;
    case BRN_CU_MAJOR: *value = capability / 10; return 0;
    case BRN_CU_MINOR: *value = capability % 10; return 0;
    case BRN_CU_POOLS_SUPPORTED: *value = standin_environment("BRENIER_STANDIN_POOLS", 1); return 0;
    default: return INVALID_VALUE;
    }
}

int standin_capability(void) { return standin_environment("BRENIER_STANDIN_CAPABILITY", 70); }

/* Dynamic shared memory that a function may ask for after opting in. */
int standin_shared_most(void)
{
    const int capability = standin_capability();
    return (capability == 70 ? 96 : capability == 75 ? 64 : capability == 80 || capability == 87 ? 163 : capability == 90 || capability == 100 ? 227 : 99) << 10;
}

STANDIN_API brn_cu_code cuGetErrorName(int code, const char **name)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {{INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"}, {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"}, {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
                 {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"}, {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"}};
    *name = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (names[i].code == code) *name = names[i].name;
    return *name ? 0 : INVALID_VALUE;
}
