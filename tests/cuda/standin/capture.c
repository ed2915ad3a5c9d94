/* Stream capture: what is given to a stream makes nodes of a graph. A capture goes over to a stream that waits for an event
 * recorded in it, and has to be joined again before it ends. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

enum { DEPENDENCIES_MOST = 64 };

/* From the beginning of a capture to its end, over all its streams. */
typedef struct session {
    struct session *next;
    struct CUgraph_st *graph;
    brn_cu_stream origin;
    bool given, spoiled; /* given: the caller's graph */
    int mode;
    uint64_t id;
} session;

/* What a stream carries: the session, and the nodes that its next one comes after. */
struct standin_capture {
    session *in;
    int count;
    brn_cu_node after[DEPENDENCIES_MOST];
};

struct standin_mark {
    uint64_t id;
    int count;
    brn_cu_node after[DEPENDENCIES_MOST];
};

static session *sessions;
static uint64_t ids;

brn_cu_code standin_capture_spoil(standin_capture *c, brn_cu_code code)
{
    if (c->in->spoiled) return CAPTURE_INVALIDATED;
    c->in->spoiled = true;
    return code;
}

brn_cu_code standin_capture_refuse(void)
{
    bool any = false;
    for (session *s = sessions; s; s = s->next) {
        if (s->mode == BRN_CU_CAPTURE_RELAXED) continue;
        any = s->spoiled = true;
    }
    return any ? CAPTURE_UNSUPPORTED : 0;
}

brn_cu_code standin_capture_add(standin_capture *c, const standin_op *op, const void *data, size_t size)
{
    if (c->in->spoiled) return CAPTURE_INVALIDATED;
    if (op->node == STANDIN_NO_NODE) return standin_capture_spoil(c, CAPTURE_UNSUPPORTED);
    brn_cu_node node = standin_graph_add(c->in->graph, op->node, op, data, size, c->after, c->count);
    c->after[0] = node;
    c->count = 1;
    return 0;
}

static bool add_after(standin_capture *c, const brn_cu_node *nodes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        bool known = !standin_has(NODE, nodes[i]);
        if (known) return false;
        for (int k = 0; k < c->count; ++k) known = known || c->after[k] == nodes[i];
        if (known) continue;
        if (c->count == DEPENDENCIES_MOST) standin_wrong("more than %d nodes before one", DEPENDENCIES_MOST);
        c->after[c->count++] = nodes[i];
    }
    return true;
}

/* ---- events ------------------------------------------------------------------------------------ */

standin_mark *standin_mark_of(const standin_capture *c)
{
    standin_mark *m = calloc(1, sizeof *m);
    m->id = c->in->id;
    m->count = c->count;
    memcpy(m->after, c->after, sizeof m->after);
    return m;
}

void standin_mark_free(standin_mark *m) { free(m); }

brn_cu_code standin_mark_wait(brn_cu_stream stream, const standin_mark *m)
{
    standin_capture **here = standin_stream_capture(stream);
    session *in = sessions;
    while (in && in->id != m->id) in = in->next;
    if (!in) return *here ? standin_capture_spoil(*here, CAPTURE_ISOLATION) : CAPTURED_EVENT;
    if (*here && (*here)->in != in) {
        in->spoiled = true;
        return standin_capture_spoil(*here, CAPTURE_MERGE);
    }
    if (!*here) {
        *here = calloc(1, sizeof **here);
        (*here)->in = in;
    }
    add_after(*here, m->after, (size_t)m->count);
    return in->spoiled ? CAPTURE_INVALIDATED : 0;
}

/* ---- beginning and end ------------------------------------------------------------------------- */

static brn_cu_code begin_capture(brn_cu_stream stream, brn_cu_graph graph, const brn_cu_node *after, size_t count, int mode)
{
    standin_capture **here = standin_stream_capture(stream);
    if (mode < 0 || mode > 2) return INVALID_VALUE;
    if (!here) return INVALID_HANDLE;
    if (*here) return ILLEGAL_STATE;
    session *s = calloc(1, sizeof *s);
    *s = (session){.next = sessions, .graph = graph ? graph : standin_graph_new(NULL), .origin = stream, .given = graph, .mode = mode, .id = ++ids};
    sessions = s;
    *here = calloc(1, sizeof **here);
    (*here)->in = s;
    if (add_after(*here, after, count)) return 0;
    s->spoiled = true;
    return INVALID_VALUE;
}

