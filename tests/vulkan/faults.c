/* Each call of the driver fails once, and each allocation: the right status, one line that names the device, the
 * checkpoint kept, nothing leaked (by LeakSanitizer, and by the validation layers in validation.sh). */
#include "walk.h"
#include <brenier/train.h>
#include "support/devices.h"
#include "vulkan/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A lost device works again, and has everything to record anew. */
static void revive(brn_device *dev)
{
    brn_vk *v = dev->impl;
    v->lost = false;
    MUST(brn_vk_finish(v));
    brn_vk_sets_reset(v);
}

Test(vulkan_faults, lost_device) { fault_walk_run(&(fault_walk){"vulkan:0", VK_ERROR_DEVICE_LOST, true, BRN_ERR_DEVICE, .revive = revive}); }
Test(vulkan_faults, out_of_device_memory) { fault_walk_run(&(fault_walk){"vulkan:0", VK_ERROR_OUT_OF_DEVICE_MEMORY, false, BRN_ERR_MEMORY, .revive = revive}); }

/* ---- every allocation -------------------------------------------------------------------------- */

static PFN_vkAllocateMemory allocate;
static long allocations_left;

static VkResult allocate_some(VkDevice device, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *callbacks, VkDeviceMemory *memory)
{
    return allocations_left-- > 0 ? allocate(device, info, callbacks, memory) : VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

/* A device that gives out memory allocations_left times more, a buffer at a time. */
static brn_device *open_scarce(const char *name)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, name, 1));
    brn_vk *v = dev->impl;
    allocate = v->fn.AllocateMemory;
    v->fn.AllocateMemory = allocate_some;
    v->block_size = 0; /* every buffer is a block of its own, and none is kept */
    return dev;
}

static brn_status train_with(brn_device *dev, const brn_settings *s, long count)
{
    allocations_left = count;
    return brn_train(dev, s, true, NULL, NULL, NULL);
}

/* One device for all: it goes on after each failure. */
Test(vulkan_faults, out_of_memory_at_every_allocation)
{
    char dir[64];
    size_t length;
    long count = 0;
    if (!test_device_is_here("vulkan:0")) return;
    test_make_dir(dir);
    brn_settings s = scenario_settings(dir, (const char *const[]){"device=vulkan:0", "train.amortizer.kind=soap", NULL});
    char *former = scenario_checkpoint(&s, &length);
    brn_device *dev = open_scarce(s.device);
    for (brn_status status; (status = train_with(dev, &s, count)) != BRN_OK; ++count) {
        cr_assert_eq(status, BRN_ERR_MEMORY, "allocation %ld: %s", count, brn_last_error());
        cr_assert(strstr(brn_last_error(), "vulkan:0: vkAllocateMemory (") && strstr(brn_last_error(), " MiB for "), "allocation %ld: \"%s\"", count, brn_last_error());
        cr_assert(scenario_checkpoint_is(&s, former, length), "allocation %ld: the checkpoint was changed", count);
    }
    fprintf(stderr, "vulkan: %ld allocations made to fail\n", count);
    cr_assert_gt(count, 40);
    brn_device_close(dev);
    free(former);
    test_remove_dir(dir);
}
