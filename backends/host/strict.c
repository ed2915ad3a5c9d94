/* host:strict behaves like a foreign device, so that mistakes show which shared memory forgives: fresh
 * memory is NaN, a guard stands behind every buffer, a kernel that writes a buffer it declares as read
 * is reported, and so is a view outside its buffer. */
#include "host.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0xA5 };

static size_t bytes_of(const brn_buf *buf) { return buf->count * buf->elem; }

brn_status brn_strict_alloc(brn_buf *buf, const char *what)
{
    size_t bytes;
    if (!brn_mul_size(buf->count, buf->elem, &bytes) || bytes > SIZE_MAX - GUARD)
        return brn_fail(BRN_ERR_MEMORY, "%s: %zu elements", what, buf->count);
    BRN_TRY(brn_alloc_bytes(&buf->data, bytes + GUARD, 1, what));
    memset(buf->data, 0xFF, bytes); /* all bits set: NaN as a real, -1 as an int */
    memset((char *)buf->data + bytes, GUARD_BYTE, GUARD);
    return BRN_OK;
}

static bool guard_intact(const brn_buf *buf)
{
    const unsigned char *guard = (const unsigned char *)buf->data + bytes_of(buf);
    for (int i = 0; i < GUARD; ++i)
        if (guard[i] != GUARD_BYTE) return false;
    return true;
}

void brn_strict_release(brn_buf *buf) { free(buf->data); }

/* FNV-1a over a whole buffer: enough to see that it changed. */
static uint64_t digest(const brn_buf *buf)
{
    uint64_t h = 14695981039346656037u;
    const unsigned char *p = buf->data;
    for (size_t i = 0, n = bytes_of(buf); i < n; ++i) h = (h ^ p[i]) * 1099511628211u;
    return h;
}

brn_status brn_strict_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats,
                             const brn_view *views, int count)
{
    const brn_kernel_info *k = &brn_kernel_table[kernel];
    uint64_t before[24] = {0};
    bool written[24] = {false};
    if (count != k->buffers) return brn_fail(BRN_ERR_INTERNAL, "%s: %d buffers given, %d declared", k->name, count, k->buffers);
    for (int i = 0; i < count; ++i) {
        if (views[i].off >= views[i].buf->count)
            return brn_fail(BRN_ERR_INTERNAL, "%s: buffer %d starts at %zu of %zu", k->name, i, views[i].off, views[i].buf->count);
        for (int j = 0; j < count; ++j)
            if ((k->writes >> j & 1) && views[j].buf == views[i].buf) written[i] = true;
        if (!written[i]) before[i] = digest(views[i].buf);
    }
    BRN_TRY(brn_backend_host.launch(q, kernel, params, size, rows, feats, views, count));
    for (int i = 0; i < count; ++i) {
        if (!written[i] && digest(views[i].buf) != before[i])
            return brn_fail(BRN_ERR_INTERNAL, "%s: wrote buffer %d, which it declares as read", k->name, i);
        if (!guard_intact(views[i].buf))
            return brn_fail(BRN_ERR_INTERNAL, "%s: wrote past the end of buffer %d (%zu elements)", k->name, i, views[i].buf->count);
    }
    return BRN_OK;
}
