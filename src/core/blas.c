#include "core/blas.h"
#include "core/library.h"
#include "core/threads.h"

#include <dlfcn.h>
#include <sys/mman.h>

brn_blas_functions brn_blas;

static brn_loading loading = BRN_LOADING;

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

static brn_status resolve(void *library, const char *name, void *function)
{
    if (brn_library_function(library, name, function)) return BRN_OK;
    return brn_fail(BRN_ERR_UNSUPPORTED, "the OpenBLAS found has no %s; install libopenblas0", name);
}

static brn_status load(void)
{
    BRN_TRY(check_room());
    void *library = brn_library_open("libopenblas.so.0");
    if (!library) library = brn_library_open("libopenblas.so");
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

brn_status brn_blas_load(void) { return brn_load_once(&loading, load); }
