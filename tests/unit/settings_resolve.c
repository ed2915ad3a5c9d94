/* Presets, what the recipe resolves for a dimension, and contradictions between fields. */
#include "support/support.h"
#include "config/field.h"

#include <math.h>
#include <string.h>

static brn_settings preset(const char *name)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, name));
    return s;
}

static brn_settings resolved(const char *name, int n)
{
    brn_settings s = preset(name);
    MUST(brn_settings_resolve(&s, n));
    return s;
}

Test(presets, hd_paper_is_the_published_setting)
{
    brn_settings s = resolved("hd-paper", 64);
    cr_assert_eq(s.potential.hidden.count, 3);
    cr_assert(s.potential.hidden.width[0] == 128 && s.potential.hidden.width[1] == 128 &&
              s.potential.hidden.width[2] == 64);
    cr_assert_eq(memcmp(&s.potential.hidden, &s.amortizer.hidden, sizeof s.potential.hidden), 0);
    cr_assert(s.potential.kind == BRN_POTENTIAL_MLP && s.potential.activation == BRN_ACT_ELU &&
              s.potential.alpha == 1);
    cr_assert(s.potential.last_activation && s.amortizer.kind == BRN_AMORTIZER_RESIDUAL &&
              s.amortizer.activation == BRN_ACT_ELU);
    cr_assert(s.conjugate.solver == BRN_SOLVER_LBFGS && s.conjugate.line_search == BRN_SEARCH_ARMIJO);
    cr_assert(s.conjugate.gtol == .1 && s.conjugate.history == 10 && s.conjugate.max_iterations == 100);
    cr_assert(s.conjugate.min_iterations == 1 && s.conjugate.shrink == 1 / 1.5 && !s.conjugate.interpolate);
    cr_assert(!s.conjugate.running_scale && s.conjugate.max_evaluations == 10 &&
              s.conjugate.decrease == 1e-4);
    cr_assert(s.train.steps == 250000 && s.train.batch == 1024 && s.train.loss == BRN_LOSS_REGRESSION);
    const brn_optimizer_settings *o[] = {&s.train.potential, &s.train.amortizer};
    for (int i = 0; i < 2; ++i) {
        cr_assert(o[i]->kind == BRN_OPT_ADAMW && o[i]->lr == 5e-4 && o[i]->beta1 == .5 && o[i]->beta2 == .5);
        cr_assert(o[i]->weight_decay == 1e-4 && o[i]->epsilon == 1e-8);
    }
    cr_assert(s.train.schedule == BRN_SCHEDULE_COSINE && s.train.lr_final == 1e-4 && s.train.warmup == 0);
    cr_assert(s.train.averaging == 0 && s.train.start == BRN_START_PRETRAIN && s.train.pretrain_lr == 1e-3);
    cr_assert(s.train.pretrain_low == -5 && s.train.pretrain_high == 5 && s.train.pretrain_steps == 10000);
    cr_assert(s.train.pretrain_tolerance == 1e-6 && s.train.eval_every == 1000 && s.train.divergence == 1e5);
    cr_assert_eq(s.data.sampling, BRN_SAMPLING_IID);
    cr_assert(s.eval.points == 16384 && s.eval.sinkhorn_points == 512 && s.eval.gtol == 1e-3 &&
              s.eval.max_evaluations == 30);
}

Test(presets, the_2d_ones_differ_where_they_should)
{
    brn_settings s = resolved("2d-paper", 2);
    cr_assert(s.potential.hidden.count == 2 && s.potential.hidden.width[1] == 128);
    cr_assert(s.amortizer.hidden.count == 2 && s.amortizer.hidden.width[1] == 512);
    cr_assert(s.potential.activation == BRN_ACT_LEAKY_RELU && s.potential.slope == .2 &&
              s.amortizer.activation == BRN_ACT_LEAKY_RELU);
    cr_assert(s.train.batch == 10000 && s.train.steps == 50000 && s.train.pretrain_low == -10 &&
              s.train.pretrain_high == 10);
    cr_assert(s.train.potential.lr == 5e-4 && s.conjugate.gtol == .1 && s.conjugate.min_iterations == 1);
    s = resolved("2d", 2);
    cr_assert(s.train.batch == 512 && s.train.steps == 4000 && s.train.seek && s.train.roles == BRN_ROLES_EXCHANGED &&
              s.conjugate.gtol == 3e-4 && s.train.potential.kind == BRN_OPT_MUON);
}

