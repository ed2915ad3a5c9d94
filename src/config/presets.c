/* Named settings, as data: each preset is a short stack of "key=value" lists, later ones on top. */
#include "config/config.h"

#include <string.h>

typedef const char *const preset_list[];

/* One subject a line: */
/* clang-format off */

/* What all presets agree on. */
static preset_list common = {
    "seed=0", "device=host", "threads=0",
    "data.n=auto", "data.standardize=auto", "data.pictures=darkness", "data.image_size=0",
    "potential.kind=mlp", "potential.hidden=auto", "potential.slope=0.2", "potential.alpha=1",
    "potential.actnorm=true", "potential.convexity=softplus",
    "amortizer.kind=residual", "amortizer.hidden=auto", "amortizer.activation=elu", "amortizer.slope=0.2",
    "amortizer.alpha=1", "amortizer.convexity=softplus",
    "conjugate.solver=lbfgs", "conjugate.max_iterations=100", "conjugate.line_search=armijo",
    "conjugate.decrease=1e-4", "conjugate.curvature=0.9", "conjugate.shrink=0.6666666666666666",
    "conjugate.max_evaluations=10", "conjugate.lr=0.1", "conjugate.lr_final=1e-4", "conjugate.beta1=0.9",
    "conjugate.beta2=0.999",
    "train.dual=conjugate", "train.regularization=0.03", "train.roles=forward",
    "train.loss=regression", "train.cycle_weight=auto", "train.amortizer_steps=1", "train.convexity_penalty=1",
    "train.schedule=cosine", "train.lr_final=1e-4",
    "train.warmup=0",
    "train.seek=false", "train.pretrain_steps=10000", "train.pretrain_lr=1e-3", "train.pretrain_tolerance=1e-6",
    "train.pretrain_low=-5", "train.pretrain_high=5",
    "train.patience=0", "train.divergence=1e5", "train.guard=true",
    "train.potential.epsilon=1e-8", "train.potential.momentum=0.95", "train.potential.factor_beta=0.95",
    "train.potential.matrix_lr=auto", "train.potential.refresh=auto", "train.potential.weight_decay=1e-4",
    "train.amortizer.epsilon=1e-8", "train.amortizer.momentum=0.95", "train.amortizer.factor_beta=0.95",
    "train.amortizer.matrix_lr=auto", "train.amortizer.refresh=auto", "train.amortizer.weight_decay=1e-4",
    "eval.points=16384", "eval.sinkhorn_points=512", "eval.gtol=1e-3", "eval.max_evaluations=30", "eval.max_iterations=auto",
    "eval.seed=1",
    "eval.log_det.exact_up_to=256", "eval.log_det.probes=16", "eval.log_det.steps=24", "eval.log_det.seed=1",
    NULL};

/* The published settings of the high-dimensional benchmark (Amos 2023). */
static preset_list published = {
    "data.sampling=iid",
    "potential.widen=1", "potential.activation=elu", "potential.last_activation=true",
    "conjugate.gtol=0.1", "conjugate.min_iterations=1", "conjugate.history=10", "conjugate.interpolate=false",
    "conjugate.running_scale=false",
    "train.steps=250000", "train.batch=1024", "train.averaging=0", "train.start=pretrain", "train.eval_every=1000",
    "train.potential.kind=adamw", "train.potential.lr=5e-4", "train.potential.clip=0", "train.potential.beta1=0.5", "train.potential.beta2=0.5",
    "train.amortizer.kind=adamw", "train.amortizer.lr=5e-4", "train.amortizer.clip=0", "train.amortizer.beta1=0.5", "train.amortizer.beta2=0.5",
    NULL};

/* Where the published settings of the 2-D pairs differ from those. */
static preset_list published_2d = {
    "potential.hidden=128,128", "potential.activation=leaky_relu",
    "amortizer.hidden=512,512", "amortizer.activation=leaky_relu",
    "train.steps=50000", "train.batch=10000", "train.pretrain_low=-10", "train.pretrain_high=10",
    NULL};

