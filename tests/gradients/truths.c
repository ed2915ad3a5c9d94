/* What holds for derivatives and networks without a reference: symmetry and positivity of Hessians,
 * convexity, the identity start, and the same bits in every run. */
#include "support/devices.h"
#include "support/subject.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 4, ROWS = 33 };

static const brn_widths hidden = {2, {19, 7}};

static void open_subject(brn_subject *s, brn_device *dev, brn_network_kind network, int kind, int rows)
{
    brn_net_shape shape;
    MUST(brn_network_shape(&shape, network, N, network == BRN_NETWORK_QUADRATIC ? &(brn_widths){3, {6, 5, 6}} : &hidden, kind, 1));
    test_subject_open(s, dev, &shape, network, rows, 3);
}

static void hessian_product(brn_subject *s, const double *v, double *hv)
{
    double *ignored = calloc(s->size, sizeof(double));
    test_subject_write(s, s->v, v);
    test_subject_mixed(s, s->rows, ignored);
    test_subject_read(s, s->hv, hv);
    free(ignored);
}

Test(truths, hessians_are_symmetric)
{
    brn_device *dev = test_oracle_open();
    for (int network = 0; network < BRN_NETWORK_KINDS; ++network)
        for (int kind = BRN_ACT_NONE; kind <= BRN_ACT_SILU; ++kind) {
            brn_subject s;
            double u[N * ROWS], v[N * ROWS], hu[N * ROWS], hv[N * ROWS];
            open_subject(&s, dev, (brn_network_kind)network, kind, ROWS);
            test_subject_read(&s, s.x, u); /* any directions do */
            test_subject_read(&s, s.v, v);
            hessian_product(&s, v, hv);
            hessian_product(&s, u, hu);
            for (int r = 0; r < ROWS; ++r) {
                double a = 0, b = 0, size = 0;
                for (int i = r; i < N * ROWS; i += ROWS) a += u[i] * hv[i], b += v[i] * hu[i], size += fabs(u[i] * hv[i]) + fabs(v[i] * hu[i]);
                cr_expect(fabs(a - b) <= 1e-13 * (1 + size), "%s, activation %d, row %d: <u,Hv> = %.17g, <v,Hu> = %.17g",
                          brn_network_names[network], kind, r, a, b);
            }
            brn_subject_close(&s);
        }
    brn_device_close(dev);
}

/* ---- convexity ------------------------------------------------------------------------------- */

static const int convex_kinds[] = {BRN_ACT_RELU, BRN_ACT_LEAKY_RELU, BRN_ACT_ELU, BRN_ACT_CELU, BRN_ACT_SOFTPLUS};

static void expect_midpoints_below(brn_subject *s)
{
    double a[N * ROWS], b[N * ROWS], half[N * ROWS], fa[ROWS], fb[ROWS], fh[ROWS];
    test_subject_read(s, s->x, a);
    test_subject_read(s, s->v, b);
    for (int i = 0; i < N * ROWS; ++i) half[i] = 0.5 * (a[i] + b[i]);
    test_subject_value_grad(s, ROWS);
    test_subject_read(s, s->value, fa);
    test_subject_write(s, s->x, b);
    test_subject_value_grad(s, ROWS);
    test_subject_read(s, s->value, fb);
    test_subject_write(s, s->x, half);
    test_subject_value_grad(s, ROWS);
    test_subject_read(s, s->value, fh);
    test_subject_write(s, s->x, a);
    for (int r = 0; r < ROWS; ++r) cr_expect_leq(fh[r], 0.5 * (fa[r] + fb[r]) + 1e-12 * (1 + fabs(fh[r])), "%s, row %d", brn_network_names[s->network], r);
}

static void expect_positive_hessian(brn_subject *s)
{
    double v[N * ROWS], hv[N * ROWS];
    test_subject_read(s, s->v, v);
    hessian_product(s, v, hv);
    for (int r = 0; r < ROWS; ++r) {
        double curvature = 0, square = 0;
        for (int i = r; i < N * ROWS; i += ROWS) curvature += v[i] * hv[i], square += v[i] * v[i];
        cr_expect_geq(curvature, -1e-12 * square, "%s, row %d: <v,Hv> = %g", brn_network_names[s->network], r, curvature);
    }
}

Test(truths, input_convex_networks_are_convex)
{
    brn_device *dev = test_oracle_open();
    for (size_t k = 0; k < sizeof convex_kinds / sizeof *convex_kinds; ++k)
        for (int network = BRN_NETWORK_ICNN; network <= BRN_NETWORK_ICNN_PLAIN; ++network) {
            brn_subject s;
            open_subject(&s, dev, (brn_network_kind)network, convex_kinds[k], ROWS);
            expect_midpoints_below(&s);
            expect_positive_hessian(&s);
            brn_subject_close(&s);
        }
    brn_device_close(dev);
}

/* ---- identity start -------------------------------------------------------------------------- */

static void expect_identity(const test_device *d, brn_network_kind network)
{
    brn_device *dev = test_device_open(d, 1);
    brn_subject s;
    double x[N * ROWS], y[N * ROWS];
    open_subject(&s, dev, network, BRN_ACT_SILU, ROWS);
    MUST(brn_net_init(&s.f.part[0], 5, 0, true));
    test_subject_read(&s, s.x, x);
    if (network == BRN_NETWORK_RESIDUAL) { /* H(y) = y + out(y) */
        MUST(brn_tape_forward(s.q, &s.f.part[0], &s.work.tape[0], ROWS, s.x, s.grad, false));
        MUST(brn_mat_axpby(s.q, ROWS, 1, s.x, 1, s.grad));
    } else {
        test_subject_value_grad(&s, ROWS);
    }
    test_subject_read(&s, s.grad, y);
    for (int i = 0; i < N * ROWS; ++i) cr_expect_eq(x[i], y[i], "%s [%s]: %.9g became %.9g", brn_network_names[network], d->label, x[i], y[i]);
    brn_subject_close(&s);
    brn_device_close(dev);
}

Test(truths, identity_start_is_exact)
{
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    for (int i = 0; i < count; ++i) {
        expect_identity(&devices[i], BRN_NETWORK_MLP);
        expect_identity(&devices[i], BRN_NETWORK_RESIDUAL);
    }
}

/* ---- repeatability --------------------------------------------------------------------------- */

Test(truths, runs_give_the_same_bits)
{
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    for (int i = 0; i < count; ++i) {
        double *gradients[3] = {0};
        size_t size = 0;
        for (int run = 0; run < 3; ++run) {
            brn_device *dev = test_device_open(&devices[i], run + 1);
            brn_subject s;
            open_subject(&s, dev, BRN_NETWORK_ICNN, BRN_ACT_ELU, ROWS);
            size = s.size;
            gradients[run] = calloc(2 * size, sizeof(double));
            test_subject_param_grad(&s, ROWS, gradients[run]);
            test_subject_mixed(&s, ROWS, gradients[run] + size);
            brn_subject_close(&s);
            brn_device_close(dev);
        }
        for (int run = 1; run < 3; ++run)
            cr_expect(!memcmp(gradients[0], gradients[run], 2 * size * sizeof(double)), "[%s]: run %d differs", devices[i].label, run);
        for (int run = 0; run < 3; ++run) free(gradients[run]);
    }
}
