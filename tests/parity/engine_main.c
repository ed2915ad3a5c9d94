/* One host engine by itself against a plain double loop: forward, backward and gradient of the dense
 * layer at odd sizes. It needs nothing but the engine, so it also runs cross-compiled under an emulator
 * (ci/aarch64). The engine's name is BRN_ISA; exit status 77 says that this machine cannot run it. */
#include "engine.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define ENGINE JOIN(brn_host_engine_, BRN_ISA)

#ifdef BRN_REAL_IS_DOUBLE
typedef double real;
#define EPSILON DBL_EPSILON
#else
typedef float real;
#define EPSILON FLT_EPSILON
#endif

/* Engines read up to one vector past the rows; nothing is ever written there. */
enum { LARGEST = 300, SLACK = 16, CANARY = 12345 };
static real weight[LARGEST * LARGEST + SLACK], bias[LARGEST], grad_w[LARGEST * LARGEST + SLACK], grad_b[LARGEST + SLACK];
static real x[LARGEST * LARGEST + SLACK], d[LARGEST * LARGEST + SLACK], u[LARGEST * LARGEST + SLACK], z[LARGEST * LARGEST + SLACK];
static real q[LARGEST * LARGEST + SLACK], y[LARGEST * LARGEST + SLACK];
static _Alignas(64) real scratch[64 * (LARGEST + SLACK)];

static double worst;

static double uniform(void)
{
    static unsigned long long state = 88172645463325252u;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) / 9007199254740992.0 * 2 - 1;
}

static void draw(real *a, int count)
{
    for (int i = 0; i < count; ++i) a[i] = (real)uniform();
}

static void fill(real *a, int count, real value)
{
    for (int i = 0; i < count; ++i) a[i] = value;
}

/* Sums of `depth` products of numbers below 1 in size. */
static void compare(const char *what, double found, double expected, int depth)
{
    const double share = fabs(found - expected) / (8 * EPSILON * sqrt(depth + 1.0) * (1 + sqrt((double)depth)));
    if (!(share <= worst)) worst = share;
    if (!(share <= 1)) {
        printf("%s: found %.9g, expected %.9g\n", what, found, expected);
        exit(1);
    }
}

static void untouched(const char *what, const real *a, int feats, int rows, int ld)
{
    for (int i = 0; i < feats; ++i)
        for (int r = rows; r < ld; ++r)
            if (a[i * ld + r] != CANARY) {
                printf("%s: row %d of %d was written\n", what, r, rows);
                exit(1);
            }
}

static void check_forward(int in, int out, int rows, int ld)
{
    fill(z, out * ld, CANARY), fill(q, out * ld, CANARY), fill(u, out * ld, CANARY);
    ENGINE.forward(&(brn_host_forward){.in = in, .out = out, .rows = rows, .weight = weight, .bias = bias, .kind = 3, .c = 1,
                                       .x = x, .ldx = ld, .u = u, .ldu = ld, .z = z, .ldz = ld, .q = q, .ldq = ld});
    untouched("forward u", u, out, rows, ld), untouched("forward z", z, out, rows, ld), untouched("forward q", q, out, rows, ld);
    for (int o = 0; o < out; ++o)
        for (int r = 0; r < rows; ++r) {
            double sum = bias[o];
            for (int i = 0; i < in; ++i) sum += (double)weight[i * out + o] * x[i * ld + r];
            compare("forward u", u[o * ld + r], sum, in);
            compare("forward z", z[o * ld + r], sum > 0 ? sum : expm1(sum), in); /* elu */
            compare("forward q", q[o * ld + r], sum > 0 ? 1 : exp(sum), in);
        }
}

static void check_backward(int in, int out, int rows, int ld, int how)
{
    draw(y, in * ld), draw(q, in * ld);
    for (int i = 0; i < in; ++i) fill(y + i * ld + rows, ld - rows, CANARY);
    static real before[LARGEST * LARGEST];
    for (int i = 0; i < in * ld; ++i) before[i] = y[i];
    ENGINE.backward(&(brn_host_backward){.in = in, .out = out, .rows = rows, .weight = weight, .d = d, .ldd = ld,
                                         .q = how == 1 ? q : NULL, .ldq = ld, .y = y, .ldy = ld, .accumulate = how == 2});
    untouched("backward", y, in, rows, ld);
    for (int i = 0; i < in; ++i)
        for (int r = 0; r < rows; ++r) {
            double sum = 0;
            for (int o = 0; o < out; ++o) sum += (double)weight[i * out + o] * d[o * ld + r];
            if (how == 1) sum *= q[i * ld + r];
            if (how == 2) sum += before[i * ld + r];
            compare("backward", y[i * ld + r], sum, out);
        }
}

static void check_grad(int in, int out, int rows, int ld)
{
    draw(grad_w, in * out), draw(grad_b, out);
    static real before[LARGEST * LARGEST];
    for (int i = 0; i < in * out; ++i) before[i] = grad_w[i];
    ENGINE.grad(&(brn_host_grad){.in = in, .out = out, .rows = rows, .x = x, .ldx = ld, .d = d, .ldd = ld, .weight = grad_w,
                                 .scratch = scratch});
    for (int i = 0; i < in; ++i)
        for (int o = 0; o < out; ++o) {
            double sum = before[i * out + o];
            for (int r = 0; r < rows; ++r) sum += (double)x[i * ld + r] * d[o * ld + r];
            compare("grad", grad_w[i * out + o], sum, rows);
        }
}

static int runs_here(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
#if BRN_VL == 16
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#elif BRN_VL == 8
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
#endif
    return 1;
}

int main(void)
{
    static const int sizes[] = {1, 2, 3, 31, 33, 127, 129, 260};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    if (!runs_here()) return 77;
    for (int a = 0; a < SIZES; ++a)
        for (int b = 0; b < SIZES; ++b)
            for (int c = 0; c < SIZES; ++c) {
                const int in = sizes[a], out = sizes[b], rows = sizes[c], ld = rows + (a + b) % 3;
                if (in + out + rows > 420) continue;
                draw(weight, in * out), draw(bias, out), draw(x, in * ld), draw(d, out * ld);
                check_forward(in, out, rows, ld);
                for (int how = 0; how < 3; ++how) check_backward(in, out, rows, ld, how);
                check_grad(in, out, rows, ld);
            }
    printf("engine %s: worst error %.0f %% of the tolerance\n", ENGINE.isa, 100 * worst);
    return 0;
}
