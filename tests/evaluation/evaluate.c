/* Whole evaluations: the benchmark's baselines, closed forms, reports. */
#include "fixture.h"
#include "evaluation/baseline.h"
#include "evaluation/score.h"
#include <brenier/evaluate.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
} problem;

/* A model that is the identity on a pair. */
static problem open_identity(const char *device, int threads, const char *pair, int n)
{
    problem p;
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_settings_set(&s, "data.pair", pair));
    s.data.n = n;
    s.potential.hidden = (brn_widths){1, {16}};
    s.amortizer.hidden = (brn_widths){1, {16}};
    MUST(brn_device_open(&p.dev, device, threads));
    MUST(brn_pair_open(&p.pair, p.dev, &s));
    MUST(brn_settings_resolve(&s, brn_pair_dim(p.pair)));
    MUST(brn_model_create(&p.model, p.dev, &s, p.pair));
    return p;
}

static void close_problem(problem *p)
{
    brn_model_free(p->model);
    brn_pair_close(p->pair);
    brn_device_close(p->dev);
}

/* The README of the benchmark: L2-UVP of the identity, L2-UVP and cosine of the linear map both ways. */
static const struct published { int n; double identity, linear, cosine, linear_inverse, cosine_inverse; } published[] = {
    {2, 32.9, 13.98, .758, 15.85, .721},
    {4, 42.0, 14.53, .811, 8.94, .887},
    {16, 88.5, 41.12, .739, 31.90, .804},
    {32, 118.8, 54.30, .750, 37.81, .831}};
enum { PUBLISHED = sizeof published / sizeof *published, FIXED = 4096 };

static void benchmark_path(char path[static 512], int n, const char *suffix)
{
    const char *dir = test_w2bench_dir();
    if (!dir) cr_skip_test("SKIPPED: no benchmark pairs; set BRENIER_W2BENCH to their folder");
    snprintf(path, 512, "%s/hd_%d%s.safetensors", dir, n, suffix);
}

/* On the points that those figures are from; the linear map is fitted on other samples. */
static void fixed_points(const struct published *row)
{
    char path[512];
    brn_st *file;
    brn_gaussians g;
    const size_t n = (size_t)row->n;
    float *x = malloc(FIXED * n * sizeof *x), *y = malloc(FIXED * n * sizeof *y), *z = malloc(FIXED * n * sizeof *z);
    benchmark_path(path, row->n, "_eval");
    MUST(brn_st_open(&file, path));
    MUST(brn_st_read_f32(file, "X", x, BRN_SHAPE(FIXED, n)));
    MUST(brn_st_read_f32(file, "T", y, BRN_SHAPE(FIXED, n)));
    brn_st_close(file);
    benchmark_path(path, row->n, "");
    problem p = open_identity("host", 2, path, 0);
    MUST(brn_gaussians_fit(&g, p.pair, 1, 0));
    MUST(brn_baseline_map(&g, BRN_MAP_LINEAR, BRN_SOURCE, FIXED, x, z));
    const double linear = brn_l2_uvp(FIXED, row->n, z, y), cosine = brn_cosine(FIXED, row->n, x, z, y);
    MUST(brn_baseline_map(&g, BRN_MAP_LINEAR, BRN_TARGET, FIXED, y, z));
    const double inverse = brn_l2_uvp(FIXED, row->n, z, x), cosine_inverse = brn_cosine(FIXED, row->n, y, z, x);
    cr_assert_float_eq(brn_l2_uvp(FIXED, row->n, x, y), row->identity, 0.06);
    cr_assert_float_eq(linear, row->linear, 0.5, "n = %d: %g", row->n, linear);
    cr_assert_float_eq(cosine, row->cosine, 0.005, "n = %d: %g", row->n, cosine);
    cr_assert_float_eq(inverse, row->linear_inverse, 0.5, "n = %d: %g", row->n, inverse);
    cr_assert_float_eq(cosine_inverse, row->cosine_inverse, 0.005, "n = %d: %g", row->n, cosine_inverse);
    brn_gaussians_free(&g);
    close_problem(&p);
    free(x), free(y), free(z);
}

