/* Settings: the table of fields, presets, and what the recipe resolves. */
#include "support/support.h"
#include "config/field.h"
#include "config/number.h"

#include <locale.h>
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

static const char *const preset_names[] = {"hd", "hd-paper", "2d", "2d-paper"};

/* ---- fields ------------------------------------------------------------------------------------ */

Test(settings, every_field_is_described_and_named_once)
{
    cr_assert_gt(brn_settings_count(), 80);
    for (int i = 0; i < brn_settings_count(); ++i) {
        const char *key, *values, *meaning;
        MUST(brn_settings_describe(i, &key, &values, &meaning));
        cr_assert(values[0] && meaning[0], "%s", key);
        for (int j = 0; j < i; ++j) cr_assert_str_neq(key, brn_fields[j].key);
        cr_assert_eq(brn_field_find(key), &brn_fields[i]);
    }
    MUST_FAIL(brn_settings_describe(-1, NULL, NULL, NULL), BRN_ERR_USAGE, "asked");
    MUST_FAIL(brn_settings_describe(brn_settings_count(), NULL, NULL, NULL), BRN_ERR_USAGE, "asked");
}

/* Values that each kind of field must take, and the text that comes back. */
static const struct {
    brn_field_type type;
    const char *set, *get;
} samples[] = {
    {BRN_FIELD_BOOL, "on", "true"},      {BRN_FIELD_BOOL, "No", "false"},    {BRN_FIELD_BOOL, "yes", "true"},
    {BRN_FIELD_BOOL, "off", "false"},    {BRN_FIELD_BOOL, "true", "true"},   {BRN_FIELD_BOOL, "false", "false"},
    {BRN_FIELD_INT, "7", "7"},           {BRN_FIELD_INT, "1e1", "10"},       {BRN_FIELD_INT64, "25e1", "250"},
    {BRN_FIELD_INT64, "1000000000000", "1000000000000"},                     {BRN_FIELD_DOUBLE, ".125", "0.125"},
    {BRN_FIELD_DOUBLE, "0.30000000000000004", "0.30000000000000004"},        {BRN_FIELD_DOUBLE, "5e-1", "0.5"},
    {BRN_FIELD_U64, "18446744073709551615", "18446744073709551615"},         {BRN_FIELD_TEXT, "a \"b\"\\ é=1", "a \"b\"\\ é=1"},
    {BRN_FIELD_WIDTHS, "64, 64,32", "64,64,32"},                             {BRN_FIELD_WIDTHS, "1,2,3,4,5,6,7,8", "1,2,3,4,5,6,7,8"},
};

Test(settings, every_field_goes_from_text_to_text)
{
    brn_settings s = preset("hd");
    char text[BRN_PATH_MAX];
    for (int i = 0; i < BRN_FIELD_COUNT; ++i) {
        const brn_field *field = &brn_fields[i];
        int taken = 0;
        for (size_t k = 0; k < sizeof samples / sizeof *samples; ++k) {
            if (samples[k].type != field->type || strcmp(field->key, "preset") == 0) continue;
            MUST(brn_settings_set(&s, field->key, samples[k].set));
            MUST(brn_settings_get(&s, field->key, text, sizeof text));
            cr_assert_str_eq(text, samples[k].get, "%s: %s", field->key, text);
            ++taken;
        }
        cr_assert(taken || field->type == BRN_FIELD_CHOICE || i == 0, "%s", field->key);
    }
}

Test(settings, every_choice_is_read_and_printed)
{
    for (int i = 0; i < BRN_FIELD_COUNT; ++i) {
        if (brn_fields[i].type != BRN_FIELD_CHOICE) continue;
        char names[256], text[64], *rest = names;
        brn_settings s = preset("hd");
        strcpy(names, brn_fields[i].limits);
        for (const char *name; (name = strsep(&rest, "|"));) {
            MUST(brn_settings_set(&s, brn_fields[i].key, name));
            MUST(brn_settings_get(&s, brn_fields[i].key, text, sizeof text));
            cr_assert_str_eq(text, name);
        }
    }
}

