/* Pairs of our own: what their files promise, and that the same call gives the same bytes. */
#include "io/safetensors.h"
#include "support/devices.h"
#include <brenier/benchmark.h>
#include <brenier/evaluate.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 3, POINTS = 4096, CHECKED = 256, WIDE = 64, NARROW = 32 };

typedef struct {
    int64_t stop_at; /* step of network 2 at which to stop; 0 = never */
    int parts, evaluations;
} watch;

static bool watching(void *user, int part, const brn_progress *p)
{
    watch *w = user;
    if (part > w->parts) w->parts = part;
    w->evaluations += p->evaluated;
    return !(w->stop_at && part == 2 && !p->pretraining && p->step >= w->stop_at);
}

static char dir[64];
static void setup(void) { test_make_dir(dir); }
static void teardown(void) { test_remove_dir(dir); }
TestSuite(make, .init = setup, .fini = teardown);

static brn_settings settings(const char *runs)
{
    brn_settings s;
    MUST(brn_benchmark_settings(&s, N, 5));
    MUST(brn_settings_set(&s, "train.steps", "60"));
    MUST(brn_settings_set(&s, "train.eval_every", "20"));
    MUST(brn_settings_set(&s, "train.pretrain_steps", "30"));
    MUST(brn_settings_set(&s, "amortizer.hidden", "16"));
    MUST(brn_settings_set(&s, "eval.points", "256"));
    MUST(brn_settings_set(&s, "eval.sinkhorn_points", "64"));
    if (runs) snprintf(s.out, sizeof s.out, "%s/%s", dir, runs);
    return s;
}

static brn_status make(const char *runs, int threads, const char *name, watch *w, brn_benchmark_report *report)
{
    const brn_settings s = settings(runs);
    char path[128];
    brn_device *dev;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    MUST(brn_device_open(&dev, "host", threads));
    const brn_status status = brn_benchmark_make(dev, &s, path, watching, w, report);
    brn_device_close(dev);
    return status;
}

static void same(const char *a, const char *b) { cr_assert(test_same_files(dir, a, dir, b), "%s and %s differ", a, b); }

static double *numbers(const char *file, const char *name, int rank, const size_t *shape)
{
    char path[128];
    brn_st *st;
    size_t count = 1;
    for (int i = 0; i < rank; ++i) count *= shape[i];
    double *p = malloc(count * sizeof *p);
    snprintf(path, sizeof path, "%s/%s", dir, file);
    MUST(brn_st_open(&st, path));
    MUST(brn_st_read_f64(st, name, p, rank, shape));
    brn_st_close(st);
    return p;
}

/* ---- the formula of the files, written out once more --------------------------------------------- */

static double dot(const double *a, const double *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
}

/* phi_v and its gradient at x, from the file's own tensors. */
static double network(const char *file, int v, const double *x, double *grad)
{
    const int h[3] = {WIDE, WIDE, NARROW};
    double *quad[3], *lin[3], *bias[3], *conv[3] = {NULL}, q[3][WIDE], z[3][WIDE], slope[3][WIDE], delta[3][WIDE];
    char name[32];
#define TENSOR(to, what, l, ...) snprintf(name, sizeof name, "psi.v%d.%s.%d", v, what, l), to = numbers(file, name, BRN_SHAPE(__VA_ARGS__))
    for (int l = 0; l < 3; ++l) {
        TENSOR(quad[l], "quad", l, (size_t)h[l], N);
        TENSOR(lin[l], "lin", l, (size_t)h[l], N);
        TENSOR(bias[l], "bias", l, (size_t)h[l]);
        if (l) TENSOR(conv[l], "conv", l, (size_t)h[l], (size_t)h[l - 1]);
    }
    snprintf(name, sizeof name, "psi.v%d.out", v);
    double *out = numbers(file, name, BRN_SHAPE(NARROW));
    for (int l = 0; l < 3; ++l)
        for (int i = 0; i < h[l]; ++i) {
            q[l][i] = dot(quad[l] + i * N, x, N);
            const double a = q[l][i] * q[l][i] + dot(lin[l] + i * N, x, N) + bias[l][i] + (l ? dot(conv[l] + i * h[l - 1], z[l - 1], h[l - 1]) : 0);
            slope[l][i] = l ? exp(fmin(a, 0)) : 1;
            z[l][i] = l ? fmax(a, 0) + exp(fmin(a, 0)) - 1 : a;
        }
    double value = dot(out, z[2], NARROW) + 0.005 * dot(x, x, N);
    for (int i = 0; i < N; ++i) grad[i] = 0.01 * x[i];
    for (int l = 2; l >= 0; --l)
        for (int i = 0; i < h[l]; ++i) {
            delta[l][i] = l == 2 ? out[i] : 0;
            for (int k = 0; l < 2 && k < h[l + 1]; ++k) delta[l][i] += conv[l + 1][k * h[l] + i] * delta[l + 1][k];
            delta[l][i] *= slope[l][i];
            for (int j = 0; j < N; ++j) grad[j] += delta[l][i] * (2 * q[l][i] * quad[l][i * N + j] + lin[l][i * N + j]);
        }
    for (int l = 0; l < 3; ++l) free(quad[l]), free(lin[l]), free(bias[l]), free(conv[l]);
    free(out);
    return value;
}

