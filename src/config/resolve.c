/* What the recipe chooses for a dimension, and the checks that need several fields. */
#include "config/config.h"
#include "io/mapped.h"
#include "networks/net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- choosing ---------------------------------------------------------------------------------- */

/* Every rule is written as "this field, where it is automatic, becomes that". */
static void fill(brn_settings *s, const char *group, const char *name, double value)
{
    char key[BRN_NAME_MAX];
    snprintf(key, sizeof key, "%s.%s", group, name);
    brn_field_fill(brn_field_find(key), s, value);
}

/* Channels of a convolutional potential: the published ones, as many as halve the image to 2 x 2. */
static brn_status fill_channels(brn_widths *channels, int n, double factor)
{
    static const int published[] = {128, 128, 256, 512, 1024};
    int image[3];
    BRN_TRY(brn_conv_image(n, image));
    for (int side = image[1]; (side > 2 || !channels->count) && channels->count < 5; side = (side + 1) / 2, ++channels->count)
        channels->width[channels->count] = (int)fmax(1, round(published[channels->count] * factor));
    return BRN_OK;
}

/* [2b, 2b, b] with b = max(n, 32), times `factor`. */
static brn_status fill_widths(brn_widths *widths, int n, bool conv, double factor, const char *what)
{
    if (widths->count) return BRN_OK;
    if (conv) return fill_channels(widths, n, factor);
    double b = fmax(n, 32);
    if (2 * b * factor > 65536)
        return brn_fail(BRN_ERR_USAGE, "%s: automatic widths for dimension %d exceed 65536; name them", what,
                        n);
    int wide = (int)fmax(1, round(2 * b * factor)), narrow = (int)fmax(1, round(b * factor));
    *widths = (brn_widths){3, {wide, wide, narrow}};
    return BRN_OK;
}

/* Muon wins where the matrices are small, SOAP from about n = 8, and for input-convex networks everywhere (L2-UVP .021
 * against .14 at n = 2, .13 against .31 at n = 4). The numbers of AdamW are those that did best among the plain ones. */
static void fill_optimizer(brn_settings *s, const char *group, const brn_optimizer_settings *o, int n)
{
    fill(s, group, "kind", n <= 4 && s->potential.kind != BRN_POTENTIAL_ICNN ? BRN_OPT_MUON : BRN_OPT_SOAP);
    fill(s, group, "lr", o->kind == BRN_OPT_MUON ? 1e-3 : o->kind == BRN_OPT_SOAP ? (n > 64 ? 5e-3 : 1e-2) : 3e-3);
    fill(s, group, "beta1", .9);
    fill(s, group, "beta2", o->kind == BRN_OPT_SOAP ? .95 : .99);
    fill(s, group, "weight_decay", 1e-4);
    fill(s, group, "clip", o->kind == BRN_OPT_SOAP ? 2 : 0);
    fill(s, group, "matrix_lr", 3e-2);
    fill(s, group, "refresh", n >= 64 ? 20 : 10);
}

/* Small batches and many steps; fewer samples per step the more an optimizer makes of each. Where the rows
 * are not spread evenly by a lattice (a user's own), their noise takes three times the steps to average. */
static void fill_length(brn_settings *s, int n)
{
    brn_optimizer_kind kind = s->train.potential.kind;
    bool plane = n <= 2 && kind == BRN_OPT_MUON;
    int noisy = s->data.sampling == BRN_SAMPLING_LATTICE ? 1 : 3;
    fill(s, "train", "steps",
         plane                  ? noisy * 4000
         : kind == BRN_OPT_MUON ? noisy * 8000
         : kind != BRN_OPT_SOAP ? 10000
         : n >= 64              ? 12000
                                : 32000);
    fill(s, "train", "batch", plane ? 1024 : kind == BRN_OPT_MUON ? 512 : kind == BRN_OPT_SOAP ? 256 : 1024);
    fill(s, "train", "eval_every", fmax(1, (double)(s->train.steps / 10)));
    fill(s, "train", "cycle_weight", n);
}

/* Images keep their scale, from -1 to 1, which a convolutional potential counts on. */
bool brn_standardizes(const brn_settings *s)
{
    if (s->data.standardize != BRN_STANDARDIZE_AUTO) return s->data.standardize == BRN_STANDARDIZE_SCALE;
    if (!s->data.source[0] || s->potential.kind == BRN_POTENTIAL_CONV) return false;
    return !brn_is_folder(s->data.source) && !brn_is_folder(s->data.target);
}

