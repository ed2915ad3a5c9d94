/* The kernels' properties, from their texts. */
#include <stddef.h>
#include "compute/backend.h"

const brn_kernel_info brn_kernel_table[BRN_KERNEL_COUNT] = {
#define KERNEL_INFO(name, wg, buffers, writes, spread, sized) {#name, wg, buffers, writes, spread, (int)sized},
    BRN_KERNEL_LIST(KERNEL_INFO)
#undef KERNEL_INFO
};
