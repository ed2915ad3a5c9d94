/* Whole networks on every device against the double-precision oracle. */
#include "support/devices.h"
#include "support/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 5, ROWS = 67 };

typedef struct {
    double value[ROWS], grad[N * ROWS], hv[N * ROWS];
    double *theta_grad, *mixed;
} results;

static void compute(brn_device *dev, const brn_net_shape *shape, test_network network, results *r)
{
    test_subject s;
    test_subject_open(&s, dev, shape, network, ROWS, 7);
    r->theta_grad = calloc(s.size, sizeof(double)), r->mixed = calloc(s.size, sizeof(double));
    test_subject_value_grad(&s, ROWS);
    test_subject_read(&s, s.value, r->value);
    test_subject_read(&s, s.grad, r->grad);
    test_subject_param_grad(&s, ROWS, r->theta_grad);
    test_subject_mixed(&s, ROWS, r->mixed);
    test_subject_read(&s, s.hv, r->hv);
    test_subject_close(&s);
}

static void release(results *r) { free(r->theta_grad), free(r->mixed); }

static double share(const double *found, const double *expected, size_t count, int reduction)
{
    double error = 0, scale = 0;
    for (size_t i = 0; i < count; ++i) {
        error = test_worse(error, found[i], expected[i]);
        scale = fmax(scale, fabs(expected[i]));
    }
    return error / (scale * test_tolerance(reduction));
}

static void compare(const test_device *d, test_network network, const results *found, const results *oracle, const brn_net_shape *shape)
{
    int inner = 0; /* inner indices along the longest path, there and back */
    for (int l = 0; l < shape->layers; ++l) inner += shape->layer[l].in + shape->layer[l].skip + shape->layer[l].out;
    const double shares[] = {share(found->value, oracle->value, ROWS, inner), share(found->grad, oracle->grad, N * ROWS, inner),
                             share(found->theta_grad, oracle->theta_grad, shape->size, inner + ROWS),
                             share(found->mixed, oracle->mixed, shape->size, inner + ROWS),
                             share(found->hv, oracle->hv, N * ROWS, inner)};
    static const char *const names[] = {"value", "gradient", "parameter gradient", "mixed", "hessian product"};
    fprintf(stderr, "parity/networks %-22s [%s]", test_network_names[network], d->label);
    for (int i = 0; i < 5; ++i) fprintf(stderr, "  %s %.0f %%", names[i], 100 * shares[i]);
    fprintf(stderr, "\n");
    for (int i = 0; i < 5; ++i)
        cr_expect(shares[i] <= 1, "%s [%s]: %s has %.2f of the tolerance", test_network_names[network], d->label, names[i], shares[i]);
}

Test(parity, networks)
{
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    brn_device *oracle = test_oracle_open();
    for (int network = 0; network < TEST_NETWORKS; ++network) {
        brn_net_shape shape;
        results expected;
        MUST(test_shape(&shape, (test_network)network, N, &(brn_widths){3, {33, 17, 9}}, network % 2 ? BRN_ACT_CELU : BRN_ACT_SOFTPLUS, 0.8f));
        compute(oracle, &shape, (test_network)network, &expected);
        for (int i = 0; i < count; ++i) {
            brn_device *dev = test_device_open(&devices[i], 1);
            results found;
            compute(dev, &shape, (test_network)network, &found);
            compare(&devices[i], (test_network)network, &found, &expected, &shape);
            release(&found);
            brn_device_close(dev);
        }
        release(&expected);
    }
    brn_device_close(oracle);
}
