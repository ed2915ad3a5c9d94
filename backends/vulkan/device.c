/* The table, and opening a device. */
#include "core/memory.h"
#include "vulkan/vk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_of(const VkPhysicalDeviceProperties *p)
{
    switch (p->deviceType) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return "software";
    default: return "other";
    }
}

static bool is_gpu(const VkPhysicalDeviceProperties *p)
{
    return p->deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU || p->deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ||
           p->deviceType == VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU;
}

/* The largest heap of the device's own memory. */
static uint64_t memory_of(const VkPhysicalDeviceMemoryProperties *m)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < m->memoryHeapCount; ++i)
        if ((m->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) && m->memoryHeaps[i].size > most) most = m->memoryHeaps[i].size;
    return most;
}

static void describe(const brn_vk *v, VkPhysicalDevice physical, int index, brn_device_info *info)
{
    VkPhysicalDeviceProperties p;
    VkPhysicalDeviceMemoryProperties memory;
    v->fn.GetPhysicalDeviceProperties(physical, &p);
    v->fn.GetPhysicalDeviceMemoryProperties(physical, &memory);
    *info = (brn_device_info){.gpu = is_gpu(&p), .memory = memory_of(&memory)};
    snprintf(info->name, sizeof info->name, "vulkan:%d", index);
    snprintf(info->description, sizeof info->description, "%.40s, %s, Vulkan %u.%u, work-groups of %u, %u KiB shared", p.deviceName, kind_of(&p),
             VK_API_VERSION_MAJOR(p.apiVersion), VK_API_VERSION_MINOR(p.apiVersion), p.limits.maxComputeWorkGroupInvocations,
             p.limits.maxComputeSharedMemorySize >> 10);
    if (brn_vk_lacks(&p, info->reason)) return;
    if (brn_vk_family(v, physical) < 0) snprintf(info->reason, sizeof info->reason, "no queue that computes");
    info->available = !*info->reason;
}

static int enumerate(brn_device_info *info, int capacity)
{
    brn_vk v = {0};
    VkPhysicalDevice *list = NULL;
    int count = 0;
    brn_status status = brn_vk_instance_open(&v, "vulkan");
    if (status == BRN_OK) status = brn_vk_physical(&v, &list, &count);
    if (status == BRN_OK && !count) status = brn_fail(BRN_ERR_DEVICE, "no driver offers a device");
    for (int i = 0; i < count && i < capacity; ++i) describe(&v, list[i], i, &info[i]);
    free(list);
    brn_vk_instance_close(&v);
    if (status == BRN_OK) return count;
    if (capacity) {
        *info = (brn_device_info){.name = "vulkan:0"};
        snprintf(info->reason, sizeof info->reason, "%s", brn_last_error());
    }
    return 1;
}

static void vulkan_close(brn_device *dev)
{
    brn_vk *v = dev->impl;
    if (!v) return;
    if (v->device) {
        v->fn.DeviceWaitIdle(v->device);
        brn_vk_timer_close(v);
        brn_vk_gemm_close(v);
        brn_vk_kernels_close(v);
        brn_vk_record_close(v);
        brn_vk_memory_close(v);
        v->fn.DestroyDevice(v->device, NULL);
    }
    brn_vk_instance_close(v);
    free(dev->queues);
    free(v);
    dev->impl = NULL;
}

static brn_status choose_physical(brn_vk *v, int index)
{
    VkPhysicalDevice *list;
    int count;
    char lacks[128];
    BRN_TRY(brn_vk_physical(v, &list, &count));
    if (index < count) v->physical = list[index];
    free(list);
    if (index >= count) return brn_fail(BRN_ERR_DEVICE, "%s: there is no such device; Vulkan has %d here", v->name, count);
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceProperties2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &subgroup};
    v->fn.GetPhysicalDeviceProperties(v->physical, &v->properties);
    if (brn_vk_lacks(&v->properties, lacks)) return brn_fail(BRN_ERR_DEVICE, "%s (%s): %s", v->name, v->properties.deviceName, lacks);
    v->fn.GetPhysicalDeviceProperties2(v->physical, &all);
    v->subgroup = subgroup.subgroupSize;
    v->fn.GetPhysicalDeviceMemoryProperties(v->physical, &v->memory);
    return BRN_OK;
}

