/* Memory, copies and the recording of commands, with mapped and with staged memory; the checker is on. */
#include "core/clock.h"
#include "support/devices.h"
#include "vulkan/vk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static brn_device *dev;
static brn_queue *q;

static bool open_device(bool staged)
{
    if (!test_device_is_here("vulkan:0")) return false;
    setenv("BRENIER_CHECK_HAZARDS", "1", 1);
    setenv("BRENIER_VULKAN_STAGING", staged ? "1" : "0", 1);
    MUST(brn_device_open(&dev, "vulkan:0", 1));
    q = brn_device_queue(dev, 0);
    cr_assert(!staged || !((const brn_vk *)dev->impl)->mapped);
    return true;
}

static brn_buf *numbers(size_t count)
{
    brn_buf *buf;
    MUST(brn_buf_create(&buf, dev, BRN_REAL, count, "numbers"));
    return buf;
}

/* y = s x */
static brn_status scale(brn_buf *x, size_t x_at, brn_buf *y, size_t y_at, int count, float s)
{
    return BRN_LAUNCH(q, axpby, count, 1, (.ldx = count, .ldy = count, .s = s), {x, x_at}, {y, y_at});
}

/* More than the staging ring holds, at every alignment, while earlier work is still queued. */
static void round_trips(bool staged)
{
    enum { COUNT = (3 * BRN_VK_STAGING) / 4 + 5 };
    if (!open_device(staged)) return;
    float *sent = calloc(COUNT, sizeof *sent), *back = calloc(COUNT, sizeof *back);
    brn_buf *x = numbers(COUNT), *y = numbers(COUNT);
    for (int i = 0; i < COUNT; ++i) sent[i] = (float)(i % 9973);
    MUST(brn_zero(q, (brn_view){x, 0}, COUNT));
    MUST(brn_write_f32(q, (brn_view){x, 1}, sent, COUNT - 1));
    MUST(brn_copy(q, (brn_view){y, 3}, (brn_view){x, 1}, COUNT - 4));
    for (int at = 0; at < 70; ++at) MUST(scale(x, (size_t)at + 1, y, (size_t)at + 3, 1, 2));
    memset(sent, 0, 64 * sizeof *sent); /* the caller's memory is free again */
    MUST(brn_read_f32(q, (brn_view){y, 3}, back, COUNT - 4));
    for (int i = 0; i < COUNT - 4; ++i) cr_assert_eq(back[i], (float)(i % 9973) * (i < 70 ? 2.0f : 1.0f), "element %d is %g", i, back[i]);
    for (int size = 1; size < 3000; size += 251) { /* small ones travel in the command buffer */
        MUST(scale(x, 0, x, 0, 1, 1));
        MUST(brn_write_f32(q, (brn_view){y, 7}, sent + 100, (size_t)size));
        MUST(brn_read_f32(q, (brn_view){y, 7}, back, (size_t)size));
        cr_assert(!memcmp(back, sent + 100, (size_t)size * sizeof *back), "%d elements", size);
    }
    brn_buf_free(x), brn_buf_free(y);
    free(sent), free(back);
    brn_device_close(dev);
}

Test(vulkan_work, round_trips_mapped) { round_trips(false); }
Test(vulkan_work, round_trips_staged) { round_trips(true); }

static int blocks(void)
{
    int count = 0;
    for (const brn_vk_block *b = ((const brn_vk *)dev->impl)->blocks; b; b = b->next) ++count;
    return count;
}

/* Pieces are joined again; large blocks go back to the driver once nothing can use them. */
Test(vulkan_work, memory_is_used_again)
{
    enum { BUFFERS = 64 };
    brn_buf *buf[BUFFERS];
    if (!open_device(false)) return;
    const size_t block = ((const brn_vk *)dev->impl)->block_size;
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < BUFFERS; ++i) buf[i] = numbers((size_t)1000 * (size_t)(1 + (i * 7 + round) % 13));
        for (int i = 0; i < BUFFERS; ++i) brn_buf_free(buf[(i * 29 + round) % BUFFERS]);
    }
    cr_assert_eq(blocks(), 1);
    cr_assert(!((const brn_vk *)dev->impl)->blocks->first->after, "free pieces were not joined");
    brn_buf *large = numbers(block / 4 + 1);
    MUST(brn_zero(q, (brn_view){large, 0}, block / 4 + 1));
    cr_assert_eq(blocks(), 2);
    brn_buf_free(large);
    cr_assert_eq(blocks(), 2, "the block went while a command may use it");
    float value;
    buf[0] = numbers(1);
    MUST(brn_zero(q, (brn_view){buf[0], 0}, 1));
    MUST(brn_read_f32(q, (brn_view){buf[0], 0}, &value, 1));
    cr_assert_eq(blocks(), 1);
    brn_buf_free(buf[0]);
    brn_device_close(dev);
}

/* More combinations of buffers than sets are kept. */
Test(vulkan_work, descriptor_sets_run_out)
{
    if (!open_device(false)) return;
    brn_buf *x = numbers(64 * (BRN_VK_SETS + 100));
    MUST(brn_zero(q, (brn_view){x, 0}, brn_buf_count(x)));
    MUST(BRN_LAUNCH(q, fill, 64, 1, (.ld = 64, .s = 1), {x, 0}));
    for (size_t i = 1; i < BRN_VK_SETS + 100; ++i) MUST(scale(x, 64 * (i - 1), x, 64 * i, 64, i % 2 ? 2 : 0.5f));
    float last;
    MUST(brn_read_f32(q, (brn_view){x, brn_buf_count(x) - 1}, &last, 1));
    cr_assert_eq(last, 2);
    brn_buf_free(x);
    brn_device_close(dev);
}

