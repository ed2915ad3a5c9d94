/* Work is listed and handed to the driver together: when something is read, when a buffer in use is released, when
 * staging memory or the list is full, or by a flush. */
#include "cuda/cuda.h"

#include <stdio.h>
#include <string.h>

enum { COMMANDS = 4096, LARGE = 64 << 10 }; /* a copy on the list costs the host nothing, one aside some calls */

brn_status brn_cuda_submitted(brn_queue *q, brn_cu_code code, const char *call, size_t bytes)
{
    const brn_cuda *cu = q->impl;
    if (!cu->capturing) brn_count(q->dev, &q->dev->counts.submissions, 1);
    return code == 0 ? BRN_OK : brn_cuda_fail(cu, code, call, "%zu bytes", bytes);
}

brn_status brn_cuda_waited(brn_queue *q, brn_cu_code code, const char *call, size_t bytes)
{
    brn_count(q->dev, &q->dev->counts.waits, 1);
    return code == 0 ? BRN_OK : brn_cuda_fail(q->impl, code, call, "%zu bytes", bytes);
}

/* All lists are done. */
static brn_status wait_for_all(brn_queue *q, size_t bytes)
{
    brn_cuda *cu = q->impl;
    BRN_TRY(brn_cuda_waited(q, brn_cu.cuStreamSynchronize(cu->stream), "cuStreamSynchronize", bytes));
    brn_cuda_lists_ended(cu, cu->number - 1);
    return BRN_OK;
}

/* ---- handing over ------------------------------------------------------------------------------ */

/* Rounds of a repeated part where the device does not look itself: as many as it took last time before the host looks,
 * then one by one. Of devices that can, this is the first time of a list: the host looks before each round. */
static brn_status by_host(brn_queue *q, const brn_command *c)
{
    brn_cuda *cu = q->impl;
    const brn_commands body = {.at = (brn_command *)(uintptr_t)c + 1, .count = c->body};
    int *usual = &cu->rounds[cu->repeats++ % BRN_CUDA_REPEATS], rounds = 0;
    volatile int *counter = (volatile int *)(cu->stage + BRN_CUDA_COUNTERS);
    for (int due = cu->conditions ? 0 : *usual;; due = 1) {
        for (int i = 0; i < due; ++i, ++rounds) BRN_TRY(cu->conditions ? brn_cuda_issue_all(q, &body) : brn_cuda_replay(q, &body));
        BRN_TRY(brn_cuda_submitted(q, brn_cu.cuMemcpyDtoHAsync_v2((void *)(uintptr_t)counter, brn_cuda_address(c->view[0]), sizeof *counter, cu->stream),
                                   "cuMemcpyDtoHAsync", sizeof *counter));
        BRN_TRY(brn_cuda_waited(q, brn_cu.cuStreamSynchronize(cu->stream), "cuStreamSynchronize", sizeof *counter));
        if (*counter <= c->floor) break;
    }
    *usual = rounds > *usual || rounds == 0 ? rounds : rounds - 1; /* fewer may have been enough */
    return BRN_OK;
}

brn_status brn_cuda_issue(brn_queue *q, const brn_command *c)
{
    const brn_cuda *cu = q->impl;
    brn_cuda_call call;
    switch (c->kind) {
    case BRN_COMMAND_KERNEL:
        BRN_TRY(brn_cuda_prepare_command(cu, c, &call));
        return brn_cuda_launch(q, brn_kernel_table[c->kernel].name, &call);
    case BRN_COMMAND_PRODUCT: return brn_cuda_product(q, &c->product);
    case BRN_COMMAND_COPY:
        return brn_cuda_submitted(q, brn_cu.cuMemcpyDtoDAsync_v2(brn_cuda_address(c->view[0]), brn_cuda_address(c->view[1]), c->bytes, cu->stream),
                                  "cuMemcpyDtoDAsync", c->bytes);
    case BRN_COMMAND_ZERO: return brn_cuda_submitted(q, brn_cu.cuMemsetD8Async(brn_cuda_address(c->view[0]), 0, c->bytes, cu->stream), "cuMemsetD8Async", c->bytes);
    case BRN_COMMAND_UPLOAD:
        return brn_cuda_submitted(q, brn_cu.cuMemcpyHtoDAsync_v2(brn_cuda_address(c->view[0]), c->host, c->bytes, cu->stream), "cuMemcpyHtoDAsync", c->bytes);
    case BRN_COMMAND_DOWNLOAD:
        return brn_cuda_submitted(q, brn_cu.cuMemcpyDtoHAsync_v2(c->host, brn_cuda_address(c->view[0]), c->bytes, cu->stream), "cuMemcpyDtoHAsync", c->bytes);
    case BRN_COMMAND_REPEAT: return by_host(q, c);
    case BRN_COMMAND_MARK: break; /* this device has no timer */
    }
    return brn_fail(BRN_ERR_INTERNAL, "%s: command %d is not known", cu->label, (int)c->kind);
}

