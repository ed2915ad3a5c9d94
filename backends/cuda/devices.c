/* Which devices there are, and whether the kernels can run on them. */
#include "cuda/cuda.h"

#include <stdio.h>
#include <string.h>

void brn_cuda_check(const brn_cuda_limits *l, char reason[static 128])
{
    brn_cuda_target target;
    reason[0] = '\0';
    if (l->capability < BRN_CUDA_CAPABILITY)
        snprintf(reason, 128, "compute capability %d.%d, needed %d.%d", l->capability / 10, l->capability % 10, BRN_CUDA_CAPABILITY / 10,
                 BRN_CUDA_CAPABILITY % 10);
    else if (brn_cuda_find_target(l, &target) != BRN_OK)
        snprintf(reason, 128, "%s", brn_last_error());
}

static brn_status ask(brn_cu_code code, const char *call)
{
    const char *name = "error";
    if (code == 0) return BRN_OK;
    brn_cu.cuGetErrorName(code, &name);
    return brn_fail(code == BRN_CU_ERROR_OUT_OF_MEMORY ? BRN_ERR_MEMORY : BRN_ERR_DEVICE, "%s failed: %s (%d)", call, name, code);
}

brn_status brn_cuda_limits_of(brn_cu_device device, brn_cuda_limits *l)
{
    int major = 0, minor = 0, pools = 0;
    *l = (brn_cuda_limits){0};
    BRN_TRY(ask(brn_cu.cuDriverGetVersion(&l->driver), "cuDriverGetVersion"));
    BRN_TRY(ask(brn_cu.cuDeviceGetName(l->name, sizeof l->name, device), "cuDeviceGetName"));
    BRN_TRY(ask(brn_cu.cuDeviceTotalMem_v2(&l->memory, device), "cuDeviceTotalMem"));
    BRN_TRY(ask(brn_cu.cuDeviceGetAttribute(&major, BRN_CU_MAJOR, device), "cuDeviceGetAttribute"));
    BRN_TRY(ask(brn_cu.cuDeviceGetAttribute(&minor, BRN_CU_MINOR, device), "cuDeviceGetAttribute"));
    BRN_TRY(ask(brn_cu.cuDeviceGetAttribute(&l->units, BRN_CU_MULTIPROCESSORS, device), "cuDeviceGetAttribute"));
    BRN_TRY(ask(brn_cu.cuDeviceGetAttribute(&l->shared, BRN_CU_SHARED_OPTIN, device), "cuDeviceGetAttribute"));
    l->capability = 10 * major + minor;
    /* a driver that does not know of pools does not know the question either */
    l->pools = brn_cu.cuMemPoolCreate && brn_cu.cuMemPoolDestroy && brn_cu.cuMemPoolSetAttribute && brn_cu.cuMemAllocFromPoolAsync &&
               brn_cu.cuMemFreeAsync && brn_cu.cuDeviceGetAttribute(&pools, BRN_CU_POOLS_SUPPORTED, device) == 0 && pools;
    return BRN_OK;
}

static brn_status describe(int index, brn_device_info *info)
{
    brn_cuda_limits l;
    brn_cu_device device;
    BRN_TRY(ask(brn_cu.cuDeviceGet(&device, index), "cuDeviceGet"));
    BRN_TRY(brn_cuda_limits_of(device, &l));
    brn_cuda_check(&l, info->reason);
    info->available = !info->reason[0];
    info->gpu = true;
    info->cores = l.units;
    info->memory = l.memory;
    snprintf(info->description, sizeof info->description, "%.50s, compute capability %d.%d, driver for CUDA %d.%d", l.name, l.capability / 10,
             l.capability % 10, l.driver / 1000, l.driver % 1000 / 10);
    return BRN_OK;
}

static brn_status count_devices(int *count)
{
    *count = 0;
    BRN_TRY(brn_cu_load());
    BRN_TRY(ask(brn_cu.cuDeviceGetCount(count), "cuDeviceGetCount"));
    return *count ? BRN_OK : brn_fail(BRN_ERR_DEVICE, "the NVIDIA driver here has no device");
}

int brn_cuda_enumerate(brn_device_info *info, int capacity)
{
    int count;
    const brn_status status = count_devices(&count);
    if (status != BRN_OK) {
        if (capacity < 1) return 1;
        info[0] = (brn_device_info){.name = "cuda:0"};
        snprintf(info[0].reason, sizeof info[0].reason, "%s", brn_last_error());
        return 1;
    }
    for (int i = 0; i < count && i < capacity; ++i) {
        info[i] = (brn_device_info){0};
        snprintf(info[i].name, sizeof info[i].name, "cuda:%d", i);
        if (describe(i, &info[i]) != BRN_OK) snprintf(info[i].reason, sizeof info[i].reason, "%s", brn_last_error());
    }
    return count;
}
