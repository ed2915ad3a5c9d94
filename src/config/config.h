/* What the files of this folder share beyond the public header. */
#ifndef BRN_CONFIG_CONFIG_H
#define BRN_CONFIG_CONFIG_H

#include "config/field.h"

/** Largest configuration file, in bytes. */
#define BRN_CONFIG_FILE_MAX (1 << 20)

/** Field of a key from outside; BRN_ERR_USAGE with the nearest key if there is none. */
brn_status brn_config_find(const char *key, const brn_field **field);

/** brn_settings_load from `size` bytes of memory; `name` stands for the file in messages. */
brn_status brn_config_parse(brn_settings *settings, const char *bytes, size_t size, const char *name);

/** Whether a pair of the user's own rows is standardised: as told, or where that is automatic, by what the rows are. */
bool brn_standardizes(const brn_settings *settings);

#endif
