/* Gradients whose norm stands out are shortened. Where the potential is not convex yet, a few rows of a
 * batch find their maximiser far away; their gradient then rules the moments of the next tens of steps,
 * the amortizer forgets the other rows, and those start their solves in wrong places too: at n = 128
 * trainings went astray for thousands of steps (L2-UVP .4 % to 170 %). The limit follows the gradient's
 * own scale, as the losses' scale differs by orders between potential and amortizer. */
#include "training/optimizer_parts.h"

/* The mean follows some hundred steps. The first ones only fill it. */
static const double KEEP = 0.99;
enum { FIRST = 10, SLICE = 8192 };

static int slices(const brn_optimizer *opt) { return (int)((opt->size + SLICE - 1) / SLICE); }

brn_status brn_clip_create(brn_optimizer *opt)
{
    if (opt->set.clip <= 0) return BRN_OK;
    BRN_TRY(brn_buf_create(&opt->clip, opt->dev, BRN_REAL, 2, "gradient norm"));
    BRN_TRY(brn_buf_create(&opt->squares, opt->dev, BRN_REAL, (size_t)slices(opt), "gradient norm"));
    return brn_zero(brn_device_queue(opt->dev, 0), (brn_view){opt->clip, 0}, 2);
}

void brn_clip_free(brn_optimizer *opt)
{
    brn_buf_free(opt->squares);
    brn_buf_free(opt->clip);
}

brn_status brn_clip_gradient(const brn_update *u, brn_queue *q)
{
    const brn_optimizer *opt = u->opt;
    if (!opt->clip) return BRN_OK;
    const double filled = 1 - 1 / (double)u->step;
    BRN_TRY(BRN_LAUNCH(q, square_sum, 64, slices(opt), (.slice = SLICE, .count = (int)opt->size), {u->grad, 0}, {opt->squares, 0}));
    BRN_TRY(BRN_LAUNCH(q, clip_factor, 1, 1,
                       (.count = slices(opt), .limit = u->step > FIRST ? (float)opt->set.clip : 0,
                        .keep = (float)(filled < KEEP ? filled : KEEP)), {opt->squares, 0}, {opt->clip, 0}));
    return BRN_LAUNCH(q, scale_by, (int)opt->size, 1, (.at = 1), {opt->clip, 0}, {u->grad, 0});
}
