/* The memory plan is what a training takes, and chunks of rows change its results by rounding only. */
#include "support/devices.h"
#include <brenier/train.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static brn_settings settings(const char *const *assignments)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    for (; *assignments; ++assignments) MUST(brn_settings_assign(&s, 1, assignments));
    return s;
}
#define SETTINGS(...) settings((const char *const[]){"data.pair=gaussian", "data.n=3", "potential.hidden=32,16", "amortizer.hidden=32", \
                                                     "train.steps=6", "train.batch=300", "train.eval_every=3", __VA_ARGS__, NULL})

static brn_device *open_with(const char *name, uint64_t memory)
{
    brn_device *dev;
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)memory);
    if (memory) setenv("BRENIER_DEVICE_MEMORY", text, 1);
    MUST(brn_device_open(&dev, name, 1));
    unsetenv("BRENIER_DEVICE_MEMORY");
    return dev;
}

typedef struct {
    int reports, plans;
    brn_memory_plan plan;
} watch;

static bool watching(void *user, const brn_progress *p)
{
    watch *w = user;
    if (p->plan) {
        cr_expect_eq(w->reports, 0, "the plan comes first");
        w->plan = *p->plan;
        ++w->plans;
    }
    ++w->reports;
    return true;
}

/* All of it is used, and no more than it. */
static void expect_true_plan(const char *device, const brn_settings *s)
{
    brn_memory_plan plan;
    watch w = {0};
    brn_device *dev = open_with(device, 0);
    MUST(brn_train_plan(dev, s, &plan));
    cr_expect_eq(dev->used, 0, "the plan left buffers behind");
    const uint64_t before = dev->peak;
    MUST(brn_train(dev, s, false, watching, &w, NULL));
    cr_expect(w.plans == 1 && !memcmp(&w.plan, &plan, sizeof plan), "%s: the training's plan is another one", device);
    cr_expect_leq(dev->peak, plan.total, "%s: %llu bytes used, %llu planned", device, (unsigned long long)dev->peak, (unsigned long long)plan.total);
    cr_expect_geq((double)dev->peak, 0.9 * (double)plan.total, "%s: %llu bytes used, %llu planned", device, (unsigned long long)dev->peak,
                  (unsigned long long)plan.total);
    cr_expect_lt(before, dev->peak);
    cr_expect_eq(dev->used, 0);
    cr_expect_eq(plan.other, 0, "%s: a buffer belongs to no part: see src/training/plan.c", device);
    cr_expect_eq(plan.total, plan.parameters + plan.gradients + plan.optimizer + plan.batches + plan.activations + plan.solver + plan.sampler + plan.data);
    brn_device_close(dev);
}

Test(memory_plan, is_what_a_training_takes)
{
    const brn_settings cases[] = {
        SETTINGS("train.averaging=0.9"),
        SETTINGS("train.potential.kind=soap", "train.amortizer.kind=muon", "potential.kind=icnn", "conjugate.solver=adam"),
        SETTINGS("amortizer.kind=gradient", "train.start=pretrain", "train.pretrain_steps=3", "train.loss=cycle", "data.sampling=lattice"),
        SETTINGS("data.pair=moons", "data.n=2", "train.seek=true", "amortizer.kind=none", "train.loss=none", "data.sampling=antithetic"),
        SETTINGS("train.dual=assignment", "amortizer.kind=none", "train.loss=none"),
        SETTINGS("train.dual=quadratic", "amortizer.kind=gradient", "train.loss=none", "eval.max_iterations=0"),
        SETTINGS("train.dual=batch", "amortizer.kind=none", "train.loss=none", "potential.kind=icnn", "potential.convexity=project"),
        SETTINGS("train.loss=objective", "train.roles=exchanged", "train.amortizer_steps=3"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        expect_true_plan("host", &cases[i]);
        expect_true_plan("host:strict", &cases[i]);
        expect_true_plan("host:f64", &cases[i]);
    }
}

Test(memory_plan, says_what_to_lower_where_nothing_helps)
{
    const brn_settings s = SETTINGS("conjugate.history=5");
    watch w = {0};
    brn_device *dev = open_with("host:strict", 20000);
    MUST_FAIL(brn_train(dev, &s, false, watching, &w, NULL), BRN_ERR_MEMORY, "the largest parts are");
    cr_expect(strstr(brn_last_error(), "lower"), "%s", brn_last_error());
    cr_expect(w.reports == 0 && dev->used == 0);
    brn_device_close(dev);
}

enum { N = 3, ROWS = 1000 };

/* Train, then map and conjugate; the rows of the results. */
static void results(brn_device *dev, const brn_settings *s, watch *w, float *mapped, float *inverse, brn_conjugate_row *rows)
{
    brn_model *model;
    float x[ROWS * N];
    for (int i = 0; i < ROWS * N; ++i) x[i] = (float)sin(i);
    MUST(brn_train(dev, s, false, watching, w, &model));
    MUST(brn_model_map(model, x, ROWS, mapped));
    MUST(brn_model_inverse(model, x, ROWS, inverse, rows));
    brn_model_free(model);
}

static void expect_chunks(const char *device)
{
    const brn_settings s = SETTINGS("train.averaging=0", "train.potential.kind=adamw", "train.amortizer.kind=adamw", "train.potential.epsilon=1e-5",
                                    "train.amortizer.epsilon=1e-5");
    static float mapped[2][ROWS * N], inverse[2][ROWS * N];
    static brn_conjugate_row rows[2][ROWS];
    watch whole = {0}, chunked = {0};
    brn_device *dev = open_with(device, 0);
    results(dev, &s, &whole, mapped[0], inverse[0], rows[0]);
    brn_device_close(dev);
    dev = open_with(device, whole.plan.total / 4);
    results(dev, &s, &chunked, mapped[1], inverse[1], rows[1]);
    cr_expect_leq(dev->peak, whole.plan.total / 4);
    brn_device_close(dev);
    cr_expect_eq(whole.plan.tile_rows, whole.plan.full_rows);
    cr_expect_lt(chunked.plan.tile_rows, chunked.plan.full_rows);
    cr_expect_geq(chunked.plan.tile_rows, 64);
    cr_expect_leq(chunked.plan.total, whole.plan.total / 4);
    double error = 0, inverse_error = 0, scale = 0;
    int other = 0;
    for (int i = 0; i < ROWS * N; ++i) {
        error = fmax(error, fabs(mapped[0][i] - mapped[1][i]));
        inverse_error = fmax(inverse_error, fabs(inverse[0][i] - inverse[1][i]));
        scale = fmax(scale, fabs(mapped[0][i]));
    }
    for (int r = 0; r < ROWS; ++r) other += rows[0][r].stop != rows[1][r].stop;
    cr_expect_leq(error, 1e-4 * scale, "%s: maps differ by %g of %g", device, error, scale);
    cr_expect_leq(inverse_error, 2 * s.eval.gtol, "%s: inverse maps differ by %g", device, inverse_error);
    cr_expect_eq(other, 0, "%s: %d rows end otherwise", device, other);
}

/* Devices whose tile is a whole batch. */
Test(memory_plan, chunks_change_rounding_only)
{
    test_device devices[TEST_DEVICES_MOST];
    const int count = test_devices(devices);
    for (int i = 0; i < count; ++i)
        if (!*devices[i].isa) expect_chunks(devices[i].name);
}
