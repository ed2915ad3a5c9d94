/* Test hook of the Vulkan backend beside common/inject.h; it concerns the whole process. */
#ifndef BRN_VULKAN_TESTING_H
#define BRN_VULKAN_TESTING_H

/** The n-th barrier from now is left out; 0 = none is. */
void brn_vk_skip_barrier(long n);

#endif
