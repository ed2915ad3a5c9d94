/* Learning rates over the steps of a training. */
#ifndef BRN_TRAINING_SCHEDULE_H
#define BRN_TRAINING_SCHEDULE_H

#include <brenier/settings.h>

/** Share of the peak rate at `step` in [0, steps): min(1, (step + 1) / warmup) times, for the cosine,
 *  last + (1 - last) (1 + cos(pi step / steps)) / 2; beyond the last step the cosine stays at `last`. */
double brn_schedule_rate(brn_schedule kind, int64_t step, int64_t steps, int64_t warmup, double last);

#endif
