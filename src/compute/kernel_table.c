/* The kernels' properties, from their texts. */
#include "compute/backend.h"

const brn_kernel_info brn_kernel_table[BRN_KERNEL_COUNT] = {
#define KERNEL_INFO(name, wg, buffers, writes, spread) {#name, wg, buffers, writes, spread},
    BRN_KERNEL_LIST(KERNEL_INFO)
#undef KERNEL_INFO
};
