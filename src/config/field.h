/* One field of brn_settings: where it lies, what it may hold, and its text. */
#ifndef BRN_CONFIG_FIELD_H
#define BRN_CONFIG_FIELD_H

#include "core/error.h"
#include <brenier/settings.h>

typedef enum brn_field_type {
    BRN_FIELD_BOOL,
    BRN_FIELD_INT,
    BRN_FIELD_INT64,
    BRN_FIELD_U64,
    BRN_FIELD_DOUBLE,
    BRN_FIELD_TEXT,
    BRN_FIELD_CHOICE, /* an enumeration, stored as int */
    BRN_FIELD_WIDTHS
} brn_field_type;

typedef struct brn_field {
    const char *key; /* "train.steps" */
    brn_field_type type;
    bool automatic;      /* "auto" is a value */
    size_t offset, size; /* of the member */
    const char *limits;  /* see fields.def; also read by the checks */
    const char *values;  /* the limits in words */
    const char *meaning;
} brn_field;

enum {
#define BRN_FIELD(type, member, automatic, limits, meaning) +1
    BRN_FIELD_COUNT =
#include "config/fields.def"
};

/** Longest text of a field, with its end. */
#define BRN_FIELD_TEXT_MAX BRN_PATH_MAX

extern const brn_field brn_fields[BRN_FIELD_COUNT];

/** The field of this key, or NULL. */
const brn_field *brn_field_find(const char *key);

/** The key that is nearest to a mistyped one (Damerau-Levenshtein); groups may be left out. */
const char *brn_field_nearest(const char *key);

/** The same for a group of keys, "train.potential" of "train.potental": a key that begins with it, and the
 *  group's length there. */
const char *brn_group_nearest(const char *key, int *length);

/** Distance of two names: insertions, deletions, substitutions and exchanges of neighbours. */
int brn_name_distance(const char *a, const char *b);

/** Parse, check and store; *settings is unchanged on failure. Fails with BRN_ERR_USAGE. */
brn_status brn_field_set(const brn_field *field, brn_settings *settings, const char *text);

/** The text that brn_field_set reads back to the same value; `size` up to BRN_FIELD_TEXT_MAX is
 *  needed. Fails with BRN_ERR_USAGE for a value that has no text or does not fit. */
brn_status brn_field_get(const brn_field *field, const brn_settings *settings, char *text, size_t size);

/** Fail unless the stored value lies within the limits or is automatic. */
brn_status brn_field_check(const brn_field *field, const brn_settings *settings);

/** Whether the value is left to brn_settings_resolve. */
bool brn_field_is_auto(const brn_field *field, const brn_settings *settings);

/** Store a number, in the field's own type, where the value is automatic; otherwise do nothing. */
void brn_field_fill(const brn_field *field, brn_settings *settings, double value);

#endif
