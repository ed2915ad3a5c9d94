/* The kernels' texts, for devices that compile at run time. */
#ifndef BRN_KERNEL_TEXT_H
#define BRN_KERNEL_TEXT_H

#include "core/error.h"

/** The whole source of the kernel `name` in `language` ("cl"): `defines`, the language's prelude, the common
 *  part, the kernel. To be freed by the caller. */
brn_status brn_kernel_source(char **source, const char *language, const char *defines, const char *name);

/** The same with every kernel that needs no constants, as one text: its kernels share the parts in front. */
brn_status brn_kernel_source_all(char **source, const char *language, const char *defines);

#endif
