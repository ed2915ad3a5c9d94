/* Files that are either complete or absent. A writer fills a temporary file beside its target; only
 * a commit, after everything has reached the disk, gives it the target's name. Until then, and after
 * any failure, a former file of that name is intact. */
#ifndef BRN_IO_ATOMIC_H
#define BRN_IO_ATOMIC_H

#include "core/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct brn_writer brn_writer;

/** Start writing `path`. A target that exists must be a regular file: renaming over a device or a
 *  folder would destroy it. Its permissions are kept.
 *  All calls below fail with BRN_ERR_DISK; the first failure removes the temporary file, and the
 *  later calls repeat the failure until the writer is released by commit or discard. */
brn_status brn_writer_open(brn_writer **writer, const char *path);

/** Append n bytes. */
brn_status brn_writer_write(brn_writer *writer, const void *bytes, size_t n);

/** Replace n bytes at `offset`, all of which must have been written before. */
brn_status brn_writer_patch(brn_writer *writer, uint64_t offset, const void *bytes, size_t n);

/** Bytes appended so far. */
uint64_t brn_writer_size(const brn_writer *writer);

/** Sync, rename, sync the folder. Releases the writer whether it succeeds or fails. */
brn_status brn_writer_commit(brn_writer *writer);

/** Give up: remove the temporary file and release the writer. NULL is fine. */
void brn_writer_discard(brn_writer *writer);

/** For a library that writes files by name: hand the temporary file over, ... */
brn_status brn_writer_release(brn_writer *writer, const char **temporary_path);
/** ... and take back whatever has that name now; only commit and discard may follow. */
brn_status brn_writer_retake(brn_writer *writer);

/** The whole of a small file in one call. */
brn_status brn_write_file(const char *path, const void *bytes, size_t n);

/** Test hook: the n-th system call of this kind from now fails (0 = none does). */
typedef enum brn_io_call { BRN_IO_WRITE, BRN_IO_SYNC, BRN_IO_RENAME, BRN_IO_CALLS } brn_io_call;
void brn_io_fail_at(brn_io_call call, long n);

#endif
