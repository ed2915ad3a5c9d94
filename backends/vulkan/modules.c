/* The kernels as SPIR-V, embedded. */
#include "vulkan/vk.h"

#include "spirv_modules.inc"

#include <string.h>

/* The last entry keeps the list from being empty where glslc was missing. */
const brn_vk_module brn_vk_modules[] = {BRN_SPIRV_MODULES{NULL, NULL, 0}};
const int brn_vk_module_count = (int)(sizeof brn_vk_modules / sizeof *brn_vk_modules) - 1;

int brn_vk_find_module(const char *name)
{
    for (int m = 0; m < brn_vk_module_count; ++m)
        if (!strcmp(brn_vk_modules[m].name, name)) return m;
    return -1;
}

const brn_vk_tile brn_vk_tiles[] = {
#define TILE(name, bm, bn, bk, tm, tn) {#name, bm, bn, (bm / tm) * (bn / tn), tm * tn, 4 * bk * (bm + bn + 2)},
    BRN_SPIRV_TILES(TILE)
#undef TILE
};
const int brn_vk_tile_count = sizeof brn_vk_tiles / sizeof *brn_vk_tiles;
