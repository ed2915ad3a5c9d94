/* Reaching into the stand-in, where it is what the backend runs on. */
#ifndef BRN_TESTS_CUDA_HOOKS_H
#define BRN_TESTS_CUDA_HOOKS_H

#include "cuda/cuda.h"
#include "standin/standin.h"
#include "support/devices.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* The functions of standin/standin.h that are for tests. */
typedef struct standin_hooks {
    void (*fail_at)(long n, brn_cu_code code, bool sticky);
    bool (*fail_pending)(void);
    int (*live)(void);
    void (*count)(cuda_standin_counts *);
    void (*watch)(cuda_standin_watcher *);
} standin_hooks;

/** False, with a line that names the test, where there is no CUDA device or a real one. */
static inline bool standin_find(standin_hooks *h, const char *test)
{
    static const char *const names[] = {"cuda_standin_fail_at", "cuda_standin_fail_pending", "cuda_standin_live", "cuda_standin_count",
                                        "cuda_standin_watch"};
    void *library = dlopen("libcuda.so.1", RTLD_NOW), *found[5] = {0};
    for (int i = 0; library && i < 5; ++i) found[i] = dlsym(library, names[i]);
    if (!found[0]) {
        fprintf(stderr, "skipped: %s (the CUDA stand-in is not on the library path)\n", test);
        return false;
    }
    memcpy(h, found, sizeof found);
    return true;
}

static inline cuda_standin_counts standin_counted(const standin_hooks *h)
{
    cuda_standin_counts counts;
    h->count(&counts);
    return counts;
}

static inline bool cuda_here(const char *test)
{
    brn_device_info info[TEST_DEVICES_MOST];
    if (brn_cuda_enumerate(info, TEST_DEVICES_MOST) > 0 && info[0].available) return true;
    fprintf(stderr, "skipped: %s (%s)\n", test, info[0].reason);
    return false;
}

#endif
