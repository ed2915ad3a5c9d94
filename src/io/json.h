/* Small JSON files. What is wrong with one is told in a line that names it. */
#ifndef BRN_IO_JSON_H
#define BRN_IO_JSON_H

#include "core/error.h"
#include <cjson/cJSON.h>
#include <stdint.h>

/** Largest file that is read, in bytes. */
#define BRN_JSON_MAX (64 << 20)

/** A whole file, which must be one object. BRN_ERR_INPUT otherwise. Free with cJSON_Delete. */
brn_status brn_json_read(cJSON **tree, const char *path);

/** Write atomically; frees the tree, on failure too. */
brn_status brn_json_write(cJSON *tree, const char *path);

/** Members that must be there; `path` is for the line. Whole numbers from 0 to 2^53, finite numbers, texts. */
brn_status brn_json_integer(const cJSON *object, const char *path, const char *key, int64_t *value);
brn_status brn_json_number(const cJSON *object, const char *path, const char *key, double *value);
brn_status brn_json_text(const cJSON *object, const char *path, const char *key, const char **value);

#endif
