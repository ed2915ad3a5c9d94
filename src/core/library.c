#include "core/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *brn_library_open(const char *file) { return dlopen(file, RTLD_NOW | RTLD_LOCAL); }

bool brn_library_function(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found); /* no conversion between pointers to objects and to functions */
    return found != NULL;
}

brn_status brn_load_once(brn_loading *loading, brn_status (*load)(void))
{
    if (!loading->done) {
        pthread_mutex_lock(&loading->lock);
        if (!loading->done) {
            loading->status = load();
            if (loading->status != BRN_OK) snprintf(loading->text, sizeof loading->text, "%s", brn_last_error());
            loading->done = true;
        }
        pthread_mutex_unlock(&loading->lock);
    }
    return loading->status == BRN_OK ? BRN_OK : brn_fail_copy(loading->status, loading->text);
}
