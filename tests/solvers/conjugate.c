/* The conjugate solver against problems whose answer is known. */
#include "support/devices.h"
#include "compute/backend.h"
#include "conjugate/solver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/philox.h"

enum { N = 5, ROWS = 203 };

static char devices[TEST_DEVICES_MOST][64];

static brn_conjugate_settings settings(void)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_settings_resolve(&s, N));
    s.conjugate.gtol = 1e-3;
    s.conjugate.running_scale = false;
    return s.conjugate;
}

static void normal_rows(float *rows, int count, uint32_t stream)
{
    brn_rng rng = brn_rng_start(7, stream);
    for (int i = 0; i < count; ++i) rows[i] = (float)brn_rng_normal(&rng);
}

typedef struct {
    brn_device *dev;
    brn_pot f;
} problem;

/* A random input-convex potential, so that the answer is unique. */
static problem make(const char *device, int threads, bool identity)
{
    problem p = {.f = {.parts = 1, .scale = 1}};
    MUST(brn_device_open(&p.dev, device, threads));
    brn_net_shape shape;
    if (identity) MUST(brn_shape_mlp(&shape, N, &(brn_widths){2, {16, 8}}, BRN_ACT_ELU, 1, false));
    else MUST(brn_shape_icnn(&shape, N, &(brn_widths){3, {32, 32, 16}}, BRN_ACT_SOFTPLUS, 1, false, true));
    MUST(brn_net_create(&p.f.part[0], p.dev, &shape));
    MUST(brn_net_init(&p.f.part[0], 3, 1, identity));
    return p;
}

static void drop(problem *p)
{
    brn_pot_free(&p->f);
    brn_device_close(p->dev);
}

/* Solve for `rows` rows of y; x holds starts and answers, info the per-row fields. */
static void solve(problem *p, const brn_conjugate_settings *set, int rows, const float *y, float *x, float (*info)[ROWS])
{
    brn_batch yb, xb;
    brn_solver *solver;
    MUST(brn_batch_create(&yb, p->dev, N, rows, "y"));
    MUST(brn_batch_create(&xb, p->dev, N, rows, "x"));
    MUST(brn_batch_write(&yb, y));
    MUST(brn_batch_write(&xb, x));
    MUST(brn_solver_create(&solver, p->dev, &p->f, set, rows));
    MUST(brn_solver_run(solver, &p->f, &yb, &xb));
    MUST(brn_batch_read(&xb, x));
    for (int k = 0; k < BRN_INFO_FIELDS; ++k) MUST(brn_solver_read_info(solver, brn_device_queue(p->dev, 0), k, info[k], rows));
    brn_solver_free(solver);
    brn_batch_free(&yb);
    brn_batch_free(&xb);
}

/* value and gradient at rows of x */
static void evaluate(problem *p, int rows, const float *x, float *value, float *grad)
{
    brn_batch xb, gb, vb;
    brn_pot_work work;
    MUST(brn_batch_create(&xb, p->dev, N, rows, "x"));
    MUST(brn_batch_create(&gb, p->dev, N, rows, "g"));
    MUST(brn_batch_create(&vb, p->dev, 1, rows, "v"));
    MUST(brn_batch_write(&xb, x));
    MUST(brn_pot_work_create(&work, &p->f, xb.lanes, BRN_TAPE_FIRST));
    for (int t = 0; t < xb.tiles; ++t)
        MUST(brn_pot_value_grad(brn_device_queue(p->dev, 0), &p->f, &work, brn_batch_rows(&xb, t), brn_batch_tile(&xb, t),
                                brn_batch_tile(&vb, t), brn_batch_tile(&gb, t)));
    MUST(brn_batch_read(&gb, grad));
    MUST(brn_batch_read(&vb, value));
    brn_pot_work_free(&work);
    brn_batch_free(&xb), brn_batch_free(&gb), brn_batch_free(&vb);
}

static float y[ROWS * N], x[ROWS * N], start[ROWS * N], back[ROWS * N], value[ROWS], info[BRN_INFO_FIELDS][ROWS];

