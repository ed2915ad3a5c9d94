/* What a device is asked to do: products by every tile, and how often a training step hands work over and waits. */
#include "selftest/case.h"
#include "support/devices.h"
#include "training/trainer.h"
#include "vulkan/vk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static brn_device *open_device(void)
{
    brn_device *dev = NULL;
    char names[TEST_DEVICES_MOST][64];
    for (int i = test_device_names(names) - 1; i >= 0 && !dev; --i)
        if (!strcmp(names[i], "vulkan:0")) MUST(brn_device_open(&dev, "vulkan:0", 1));
    if (!dev) fprintf(stderr, "skipped: %s::%s (no Vulkan device)\n", criterion_current_test->category, criterion_current_test->name);
    return dev;
}

/* A device chooses a few of the tiles itself; here they all take their turn. */
Test(vulkan_step, every_tile)
{
    static const int sizes[][3] = {{1, 1, 1}, {33, 31, 70}, {64, 64, 16}, {129, 257, 17}, {300, 9, 33}};
    const brn_operation *gemm = NULL;
    for (int o = 0; o < brn_operation_count(); ++o)
        if (!strcmp(brn_operation_at(o)->name, "gemm")) gemm = brn_operation_at(o);
    cr_assert_not_null(gemm);
    brn_device *oracle = test_oracle_open();
    for (int t = 0; t < brn_vk_tile_count; ++t) {
        brn_parity p = {0};
        setenv("BRENIER_VULKAN_GEMM", brn_vk_tiles[t].name, 1);
        brn_device *dev = open_device();
        if (!dev) break;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
            for (int variant = 0; variant < gemm->variants; ++variant) {
                const brn_case c = {.rows = sizes[i][0], .feats = sizes[i][1], .depth = sizes[i][2], .variant = variant};
                MUST(brn_operation_check(dev, oracle, gemm, &c, (uint32_t)i, &p));
            }
        cr_expect(p.share <= 1 && !*p.fault, "%s: %s: %.2f of the tolerance %s", brn_vk_tiles[t].name, p.worst, p.share, p.fault);
        brn_device_close(dev);
    }
    brn_device_close(oracle);
}

/* Rounds of the last solve: every round evaluates all rows that are left. */
static double rounds_of(brn_trainer *t)
{
    double most = 0;
    MUST(brn_solver_read_info(t->solver, brn_device_queue(t->dev, 0), BRN_INFO_EVALUATIONS, t->host_rows, t->batch));
    for (int i = 0; i < t->batch; ++i) most = fmax(most, (double)t->host_rows[i]);
    return most;
}

Test(vulkan_step, submissions_and_waits)
{
    enum { WARM = 3, STEPS = 10 };
    static const char *const values[] = {"data.pair=gaussian", "data.n=2", "train.batch=256", "device=vulkan:0"};
    brn_settings s;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *t;
    double submissions = 0, waits = 0, rounds = 0, commands = 0;
    brn_device *dev = open_device();
    if (!dev) return;
    MUST(brn_settings_preset(&s, "2d"));
    MUST(brn_settings_assign(&s, 4, values));
    MUST(brn_settings_resolve(&s, 2));
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
        commands += (double)(dev->counts.launches + dev->counts.products - before.launches - before.products);
        rounds += rounds_of(t);
    }
    fprintf(stderr, "vulkan: a step of n = 2: %.0f dispatches, %.1f submissions, %.1f waits, %.1f solver rounds\n", commands / STEPS, submissions / STEPS,
            waits / STEPS, rounds / STEPS);
    cr_expect_leq(waits, rounds + STEPS, "one wait a solver round, one for the step's losses");
    cr_expect_leq(submissions, rounds + 4 * STEPS + commands / BRN_VK_COMMANDS);
    brn_trainer_free(t);
    brn_model_free(model);
    brn_pair_close(pair);
    brn_device_close(dev);
}