/* The names in the table stand in the order of the enumerations of the header. */
Test(settings, names_mean_their_constants)
{
    brn_settings s = preset("hd");
#define MEANS(member, text, constant)                                                                        \
    MUST(brn_settings_set(&s, #member, text));                                                               \
    cr_assert_eq((int)s.member, (int)(constant), "%s=%s", #member, text)
    MEANS(data.standardize, "none", BRN_STANDARDIZE_NONE);
    MEANS(data.standardize, "scale", BRN_STANDARDIZE_SCALE);
    MEANS(data.sampling, "iid", BRN_SAMPLING_IID);
    MEANS(data.sampling, "antithetic", BRN_SAMPLING_ANTITHETIC);
    MEANS(data.sampling, "lattice", BRN_SAMPLING_LATTICE);
    MEANS(potential.kind, "mlp", BRN_POTENTIAL_MLP);
    MEANS(potential.kind, "icnn", BRN_POTENTIAL_ICNN);
    MEANS(potential.activation, "none", BRN_ACT_NONE);
    MEANS(potential.activation, "relu", BRN_ACT_RELU);
    MEANS(potential.activation, "leaky_relu", BRN_ACT_LEAKY_RELU);
    MEANS(potential.activation, "elu", BRN_ACT_ELU);
    MEANS(potential.activation, "selu", BRN_ACT_SELU);
    MEANS(potential.activation, "celu", BRN_ACT_CELU);
    MEANS(potential.activation, "softplus", BRN_ACT_SOFTPLUS);
    MEANS(potential.activation, "silu", BRN_ACT_SILU);
    MEANS(amortizer.activation, "silu", BRN_ACT_SILU);
    MEANS(amortizer.kind, "none", BRN_AMORTIZER_NONE);
    MEANS(amortizer.kind, "residual", BRN_AMORTIZER_RESIDUAL);
    MEANS(amortizer.kind, "gradient", BRN_AMORTIZER_GRADIENT);
    MEANS(conjugate.solver, "lbfgs", BRN_SOLVER_LBFGS);
    MEANS(conjugate.solver, "adam", BRN_SOLVER_ADAM);
    MEANS(conjugate.line_search, "armijo", BRN_SEARCH_ARMIJO);
    MEANS(conjugate.line_search, "wolfe", BRN_SEARCH_WOLFE);
    MEANS(train.loss, "none", BRN_LOSS_NONE);
    MEANS(train.loss, "objective", BRN_LOSS_OBJECTIVE);
    MEANS(train.loss, "objective_finetune", BRN_LOSS_OBJECTIVE_FINETUNE);
    MEANS(train.loss, "regression", BRN_LOSS_REGRESSION);
    MEANS(train.loss, "cycle", BRN_LOSS_CYCLE);
    MEANS(train.loss, "cycle_finetune", BRN_LOSS_CYCLE_FINETUNE);
    MEANS(train.schedule, "cosine", BRN_SCHEDULE_COSINE);
    MEANS(train.schedule, "constant", BRN_SCHEDULE_CONSTANT);
    MEANS(train.start, "identity", BRN_START_IDENTITY);
    MEANS(train.start, "pretrain", BRN_START_PRETRAIN);
    MEANS(train.start, "random", BRN_START_RANDOM);
    MEANS(train.potential.kind, "adamw", BRN_OPT_ADAMW);
    MEANS(train.potential.kind, "muon", BRN_OPT_MUON);
    MEANS(train.amortizer.kind, "soap", BRN_OPT_SOAP);
    MEANS(train.amortizer.kind, "auto", BRN_OPT_AUTO);
#undef MEANS
}

Test(settings, auto_is_a_value_where_the_header_says_so)
{
    brn_settings s = preset("hd-paper");
    char text[BRN_PATH_MAX];
    int automatic = 0;
    for (int i = 0; i < BRN_FIELD_COUNT; ++i) {
        const brn_field *field = &brn_fields[i];
        if (field->type == BRN_FIELD_TEXT) continue;
        if (!field->automatic) {
            MUST_FAIL(brn_settings_set(&s, field->key, "auto"), BRN_ERR_USAGE, field->key);
            continue;
        }
        ++automatic;
        MUST(brn_settings_set(&s, field->key, "auto"));
        MUST(brn_settings_get(&s, field->key, text, sizeof text));
        cr_assert_str_eq(text, "auto", "%s: %s", field->key, text);
    }
    cr_assert_eq(automatic, 27);
    cr_assert_eq(s.train.steps, 0);
    cr_assert_eq(s.train.potential.lr, 0.0);
    cr_assert_lt(s.train.potential.beta1, 0.0); /* 0 is a proper beta and a proper decay */
    cr_assert_lt(s.train.potential.weight_decay, 0.0);
    cr_assert_eq(s.potential.hidden.count, 0);
    cr_assert_eq(s.potential.activation, BRN_ACT_AUTO);
}

static const struct {
    const char *key, *value, *part;
} refused[] = {
    {"train.steps", "0", "train.steps: expected integer in [1, 1e12] or auto, found \"0\""},
    {"train.steps", "-5", "[1, 1e12]"},
    {"train.steps", "10 ", "found \"10 \""},
    {"train.steps", " 10", "found \" 10\""},
    {"train.steps", "1.5", "integer"},
    {"train.steps", "99999999999999999999", "integer"},
    {"train.steps", "1e13", "integer"},
    {"train.steps", "", "integer"},
    {"train.batch", "4294967297", "integer"},
    {"threads", "0x10", "integer"},
    {"seed", "-1", "integer"},
    {"seed", "18446744073709551616", "integer"},
    {"train.averaging", "1", "[0, 1)"},
    {"train.averaging", "0,5", "number"},
    {"conjugate.gtol", "0", "(0, 1e6]"},
    {"conjugate.gtol", "-1", "(0, 1e6]"},
    {"conjugate.gtol", "nan", "number"},
    {"conjugate.gtol", "inf", "number"},
    {"conjugate.gtol", "1e400", "number"},
    {"conjugate.gtol", "1e-2x", "number"},
    {"train.potential.beta1", "-0.1", "[0, 1)"},
    {"train.loss", "regress", "regression"},
    {"train.loss", "regression|cycle", "found"},
    {"train.loss", "", "found"},
    {"conjugate.interpolate", "1", "true|false"},
    {"potential.hidden", "", "64,64,32"},
    {"potential.hidden", "64,,32", "64,64,32"},
    {"potential.hidden", "64,", "64,64,32"},
    {"potential.hidden", "64,0", "64,64,32"},
    {"potential.hidden", "64,70000", "64,64,32"},
    {"potential.hidden", "1,2,3,4,5,6,7,8,9", "up to 8"},
    {"potential.hidden", "[64]", "64,64,32"},
    {"out", "a\nb", "printable"},
    {"out", "a\xff", "byte 1 (0xff)"},
    {"out", "\xc0\xaf", "printable"},
    {"out", "\xed\xa0\x80", "printable"},
    {"preset", "hd-papers", "did you mean \"hd-paper\""},
    {"traim.steps", "1", "did you mean \"train.steps\""},
};

Test(settings, wrong_values_change_nothing)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i) {
        brn_settings s = preset("hd"), before = preset("hd");
        MUST_FAIL(brn_settings_set(&s, refused[i].key, refused[i].value), BRN_ERR_USAGE, refused[i].part);
        cr_assert_eq(memcmp(&s, &before, sizeof s), 0, "%s=%s", refused[i].key, refused[i].value);
    }
    char longest[BRN_PATH_MAX + 1] = {0};
    brn_settings s = preset("hd");
    memset(longest, 'x', BRN_PATH_MAX);
    MUST_FAIL(brn_settings_set(&s, "out", longest), BRN_ERR_USAGE, "at most 1023 bytes");
    longest[BRN_PATH_MAX - 1] = '\0';
    MUST(brn_settings_set(&s, "out", longest));
    MUST_FAIL(brn_settings_set(&s, "device", longest), BRN_ERR_USAGE, "at most 63 bytes");
    MUST_FAIL(brn_settings_get(&s, "out", longest, 5), BRN_ERR_USAGE, "1024 bytes");
}

Test(settings, the_nearest_name_is_offered)
{
    static const char *const pairs[][2] = {
        {"batch", "train.batch"},          {"train.lr", "train.potential.lr"}, {"potential.lr", "train.potential.lr"},
        {"trian.steps", "train.steps"},    {"conjugate.gtl", "conjugate.gtol"}, {"steps", "train.steps"},
        {"Seed", "seed"},                  {"data.sorce", "data.source"},      {"eval.point", "eval.points"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i)
        cr_assert_str_eq(brn_field_nearest(pairs[i][0]), pairs[i][1], "%s: %s", pairs[i][0], brn_field_nearest(pairs[i][0]));
    cr_assert_eq(brn_name_distance("steps", "setps"), 1);
    cr_assert_eq(brn_name_distance("kitten", "sitting"), 3);
    cr_assert_eq(brn_name_distance("", "abc"), 3);
    char endless[4096];
    memset(endless, 'a', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    brn_settings s = preset("hd");
    MUST_FAIL(brn_settings_set(&s, endless, "1"), BRN_ERR_USAGE, "did you mean");
}

Test(settings, assignments_apply_the_preset_first_and_all_or_none)
{
    brn_settings s = preset("2d"), before = s;
    MUST(brn_settings_assign(&s, 4, (const char *const[]){"train.steps=5", "data.pair=a=b", "preset=hd-paper", "train.steps=7"}));
    cr_assert_str_eq(s.preset, "hd-paper");
    cr_assert_str_eq(s.data.pair, "a=b");
    cr_assert_eq(s.train.steps, 7);
    s = before;
    MUST_FAIL(brn_settings_assign(&s, 2, (const char *const[]){"train.steps=5", "train.batch=x"}), BRN_ERR_USAGE, "train.batch");
    MUST_FAIL(brn_settings_assign(&s, 2, (const char *const[]){"train.steps=5", "train.batch"}), BRN_ERR_USAGE, "key=value");
    cr_assert_eq(memcmp(&s, &before, sizeof s), 0);
}

Test(settings, numbers_do_not_depend_on_the_locale)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) cr_log_info("no German locale here: checked under \"C\" only");
    char text[32];
    double value;
    brn_print_double(0.1, text);
    cr_assert_str_eq(text, "0.1");
    cr_assert(brn_parse_double("2.5e-3", &value) && value == 2.5e-3);
    for (double x = 1.0 / 3; x < 1e300; x *= -7e11) {
        brn_print_double(x, text);
        cr_assert(brn_parse_double(text, &value) && value == x, "%s", text);
    }
}

/* ---- presets and resolving --------------------------------------------------------------------- */

Test(presets, hd_paper_is_the_published_setting)
{
    brn_settings s = resolved("hd-paper", 64);
    cr_assert_eq(s.potential.hidden.count, 3);
    cr_assert(s.potential.hidden.width[0] == 128 && s.potential.hidden.width[1] == 128 && s.potential.hidden.width[2] == 64);
    cr_assert_eq(memcmp(&s.potential.hidden, &s.amortizer.hidden, sizeof s.potential.hidden), 0);
    cr_assert(s.potential.kind == BRN_POTENTIAL_MLP && s.potential.activation == BRN_ACT_ELU && s.potential.alpha == 1);
    cr_assert(s.potential.last_activation && s.amortizer.kind == BRN_AMORTIZER_RESIDUAL && s.amortizer.activation == BRN_ACT_ELU);
    cr_assert(s.conjugate.solver == BRN_SOLVER_LBFGS && s.conjugate.line_search == BRN_SEARCH_ARMIJO);
    cr_assert(s.conjugate.gtol == .1 && s.conjugate.history == 10 && s.conjugate.max_iterations == 100);
    cr_assert(s.conjugate.min_iterations == 1 && s.conjugate.shrink == 1 / 1.5 && !s.conjugate.interpolate);
    cr_assert(!s.conjugate.running_scale && s.conjugate.max_evaluations == 10 && s.conjugate.decrease == 1e-4);
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
    cr_assert(s.eval.points == 16384 && s.eval.sinkhorn_points == 512 && s.eval.gtol == 1e-3 && s.eval.max_evaluations == 30);
}

Test(presets, the_2d_ones_differ_where_they_should)
{
    brn_settings s = resolved("2d-paper", 2);
    cr_assert(s.potential.hidden.count == 2 && s.potential.hidden.width[1] == 128);
    cr_assert(s.amortizer.hidden.count == 2 && s.amortizer.hidden.width[1] == 512);
    cr_assert(s.potential.activation == BRN_ACT_LEAKY_RELU && s.potential.slope == .2 && s.amortizer.activation == BRN_ACT_LEAKY_RELU);
    cr_assert(s.train.batch == 10000 && s.train.steps == 50000 && s.train.pretrain_low == -10 && s.train.pretrain_high == 10);
    cr_assert(s.train.potential.lr == 5e-4 && s.conjugate.gtol == .1 && s.conjugate.min_iterations == 1);
    s = resolved("2d", 2);
    cr_assert(s.train.batch == 512 && s.train.steps == 4000 && s.conjugate.gtol == .01 && s.train.potential.kind == BRN_OPT_MUON);
}

static const struct {
    int n, width, steps, batch, history, refresh;
    brn_optimizer_kind kind;
    brn_activation activation;
    double gtol, lr, beta2;
} recipe[] = {
    {2, 128, 4000, 1024, 10, 10, BRN_OPT_MUON, BRN_ACT_ELU, .01, 1e-3, .99},
    {4, 128, 8000, 512, 10, 10, BRN_OPT_MUON, BRN_ACT_ELU, .01, 1e-3, .99},
    {8, 128, 12000, 256, 10, 10, BRN_OPT_SOAP, BRN_ACT_ELU, .01, 1e-2, .95},
    {16, 128, 12000, 256, 10, 10, BRN_OPT_SOAP, BRN_ACT_SILU, .01, 1e-2, .95},
    {32, 128, 12000, 256, 10, 10, BRN_OPT_SOAP, BRN_ACT_SILU, .02, 1e-2, .95},
    {64, 256, 12000, 256, 6, 20, BRN_OPT_SOAP, BRN_ACT_SILU, .05, 1e-2, .95},
    {256, 1024, 12000, 256, 6, 20, BRN_OPT_SOAP, BRN_ACT_SILU, .05, 1e-2, .95},
};

Test(presets, hd_follows_the_recipe)
{
    for (size_t i = 0; i < sizeof recipe / sizeof *recipe; ++i) {
        int n = recipe[i].n;
        brn_settings s = resolved("hd", n);
        cr_assert(s.potential.hidden.count == 3 && s.potential.hidden.width[0] == recipe[i].width &&
                  s.potential.hidden.width[2] == recipe[i].width / 2, "n=%d", n);
        cr_assert(s.amortizer.hidden.width[0] == recipe[i].width / 2 && s.amortizer.activation == BRN_ACT_ELU, "n=%d", n);
        cr_assert(s.potential.activation == recipe[i].activation && !s.potential.last_activation, "n=%d", n);
        cr_assert(s.conjugate.gtol == recipe[i].gtol && s.conjugate.history == recipe[i].history, "n=%d", n);
        cr_assert(s.conjugate.interpolate && s.conjugate.running_scale && s.conjugate.min_iterations == 0);
        cr_assert(s.train.steps == recipe[i].steps && s.train.batch == recipe[i].batch, "n=%d", n);
        cr_assert(s.train.eval_every == recipe[i].steps / 10 && s.train.cycle_weight == n, "n=%d", n);
        cr_assert(s.train.averaging == .999 && s.train.start == BRN_START_IDENTITY && s.train.lr_final == 1e-4);
        const brn_optimizer_settings *o[] = {&s.train.potential, &s.train.amortizer};
        for (int k = 0; k < 2; ++k) {
            cr_assert(o[k]->kind == recipe[i].kind && o[k]->lr == recipe[i].lr && o[k]->beta1 == .9, "n=%d", n);
            cr_assert(o[k]->beta2 == recipe[i].beta2 && o[k]->refresh == recipe[i].refresh, "n=%d", n);
            cr_assert(o[k]->matrix_lr == 3e-2 && o[k]->momentum == .95 && o[k]->factor_beta == .95 && o[k]->weight_decay == 1e-4);
        }
        cr_assert_eq(s.data.n, n);
        cr_assert_eq(s.data.sampling, n <= 4 ? BRN_SAMPLING_LATTICE : BRN_SAMPLING_ANTITHETIC, "n=%d", n);
    }
}

Test(resolve, is_idempotent_and_leaves_nothing_automatic)
{
    for (int i = 0; i < 4; ++i)
        for (int n = 1; n <= 300; n = n * 2 + n % 3) {
            brn_settings once = preset(preset_names[i]);
            for (int k = 0; k < BRN_FIELD_COUNT; ++k)
                if (brn_fields[k].automatic) MUST(brn_settings_set(&once, brn_fields[k].key, "auto"));
            MUST(brn_settings_resolve(&once, n));
            for (int k = 0; k < BRN_FIELD_COUNT; ++k) cr_assert(!brn_field_is_auto(&brn_fields[k], &once), "%s", brn_fields[k].key);
            brn_settings twice = once;
            MUST(brn_settings_resolve(&twice, n));
            cr_assert_eq(memcmp(&once, &twice, sizeof once), 0);
        }
}

Test(resolve, given_values_stay)
{
    brn_settings s = preset("hd");
    MUST(brn_settings_assign(&s, 6, (const char *const[]){"potential.hidden=10,20", "train.potential.kind=adamw", "conjugate.gtol=0.3",
                                                          "train.steps=100", "data.sampling=iid", "train.potential.beta1=0"}));
    MUST(brn_settings_resolve(&s, 64));
    cr_assert(s.potential.hidden.count == 2 && s.potential.hidden.width[0] == 10 && s.potential.hidden.width[1] == 20);
    cr_assert(s.train.potential.kind == BRN_OPT_ADAMW && s.train.amortizer.kind == BRN_OPT_SOAP && s.conjugate.gtol == .3);
    cr_assert(s.train.steps == 100 && s.train.batch == 1024 && s.train.eval_every == 10 && s.data.sampling == BRN_SAMPLING_IID);
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
}

static const struct {
    const char *assignments[3], *part;
} contradictions[] = {
    {{"amortizer.kind=none"}, "train.loss=none"},
    {{"amortizer.kind=none", "train.loss=cycle"}, "train.loss=none"},
    {{"amortizer.kind=none", "train.loss=objective"}, "train.loss=none"},
    {{"train.loss=none"}, "amortizer.kind=none"},
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
