/* Streams: lists of work that is done when something waits for it, and not before. */
#include "standin.h"

#include <stdlib.h>
#include <string.h>

typedef struct piece {
    struct piece *next;
    standin_work run;
    _Alignas(16) char data[];
} piece;

typedef struct CUstream_st {
    struct CUstream_st *next;
    piece *first, **last;
    long added, done;
} stream;

typedef struct CUevent_st {
    stream *on; /* NULL: never recorded */
    long after; /* how many pieces had been added then */
} event;

static stream *streams;

brn_cu_code standin_enqueue(brn_cu_stream s, standin_work run, const void *data, size_t size)
{
    if (!standin_has(STREAM, s)) return INVALID_HANDLE;
    piece *p = malloc(sizeof *p + size);
    p->next = NULL;
    p->run = run;
    memcpy(p->data, data, size);
    *s->last = p;
    s->last = &p->next;
    ++s->added;
    return 0;
}

static void run_until(stream *s, long count)
{
    while (s->done < count) {
        piece *p = s->first;
        s->first = p->next;
        if (!s->first) s->last = &s->first;
        ++s->done;
        p->run(p->data);
        free(p);
    }
}

void standin_finish(brn_cu_stream s)
{
    if (s) run_until(s, s->added);
    else
        for (stream *each = streams; each; each = each->next) run_until(each, each->added);
}

bool standin_idle(void)
{
    for (const stream *each = streams; each; each = each->next)
        if (each->done < each->added) return false;
    return true;
}

STANDIN_API brn_cu_code cuStreamCreate(brn_cu_stream *out, unsigned flags)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    if (flags > 1 || !out) return INVALID_VALUE;
    stream *s = calloc(1, sizeof *s);
    s->last = &s->first;
    s->next = streams;
    streams = s;
    standin_add(STREAM, s, 0);
    *out = s;
    return 0;
}

STANDIN_API brn_cu_code cuStreamDestroy_v2(brn_cu_stream s)
{
    const brn_cu_code code = standin_begin_in_context();
    if (!standin_has(STREAM, s)) return code ? code : INVALID_HANDLE;
    standin_finish(s);
    standin_remove(STREAM, s);
    stream **at = &streams;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    free(s);
    return code;
}

STANDIN_API brn_cu_code cuStreamSynchronize(brn_cu_stream s)
{
    const brn_cu_code code = standin_begin_in_context();
    if (!standin_has(STREAM, s)) return code ? code : INVALID_HANDLE;
    standin_finish(s);
    return code;
}

STANDIN_API brn_cu_code cuEventCreate(brn_cu_event *out, unsigned flags)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    if (flags > 7 || !out) return INVALID_VALUE;
    *out = calloc(1, sizeof **out);
    standin_add(EVENT, *out, 0);
    return 0;
}

STANDIN_API brn_cu_code cuEventDestroy_v2(brn_cu_event e)
{
    const brn_cu_code code = standin_begin_in_context();
    if (!standin_remove(EVENT, e)) return code ? code : INVALID_HANDLE;
    free(e);
    return code;
}

STANDIN_API brn_cu_code cuEventRecord(brn_cu_event e, brn_cu_stream s)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    if (!standin_has(EVENT, e) || !standin_has(STREAM, s)) return INVALID_HANDLE;
    *e = (event){s, s->added};
    return 0;
}

STANDIN_API brn_cu_code cuEventSynchronize(brn_cu_event e)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    if (!standin_has(EVENT, e)) return INVALID_HANDLE;
    if (e->on && standin_has(STREAM, e->on)) run_until(e->on, e->after);
    return 0;
}