/* x -> y = grad f(x) -> grad f*(y) must give x back, and f(x) + f*(y) = <x, y>. */
static void round_trip(const char *device, const brn_conjugate_settings *set, double tolerance)
{
    problem p = make(device, 2, false);
    normal_rows(x, ROWS * N, 1);
    evaluate(&p, ROWS, x, value, y);
    memcpy(start, y, sizeof y);
    solve(&p, set, ROWS, y, start, info);
    for (int r = 0; r < ROWS; ++r) {
        cr_assert_eq(info[BRN_INFO_STOP][r], 0.0f, "%s: row %d stopped with %g after %g evaluations, gradient %g", device, r,
                     info[BRN_INFO_STOP][r], info[BRN_INFO_EVALUATIONS][r], info[BRN_INFO_GRADIENT][r]);
        cr_assert_lt(info[BRN_INFO_GRADIENT][r], set->gtol);
        double xy = 0;
        for (int i = 0; i < N; ++i) {
            xy += (double)x[r * N + i] * y[r * N + i];
            cr_assert_float_eq(start[r * N + i], x[r * N + i], tolerance, "%s: row %d: %g for %g", device, r, start[r * N + i], x[r * N + i]);
        }
        cr_assert_float_eq(value[r] + info[BRN_INFO_VALUE][r], xy, 1e-4 * (1 + fabs(xy)));
    }
    drop(&p);
}

/* The ways of a solve: with the host between the rounds and by the device alone, each with the potential in one launch and in
 * separate kernels. Own products, whose bits do not depend on how many rows stand beside one, and are those of the launch where the
 * device's products are chains in the order of the inner index, too. */
static void all_ways(const char *device, const brn_conjugate_settings *set)
{
    static float answer[4][ROWS * N], answer_info[4][BRN_INFO_FIELDS][ROWS];
    const bool chains = strncmp(device, "host", 4) != 0;
    for (int w = 0; w < 4; ++w) {
        setenv("BRENIER_SOLVE", w & 1 ? "device" : "host", 1);
        setenv("BRENIER_FUSE", w & 2 ? "on" : "off", 1);
        problem p = make(device, 1, false);
        normal_rows(y, ROWS * N, 4);
        memcpy(answer[w], y, sizeof y);
        solve(&p, set, ROWS, y, answer[w], answer_info[w]);
        drop(&p);
        const int as = w == 2 && !chains ? 2 : w == 3 ? 2 : 0;
        cr_expect_arr_eq(answer[w], answer[as], sizeof y, "%s, way %d", device, w);
        cr_expect_arr_eq(answer_info[w], answer_info[as], sizeof info, "%s, way %d", device, w);
    }
    unsetenv("BRENIER_SOLVE"), unsetenv("BRENIER_FUSE");
}

Test(conjugate, the_device_alone_gives_the_same_bits)
{
    setenv("BRENIER_CUDA_GEMM", "own", 1);
    setenv("BRENIER_OPENCL_GEMM", "own", 1);
    for (int d = 0, count = test_device_names(devices); d < count; ++d)
        for (int search = 0; search < 3; ++search) {
            brn_conjugate_settings set = settings();
            set.line_search = search == 2 ? BRN_SEARCH_WOLFE : BRN_SEARCH_ARMIJO;
            set.interpolate = search == 1;
            all_ways(devices[d], &set);
        }
}

Test(conjugate, lbfgs_inverts_the_gradient_map)
{
    brn_conjugate_settings set = settings();
    for (int d = 0, count = test_device_names(devices); d < count; ++d) round_trip(devices[d], &set, 2e-3);
}

Test(conjugate, strong_wolfe_inverts_the_gradient_map)
{
    brn_conjugate_settings set = settings();
    set.line_search = BRN_SEARCH_WOLFE;
    for (int d = 0, count = test_device_names(devices); d < count; ++d) round_trip(devices[d], &set, 2e-3);
}

Test(conjugate, adam_inverts_the_gradient_map)
{
    brn_conjugate_settings set = settings();
    set.solver = BRN_SOLVER_ADAM;
    set.max_iterations = 400;
    set.gtol = 1e-2;
    for (int d = 0, count = test_device_names(devices); d < count; ++d) round_trip(devices[d], &set, 2e-2);
}

Test(conjugate, quadratic_is_its_own_conjugate)
{
    brn_conjugate_settings set = settings();
    for (int d = 0, count = test_device_names(devices); d < count; ++d) {
        problem p = make(devices[d], 1, true);
        normal_rows(y, ROWS * N, 2);
        memset(start, 0, sizeof start);
        solve(&p, &set, ROWS, y, start, info);
        for (int r = 0; r < ROWS; ++r) {
            double half = 0;
            for (int i = 0; i < N; ++i) {
                half += 0.5 * y[r * N + i] * y[r * N + i];
                cr_assert_float_eq(start[r * N + i], y[r * N + i], 1e-3);
            }
            cr_assert_float_eq(info[BRN_INFO_VALUE][r], half, 1e-5 * (1 + half));
            cr_assert_leq(info[BRN_INFO_ITERATIONS][r], 1.0f, "one unit step solves |x|^2/2 - <x, y>");
        }
        drop(&p);
    }
}

