/* Settings by name: one field at a time, or a list of "key=value". */
#include "config/config.h"

#include <string.h>

brn_status brn_config_find(const char *key, const brn_field **field)
{
    *field = brn_field_find(key);
    if (*field) return BRN_OK;
    return brn_fail(BRN_ERR_USAGE, "unknown setting \"%.80s\"; did you mean \"%s\"?", key,
                    brn_field_nearest(key));
}

brn_status brn_settings_set(brn_settings *settings, const char *key, const char *value)
{
    const brn_field *field;
    if (strcmp(key, "preset") == 0) return brn_settings_preset(settings, value);
    BRN_TRY(brn_config_find(key, &field));
    return brn_field_set(field, settings, value);
}

brn_status brn_settings_get(const brn_settings *settings, const char *key, char *text, size_t size)
{
    const brn_field *field;
    BRN_TRY(brn_config_find(key, &field));
    return brn_field_get(field, settings, text, size);
}

/* Apply one "key=value" if its key is (presets) or is not (others) "preset". */
static brn_status assign(brn_settings *settings, const char *text, bool presets)
{
    char key[2 * BRN_NAME_MAX];
    const char *equals = strchr(text, '=');
    if (!equals) return brn_fail(BRN_ERR_USAGE, "expected key=value, found \"%.80s\"", text);
    size_t length = (size_t)(equals - text);
    if (length >= sizeof key) length = sizeof key - 1; /* longer than any key, so unknown either way */
    memcpy(key, text, length);
    key[length] = '\0';
    if ((strcmp(key, "preset") == 0) != presets) return BRN_OK;
    return brn_settings_set(settings, key, equals + 1);
}

brn_status brn_settings_assign(brn_settings *settings, int count, const char *const *assignments)
{
    brn_settings changed = *settings;
    for (int i = 0; i < count; ++i) BRN_TRY(assign(&changed, assignments[i], true));
    for (int i = 0; i < count; ++i) BRN_TRY(assign(&changed, assignments[i], false));
    *settings = changed;
    return BRN_OK;
}

int brn_settings_count(void) { return BRN_FIELD_COUNT; }

brn_status brn_settings_describe(int i, const char **key, const char **values, const char **meaning)
{
    if (i < 0 || i >= BRN_FIELD_COUNT)
        return brn_fail(BRN_ERR_USAGE, "there are %d settings, number %d was asked for", BRN_FIELD_COUNT, i);
    if (key) *key = brn_fields[i].key;
    if (values) *values = brn_fields[i].values;
    if (meaning) *meaning = brn_fields[i].meaning;
    return BRN_OK;
}
