#include "support/device_work.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_sources_of_writes_may_be_reused(const char *device)
{
    enum { COUNT = 1000000, ROUND = 70001 };
    brn_device *dev;
    brn_buf *buf;
    MUST(brn_device_open(&dev, device, 1));
    brn_queue *q = brn_device_queue(dev, 0);
    float *block = malloc(COUNT * sizeof *block);
    MUST(brn_buf_create(&buf, dev, BRN_REAL, COUNT, "numbers"));
    MUST(brn_zero(q, (brn_view){buf, 0}, COUNT));
    for (int i = 0; i < COUNT; ++i) block[i] = -1;
    MUST(brn_write_f32(q, (brn_view){buf, 0}, block, COUNT));
    for (int first = 0; first < COUNT; first += ROUND) {
        const int count = COUNT - first < ROUND ? COUNT - first : ROUND;
        for (int i = 0; i < count; ++i) block[i] = (float)(first + i);
        MUST(brn_write_f32(q, (brn_view){buf, (size_t)first}, block, (size_t)count));
    }
    MUST(brn_read_f32(q, (brn_view){buf, 0}, block, COUNT));
    for (int i = 0; i < COUNT; ++i) cr_assert_eq(block[i], (float)i, "number %d is %g", i, (double)block[i]);
    free(block);
    brn_buf_free(buf);
    brn_device_close(dev);
}

void test_buffers_beyond_the_device(const char *device)
{
    brn_device *dev;
    brn_buf *buf;
    MUST(brn_device_open(&dev, device, 1));
    MUST_FAIL(brn_buf_create(&buf, dev, BRN_REAL, (size_t)1 << 50, "the sea"), BRN_ERR_MEMORY, "the sea");
    MUST_FAIL(brn_buf_create(&buf, dev, BRN_REAL, SIZE_MAX / 2, "the sky"), BRN_ERR_MEMORY, "the sky");
    brn_device_close(dev);
}

int test_kept_programs(const char *cache, const char *name, char path[static 512])
{
    char folder[128];
    int count = 0;
    snprintf(folder, sizeof folder, "%s/brenier/programs", cache);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.' && !strncmp(e->d_name, name, strlen(name))) ++count, snprintf(path, 512, "%s/%s", folder, e->d_name);
    if (d) closedir(d);
    return count;
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

void test_products(const char *device, const char *way)
{
    static const int sizes[][3] = {{1, 1, 1}, {1, 65, 33}, {65, 1, 33}, {33, 31, 70}, {64, 64, 16}, {130, 97, 17}, {9, 129, 129}};
    brn_device *dev;
    matrices *x = malloc(sizeof *x);
    for (int e = 0; e < MOST; ++e) x->a[e] = (float)sin(e), x->b[e] = (float)cos(3.0 * e), x->c[e] = (float)sin(7.0 * e);
    MUST(brn_device_open(&dev, device, 1));
    for (int i = 0; i < 3; ++i) {
        MUST(brn_buf_create(&x->buf[i], dev, BRN_REAL, MOST, "matrix"));
        MUST(brn_write_f32(brn_device_queue(dev, 0), (brn_view){x->buf[i], 0}, i ? x->b : x->a, MOST));
    }
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
        for (int v = 0; v < 8; ++v) {
            const int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
            one_product(dev, x, way, (brn_gemm_args){.ta = v & 1, .tb = v & 2, .m = m, .n = n, .k = k, .alpha = 0.5f, .beta = v & 4 ? 1.5f : 0,
                                                     .lda = (v & 1 ? m : k) + 2, .ldb = (v & 2 ? k : n) + 1, .ldc = n + 3});
        }
    for (int i = 0; i < 3; ++i) brn_buf_free(x->buf[i]);
    brn_device_close(dev);
    free(x);
}

/* ---- training steps ---------------------------------------------------------------------------- */

/* Rounds of the last solve: every round evaluates all rows that are left. */
static double rounds_of(brn_trainer *t)
{
    double most = 0;
    MUST(brn_solver_read_info(t->solver, brn_device_queue(t->dev, 0), BRN_INFO_EVALUATIONS, t->host_rows, t->batch));
    for (int i = 0; i < t->batch; ++i) most = fmax(most, (double)t->host_rows[i]);
    return most;
}

void test_training_begin(test_training *t, const char *device, int n, int batch, const char *assignments)
{
    char dimension[32], words[400], *rest = NULL;
    brn_settings *s = &t->settings;
    snprintf(dimension, sizeof dimension, "data.n=%d", n);
    snprintf(words, sizeof words, "%s", assignments);
    MUST(brn_settings_preset(s, "2d"));
    MUST(brn_settings_assign(s, 2, (const char *const[]){"data.pair=gaussian", dimension}));
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        MUST(brn_settings_assign(s, 1, (const char *const[]){word}));
        if (!strncmp(word, "preset=", 7)) MUST(brn_settings_assign(s, 2, (const char *const[]){"data.pair=gaussian", dimension}));
    }
    MUST(brn_settings_set(s, "device", device));
    s->train.batch = batch;
    MUST(brn_settings_resolve(s, n));
    MUST(brn_device_open(&t->dev, device, 1));
    MUST(brn_pair_open(&t->pair, t->dev, s));
    MUST(brn_model_create(&t->model, t->dev, s, t->pair));
    MUST(brn_trainer_create(&t->trainer, t->model, t->pair));
    MUST(brn_trainer_begin(t->trainer));
}

void test_training_end(test_training *t)
{
    brn_trainer_free(t->trainer);
    brn_model_free(t->model);
    brn_pair_close(t->pair);
    brn_device_close(t->dev);
}

test_step_counts test_count_steps(const char *device, int n, int batch, const char *assignments)
{
    enum { WARM = 3, STEPS = 10 };
    test_step_counts sum = {.steps = STEPS};
    test_training t;
    test_training_begin(&t, device, n, batch, assignments);
    for (int i = 0; i < WARM + STEPS; ++i) {
        const brn_device_counts before = t.dev->counts, *now = &t.dev->counts;
        MUST(brn_trainer_step(t.trainer));
        if (i < WARM) continue;
        const double submissions = (double)(now->submissions - before.submissions), waits = (double)(now->waits - before.waits);
        sum.submissions += submissions;
        sum.waits += waits;
        sum.most_submissions = fmax(sum.most_submissions, submissions);
        sum.most_waits = fmax(sum.most_waits, waits);
        sum.commands += (double)(now->launches + now->products - before.launches - before.products);
        sum.replays += (double)(now->replays - before.replays);
        sum.rounds += rounds_of(t.trainer);
    }
    sum.loss = t.trainer->loss;
    fprintf(stderr, "%s: a step of n = %d %s: %.0f commands, %.1f submissions (%.1f recorded before), %.1f waits, %.1f solver rounds\n", device, n,
            assignments, sum.commands / STEPS, sum.submissions / STEPS, sum.replays / STEPS, sum.waits / STEPS, sum.rounds / STEPS);
    test_training_end(&t);
    return sum;
}
