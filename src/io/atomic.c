#include "io/atomic.h"

#include "core/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 16)

struct brn_writer {
    char *path, *folder, *temporary;
    int fd;        /* -1 after a failure, or while released */
    mode_t mode;   /* of the former file; 0: none, the umask decides */
    uint64_t size; /* bytes appended, those in the buffer included */
    size_t buffered;
    unsigned char *buffer;
};

/* ---- failures on demand, for the tests ------------------------------------------------------- */

static _Atomic long fail_at[BRN_IO_CALLS]; /* counts down; 0 = never */

void brn_io_fail_at(brn_io_call call, long n) { atomic_store(&fail_at[call], n); }

static bool injected_failure(brn_io_call call)
{
    if (atomic_load_explicit(&fail_at[call], memory_order_relaxed) == 0) return false;
    if (atomic_fetch_sub(&fail_at[call], 1) != 1) return false;
    errno = call == BRN_IO_WRITE ? ENOSPC : EIO;
    return true;
}

/* ---- system calls that cope with interruption and short counts -------------------------------- */

/* offset < 0: at the file's position. */
static bool write_all(int fd, const unsigned char *bytes, size_t n, off_t offset)
{
    while (n > 0) {
        if (injected_failure(BRN_IO_WRITE)) return false;
        ssize_t done = offset < 0 ? write(fd, bytes, n) : pwrite(fd, bytes, n, offset);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        bytes += done, n -= (size_t)done;
        if (offset >= 0) offset += done;
    }
    return true;
}

static bool sync_all(int fd)
{
    if (injected_failure(BRN_IO_SYNC)) return false;
    int result;
    do result = fsync(fd);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

/* Some folders may be written but not opened for reading, and some file systems have no sync of
 * folders; neither is a failure of the file. */
static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES;
    bool done = sync_all(fd) || errno == EINVAL || errno == ENOTSUP;
    int cause = errno;
    close(fd);
    errno = cause;
    return done;
}

/* ---- the writer -------------------------------------------------------------------------------- */

static brn_status give_up(brn_writer *w, const char *doing, int cause)
{
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
    if (w->temporary) unlink(w->temporary);
    return brn_fail(BRN_ERR_DISK, "%s: %s failed: %s", w->path, doing, strerror(cause));
}

static brn_status must_be_open(const brn_writer *w)
{
    return w->fd >= 0 ? BRN_OK : brn_fail(BRN_ERR_DISK, "%s: writing failed before", w->path);
}

static void free_writer(brn_writer *w)
{
    if (!w) return;
    free(w->path), free(w->folder), free(w->temporary), free(w->buffer);
    free(w);
}

static brn_status check_target(brn_writer *w)
{
    struct stat s;
    if (stat(w->path, &s) == 0) {
        if (!S_ISREG(s.st_mode))
            return brn_fail(BRN_ERR_DISK, "%s: expected a regular file or none of that name, found a %s",
                            w->path, S_ISDIR(s.st_mode) ? "folder" : "device, pipe or socket");
        w->mode = s.st_mode & 0777;
    } else if (errno != ENOENT) {
        return brn_fail(BRN_ERR_DISK, "%s: cannot be written: %s", w->path, strerror(errno));
    }
    return BRN_OK;
}

/* A short name of its own, because the target's may already be as long as a name can be. open()
 * rather than mkstemp(), so that the umask gives the permissions. */
static brn_status create_temporary(brn_writer *w)
{
    size_t length = strlen(w->folder) + 64;
    BRN_TRY(BRN_ALLOC(&w->temporary, length, "path"));
    for (int attempt = 0; attempt < 100; ++attempt) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(w->temporary, length, "%s/.brenier-%ld-%lx%08lx.tmp", w->folder, (long)getpid(),
                 (unsigned long)now.tv_sec, (unsigned long)now.tv_nsec);
        w->fd = open(w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->fd >= 0 || errno != EEXIST) break;
    }
    if (w->fd >= 0)
        return w->mode && fchmod(w->fd, w->mode) != 0 ? give_up(w, "setting permissions", errno) : BRN_OK;
    brn_status status =
        brn_fail(BRN_ERR_DISK, "%s: cannot create a file in %s: %s", w->path, w->folder, strerror(errno));
    free(w->temporary);
    w->temporary = NULL;
    return status;
}

