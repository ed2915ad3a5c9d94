/* Names, limits and what is said where something is missing. */
#include "support/devices.h"
#include "vulkan/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static VkPhysicalDeviceProperties good(void)
{
    VkPhysicalDeviceProperties p = {.apiVersion = VK_API_VERSION_1_1};
    p.limits = (VkPhysicalDeviceLimits){.maxComputeWorkGroupInvocations = 256, .maxComputeWorkGroupSize = {256, 1, 1}, .maxComputeSharedMemorySize = 32 << 10,
                                        .maxDescriptorSetUniformBuffersDynamic = 8, .maxPerStageDescriptorStorageBuffers = 12, .maxDescriptorSetStorageBuffers = 12};
    return p;
}

static void refused(const VkPhysicalDeviceProperties *p, const char *part)
{
    char text[128];
    cr_assert(brn_vk_lacks(p, text), "%s was accepted", part);
    cr_expect(strstr(text, part), "\"%s\" lacks \"%s\"", text, part);
}

Test(vulkan, limits_are_named)
{
    char text[128];
    VkPhysicalDeviceProperties p = good();
    cr_assert(!brn_vk_module_count || !brn_vk_lacks(&p, text), "%s", text);
    p = good(), p.apiVersion = VK_MAKE_API_VERSION(0, 1, 0, 9), refused(&p, "Vulkan 1.0; 1.1 is needed");
    p = good(), p.limits.maxComputeWorkGroupInvocations = 128, refused(&p, "maxComputeWorkGroupInvocations is 128; 256 is needed");
    p = good(), p.limits.maxComputeWorkGroupSize[0] = 64, refused(&p, "maxComputeWorkGroupSize[0] is 64; 256 is needed");
    p = good(), p.limits.maxComputeSharedMemorySize = 16384, refused(&p, "maxComputeSharedMemorySize is 16384; 32768 is needed");
    p = good(), p.limits.maxDescriptorSetUniformBuffersDynamic = 0, refused(&p, "maxDescriptorSetUniformBuffersDynamic is 0; 1 is needed");
    p = good(), p.limits.maxPerStageDescriptorStorageBuffers = 4, refused(&p, "maxPerStageDescriptorStorageBuffers is 4; 8 is needed");
    p = good(), p.limits.maxDescriptorSetStorageBuffers = 4, refused(&p, "maxDescriptorSetStorageBuffers is 4; 8 is needed");
}

static brn_device_info listed(void)
{
    brn_device_info info[TEST_DEVICES_MOST], found = {0};
    int count;
    MUST(brn_device_list(info, TEST_DEVICES_MOST, &count));
    for (int i = 0; i < count; ++i)
        if (!strcmp(info[i].name, "vulkan:0")) found = info[i];
    cr_assert_str_eq(found.name, "vulkan:0");
    return found;
}

Test(vulkan, the_list_says_what_there_is)
{
    const brn_device_info info = listed();
    if (!info.available) {
        fprintf(stderr, "skipped: vulkan_device (%s)\n", info.reason);
        return;
    }
    cr_expect(*info.description && info.memory > 0);
    if (strstr(info.description, "llvmpipe")) cr_expect(!info.gpu && strstr(info.description, "software"));
}

Test(vulkan, unknown_devices)
{
    brn_device *dev;
    MUST_FAIL(brn_device_open(&dev, "vulkan:first", 1), BRN_ERR_DEVICE, "vulkan:0");
    MUST_FAIL(brn_device_open(&dev, "vulkan:-1", 1), BRN_ERR_DEVICE, "vulkan:-1");
    MUST_FAIL(brn_device_open(&dev, "vulkan:99999999999999999999", 1), BRN_ERR_DEVICE, "not known");
    if (!listed().available) return;
    MUST_FAIL(brn_device_open(&dev, "vulkan:31", 1), BRN_ERR_DEVICE, "vulkan:31: there is no such device; Vulkan has");
    MUST(brn_device_open(&dev, "vulkan", 1));
    cr_expect_str_eq(brn_device_name(dev), "vulkan:0");
    brn_device_close(dev);
    setenv("BRENIER_VULKAN_GEMM", "fast", 1);
    MUST_FAIL(brn_device_open(&dev, "vulkan:0", 1), BRN_ERR_USAGE, "it is one of simple, small");
}

/* The loader's own variables decide which drivers there are. */
Test(vulkan, no_driver)
{
    brn_device *dev;
    setenv("VK_ICD_FILENAMES", "/nonexistent.json", 1);
    setenv("VK_DRIVER_FILES", "/nonexistent.json", 1);
    const brn_device_info info = listed();
    cr_assert(!info.available && *info.reason);
    MUST_FAIL(brn_device_open(&dev, "vulkan:0", 1), BRN_ERR_DEVICE, "vulkan:0: ");
}

Test(vulkan, a_buffer_beyond_the_limits)
{
    brn_device *dev;
    brn_buf *buf;
    if (!listed().available) return;
    MUST(brn_device_open(&dev, "vulkan:0", 1));
    const size_t most = ((const brn_vk *)dev->impl)->properties.limits.maxStorageBufferRange;
    MUST_FAIL(brn_buf_create(&buf, dev, BRN_REAL, most / 4 + 1, "rows"), BRN_ERR_MEMORY, "rows: ");
    MUST_FAIL(brn_buf_create(&buf, dev, BRN_REAL, SIZE_MAX / 4, "rows"), BRN_ERR_MEMORY, "rows: ");
    MUST_FAIL(brn_buf_create(&buf, dev, BRN_REAL, SIZE_MAX / 2, "rows"), BRN_ERR_MEMORY, "rows: ");
    brn_device_close(dev);
}
