/* What the device is asked to do: products by every way, and how often a training step hands work over and
 * waits. Kernels come from the user's cache here. */
#include "support/devices.h"
#include "opencl/clblast.h"
#include "opencl/opencl.h"
#include "training/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool here(const char *test)
{
    brn_device_info info[TEST_DEVICES_MOST];
    if (brn_opencl_enumerate(info, TEST_DEVICES_MOST) > 0 && info[0].available) return true;
    fprintf(stderr, "skipped: opencl_work/%s (%s)\n", test, info[0].reason);
    return false;
}

/* ---- products ---------------------------------------------------------------------------------- */

enum { FIRST = 7, MOST = 140 * 140 + FIRST };

typedef struct {
    float a[MOST], b[MOST], c[MOST], found[MOST];
    brn_buf *buf[3];
} matrices;

static double expected_at(const matrices *x, const brn_gemm_args *g, int i, int j)
{
    double sum = 0;
    for (int p = 0; p < g->k; ++p)
        sum += (double)x->a[FIRST + (g->ta ? p * g->lda + i : i * g->lda + p)] * x->b[FIRST + (g->tb ? j * g->ldb + p : p * g->ldb + j)];
    return g->alpha * sum + (g->beta == 0 ? 0 : g->beta * (double)x->c[FIRST + i * g->ldc + j]);
}

static void one_product(brn_device *dev, matrices *x, const char *way, brn_gemm_args g)
{
    brn_queue *q = brn_device_queue(dev, 0);
    MUST(brn_write_f32(q, (brn_view){x->buf[2], 0}, x->c, MOST));
    g.a = (brn_view){x->buf[0], FIRST}, g.b = (brn_view){x->buf[1], FIRST}, g.c = (brn_view){x->buf[2], FIRST};
    MUST(brn_gemm(q, &g));
    MUST(brn_read_f32(q, (brn_view){x->buf[2], 0}, x->found, MOST));
    for (int e = 0; e < MOST; ++e) {
        const int i = (e - FIRST) / g.ldc, j = (e - FIRST) % g.ldc;
        const bool inside = e >= FIRST && i < g.m && j < g.n;
        const double want = inside ? expected_at(x, &g, i, j) : (double)x->c[e];
        cr_assert_float_eq((double)x->found[e], want, inside ? 8e-6 * (1 + sqrt(g.k)) : 0, "%s: %d%d m=%d n=%d k=%d beta=%g: element %d is %g, expected %g",
                           way, g.ta, g.tb, g.m, g.n, g.k, (double)g.beta, e, (double)x->found[e], want);
    }
}

Test(opencl_work, every_way_to_multiply)
{
    static const char *const ways[] = {"direct", "wide", "narrow", "clblast"};
    static const int sizes[][3] = {{1, 1, 1}, {1, 65, 33}, {65, 1, 33}, {33, 31, 70}, {64, 64, 16}, {130, 97, 17}, {9, 129, 129}};
    if (!here("every_way_to_multiply")) return;
    matrices *x = malloc(sizeof *x);
    for (int e = 0; e < MOST; ++e) x->a[e] = (float)sin(e), x->b[e] = (float)cos(3.0 * e), x->c[e] = (float)sin(7.0 * e);
    for (int w = 0; w < 4; ++w) {
        if (!strcmp(ways[w], "clblast") && brn_clblast_load() != BRN_OK) {
            fprintf(stderr, "skipped: opencl_work/every_way_to_multiply by CLBlast (%s)\n", brn_last_error());
            continue;
        }
        brn_device *dev;
        setenv("BRENIER_OPENCL_GEMM", ways[w], 1);
        MUST(brn_device_open(&dev, "opencl:0", 1));
        for (int i = 0; i < 3; ++i) {
            MUST(brn_buf_create(&x->buf[i], dev, BRN_REAL, MOST, "matrix"));
            MUST(brn_write_f32(brn_device_queue(dev, 0), (brn_view){x->buf[i], 0}, i ? x->b : x->a, MOST));
        }
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
            for (int v = 0; v < 8; ++v) {
                const int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
                one_product(dev, x, ways[w], (brn_gemm_args){.ta = v & 1, .tb = v & 2, .m = m, .n = n, .k = k, .alpha = 0.5f, .beta = v & 4 ? 1.5f : 0,
                                                             .lda = (v & 1 ? m : k) + 2, .ldb = (v & 2 ? k : n) + 1, .ldc = n + 3});
            }
        for (int i = 0; i < 3; ++i) brn_buf_free(x->buf[i]);
        brn_device_close(dev);
    }
    free(x);
}

/* ---- a training step --------------------------------------------------------------------------- */

/* Rounds of the last solve: every round evaluates all rows that are left. */
static double rounds_of(brn_trainer *t)
{
    double most = 0;
    MUST(brn_solver_read_info(t->solver, brn_device_queue(t->dev, 0), BRN_INFO_EVALUATIONS, t->host_rows, t->batch));
    for (int i = 0; i < t->batch; ++i) most = fmax(most, (double)t->host_rows[i]);
    return most;
}

Test(opencl_work, submissions_and_waits_of_a_step)
{
    enum { WARM = 3, STEPS = 10 };
    static const char *const values[] = {"data.pair=gaussian", "data.n=2", "train.batch=256", "device=opencl:0"};
    brn_settings s;
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *t;
    double submissions = 0, waits = 0, rounds = 0;
    if (!here("submissions_and_waits_of_a_step")) return;
    MUST(brn_settings_preset(&s, "2d"));
    MUST(brn_settings_assign(&s, 4, values));
    MUST(brn_settings_resolve(&s, 2));
    MUST(brn_device_open(&dev, "opencl:0", 1));
    MUST(brn_pair_open(&pair, dev, &s));
    MUST(brn_model_create(&model, dev, &s, pair));
    MUST(brn_trainer_create(&t, model, pair));
    MUST(brn_trainer_begin(t));
    for (int i = 0; i < WARM + STEPS; ++i) {
        const brn_device_counts before = dev->counts;
        MUST(brn_trainer_step(t));
        if (i < WARM) continue;
        submissions += (double)(dev->counts.submissions - before.submissions);
        waits += (double)(dev->counts.waits - before.waits);
        rounds += rounds_of(t);
    }
    fprintf(stderr, "opencl: a step of n = 2: %.0f submissions, %.1f waits, %.1f solver rounds\n", submissions / STEPS, waits / STEPS, rounds / STEPS);
    cr_expect_leq(waits, rounds + 2 * STEPS, "one wait a solver round, two for the step's losses");
    cr_expect_leq(submissions, 40 * rounds + 200 * STEPS);
    brn_trainer_free(t);
    brn_model_free(model);
    brn_pair_close(pair);
    brn_device_close(dev);
}
