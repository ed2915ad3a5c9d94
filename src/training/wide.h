/* Gradients of wide networks (networks/trace.h): tiles keep what theirs are made of, then blocks of
 * weights are summed over the batch. One gradient of each network instead of one a group of tiles, and
 * what the solver evaluated last is not evaluated again. */
#ifndef BRN_TRAINING_WIDE_H
#define BRN_TRAINING_WIDE_H

#include "training/trainer.h"

/** Of one tile; H's own activations are on its tape. */
typedef struct brn_wide_tile {
    brn_pot_work source; /* f at x */
    brn_mat adjoint;     /* of H(y) */
} brn_wide_tile;

typedef struct brn_wide {
    int tiles;
    brn_wide_tile *tile;
    brn_batch adjoint;
    brn_traces target;           /* f at the argmax: what the solver evaluated last, or evaluated again */
    int f_blocks, h_blocks;
    brn_weight_block *block;     /* f's, then H's */
} brn_wide;

/** Is this training's potential wide, on a device of several tiles, and are its gradients first order? */
bool brn_wide_pays(brn_trainer *t);

brn_status brn_wide_create(brn_wide **out, brn_trainer *t);
void brn_wide_free(brn_wide *w);

/** f_grad[0] and h_grad[0] from what the tiles keep. */
brn_status brn_wide_sum(brn_trainer *t);

#endif