/* What each of the solvers compared by Korotin et al. is, in the settings that tell them apart. */
Test(presets, prior_solvers_are_one_configuration_each)
{
    static const struct {
        const char *name;
        brn_dual dual;
        brn_loss loss;
        brn_potential_kind potential;
        brn_convexity convexity;
        brn_amortizer_kind amortizer;
        brn_roles roles;
        int inner, read_by; /* amortizer steps; iterations of the inverse map */
    } prior[] = {
        {"w2", BRN_DUAL_CONJUGATE, BRN_LOSS_CYCLE, BRN_POTENTIAL_ICNN, BRN_CONVEXITY_PROJECT, BRN_AMORTIZER_GRADIENT, BRN_ROLES_FORWARD, 1, 0},
        {"mm", BRN_DUAL_CONJUGATE, BRN_LOSS_OBJECTIVE, BRN_POTENTIAL_MLP, BRN_CONVEXITY_SOFTPLUS, BRN_AMORTIZER_RESIDUAL, BRN_ROLES_FORWARD, 15, 0},
        {"mm-r", BRN_DUAL_CONJUGATE, BRN_LOSS_OBJECTIVE, BRN_POTENTIAL_MLP, BRN_CONVEXITY_SOFTPLUS, BRN_AMORTIZER_RESIDUAL, BRN_ROLES_EXCHANGED, 15, 0},
        {"mm-b", BRN_DUAL_BATCH, BRN_LOSS_NONE, BRN_POTENTIAL_MLP, BRN_CONVEXITY_SOFTPLUS, BRN_AMORTIZER_NONE, BRN_ROLES_FORWARD, 1, 100},
        {"mmv1", BRN_DUAL_CONJUGATE, BRN_LOSS_NONE, BRN_POTENTIAL_ICNN, BRN_CONVEXITY_PROJECT, BRN_AMORTIZER_NONE, BRN_ROLES_FORWARD, 1, 1000},
        {"mmv2", BRN_DUAL_CONJUGATE, BRN_LOSS_OBJECTIVE, BRN_POTENTIAL_ICNN, BRN_CONVEXITY_PROJECT, BRN_AMORTIZER_GRADIENT, BRN_ROLES_FORWARD, 15, 0},
        {"qc", BRN_DUAL_ASSIGNMENT, BRN_LOSS_NONE, BRN_POTENTIAL_MLP, BRN_CONVEXITY_SOFTPLUS, BRN_AMORTIZER_NONE, BRN_ROLES_FORWARD, 1, 100},
        {"ls", BRN_DUAL_QUADRATIC, BRN_LOSS_NONE, BRN_POTENTIAL_MLP, BRN_CONVEXITY_SOFTPLUS, BRN_AMORTIZER_GRADIENT, BRN_ROLES_FORWARD, 1, 0},
    };
    for (size_t i = 0; i < sizeof prior / sizeof *prior; ++i) {
        brn_settings s = resolved(prior[i].name, 8);
        cr_expect(s.train.dual == prior[i].dual && s.train.loss == prior[i].loss && s.train.roles == prior[i].roles, "%s", prior[i].name);
        cr_expect(s.potential.kind == prior[i].potential && s.potential.convexity == prior[i].convexity, "%s", prior[i].name);
        cr_expect(s.amortizer.kind == prior[i].amortizer, "%s", prior[i].name);
        cr_expect(s.train.amortizer_steps == prior[i].inner && s.eval.max_iterations == prior[i].read_by, "%s", prior[i].name);
        cr_expect(s.potential.activation == BRN_ACT_CELU && s.train.potential.lr == 1e-3 && s.train.potential.beta2 == .999 &&
                      s.train.schedule == BRN_SCHEDULE_CONSTANT && s.train.potential.weight_decay == 0,
                  "%s", prior[i].name);
    }
}

static const struct {
    int n, width, steps, batch, history, refresh;
    brn_optimizer_kind kind;
    brn_activation activation;
    double gtol, lr, beta2;
} recipe[] = {
    {2, 128, 4000, 1024, 10, 10, BRN_OPT_MUON, BRN_ACT_ELU, .01, 1e-3, .99},
    {4, 128, 8000, 512, 10, 10, BRN_OPT_MUON, BRN_ACT_ELU, .01, 1e-3, .99},
    {8, 128, 32000, 256, 10, 10, BRN_OPT_SOAP, BRN_ACT_ELU, .01, 1e-2, .95},
    {16, 128, 32000, 256, 10, 10, BRN_OPT_SOAP, BRN_ACT_SILU, .01, 1e-2, .95},
    {32, 128, 32000, 256, 10, 10, BRN_OPT_SOAP, BRN_ACT_SILU, .02, 1e-2, .95},
    {64, 256, 12000, 256, 6, 20, BRN_OPT_SOAP, BRN_ACT_SILU, .05, 1e-2, .95},
    {256, 1024, 12000, 256, 6, 20, BRN_OPT_SOAP, BRN_ACT_SILU, .05, 5e-3, .95},
};

