/* Buffers and the copies between host memory and a device. */
#include "compute/backend.h"
#include "core/memory.h"

#include <stdlib.h>

static uint64_t bytes_of(const brn_buf *buf) { return (uint64_t)buf->count * buf->elem; }

/* Book a buffer, and refuse what a limit forbids. */
static brn_status reserve(const brn_buf *buf, const char *what)
{
    brn_device *dev = buf->dev;
    size_t bytes;
    if (!brn_mul_size(buf->count, buf->elem, &bytes)) return brn_fail(BRN_ERR_MEMORY, "%s: %zu elements", what, buf->count);
    const uint64_t before = atomic_fetch_add(&dev->used, bytes), used = before + bytes;
    if (dev->limited && used > dev->memory) {
        atomic_fetch_sub(&dev->used, bytes);
        return brn_fail(BRN_ERR_MEMORY, "%s: %zu bytes do not fit, %llu of %llu (BRENIER_DEVICE_MEMORY) are in use", what, bytes,
                        (unsigned long long)before, (unsigned long long)dev->memory);
    }
    for (uint64_t peak = atomic_load(&dev->peak); used > peak && !atomic_compare_exchange_weak(&dev->peak, &peak, used);) continue;
    return BRN_OK;
}

brn_status brn_buf_create(brn_buf **out, brn_device *dev, brn_kind kind, size_t count, const char *what)
{
    *out = NULL;
    brn_buf *buf;
    BRN_TRY(BRN_ALLOC(&buf, 1, what));
    *buf = (brn_buf){.dev = dev, .kind = kind, .count = count ? count : 1};
    buf->elem = kind == BRN_INT ? sizeof(int) : dev->real_size;
    brn_status status = reserve(buf, what);
    if (status == BRN_OK) {
        status = dev->ops->alloc(buf, what);
        if (status != BRN_OK) atomic_fetch_sub(&dev->used, bytes_of(buf));
    }
    if (status != BRN_OK) {
        free(buf);
        return brn_fail_in(status, "%s", dev->name);
    }
    *out = buf;
    return BRN_OK;
}

void brn_buf_free(brn_buf *buf)
{
    if (!buf) return;
    buf->dev->ops->release(buf);
    atomic_fetch_sub(&buf->dev->used, bytes_of(buf));
    free(buf);
}

size_t brn_buf_count(const brn_buf *buf) { return buf->count; }
brn_kind brn_buf_kind(const brn_buf *buf) { return buf->kind; }

static brn_status check(brn_view v, brn_kind kind, size_t count)
{
    if (v.buf->kind != kind || v.off > v.buf->count || count > v.buf->count - v.off)
        return brn_fail(BRN_ERR_INTERNAL, "copy of %zu elements at %zu of a buffer of %zu", count, v.off, v.buf->count);
    return BRN_OK;
}

static brn_status write_to(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    brn_count(q->dev, &q->dev->counts.bytes_up, bytes);
    return q->dev->ops->write(q, to, from, bytes);
}

static brn_status read_from(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    brn_count(q->dev, &q->dev->counts.bytes_down, bytes);
    return q->dev->ops->read(q, from, to, bytes);
}

/* Values pass through a block on the stack when the element sizes differ. */
enum { BLOCK = 1024 };
#define DEFINE_COPIES(suffix, host_type)                                                                     \
    brn_status brn_write_##suffix(brn_queue *q, brn_view to, const host_type *from, size_t count)            \
    {                                                                                                        \
        BRN_TRY(check(to, BRN_REAL, count));                                                                 \
        if (to.buf->elem == sizeof(host_type)) return write_to(q, to, from, count * to.buf->elem); \
        union { float f[BLOCK]; double d[BLOCK]; } block;                                                    \
        for (size_t at = 0; at < count; at += BLOCK) {                                                       \
            size_t n = count - at < BLOCK ? count - at : BLOCK;                                              \
            for (size_t i = 0; i < n; ++i) {                                                                 \
                if (to.buf->elem == sizeof(float)) block.f[i] = (float)from[at + i];                         \
                else block.d[i] = (double)from[at + i];                                                      \
            }                                                                                                \
            BRN_TRY(write_to(q, (brn_view){to.buf, to.off + at}, &block, n * to.buf->elem));       \
        }                                                                                                    \
        return BRN_OK;                                                                                       \
    }                                                                                                        \
    brn_status brn_read_##suffix(brn_queue *q, brn_view from, host_type *to, size_t count)                   \
    {                                                                                                        \
        BRN_TRY(check(from, BRN_REAL, count));                                                               \
        if (from.buf->elem == sizeof(host_type)) return read_from(q, from, to, count * from.buf->elem); \
        union { float f[BLOCK]; double d[BLOCK]; } block;                                                    \
        for (size_t at = 0; at < count; at += BLOCK) {                                                       \
            size_t n = count - at < BLOCK ? count - at : BLOCK;                                              \
            BRN_TRY(read_from(q, (brn_view){from.buf, from.off + at}, &block, n * from.buf->elem));  \
            for (size_t i = 0; i < n; ++i)                                                                   \
                to[at + i] = (host_type)(from.buf->elem == sizeof(float) ? (double)block.f[i] : block.d[i]); \
        }                                                                                                    \
        return BRN_OK;                                                                                       \
    }
DEFINE_COPIES(f32, float)
DEFINE_COPIES(f64, double)

brn_status brn_write_int(brn_queue *q, brn_view to, const int *from, size_t count)
{
    BRN_TRY(check(to, BRN_INT, count));
    return write_to(q, to, from, count * sizeof(int));
}

brn_status brn_read_int(brn_queue *q, brn_view from, int *to, size_t count)
{
    BRN_TRY(check(from, BRN_INT, count));
    return read_from(q, from, to, count * sizeof(int));
}

brn_status brn_copy(brn_queue *q, brn_view to, brn_view from, size_t count)
{
    BRN_TRY(check(to, from.buf->kind, count));
    BRN_TRY(check(from, to.buf->kind, count));
    return q->dev->ops->copy(q, to, from, count * to.buf->elem);
}

brn_status brn_zero(brn_queue *q, brn_view to, size_t count)
{
    BRN_TRY(check(to, to.buf->kind, count));
    return q->dev->ops->zero(q, to, count * to.buf->elem);
}
