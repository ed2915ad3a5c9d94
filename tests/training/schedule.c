/* Averages of parameters, and rates over the steps. */
#include "optimizer_bed.h"
#include "training/average.h"
#include "training/schedule.h"

#include <brenier/device.h>
#include <math.h>

Test(average, window_grows_up_to_the_decay)
{
    brn_device *dev;
    brn_buf *theta;
    brn_buf *average;
    MUST(brn_device_open(&dev, "host:f64", 1));
    MUST(brn_buf_create(&theta, dev, BRN_REAL, 300, "test"));
    MUST(brn_buf_create(&average, dev, BRN_REAL, 300, "test"));
    double values[300], expected[300] = {0}, mean[300];
    MUST(brn_write_f64(brn_device_queue(dev, 0), (brn_view){theta, 0}, expected, 300));
    MUST(brn_zero(brn_device_queue(dev, 0), (brn_view){average, 0}, 300));
    for (int k = 0; k < 20; ++k) {
        const double d = fmin(0.5, (1.0 + k) / (10.0 + k));
        for (int i = 0; i < 300; ++i) {
            values[i] = sin(i + k);
            expected[i] = d * expected[i] + (1 - d) * values[i];
        }
        MUST(brn_write_f64(brn_device_queue(dev, 0), (brn_view){theta, 0}, values, 300));
        MUST(brn_average_update(dev, average, theta, 0.5, k));
    }
    MUST(brn_read_f64(brn_device_queue(dev, 0), (brn_view){average, 0}, mean, 300));
    cr_assert_lt(bed_difference(mean, expected, 300), 1e-7);
    brn_buf_free(average);
    brn_buf_free(theta);
    brn_device_close(dev);
}

Test(schedule, warm_up_times_cosine)
{
    cr_assert_float_eq(brn_schedule_rate(BRN_SCHEDULE_COSINE, 0, 100, 0, 1e-4), 1, 1e-15);
    cr_assert_float_eq(brn_schedule_rate(BRN_SCHEDULE_COSINE, 50, 100, 0, 0.2), 0.6, 1e-12);
    cr_assert_float_eq(brn_schedule_rate(BRN_SCHEDULE_COSINE, 100, 100, 0, 1e-4), 1e-4, 1e-15);
    cr_assert_float_eq(brn_schedule_rate(BRN_SCHEDULE_COSINE, 500, 100, 0, 1e-4), 1e-4, 1e-15);
    cr_assert_float_eq(brn_schedule_rate(BRN_SCHEDULE_CONSTANT, 0, 100, 10, 1e-4), 0.1, 1e-15);
    cr_assert_float_eq(brn_schedule_rate(BRN_SCHEDULE_CONSTANT, 9, 100, 10, 1e-4), 1, 1e-15);
    cr_assert_float_eq(brn_schedule_rate(BRN_SCHEDULE_COSINE, 4, 100, 10, 0),
                       0.5 * 0.5 * (1 + cos(3.141592653589793 * 0.04)), 1e-12);
}