static brn_status fill_all(brn_settings *s, int n)
{
    bool own_rows = s->data.source[0] != '\0'; /* their latents are not ours to arrange */
    fill(s, "data", "n", n);
    fill(s, "data", "standardize", brn_standardizes(s) ? BRN_STANDARDIZE_SCALE : BRN_STANDARDIZE_NONE);
    fill(s, "data", "sampling", !own_rows && n <= 4 ? BRN_SAMPLING_LATTICE : BRN_SAMPLING_IID);
    const bool conv = s->potential.kind == BRN_POTENTIAL_CONV;
    BRN_TRY(fill_widths(&s->potential.hidden, n, conv, s->potential.widen, "potential.hidden"));
    BRN_TRY(fill_widths(&s->amortizer.hidden, n, conv && s->amortizer.kind == BRN_AMORTIZER_GRADIENT, conv ? s->potential.widen : 1, "amortizer.hidden"));
    bool smooth = n >= 16 && s->potential.kind == BRN_POTENTIAL_MLP; /* silu is not convex */
    if (s->potential.kind == BRN_POTENTIAL_QUADRATIC) fill(s, "potential", "activation", BRN_ACT_CELU);
    fill(s, "potential", "activation", smooth ? BRN_ACT_SILU : BRN_ACT_ELU);
    fill(s, "amortizer", "activation", BRN_ACT_ELU);
    fill(s, "conjugate", "gtol", n >= 64 ? .05 : n >= 32 ? .02 : .01);
    fill(s, "conjugate", "history", n >= 64 ? 6 : 10);
    fill_optimizer(s, "train.potential", &s->train.potential, n);
    fill_optimizer(s, "train.amortizer", &s->train.amortizer, n);
    fill_length(s, n);
    fill(s, "eval", "max_iterations", s->conjugate.max_iterations);
    return BRN_OK;
}

/* ---- checking ---------------------------------------------------------------------------------- */

static brn_status check_data(const brn_settings *s, int n)
{
    bool source = s->data.source[0], target = s->data.target[0], pair = s->data.pair[0];
    if (s->data.n != n)
        return brn_fail(BRN_ERR_USAGE, "data.n=%d, but the measures have dimension %d", s->data.n, n);
    if (source != target)
        return brn_fail(BRN_ERR_USAGE, "data.%s is missing: data.source and data.target go together",
                        source ? "target" : "source");
    if (pair && source)
        return brn_fail(BRN_ERR_USAGE, "data.pair and data.source are both given: choose one");
    if (source && s->data.sampling != BRN_SAMPLING_IID)
        return brn_fail(BRN_ERR_USAGE, "data.sampling: rows of a file can only be drawn iid");
    return BRN_OK;
}

/* Whether a network with non-negative weights and this activation is convex. */
static bool keeps_convex(brn_activation activation, double slope, double alpha)
{
    switch (activation) {
    case BRN_ACT_SILU:
        return false; /* decreases left of -1.3 */
    case BRN_ACT_SELU:
        return false; /* steeper left of 0 than right of it */
    case BRN_ACT_ELU:
        return alpha <= 1;
    case BRN_ACT_LEAKY_RELU:
        return slope <= 1;
    default:
        return true;
    }
}

static brn_status check_quadratic(const brn_settings *s)
{
    if (s->potential.kind != BRN_POTENTIAL_QUADRATIC) return BRN_OK;
    const int second = s->amortizer.kind == BRN_AMORTIZER_GRADIENT ? s->amortizer.hidden.count : 3;
    if (s->potential.hidden.count != 3 || second != 3)
        return brn_fail(BRN_ERR_USAGE, "potential.kind=quadratic has three hidden layers, found %d",
                        second != 3 ? second : s->potential.hidden.count);
    return s->potential.activation == BRN_ACT_CELU
               ? BRN_OK
               : brn_fail(BRN_ERR_USAGE, "potential.activation: potential.kind=quadratic has celu only");
}

/* What each dual loss needs beside f. */
static brn_status check_dual(const brn_settings *s)
{
    bool pair = s->train.dual == BRN_DUAL_QUADRATIC || s->train.dual == BRN_DUAL_ENTROPY, matched = s->train.dual == BRN_DUAL_ASSIGNMENT;
    if (pair && (s->amortizer.kind != BRN_AMORTIZER_GRADIENT || s->train.loss != BRN_LOSS_NONE))
        return brn_fail(BRN_ERR_USAGE, "train.dual=%s learns the amortizer's potential with f: set amortizer.kind=gradient train.loss=none",
                        s->train.dual == BRN_DUAL_QUADRATIC ? "quadratic" : "entropy");
    if (matched && s->amortizer.kind != BRN_AMORTIZER_NONE)
        return brn_fail(BRN_ERR_USAGE, "train.dual=assignment has no conjugate to predict: set amortizer.kind=none train.loss=none");
    if (s->train.amortizer_steps > 1 && (s->train.loss == BRN_LOSS_NONE || s->train.loss == BRN_LOSS_CYCLE))
        return brn_fail(BRN_ERR_USAGE, "train.amortizer_steps=%d needs a train.loss that can be lowered with f held, as objective",
                        s->train.amortizer_steps);
    return BRN_OK;
}

