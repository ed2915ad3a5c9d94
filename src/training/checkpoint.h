/* Checkpoints: a model file with everything beside it that a training needs to go on bit-identically. */
#ifndef BRN_TRAINING_CHECKPOINT_H
#define BRN_TRAINING_CHECKPOINT_H

#include "training/trainer.h"

/** What a run remembers beside the trainer. */
typedef struct brn_run_state {
    double best;         /* lowest dual so far, NaN before the first evaluation */
    int64_t since_best;  /* evaluations since */
    brn_buf *duals;      /* of the rows where it was lowest: monitor.h; the monitor's */
} brn_run_state;

brn_status brn_checkpoint_write(const brn_trainer *trainer, const brn_run_state *state, const char *path);

/** Into a trainer made for the same settings. */
brn_status brn_checkpoint_read(brn_trainer *trainer, brn_run_state *state, const char *path);

#endif
