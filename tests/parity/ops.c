/* The parity table of the library on every device against the double-precision oracle, and that it leaves
 * out nothing. */
#include "support/devices.h"
#include "selftest/case.h"

#include <stdio.h>
#include <string.h>

Test(parity, every_kernel_has_a_case)
{
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k) {
        bool found = false;
        for (int o = 0; o < brn_operation_count(); ++o) found = found || !strcmp(brn_operation_at(o)->name, brn_kernel_table[k].name);
        cr_expect(found, "kernel %s has no case in src/selftest", brn_kernel_table[k].name);
    }
}

Test(parity, operations)
{
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    brn_device *oracle = test_oracle_open();
    for (int i = 0; i < count; ++i) {
        brn_device *dev = test_device_open(&devices[i], 1);
        for (int o = 0; o < brn_operation_count(); ++o) {
            const brn_operation *op = brn_operation_at(o);
            brn_parity p;
            MUST(brn_operation_check_all(dev, oracle, op, &p));
            fprintf(stderr, "parity/%-16s [%s] worst error %.0f %% of the tolerance (%s)\n", op->name, devices[i].label, 100 * p.share, p.worst);
            cr_expect(p.share <= 1, "%s [%s] %s: %.2f of the tolerance", op->name, devices[i].label, p.worst, p.share);
            cr_expect(!*p.fault, "%s [%s] %s", op->name, devices[i].label, p.fault);
        }
        brn_device_close(dev);
    }
    brn_device_close(oracle);
}
