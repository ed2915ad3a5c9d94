#include "io/lines.h"

#include "core/memory.h"
#include "io/mapped.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)1 << 18)

brn_status brn_lines_open(brn_lines *l, const char *path)
{
    *l = (brn_lines){.path = path, .fd = -1};
    BRN_TRY(brn_open_regular(path, &l->fd, &l->size));
    l->capacity = BLOCK_BYTES;
    brn_status status = BRN_ALLOC(&l->buffer, l->capacity, "text buffer");
    if (status != BRN_OK) brn_lines_close(l);
    return status;
}

void brn_lines_close(brn_lines *l)
{
    if (l->fd >= 0) close(l->fd);
    free(l->buffer);
    *l = (brn_lines){.fd = -1};
}

/* A line longer than the buffer: never more room than the file needs. */
static brn_status grow(brn_lines *l)
{
    size_t wanted = l->capacity * 2;
    if (wanted > l->size && l->size + 1 > l->capacity) wanted = l->size + 1;
    char *larger;
    BRN_TRY(BRN_ALLOC(&larger, wanted, "a long line"));
    memcpy(larger, l->buffer, l->end);
    free(l->buffer);
    l->buffer = larger;
    l->capacity = wanted;
    return BRN_OK;
}

/* Move what is left to the front and read on behind it. */
static brn_status fill(brn_lines *l)
{
    memmove(l->buffer, l->buffer + l->begin, l->end - l->begin);
    l->base += l->begin;
    l->end -= l->begin;
    l->begin = 0;
    if (l->end == l->capacity) BRN_TRY(grow(l));
    ssize_t got;
    do got = pread(l->fd, l->buffer + l->end, l->capacity - l->end, (off_t)(l->base + l->end));
    while (got < 0 && errno == EINTR);
    if (got < 0) return brn_fail(BRN_ERR_INPUT, "%s: reading failed: %s", l->path, strerror(errno));
    l->end += (size_t)got;
    l->finished = got == 0;
    return BRN_OK;
}

brn_status brn_lines_next(brn_lines *l, const char **line, size_t *n)
{
    const char *found = NULL;
    size_t searched = 0;
    *line = NULL, *n = 0;
    for (;;) {
        const char *at = l->buffer + l->begin + searched;
        found = memchr(at, '\n', l->end - l->begin - searched);
        if (found || l->finished) break;
        searched = l->end - l->begin;
        BRN_TRY(fill(l));
    }
    if (!found && l->begin == l->end) return BRN_OK;
    *line = l->buffer + l->begin;
    *n = found ? (size_t)(found - *line) : l->end - l->begin;
    l->start = l->base + l->begin;
    l->number += 1;
    l->begin += *n + (found != NULL);
    if (*n > 0 && (*line)[*n - 1] == '\r') --*n;
    return BRN_OK;
}

void brn_lines_seek(brn_lines *l, uint64_t start, uint64_t number)
{
    if (start >= l->base && start <= l->base + l->end) {
        l->begin = start - l->base;
    } else {
        l->base = start;
        l->begin = l->end = 0;
        l->finished = false;
    }
    l->number = number - 1;
}
