/* A fixed batch on which a training is watched: the dual objective, and L2-UVP where the map is known. */
#ifndef BRN_TRAINING_MONITOR_H
#define BRN_TRAINING_MONITOR_H

#include "training/trainer.h"

typedef struct brn_monitor brn_monitor;

brn_status brn_monitor_create(brn_monitor **monitor, brn_trainer *trainer);
void brn_monitor_free(brn_monitor *monitor);

/** What a look found. */
typedef struct brn_sight {
    double dual;    /* mean f(x) + mean f*(y) with the evaluated (averaged) potential, solved to the evaluation tolerance */
    double l2_uvp;  /* of the forward map, in percent; NaN where the map is not known */
    double failed;  /* share of the conjugates that are not finite */
} brn_sight;
brn_status brn_monitor_look(brn_monitor *monitor, brn_sight *sight);

/** What the last look found is the lowest dual so far: remember it, row by row. */
brn_status brn_monitor_keep(brn_monitor *monitor);
/** The rows that are remembered, for checkpoints: brn_monitor_rows(settings) reals on the trainer's device. */
brn_buf *brn_monitor_kept(const brn_monitor *monitor);
/** Is the dual of the last look as good as the remembered one, as far as this batch can tell: above it by at most two standard errors
 *  of the mean of the rows' differences? */
brn_status brn_monitor_level(const brn_monitor *monitor, bool *level);

/** Of the same batch: the dual objective of the identity map, f = |x|^2 / 2, and half the sum of both total variances. */
void brn_monitor_identity(const brn_monitor *monitor, double *dual, double *spread);

#endif
