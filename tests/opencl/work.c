/* What the device is asked to do: products by every way, and how often a training step hands work over and
 * waits. Kernels come from the user's cache here. */
#include "core/clock.h"
#include "support/device_work.h"
#include "opencl/clblast.h"
#include "opencl/opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool here(const char *test)
{
    brn_device_info info[TEST_DEVICES_MOST];
    if (brn_opencl_enumerate(info, TEST_DEVICES_MOST) > 0 && info[0].available) return true;
    fprintf(stderr, "skipped: opencl_work/%s (%s)\n", test, info[0].reason);
    return false;
}

/* ---- products ---------------------------------------------------------------------------------- */

Test(opencl_work, every_way_to_multiply)
{
    static const char *const ways[] = {"direct", "wide", "narrow", "clblast"};
    if (!here("every_way_to_multiply")) return;
    for (int w = 0; w < 4; ++w) {
        if (!strcmp(ways[w], "clblast") && brn_clblast_load() != BRN_OK) {
            fprintf(stderr, "skipped: opencl_work/every_way_to_multiply by CLBlast (%s)\n", brn_last_error());
            continue;
        }
        setenv("BRENIER_OPENCL_GEMM", ways[w], 1);
        test_products("opencl:0", ways[w]);
    }
}

/* ---- a training step --------------------------------------------------------------------------- */

Test(opencl_work, submissions_and_waits_of_a_step)
{
    if (!here("submissions_and_waits_of_a_step")) return;
    test_step_counts sum = test_count_steps("opencl:0", 2, 256, "");
    cr_expect_leq(sum.waits, sum.rounds + sum.steps, "one wait a solver round, one for the step's losses");
    cr_expect_leq(sum.submissions, 40 * sum.rounds + 260 * sum.steps);
    sum = test_count_steps("opencl:0", 8, 64, "potential.hidden=40,5 amortizer.hidden=16 train.potential.kind=soap train.amortizer.kind=soap "
                                              "train.potential.refresh=2 train.amortizer.refresh=2");
    cr_expect_leq(sum.waits, sum.rounds + sum.steps, "SOAP's refreshes ask for no wait");
}

/* The device's clock runs as fast as the host's; the queue in place of the first one is in order too. */
Test(opencl_work, timer)
{
    enum { COUNT = 1 << 16 };
    brn_device *dev;
    brn_buf *x;
    double first, second;
    if (!here("timer")) return;
    MUST(brn_device_open(&dev, "opencl:0", 1));
    brn_queue *q = brn_device_queue(dev, 0);
    MUST(brn_buf_create(&x, dev, BRN_REAL, COUNT, "numbers"));
    const double start = brn_seconds();
    MUST(dev->ops->timer_start(q));
    for (int i = 0; i < 20; ++i) MUST(BRN_LAUNCH(q, fill, COUNT, 1, (.ld = COUNT, .s = 1), {x, 0}));
    MUST(dev->ops->timer_stop(q, &first));
    MUST(dev->ops->timer_start(q));
    MUST(dev->ops->timer_stop(q, &second));
    cr_expect(first > 0 && second >= 0 && first + second < brn_seconds() - start, "%g s and %g s", first, second);
    cr_expect(((const brn_opencl *)dev->impl)->in_order);
    brn_buf_free(x);
    brn_device_close(dev);
}
