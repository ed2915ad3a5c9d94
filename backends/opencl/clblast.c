#include "opencl/clblast.h"
#include "core/library.h"

brn_clblast_functions brn_clblast;

static brn_loading loading = BRN_LOADING;

static brn_status load(void)
{
    void *library = brn_library_open("libclblast.so.1");
    if (library && brn_library_function(library, "CLBlastSgemm", &brn_clblast.sgemm) &&
        brn_library_function(library, "CLBlastClearCache", &brn_clblast.clear_cache))
        return BRN_OK;
    return brn_fail(BRN_ERR_UNSUPPORTED, "CLBlast is missing (libclblast.so.1); install libclblast1");
}

brn_status brn_clblast_load(void) { return brn_load_once(&loading, load); }