STANDIN_API brn_cu_code cuStreamBeginCapture_v2(brn_cu_stream stream, int mode)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamBeginCapture_v2");
    return code ? code : begin_capture(stream, NULL, NULL, 0, mode);
}

STANDIN_API brn_cu_code cuStreamBeginCaptureToGraph(brn_cu_stream stream, brn_cu_graph graph, const brn_cu_node *after, const void *edges, size_t count,
                                                    int mode)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamBeginCaptureToGraph");
    if (code) return code;
    if (!standin_conditional_here()) return NOT_SUPPORTED;
    return standin_has(GRAPH, graph) && !edges ? begin_capture(stream, graph, after, count, mode) : INVALID_VALUE;
}

/* Whether all that the streams of a session have captured comes before what its origin did last. */
static bool joined(const session *s)
{
    const standin_capture *origin = *standin_stream_capture(s->origin);
    standin_graph_mark(s->graph, origin->after, origin->count);
    for (brn_cu_stream each = standin_next_stream(NULL); each; each = standin_next_stream(each)) {
        const standin_capture *c = *standin_stream_capture(each);
        for (int i = 0; c && c->in == s && i < c->count; ++i)
            if (!standin_node_marked(c->after[i])) return false;
    }
    return true;
}

static void end_session(session *s)
{
    for (brn_cu_stream each = standin_next_stream(NULL); each; each = standin_next_stream(each)) {
        standin_capture **c = standin_stream_capture(each);
        if (!*c || (*c)->in != s) continue;
        free(*c);
        *c = NULL;
    }
    session **at = &sessions;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    free(s);
}

STANDIN_API brn_cu_code cuStreamEndCapture(brn_cu_stream stream, brn_cu_graph *graph)
{
    brn_cu_code code = standin_begin_in_context("cuStreamEndCapture");
    standin_capture **here = standin_stream_capture(stream);
    if (!here || !graph) return code ? code : INVALID_VALUE;
    *graph = NULL;
    if (!*here) return code ? code : ILLEGAL_STATE;
    session *s = (*here)->in;
    if (s->origin != stream) return code ? code : standin_capture_spoil(*here, CAPTURE_UNMATCHED);
    if (!code && s->spoiled) code = CAPTURE_INVALIDATED;
    if (!code && !joined(s)) code = CAPTURE_UNJOINED;
    if (!code) *graph = s->graph;
    else if (!s->given) standin_graph_free(s->graph);
    end_session(s);
    return code;
}

STANDIN_API brn_cu_code cuStreamGetCaptureInfo_v2(brn_cu_stream stream, int *status, uint64_t *id, brn_cu_graph *graph, const brn_cu_node **after,
                                                  size_t *count)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamGetCaptureInfo_v2");
    standin_capture **here = standin_stream_capture(stream);
    if (code) return code;
    if (!here) return INVALID_HANDLE;
    const standin_capture *c = *here;
    *status = !c ? BRN_CU_CAPTURE_NONE : c->in->spoiled ? BRN_CU_CAPTURE_INVALIDATED : BRN_CU_CAPTURE_ACTIVE;
    if (*status != BRN_CU_CAPTURE_ACTIVE) return 0;
    if (id) *id = c->in->id;
    if (graph) *graph = c->in->graph;
    if (after) *after = c->after;
    if (count) *count = (size_t)c->count;
    return 0;
}

STANDIN_API brn_cu_code cuStreamUpdateCaptureDependencies(brn_cu_stream stream, brn_cu_node *after, size_t count, unsigned flags)
{
    const brn_cu_code code = standin_begin_in_context("cuStreamUpdateCaptureDependencies");
    standin_capture **here = standin_stream_capture(stream);
    if (code) return code;
    if (!here) return INVALID_HANDLE;
    if (!*here) return ILLEGAL_STATE;
    if (flags > 1) return INVALID_VALUE;
    if (flags == BRN_CU_SET_DEPENDENCIES) (*here)->count = 0;
    return add_after(*here, after, count) ? 0 : INVALID_VALUE;
}
