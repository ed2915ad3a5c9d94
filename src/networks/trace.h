/* Parameter gradients of wide networks, block by block.
 *
 * A weight's gradient is a sum over rows. Added tile by tile, every tile reads and writes all weights,
 * and every group of tiles needs a gradient of its own to be added to the others': where these exceed a
 * processor's caches, memory sets the pace. So a reverse pass can leave the gradient out and keep what it
 * is made of, the inputs and adjoints of all layers; then each block of weights, small enough for a cache,
 * is summed over the whole batch and leaves it once.
 */
#ifndef BRN_NETWORKS_TRACE_H
#define BRN_NETWORKS_TRACE_H

#include "networks/tape.h"

/** What one tile adds to the gradient of a network without squared terms. */
typedef struct brn_trace {
    int rows;
    brn_mat x;                 /* input of the network */
    brn_mat z[BRN_NET_LAYERS]; /* outputs of the hidden layers */
    brn_mat d[BRN_NET_LAYERS]; /* adjoints of all pre-activations */
} brn_trace;

/** Rows [first, first + count) of layer `layer`'s weight matrix, with the bias where first = 0. */
typedef struct brn_weight_block {
    int layer, first, count;
} brn_weight_block;

/** The tape after brn_tape_reverse(), of which `seed` is now the last layer's adjoint. */
brn_trace brn_tape_trace(const brn_net_shape *shape, const brn_tape *tape, int rows, brn_mat x, brn_mat seed);

/** More weights than the caches of a core hold beside a tile, in dense layers without squared terms. */
bool brn_shape_is_wide(const brn_net_shape *shape);

/** Cut all layers into blocks. Returns how many; `blocks` may be NULL to count them. */
int brn_shape_blocks(const brn_net_shape *shape, brn_weight_block *blocks);

/** The block's part of grad = 0, and += what a tile adds. */
brn_status brn_block_zero(brn_queue *q, const brn_net *net, const brn_weight_block *block, brn_buf *grad);
brn_status brn_block_add(brn_queue *q, const brn_net *net, const brn_weight_block *block, const brn_trace *trace, brn_buf *grad);

/** Traces of all rows of a batch, put together from tapes in whose lanes the rows stand in any order. */
typedef struct brn_traces { /* in the tiles of the batch it is made for */
    const brn_net_shape *shape;
    brn_batch values;      /* of a tile: z of the hidden layers, then d of all */
    _Atomic int *pieces;   /* [tiles] copies made since brn_traces_forget() */
    _Atomic int *missing;  /* [tiles] rows not copied since */
} brn_traces;

brn_status brn_traces_create(brn_traces *t, const brn_net_shape *shape, const brn_batch *x);
void brn_traces_free(brn_traces *t);

/** No row is there any more. */
void brn_traces_forget(brn_traces *t);

/** Rows [row, row + count) of one tile are what `from` has from lane `lane` on, its adjoints times s. A
 *  tile that comes in too many pieces is left incomplete: copying it would take longer than to evaluate it. */
brn_status brn_traces_put(brn_queue *q, brn_traces *t, float s, const brn_trace *from, int lane, int row, int count);

/** All of tile i, in order. */
brn_status brn_traces_fill(brn_queue *q, const brn_traces *t, float s, const brn_trace *from, int i);

/** All rows of tile i are there. */
bool brn_traces_complete(const brn_traces *t, int i);

/** Tile i; x: what its rows were evaluated at. */
brn_trace brn_traces_tile(const brn_traces *t, int i, brn_mat x);

#endif
