/* Shared libraries that are loaded when something first needs them, and then kept: drivers, compilers, products. */
#ifndef BRN_CORE_LIBRARY_H
#define BRN_CORE_LIBRARY_H

#include "core/error.h"

#include <pthread.h>
#include <stdbool.h>

/** A library by its file's name, as the linker finds it; NULL where it is not there. */
void *brn_library_open(const char *file);

/** The function of that name into *function, a pointer to one; where the library has none, NULL and false. */
bool brn_library_function(void *library, const char *name, void *function);

/** Something that is loaded once for the whole process. Static, and begun as BRN_LOADING. */
typedef struct brn_loading {
    pthread_mutex_t lock;
    _Atomic bool done;
    brn_status status;
    char text[512]; /* why not, for those who ask later */
} brn_loading;
#define BRN_LOADING {.lock = PTHREAD_MUTEX_INITIALIZER}

/** Load when first asked; the outcome is the same ever after. */
brn_status brn_load_once(brn_loading *loading, brn_status (*load)(void));

#endif