Test(presets, hd_follows_the_recipe)
{
    for (size_t i = 0; i < sizeof recipe / sizeof *recipe; ++i) {
        int n = recipe[i].n;
        brn_settings s = resolved("hd", n);
        cr_assert(s.potential.hidden.count == 3 && s.potential.hidden.width[0] == recipe[i].width &&
                      s.potential.hidden.width[2] == recipe[i].width / 2,
                  "n=%d", n);
        cr_assert(s.amortizer.hidden.width[0] == recipe[i].width / 2 && s.amortizer.activation == BRN_ACT_ELU,
                  "n=%d", n);
        cr_assert(s.potential.activation == recipe[i].activation && !s.potential.last_activation, "n=%d", n);
        cr_assert(s.conjugate.gtol == recipe[i].gtol && s.conjugate.history == recipe[i].history, "n=%d", n);
        cr_assert(s.conjugate.interpolate && s.conjugate.running_scale && s.conjugate.min_iterations == 0);
        cr_assert(s.train.steps == recipe[i].steps && s.train.batch == recipe[i].batch, "n=%d", n);
        cr_assert(s.train.eval_every == recipe[i].steps / 10 && s.train.cycle_weight == n, "n=%d", n);
        cr_assert(s.train.averaging == .999 && s.train.start == BRN_START_IDENTITY &&
                  s.train.lr_final == 1e-4);
        const brn_optimizer_settings *o[] = {&s.train.potential, &s.train.amortizer};
        for (int k = 0; k < 2; ++k) {
            cr_assert(o[k]->kind == recipe[i].kind && o[k]->lr == recipe[i].lr && o[k]->beta1 == .9, "n=%d",
                      n);
            cr_assert(o[k]->beta2 == recipe[i].beta2 && o[k]->refresh == recipe[i].refresh && o[k]->clip == (o[k]->kind == BRN_OPT_SOAP ? 2 : 0), "n=%d", n);
            cr_assert(o[k]->matrix_lr == 3e-2 && o[k]->momentum == .95 && o[k]->factor_beta == .95 &&
                      o[k]->weight_decay == 1e-4);
        }
        cr_assert_eq(s.data.n, n);
        cr_assert_eq(s.data.sampling, n <= 4 ? BRN_SAMPLING_LATTICE : BRN_SAMPLING_IID, "n=%d", n);
    }
}

Test(resolve, is_idempotent_and_leaves_nothing_automatic)
{
    const char *name;
    for (int i = 0; brn_settings_preset_describe(i, &name, NULL, NULL) == BRN_OK; ++i)
        for (int n = 1; n <= (strncmp(name, "images", 6) == 0 ? 100 : 300); n = n * 2 + n % 3) {
            const bool images = strncmp(name, "images", 6) == 0;
            brn_settings once = preset(name);
            for (int k = 0; k < BRN_FIELD_COUNT; ++k)
                if (brn_fields[k].automatic) MUST(brn_settings_set(&once, brn_fields[k].key, "auto"));
            MUST(brn_settings_resolve(&once, images ? 3 * n * n : n));
            for (int k = 0; k < BRN_FIELD_COUNT; ++k)
                cr_assert(!brn_field_is_auto(&brn_fields[k], &once), "%s", brn_fields[k].key);
            brn_settings twice = once;
            MUST(brn_settings_resolve(&twice, once.data.n));
            cr_assert_eq(memcmp(&once, &twice, sizeof once), 0);
        }
}

Test(resolve, given_values_stay)
{
    brn_settings s = preset("hd");
    MUST(brn_settings_assign(&s, 6,
                             (const char *const[]){"potential.hidden=10,20", "train.potential.kind=adamw",
                                                   "conjugate.gtol=0.3", "train.steps=100",
                                                   "data.sampling=iid", "train.potential.beta1=0"}));
    MUST(brn_settings_resolve(&s, 64));
    cr_assert(s.potential.hidden.count == 2 && s.potential.hidden.width[0] == 10 &&
              s.potential.hidden.width[1] == 20);
    cr_assert(s.train.potential.kind == BRN_OPT_ADAMW && s.train.amortizer.kind == BRN_OPT_SOAP &&
              s.conjugate.gtol == .3);
    cr_assert(s.train.steps == 100 && s.train.batch == 1024 && s.train.eval_every == 10 &&
              s.data.sampling == BRN_SAMPLING_IID);
    cr_assert_eq(s.train.potential.beta1, 0.0);
}

Test(resolve, own_rows_are_standardised_and_drawn_iid)
{
    brn_settings s = preset("hd");
    MUST(brn_settings_assign(&s, 2, (const char *const[]){"data.source=a.npy", "data.target=b.csv"}));
    MUST(brn_settings_resolve(&s, 2));
    cr_assert_eq(s.data.sampling, BRN_SAMPLING_IID);
    cr_assert_eq(s.data.standardize, BRN_STANDARDIZE_SCALE);
    cr_assert_eq(resolved("hd", 2).data.standardize, BRN_STANDARDIZE_NONE);
    cr_assert(s.train.steps == 12000 && resolved("hd", 2).train.steps == 4000); /* no lattice: more noise */
}

