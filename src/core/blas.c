#include "core/blas.h"
#include "core/threads.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

brn_blas_functions brn_blas;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static brn_status load_status;
static char load_text[512]; /* why, for threads that come later */

/* OpenBLAS takes 128 MiB of addresses for each thread, its own included, and where a limit leaves no room it tries
 * again for ever: look first. */
static brn_status check_room(void)
{
    const size_t need = ((size_t)brn_core_count() * 2 + 1) * ((size_t)136 << 20);
    void *room = mmap(NULL, need, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return brn_fail(BRN_ERR_MEMORY, "the host BLAS needs %zu MiB of address space; raise the limit (ulimit -v)", need >> 20);
    munmap(room, need);
    return BRN_OK;
}

static brn_status resolve(void *library, const char *name, void *pointer)
{
    void *found = dlsym(library, name);
    if (!found) return brn_fail(BRN_ERR_UNSUPPORTED, "the OpenBLAS found has no %s; install libopenblas0", name);
    memcpy(pointer, &found, sizeof found);
    return BRN_OK;
}

static brn_status load(void)
{
    BRN_TRY(check_room());
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) library = dlopen("libopenblas.so", RTLD_NOW | RTLD_LOCAL);
    if (!library) return brn_fail(BRN_ERR_UNSUPPORTED, "OpenBLAS is missing (%s); install libopenblas0", dlerror());
    BRN_TRY(resolve(library, "cblas_dgemm", &brn_blas.dgemm));
#define RESOLVE_LAPACK(name, arguments) BRN_TRY(resolve(library, #name "_", &brn_blas.name));
    BRN_LAPACK_LIST(RESOLVE_LAPACK, s, float)
    BRN_LAPACK_LIST(RESOLVE_LAPACK, d, double)
#undef RESOLVE_LAPACK
    void (*set_threads)(int) = NULL;
    BRN_TRY(resolve(library, "openblas_set_num_threads", &set_threads));
    set_threads(1);
    return BRN_OK;
}

static void load_once(void)
{
    load_status = load();
    if (load_status != BRN_OK) snprintf(load_text, sizeof load_text, "%s", brn_last_error());
}

brn_status brn_blas_load(void)
{
    pthread_once(&once, load_once);
    return load_status == BRN_OK ? BRN_OK : brn_fail_copy(load_status, load_text);
}
