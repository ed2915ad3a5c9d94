#include "fixture.h"
#include "core/philox.h"

brn_settings model_settings(int n, brn_potential_kind kind)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    s.potential.kind = kind;
    s.potential.hidden = (brn_widths){2, {24, 16}};
    s.amortizer.hidden = (brn_widths){1, {16}};
    s.train.start = BRN_START_RANDOM;
    MUST(brn_settings_set(&s, "data.pair", "gaussian"));
    MUST(brn_settings_resolve(&s, n));
    return s;
}

brn_model *model_make(brn_device *dev, const brn_settings *settings, int n, bool standardized)
{
    double a[64], b[64];
    cr_assert(n <= 64 || !standardized);
    for (int i = 0; i < n && standardized; ++i) a[i] = 1 + i, b[i] = -2 + 0.5 * i;
    const brn_standardization std = {2.5, {a, b}};
    brn_model *m;
    MUST(brn_model_new(&m, dev, settings, n, standardized ? &std : NULL, "made for a test"));
    MUST(brn_model_start(m));
    return m;
}

void model_normal(float *rows, size_t count, uint32_t stream)
{
    brn_rng rng = brn_rng_start(11, stream);
    for (size_t i = 0; i < count; ++i) rows[i] = (float)brn_rng_normal(&rng);
}
