/* In place of the backend where Vulkan's headers were missing. */
#include "compute/backend.h"

#include <stdio.h>

static const char reason[] = "this build was made without Vulkan's headers (libvulkan-dev)";

static int enumerate(brn_device_info *info, int capacity)
{
    if (capacity) {
        *info = (brn_device_info){.name = "vulkan:0"};
        snprintf(info->reason, sizeof info->reason, "%s", reason);
    }
    return 1;
}

static brn_status vulkan_open(brn_device *dev, const char *spec, int threads)
{
    (void)spec, (void)threads;
    return brn_fail(BRN_ERR_DEVICE, "%s: %s", dev->name, reason);
}

const brn_backend brn_backend_vulkan = {.abi = BRN_BACKEND_ABI, .name = "vulkan", .hint = "install libvulkan-dev and build again",
                                        .enumerate = enumerate, .open = vulkan_open};
