/* Small files made by the tests of readers and writers. */
#ifndef BRN_TESTS_IO_FILES_H
#define BRN_TESTS_IO_FILES_H

#include "support/support.h"
#include <stddef.h>

typedef struct folder {
    char path[64];
} folder;

/** Path of a file in the folder. Static storage of 8 slots, used in turn. */
const char *in_folder(const folder *f, const char *name);

/** Write a file of these bytes, or of this text, and return its path. */
const char *put_bytes(const folder *f, const char *name, const void *bytes, size_t n);
const char *put_text(const folder *f, const char *name, const char *text);

/** An NPY array of this version, header dictionary and data, into `out`; returns its length. */
size_t make_npy(unsigned char *out, int version, const char *dictionary, const void *data, size_t n);

/** The same as a file, version 1. */
const char *put_npy(const folder *f, const char *name, const char *dictionary, const void *data, size_t n);

/** Add a member to an NPZ archive, which is made if need be. Only where BRN_HAVE_ZIP. */
void add_to_npz(const char *path, const char *member, const void *bytes, size_t n, int method);

/** Number of files in the folder: shows that no temporary file is left behind. */
int count_files(const folder *f);

/** Whole text of a file; valid until the next call. */
const char *file_text(const char *path);

#endif
