#include "compute/dry.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES = 64 };

typedef struct {
    int count;
    brn_dry_entry entry[NAMES];
} ledger;

static brn_status book(ledger *l, const char *what, brn_buf *buf)
{
    int i = 0;
    while (i < l->count && strcmp(l->entry[i].what, what)) ++i;
    if (i == NAMES) return brn_fail(BRN_ERR_INTERNAL, "more than %d kinds of buffers", NAMES);
    if (i == l->count) l->entry[l->count++].what = what;
    brn_dry_entry *e = &l->entry[i];
    e->bytes += buf->count * buf->elem;
    if (e->bytes > e->peak) e->peak = e->bytes;
    buf->data = e;
    return BRN_OK;
}

static brn_status dry_alloc(brn_buf *buf, const char *what) { return book(buf->dev->impl, what, buf); }
static void dry_release(brn_buf *buf) { ((brn_dry_entry *)buf->data)->bytes -= buf->count * buf->elem; }

static brn_status dry_write(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    (void)q, (void)to, (void)from, (void)bytes;
    return BRN_OK;
}

static brn_status dry_read(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    (void)q, (void)from;
    memset(to, 0, bytes);
    return BRN_OK;
}

static brn_status dry_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    (void)q, (void)to, (void)from, (void)bytes;
    return BRN_OK;
}

static brn_status dry_zero(brn_queue *q, brn_view to, size_t bytes)
{
    (void)q, (void)to, (void)bytes;
    return BRN_OK;
}

static brn_status dry_parallel(brn_device *dev, int count, brn_item_fn fn, void *context)
{
    for (int i = 0; i < count; ++i) BRN_TRY(fn(context, &dev->queues[i % dev->queue_count], i));
    return BRN_OK;
}

static brn_status dry_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    (void)q, (void)kernel, (void)params, (void)size, (void)rows, (void)feats, (void)views, (void)count;
    return BRN_OK;
}

static brn_status dry_gemm(brn_queue *q, const brn_gemm_args *args)
{
    (void)q, (void)args;
    return BRN_OK;
}

static const brn_backend dry_backend = {
    .abi = BRN_BACKEND_ABI, .name = "dry", .alloc = dry_alloc, .release = dry_release, .write = dry_write, .read = dry_read,
    .copy = dry_copy, .zero = dry_zero, .parallel = dry_parallel, .launch = dry_launch, .gemm = dry_gemm,
};

brn_status brn_dry_open(brn_device **out, const brn_device *like, int tile_rows)
{
    *out = NULL;
    brn_device *dry;
    BRN_TRY(BRN_ALLOC(&dry, 1, "memory plan"));
    dry->ops = &dry_backend;
    dry->real_size = like->real_size;
    dry->tile_rows = tile_rows;
    dry->at_hand = like->at_hand;
    memcpy(dry->name, like->name, sizeof dry->name);
    brn_status status = BRN_ALLOC(&dry->queues, (size_t)like->queue_count, "memory plan");
    if (status == BRN_OK) status = brn_alloc_bytes(&dry->impl, 1, sizeof(ledger), "memory plan");
    if (status != BRN_OK) {
        brn_dry_close(dry);
        return status;
    }
    dry->queue_count = like->queue_count;
    for (int i = 0; i < dry->queue_count; ++i) dry->queues[i] = (brn_queue){.dev = dry, .index = i};
    *out = dry;
    return BRN_OK;
}

void brn_dry_close(brn_device *dry)
{
    if (!dry) return;
    free(dry->impl), free(dry->queues);
    free(dry);
}

int brn_dry_entries(const brn_device *dry, const brn_dry_entry **entries)
{
    const ledger *l = dry->impl;
    *entries = l->entry;
    return l->count;
}