static brn_vk *card(void) { return dev->impl; }

/* Three launches in a row, of which the last two depend on the one before: x = 3 s^2. */
static brn_status chain(brn_buf *x, brn_buf *y, float s)
{
    BRN_TRY(BRN_LAUNCH(q, fill, 64, 1, (.ld = 64, .s = 3), {x, 0}));
    BRN_TRY(scale(x, 0, y, 0, 64, s));
    BRN_TRY(scale(y, 0, x, 0, 64, s));
    return brn_vk_submit(card());
}

/* Of what is recorded now and of what is handed over again. The validation layer sees it too, which validation.sh wants
 * to know. */
Test(vulkan_work, a_missing_barrier_is_reported)
{
    float value;
    if (!getenv("BRENIER_SEE_HAZARD")) unsetenv("VK_INSTANCE_LAYERS");
    if (!open_device(false)) return;
    brn_buf *x = numbers(64), *y = numbers(64);
    for (long barrier = 1; barrier <= 2; ++barrier) {
        brn_vk_skip_barrier(barrier);
        MUST_FAIL(chain(x, y, 2), BRN_ERR_INTERNAL, "vulkan:0: hazard: axpby reads bytes");
        MUST(brn_read_f32(q, (brn_view){x, 63}, &value, 1));
        MUST_FAIL(chain(x, y, 2), BRN_ERR_INTERNAL, "no barrier stands between them");
        cr_expect_eq(dev->counts.replays, (uint64_t)barrier, "the second time it was recorded anew");
        MUST(brn_read_f32(q, (brn_view){x, 63}, &value, 1));
        brn_replays_forget(&card()->replays, NULL);
        MUST(chain(x, y, 2));
        MUST(brn_read_f32(q, (brn_view){x, 63}, &value, 1));
        cr_assert_eq(value, 12);
        brn_replays_forget(&card()->replays, NULL);
    }
    brn_buf_free(x), brn_buf_free(y);
    brn_device_close(dev);
}

/* Independent launches run side by side: one barrier for all of them, the one that ends the command buffer. */
Test(vulkan_work, independent_launches_need_no_barrier)
{
    if (!open_device(false)) return;
    brn_buf *x[8];
    for (int i = 0; i < 8; ++i) x[i] = numbers(64);
    for (int i = 0; i < 8; ++i) MUST(BRN_LAUNCH(q, fill, 64, 1, (.ld = 64, .s = 1), {x[i], 0}));
    MUST(brn_vk_submit(card()));
    for (int i = 0; i <= 8; ++i) cr_expect_eq(card()->last->barrier[i], i == 8, "barrier %d", i);
    for (int i = 0; i < 8; ++i) brn_buf_free(x[i]);
    brn_device_close(dev);
}

/* The same list with other parameters is handed over as it was recorded, also when it comes again before it is done and
 * after its buffers were freed and made anew; a longer one is not. */
static void lists_come_again(bool staged)
{
    float value;
    if (!open_device(staged)) return;
    brn_buf *x = numbers(64), *y = numbers(64);
    const brn_device_counts *n = &dev->counts;
    for (int s = 1; s < 6; ++s) {
        MUST(chain(x, y, (float)s));
        MUST(chain(x, y, (float)(10 * s)));
        MUST(brn_read_f32(q, (brn_view){x, 5}, &value, 1));
        cr_assert_eq(value, (float)(300 * s * s), "%g", (double)value);
        cr_expect_eq(n->submissions - n->replays, staged ? 2 : 1, "%llu of %llu were recorded before", (unsigned long long)n->replays, (unsigned long long)n->submissions);
        brn_buf_free(y), brn_buf_free(x);
        x = numbers(64), y = numbers(64);
    }
    const uint64_t before = n->replays;
    MUST(scale(x, 0, y, 0, 64, 1));
    MUST(chain(x, y, 1));
    cr_expect_eq(n->replays, before);
    brn_buf_free(x), brn_buf_free(y);
    brn_device_close(dev);
}

Test(vulkan_work, lists_come_again_mapped) { lists_come_again(false); }
Test(vulkan_work, lists_come_again_staged) { lists_come_again(true); }

/* The device's clock runs as fast as the host's, and stands still for nothing. */
Test(vulkan_work, timer)
{
    double first, second;
    if (!open_device(false)) return;
    brn_buf *x = numbers(1 << 16);
    const double start = brn_seconds();
    MUST(dev->ops->timer_start(q));
    for (int i = 0; i < 3 * BRN_VK_COMMANDS; ++i) MUST(BRN_LAUNCH(q, fill, 1 << 16, 1, (.ld = 1 << 16, .s = 1), {x, 0}));
    MUST(dev->ops->timer_stop(q, &first));
    MUST(dev->ops->timer_start(q));
    MUST(dev->ops->timer_stop(q, &second));
    if (isnan(first)) fprintf(stderr, "skipped: vulkan_work::timer (the queue has no clock)\n");
    else cr_expect(first > 0 && second >= 0 && first + second < brn_seconds() - start, "%g s and %g s", first, second);
    brn_buf_free(x);
    brn_device_close(dev);
}
