/* Calls of the driver fail one after the other in a short training: the right status, one line that names the
 * device and the call, nothing leaked (by LeakSanitizer, and by the validation layers in validation.sh). */
#include "scenario.h"
#include "support/devices.h"
#include "vulkan/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a sanitizer build only: leaks since the process began. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

static bool here(void)
{
    char names[TEST_DEVICES_MOST][64];
    for (int i = test_device_names(names) - 1; i >= 0; --i)
        if (!strcmp(names[i], "vulkan:0")) return true;
    fprintf(stderr, "skipped: vulkan_faults (no Vulkan device)\n");
    return false;
}

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
    if (!here()) return;
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
    size_t length, still;
    if (!here()) return;
    test_make_dir(dir);
    brn_settings s = scenario_settings(dir, (const char *const[]){"device=vulkan:0", NULL});
    MUST_FAIL(scenario_run_half(&s), BRN_ERR_STOPPED, "step 2");
    char *former = scenario_read(dir, "latest.safetensors", &length);
    brn_vk_fail_at(150, VK_ERROR_DEVICE_LOST);
    MUST_FAIL(scenario_run(&s, 1), BRN_ERR_DEVICE, "the device is lost");
    brn_vk_fail_at(0, 0);
    char *now = scenario_read(dir, "latest.safetensors", &still);
    cr_assert(still == length && !memcmp(former, now, length), "the checkpoint was changed");
    MUST(scenario_run(&s, 1));
    free(former), free(now);
    test_remove_dir(dir);
}