/* T, psi and psi* as stored follow from the networks as stored. */
static void check_formula(void)
{
    double *x = numbers("a_eval.safetensors", "X", BRN_SHAPE(POINTS, N)), *map = numbers("a_eval.safetensors", "T", BRN_SHAPE(POINTS, N));
    double *psi = numbers("a_eval.safetensors", "psi", BRN_SHAPE(POINTS)), *conjugate = numbers("a_eval.safetensors", "psi_conj", BRN_SHAPE(POINTS));
    double *s = numbers("a.safetensors", "psi.scale", BRN_SHAPE(1)), *d = numbers("a.safetensors", "psi.shift", BRN_SHAPE(N));
    for (int r = 0; r < 20; ++r) {
        double grad[2][N];
        const double *at = x + r * N, value = network("a.safetensors", 1, at, grad[0]) + network("a.safetensors", 2, at, grad[1]);
        cr_expect_float_eq(psi[r], *s * (value + dot(d, at, N)), 1e-9);
        cr_expect_float_eq(psi[r] + conjugate[r], dot(at, map + r * N, N), 1e-9);
        for (int i = 0; i < N; ++i) cr_expect_float_eq(map[r * N + i], *s * (grad[0][i] + grad[1][i] + d[i]), 1e-9);
    }
    free(x), free(map), free(psi), free(conjugate), free(s), free(d);
}

/* Monotone, strongly: <T(x) - T(x'), x - x'> >= .02 s |x - x'|^2; and standardised. */
static void check_map(void)
{
    double *x = numbers("a_eval.safetensors", "X", BRN_SHAPE(POINTS, N)), *map = numbers("a_eval.safetensors", "T", BRN_SHAPE(POINTS, N));
    double *s = numbers("a.safetensors", "psi.scale", BRN_SHAPE(1)), variance = 0;
    for (int r = 0; r + 1 < POINTS; ++r) {
        double inner = 0, square = 0;
        for (int i = 0; i < N; ++i) {
            const double dx = x[r * N + i] - x[(r + 1) * N + i];
            inner += dx * (map[r * N + i] - map[(r + 1) * N + i]);
            square += dx * dx;
        }
        cr_assert_geq(inner, .0199 * *s * square, "not monotone between points %d and %d", r, r + 1);
    }
    for (int i = 0; i < N; ++i) {
        double mean = 0, squares = 0;
        for (int r = 0; r < POINTS; ++r) mean += map[r * N + i] / POINTS, squares += map[r * N + i] * map[r * N + i] / POINTS;
        cr_expect_float_eq(mean, 0, .1);
        variance += (squares - mean * mean) / N;
    }
    cr_expect_float_eq(variance, 1, .1);
    free(x), free(map), free(s);
}