Test(evaluation, baselines_on_the_points_of_the_benchmark)
{
    for (int i = 0; i < PUBLISHED; ++i) fixed_points(&published[i]);
}

/* On fresh points: a set of 4096 moves the figures by up to 0.5, twice that is allowed. */
Test(evaluation, baselines_of_the_benchmark)
{
    for (int i = 0; i < PUBLISHED; ++i) {
        const struct published *row = &published[i];
        char path[512];
        brn_evaluation e;
        benchmark_path(path, row->n, "");
        problem p = open_identity("host", 2, path, 0);
        brn_settings s = *brn_model_settings(p.model);
        s.eval.sinkhorn_points = 100;
        MUST(brn_evaluate(p.model, p.pair, &s, &e));
        cr_assert_eq(e.points, 16384);
        cr_assert_float_eq(e.identity.l2_uvp_forward, row->identity, 1.2, "n = %d: %g", row->n, e.identity.l2_uvp_forward);
        cr_assert_float_eq(e.linear.l2_uvp_forward, row->linear, 1.2, "n = %d: %g", row->n, e.linear.l2_uvp_forward);
        cr_assert_float_eq(e.linear.l2_uvp_inverse, row->linear_inverse, 1.2, "n = %d: %g", row->n, e.linear.l2_uvp_inverse);
        cr_assert_float_eq(e.linear.cosine_forward, row->cosine, 0.01, "n = %d: %g", row->n, e.linear.cosine_forward);
        cr_assert_float_eq(e.linear.cosine_inverse, row->cosine_inverse, 0.01, "n = %d: %g", row->n, e.linear.cosine_inverse);
        cr_assert_float_eq(e.constant.l2_uvp_forward, 100, 0.3);
        cr_assert_float_eq(e.constant.l2_uvp_inverse, 100, 0.3);
        cr_assert_eq(e.identity.cosine_forward, 0);
        cr_assert_float_eq(e.learned.l2_uvp_forward, e.identity.l2_uvp_forward, 1e-3);
        cr_assert_float_eq(e.learned.l2_uvp_inverse, e.identity.l2_uvp_inverse, 0.05);
        close_problem(&p);
    }
}

/* f = |x|^2 / 2 is its own conjugate, so that the estimate of W2 is 0; the pair's map is linear. */
Test(evaluation, gaussians_and_the_identity)
{
    brn_evaluation e;
    problem p = open_identity("host", 2, "gaussian", 4);
    MUST(brn_evaluate(p.model, p.pair, NULL, &e));
    cr_assert_lt(e.linear.l2_uvp_forward, 0.1, "%g", e.linear.l2_uvp_forward);
    cr_assert_lt(e.linear.l2_uvp_inverse, 0.1, "%g", e.linear.l2_uvp_inverse);
    cr_assert_gt(e.linear.cosine_forward, 0.999);
    cr_assert_gt(e.identity.l2_uvp_forward, 1);
    cr_assert_float_eq(e.w2, 0, 1e-4 * fabs(e.dual_objective), "%g", e.w2);
    cr_assert_eq(e.inverse.total, e.points);
    cr_assert_eq(e.inverse.not_converged + e.inverse.nonfinite, 0);
    cr_assert_gt(e.sinkhorn_forward, e.sinkhorn_reference);
    cr_assert_gt(e.sinkhorn_reference, 0);
    close_problem(&p);
}

