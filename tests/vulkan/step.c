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
    const test_step_counts sum = test_count_steps("vulkan:0", 2, 256, "");
    cr_expect_leq(sum.waits, sum.rounds + sum.steps, "one wait a solver round, one for the step's losses");
    cr_expect_leq(sum.submissions, sum.rounds + 4 * sum.steps + sum.commands / BRN_VK_COMMANDS);
}
