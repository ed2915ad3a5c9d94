/* Our own declarations against the Khronos headers: a constant that differs is a redefinition, which the
 * compiler refuses, and so it does with a function of another type. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "opencl/cl_api.h"
#include "support/support.h"

#define SAME(result, name, arguments)                                                                        \
    _Static_assert(__builtin_types_compatible_p(__typeof__(brn_cl.name), __typeof__(&name)), #name);
BRN_CL_LIST(SAME)

Test(opencl, declarations_are_those_of_the_headers) { cr_expect_eq(sizeof(cl_int), 4); }
