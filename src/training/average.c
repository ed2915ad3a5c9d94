#include "training/average.h"

brn_status brn_average_create(brn_average *average, brn_device *dev, brn_buf *theta, double decay)
{
    *average = (brn_average){.dev = dev, .decay = decay};
    const size_t count = brn_buf_count(theta);
    BRN_TRY(brn_buf_create(&average->mean, dev, BRN_REAL, count, "averaged parameters"));
    return brn_copy(brn_device_queue(dev, 0), (brn_view){average->mean, 0}, (brn_view){theta, 0}, count);
}

void brn_average_free(brn_average *average)
{
    brn_buf_free(average->mean);
    average->mean = NULL;
}

brn_status brn_average_update(brn_average *average, brn_buf *theta)
{
    const double k = (double)average->updates++, growing = (1 + k) / (10 + k);
    return BRN_LAUNCH(brn_device_queue(average->dev, 0), running_mean, (int)brn_buf_count(theta), 1,
                      (.keep = (float)(growing < average->decay ? growing : average->decay)), {theta, 0}, {average->mean, 0});
}
