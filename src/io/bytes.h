/* Bytes at offsets, from a file or from a member of a ZIP archive: what an array is read from. */
#ifndef BRN_IO_BYTES_H
#define BRN_IO_BYTES_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct brn_bytes {
    char *name; /**< for error lines: "a.npy", "a.npz[arr_0]" */
    uint64_t size;
    bool sequential; /**< going back means reading everything before once more */
    void *handle;
    brn_status (*get)(struct brn_bytes *bytes, uint64_t offset, void *dst,
                      size_t n); /**< all n or a failure */
    void (*close)(struct brn_bytes *bytes);
} brn_bytes;

/** A regular file. */
brn_status brn_bytes_file(brn_bytes *bytes, const char *path);

/** Member `array`.npy of a ZIP archive, or its first *.npy where array is NULL. BRN_ERR_UNSUPPORTED
 *  in a build without libzip. */
brn_status brn_bytes_zip(brn_bytes *bytes, const char *path, const char *array);

/** Release; one that is all zero is fine. */
void brn_bytes_close(brn_bytes *bytes);

#endif
