/* Whole networks and optimizers on every device against the double-precision oracle. */
#include "selftest/wholes.h"
#include "support/devices.h"

#include <stdio.h>

static void report(const char *name, const char *device, const brn_parity *p)
{
    fprintf(stderr, "parity/%-20s [%s] worst error %.0f %% of the tolerance (%s)\n", name, device, 100 * p->share, p->worst);
    cr_expect(p->share <= 1, "%s [%s] %s: %.2f of the tolerance", name, device, p->worst, p->share);
    cr_expect(p->cases > 0 && p->share > 0, "%s [%s]: nothing was computed", name, device);
}

Test(parity, networks_and_optimizers)
{
    static const char *const optimizers[] = {[BRN_OPT_ADAMW] = "AdamW", [BRN_OPT_MUON] = "Muon", [BRN_OPT_SOAP] = "SOAP"};
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    brn_device *oracle = test_oracle_open();
    for (int i = 0; i < count; ++i) {
        brn_device *dev = test_device_open(&devices[i], 1);
        brn_parity parity[BRN_PASSES];
        MUST(brn_networks_check(dev, oracle, parity));
        for (int pass = 0; pass < BRN_PASSES; ++pass) report(brn_pass_names[pass], devices[i].label, &parity[pass]);
        for (int kind = BRN_OPT_ADAMW; kind <= BRN_OPT_SOAP; ++kind) {
            MUST(brn_optimizer_check(dev, oracle, (brn_optimizer_kind)kind, parity));
            report(optimizers[kind], devices[i].label, parity);
        }
        MUST(brn_bases_check(dev, parity));
        report("SOAP's bases", devices[i].label, parity);
        brn_device_close(dev);
    }
    brn_device_close(oracle);
}
