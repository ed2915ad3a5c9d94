/* Streams: lists of work that is done when something waits for it, and not before. A stream that waits for an event has
 * the other stream's work done first, up to where the event was recorded. */
#include "standin.h"

#include <stdlib.h>
#include <string.h>

typedef struct piece {
    struct piece *next;
    const standin_op *op; /* NULL: wait for the first `until` pieces of stream `of` */
    struct CUstream_st *of;
    long until;
    _Alignas(16) char data[];
} piece;

typedef struct CUstream_st {
    struct CUstream_st *next;
    piece *first, **last;
    long added, done;
    bool running;
    int slot;
    standin_clock clock; /* what comes before its next piece of work */
    standin_capture *capture;
} stream;

typedef struct CUevent_st {
    stream *on; /* NULL: never recorded */
    long after; /* how many pieces had been added then */
    standin_clock clock;
    standin_mark *mark; /* recorded in a capture */
} event;

static stream *streams;
static standin_clock host; /* what the host waited for */
static long numbers[STANDIN_STREAMS_MOST]; /* go on where a slot is taken again */

/* ---- work -------------------------------------------------------------------------------------- */

static void check(void *context, const char *name, brn_cu_ptr at, size_t bytes, bool write)
{
    (void)context, (void)write;
    standin_memory_check(name, at, bytes);
}

static void order(void *context, const char *name, brn_cu_ptr at, size_t bytes, bool write)
{
    const stream *s = context;
    (void)bytes;
    standin_order_use(s->slot, &s->clock, name, at, write);
}

static piece *append(stream *s, size_t size)
{
    piece *p = calloc(1, sizeof *p + size);
    *s->last = p;
    s->last = &p->next;
    ++s->added;
    return p;
}

brn_cu_code standin_enqueue(brn_cu_stream s, const standin_op *op, const void *data, size_t size)
{
    if (!standin_has(STREAM, s)) return INVALID_HANDLE;
    op->spans(data, check, NULL);
    if (s->capture) return standin_capture_add(s->capture, op, data, size);
    standin_clock_merge(&s->clock, &host);
    s->clock.of[s->slot] = ++numbers[s->slot];
    op->spans(data, order, s);
    piece *p = append(s, size);
    p->op = op;
    memcpy(p->data, data, size);
    if (op->take) op->take(p->data);
    standin_counts.launches += op->launch;
    return 0;
}

static void run_until(stream *s, long count)
{
    if (s->running) return; /* it is what the wait below came from */
    s->running = true;
    while (s->done < count) {
        piece *p = s->first;
        s->first = p->next;
        if (!s->first) s->last = &s->first;
        ++s->done;
        if (p->op) p->op->run(p->data);
        else if (standin_has(STREAM, p->of)) run_until(p->of, p->until);
        free(p);
    }
    s->running = false;
}

void standin_finish(brn_cu_stream s)
{
    if (s) {
        run_until(s, s->added);
        standin_clock_merge(&host, &s->clock);
        return;
    }
    for (stream *each = streams; each; each = each->next) standin_finish(each);
}

bool standin_idle(void)
{
    for (const stream *each = streams; each; each = each->next)
        if (each->done < each->added) return false;
    return true;
}

standin_capture **standin_stream_capture(brn_cu_stream s) { return standin_has(STREAM, s) ? &s->capture : NULL; }
brn_cu_stream standin_next_stream(brn_cu_stream s) { return s ? s->next : streams; }

/* ---- streams ----------------------------------------------------------------------------------- */

STANDIN_API brn_cu_code cuStreamCreate(brn_cu_stream *out, unsigned flags)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamCreate");
    if (code) return code;
    if (flags > 1 || !out) return INVALID_VALUE;
    stream *s = calloc(1, sizeof *s);
    s->last = &s->first;
    s->next = streams;
    s->slot = standin_order_open();
    streams = s;
    standin_add(STREAM, s, 0);
    *out = s;
    return 0;
}

STANDIN_API brn_cu_code cuStreamDestroy_v2(brn_cu_stream s)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamDestroy_v2");
    if (!standin_has(STREAM, s)) return code ? code : INVALID_HANDLE;
    if (s->capture) standin_wrong("cuStreamDestroy: the stream captures");
    standin_finish(s);
    standin_remove(STREAM, s);
    standin_order_close(s->slot);
    stream **at = &streams;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    free(s);
    return code;
}

STANDIN_API brn_cu_code cuStreamSynchronize(brn_cu_stream s)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamSynchronize");
    if (!standin_has(STREAM, s)) return code ? code : INVALID_HANDLE;
    if (s->capture && !code) return standin_capture_spoil(s->capture, CAPTURE_UNSUPPORTED);
    ++standin_counts.waits;
    standin_finish(s);
    return code;
}

STANDIN_API brn_cu_code cuStreamWaitEvent(brn_cu_stream s, brn_cu_event e, unsigned flags)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamWaitEvent");
    if (code) return code;
    if (flags > 1) return INVALID_VALUE;
    if (!standin_has(EVENT, e) || !standin_has(STREAM, s)) return INVALID_HANDLE;
    if (e->mark) return standin_mark_wait(s, e->mark);
    if (s->capture) return standin_capture_spoil(s->capture, CAPTURE_ISOLATION);
    if (!e->on || !standin_has(STREAM, e->on) || e->on == s) return 0;
    piece *p = append(s, 0);
    p->of = e->on;
    p->until = e->after;
    standin_clock_merge(&s->clock, &e->clock);
    return 0;
}

/* ---- events ------------------------------------------------------------------------------------ */

STANDIN_API brn_cu_code cuEventCreate(brn_cu_event *out, unsigned flags)
{
    const brn_cu_code code = standin_begin_in_context("cuEventCreate");
    if (code) return code;
    if (flags > 7 || !out) return INVALID_VALUE;
    *out = calloc(1, sizeof **out);
    standin_add(EVENT, *out, 0);
    return 0;
}

STANDIN_API brn_cu_code cuEventDestroy_v2(brn_cu_event e)
{
    const brn_cu_code code = standin_begin_in_context("cuEventDestroy_v2");
    if (!standin_remove(EVENT, e)) return code ? code : INVALID_HANDLE;
    standin_mark_free(e->mark);
    free(e);
    return code;
}

STANDIN_API brn_cu_code cuEventRecord(brn_cu_event e, brn_cu_stream s)
{
    const brn_cu_code code = standin_begin_in_context("cuEventRecord");
    if (code) return code;
    if (!standin_has(EVENT, e) || !standin_has(STREAM, s)) return INVALID_HANDLE;
    standin_mark_free(e->mark);
    *e = (event){.on = s, .after = s->added, .clock = s->clock};
    if (s->capture) e->mark = standin_mark_of(s->capture);
    return 0;
}

STANDIN_API brn_cu_code cuEventSynchronize(brn_cu_event e)
{
    const brn_cu_code code = standin_begin_in_context("cuEventSynchronize");
    if (code) return code;
    if (!standin_has(EVENT, e)) return INVALID_HANDLE;
    if (e->mark) return CAPTURED_EVENT;
    ++standin_counts.waits;
    if (e->on && standin_has(STREAM, e->on)) run_until(e->on, e->after);
    standin_clock_merge(&host, &e->clock);
    return 0;
}
