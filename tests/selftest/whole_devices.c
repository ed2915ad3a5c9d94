/* A whole training and a whole conjugate solve on every device beside the oracle: brenier selftest has them among all
 * else, here they are alone. */
#include "selftest/wholes.h"
#include "support/devices.h"

#include <stdio.h>
#include <string.h>

/* Host devices are at 3e-6, a wrong gradient anywhere at one. */
static const double DISTANCE_LIMIT = 1e-4;

static void check(const char *name, brn_device *oracle)
{
    brn_device *dev;
    brn_trajectory t;
    MUST(brn_device_open(&dev, name, 1));
    MUST(brn_trajectory_check(dev, oracle, &t));
    fprintf(stderr, "%s: parameters %.1e apart, solutions %.1e (gtol %.0e)\n", name, t.distance, t.argmin, t.gtol);
    cr_expect(t.distance < DISTANCE_LIMIT, "%s: the parameters are %g of their way apart", name, t.distance);
    cr_expect(t.rows > 0 && t.stops[0] == t.rows, "%s: %d of %d converged", name, t.stops[0], t.rows);
    cr_expect(!memcmp(t.stops, t.oracle_stops, sizeof t.stops), "%s: rows stopped otherwise than the oracle's", name);
    cr_expect(t.argmin < t.gtol, "%s: solutions are %g apart", name, t.argmin);
    brn_device_close(dev);
}

Test(whole_devices, training_and_solve)
{
    char names[TEST_DEVICES_MOST][64];
    brn_device *oracle = test_oracle_open();
    for (int d = 0, count = test_device_names(names); d < count; ++d) check(names[d], oracle);
    brn_device_close(oracle);
}
