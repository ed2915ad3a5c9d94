/* Lists that come again are graphs: captured from the stream the second time a list comes by, launched as one from then
 * on, after kernels whose parameters changed were told. A repeated part is a conditional node: a kernel at the end of its
 * body looks at the counter. Where a graph cannot be made, the list is issued call by call as it is the first time. */
#include "cuda/cuda.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 2, CONDITIONS_SINCE = 12040 }; /* shorter lists are not worth a graph; the driver's version */

typedef struct {
    brn_cu_graph graph; /* stays: nodes are named by it */
    brn_cu_exec exec;
    brn_cu_node *node;  /* by command: kernels outside repeated parts */
} made_graph;

static brn_status check(const brn_cuda *cu, brn_cu_code code, const char *call, int commands)
{
    return code == 0 ? BRN_OK : brn_cuda_fail(cu, code, call, "%d commands", commands);
}

static void free_graph(made_graph *g)
{
    if (g->exec) brn_cu.cuGraphExecDestroy(g->exec);
    if (g->graph) brn_cu.cuGraphDestroy(g->graph);
    free(g->node);
    free(g);
}

/* It may still run. */
static void drop_graph(void *context, void *made)
{
    brn_queue *q = context;
    brn_cuda *cu = q->impl;
    if (cu->context) brn_cu.cuCtxSetCurrent(cu->context);
    brn_cuda_waited(q, brn_cu.cuStreamSynchronize(cu->stream), "cuStreamSynchronize", 0);
    free_graph(made);
}

brn_status brn_cuda_graphs_choose(brn_cuda *cu)
{
    const char *set = getenv("BRENIER_CUDA_GRAPHS");
    const bool off = set && !strcmp(set, "off"), plain = set && !strcmp(set, "plain");
    if (set && *set && !off && !plain && strcmp(set, "full"))
        return brn_fail(BRN_ERR_USAGE, "BRENIER_CUDA_GRAPHS is \"%.40s\"; it is one of full, plain, off", set);
    bool all = true, conditional = true;
#define HAVE(name, arguments) all = all && brn_cu.name;
    BRN_CU_GRAPH_LIST(HAVE)
#undef HAVE
#define HAVE(name, arguments) conditional = conditional && brn_cu.name;
    BRN_CU_CONDITIONAL_LIST(HAVE)
#undef HAVE
    cu->graphs = all && !off;
    cu->conditions = cu->graphs && conditional && !plain && cu->limits.driver >= CONDITIONS_SINCE;
    return BRN_OK;
}

void brn_cuda_graphs_open(brn_device *dev)
{
    brn_cuda *cu = dev->impl;
    cu->replays.drop = drop_graph;
    cu->replays.context = &dev->queues[0];
}

void brn_cuda_graphs_close(brn_cuda *cu)
{
    if (cu->replays.drop) brn_replays_forget(&cu->replays, NULL);
    brn_commands_free(&cu->list);
    if (cu->condition_module) brn_cu.cuModuleUnload(cu->condition_module);
}

/* ---- capture ----------------------------------------------------------------------------------- */

/* Runs on all that are newer. */
brn_cuda_target brn_cuda_intermediate(const brn_cuda *cu)
{
    return (brn_cuda_target){.rtc = cu->target.rtc, .ptx = true, .architecture = cu->limits.capability < 75 ? 70 : 75};
}

static brn_status load_condition(brn_cuda *cu)
{
    if (cu->condition) return BRN_OK;
    if (!cu->condition_module) BRN_TRY(brn_cuda_load_program(cu, BRN_CUDA_CONDITION, &cu->condition_module));
    const brn_cu_code code = brn_cu.cuModuleGetFunction(&cu->condition, cu->condition_module, "brn_condition");
    if (code != 0) cu->condition = NULL;
    return check(cu, code, "cuModuleGetFunction", 1);
}

/* The graph that is being captured and the node that the next one comes after; NULL where there is none yet. */
static brn_status capture_info(const brn_cuda *cu, brn_cu_graph *graph, brn_cu_node *last)
{
    int state = 0;
    uint64_t id;
    size_t count = 0;
    const brn_cu_node *nodes = NULL;
    BRN_TRY(check(cu, brn_cu.cuStreamGetCaptureInfo_v2(cu->stream, &state, &id, graph, &nodes, &count), "cuStreamGetCaptureInfo", 0));
    if (state != BRN_CU_CAPTURE_ACTIVE || count > 1) return brn_fail(BRN_ERR_DEVICE, "%s: a capture came apart", cu->label);
    *last = count ? nodes[0] : NULL;
    return BRN_OK;
}

static brn_status set_condition(brn_queue *q, brn_cu_condition handle, const brn_command *c)
{
    const brn_cuda *cu = q->impl;
    int floor = c->floor;
    brn_cu_ptr counter = brn_cuda_address(c->view[0]);
    void *arguments[] = {&handle, &floor, &counter};
    return check(cu, brn_cu.cuLaunchKernel(cu->condition, 1, 1, 1, 1, 1, 1, 0, cu->stream, arguments, NULL), "cuLaunchKernel", 1);
}

static brn_status resume(const brn_cuda *cu, brn_cu_graph to, const brn_cu_node *after)
{
    return check(cu, brn_cu.cuStreamBeginCaptureToGraph(cu->stream, to, after, NULL, after ? 1 : 0, BRN_CU_CAPTURE_RELAXED), "cuStreamBeginCaptureToGraph", 0);
}

static brn_status pause(const brn_cuda *cu, brn_cu_graph *graph)
{
    return check(cu, brn_cu.cuStreamEndCapture(cu->stream, graph), "cuStreamEndCapture", 0);
}

