/* Gradients of wide networks, summed block by block, against the same sums tile by tile. */
#include "support/support.h"
#include "training/wide.h"

#include <brenier/train.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A training whose potential is just wide; three tiles of rows, the last one not full. */
typedef struct {
    brn_settings settings;
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *t;
} bed;

static void bed_open(bed *b, int threads, const char *const *assignments, int count)
{
    static const char *const common[] = {"data.pair=gaussian",       "data.n=3",         "potential.kind=icnn", "potential.hidden=520,520",
                                         "amortizer.hidden=300,40",  "train.batch=150",  "train.steps=10",      "conjugate.gtol=1e-3",
                                         "train.potential.lr=1e-3", "potential.actnorm=true"};
    MUST(brn_settings_preset(&b->settings, "hd-paper"));
    MUST(brn_settings_assign(&b->settings, sizeof common / sizeof *common, common));
    MUST(brn_settings_assign(&b->settings, count, assignments));
    MUST(brn_settings_resolve(&b->settings, 3));
    MUST(brn_device_open(&b->dev, "host", threads));
    MUST(brn_pair_open(&b->pair, b->dev, &b->settings));
    MUST(brn_model_create(&b->model, b->dev, &b->settings, b->pair));
    MUST(brn_trainer_create(&b->t, b->model, b->pair));
    MUST(brn_trainer_begin(b->t));
}

static void bed_close(bed *b)
{
    brn_trainer_free(b->t);
    brn_model_free(b->model);
    brn_pair_close(b->pair);
    brn_device_close(b->dev);
}

static void forget_the_solver(bed *b) { brn_solver_keep(b->t->solver, NULL, 0); }

static void work_in_groups(bed *b)
{
    if (b->t->solver) forget_the_solver(b);
    brn_wide_free(b->t->wide);
    b->t->wide = NULL;
}

static float *values_of(bed *b, brn_buf *buf)
{
    float *values = malloc(brn_buf_count(buf) * sizeof *values);
    MUST(brn_read_f32(brn_device_queue(b->dev, 0), (brn_view){buf, 0}, values, brn_buf_count(buf)));
    return values;
}

/* Largest difference beside the largest value. */
static double difference(bed *a, brn_buf *in_a, bed *b, brn_buf *in_b)
{
    float *x = values_of(a, in_a), *y = values_of(b, in_b);
    double most = 0, scale = 0;
    for (size_t i = 0; i < brn_buf_count(in_a); ++i) {
        most = fmax(most, fabs((double)x[i] - (double)y[i]));
        scale = fmax(scale, fabs((double)y[i]));
    }
    free(x), free(y);
    cr_assert_gt(scale, 0);
    return most / scale;
}

static void compare_with_groups(const char *loss)
{
    bed blocks, groups;
    bed_open(&blocks, 2, &loss, 1);
    bed_open(&groups, 2, &loss, 1);
    cr_assert(blocks.t->wide, "520 x 520 weights are wide");
    work_in_groups(&groups);
    MUST(brn_trainer_step(blocks.t));
    MUST(brn_trainer_step(groups.t));
    const double f = difference(&blocks, blocks.t->f_grad[0], &groups, groups.t->f_grad[0]);
    const double h = difference(&blocks, blocks.t->h_grad[0], &groups, groups.t->h_grad[0]);
    cr_assert_lt(f, 2e-5, "%s: gradient of f differs by %g", loss, f);
    cr_assert(h < 2e-5 || !strcmp(loss, "train.loss=none"), "%s: gradient of H differs by %g", loss, h);
    cr_assert_float_eq(blocks.t->loss, groups.t->loss, 1e-4 * (1 + fabs(groups.t->loss)), "%s", loss);
    bed_close(&blocks), bed_close(&groups);
}

Test(wide, blocks_sum_what_groups_do)
{
    compare_with_groups("train.loss=regression");
    compare_with_groups("train.loss=objective");
    compare_with_groups("train.loss=objective_finetune");
}

/* The solver's last evaluation is what another evaluation of the tile would give, to the bit; so it
 * does not matter in which lanes, and in how many pieces, the rows of a tile came to their end. */
static bool any_complete(const bed *b)
{
    bool complete = false;
    for (int i = 0; i < b->t->x.tiles; ++i) complete |= brn_traces_complete(&b->t->wide->target, i);
    return complete;
}

static void compare_with_evaluation(const char *tolerance, bool *complete)
{
    enum { STEPS = 4 };
    bed kept, again;
    bed_open(&kept, 3, &tolerance, 1);
    bed_open(&again, 1, &tolerance, 1);
    forget_the_solver(&again);
    *complete = false;
    for (int i = 0; i < STEPS; ++i) {
        MUST(brn_trainer_step(kept.t));
        MUST(brn_trainer_step(again.t));
        *complete |= any_complete(&kept);
        cr_assert_not(any_complete(&again));
        cr_assert_eq(difference(&kept, kept.model->f.part[0].theta, &again, again.model->f.part[0].theta), 0, "%s: step %d", tolerance, i);
    }
    bed_close(&kept), bed_close(&again);
}

Test(wide, what_the_solver_leaves_is_the_same_to_the_bit)
{
    bool complete, any;
    compare_with_evaluation("conjugate.gtol=0.5", &complete); /* all rows stop together */
    cr_assert(complete, "no tile was left complete by the solver");
    compare_with_evaluation("conjugate.gtol=0.3", &any); /* a few later */
    compare_with_evaluation("conjugate.gtol=0.2", &any);
    compare_with_evaluation("conjugate.gtol=1e-3", &any); /* one by one, and some at the precision floor */
}

/* Mixed second-order products add to a gradient as they go. */
Test(wide, losses_of_second_order_work_in_groups)
{
    bed b;
    bed_open(&b, 1, &(const char *){"train.loss=cycle"}, 1);
    cr_assert_null(b.t->wide);
    bed_close(&b);
}

Test(wide, blocks_cover_every_weight_once)
{
    brn_net_shape shape;
    brn_weight_block block[64];
    MUST(brn_shape_icnn(&shape, 300, &(brn_widths){3, {700, 900, 1}}, BRN_ACT_ELU, 1, true, true));
    char *seen = calloc(shape.size, 1);
    const int count = brn_shape_blocks(&shape, NULL);
    cr_assert_leq(count, 64);
    cr_assert_eq(brn_shape_blocks(&shape, block), count);
    for (int i = 0; i < count; ++i) {
        const brn_layer *w = &shape.layer[block[i].layer];
        cr_assert(block[i].first >= w->in || block[i].first + block[i].count <= w->in, "a block sees one input");
        for (int k = 0; k < block[i].count * w->out; ++k) ++seen[w->weight + (size_t)(block[i].first * w->out + k)];
    }
    for (int l = 0; l < shape.layers; ++l)
        for (int k = 0; k < (shape.layer[l].in + shape.layer[l].skip) * shape.layer[l].out; ++k)
            cr_assert_eq(seen[shape.layer[l].weight + (size_t)k], 1, "layer %d, weight %d", l, k);
    free(seen);
}
