#include "training/schedule.h"

#include <math.h>

double brn_schedule_rate(brn_schedule kind, int64_t step, int64_t steps, int64_t warmup, double last)
{
    const double ramp = step + 1 < warmup ? (double)(step + 1) / (double)warmup : 1;
    if (kind == BRN_SCHEDULE_CONSTANT) return ramp;
    const double done = step < steps ? (double)step / (double)steps : 1;
    return ramp * (last + (1 - last) * 0.5 * (1 + cos(3.141592653589793 * done)));
}
