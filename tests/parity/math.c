/* The kernels' own scalar functions, compiled from their text, against the double-precision C library in
 * units in the last place; and Philox against the vectors published with Random123. */
#include "support/support.h"
#include "core/philox.h"

#include "prelude/c.h"
#include "prelude/math.h"
#include "prelude/activation.h"
#include "prelude/philox.h"

#include <float.h>
#include <stdio.h>

typedef struct {
    const char *name;
    float (*found)(float);
    double (*expected)(double);
    float from, to;
    double limit; /* ulp of the result, or with scale > 0 of that number where the result is smaller */
    double scale;
} function;

static double softplus(double t) { return fmax(t, 0) + log1p(exp(-fabs(t))); }
static double sigmoid(double t) { return 1 / (1 + exp(-t)); }
static double cos2pi(double u) { return cos(6.283185307179586476925 * u); }
static double sin2pi(double u) { return sin(6.283185307179586476925 * u); }
#define WRAP(name) static float f_##name(float x) { return m_##name(x); }
WRAP(exp) WRAP(exp_negative) WRAP(expm1_negative) WRAP(log) WRAP(log1p) WRAP(softplus) WRAP(sigmoid) WRAP(cos2pi) WRAP(sin2pi)

/* Turns are exact at the device's quarter turns only up to the rounding of 2 pi u, so that errors near
 * the zeros count in ulp of 1/8. */
static const function functions[] = {
    {"exp", f_exp, exp, -87, 88.7f, 3, 0},
    {"exp, gradual underflow", f_exp, exp, -103, -87, 3, FLT_MIN},
    {"exp of x <= 0", f_exp_negative, exp, -87.3f, 0, 3, 0},
    {"exp, to 0", f_exp_negative, exp, -100, -87.3f, 3, 2},
    {"expm1 of x <= 0", f_expm1_negative, expm1, -40, 0, 3, 0},
    {"expm1, near 0", f_expm1_negative, expm1, -0.01f, 0, 3, 0},
    {"expm1, first octaves", f_expm1_negative, expm1, -3, -0.3f, 3, 0},
    {"log", f_log, log, 1e-6f, 20, 3, 0},
    {"log, large", f_log, log, 20, 3e38f, 3, 0},
    {"log, small", f_log, log, FLT_MIN, 1e-30f, 3, 0},
    {"log1p", f_log1p, log1p, -0.99f, 20, 3, 0},
    {"log1p, near 0", f_log1p, log1p, -0.001f, 0.001f, 3, 0},
    {"softplus", f_softplus, softplus, -80, 80, 3, 0},
    {"sigmoid", f_sigmoid, sigmoid, -80, 80, 3, 0},
    {"cos2pi", f_cos2pi, cos2pi, 0, 1, 3, 0.125},
    {"sin2pi", f_sin2pi, sin2pi, 0, 1, 3, 0.125},
};

static double ulps(double found, double expected, double scale)
{
    int exponent;
    frexp(fmax(fabs(expected), fmax(scale, FLT_MIN)), &exponent);
    return fabs(found - expected) / ldexp(1, exponent - 24);
}

Test(parity, scalar_functions)
{
    enum { STEPS = 1000000 };
    for (size_t f = 0; f < sizeof functions / sizeof *functions; ++f) {
        const function *p = &functions[f];
        double worst = 0;
        float at = p->from;
        for (int i = 0; i <= STEPS; ++i) {
            const float x = (float)(p->from + ((double)p->to - p->from) * i / STEPS);
            const double e = ulps(p->found(x), p->expected(x), p->scale);
            if (!(e <= worst)) worst = e, at = x;
        }
        fprintf(stderr, "parity/%-22s [%g, %g] at most %.2f ulp, at %.9g\n", p->name, (double)p->from, (double)p->to, worst, (double)at);
        cr_expect(worst <= p->limit, "%s(%.9g): %.2f ulp, allowed %.0f", p->name, (double)at, worst, p->limit);
    }
}

Test(parity, scalar_functions_at_their_ends)
{
    cr_expect_eq(m_exp(0), 1);
    cr_expect_eq(m_exp(-INFINITY), 0);
    cr_expect_eq(m_exp(INFINITY), INFINITY);
    cr_expect_eq(m_exp_negative(0), 1);
    cr_expect_eq(m_exp_negative(-INFINITY), 0);
    cr_expect_eq(m_expm1_negative(0), 0);
    cr_expect_eq(m_expm1_negative(-0.0f), 0);
    cr_expect_eq(m_expm1_negative(-INFINITY), -1);
    cr_expect_eq(m_log(1), 0);
    cr_expect_eq(m_log1p(0), 0);
    cr_expect_eq(m_softplus(INFINITY), INFINITY);
    cr_expect_eq(m_softplus(-INFINITY), 0);
    cr_expect_eq(m_sigmoid(INFINITY), 1);
    cr_expect_eq(m_sigmoid(-INFINITY), 0);
    cr_expect_eq(m_cos2pi(0), 1);
    cr_expect_eq(m_cos2pi(1), 1);
    cr_expect_eq(m_sin2pi(0), 0);
    cr_expect(isnan(m_exp(NAN)) && isnan(m_exp_negative(NAN)) && isnan(m_softplus(NAN)) && isnan(m_sigmoid(NAN)));
    cr_expect(!m_finite(NAN) && !m_finite(INFINITY) && m_finite(FLT_MAX) && m_finite(0));
    for (int kind = A_NONE; kind <= A_SILU; ++kind) /* divergence must not hide */
        cr_expect(isnan(a_value(kind, 0.5f, NAN)), "activation %d turns NaN into a number", kind);
}

/* ---- Philox ---------------------------------------------------------------------------------- */

/* Random123, tests/kat_vectors: philox4x32 with 10 rounds. */
static const struct {
    uint32_t counter[4], key[2], words[4];
} vectors[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

Test(philox, published_vectors)
{
    for (int v = 0; v < 3; ++v) {
        const uint32_t *c = vectors[v].counter, *k = vectors[v].key, *w = vectors[v].words;
        const brn_philox_words host = brn_philox(c, (uint64_t)k[1] << 32 | k[0]);
        PHILOX(d, c[0], c[1], c[2], c[3], k[0], k[1])
        const uint32_t device[] = {d0, d1, d2, d3};
        for (int i = 0; i < 4; ++i) {
            cr_expect_eq(host.w[i], w[i], "vector %d, word %d: %08x", v, i, host.w[i]);
            cr_expect_eq(device[i], w[i], "prelude, vector %d, word %d: %08x", v, i, device[i]);
        }
    }
}

Test(philox, host_and_kernels_agree)
{
    for (uint32_t i = 0; i < 10000; ++i) {
        const uint32_t c[4] = {i, i * 2654435761u, 7 - i, i << 16};
        const uint64_t key = 0x9E3779B97F4A7C15u * (i + 1);
        const brn_philox_words host = brn_philox(c, key);
        PHILOX(d, c[0], c[1], c[2], c[3], (uint32_t)key, (uint32_t)(key >> 32))
        cr_assert(host.w[0] == d0 && host.w[1] == d1 && host.w[2] == d2 && host.w[3] == d3, "counter %u", i);
        cr_assert_eq((double)r_uniform(d0), brn_uniform(host.w[0]));
        cr_assert(r_uniform(d0) > 0 && r_uniform(d0) < 1);
    }
    cr_assert(r_uniform(0) > 0 && r_uniform(0xffffffffu) < 1);
}
