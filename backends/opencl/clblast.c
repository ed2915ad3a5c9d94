#include "opencl/clblast.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

brn_clblast_functions brn_clblast;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    void *library = dlopen("libclblast.so.1", RTLD_NOW | RTLD_LOCAL);
    void *sgemm = library ? dlsym(library, "CLBlastSgemm") : NULL, *clear = library ? dlsym(library, "CLBlastClearCache") : NULL;
    if (!sgemm || !clear) return;
    memcpy(&brn_clblast.sgemm, &sgemm, sizeof sgemm);
    memcpy(&brn_clblast.clear_cache, &clear, sizeof clear);
}

brn_status brn_clblast_load(void)
{
    pthread_once(&once, load);
    if (brn_clblast.sgemm) return BRN_OK;
    return brn_fail(BRN_ERR_UNSUPPORTED, "CLBlast is missing (libclblast.so.1); install libclblast1");
}