Test(evaluation, the_same_for_any_number_of_threads)
{
    brn_evaluation a, b;
    problem p = open_identity("host", 1, "gaussian", 3), q = open_identity("host", 2, "gaussian", 3);
    brn_settings s = *brn_model_settings(p.model);
    s.eval.points = 700;
    s.eval.sinkhorn_points = 100;
    memset(&a, 0, sizeof a), memset(&b, 0, sizeof b);
    MUST(brn_evaluate(p.model, p.pair, &s, &a));
    MUST(brn_evaluate(q.model, q.pair, &s, &b));
    cr_assert_eq(a.points, 700);
    cr_assert_eq(a.sinkhorn_points, 100);
    cr_assert_arr_eq(&a, &b, sizeof a);
    s.eval.seed += 1;
    MUST(brn_evaluate(q.model, q.pair, &s, &b));
    cr_assert_neq(a.dual_objective, b.dual_objective);
    close_problem(&p);
    close_problem(&q);
}

static double number(const cJSON *json, const char *group, const char *key)
{
    if (group) json = cJSON_GetObjectItem(json, group);
    const cJSON *item = cJSON_GetObjectItem(json, key);
    cr_assert(item, "no %s", key);
    return cJSON_IsNull(item) ? NAN : cJSON_GetNumberValue(item);
}

Test(evaluation, reports_say_what_is_unknown)
{
    brn_evaluation e;
    char *text;
    problem p = open_identity("host", 1, "moons", 2);
    brn_settings s = *brn_model_settings(p.model);
    s.eval.points = 300;
    MUST(brn_evaluate(p.model, p.pair, &s, &e));
    cr_assert(isnan(e.learned.l2_uvp_forward) && isnan(e.linear.cosine_inverse));
    cr_assert_eq(e.sinkhorn_points, 300);
    MUST(brn_evaluation_json(&e, &text));
    cJSON *json = cJSON_Parse(text);
    static const char *const keys[] = {"l2_uvp_forward", "l2_uvp_inverse", "cosine_forward", "cosine_inverse"};
    for (int i = 0; i < 4; ++i) {
        cr_assert(isnan(number(json, NULL, keys[i])));
        cr_assert(isnan(number(cJSON_GetObjectItem(json, "baselines"), "linear", keys[i])));
    }
    cr_assert_float_eq(number(json, NULL, "dual_objective"), e.dual_objective, 1e-9);
    cr_assert_float_eq(number(json, NULL, "sinkhorn_forward"), e.sinkhorn_forward, 1e-9);
    cr_assert_eq(number(json, "inverse", "total"), 300);
    cJSON_Delete(json);
    free(text);
    MUST(brn_evaluation_text(&e, &text));
    cr_assert(strstr(text, "300 of 300 converged") && !strstr(text, "nan") && !strstr(text, "learned"), "%s", text);
    free(text);
    close_problem(&p);
}

Test(evaluation, a_broken_model_is_reported_not_hidden)
{
    brn_evaluation e;
    char *text;
    problem p = open_identity("host", 1, "gaussian", 3);
    brn_settings s = *brn_model_settings(p.model);
    s.eval.points = 100;
    const brn_view log_alpha = {p.model->averaged, (size_t)p.model->f.part[0].shape.log_alpha};
    MUST(brn_write_f32(brn_device_queue(p.dev, 0), log_alpha, (float[]){1000}, 1));
    MUST(brn_evaluate(p.model, p.pair, &s, &e));
    cr_assert_eq(e.inverse.nonfinite, 100);
    MUST(brn_evaluation_json(&e, &text));
    cr_assert(strstr(text, "\"dual_objective\":\tnull"), "%s", text);
    free(text);
    MUST(brn_evaluation_text(&e, &text));
    cr_assert(strstr(text, "100 not finite"), "%s", text);
    free(text);
    close_problem(&p);
}

Test(evaluation, another_dimension_is_refused)
{
    brn_evaluation e;
    problem p = open_identity("host", 1, "gaussian", 3), q = open_identity("host", 1, "gaussian", 4);
    MUST_FAIL(brn_evaluate(p.model, q.pair, NULL, &e), BRN_ERR_USAGE, "dimension 3");
    close_problem(&p);
    close_problem(&q);
}