Test(conjugate, never_above_the_young_fenchel_bound)
{
    /* f(x') + f*(y) >= <x', y> for any x' */
    brn_conjugate_settings set = settings();
    problem p = make("host", 1, false);
    normal_rows(y, ROWS * N, 3);
    memcpy(start, y, sizeof y);
    solve(&p, &set, ROWS, y, start, info);
    normal_rows(x, ROWS * N, 4);
    evaluate(&p, ROWS, x, value, back);
    for (int r = 0; r < ROWS; ++r) {
        double xy = 0;
        for (int i = 0; i < N; ++i) xy += (double)x[r * N + i] * y[r * N + i];
        cr_assert_geq(value[r] + info[BRN_INFO_VALUE][r] - xy, -1e-3);
    }
    drop(&p);
}

Test(conjugate, a_row_does_not_see_its_neighbours)
{
    static float alone[N], alone_info[BRN_INFO_FIELDS][ROWS], again[ROWS * N];
    brn_conjugate_settings set = settings();
    set.interpolate = false; /* many rejections */
    for (int wolfe = 0; wolfe < 2; ++wolfe) {
        set.line_search = wolfe ? BRN_SEARCH_WOLFE : BRN_SEARCH_ARMIJO;
        problem one = make("host", 1, false), two = make("host", 2, false);
        normal_rows(y, ROWS * N, 5);
        for (int i = 0; i < ROWS * N; ++i) y[i] *= 4, start[i] = again[i] = -y[i];
        solve(&one, &set, ROWS, y, start, info);
        solve(&two, &set, ROWS, y, again, alone_info);
        cr_assert_arr_eq(start, again, sizeof start, "threads change the result");
        for (int r = 0; r < ROWS; r += 17) {
            for (int i = 0; i < N; ++i) alone[i] = -y[r * N + i];
            solve(&one, &set, 1, y + r * N, alone, alone_info);
            cr_assert_arr_eq(alone, start + r * N, sizeof alone, "row %d differs when it is alone", r);
            cr_assert_eq(alone_info[BRN_INFO_EVALUATIONS][0], info[BRN_INFO_EVALUATIONS][r]);
        }
        drop(&one), drop(&two);
    }
}

Test(conjugate, reports_why_a_row_stopped)
{
    brn_conjugate_settings set = settings();
    problem p = make("host", 1, false);
    normal_rows(y, ROWS * N, 6);
    y[3 * N] = NAN;
    memcpy(start, y, sizeof y);
    set.max_iterations = 1;
    solve(&p, &set, ROWS, y, start, info);
    int limited = 0;
    for (int r = 0; r < ROWS; ++r) limited += info[BRN_INFO_STOP][r] == 2.0f;
    cr_assert_eq(info[BRN_INFO_STOP][3], 3.0f, "a NaN row says so");
    cr_assert_gt(limited, ROWS / 2);
    set.max_iterations = 500;
    set.gtol = 1e-9; /* out of single precision's reach */
    memcpy(start, y, sizeof y);
    solve(&p, &set, ROWS, y, start, info);
    int floor_rows = 0;
    for (int r = 0; r < ROWS; ++r) floor_rows += info[BRN_INFO_STOP][r] == 1.0f;
    cr_assert_gt(floor_rows, ROWS / 2, "only %d rows at the precision floor", floor_rows);
    for (int r = 0; r < ROWS; ++r)
        if (r != 3) cr_assert_lt(info[BRN_INFO_GRADIENT][r], 1e-4);
    drop(&p);
}

Test(conjugate, at_least_min_iterations)
{
    brn_conjugate_settings set = settings();
    set.min_iterations = 1;
    problem p = make("host", 1, false);
    normal_rows(x, ROWS * N, 8);
    evaluate(&p, ROWS, x, value, y);
    for (int i = 0; i < ROWS * N; ++i) start[i] = x[i] + 1e-4f;
    solve(&p, &set, ROWS, y, start, info);
    for (int r = 0; r < ROWS; ++r) cr_assert_geq(info[BRN_INFO_ITERATIONS][r], 1.0f);
    drop(&p);
}
