/* What a tile's losses work on, and the duals other than the conjugate one (losses.c, matching.c). */
#ifndef BRN_TRAINING_LOSSES_H
#define BRN_TRAINING_LOSSES_H

#include "training/trainer.h"

typedef struct brn_tile_job {
    brn_trainer *t;
    brn_queue *q;
    brn_trainer_member *m;
    brn_amortizer_work *tape;
    brn_pot_work *source;          /* of f at x */
    int tile, rows;
    brn_mat x, y, start, argmax;
    brn_mat loss;                  /* amortization loss per row */
    brn_mat adjoint;               /* of the prediction */
    brn_mat match;                 /* [BRN_MATCH_FIELDS], with the dual of assignments */
    brn_buf *f_grad, *h_grad;      /* NULL: what they are made of is left in the works, for wide.c */
} brn_tile_job;

/** Dual losses of a tile, per row into `rows` ([BRN_ROW_FIELDS]), and their gradients. */
brn_status brn_dual_pair(const brn_tile_job *job, brn_mat rows);
brn_status brn_dual_assignment(const brn_tile_job *job, brn_mat rows);

/** argmax = the source sample of the batch that attains max_x <x, y> - f(x), for every target sample. */
brn_status brn_batch_conjugate(brn_trainer *t);

/* Per row of the source: dL/df at x and at the y of the same number, wanted length of grad f(x) - x, loss. */
enum { BRN_MATCH_X, BRN_MATCH_Y, BRN_MATCH_LENGTH, BRN_MATCH_LOSS, BRN_MATCH_FIELDS };

/** Work of the assignment between the two samples of a batch. */
brn_status brn_matching_create(brn_matching **matching, brn_trainer *t);
void brn_matching_free(brn_matching *matching);
/** Solve the batch's assignment on the host and derive from it what brn_dual_assignment reads. */
brn_status brn_matching_run(brn_matching *matching, brn_trainer *t);
const brn_batch *brn_matching_rows(const brn_matching *matching);

#endif
