/* What the fixed batch of a training can tell: which states are as good as the best one so far. */
#include "support/device_work.h"
#include "training/monitor.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    test_training on;
    brn_monitor *monitor;
} bed;

static void bed_open(bed *b)
{
    test_training_begin(&b->on, "host", 2, 256, "preset=hd potential.hidden=16,16 amortizer.hidden=16 train.steps=400 train.averaging=0");
    MUST(brn_monitor_create(&b->monitor, b->on.trainer));
}

static void bed_close(bed *b)
{
    brn_monitor_free(b->monitor);
    test_training_end(&b->on);
}

/* The parameters of f, to come back to and to change. */
static float *parameters(const bed *b, size_t *count)
{
    *count = brn_buf_count(b->on.model->f.part[0].theta);
    float *theta = malloc(*count * sizeof *theta);
    MUST(brn_read_f32(brn_device_queue(b->on.dev, 0), (brn_view){b->on.model->f.part[0].theta, 0}, theta, *count));
    return theta;
}

static void look(const bed *b, const float *theta, size_t count, brn_sight *sight, bool *level)
{
    brn_queue *q = brn_device_queue(b->on.dev, 0);
    MUST(brn_write_f32(q, (brn_view){b->on.model->f.part[0].theta, 0}, theta, count));
    MUST(brn_net_prepare(&b->on.model->f.part[0], q));
    MUST(brn_monitor_look(b->monitor, sight));
    MUST(brn_monitor_level(b->monitor, level));
}

/* What is lower is level, and so is a trained f beside itself with weights changed by a ten-thousandth, whether the rows' luck
 * raises its dual or lowers it; the identity is not. */
Test(monitor, knows_what_it_cannot_tell)
{
    bed b;
    brn_sight start, end, close;
    bool level;
    size_t count;
    bed_open(&b);
    float *first = parameters(&b, &count), *last;
    for (int i = 0; i < 400; ++i) MUST(brn_trainer_step(b.on.trainer));
    last = parameters(&b, &count);

    look(&b, first, count, &start, &level);
    MUST(brn_monitor_keep(b.monitor));
    look(&b, last, count, &end, &level);
    cr_expect(level && end.dual < start.dual, "%g, at first %g", end.dual, start.dual);
    MUST(brn_monitor_keep(b.monitor));
    look(&b, last, count, &end, &level);
    cr_expect(level);
    look(&b, first, count, &start, &level);
    cr_expect_not(level);

    int higher = 0;
    for (int sign = -1; sign <= 1; sign += 2) { /* scaled weights: f a little too steep, or too flat */
        float *changed = malloc(count * sizeof *changed);
        for (size_t i = 0; i < count; ++i) changed[i] = last[i] * (1 + (float)sign * 1e-4f);
        look(&b, changed, count, &close, &level);
        cr_expect(level, "%.9g against %.9g", close.dual, end.dual);
        higher += close.dual > end.dual;
        free(changed);
    }
    cr_expect_geq(higher, 1); /* not lower both ways, or nothing would have been tested */
    free(first), free(last);
    bed_close(&b);
}

/* The rows are kept as they were, for checkpoints. */
Test(monitor, keeps_the_rows_of_the_lowest_dual)
{
    bed b;
    brn_sight sight;
    bool level;
    double sum = 0;
    bed_open(&b);
    const int rows = brn_monitor_rows(&b.on.settings);
    float *kept = malloc((size_t)rows * sizeof *kept);
    MUST(brn_monitor_look(b.monitor, &sight));
    MUST(brn_monitor_keep(b.monitor));
    MUST(brn_read_f32(brn_device_queue(b.on.dev, 0), (brn_view){brn_monitor_kept(b.monitor), 0}, kept, (size_t)rows));
    for (int r = 0; r < rows; ++r) sum += (double)kept[r] / rows;
    cr_expect_float_eq(sum, sight.dual, 1e-6 * fabs(sight.dual));
    for (int r = 0; r < rows; ++r) kept[r] -= (float)(r % 2) * .01f; /* as if another state had been lower by .005, in half the rows */
    MUST(brn_write_f32(brn_device_queue(b.on.dev, 0), (brn_view){brn_monitor_kept(b.monitor), 0}, kept, (size_t)rows));
    MUST(brn_monitor_level(b.monitor, &level));
    cr_expect_not(level);
    for (int r = 0; r < rows; ++r) kept[r] += (float)(r % 2) * .01f + (r == 0 ? -1.f : 0); /* and in one row alone */
    MUST(brn_write_f32(brn_device_queue(b.on.dev, 0), (brn_view){brn_monitor_kept(b.monitor), 0}, kept, (size_t)rows));
    MUST(brn_monitor_level(b.monitor, &level));
    cr_expect(level);
    free(kept);
    bed_close(&b);
}