brn_status brn_cuda_issue_all(brn_queue *q, const brn_commands *list)
{
    for (int i = 0; i < list->count; i += 1 + list->at[i].body) BRN_TRY(brn_cuda_issue(q, &list->at[i]));
    return BRN_OK;
}

/* Where the driver's graphs cannot repeat, what stands between repeated parts is replayed by itself. */
static brn_status in_parts(brn_queue *q, const brn_commands *list)
{
    for (int first = 0, i = 0; i <= list->count; ++i) {
        if (i < list->count && list->at[i].kind != BRN_COMMAND_REPEAT) continue;
        if (i > first) BRN_TRY(brn_cuda_replay(q, &(brn_commands){.at = list->at + first, .count = i - first}));
        if (i == list->count) break;
        BRN_TRY(brn_cuda_issue(q, &list->at[i]));
        first = i + 1 + list->at[i].body;
        i = first - 1;
    }
    return BRN_OK;
}

/* Kernels may still be on their way from the compiler; copies do not need them. */
static bool has_kernels(const brn_commands *list)
{
    for (int i = 0; i < list->count; ++i)
        if (list->at[i].kind == BRN_COMMAND_KERNEL) return true;
    return false;
}

static brn_status hand_over(brn_queue *q)
{
    brn_cuda *cu = q->impl;
    if (cu->list.open) return brn_fail(BRN_ERR_INTERNAL, "%s: a repeated part reads or writes", cu->label);
    BRN_TRY(brn_cuda_enter(cu));
    if (cu->build && has_kernels(&cu->list)) BRN_TRY(brn_cuda_kernels_take(cu));
    BRN_TRY(brn_cuda_follow_uploads(cu));
    cu->repeats = 0;
    BRN_TRY(cu->conditions ? brn_cuda_replay(q, &cu->list) : in_parts(q, &cu->list));
    return brn_cuda_list_handed_over(cu);
}

/* After a failure the list is lost, and with it whatever was to come of it: all later calls say so too. */
brn_status brn_cuda_flush(brn_queue *q)
{
    brn_cuda *cu = q->impl;
    if (cu->lost != BRN_OK) return brn_fail_copy(cu->lost, cu->lost_text);
    if (!cu->list.count) return BRN_OK;
    cu->lost = hand_over(q);
    brn_commands_clear(&cu->list);
    if (cu->lost != BRN_OK) snprintf(cu->lost_text, sizeof cu->lost_text, "%s", brn_last_error());
    return cu->lost;
}

static brn_status make_room(brn_queue *q)
{
    const brn_cuda *cu = q->impl;
    if (cu->lost != BRN_OK) return brn_fail_copy(cu->lost, cu->lost_text);
    return cu->list.count < COMMANDS || cu->list.open ? BRN_OK : brn_cuda_flush(q);
}

/* ---- recording --------------------------------------------------------------------------------- */

/* The list under way names a buffer. */
static void name(const brn_cuda *cu, brn_view v)
{
    if (v.buf) brn_cuda_block_of(v)->used = cu->number;
}

static bool named(const brn_cuda *cu, brn_view v) { return brn_cuda_block_of(v)->used == cu->number; }

static brn_status add_copy(brn_queue *q, brn_command_kind kind, brn_view to, const brn_view *from, void *host, size_t bytes)
{
    brn_cuda *cu = q->impl;
    brn_command *c;
    BRN_TRY(make_room(q));
    BRN_TRY(brn_commands_add(&cu->list, kind, &c));
    name(cu, c->view[c->views++] = to);
    if (from) name(cu, c->view[c->views++] = *from);
    c->host = host;
    c->bytes = bytes;
    return BRN_OK;
}

