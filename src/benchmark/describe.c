/* What a pair file says about itself. */
#include "benchmark/frozen.h"
#include <brenier/benchmark.h>

#include <cjson/cJSON.h>
#include <stdlib.h>

static brn_status describe(const brn_st *file, char **json)
{
    size_t pairs;
    const brn_st_pair *metadata = brn_st_metadata_all(file, &pairs);
    if (!brn_st_find(file, "psi.scale") || !(brn_st_find(file, "alpha.centers") || brn_st_find(file, "alpha.noise"))) return BRN_OK;
    cJSON *to = cJSON_CreateObject();
    cJSON_AddStringToObject(to, "file", "benchmark pair");
    for (size_t i = 0; i < pairs; ++i) cJSON_AddStringToObject(to, metadata[i].key, metadata[i].value);
    *json = to ? cJSON_Print(to) : NULL;
    cJSON_Delete(to);
    return *json ? BRN_OK : brn_fail(BRN_ERR_MEMORY, "description of a pair: out of memory");
}

brn_status brn_benchmark_describe(const char *path, char **json)
{
    brn_st *file;
    *json = NULL;
    BRN_TRY(brn_st_open(&file, path));
    const brn_status status = describe(file, json);
    brn_st_close(file);
    return status;
}
