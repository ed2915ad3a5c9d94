/* Copies beside the computation, on a stream of their own: the rows of the next batch go up, and what a list has left
 * comes down, while lists that have nothing to do with them run. The driver orders them by events outside every graph: one
 * behind each list, for the copies of buffers that it names, and one behind the uploads, for the lists to come. */
#include "cuda/cuda.h"

#include <string.h>

enum { ALIGN = 16 };

static brn_status check(const brn_cuda *cu, brn_cu_code code, const char *call, const char *on)
{
    return code == 0 ? BRN_OK : brn_cuda_fail(cu, code, call, "%s", on);
}

static brn_status create_event(const brn_cuda *cu, brn_cu_event *event)
{
    return check(cu, brn_cu.cuEventCreate(event, BRN_CU_EVENT_DISABLE_TIMING), "cuEventCreate", "untimed");
}

brn_status brn_cuda_aside_open(brn_cuda *cu)
{
    BRN_TRY(check(cu, brn_cu.cuStreamCreate(&cu->aside, BRN_CU_STREAM_NON_BLOCKING), "cuStreamCreate", "for copies"));
    for (int i = 0; i < BRN_CUDA_LISTS; ++i) BRN_TRY(create_event(cu, &cu->behind[i]));
    for (int h = 0; h < 2; ++h) {
        BRN_TRY(create_event(cu, &cu->listed.done[h]));
        BRN_TRY(create_event(cu, &cu->beside.done[h]));
    }
    cu->number = 1;
    return create_event(cu, &cu->uploaded);
}

static void destroy_event(brn_cu_event event)
{
    if (event) brn_cu.cuEventDestroy_v2(event);
}

/* What it copied is done already, or lost with the device. */
void brn_cuda_aside_close(brn_cuda *cu)
{
    for (int i = 0; i < BRN_CUDA_LISTS; ++i) destroy_event(cu->behind[i]);
    for (int h = 0; h < 2; ++h) destroy_event(cu->listed.done[h]), destroy_event(cu->beside.done[h]);
    destroy_event(cu->uploaded);
    if (cu->aside) brn_cu.cuStreamDestroy_v2(cu->aside);
}

/* ---- order ------------------------------------------------------------------------------------- */

brn_status brn_cuda_list_handed_over(brn_cuda *cu)
{
    BRN_TRY(check(cu, brn_cu.cuEventRecord(cu->behind[cu->number % BRN_CUDA_LISTS], cu->stream), "cuEventRecord", "behind a list"));
    ++cu->number;
    return BRN_OK;
}

void brn_cuda_lists_ended(brn_cuda *cu, uint64_t number)
{
    if (number > cu->ended) cu->ended = number;
    if (cu->ended >= cu->last_upload) brn_cuda_halves_reset(&cu->listed); /* so that equal steps stage at equal places */
}

/* Copies to come wait for a list that was handed over; where its event is another list's by now, for the first that is not. */
static brn_status wait_for_list(brn_cuda *cu, uint64_t number)
{
    if (number <= cu->ended) return BRN_OK;
    const uint64_t oldest = cu->number > BRN_CUDA_LISTS ? cu->number - BRN_CUDA_LISTS : 1, list = number > oldest ? number : oldest;
    return check(cu, brn_cu.cuStreamWaitEvent(cu->aside, cu->behind[list % BRN_CUDA_LISTS], 0), "cuStreamWaitEvent", "behind a list");
}

brn_status brn_cuda_follow_uploads(brn_cuda *cu)
{
    if (!cu->ahead) return BRN_OK;
    BRN_TRY(check(cu, brn_cu.cuEventRecord(cu->uploaded, cu->aside), "cuEventRecord", "behind uploads"));
    BRN_TRY(check(cu, brn_cu.cuStreamWaitEvent(cu->stream, cu->uploaded, 0), "cuStreamWaitEvent", "behind uploads"));
    cu->ahead = false;
    return BRN_OK;
}

/* ---- staging memory ---------------------------------------------------------------------------- */

void brn_cuda_halves_reset(brn_cuda_halves *s)
{
    s->filled = 0;
    s->half = 0;
    s->pending[0] = s->pending[1] = false;
}

/* Go over to the other half: everything on the stream so far may read this one. */
static brn_status other_half(brn_queue *q, brn_cuda_halves *s, brn_cu_stream stream)
{
    brn_cuda *cu = q->impl;
    if (s == &cu->listed) BRN_TRY(brn_cuda_flush(q));
    BRN_TRY(brn_cuda_enter(cu));
    BRN_TRY(check(cu, brn_cu.cuEventRecord(s->done[s->half], stream), "cuEventRecord", "behind uploads"));
    s->pending[s->half] = true;
    s->half ^= 1;
    s->filled = 0;
    if (!s->pending[s->half]) return BRN_OK;
    s->pending[s->half] = false;
    return brn_cuda_waited(q, brn_cu.cuEventSynchronize(s->done[s->half]), "cuEventSynchronize", BRN_CUDA_STAGE_HALF);
}

brn_status brn_cuda_halves_take(brn_queue *q, brn_cuda_halves *s, brn_cu_stream stream, size_t bytes, char **at, size_t *piece)
{
    *piece = bytes < BRN_CUDA_STAGE_HALF ? bytes : BRN_CUDA_STAGE_HALF;
    if (*piece > BRN_CUDA_STAGE_HALF - s->filled) BRN_TRY(other_half(q, s, stream));
    *at = s->memory + (size_t)s->half * BRN_CUDA_STAGE_HALF + s->filled;
    s->filled += (*piece + ALIGN - 1) / ALIGN * ALIGN;
    return BRN_OK;
}

/* ---- copies ------------------------------------------------------------------------------------ */

brn_status brn_cuda_write_aside(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    brn_cuda *cu = q->impl;
    const char *next = from;
    BRN_TRY(brn_cuda_enter(cu));
    BRN_TRY(wait_for_list(cu, brn_cuda_block_of(to)->used));
    for (size_t piece; bytes > 0; to.off += piece / to.buf->elem, next += piece, bytes -= piece) {
        char *stage;
        BRN_TRY(brn_cuda_halves_take(q, &cu->beside, cu->aside, bytes, &stage, &piece));
        memcpy(stage, next, piece);
        cu->ahead = true;
        BRN_TRY(brn_cuda_submitted(q, brn_cu.cuMemcpyHtoDAsync_v2(brn_cuda_address(to), stage, piece, cu->aside), "cuMemcpyHtoDAsync", piece));
    }
    return BRN_OK;
}

/* The host waits for the copies, and so for the list that they waited for, and not for those behind it. */
brn_status brn_cuda_read_aside(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    brn_cuda *cu = q->impl;
    const uint64_t list = brn_cuda_block_of(from)->used;
    void *stage = bytes <= BRN_CUDA_STAGE_HALF ? cu->stage + BRN_CUDA_READS : to;
    BRN_TRY(brn_cuda_enter(cu));
    BRN_TRY(wait_for_list(cu, list));
    BRN_TRY(brn_cuda_submitted(q, brn_cu.cuMemcpyDtoHAsync_v2(stage, brn_cuda_address(from), bytes, cu->aside), "cuMemcpyDtoHAsync", bytes));
    BRN_TRY(brn_cuda_waited(q, brn_cu.cuStreamSynchronize(cu->aside), "cuStreamSynchronize", bytes));
    if (stage != to) memcpy(to, stage, bytes);
    cu->ahead = false;
    brn_cuda_halves_reset(&cu->beside);
    brn_cuda_lists_ended(cu, list);
    return BRN_OK;
}