brn_status brn_writer_open(brn_writer **writer, const char *path)
{
    brn_status status;
    brn_writer *w = NULL;
    *writer = NULL;
    BRN_TRY(BRN_ALLOC(&w, 1, "file writer"));
    w->fd = -1;
    BRN_GO(brn_strdup(&w->path, path));
    BRN_GO(BRN_ALLOC(&w->buffer, BUFFER_BYTES, "file buffer"));
    const char *slash = strrchr(path, '/');
    BRN_GO(brn_strdup(&w->folder, slash ? path : "."));
    if (slash) w->folder[slash == path ? 1 : slash - path] = '\0';
    BRN_GO(check_target(w));
    BRN_GO(create_temporary(w));
    *writer = w;
    return BRN_OK;
done:
    free_writer(w);
    return status;
}

static brn_status flush(brn_writer *w)
{
    BRN_TRY(must_be_open(w));
    if (!write_all(w->fd, w->buffer, w->buffered, -1)) return give_up(w, "writing", errno);
    w->buffered = 0;
    return BRN_OK;
}

brn_status brn_writer_write(brn_writer *w, const void *bytes, size_t n)
{
    BRN_TRY(must_be_open(w));
    if (n > BUFFER_BYTES - w->buffered) BRN_TRY(flush(w));
    if (n > BUFFER_BYTES) {
        if (!write_all(w->fd, bytes, n, -1)) return give_up(w, "writing", errno);
    } else if (n > 0) {
        memcpy(w->buffer + w->buffered, bytes, n);
        w->buffered += n;
    }
    w->size += n;
    return BRN_OK;
}

brn_status brn_writer_patch(brn_writer *w, uint64_t offset, const void *bytes, size_t n)
{
    if (offset > w->size || n > w->size - offset)
        return brn_fail(BRN_ERR_INTERNAL, "%s: patch of bytes not yet written", w->path);
    BRN_TRY(flush(w));
    if (!write_all(w->fd, bytes, n, (off_t)offset)) return give_up(w, "writing", errno);
    return BRN_OK;
}

uint64_t brn_writer_size(const brn_writer *w) { return w->size; }

brn_status brn_writer_release(brn_writer *w, const char **temporary_path)
{
    BRN_TRY(flush(w));
    int fd = w->fd;
    w->fd = -1;
    *temporary_path = w->temporary;
    return close(fd) == 0 ? BRN_OK : give_up(w, "writing", errno);
}

brn_status brn_writer_retake(brn_writer *w)
{
    w->fd = open(w->temporary, O_RDWR | O_CLOEXEC);
    if (w->fd < 0 || (w->mode && fchmod(w->fd, w->mode) != 0)) return give_up(w, "reopening", errno);
    return BRN_OK;
}

static brn_status finish(brn_writer *w)
{
    BRN_TRY(flush(w));
    if (!sync_all(w->fd)) return give_up(w, "syncing", errno);
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0) return give_up(w, "closing", errno); /* network file systems report here */
    if (injected_failure(BRN_IO_RENAME) || rename(w->temporary, w->path) != 0)
        return give_up(w, "renaming", errno);
    if (!sync_folder(w->folder))
        return brn_fail(BRN_ERR_DISK, "%s: written, but syncing its folder failed: %s", w->path,
                        strerror(errno));
    return BRN_OK;
}

brn_status brn_writer_commit(brn_writer *w)
{
    brn_status status = finish(w);
    free_writer(w);
    return status;
}

void brn_writer_discard(brn_writer *w)
{
    if (!w) return;
    if (w->fd >= 0) close(w->fd);
    unlink(w->temporary); /* already gone after a failure */
    free_writer(w);
}

brn_status brn_write_file(const char *path, const void *bytes, size_t n)
{
    brn_writer *w;
    BRN_TRY(brn_writer_open(&w, path));
    brn_status status = brn_writer_write(w, bytes, n);
    if (status == BRN_OK) return brn_writer_commit(w);
    brn_writer_discard(w);
    return status;
}
