/* Small networks in one launch, see shaders/prelude/small.h. */
#ifndef BRN_NETWORKS_SMALL_H
#define BRN_NETWORKS_SMALL_H

#include "networks/net.h"

struct brn_tape;
struct brn_pot;

/** How a work-group shares its memory for a network, and the kernels' plan of the layers. */
typedef struct brn_small {
    brn_buf *plan; /* NULL: the network does not fit */
    int most;      /* rows for which the device takes it so: BRENIER_FUSE=off|on says none or any */
    int widest;    /* features of the widest layer */
    int weights;   /* where weights stand, in reals */
    int shared;    /* reals in all */
    bool resident; /* all weights at once, not some rows of a layer's at a time */
    int at[BRN_NET_LAYERS], held[BRN_NET_LAYERS]; /* of each layer: where behind `weights`, how many rows */
} brn_small;

/** Lay out the memory of a work-group that may share `room` reals (0: what every device has). False where the network is none
 *  that the kernels take, or there is not enough. */
bool brn_small_layout(const brn_net_shape *shape, int room, brn_small *small);

/** The same for the device, with the plan for this tape, where the network fits; else small->plan stays NULL. */
brn_status brn_small_create(brn_small *small, brn_device *dev, const brn_net_shape *shape, const struct brn_tape *tape);
void brn_small_free(brn_small *small);

/** Is this the way for so many rows? */
static inline bool brn_small_wanted(const brn_small *small, int rows) { return small->most > 0 && rows <= small->most; }

/** out = network(x), or x + network(x), with what the tape's reverse needs if `slopes`. */
brn_status brn_small_forward(brn_queue *q, const brn_net *net, struct brn_tape *tape, int rows, brn_mat x, brn_mat out, bool slopes, bool residual);

/** Is it a potential that the two below take? */
bool brn_small_potential(const struct brn_pot *f);
brn_status brn_small_value_grad(brn_queue *q, const struct brn_pot *f, struct brn_tape *tape, int rows, brn_mat x, brn_mat value, brn_mat grad);

/** A solver's lanes, of which `count` may go on and at most `width` do; buffers as lanes.c lays them out. */
typedef struct brn_small_lanes {
    int count, width, history, ld;
    brn_buf *state, *listed, *outside;
} brn_small_lanes;
/** List the lanes that go on; f and its gradient at their trial points. */
brn_status brn_small_trial(brn_queue *q, const struct brn_pot *f, struct brn_tape *tape, const brn_small_lanes *lanes);

#endif
