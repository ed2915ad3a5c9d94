/* Running average of parameters: calmer than the last step while the rate is still high. */
#ifndef BRN_TRAINING_AVERAGE_H
#define BRN_TRAINING_AVERAGE_H

#include "compute/compute.h"

/** mean = d mean + (1 - d) theta with d = min(decay, (1 + k) / (10 + k)) in update k = 0, 1, ...: the
 *  window grows from the start on, so that early averages are not stuck at the start values. */
brn_status brn_average_update(brn_device *dev, brn_buf *mean, brn_buf *theta, double decay, int64_t k);

#endif
