#include "io/json.h"
#include "io/atomic.h"
#include "io/mapped.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static brn_status parse(cJSON **tree, const char *path, const brn_mapped *file)
{
    if (file->size > BRN_JSON_MAX)
        return brn_fail(BRN_ERR_INPUT, "%s: %zu bytes, expected at most %d", path, file->size, BRN_JSON_MAX);
    const char *text = (const char *)file->bytes, *end = NULL;
    *tree = cJSON_ParseWithLengthOpts(text, file->size, &end, 0);
    if (cJSON_IsObject(*tree)) return BRN_OK;
    int line = 1;
    for (const char *c = text; !*tree && c < end; ++c) line += *c == '\n';
    cJSON_Delete(*tree);
    *tree = NULL;
    return brn_fail(BRN_ERR_INPUT, "%s:%d: not a JSON object: the file is damaged", path, line);
}

brn_status brn_json_read(cJSON **tree, const char *path)
{
    brn_mapped file;
    *tree = NULL;
    BRN_TRY(brn_mapped_open(&file, path));
    const brn_status status = parse(tree, path, &file);
    brn_mapped_close(&file);
    return status;
}

brn_status brn_json_write(cJSON *tree, const char *path)
{
    char *text = tree ? cJSON_Print(tree) : NULL;
    cJSON_Delete(tree);
    if (!text) return brn_fail(BRN_ERR_MEMORY, "%s: out of memory for its text", path);
    const brn_status status = brn_write_file(path, text, strlen(text));
    free(text);
    return status;
}

static brn_status refuse(const char *path, const char *key, const char *wanted)
{
    return brn_fail(BRN_ERR_INPUT, "%s: \"%s\" is not %s: the file is damaged", path, key, wanted);
}

brn_status brn_json_number(const cJSON *object, const char *path, const char *key, double *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) return refuse(path, key, "a number");
    *value = item->valuedouble;
    return BRN_OK;
}

brn_status brn_json_integer(const cJSON *object, const char *path, const char *key, int64_t *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    const double v = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(v >= 0 && v <= 0x1p53) || v != floor(v)) return refuse(path, key, "a whole number from 0 on");
    *value = (int64_t)v;
    return BRN_OK;
}

brn_status brn_json_text(const cJSON *object, const char *path, const char *key, const char **value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(item)) return refuse(path, key, "a text");
    *value = item->valuestring;
    return BRN_OK;
}
