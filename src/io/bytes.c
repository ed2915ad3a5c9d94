#include "io/bytes.h"

#include "core/memory.h"
#include "io/mapped.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static brn_status get_file(brn_bytes *bytes, uint64_t offset, void *dst, size_t n)
{
    int fd = *(int *)bytes->handle;
    char *at = dst;
    while (n > 0) {
        ssize_t got = pread(fd, at, n, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return brn_fail(BRN_ERR_INPUT, "%s: reading failed: %s", bytes->name, strerror(errno));
        if (got == 0)
            return brn_fail(BRN_ERR_INPUT, "%s:byte %llu: the file ends here (truncated?)", bytes->name,
                            (unsigned long long)offset);
        at += got, n -= (size_t)got, offset += (uint64_t)got;
    }
    return BRN_OK;
}

static void close_file(brn_bytes *bytes)
{
    int *fd = bytes->handle;
    if (fd && *fd >= 0) close(*fd);
    free(fd);
}

brn_status brn_bytes_file(brn_bytes *bytes, const char *path)
{
    brn_status status;
    int *fd = NULL;
    *bytes = (brn_bytes){.get = get_file, .close = close_file};
    BRN_GO(BRN_ALLOC(&fd, 1, "file"));
    *fd = -1;
    bytes->handle = fd;
    BRN_GO(brn_strdup(&bytes->name, path));
    BRN_GO(brn_open_regular(path, fd, &bytes->size));
    return BRN_OK;
done:
    brn_bytes_close(bytes);
    return status;
}

void brn_bytes_close(brn_bytes *bytes)
{
    if (bytes->close) bytes->close(bytes);
    free(bytes->name);
    *bytes = (brn_bytes){0};
}
