/* Derivatives against central differences on the double-precision device, for every network and every
 * activation: input gradient, parameter gradient, mixed second order.
 *
 * With steps of H the truncation error is about H^2 f''' / 6 = 1e-10 and the rounding error
 * 2^-53 |f| / H = 1e-11, both relative to derivatives of size 1: TOLERANCE leaves two orders for the
 * constants. relu and leaky_relu have kinks; the fixed seed keeps samples away from them. */
#include "selftest/case.h"
#include "support/devices.h"
#include "support/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 3, IMAGE = 3 * 5 * 5, ROWS = 5 };
static const double H = 1e-5, TOLERANCE = 1e-8;

typedef struct {
    brn_subject s;
    const char *label;
    double x[IMAGE * ROWS], v[IMAGE * ROWS], *theta;
} probe;

static void compare(const probe *p, const char *what, const double *exact, const double *difference, size_t count)
{
    double scale = 1e-3, error = 0;
    size_t at = 0;
    for (size_t i = 0; i < count; ++i) {
        scale = fmax(scale, fabs(exact[i]));
        const double worse = brn_parity_worse(error, exact[i], difference[i]);
        if (worse > error) error = worse, at = i;
    }
    cr_expect(error <= TOLERANCE * scale, "%s: %s %zu is %.12g, the difference quotient %.12g (error %.1e of the largest)", p->label, what,
              at, exact[at], difference[at], error / scale);
}

/* sum_r f(x_r), or with `mixed` sum_r <v_r, grad f(x_r)>. */
static double scalar(probe *p, bool mixed)
{
    double value[ROWS], grad[IMAGE * ROWS], sum = 0;
    test_subject_value_grad(&p->s, ROWS);
    test_subject_read(&p->s, p->s.value, value);
    test_subject_read(&p->s, p->s.grad, grad);
    for (int r = 0; r < ROWS && !mixed; ++r) sum += value[r];
    for (int i = 0; i < p->s.n * ROWS && mixed; ++i) sum += p->v[i] * grad[i];
    return sum;
}

static void by_input(probe *p, bool mixed, double *difference)
{
    for (int i = 0; i < p->s.n * ROWS; ++i) {
        const double x = p->x[i];
        p->x[i] = x + H;
        test_subject_write(&p->s, p->s.x, p->x);
        const double up = scalar(p, mixed);
        p->x[i] = x - H;
        test_subject_write(&p->s, p->s.x, p->x);
        difference[i] = (up - scalar(p, mixed)) / (2 * H);
        p->x[i] = x;
    }
    test_subject_write(&p->s, p->s.x, p->x);
}

static void by_parameter(probe *p, bool mixed, double *difference)
{
    for (size_t i = 0; i < p->s.size; ++i) {
        const double t = p->theta[i];
        p->theta[i] = t + H;
        test_subject_set_theta(&p->s, p->theta);
        const double up = scalar(p, mixed);
        p->theta[i] = t - H;
        test_subject_set_theta(&p->s, p->theta);
        difference[i] = (up - scalar(p, mixed)) / (2 * H);
        p->theta[i] = t;
    }
    test_subject_set_theta(&p->s, p->theta);
}

static void check(brn_device *dev, brn_network_kind network, int kind, float c)
{
    const int n = network == BRN_NETWORK_CONV ? IMAGE : N;
    char label[80];
    brn_net_shape shape;
    probe p = {.label = label};
    snprintf(label, sizeof label, "%s, activation %d", brn_network_names[network], kind);
    MUST(brn_network_shape(&shape, network, n, &(brn_widths){3, {4, 5, 3}}, kind, c));
    test_subject_open(&p.s, dev, &shape, network, ROWS, 11);
    p.theta = calloc(p.s.size, sizeof(double));
    double *exact = calloc(p.s.size, sizeof(double)), *difference = calloc(p.s.size + IMAGE * ROWS, sizeof(double)), hv[IMAGE * ROWS], grad[IMAGE * ROWS];
    test_subject_theta(&p.s, p.theta);
    test_subject_read(&p.s, p.s.x, p.x);
    test_subject_read(&p.s, p.s.v, p.v);

    test_subject_value_grad(&p.s, ROWS);
    test_subject_read(&p.s, p.s.grad, grad);
    by_input(&p, false, difference);
    compare(&p, "input gradient", grad, difference, (size_t)(n * ROWS));
    test_subject_param_grad(&p.s, ROWS, exact);
    by_parameter(&p, false, difference);
    compare(&p, "parameter gradient", exact, difference, p.s.size);
    test_subject_mixed(&p.s, ROWS, exact);
    test_subject_read(&p.s, p.s.hv, hv);
    by_parameter(&p, true, difference);
    compare(&p, "mixed parameter gradient", exact, difference, p.s.size);
    by_input(&p, true, difference); /* d/dx <v, grad f> = H v */
    compare(&p, "hessian product", hv, difference, (size_t)(n * ROWS));

    free(p.theta), free(exact), free(difference);
    brn_subject_close(&p.s);
}

Test(gradients, agree_with_central_differences)
{
    brn_device *dev = test_oracle_open();
    for (int network = 0; network < BRN_NETWORK_KINDS; ++network) {
        if (network == BRN_NETWORK_QUADRATIC) continue;
        for (int kind = BRN_ACT_NONE; kind <= BRN_ACT_SILU; ++kind) check(dev, (brn_network_kind)network, kind, kind == BRN_ACT_LEAKY_RELU ? 0.2f : 0.7f);
    }
    check(dev, BRN_NETWORK_QUADRATIC, BRN_ACT_CELU, 1); /* its activations are part of its definition */
    brn_device_close(dev);
}
