/* The driver, NVRTC and cuBLAS, loaded when first asked for and kept. */
#include "core/library.h"
#include "cuda/cuda_api.h"

#include <stdio.h>

brn_cu_functions brn_cu;

/* A library's newest form first; the versions that CUDA gave their files. */
enum { VERSIONS = 3, OLDEST = 11 };
static const char *const rtc_files[VERSIONS] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"};
static const char *const blas_files[VERSIONS] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"};

/* By name, as the linker finds it, else where toolkits are installed. */
static void *open_library(const char *file)
{
    char path[96];
    void *library = brn_library_open(file);
    if (library) return library;
    snprintf(path, sizeof path, "/usr/local/cuda/lib64/%s", file);
    return brn_library_open(path);
}

#define RESOLVE(name, arguments) \
    if (!brn_library_function(library, #name, &to->name) && !missing) missing = #name;

/* ---- the driver -------------------------------------------------------------------------------- */

static brn_loading driver = BRN_LOADING;

static brn_status load_driver(void)
{
    brn_cu_functions *to = &brn_cu;
    const char *missing = NULL, *name = "error";
    void *library = brn_library_open("libcuda.so.1");
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

brn_status brn_cu_load(void) { return brn_load_once(&driver, load_driver); }

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