/* ... and of the images: f is convolutional, and H the gradient of a second such potential. */
static preset_list published_images = {
    "potential.kind=conv", "amortizer.kind=gradient",
    "train.steps=50000", "train.batch=64", "train.cycle_weight=10000", "train.pretrain_low=-1", "train.pretrain_high=1", "train.pretrain_lr=1e-4",
    "train.potential.lr=1e-4", "train.amortizer.lr=1e-4", "eval.points=4096",
    NULL};

/* What the solvers have in common that Korotin et al. (NeurIPS 2021) compared, where it differs from the published settings:
 * celu networks without normalisation, Adam at a constant rate. */
static preset_list compared = {
    "potential.activation=celu", "potential.last_activation=false", "potential.actnorm=false", "amortizer.activation=celu",
    "train.schedule=constant", "train.pretrain_steps=5000",
    "train.potential.lr=1e-3", "train.potential.beta1=0.9", "train.potential.beta2=0.999", "train.potential.weight_decay=0",
    "train.amortizer.lr=1e-3", "train.amortizer.beta1=0.9", "train.amortizer.beta2=0.999", "train.amortizer.weight_decay=0",
    NULL};

/* Two input-convex potentials, projected; the inverse map is the second one's gradient. */
static preset_list convex_pair = {
    "potential.kind=icnn", "potential.convexity=project", "amortizer.kind=gradient", "amortizer.convexity=project",
    "eval.max_iterations=0",
    NULL};

static preset_list w2 = {"train.loss=cycle", NULL};
static preset_list maximin = {"train.loss=objective", "train.amortizer_steps=15", "train.steps=50000", "eval.max_iterations=0", NULL};
static preset_list exchanged = {"train.roles=exchanged", NULL};
static preset_list mm_b = {"amortizer.kind=none", "train.loss=none", "train.dual=batch", "train.steps=100000", NULL};
static preset_list mmv1 = {
    "potential.kind=icnn", "potential.convexity=project", "amortizer.kind=none", "train.loss=none", "train.steps=20000",
    "conjugate.solver=adam", "conjugate.lr=0.1", "conjugate.lr_final=1", "conjugate.gtol=1e-3", "conjugate.max_iterations=1000",
    "conjugate.min_iterations=0",
    NULL};
static preset_list qc = {
    "amortizer.kind=none", "train.loss=none", "train.dual=assignment", "train.regularization=0.4", "train.batch=64", "train.steps=100000",
    NULL};
static preset_list ls = {
    "amortizer.kind=gradient", "train.loss=none", "train.dual=quadratic", "train.regularization=0.03", "train.steps=100000",
    "eval.max_iterations=0",
    NULL};

/* The recipe; what depends on the dimension is chosen in resolve.c. */
static preset_list recipe = {
    "data.sampling=auto",
    "potential.widen=2", "potential.activation=auto", "potential.last_activation=false",
    "conjugate.gtol=auto", "conjugate.min_iterations=0", "conjugate.history=auto", "conjugate.interpolate=true",
    "conjugate.running_scale=true",
    "train.steps=auto", "train.batch=auto", "train.averaging=0.999", "train.start=identity", "train.eval_every=auto",
    "train.potential.kind=auto", "train.potential.lr=auto", "train.potential.beta1=auto", "train.potential.beta2=auto",
    "train.potential.clip=auto",
    "train.amortizer.kind=auto", "train.amortizer.lr=auto", "train.amortizer.beta1=auto", "train.amortizer.beta2=auto",
    "train.amortizer.clip=auto",
    NULL};

/* Many pairs of the plane have maps that jump, or that spread a thin curve. A solve may do both, a gradient neither: so the
 * potential lives on the target, each solve is shown the batch to start from, and ends within the thickness of such a curve. */
static preset_list recipe_2d = {
    "train.roles=exchanged", "train.seek=true", "conjugate.gtol=3e-4", "train.steps=4000", "train.batch=512",
    "train.potential.matrix_lr=1e-2", "train.amortizer.matrix_lr=1e-2", NULL};

/* A quarter of the published channels: a sixteenth of the work, for a machine without a GPU. */
static preset_list recipe_images = {
    "potential.kind=conv", "potential.widen=0.25", "amortizer.kind=gradient", "conjugate.gtol=0.05",
    "train.steps=2000", "train.batch=64",
    "train.potential.kind=adamw", "train.potential.lr=2e-4", "train.amortizer.kind=adamw", "train.amortizer.lr=2e-4", "eval.points=1024",
    NULL};

