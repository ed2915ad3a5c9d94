/* Calls of the driver fail one after the other in a short training: the right status, one line that names the
 * device and the call, nothing leaked (by LeakSanitizer, and by the validation layers in validation.sh). */
#include "scenario.h"
#include <brenier/train.h>
#include "support/devices.h"
#include "vulkan/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a sanitizer build only: leaks since the process began. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

/* Run with call k failing; false if there is no such call. */
static bool fail_call(const brn_settings *s, long k, VkResult result, brn_status expected)
{
    brn_vk_fail_at(k, result);
    const brn_status status = scenario_run(s, 1);
    const bool reached = !brn_vk_fail_pending();
    brn_vk_fail_at(0, 0);
    cr_assert(reached || status == BRN_OK, "call %ld: %s", k, brn_status_name(status));
    if (status == BRN_OK) return reached; /* the memory plan does without a list of devices that cannot be made */
    cr_assert_eq(status, expected, "call %ld: %s: %s", k, brn_status_name(status), brn_last_error());
    cr_assert(strstr(brn_last_error(), "vulkan:0: vk"), "call %ld: \"%s\"", k, brn_last_error());
    return true;
}

/* Every call of the opening where `share` is large, then fewer and fewer of the thousands that follow. */
static void walk(VkResult result, brn_status expected, long share, int least)
{
    const brn_settings s = scenario_settings("", (const char *const[]){"device=vulkan:0", "train.steps=2", "train.eval_every=2", NULL});
    if (!test_device_is_here("vulkan:0")) return;
    MUST(scenario_run(&s, 1));
    int calls = 0;
    for (long k = 1; fail_call(&s, k, result, expected); k += 1 + k / share) ++calls;
    fprintf(stderr, "vulkan: %d calls made to fail\n", calls);
    cr_assert_gt(calls, least);
    if (__lsan_do_recoverable_leak_check) cr_assert_eq(__lsan_do_recoverable_leak_check(), 0, "memory was leaked");
}

Test(vulkan_faults, lost_device) { walk(VK_ERROR_DEVICE_LOST, BRN_ERR_DEVICE, 6, 25); }
Test(vulkan_faults, out_of_device_memory) { walk(VK_ERROR_OUT_OF_DEVICE_MEMORY, BRN_ERR_MEMORY, 2, 8); }

/* What a training has written stays whole when the device goes. */
Test(vulkan_faults, the_last_checkpoint_is_kept)
{
    char dir[64];
    size_t length;
    if (!test_device_is_here("vulkan:0")) return;
    test_make_dir(dir);
    brn_settings s = scenario_settings(dir, (const char *const[]){"device=vulkan:0", NULL});
    char *former = scenario_checkpoint(&s, &length);
    brn_vk_fail_at(150, VK_ERROR_DEVICE_LOST);
    MUST_FAIL(scenario_run(&s, 1), BRN_ERR_DEVICE, "the device is lost");
    brn_vk_fail_at(0, 0);
    cr_assert(scenario_checkpoint_is(&s, former, length), "the checkpoint was changed");
    MUST(scenario_run(&s, 1));
    free(former);
    test_remove_dir(dir);
}

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
    brn_settings s = scenario_settings(dir, (const char *const[]){"device=vulkan:0", NULL});
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
