/* What a device is asked to do: products by every tile, and how often a training step hands work over and waits. */
#include "selftest/case.h"
#include "support/device_work.h"
#include "vulkan/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static brn_device *open_device(void)
{
    brn_device *dev = NULL;
    if (test_device_is_here("vulkan:0")) MUST(brn_device_open(&dev, "vulkan:0", 1));
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

Test(vulkan_step, submissions_and_waits)
{
    if (!test_device_is_here("vulkan:0")) return;
    const test_step_counts sum = test_count_steps("vulkan:0", 2, 256, "potential.hidden=16,16 amortizer.hidden=16,16");
    cr_expect_leq(sum.waits, sum.rounds + sum.steps, "one wait a solver round, one for the step's losses");
    cr_expect_leq(sum.submissions, sum.rounds + 4 * sum.steps + sum.commands / BRN_VK_COMMANDS);
    cr_expect_geq(sum.replays, 0.9 * sum.submissions);
}

/* SOAP's refreshes, in every other step here, ask for no wait, and are replayed too. */
Test(vulkan_step, submissions_and_waits_with_soap)
{
    if (!test_device_is_here("vulkan:0")) return;
    const test_step_counts sum = test_count_steps("vulkan:0", 8, 64, "potential.hidden=40,5 amortizer.hidden=16 train.potential.kind=soap train.amortizer.kind=soap "
                                                                     "train.potential.refresh=2 train.amortizer.refresh=2");
    cr_expect_leq(sum.waits, sum.rounds + sum.steps);
    cr_expect_leq(sum.submissions, sum.rounds + 4 * sum.steps + sum.commands / BRN_VK_COMMANDS);
    cr_expect_geq(sum.replays, 0.8 * sum.submissions);
}

/* Where rows take equally many rounds, everything was recorded before from the third step on (a running mean begins with a
 * copy); the bits are those of recording everything anew. */
Test(vulkan_step, steps_are_replayed)
{
    enum { STEPS = 4 };
    static const char even[] = "potential.hidden=8,8 amortizer.hidden=8 conjugate.min_iterations=1 conjugate.max_iterations=1 conjugate.max_evaluations=1";
    float *theta[2];
    size_t count = 0;
    if (!test_device_is_here("vulkan:0")) return;
    for (int anew = 0; anew < 2; ++anew) {
        test_training t;
        test_training_begin(&t, "vulkan:0", 2, 100, even);
        for (int i = 0; i < STEPS; ++i) {
            const brn_device_counts before = t.dev->counts, *now = &t.dev->counts;
            if (anew) brn_replays_forget(&((brn_vk *)t.dev->impl)->replays, NULL);
            MUST(brn_trainer_step(t.trainer));
            const uint64_t submissions = now->submissions - before.submissions, replays = now->replays - before.replays;
            cr_expect(anew ? replays < submissions : i < 2 || replays == submissions, "step %d: %llu of %llu submissions were recorded before", i,
                      (unsigned long long)replays, (unsigned long long)submissions);
        }
        brn_buf *from = t.model->f.part[0].theta;
        count = brn_buf_count(from);
        theta[anew] = calloc(count, sizeof *theta[anew]);
        MUST(brn_read_f32(brn_device_queue(t.dev, 0), (brn_view){from, 0}, theta[anew], count));
        test_training_end(&t);
    }
    cr_expect(!memcmp(theta[0], theta[1], count * sizeof *theta[0]), "replayed commands give other bits");
    free(theta[0]), free(theta[1]);
}