/* The stream's capture is laid down while the node is added and its body captured; from then on the graph is ours. */
static brn_status capture_repeat(brn_queue *q, const brn_command *c, made_graph *g)
{
    const brn_cuda *cu = q->impl;
    const brn_commands body = {.at = (brn_command *)(uintptr_t)c + 1, .count = c->body};
    brn_cu_graph graph, body_graph;
    brn_cu_node last, loop;
    brn_cu_condition handle;
    BRN_TRY(capture_info(cu, &graph, &last));
    BRN_TRY(check(cu, brn_cu.cuGraphConditionalHandleCreate(&handle, graph, cu->context, 0, 0), "cuGraphConditionalHandleCreate", c->body));
    BRN_TRY(set_condition(q, handle, c));
    BRN_TRY(capture_info(cu, &graph, &last));
    BRN_TRY(pause(cu, &g->graph));
    brn_cu_node_params params = {.type = BRN_CU_NODE_CONDITIONAL,
                                 .conditional = {.handle = handle, .kind = BRN_CU_CONDITION_WHILE, .size = 1, .context = cu->context}};
    BRN_TRY(check(cu, brn_cu.cuGraphAddNode_v2(&loop, g->graph, &last, NULL, 1, &params), "cuGraphAddNode", c->body));
    BRN_TRY(resume(cu, params.conditional.bodies[0], NULL));
    BRN_TRY(brn_cuda_issue_all(q, &body));
    BRN_TRY(set_condition(q, handle, c));
    BRN_TRY(pause(cu, &body_graph));
    return resume(cu, g->graph, &loop);
}

static brn_status capture_commands(brn_queue *q, const brn_commands *list, made_graph *g)
{
    brn_cuda *cu = q->impl;
    BRN_TRY(check(cu, brn_cu.cuStreamBeginCapture_v2(cu->stream, BRN_CU_CAPTURE_RELAXED), "cuStreamBeginCapture", list->count));
    for (int i = 0; i < list->count; i += 1 + list->at[i].body) {
        const brn_command *c = &list->at[i];
        brn_cu_graph graph;
        BRN_TRY(c->kind == BRN_COMMAND_REPEAT ? capture_repeat(q, c, g) : brn_cuda_issue(q, c));
        if (c->kind == BRN_COMMAND_KERNEL) BRN_TRY(capture_info(cu, &graph, &g->node[i]));
    }
    return pause(cu, &g->graph);
}

/* End a capture that failed; the driver may have thrown the graph away, unless it was ours already. */
static void abandon(const brn_cuda *cu, made_graph *g)
{
    brn_cu_graph ended = NULL;
    brn_cu.cuStreamEndCapture(cu->stream, &ended);
    if (!g->graph) g->graph = ended;
}

static brn_status make_graph(brn_queue *q, const brn_commands *list, void **made)
{
    brn_cuda *cu = q->impl;
    made_graph *g;
    for (int i = 0; i < list->count && cu->conditions; ++i)
        if (list->at[i].kind == BRN_COMMAND_REPEAT && load_condition(cu) != BRN_OK) {
            cu->conditions = false; /* from the next list on, in parts */
            return BRN_ERR_DEVICE;
        }
    BRN_TRY(BRN_ALLOC(&g, 1, "graph"));
    brn_status status = BRN_ALLOC(&g->node, (size_t)list->count, "graph");
    if (status == BRN_OK) {
        cu->capturing = true;
        status = capture_commands(q, list, g);
        cu->capturing = false;
        if (status != BRN_OK) abandon(cu, g);
    }
    if (status == BRN_OK) status = check(cu, brn_cu.cuGraphInstantiateWithFlags(&g->exec, g->graph, 0), "cuGraphInstantiate", list->count);
    if (status == BRN_OK) *made = g;
    else free_graph(g);
    return status;
}

/* ---- replay ------------------------------------------------------------------------------------ */

/* Parameters outside repeated parts: those within are the structure's. */
static brn_status update_graph(const brn_cuda *cu, made_graph *g, brn_commands *had, const brn_commands *list)
{
    for (int i = 0; i < list->count; i += 1 + list->at[i].body) {
        brn_cuda_call call;
        const brn_command *c = &list->at[i];
        if (c->kind != BRN_COMMAND_KERNEL || !brn_command_varies(&had->at[i], c)) continue;
        BRN_TRY(brn_cuda_prepare_command(cu, c, &call));
        BRN_TRY(check(cu, brn_cu.cuGraphExecKernelNodeSetParams_v2(g->exec, g->node[i], &call.params), "cuGraphExecKernelNodeSetParams", list->count));
        memcpy(had->at[i].params, c->params, (size_t)c->size);
    }
    return BRN_OK;
}

brn_status brn_cuda_replay(brn_queue *q, const brn_commands *list)
{
    brn_cuda *cu = q->impl;
    if (!cu->graphs || list->count < FEW) return brn_cuda_issue_all(q, list);
    brn_replay *r = brn_replays_find(&cu->replays, list);
    if (!r) {
        BRN_TRY(brn_replays_add(&cu->replays, list));
        return brn_cuda_issue_all(q, list);
    }
    if (!r->made && !r->hopeless) {
        r->hopeless = make_graph(q, list, &r->made) != BRN_OK;
        if (!r->hopeless) /* with the parameters of now */
            for (int i = 0; i < list->count; ++i) memcpy(r->commands.at[i].params, list->at[i].params, sizeof list->at[i].params);
    }
    if (r->hopeless) return brn_cuda_issue_all(q, list);
    BRN_TRY(update_graph(cu, r->made, &r->commands, list));
    const made_graph *g = r->made;
    const brn_cu_code code = brn_cu.cuGraphLaunch(g->exec, cu->stream);
    brn_count(q->dev, &q->dev->counts.submissions, 1);
    return check(cu, code, "cuGraphLaunch", list->count);
}
