#include "training/average.h"

brn_status brn_average_update(brn_device *dev, brn_buf *mean, brn_buf *theta, double decay, int64_t k)
{
    const double growing = (1.0 + (double)k) / (10.0 + (double)k);
    return BRN_LAUNCH(brn_device_queue(dev, 0), running_mean, (int)brn_buf_count(theta), 1,
                      (.keep = (float)(growing < decay ? growing : decay)), {theta, 0}, {mean, 0});
}
