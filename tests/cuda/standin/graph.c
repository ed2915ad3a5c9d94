/* Graphs: nodes of work in an order, run as one. What is instantiated is a copy, and what is launched a copy of that, as
 * with the driver: parameters set later change later launches only. Nodes that are not ordered run last come, first served. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

enum { BODIES_MOST = 2, TURNS_MOST = 1000000 };

typedef struct CUgraphNode_st {
    brn_cu_graph graph;
    int type;
    const standin_op *op; /* NULL: none, as a conditional node has */
    void *data;
    size_t size;
    int index, after_count;
    brn_cu_node *after;
    brn_cu_condition condition;
    int kind, body_count;
    brn_cu_graph body[BODIES_MOST];
    void *arguments[24]; /* into data */
    bool marked;
    brn_cu_node origin; /* of a copy: the node of the graph that was instantiated */
} node;

typedef struct CUgraph_st {
    brn_cu_graph parent;
    node **nodes;
    int count, room;
    bool copy;
} graph;

typedef struct CUgraphExec_st {
    graph *nodes;
    int launched; /* and not run yet */
} exec;

/* ---- conditions -------------------------------------------------------------------------------- */

typedef struct {
    graph *owner;
    unsigned start, flags, value;
    int nodes; /* that look at it */
} condition;

static condition *conditions; /* condition i is handle i + 1 */
static size_t condition_count;

static condition *condition_of(brn_cu_condition handle)
{
    return handle > 0 && handle <= condition_count ? &conditions[handle - 1] : NULL;
}

void standin_set_condition(unsigned long long handle, unsigned value)
{
    condition *c = condition_of(handle);
    if (!c) standin_wrong("cudaGraphSetConditional: %#llx is no condition", handle);
    c->value = value;
}

bool standin_conditional_here(void) { return standin_environment("BRENIER_STANDIN_DRIVER", 12090) >= 12030; }

STANDIN_API brn_cu_code cuGraphConditionalHandleCreate(brn_cu_condition *out, brn_cu_graph owner, brn_cu_context context, unsigned start, unsigned flags)
{
    const brn_cu_code code = standin_begin_in_context("cuGraphConditionalHandleCreate");
    if (code) return code;
    if (!standin_conditional_here()) return NOT_SUPPORTED;
    if (!out || !standin_has(GRAPH, owner) || !context || flags > BRN_CU_CONDITION_DEFAULT) return INVALID_VALUE;
    conditions = realloc(conditions, (condition_count + 1) * sizeof *conditions);
    conditions[condition_count++] = (condition){.owner = owner, .start = start, .flags = flags};
    *out = condition_count;
    return 0;
}

/* ---- graphs ------------------------------------------------------------------------------------ */

brn_cu_graph standin_graph_new(brn_cu_graph parent)
{
    graph *g = calloc(1, sizeof *g);
    g->parent = parent;
    standin_add(GRAPH, g, 0);
    return g;
}

static node *append(graph *g, const node *like)
{
    node *n = malloc(sizeof *n);
    *n = *like;
    n->graph = g;
    n->index = g->count;
    n->after = calloc((size_t)n->after_count + 1, sizeof *n->after);
    if (like->size) {
        n->data = malloc(like->size);
        memcpy(n->data, like->data, like->size);
    }
    if (g->count == g->room) g->nodes = realloc(g->nodes, (size_t)(g->room = 2 * g->room + 16) * sizeof *g->nodes);
    return g->nodes[g->count++] = n;
}

brn_cu_node standin_graph_add(brn_cu_graph g, int type, const standin_op *op, const void *data, size_t size, const brn_cu_node *after, int count)
{
    node *n = append(g, &(node){.type = type, .op = op, .data = (void *)(uintptr_t)data, .size = size, .after_count = count});
    if (count) memcpy(n->after, after, (size_t)count * sizeof *n->after);
    standin_add(NODE, n, 0);
    return n;
}

void standin_graph_free(brn_cu_graph g)
{
    for (int i = 0; i < g->count; ++i) {
        node *n = g->nodes[i];
        for (int b = 0; b < n->body_count; ++b) standin_graph_free(n->body[b]);
        if (!g->copy) standin_remove(NODE, n);
        free(n->data), free(n->after), free(n);
    }
    if (!g->copy) standin_remove(GRAPH, g);
    free(g->nodes), free(g);
}

static graph *copy_of(const graph *g)
{
    graph *c = calloc(1, sizeof *c);
    c->copy = true;
    for (int i = 0; i < g->count; ++i) {
        const node *from = g->nodes[i];
        node *n = append(c, from);
        if (!g->copy) n->origin = g->nodes[i];
        for (int a = 0; a < n->after_count; ++a) n->after[a] = c->nodes[from->after[a]->index];
        for (int b = 0; b < n->body_count; ++b) n->body[b] = copy_of(from->body[b]);
    }
    return c;
}

static void mark(node *n)
{
    if (n->marked) return;
    n->marked = true;
    for (int i = 0; i < n->after_count; ++i) mark(n->after[i]);
}