static const struct {
    const char *assignments[3], *part;
} contradictions[] = {
    {{"amortizer.kind=none"}, "train.loss=none"},
    {{"amortizer.kind=none", "train.loss=cycle"}, "train.loss=none"},
    {{"amortizer.kind=none", "train.loss=objective"}, "train.loss=none"},
    {{"train.loss=none"}, "amortizer.kind=none"},
    {{"train.dual=quadratic"}, "amortizer.kind=gradient"},
    {{"train.loss=none", "amortizer.kind=none", "eval.max_iterations=0"}, "prediction"},
    {{"train.dual=entropy", "amortizer.kind=gradient"}, "train.loss=none"},
    {{"train.dual=assignment"}, "amortizer.kind=none"},
    {{"train.loss=cycle", "train.amortizer_steps=2"}, "train.amortizer_steps=2"},
    {{"potential.kind=icnn", "potential.activation=silu"}, "not convex"},
    {{"potential.kind=icnn", "potential.activation=elu", "potential.alpha=2"}, "not convex"},
    {{"conjugate.min_iterations=200"}, "max_iterations=100"},
    {{"conjugate.line_search=wolfe", "conjugate.curvature=1e-5"}, "conjugate.curvature"},
    {{"train.steps=10", "train.warmup=11"}, "train.warmup=11"},
    {{"train.pretrain_low=5"}, "pretrain_low"},
    {{"data.n=3"}, "data.n=3"},
    {{"data.source=a.npy"}, "data.target is missing"},
    {{"data.target=a.npy"}, "data.source is missing"},
    {{"data.source=a", "data.target=b", "data.pair=c"}, "choose one"},
    {{"data.source=a", "data.target=b", "data.sampling=lattice"}, "iid"},
};

Test(resolve, contradictions_are_named_and_change_nothing)
{
    for (size_t i = 0; i < sizeof contradictions / sizeof *contradictions; ++i) {
        int count = 0;
        while (count < 3 && contradictions[i].assignments[count]) ++count;
        brn_settings s = preset("hd");
        MUST(brn_settings_assign(&s, count, contradictions[i].assignments));
        brn_settings before = s;
        MUST_FAIL(brn_settings_resolve(&s, 16), BRN_ERR_USAGE, contradictions[i].part);
        cr_assert_eq(memcmp(&s, &before, sizeof s), 0);
    }
}

Test(resolve, allowed_combinations_pass)
{
    static const char *const allowed[][2] = {{"amortizer.kind=none", "train.loss=none"},
                                             {"amortizer.kind=gradient", "potential.kind=mlp"},
                                             {"potential.kind=icnn", "train.loss=cycle"},
                                             {"conjugate.line_search=wolfe", "conjugate.solver=adam"}};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; ++i) {
        brn_settings s = preset("hd");
        MUST(brn_settings_assign(&s, 2, allowed[i]));
        MUST(brn_settings_resolve(&s, 64));
    }
}

/* What a C program wrote into the structure is checked like text. */
Test(resolve, checks_values_written_directly)
{
    brn_settings s = preset("hd");
    s.train.averaging = 1.5;
    MUST_FAIL(brn_settings_resolve(&s, 16), BRN_ERR_USAGE, "train.averaging");
    s = preset("hd");
    s.conjugate.gtol = NAN;
    MUST_FAIL(brn_settings_resolve(&s, 16), BRN_ERR_USAGE, "conjugate.gtol");
    s = preset("hd");
    s.potential.widen = NAN;
    MUST_FAIL(brn_settings_resolve(&s, 16), BRN_ERR_USAGE, "potential.widen");
    s = preset("hd");
    s.train.loss = (brn_loss)17;
    MUST_FAIL(brn_settings_resolve(&s, 16), BRN_ERR_USAGE, "train.loss: holds 17");
    s = preset("hd");
    s.potential.hidden.count = 99;
    MUST_FAIL(brn_settings_resolve(&s, 16), BRN_ERR_USAGE, "99 widths");
    s = preset("hd");
    memset(s.out, 'x', sizeof s.out);
    MUST_FAIL(brn_settings_resolve(&s, 16), BRN_ERR_USAGE, "no end");
    s = preset("hd");
    MUST_FAIL(brn_settings_resolve(&s, 0), BRN_ERR_USAGE, "dimension 0");
    MUST_FAIL(brn_settings_resolve(&s, 65536), BRN_ERR_USAGE, "automatic widths");
}
