/* The loader, an instance, and what devices there are. */
#include "core/memory.h"
#include "vulkan/vk.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static brn_status load_global(brn_vk *v, PFN_vkGetInstanceProcAddr *get)
{
    v->library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!v->library) return brn_fail(BRN_ERR_DEVICE, "%s: the Vulkan loader is missing (%s); install libvulkan1 and a driver", v->name, dlerror());
    void *symbol = dlsym(v->library, "vkGetInstanceProcAddr");
    if (!symbol) return brn_fail(BRN_ERR_DEVICE, "%s: libvulkan.so.1 has no vkGetInstanceProcAddr", v->name);
    memcpy(get, &symbol, sizeof symbol);
#define LOAD(entry)                                                                                           \
    v->fn.entry = (PFN_vk##entry)(*get)(v->instance, "vk" #entry);                                              \
    if (!v->fn.entry) return brn_fail(BRN_ERR_DEVICE, "%s: the Vulkan loader has no vk" #entry "; Vulkan 1.1 is needed", v->name);
    BRN_VK_GLOBAL_LIST(LOAD)
    return BRN_OK;
}

brn_status brn_vk_instance_open(brn_vk *v, const char *name)
{
    PFN_vkGetInstanceProcAddr get = NULL;
    uint32_t version;
    snprintf(v->name, sizeof v->name, "%s", name);
    BRN_TRY(load_global(v, &get));
    BRN_TRY(BRN_VK(v, EnumerateInstanceVersion, (&version), "version"));
    if (version < VK_API_VERSION_1_1)
        return brn_fail(BRN_ERR_DEVICE, "%s: the loader knows Vulkan %u.%u; 1.1 is needed", name, VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
    const VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pApplicationName = "brenier", .apiVersion = VK_API_VERSION_1_1};
    const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
    BRN_TRY(BRN_VK(v, CreateInstance, (&info, NULL, &v->instance), "Vulkan 1.1"));
    BRN_VK_INSTANCE_LIST(LOAD)
    return BRN_OK;
}

void brn_vk_instance_close(brn_vk *v)
{
    if (v->instance && v->fn.DestroyInstance) v->fn.DestroyInstance(v->instance, NULL);
    if (v->library) dlclose(v->library);
    v->instance = NULL;
    v->library = NULL;
}

brn_status brn_vk_physical(brn_vk *v, VkPhysicalDevice **list, int *count)
{
    uint32_t n = 0;
    *list = NULL;
    *count = 0;
    BRN_TRY(BRN_VK(v, EnumeratePhysicalDevices, (v->instance, &n, NULL), "number of devices"));
    BRN_TRY(BRN_ALLOC(list, n, "devices"));
    brn_status status = BRN_VK(v, EnumeratePhysicalDevices, (v->instance, &n, *list), "%u devices", n);
    if (status != BRN_OK) {
        free(*list);
        *list = NULL;
        return status;
    }
    *count = (int)n;
    return BRN_OK;
}

int brn_vk_family(const brn_vk *v, VkPhysicalDevice physical)
{
    enum { MOST = 32 };
    VkQueueFamilyProperties families[MOST];
    uint32_t n;
    v->fn.GetPhysicalDeviceQueueFamilyProperties(physical, &n, NULL);
    if (n > MOST) n = MOST;
    v->fn.GetPhysicalDeviceQueueFamilyProperties(physical, &n, families);
    for (uint32_t i = 0; i < n; ++i)
        if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) return (int)i;
    return -1;
}

bool brn_vk_lacks(const VkPhysicalDeviceProperties *p, char text[static 128])
{
    enum { WORK_GROUP = 256, SHARED = 32 << 10 };
    const VkPhysicalDeviceLimits *l = &p->limits;
    uint32_t widest = 0;
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k)
        if ((uint32_t)brn_kernel_table[k].buffers > widest) widest = (uint32_t)brn_kernel_table[k].buffers;
    const struct {
        const char *name;
        uint64_t has, needs;
    } limits[] = {
        {"maxComputeWorkGroupInvocations", l->maxComputeWorkGroupInvocations, WORK_GROUP},
        {"maxComputeWorkGroupSize[0]", l->maxComputeWorkGroupSize[0], WORK_GROUP},
        {"maxComputeSharedMemorySize", l->maxComputeSharedMemorySize, SHARED},
        {"maxDescriptorSetUniformBuffersDynamic", l->maxDescriptorSetUniformBuffersDynamic, 1},
        {"maxPerStageDescriptorStorageBuffers", l->maxPerStageDescriptorStorageBuffers, widest},
        {"maxDescriptorSetStorageBuffers", l->maxDescriptorSetStorageBuffers, widest},
    };
    if (p->apiVersion < VK_API_VERSION_1_1) {
        snprintf(text, 128, "Vulkan %u.%u; 1.1 is needed", VK_API_VERSION_MAJOR(p->apiVersion), VK_API_VERSION_MINOR(p->apiVersion));
        return true;
    }
    for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i)
        if (limits[i].has < limits[i].needs) {
            snprintf(text, 128, "limit %s is %llu; %llu is needed", limits[i].name, (unsigned long long)limits[i].has, (unsigned long long)limits[i].needs);
            return true;
        }
    if (!brn_vk_module_count) snprintf(text, 128, "this build has no kernels for Vulkan: glslc was missing");
    return !brn_vk_module_count;
}