/* A large write of what the list under way does not name goes ahead of it, beside the lists that run; others stand on it,
 * in pieces that fit into a half of staging memory. */
brn_status brn_cuda_write(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    brn_cuda *cu = q->impl;
    const char *next = from;
    if (cu->lost != BRN_OK) return brn_fail_copy(cu->lost, cu->lost_text);
    if (bytes >= LARGE && !named(cu, to)) return brn_cuda_write_aside(q, to, from, bytes);
    for (size_t piece; bytes > 0; to.off += piece / to.buf->elem, next += piece, bytes -= piece) {
        char *stage;
        BRN_TRY(brn_cuda_halves_take(q, &cu->listed, cu->stream, bytes, &stage, &piece));
        memcpy(stage, next, piece);
        BRN_TRY(add_copy(q, BRN_COMMAND_UPLOAD, to, NULL, stage, piece));
        cu->last_upload = cu->number;
    }
    return BRN_OK;
}

/* What the list under way does not name need not wait for it. Otherwise through pinned memory where it is small, as most
 * reads are, at the end of the list; a large one waits but once. */
brn_status brn_cuda_read(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    brn_cuda *cu = q->impl;
    if (bytes == 0) return BRN_OK;
    if (cu->lost != BRN_OK) return brn_fail_copy(cu->lost, cu->lost_text);
    if (!named(cu, from)) return brn_cuda_read_aside(q, from, to, bytes);
    if (bytes <= BRN_CUDA_STAGE_HALF) {
        void *stage = cu->stage + BRN_CUDA_READS;
        BRN_TRY(add_copy(q, BRN_COMMAND_DOWNLOAD, from, NULL, stage, bytes));
        BRN_TRY(brn_cuda_flush(q));
        BRN_TRY(wait_for_all(q, bytes));
        memcpy(to, stage, bytes);
        return BRN_OK;
    }
    BRN_TRY(brn_cuda_flush(q));
    BRN_TRY(brn_cuda_enter(cu));
    BRN_TRY(brn_cuda_submitted(q, brn_cu.cuMemcpyDtoHAsync_v2(to, brn_cuda_address(from), bytes, cu->stream), "cuMemcpyDtoHAsync", bytes));
    return wait_for_all(q, bytes);
}

brn_status brn_cuda_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    return bytes ? add_copy(q, BRN_COMMAND_COPY, to, &from, NULL, bytes) : BRN_OK;
}

brn_status brn_cuda_zero(brn_queue *q, brn_view to, size_t bytes) { return bytes ? add_copy(q, BRN_COMMAND_ZERO, to, NULL, NULL, bytes) : BRN_OK; }

brn_status brn_cuda_kernel(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    brn_cuda *cu = q->impl;
    if (rows <= 0 || (brn_kernel_table[kernel].spread && feats <= 0)) return BRN_OK;
    BRN_TRY(make_room(q));
    for (int i = 0; i < count; ++i) name(cu, views[i]);
    return brn_commands_kernel(&cu->list, kernel, params, size, rows, feats, views, count);
}

brn_status brn_cuda_gemm_command(brn_queue *q, const brn_gemm_args *args)
{
    brn_cuda *cu = q->impl;
    if (args->m <= 0 || args->n <= 0) return BRN_OK;
    BRN_TRY(make_room(q));
    name(cu, args->a), name(cu, args->b), name(cu, args->c);
    return brn_commands_product(&cu->list, args);
}

/* The body is listed once. */
brn_status brn_cuda_repeat(brn_queue *q, brn_view counter, int floor, brn_repeat_fn body, void *context)
{
    brn_cuda *cu = q->impl;
    BRN_TRY(make_room(q));
    const int before = cu->list.count;
    name(cu, counter);
    BRN_TRY(brn_commands_open_repeat(&cu->list, counter, floor));
    const brn_status status = body(context, q);
    if (status == BRN_OK) {
        brn_commands_close_repeat(&cu->list);
        return BRN_OK;
    }
    cu->list.count = before;
    cu->list.open = 0;
    return status;
}