static brn_status create_device(brn_vk *v)
{
    const int family = brn_vk_family(v, v->physical);
    if (family < 0) return brn_fail(BRN_ERR_DEVICE, "%s (%s): no queue that computes", v->name, v->properties.deviceName);
    v->family = (uint32_t)family;
    const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueFamilyIndex = v->family, .queueCount = 1,
                                           .pQueuePriorities = (const float[]){1}};
    const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &queue};
    VkDevice device;
    BRN_TRY(BRN_VK(v, CreateDevice, (v->physical, &info, NULL, &device), "%s", v->properties.deviceName));
#define LOAD(name) v->fn.name = (PFN_vk##name)v->fn.GetDeviceProcAddr(device, "vk" #name);
    BRN_VK_DEVICE_LIST(LOAD)
#undef LOAD
    v->device = device;
    v->fn.GetDeviceQueue(device, v->family, 0, &v->queue);
    return BRN_OK;
}

static brn_status open_parts(brn_device *dev, brn_vk *v, int index)
{
    BRN_TRY(brn_vk_instance_open(v, dev->name));
    BRN_TRY(choose_physical(v, index));
    dev->memory = memory_of(&v->memory);
    BRN_TRY(create_device(v));
    BRN_TRY(brn_vk_memory_open(v));
    BRN_TRY(brn_vk_record_open(v));
    BRN_TRY(brn_vk_kernels_open(v));
    BRN_TRY(brn_vk_gemm_open(v));
    BRN_TRY(BRN_ALLOC(&dev->queues, 1, "queue"));
    dev->queues[0] = (brn_queue){.dev = dev};
    dev->queue_count = 1;
    return BRN_OK;
}

static brn_status vulkan_open(brn_device *dev, const char *spec, int threads)
{
    (void)threads;
    char *end;
    errno = 0;
    const long index = *spec ? strtol(spec, &end, 10) : 0;
    if (*spec && (*end || spec[0] < '0' || spec[0] > '9' || errno || index > 1000))
        return brn_fail(BRN_ERR_DEVICE, "device \"%s\" is not known; Vulkan devices are vulkan:0, vulkan:1, ...", dev->name);
    snprintf(dev->name, sizeof dev->name, "vulkan:%ld", index);
    brn_vk *v;
    BRN_TRY(BRN_ALLOC(&v, 1, "device"));
    dev->impl = v;
    v->dev = dev;
    dev->real_size = sizeof(float);
    dev->tile_rows = 1 << 20; /* a batch is one tile */
    const brn_status status = open_parts(dev, v, (int)index);
    if (status != BRN_OK) vulkan_close(dev);
    return status;
}

/* One queue: items one after another. */
static brn_status vulkan_parallel(brn_device *dev, int count, brn_item_fn fn, void *context)
{
    for (int i = 0; i < count; ++i) BRN_TRY(fn(context, &dev->queues[0], i));
    return BRN_OK;
}

static brn_status flush(brn_queue *q) { return brn_vk_submit(brn_vk_of(q)); }

const brn_backend brn_backend_vulkan = {
    .abi = BRN_BACKEND_ABI, .name = "vulkan", .hint = "install libvulkan1 and a driver",
    .enumerate = enumerate, .open = vulkan_open, .close = vulkan_close,
    .alloc = brn_vk_alloc, .release = brn_vk_release, .write = brn_vk_write, .read = brn_vk_read, .copy = brn_vk_copy, .zero = brn_vk_zero,
    .parallel = vulkan_parallel, .launch = brn_vk_launch, .gemm = brn_vk_gemm, .flush = flush,
    .timer_start = brn_vk_timer_start, .timer_stop = brn_vk_timer_stop,
};
