/* The driver API: memory and copies. */
#include "standin.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory ------------------------------------------------------------------------------------ */

STANDIN_API brn_cu_code cuMemAlloc_v2(brn_cu_ptr *address, size_t bytes)
{
    const brn_cu_code code = standin_begin_unsafe("cuMemAlloc_v2");
    return code ? code : standin_memory_alloc(address, bytes);
}

STANDIN_API brn_cu_code cuMemFree_v2(brn_cu_ptr address)
{
    brn_cu_code code = standin_begin_in_context("cuMemFree_v2");
    if (!code && (code = standin_capture_refuse()) != 0) return code;
    standin_finish(NULL);
    if (!standin_memory_retire(address)) standin_wrong("cuMemFree: %#llx is no block that lives", address);
    standin_memory_release(address);
    return code;
}

STANDIN_API brn_cu_code cuMemPoolCreate(brn_cu_pool *pool, const brn_cu_pool_props *props)
{
    const brn_cu_code code = standin_begin("cuMemPoolCreate");
    if (code) return code;
    if (props->alloc_type != BRN_CU_POOL_PINNED || props->location_type != BRN_CU_LOCATION_DEVICE || props->location_id != 0) return INVALID_VALUE;
    *pool = malloc(1);
    standin_add(POOL, *pool, 0);
    return 0;
}

STANDIN_API brn_cu_code cuMemPoolDestroy(brn_cu_pool pool)
{
    const brn_cu_code code = standin_begin("cuMemPoolDestroy");
    if (!standin_remove(POOL, pool)) return code ? code : INVALID_VALUE;
    free(pool);
    return code;
}

STANDIN_API brn_cu_code cuMemPoolSetAttribute(brn_cu_pool pool, int attribute, void *value)
{
    const brn_cu_code code = standin_begin("cuMemPoolSetAttribute");
    return code ? code : standin_has(POOL, pool) && attribute == BRN_CU_POOL_RELEASE_THRESHOLD && value ? 0 : INVALID_VALUE;
}

/* On a stream that captures a driver makes nodes of these, which nothing here is made for. */
static brn_cu_code outside_capture(brn_cu_stream stream)
{
    standin_capture **capture = standin_stream_capture(stream);
    if (!capture) return INVALID_HANDLE;
    return *capture ? standin_capture_spoil(*capture, CAPTURE_UNSUPPORTED) : 0;
}

static void reserved(const void *data, standin_visit *visit, void *context)
{
    visit(context, "cuMemAllocFromPoolAsync", *(const brn_cu_ptr *)data, 1, true);
}

static void released(const void *data, standin_visit *visit, void *context) { visit(context, "cuMemFreeAsync", *(const brn_cu_ptr *)data, 1, true); }

/* The stream's from here on: another has to be ordered behind. */
static void reserve_work(void *data) { (void)data; }
static const standin_op reserve_op = {.name = "cuMemAllocFromPoolAsync", .node = STANDIN_NO_NODE, .spans = reserved, .run = reserve_work};

STANDIN_API brn_cu_code cuMemAllocFromPoolAsync(brn_cu_ptr *address, size_t bytes, brn_cu_pool pool, brn_cu_stream stream)
{
    brn_cu_code code = standin_begin_in_context("cuMemAllocFromPoolAsync");
    if (code || (code = outside_capture(stream)) != 0) return code;
    if (!standin_has(POOL, pool)) return INVALID_VALUE;
    if ((code = standin_memory_alloc(address, bytes)) != 0) return code;
    return standin_enqueue(stream, &reserve_op, address, sizeof *address);
}

static void release_work(void *data) { standin_memory_release(*(brn_cu_ptr *)data); }
static const standin_op release_op = {.name = "cuMemFreeAsync", .node = STANDIN_NO_NODE, .spans = released, .run = release_work};

STANDIN_API brn_cu_code cuMemFreeAsync(brn_cu_ptr address, brn_cu_stream stream)
{
    brn_cu_code code = standin_begin_in_context("cuMemFreeAsync"), refused = outside_capture(stream);
    if (refused) return code ? code : refused;
    refused = standin_enqueue(stream, &release_op, &address, sizeof address);
    standin_memory_retire(address);
    return code ? code : refused;
}

STANDIN_API brn_cu_code cuMemAllocHost_v2(void **at, size_t bytes)
{
    const brn_cu_code code = standin_begin_unsafe("cuMemAllocHost_v2");
    if (code) return code;
    *at = malloc(bytes);
    standin_add(PINNED, *at, bytes);
    return 0;
}

STANDIN_API brn_cu_code cuMemFreeHost(void *at)
{
    brn_cu_code code = standin_begin_in_context("cuMemFreeHost");
    if (!code && (code = standin_capture_refuse()) != 0) return code;
    if (!standin_remove(PINNED, at)) return code ? code : INVALID_VALUE;
    if (!standin_idle()) standin_wrong("cuMemFreeHost: work that may use the memory is not done");
    free(at);
    return code;
}

/* ---- copies ------------------------------------------------------------------------------------ */

typedef struct {
    char *to;
    const char *from;
    size_t bytes;
    uint64_t sum; /* of the host's side as it was when the stream took the copy */
} copy;

