/* Reading files: opening them with a clear line about what is wrong, and a view of a whole one. */
#ifndef BRN_IO_MAPPED_H
#define BRN_IO_MAPPED_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers in files are little-endian and are copied as they are; lengths of files are kept as size_t. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are read in the machine's byte order");
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "a file's length is a size_t");

/** Open a regular file for reading; its length in *size. Folders, pipes and devices are refused.
 *  Fails with BRN_ERR_INPUT and a line naming the path. */
brn_status brn_open_regular(const char *path, int *fd, uint64_t *size);

/** Whether the path names a folder. */
bool brn_is_folder(const char *path);

/** A whole file, read-only. Pages are read when touched, so another process that truncates the file
 *  meanwhile would stop this one: only for files that are replaced by renaming, as our own are. */
typedef struct brn_mapped {
    const unsigned char *bytes; /**< never NULL while open */
    size_t size;
} brn_mapped;

brn_status brn_mapped_open(brn_mapped *mapped, const char *path);
void brn_mapped_close(brn_mapped *mapped);

#endif
