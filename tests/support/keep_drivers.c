/* For sanitizer builds, tests and command. Mesa's software driver frees the last of its memory when the process
 * ends, but the Vulkan loader unloads it before: LeakSanitizer would report addresses of an unknown module,
 * which no suppression can name. Held loaded, the memory is still in use. */
#include <dlfcn.h>

__attribute__((constructor)) static void keep(void) { dlopen("libvulkan_lvp.so", RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE); }
