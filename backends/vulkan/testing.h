/* Test hooks of the Vulkan backend; they concern the whole process. */
#ifndef BRN_VULKAN_TESTING_H
#define BRN_VULKAN_TESTING_H

#include <stdbool.h>

/** The n-th call of the driver from now that can fail gives `result` (a VkResult) instead; 0 = none does. */
void brn_vk_fail_at(long n, int result);
/** Whether that call is still to come. */
bool brn_vk_fail_pending(void);
/** The n-th barrier from now is left out; 0 = none is. */
void brn_vk_skip_barrier(long n);

#endif
