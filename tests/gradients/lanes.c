/* The design rests on this: a row's results have the same bits whatever its lane and however many rows
 * stand beside it. Only then may rows leave a batch, change places and be spread over threads without
 * the result depending on it. */
#include "support/devices.h"
#include "support/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 7, IMAGE = 3 * 4 * 4, TILE = 64, OUTPUTS = 1 + 2 * IMAGE };

/* value, gradient and Hessian product of every row, [1 + 2 n][TILE] */
static void results(brn_subject *s, int rows, double *out)
{
    double *ignored = calloc(s->size, sizeof(double));
    test_subject_value_grad(s, rows);
    test_subject_mixed(s, rows, ignored);
    test_subject_read(s, s->value, out);
    test_subject_read(s, s->grad, out + TILE);
    test_subject_read(s, s->hv, out + TILE * (1 + s->n));
    free(ignored);
}

static void permute(int n, const int *order, const double *from, double *to)
{
    for (int i = 0; i < n; ++i)
        for (int r = 0; r < TILE; ++r) to[i * TILE + r] = from[i * TILE + order[r]];
}

static void expect_same(const char *label, int n, int rows, const int *order, const double *whole, const double *found)
{
    for (int i = 0; i < 1 + 2 * n; ++i)
        for (int r = 0; r < rows; ++r)
            cr_assert_eq(memcmp(&found[i * TILE + r], &whole[i * TILE + order[r]], sizeof(double)), 0,
                         "%s: output %d of row %d in lane %d of %d rows is %.9g, in the whole tile %.9g", label, i, order[r], r, rows,
                         found[i * TILE + r], whole[i * TILE + order[r]]);
}

static void check(brn_device *dev, const char *device, brn_network_kind network, int kind)
{
    char label[128];
    brn_net_shape shape;
    brn_subject s;
    double original[3][IMAGE * TILE], permuted[IMAGE * TILE], whole[OUTPUTS * TILE], found[OUTPUTS * TILE];
    int order[TILE];
    snprintf(label, sizeof label, "%s, activation %d [%s]", brn_network_names[network], kind, device);
    MUST(brn_network_shape(&shape, network, network == BRN_NETWORK_CONV ? IMAGE : N, &(brn_widths){3, {37, 21, 10}}, kind, 0.9f));
    test_subject_open(&s, dev, &shape, network, TILE, 13);
    const brn_mat inputs[3] = {s.x, s.v, s.w};
    for (int m = 0; m < 3; ++m) test_subject_read(&s, inputs[m], original[m]);
    for (int r = 0; r < TILE; ++r) order[r] = r;
    results(&s, TILE, whole);
    for (int rows = 1; rows <= TILE; ++rows) {
        for (int m = 0; m < 3; ++m) {
            permute(s.n, order, original[m], permuted);
            test_subject_write(&s, inputs[m], permuted);
        }
        results(&s, rows, found);
        expect_same(label, s.n, rows, order, whole, found);
        for (int r = 0; r < TILE; ++r) order[r] = (order[r] * 29 + 17) % TILE; /* another permutation each time */
    }
    brn_subject_close(&s);
}

Test(lanes, results_do_not_depend_on_the_rows_beside)
{
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    for (int i = 0; i < count; ++i) {
        brn_device *dev = test_device_open(&devices[i], 1);
        for (int kind = BRN_ACT_NONE; kind <= BRN_ACT_SILU; ++kind) check(dev, devices[i].label, BRN_NETWORK_MLP_LAST, kind);
        for (int network = 0; network < BRN_NETWORK_KINDS; ++network) check(dev, devices[i].label, (brn_network_kind)network, BRN_ACT_ELU);
        brn_device_close(dev);
    }
    brn_device *oracle = test_oracle_open();
    check(oracle, "host:f64", BRN_NETWORK_MLP, BRN_ACT_SILU);
    brn_device_close(oracle);
}
