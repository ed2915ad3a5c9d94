/* Names of files and folders. */
#ifndef BRN_IO_PATH_H
#define BRN_IO_PATH_H

#include "core/error.h"
#include <stdbool.h>

/** Whether a name ends in `ending`, in whatever case. */
bool brn_has_ending(const char *path, const char *ending);

/** Make a folder and those above it where they are not there yet (mkdir -p). BRN_ERR_DISK. */
brn_status brn_make_folder(const char *path);

#endif