void standin_graph_mark(brn_cu_graph g, const brn_cu_node *last, int count)
{
    for (int i = 0; i < g->count; ++i) g->nodes[i]->marked = false;
    for (int i = 0; i < count; ++i) mark(last[i]);
}

bool standin_node_marked(brn_cu_node n) { return n->marked; }

STANDIN_API brn_cu_code cuGraphCreate(brn_cu_graph *out, unsigned flags)
{
    const brn_cu_code code = standin_begin("cuGraphCreate");
    if (code) return code;
    if (!out || flags) return INVALID_VALUE;
    *out = standin_graph_new(NULL);
    return 0;
}

STANDIN_API brn_cu_code cuGraphDestroy(brn_cu_graph g)
{
    const brn_cu_code code = standin_begin("cuGraphDestroy");
    if (!standin_has(GRAPH, g) || g->parent) return code ? code : INVALID_VALUE;
    standin_graph_free(g);
    return code;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

STANDIN_API brn_cu_code cuGraphGetNodes(brn_cu_graph g, brn_cu_node *nodes, size_t *count)
{
    const brn_cu_code code = standin_begin("cuGraphGetNodes");
    if (code) return code;
    if (!standin_has(GRAPH, g) || !count) return INVALID_VALUE;
    for (size_t i = 0; nodes && i < *count; ++i) nodes[i] = i < (size_t)g->count ? g->nodes[i] : NULL;
    if (!nodes || *count > (size_t)g->count) *count = (size_t)g->count;
    return 0;
}

STANDIN_API brn_cu_code cuGraphNodeGetType(brn_cu_node n, int *type)
{
    const brn_cu_code code = standin_begin("cuGraphNodeGetType");
    if (code) return code;
    if (!standin_has(NODE, n)) return INVALID_VALUE;
    *type = n->type;
    return 0;
}

/* The arguments stay the node's. Of a product it gives a function that nothing can be done with, as cuBLAS's own. */
STANDIN_API brn_cu_code cuGraphKernelNodeGetParams_v2(brn_cu_node n, brn_cu_kernel_params *params)
{
    static char foreign;
    const brn_cu_code code = standin_begin("cuGraphKernelNodeGetParams_v2");
    if (code) return code;
    if (!standin_has(NODE, n) || n->type != BRN_CU_NODE_KERNEL) return INVALID_VALUE;
    if (n->op == &standin_kernel_op) standin_kernel_params(n->data, n->arguments, params);
    else *params = (brn_cu_kernel_params){.f = (brn_cu_function)(void *)&foreign, .grid_x = 1, .grid_y = 1, .grid_z = 1, .block_x = 1, .block_y = 1, .block_z = 1};
    return 0;
}

static bool owned_above(const graph *g, const graph *owner)
{
    for (; g; g = g->parent)
        if (g == owner) return true;
    return false;
}

static bool all_nodes_of(const graph *g, const brn_cu_node *nodes, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        if (!standin_has(NODE, nodes[i]) || nodes[i]->graph != g) return false;
    return true;
}

STANDIN_API brn_cu_code cuGraphAddNode_v2(brn_cu_node *out, brn_cu_graph g, const brn_cu_node *after, const void *edges, size_t count,
                                          brn_cu_node_params *params)
{
    const brn_cu_code code = standin_begin_in_context("cuGraphAddNode_v2");
    if (code) return code;
    if (!out || !standin_has(GRAPH, g) || edges || !all_nodes_of(g, after, count) || params->zero[0] || params->zero[1] || params->zero[2] || params->zeros)
        return INVALID_VALUE;
    if (params->type == BRN_CU_NODE_EMPTY) {
        *out = standin_graph_add(g, BRN_CU_NODE_EMPTY, NULL, NULL, 0, after, (int)count);
        return 0;
    }
    condition *c = condition_of(params->conditional.handle);
    const bool loop = params->conditional.kind == BRN_CU_CONDITION_WHILE;
    if (params->type != BRN_CU_NODE_CONDITIONAL || !c || !owned_above(g, c->owner) || (!loop && params->conditional.kind != BRN_CU_CONDITION_IF) ||
        params->conditional.size < 1 || params->conditional.size > (loop ? 1u : BODIES_MOST) || !params->conditional.context || c->nodes++)
        return INVALID_VALUE;
    node *n = standin_graph_add(g, BRN_CU_NODE_CONDITIONAL, NULL, NULL, 0, after, (int)count);
    n->condition = params->conditional.handle;
    n->kind = params->conditional.kind;
    n->body_count = (int)params->conditional.size;
    for (int b = 0; b < n->body_count; ++b) n->body[b] = standin_graph_new(g);
    params->conditional.bodies = n->body;
    *out = n;
    return 0;
}

/* ---- running ----------------------------------------------------------------------------------- */

static void run_graph(graph *g);

static void run_conditional(const node *n)
{
    const condition *c = condition_of(n->condition);
    if (n->kind == BRN_CU_CONDITION_IF) {
        if (c->value) run_graph(n->body[0]);
        else if (n->body_count == 2) run_graph(n->body[1]);
        return;
    }
    for (long turns = 0; c->value; ++turns) {
        if (turns == TURNS_MOST) standin_wrong("the loop of a graph does not end");
        run_graph(n->body[0]);
        c = condition_of(n->condition);
    }
}

static void run_node(node *n)
{
    if (n->marked) return;
    n->marked = true;
    for (int i = n->after_count - 1; i >= 0; --i) run_node(n->after[i]);
    if (n->op) n->op->run(n->data), ++standin_counts.nodes;
    else if (n->type == BRN_CU_NODE_CONDITIONAL) run_conditional(n);
}

static void run_graph(graph *g)
{
    for (int i = 0; i < g->count; ++i) g->nodes[i]->marked = false;
    for (int i = g->count - 1; i >= 0; --i) run_node(g->nodes[i]);
}

typedef struct {
    exec *of;
    graph *nodes;
} launch;

static void graph_spans(const graph *g, standin_visit *visit, void *context)
{
    for (int i = 0; i < g->count; ++i) {
        if (g->nodes[i]->op) g->nodes[i]->op->spans(g->nodes[i]->data, visit, context);
        for (int b = 0; b < g->nodes[i]->body_count; ++b) graph_spans(g->nodes[i]->body[b], visit, context);
    }
}

static void graph_take(graph *g)
{
    for (int i = 0; i < g->count; ++i) {
        if (g->nodes[i]->op && g->nodes[i]->op->take) g->nodes[i]->op->take(g->nodes[i]->data);
        for (int b = 0; b < g->nodes[i]->body_count; ++b) graph_take(g->nodes[i]->body[b]);
    }
}

static void assign_conditions(const graph *g)
{
    for (int i = 0; i < g->count; ++i) {
        condition *c = condition_of(g->nodes[i]->condition);
        if (c && c->flags) c->value = c->start;
        for (int b = 0; b < g->nodes[i]->body_count; ++b) assign_conditions(g->nodes[i]->body[b]);
    }
}

static void spans_of(const void *data, standin_visit *visit, void *context) { graph_spans(((const launch *)data)->nodes, visit, context); }
static void take(void *data) { graph_take(((launch *)data)->nodes); }

static void run(void *data)
{
    const launch *l = data;
    assign_conditions(l->nodes);
    run_graph(l->nodes);
    standin_graph_free(l->nodes);
    --l->of->launched;
}

static const standin_op launch_op = {.name = "cuGraphLaunch", .node = STANDIN_NO_NODE, .spans = spans_of, .take = take, .run = run};

STANDIN_API brn_cu_code cuGraphInstantiateWithFlags(brn_cu_exec *out, brn_cu_graph g, unsigned long long flags)
{
    const brn_cu_code code = standin_begin_in_context("cuGraphInstantiateWithFlags");
    if (code) return code;
    if (!out || !standin_has(GRAPH, g) || g->parent || (flags != 0 && flags != 8)) return INVALID_VALUE;
    for (size_t i = 0; i < condition_count; ++i)
        if (conditions[i].owner == g && conditions[i].nodes != 1) return INVALID_VALUE;
    *out = calloc(1, sizeof **out);
    (*out)->nodes = copy_of(g);
    standin_add(EXEC, *out, 0);
    return 0;
}

/* Nodes in the bodies of others are out of its reach. */
STANDIN_API brn_cu_code cuGraphExecKernelNodeSetParams_v2(brn_cu_exec e, brn_cu_node n, const brn_cu_kernel_params *params)
{
    const brn_cu_code code = standin_begin_in_context("cuGraphExecKernelNodeSetParams_v2");
    void *data;
    size_t size;
    if (code) return code;
    if (!standin_has(EXEC, e) || !standin_has(NODE, n) || n->op != &standin_kernel_op) return INVALID_VALUE;
    for (int i = 0; i < e->nodes->count; ++i) {
        node *mine = e->nodes->nodes[i];
        if (mine->origin != n) continue;
        const brn_cu_code refused = standin_kernel_data(params, &data, &size);
        if (refused) return refused;
        free(mine->data);
        mine->data = data;
        mine->size = size;
        return 0;
    }
    return INVALID_VALUE;
}

STANDIN_API brn_cu_code cuGraphLaunch(brn_cu_exec e, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context("cuGraphLaunch");
    standin_capture **capture = standin_stream_capture(stream);
    if (code) return code;
    if (!standin_has(EXEC, e)) return INVALID_VALUE;
    if (!capture) return INVALID_HANDLE;
    if (*capture) return standin_capture_spoil(*capture, CAPTURE_UNSUPPORTED);
    const launch l = {e, copy_of(e->nodes)};
    ++e->launched;
    ++standin_counts.graph_launches;
    return standin_enqueue(stream, &launch_op, &l, sizeof l);
}

STANDIN_API brn_cu_code cuGraphExecDestroy(brn_cu_exec e)
{
    const brn_cu_code code = standin_begin_in_context("cuGraphExecDestroy");
    if (!standin_remove(EXEC, e)) return code ? code : INVALID_VALUE;
    if (e->launched) standin_wrong("cuGraphExecDestroy: a launch of the graph has not run to its end");
    standin_graph_free(e->nodes);
    free(e);
    return code;
}
