/* What a run's preset chose, and what its user did. */
#include "sweep/results.h"

#include <string.h>

bool brn_names_data(const char *key)
{
    return !strncmp(key, "data.", 5) && strcmp(key, "data.sampling") && strcmp(key, "data.standardize");
}

/* What an automatic value becomes beside the run's other settings. */
static brn_status automatic(const brn_settings *run, const char *key, char *value, size_t size)
{
    brn_settings s = *run;
    BRN_TRY(brn_settings_set(&s, key, "auto"));
    BRN_TRY(brn_settings_resolve(&s, run->data.n));
    return brn_settings_get(&s, key, value, size);
}

brn_status brn_presets_own(const brn_settings *run, const brn_settings *preset, const char *key, bool *own)
{
    char value[BRN_PATH_MAX], other[BRN_PATH_MAX];
    *own = false;
    if (!strcmp(key, "preset") || brn_names_data(key)) return BRN_OK;
    BRN_TRY(brn_settings_get(run, key, value, sizeof value));
    BRN_TRY(brn_settings_get(preset, key, other, sizeof other));
    if (!strcmp(other, "auto") && automatic(run, key, other, sizeof other) != BRN_OK) return BRN_OK; /* a run of older rules */
    *own = !strcmp(value, other);
    return BRN_OK;
}
