/* Whole networks and optimizers on every device against the double-precision oracle. */
#include "selftest/wholes.h"
#include "model/amortizer.h"
#include "selftest/subject.h"
#include "support/devices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- small networks in one launch, beside the separate kernels -------------------------------- */

enum { ROWS = 67, MOST_NUMBERS = 1 << 17 };

/* Values, gradients and parameter gradients of a network both ways. Returns the products that the first one saved. */
static uint64_t both_ways(brn_device *dev, const char *label, brn_network_kind network, int n, const brn_widths *hidden)
{
    static double found[2][3][MOST_NUMBERS];
    uint64_t products[2];
    brn_net_shape shape;
    MUST(brn_network_shape(&shape, network, n, hidden, BRN_ACT_CELU, 0.7f));
    cr_assert_leq(shape.size, MOST_NUMBERS);
    for (int way = 0; way < 2; ++way) {
        brn_subject s;
        setenv("BRENIER_FUSE", way ? "off" : "on", 1);
        MUST(brn_subject_open(&s, dev, &shape, network, ROWS, 11));
        const uint64_t before = dev->counts.products;
        MUST(brn_subject_value_grad(&s, ROWS));
        products[way] = dev->counts.products - before;
        MUST(brn_subject_read(&s, s.value, found[way][0]));
        MUST(brn_subject_read(&s, s.grad, found[way][1]));
        MUST(brn_subject_param_grad(&s, ROWS, found[way][2]));
        brn_subject_close(&s);
    }
    unsetenv("BRENIER_FUSE");
    const size_t counts[] = {ROWS, (size_t)(ROWS * n), shape.size};
    int inner = 0;
    for (int l = 0; l < shape.layers; ++l) inner += brn_layer_rows(&shape.layer[l]) + brn_layer_cols(&shape.layer[l]);
    for (int i = 0; i < 3; ++i) {
        const double share = brn_parity_share(found[0][i], found[1][i], counts[i], inner + (i == 2 ? ROWS : 0), 0);
        cr_expect_leq(share, 1, "%s: %s, n = %d, widths %d ...: part %d: %.2f of the tolerance", label, brn_network_names[network], n, hidden->width[0], i, share);
    }
    return products[1] - products[0];
}

/* All weights at once, in more than 48 KiB where a device has them, and some rows at a time. */
Test(parity, small_networks_in_one_launch)
{
    static const brn_widths widths[] = {{3, {64, 64, 32}}, {2, {128, 128}}, {3, {128, 128, 64}}, {1, {1}}};
    static const brn_network_kind networks[] = {BRN_NETWORK_MLP, BRN_NETWORK_MLP_LAST, BRN_NETWORK_ICNN, BRN_NETWORK_RESIDUAL};
    test_device devices[TEST_DEVICES_MOST];
    for (int i = 0, count = test_devices(devices); i < count; ++i) {
        brn_device *dev = test_device_open(&devices[i], 1);
        for (size_t w = 0; w < sizeof widths / sizeof *widths; ++w)
            for (size_t k = 0; k < sizeof networks / sizeof *networks; ++k)
                for (int n = 2; n <= 64; n *= 32) {
                    const uint64_t saved = both_ways(dev, devices[i].label, networks[k], n, &widths[w]);
                    /* forward and back; the reverse pass of vectors is not a solver's */
                    if (!strncmp(devices[i].label, "host(", 5)) continue; /* its layers are no products and kernels */
                    cr_expect_geq((int)saved, widths[w].count + 1, "%s: %s of n = %d saved %d products", devices[i].label, brn_network_names[networks[k]], n, (int)saved);
                }
        brn_device_close(dev);
    }
}

Test(parity, an_amortizer_in_one_launch)
{
    enum { N = 7 };
    static double found[2][N * ROWS];
    test_device devices[TEST_DEVICES_MOST];
    brn_settings settings;
    MUST(brn_settings_preset(&settings, "2d"));
    MUST(brn_settings_resolve(&settings, N));
    cr_assert_eq((int)settings.amortizer.kind, (int)BRN_AMORTIZER_RESIDUAL);
    for (int i = 0, count = test_devices(devices); i < count; ++i) {
        brn_device *dev = test_device_open(&devices[i], 1);
        brn_queue *q = brn_device_queue(dev, 0);
        brn_amortizer h;
        brn_amortizer_work work;
        brn_batch y, x;
        float rows[N * ROWS];
        for (int k = 0; k < N * ROWS; ++k) rows[k] = (float)sin(3.0 * k);
        MUST(brn_amortizer_create(&h, dev, &settings, N));
        MUST(brn_net_init(&h.net, 5, 1, false));
        MUST(brn_batch_create(&y, dev, N, ROWS, "y"));
        MUST(brn_batch_create(&x, dev, N, ROWS, "x"));
        MUST(brn_batch_write(&y, rows));
        for (int way = 0; way < 2; ++way) {
            setenv("BRENIER_FUSE", way ? "off" : "on", 1);
            MUST(brn_amortizer_work_create(&work, &h, y.lanes));
            const brn_device_counts before = dev->counts;
            for (int t = 0; t < y.tiles; ++t) MUST(brn_amortizer_forward(q, &h, &work, brn_batch_rows(&y, t), brn_batch_tile(&y, t), brn_batch_tile(&x, t)));
            if (!way) {
                cr_expect_eq(dev->counts.launches - before.launches, (uint64_t)y.tiles, "%s", devices[i].label);
                cr_expect_eq(dev->counts.products, before.products, "%s", devices[i].label);
            }
            MUST(brn_batch_read(&x, rows));
            for (int k = 0; k < N * ROWS; ++k) found[way][k] = (double)rows[k];
            brn_amortizer_work_free(&work);
        }
        unsetenv("BRENIER_FUSE");
        cr_expect_leq(brn_parity_share(found[0], found[1], N * ROWS, 64, 0), 1, "%s", devices[i].label);
        brn_batch_free(&y), brn_batch_free(&x);
        brn_amortizer_free(&h);
        brn_device_close(dev);
    }
}