/* clang-format on */

#define AMOS    "B. Amos, ICLR 2023"
#define KOROTIN "as in A. Korotin et al., NeurIPS 2021"

enum { LAYERS = 5 };
static const struct {
    const char *name, *meaning, *source;
    const char *const *layers[LAYERS];
} presets[] = {
    {"hd", "recommended, any dimension", "", {common, recipe}},
    {"hd-paper", "regression and L-BFGS, settings of the high-dimensional benchmark", AMOS, {common, published}},
    {"2d", "recommended for the plane, short", "", {common, recipe, recipe_2d}},
    {"2d-paper", "regression and L-BFGS, settings of the 2-D pairs", AMOS, {common, published, published_2d}},
    {"images", "recommended for images, a quarter of the published channels", "", {common, recipe, recipe_images}},
    {"images-paper", "regression and L-BFGS, settings of the 64 x 64 images", AMOS, {common, published, published_images}},
    {"w2", "cycle loss, two ICNNs", "A. Korotin et al., ICLR 2021; " KOROTIN, {common, published, compared, convex_pair, w2}},
    {"mm", "objective without fine-tuning, MLPs, 15 steps of H for each of f", KOROTIN, {common, published, compared, maximin}},
    {"mm-r", "mm with the roles of the measures exchanged", KOROTIN, {common, published, compared, maximin, exchanged}},
    {"mm-b", "conjugate over the batch, MLP", KOROTIN, {common, published, compared, mm_b}},
    {"mmv1", "no amortization, ICNN, conjugates by Adam", "A. Taghvaei, A. Jalali, 2019; " KOROTIN, {common, published, compared, mmv1}},
    {"mmv2", "mm with two ICNNs", "A. Makkuva et al., ICML 2020; " KOROTIN, {common, published, compared, convex_pair, maximin}},
    {"qc", "regression on the batch's optimal assignment, MLP", "H. Liu et al., ICCV 2019; " KOROTIN, {common, published, compared, qc}},
    {"ls", "two potentials, quadratic penalty, MLPs", "V. Seguy et al., ICLR 2018; " KOROTIN, {common, published, compared, ls}},
};
enum { PRESET_COUNT = sizeof presets / sizeof presets[0] };

static brn_status apply(brn_settings *settings, const char *assignment)
{
    char key[BRN_NAME_MAX] = {0};
    const char *equals = strchr(assignment, '=');
    memcpy(key, assignment, (size_t)(equals - assignment));
    const brn_field *field;
    BRN_TRY(brn_config_find(key, &field));
    return brn_field_set(field, settings, equals + 1);
}

static int find_preset(const char *name)
{
    int nearest = 0;
    for (int i = 0; i < PRESET_COUNT; ++i) {
        if (strcmp(presets[i].name, name) == 0) return i;
        if (brn_name_distance(name, presets[i].name) < brn_name_distance(name, presets[nearest].name))
            nearest = i;
    }
    brn_fail(BRN_ERR_USAGE, "unknown preset \"%.80s\"; did you mean \"%s\"?", name, presets[nearest].name);
    return -1;
}

brn_status brn_settings_preset(brn_settings *settings, const char *name)
{
    int found = find_preset(name);
    if (found < 0) return BRN_ERR_USAGE;
    brn_settings made;
    memset(&made, 0, sizeof made); /* the gaps between fields too: equal settings are equal bytes */
    strcpy(made.preset, presets[found].name);
    for (int layer = 0; layer < LAYERS; ++layer)
        for (const char *const *line = presets[found].layers[layer]; line && *line; ++line)
            BRN_TRY(apply(&made, *line));
    memcpy(settings, &made, sizeof made);
    return BRN_OK;
}

int brn_settings_preset_count(void) { return PRESET_COUNT; }

brn_status brn_settings_preset_describe(int i, const char **name, const char **meaning, const char **source)
{
    if (i < 0 || i >= PRESET_COUNT) return brn_fail(BRN_ERR_USAGE, "there are %d presets, number %d was asked for", PRESET_COUNT, i);
    if (name) *name = presets[i].name;
    if (meaning) *meaning = presets[i].meaning;
    if (source) *source = presets[i].source;
    return BRN_OK;
}