static brn_status check_networks(const brn_settings *s, int n)
{
    int image[3];
    if (s->potential.kind == BRN_POTENTIAL_CONV) BRN_TRY(brn_conv_image(n, image));
    if (s->eval.max_iterations == 0 && s->amortizer.kind == BRN_AMORTIZER_NONE)
        return brn_fail(BRN_ERR_USAGE, "eval.max_iterations=0 takes the amortizer's prediction for the inverse map, and amortizer.kind=none has none");
    if (s->potential.kind == BRN_POTENTIAL_ICNN && s->potential.convexity != BRN_CONVEXITY_NONE &&
        !keeps_convex(s->potential.activation, s->potential.slope, s->potential.alpha))
        return brn_fail(BRN_ERR_USAGE,
                        "potential.activation: an ICNN with it is not convex; elu with alpha <= 1, "
                        "softplus, celu, relu and leaky_relu with slope <= 1 are");
    BRN_TRY(check_quadratic(s));
    bool with_f = s->train.dual == BRN_DUAL_QUADRATIC || s->train.dual == BRN_DUAL_ENTROPY;
    bool trained = s->train.loss != BRN_LOSS_NONE || with_f, present = s->amortizer.kind != BRN_AMORTIZER_NONE;
    if (trained && !present)
        return brn_fail(
            BRN_ERR_USAGE,
            "amortizer.kind=none has nothing to train: set train.loss=none too, or name an amortizer");
    if (present && !trained)
        return brn_fail(
            BRN_ERR_USAGE,
            "train.loss=none leaves the amortizer untrained: set amortizer.kind=none too, or name a loss");
    return BRN_OK;
}

static brn_status check_solver(const brn_conjugate_settings *c)
{
    if (c->min_iterations > c->max_iterations)
        return brn_fail(BRN_ERR_USAGE, "conjugate.min_iterations=%d exceeds conjugate.max_iterations=%d",
                        c->min_iterations, c->max_iterations);
    if (c->line_search == BRN_SEARCH_WOLFE && c->decrease >= c->curvature)
        return brn_fail(BRN_ERR_USAGE, "conjugate.decrease=%g must be below conjugate.curvature=%g",
                        c->decrease, c->curvature);
    return BRN_OK;
}

static brn_status check_training(const brn_settings *s)
{
    if (s->train.warmup > s->train.steps)
        return brn_fail(BRN_ERR_USAGE, "train.warmup=%lld exceeds train.steps=%lld",
                        (long long)s->train.warmup, (long long)s->train.steps);
    if (s->train.pretrain_low >= s->train.pretrain_high)
        return brn_fail(BRN_ERR_USAGE, "train.pretrain_low=%g must be below train.pretrain_high=%g",
                        s->train.pretrain_low, s->train.pretrain_high);
    return BRN_OK;
}

static brn_status check_values(const brn_settings *s)
{
    for (int i = 0; i < BRN_FIELD_COUNT; ++i) BRN_TRY(brn_field_check(&brn_fields[i], s));
    return BRN_OK;
}

static brn_status check_complete(const brn_settings *s)
{
    for (int i = 0; i < BRN_FIELD_COUNT; ++i)
        if (brn_field_is_auto(&brn_fields[i], s))
            return brn_fail(BRN_ERR_INTERNAL, "%s: no rule chooses its value", brn_fields[i].key);
    return BRN_OK;
}

brn_status brn_settings_resolve(brn_settings *settings, int n)
{
    if (n < 1 || n > 65536) return brn_fail(BRN_ERR_USAGE, "dimension %d is outside [1, 65536]", n);
    brn_settings s = *settings;
    BRN_TRY(check_values(&s));
    BRN_TRY(fill_all(&s, n));
    BRN_TRY(check_complete(&s));
    BRN_TRY(check_data(&s, n));
    BRN_TRY(check_dual(&s));
    BRN_TRY(check_networks(&s, n));
    BRN_TRY(check_solver(&s.conjugate));
    BRN_TRY(check_training(&s));
    *settings = s;
    return BRN_OK;
}
