/* brn_selftest tells a device that computes wrongly from one that does not. The wrong ones are a host whose kernels
 * pass through a wrapper. */
#include "support/devices.h"
#include "core/error.h"
#include <brenier/selftest.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int results, stop_after;
    struct {
        char operation[32], note[200];
        brn_selftest_verdict verdict;
        double share;
    } of[128];
} log_book;

static bool note(void *user, const brn_selftest_result *r)
{
    log_book *l = user;
    cr_assert_lt(l->results, 128);
    snprintf(l->of[l->results].operation, sizeof l->of->operation, "%s", r->operation);
    snprintf(l->of[l->results].note, sizeof l->of->note, "%s", r->note);
    l->of[l->results].verdict = r->verdict;
    l->of[l->results].share = r->share;
    cr_expect(r->verdict != BRN_SELFTEST_HOLDS || r->share <= 1, "%s: %g", r->operation, r->share);
    cr_expect(r->verdict == BRN_SELFTEST_HOLDS || *r->note, "%s: no reason given", r->operation);
    return ++l->results != l->stop_after;
}

Test(selftest, host_holds)
{
    brn_device *dev;
    brn_selftest_summary s;
    log_book l = {0};
    MUST(brn_device_open(&dev, "host", 1));
    MUST(brn_selftest(dev, note, &l, &s));
    for (int i = 0; i < l.results; ++i) cr_expect_eq(l.of[i].verdict, BRN_SELFTEST_HOLDS, "%s: %s", l.of[i].operation, l.of[i].note);
    cr_expect(s.holds && s.trained && s.counted);
    cr_expect_eq(s.operations, l.results);
    cr_expect_gt(s.operations, BRN_KERNEL_COUNT);
    cr_expect_gt(s.cases, 49 * BRN_KERNEL_COUNT);
    cr_expect(s.worst > 0 && s.worst <= 1 && *s.worst_operation);
    cr_expect(s.distance > 0 && s.distance < s.distance_limit);
    cr_expect(s.l2_uvp < 10 && s.argmin <= 2 * s.gtol);
    cr_expect_gt(s.launches_per_step, 1);
    cr_expect_eq(s.stops[0] + s.stops[1] + s.stops[2] + s.stops[3], s.solve_rows);
    brn_device_close(dev);
}

Test(selftest, stops_when_asked)
{
    brn_device *dev;
    brn_selftest_summary s;
    log_book l = {.stop_after = 3};
    MUST(brn_device_open(&dev, "host", 1));
    MUST_FAIL(brn_selftest(dev, note, &l, &s), BRN_ERR_STOPPED, "stopped");
    cr_expect(l.results == 3 && !s.holds);
    brn_device_close(dev);
}

/* What is wrong with each of these kernels. */
static brn_status wrong_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    if (kernel == BRN_K_pick) return brn_fail(BRN_ERR_UNSUPPORTED, "pick: no such instruction");
    if (kernel == BRN_K_newton_schulz) return brn_fail(BRN_ERR_DEVICE, "newton_schulz: device lost");
    brn_status status = brn_backend_host.launch(q, kernel, params, size, rows, feats, views, count);
    float *real = kernel == BRN_K_choose || kernel == BRN_K_epoch_rows ? NULL : (float *)views[count - 1].buf->data + views[count - 1].off;
    int *integer = (int *)views[count - 1].buf->data + views[count - 1].off;
    if (kernel == BRN_K_mul) real[rows - 1] *= 1.00001f;                      /* the last row alone, by 80 eps */
    if (kernel == BRN_K_row_dot) real[0] = NAN;
    if (kernel == BRN_K_choose) integer[0] ^= 1;
    if (kernel == BRN_K_conj_trial) real[rows] = 1;                           /* past the rows */
    return status;
}

Test(selftest, wrong_kernels_are_reported)
{
    static const struct {
        const char *operation, *part;
        brn_selftest_verdict verdict;
    } expected[] = {
        {"mul", "beyond the tolerance", BRN_SELFTEST_FAILS}, {"row_dot", "beyond the tolerance", BRN_SELFTEST_FAILS},
        {"choose", "beyond the tolerance", BRN_SELFTEST_FAILS}, {"conj_trial", "was written", BRN_SELFTEST_FAILS},
        {"newton_schulz", "device lost", BRN_SELFTEST_FAILS}, {"pick", "no such instruction", BRN_SELFTEST_UNSUPPORTED},
        {"Muon", "device lost", BRN_SELFTEST_FAILS}, {"gemm", "", BRN_SELFTEST_HOLDS}, {"axpby", "", BRN_SELFTEST_HOLDS},
    };
    brn_device *dev;
    brn_selftest_summary s;
    log_book l = {0};
    MUST(brn_device_open(&dev, "host", 1));
    brn_backend wrong = brn_backend_host;
    wrong.launch = wrong_launch;
    dev->ops = &wrong;
    MUST(brn_selftest(dev, note, &l, &s));
    cr_expect(!s.holds && s.failed >= 6 && s.unsupported == 1);
    for (size_t e = 0; e < sizeof expected / sizeof *expected; ++e) {
        bool found = false;
        for (int i = 0; i < l.results; ++i) {
            if (strcmp(l.of[i].operation, expected[e].operation)) continue;
            found = true;
            cr_expect_eq(l.of[i].verdict, expected[e].verdict, "%s: %s, %g", l.of[i].operation, l.of[i].note, l.of[i].share);
            cr_expect(strstr(l.of[i].note, expected[e].part), "%s: \"%s\" lacks \"%s\"", l.of[i].operation, l.of[i].note, expected[e].part);
        }
        cr_expect(found, "no result for %s", expected[e].operation);
    }
    brn_device_close(dev);
}
