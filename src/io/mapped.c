#include "io/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

brn_status brn_open_regular(const char *path, int *fd, uint64_t *size)
{
    struct stat s;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang us */
    if (*fd < 0 || fstat(*fd, &s) != 0) {
        int cause = errno;
        if (*fd >= 0) close(*fd);
        *fd = -1;
        return brn_fail(BRN_ERR_INPUT, "%s: cannot be read: %s", path, strerror(cause));
    }
    if (!S_ISREG(s.st_mode)) {
        close(*fd);
        *fd = -1;
        return brn_fail(BRN_ERR_INPUT, "%s: expected a regular file, found a %s", path,
                        S_ISDIR(s.st_mode) ? "folder" : "device, pipe or socket");
    }
    *size = (uint64_t)s.st_size;
    return BRN_OK;
}

bool brn_is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

brn_status brn_mapped_open(brn_mapped *mapped, const char *path)
{
    int fd;
    uint64_t size;
    *mapped = (brn_mapped){(const unsigned char *)"", 0};
    BRN_TRY(brn_open_regular(path, &fd, &size));
    void *bytes = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    int cause = errno;
    close(fd);
    if (size == 0) return BRN_OK; /* an empty file cannot be mapped */
    if (bytes == MAP_FAILED)
        return brn_fail(cause == ENOMEM ? BRN_ERR_MEMORY : BRN_ERR_INPUT, "%s: cannot be mapped: %s", path,
                        strerror(cause));
    *mapped = (brn_mapped){bytes, size};
    return BRN_OK;
}

void brn_mapped_close(brn_mapped *mapped)
{
    if (mapped->size) munmap((void *)(uintptr_t)mapped->bytes, mapped->size);
    *mapped = (brn_mapped){NULL, 0};
}
