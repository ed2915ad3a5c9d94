/* How much device memory a training needs, before it starts. */
#ifndef BRN_TRAINING_PLAN_H
#define BRN_TRAINING_PLAN_H

#include "measures/measure.h"
#include <brenier/train.h>

/** Plan for resolved settings on a device that holds the pair already. Where it does not fit, the device's tiles are
 *  made smaller until it does; BRN_ERR_MEMORY with the largest parts where none is small enough. */
brn_status brn_plan_fit(brn_memory_plan *plan, brn_device *dev, const brn_settings *settings, const brn_pair *pair);

#endif
