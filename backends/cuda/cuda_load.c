/* The driver, NVRTC and cuBLAS, loaded when first asked for and kept. */
#include "cuda/cuda_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

brn_cu_functions brn_cu;

/* A library's newest form first; the versions that CUDA gave their files. */
enum { VERSIONS = 3, OLDEST = 11 };
static const char *const rtc_files[VERSIONS] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"};
static const char *const blas_files[VERSIONS] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"};

/* By name, as the linker finds it, else where toolkits are installed. */
static void *open_library(const char *file)
{
    char path[96];
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library) return library;
    snprintf(path, sizeof path, "/usr/local/cuda/lib64/%s", file);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

#define RESOLVE(name, arguments)                                                                             \
    {                                                                                                        \
        void *found = dlsym(library, #name);                                                                 \
        memcpy(&to->name, &found, sizeof found);                                                             \
        if (!found && !missing) missing = #name;                                                             \
    }

/* ---- the driver -------------------------------------------------------------------------------- */

static pthread_once_t driver_once = PTHREAD_ONCE_INIT;
static brn_status driver_status;
static char driver_text[256]; /* why, for calls that come later */

static brn_status load_driver(void)
{
    brn_cu_functions *to = &brn_cu;
    const char *missing = NULL, *name = "error";
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return brn_fail(BRN_ERR_DEVICE, "no NVIDIA driver (libcuda.so.1)");
    BRN_CU_LIST(RESOLVE)
    if (missing) return brn_fail(BRN_ERR_DEVICE, "the NVIDIA driver lacks %s: one for CUDA 11.8 or newer is needed", missing);
    BRN_CU_POOL_LIST(RESOLVE) /* these may be missing */
    BRN_CU_GRAPH_LIST(RESOLVE)
    BRN_CU_CONDITIONAL_LIST(RESOLVE)
    const brn_cu_code code = brn_cu.cuInit(0);
    if (code == 0) return BRN_OK;
    brn_cu.cuGetErrorName(code, &name);
    return brn_fail(BRN_ERR_DEVICE, "the NVIDIA driver cannot be used: cuInit failed: %s (%d)", name, code);
}

static void load_driver_once(void)
{
    driver_status = load_driver();
    if (driver_status != BRN_OK) snprintf(driver_text, sizeof driver_text, "%s", brn_last_error());
}

brn_status brn_cu_load(void)
{
    pthread_once(&driver_once, load_driver_once);
    return driver_status == BRN_OK ? BRN_OK : brn_fail_copy(driver_status, driver_text);
}

/* ---- the compiler ------------------------------------------------------------------------------ */

static pthread_once_t rtc_once = PTHREAD_ONCE_INIT;
static brn_rtc_functions rtcs[BRN_RTC_MOST];
static int rtc_count;

static bool load_rtc(brn_rtc_functions *to, const char *file)
{
    const char *missing = NULL;
    void *library = open_library(file);
    if (!library) return false;
    BRN_RTC_LIST(RESOLVE)
    return !missing && to->nvrtcVersion(&to->major, &to->minor) == 0;
}

static void load_rtcs(void)
{
    for (int v = 0; v < VERSIONS; ++v) rtc_count += load_rtc(&rtcs[rtc_count], rtc_files[v]);
}

int brn_rtc_load(const brn_rtc_functions **list)
{
    pthread_once(&rtc_once, load_rtcs);
    *list = rtcs;
    return rtc_count;
}

/* ---- products ---------------------------------------------------------------------------------- */

static pthread_mutex_t blas_lock = PTHREAD_MUTEX_INITIALIZER;
static brn_cublas_functions blas[VERSIONS];
static enum { UNKNOWN, ABSENT, PRESENT } blas_state[VERSIONS];

static bool load_blas(brn_cublas_functions *to, const char *file)
{
    const char *missing = NULL;
    void *library = open_library(file);
    if (!library) return false;
    BRN_BLAS_LIST(RESOLVE)
    BRN_BLAS_ROUNDING_LIST(RESOLVE)
    return !missing;
}

const brn_cublas_functions *brn_cublas_load(int most)
{
    const brn_cublas_functions *found = NULL;
    pthread_mutex_lock(&blas_lock);
    for (int v = 0; v < VERSIONS && !found; ++v) {
        if (OLDEST + VERSIONS - 1 - v > most) continue;
        if (blas_state[v] == UNKNOWN) blas_state[v] = load_blas(&blas[v], blas_files[v]) ? PRESENT : ABSENT;
        if (blas_state[v] == PRESENT) found = &blas[v];
    }
    pthread_mutex_unlock(&blas_lock);
    return found;
}
