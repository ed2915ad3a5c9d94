/* Between capture.c and graph.c: graphs and their nodes. */
#ifndef BRN_CUDA_STANDIN_GRAPH_H
#define BRN_CUDA_STANDIN_GRAPH_H

#include "standin.h"

/** A graph; `parent` is the one in which it is the body of a node, or NULL. */
brn_cu_graph standin_graph_new(brn_cu_graph parent);
void standin_graph_free(brn_cu_graph graph);
/** A node of work (`op`, with a copy of its data), or one without. */
brn_cu_node standin_graph_add(brn_cu_graph graph, int type, const standin_op *op, const void *data, size_t size, const brn_cu_node *after, int count);

/** Mark these nodes and all that come before them, and no others. */
void standin_graph_mark(brn_cu_graph graph, const brn_cu_node *last, int count);
bool standin_node_marked(brn_cu_node node);

/** Whether this driver has conditional nodes. */
bool standin_conditional_here(void);

#endif
