/* A fixed batch on which a training is watched: the dual objective, and L2-UVP where the map is known. */
#ifndef BRN_TRAINING_MONITOR_H
#define BRN_TRAINING_MONITOR_H

#include "training/trainer.h"

typedef struct brn_monitor brn_monitor;

brn_status brn_monitor_create(brn_monitor **monitor, brn_trainer *trainer);
void brn_monitor_free(brn_monitor *monitor);

/** dual = mean f(x) + mean f*(y) with the evaluated (averaged) potential and the conjugates solved to
 *  the evaluation tolerance; l2_uvp forward in percent, NaN where the map is not known. */
brn_status brn_monitor_look(brn_monitor *monitor, double *dual, double *l2_uvp);

#endif
