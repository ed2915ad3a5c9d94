/* Results of the driver in words. */
#include "common/inject.h"
#include "vulkan/vk.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static const char *words(VkResult result)
{
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY: return "out of host memory";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: return "out of device memory";
    case VK_ERROR_INITIALIZATION_FAILED: return "initialization failed";
    case VK_ERROR_DEVICE_LOST: return "the device is lost";
    case VK_ERROR_MEMORY_MAP_FAILED: return "memory cannot be mapped";
    case VK_ERROR_LAYER_NOT_PRESENT: return "a layer named in VK_INSTANCE_LAYERS is missing";
    case VK_ERROR_EXTENSION_NOT_PRESENT: return "an extension is missing";
    case VK_ERROR_INCOMPATIBLE_DRIVER: return "no driver for Vulkan was found; install your GPU's, or mesa-vulkan-drivers for the processor";
    case VK_ERROR_TOO_MANY_OBJECTS: return "too many objects";
    case VK_ERROR_OUT_OF_POOL_MEMORY: return "out of pool memory";
    default: return "failed";
    }
}

brn_status brn_vk_result(brn_vk *v, const char *call, VkResult result, const char *format, ...)
{
    if (result >= 0) return BRN_OK;
    char about[128];
    va_list args;
    va_start(args, format);
    vsnprintf(about, sizeof about, format, args);
    va_end(args);
    if (result == VK_ERROR_DEVICE_LOST) v->lost = true;
    const bool memory = result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY;
    return brn_fail(memory ? BRN_ERR_MEMORY : BRN_ERR_DEVICE, "%s: %s (%s): %s (VkResult %d)", v->name, call, about, words(result), (int)result);
}

static _Atomic long skip_at; /* counts down; 0 = never */

void brn_vk_skip_barrier(long n) { atomic_store(&skip_at, n); }

bool brn_vk_barrier_skipped(void) { return atomic_load_explicit(&skip_at, memory_order_relaxed) > 0 && atomic_fetch_sub(&skip_at, 1) == 1; }

/* A lost device stays lost. */
VkResult brn_vk_injected(brn_vk *v) { return v->lost ? VK_ERROR_DEVICE_LOST : (VkResult)brn_injected(); }
