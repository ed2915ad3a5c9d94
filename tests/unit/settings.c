/* Settings: the table of fields, and values as text. */
#include "support/support.h"
#include "config/field.h"
#include "config/number.h"

#include <locale.h>
#include <string.h>

static brn_settings preset(const char *name)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, name));
    return s;
}

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
    {BRN_FIELD_BOOL, "on", "true"},
    {BRN_FIELD_BOOL, "No", "false"},
    {BRN_FIELD_BOOL, "yes", "true"},
    {BRN_FIELD_BOOL, "off", "false"},
    {BRN_FIELD_BOOL, "true", "true"},
    {BRN_FIELD_BOOL, "false", "false"},
    {BRN_FIELD_INT, "7", "7"},
    {BRN_FIELD_INT, "1e1", "10"},
    {BRN_FIELD_INT64, "25e1", "250"},
    {BRN_FIELD_INT64, "1000000000000", "1000000000000"},
    {BRN_FIELD_DOUBLE, ".125", "0.125"},
    {BRN_FIELD_DOUBLE, "0.30000000000000004", "0.30000000000000004"},
    {BRN_FIELD_DOUBLE, "5e-1", "0.5"},
    {BRN_FIELD_U64, "18446744073709551615", "18446744073709551615"},
    {BRN_FIELD_TEXT, "a \"b\"\\ é=1", "a \"b\"\\ é=1"},
    {BRN_FIELD_WIDTHS, "64, 64,32", "64,64,32"},
    {BRN_FIELD_WIDTHS, "1,2,3,4,5,6,7,8", "1,2,3,4,5,6,7,8"},
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
    cr_assert_eq(automatic, 30);
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
        {"batch", "train.batch"},
        {"train.lr", "train.potential.lr"},
        {"potential.lr", "train.potential.lr"},
        {"trian.steps", "train.steps"},
        {"conjugate.gtl", "conjugate.gtol"},
        {"steps", "train.steps"},
        {"Seed", "seed"},
        {"data.sorce", "data.source"},
        {"eval.point", "eval.points"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i)
        cr_assert_str_eq(brn_field_nearest(pairs[i][0]), pairs[i][1], "%s: %s", pairs[i][0],
                         brn_field_nearest(pairs[i][0]));
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
    MUST(brn_settings_assign(
        &s, 4, (const char *const[]){"train.steps=5", "data.pair=a=b", "preset=hd-paper", "train.steps=7"}));
    cr_assert_str_eq(s.preset, "hd-paper");
    cr_assert_str_eq(s.data.pair, "a=b");
    cr_assert_eq(s.train.steps, 7);
    s = before;
    MUST_FAIL(brn_settings_assign(&s, 2, (const char *const[]){"train.steps=5", "train.batch=x"}),
              BRN_ERR_USAGE, "train.batch");
    MUST_FAIL(brn_settings_assign(&s, 2, (const char *const[]){"train.steps=5", "train.batch"}),
              BRN_ERR_USAGE, "key=value");
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
