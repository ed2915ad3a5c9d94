#include "host.h"

#include <stdlib.h>
#include <string.h>

/* BRENIER_HOST_ISA=plain|avx2|avx512 picks a lower instruction set than the machine's best, so that one
 * machine can test them all. An unknown or unsupported name is ignored in favour of the best. */
const brn_host_engine *brn_host_best_engine(void)
{
    const char *wanted = getenv("BRENIER_HOST_ISA");
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    if (wanted && !strcmp(wanted, "plain")) return &brn_host_engine_plain;
    if (wanted && !strcmp(wanted, "avx2") && avx2) return &brn_host_engine_avx2;
    if (avx512) return &brn_host_engine_avx512;
    if (avx2) return &brn_host_engine_avx2;
#else
    (void)wanted;
#endif
    return &brn_host_engine_plain;
}