/* The pair as data: its public map is the stored one, and a training on it learns. */
static void check_use(void)
{
    brn_settings s;
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    brn_evaluation e;
    char path[128];
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    MUST(brn_settings_preset(&s, "hd"));
    const char *const own[] = {"potential.hidden=16,16", "amortizer.hidden=16", "train.steps=300", "train.batch=128", "eval.points=512", "eval.sinkhorn_points=64"};
    MUST(brn_settings_assign(&s, sizeof own / sizeof *own, own));
    MUST(brn_settings_set(&s, "data.pair", path));
    MUST(brn_device_open(&dev, "host", 1));
    MUST(brn_pair_open(&pair, dev, &s));
    cr_expect(strstr(brn_pair_name(pair), "made by brenier, not a published pair"), "the pair is named %s", brn_pair_name(pair));
    double *x = numbers("a_eval.safetensors", "X", BRN_SHAPE(POINTS, N)), *map = numbers("a_eval.safetensors", "T", BRN_SHAPE(POINTS, N));
    float from[CHECKED * N], to[CHECKED * N];
    for (int i = 0; i < CHECKED * N; ++i) from[i] = (float)x[i];
    MUST(brn_pair_map(pair, from, CHECKED, to));
    for (int i = 0; i < CHECKED * N; ++i) cr_assert_float_eq(to[i], map[i], 1e-4);
    MUST(brn_train(dev, &s, false, NULL, NULL, &model));
    MUST(brn_evaluate(model, pair, NULL, &e));
    cr_expect_lt(e.learned.l2_uvp_forward, e.identity.l2_uvp_forward / 4, "learned %g, identity %g", e.learned.l2_uvp_forward, e.identity.l2_uvp_forward);
    cr_expect_lt(e.linear.l2_uvp_forward, e.identity.l2_uvp_forward);
    brn_model_free(model);
    brn_pair_close(pair);
    brn_device_close(dev);
    free(x), free(map);
}

Test(make, a_pair_keeps_its_promises)
{
    watch w = {0};
    brn_benchmark_report report;
    MUST(make(NULL, 1, "a.safetensors", &w, &report));
    cr_expect_eq(w.parts, 2);
    cr_expect_eq(w.evaluations, 6);
    cr_expect(report.n == N && report.part[0].steps == 60 && report.part[1].steps == 60);
    cr_expect(isfinite(report.part[0].dual) && report.part[1].sinkhorn > 0 && report.linear_forward < report.identity_forward);
    check_formula();
    check_map();
    check_use();
    char *json, path[128];
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    MUST(brn_benchmark_describe(path, &json));
    cr_expect(strstr(json, "brenier benchmark make n=3 seed=5") && strstr(json, "settings_v2") && strstr(json, "sinkhorn_v1"), "%s", json);
    free(json);
}

Test(make, stopped_and_continued_or_on_more_threads_it_is_the_same)
{
    watch w = {0}, stopping = {.stop_at = 20};
    MUST(make("runs", 1, "a.safetensors", &w, NULL));
    MUST_FAIL(make("other", 2, "b.safetensors", &stopping, NULL), BRN_ERR_STOPPED, "stopped");
    char path[128];
    snprintf(path, sizeof path, "%s/b.safetensors", dir);
    cr_expect(access(path, F_OK) != 0, "a stopped training left a pair");
    MUST(make("other", 2, "b.safetensors", &w, NULL));
    same("a.safetensors", "b.safetensors");
    same("a_eval.safetensors", "b_eval.safetensors");
}

Test(make, what_cannot_be_made_is_refused_before_any_training)
{
    watch w = {0};
    brn_settings s;
    brn_device *dev;
    MUST_FAIL(brn_benchmark_settings(&s, 0, 0), BRN_ERR_USAGE, "n=0");
    MUST_FAIL(brn_benchmark_settings(&s, 2, (uint64_t)1 << 32), BRN_ERR_USAGE, "below 2^32");
    MUST_FAIL(make(NULL, 1, "a.txt", &w, NULL), BRN_ERR_USAGE, "a.txt");
    MUST(brn_device_open(&dev, "host", 1));
    s = settings(NULL);
    s.potential.hidden = (brn_widths){3, {8, 8, 8}};
    MUST_FAIL(brn_benchmark_make(dev, &s, "a.safetensors", NULL, NULL, NULL), BRN_ERR_USAGE, "potential.hidden");
    s = settings(NULL);
    s.potential.kind = BRN_POTENTIAL_ICNN;
    MUST_FAIL(brn_benchmark_make(dev, &s, "a.safetensors", NULL, NULL, NULL), BRN_ERR_USAGE, "potential.kind");
    brn_device_close(dev);
    cr_expect_eq(w.parts, 0);
}