static uint64_t sum_of(const char *bytes, size_t count)
{
    uint64_t h = 14695981039346656037u, word;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) memcpy(&word, bytes + i, 8), h = (h ^ word) * 1099511628211u, h ^= h >> 29;
    for (; i < count; ++i) h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
    return h;
}

static void upload_spans(const void *data, standin_visit *visit, void *context)
{
    const copy *c = data;
    visit(context, "cuMemcpyHtoDAsync", (brn_cu_ptr)(uintptr_t)c->to, c->bytes, true);
}

static void download_spans(const void *data, standin_visit *visit, void *context)
{
    const copy *c = data;
    visit(context, "cuMemcpyDtoHAsync", (brn_cu_ptr)(uintptr_t)c->from, c->bytes, false);
}

static void move_spans(const void *data, standin_visit *visit, void *context)
{
    const copy *c = data;
    visit(context, "cuMemcpyDtoDAsync", (brn_cu_ptr)(uintptr_t)c->to, c->bytes, true);
    visit(context, "cuMemcpyDtoDAsync", (brn_cu_ptr)(uintptr_t)c->from, c->bytes, false);
}

static void take_upload(void *data)
{
    copy *c = data;
    c->sum = sum_of(c->from, c->bytes);
    standin_counts.bytes_up += (long)c->bytes;
}

static void upload(void *data)
{
    const copy *c = data;
    if (sum_of(c->from, c->bytes) != c->sum) standin_wrong("host memory changed before its copy of %zu bytes to the device was done", c->bytes);
    memcpy(c->to, c->from, c->bytes);
}

/* Until it is done the target holds what nobody can take for a result. */
static void take_download(void *data)
{
    copy *c = data;
    memset(c->to, 0xff, c->bytes);
    c->sum = sum_of(c->to, c->bytes);
    standin_counts.bytes_down += (long)c->bytes;
}

static void download(void *data)
{
    copy *c = data;
    if (sum_of(c->to, c->bytes) != c->sum) standin_wrong("host memory was written before a copy of %zu bytes into it was done", c->bytes);
    memcpy(c->to, c->from, c->bytes);
    c->sum = sum_of(c->to, c->bytes); /* in a loop it comes again */
}

static void move(void *data)
{
    const copy *c = data;
    memmove(c->to, c->from, c->bytes);
}

static const standin_op upload_op = {.name = "cuMemcpyHtoDAsync", .node = BRN_CU_NODE_MEMCPY, .spans = upload_spans, .take = take_upload, .run = upload};
static const standin_op download_op = {.name = "cuMemcpyDtoHAsync", .node = BRN_CU_NODE_MEMCPY, .spans = download_spans, .take = take_download, .run = download};
static const standin_op move_op = {.name = "cuMemcpyDtoDAsync", .node = BRN_CU_NODE_MEMCPY, .spans = move_spans, .run = move};

/* Memory that is not pinned is copied while the host waits, which a capture refuses. */
static brn_cu_code host_side(brn_cu_stream stream, const void *at, size_t bytes)
{
    return standin_pinned(at, bytes) ? 0 : outside_capture(stream);
}

STANDIN_API brn_cu_code cuMemcpyHtoDAsync_v2(brn_cu_ptr to, const void *from, size_t bytes, brn_cu_stream stream)
{
    brn_cu_code code = standin_begin_in_context("cuMemcpyHtoDAsync_v2");
    if (code || (code = host_side(stream, from, bytes)) != 0) return code;
    const copy c = {(char *)(uintptr_t)to, from, bytes, 0};
    return standin_enqueue(stream, &upload_op, &c, sizeof c);
}

STANDIN_API brn_cu_code cuMemcpyDtoHAsync_v2(void *to, brn_cu_ptr from, size_t bytes, brn_cu_stream stream)
{
    brn_cu_code code = standin_begin_in_context("cuMemcpyDtoHAsync_v2");
    if (code || (code = host_side(stream, to, bytes)) != 0) return code;
    const copy c = {to, (const char *)(uintptr_t)from, bytes, 0};
    return standin_enqueue(stream, &download_op, &c, sizeof c);
}

STANDIN_API brn_cu_code cuMemcpyDtoDAsync_v2(brn_cu_ptr to, brn_cu_ptr from, size_t bytes, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context("cuMemcpyDtoDAsync_v2");
    if (code) return code;
    const copy c = {(char *)(uintptr_t)to, (const char *)(uintptr_t)from, bytes, 0};
    return standin_enqueue(stream, &move_op, &c, sizeof c);
}

typedef struct {
    char *to;
    size_t bytes;
    unsigned char value;
} fill;

static void fill_spans(const void *data, standin_visit *visit, void *context)
{
    const fill *f = data;
    visit(context, "cuMemsetD8Async", (brn_cu_ptr)(uintptr_t)f->to, f->bytes, true);
}

static void fill_work(void *data)
{
    const fill *f = data;
    memset(f->to, f->value, f->bytes);
}

static const standin_op fill_op = {.name = "cuMemsetD8Async", .node = BRN_CU_NODE_MEMSET, .spans = fill_spans, .run = fill_work};

STANDIN_API brn_cu_code cuMemsetD8Async(brn_cu_ptr to, unsigned char value, size_t bytes, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context("cuMemsetD8Async");
    if (code) return code;
    const fill f = {(char *)(uintptr_t)to, bytes, value};
    return standin_enqueue(stream, &fill_op, &f, sizeof f);
}
