#include "training/result.h"
#include "io/atomic.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const states[] = {"new", "started", "stopped", "failed", "diverged", "finished"};

const char *brn_outcome_name(brn_outcome state) { return states[state]; }

brn_status brn_result_write(const char *path, const brn_result *r)
{
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddStringToObject(tree, "state", brn_outcome_name(r->state));
    cJSON_AddNumberToObject(tree, "step", (double)r->step);
    cJSON_AddNumberToObject(tree, "steps", (double)r->steps);
    cJSON_AddNumberToObject(tree, "seconds", r->seconds);
    cJSON_AddNumberToObject(tree, "evaluations", (double)r->evaluations);
    if (*r->reason) cJSON_AddStringToObject(tree, "reason", r->reason);
    return brn_json_write(tree, path);
}

static brn_status read_state(const cJSON *tree, const char *path, brn_outcome *state)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(tree, "state");
    for (int i = BRN_RUN_STARTED; cJSON_IsString(item) && i <= BRN_RUN_FINISHED; ++i)
        if (!strcmp(item->valuestring, states[i])) {
            *state = (brn_outcome)i;
            return BRN_OK;
        }
    return brn_fail(BRN_ERR_INPUT, "%s: \"state\" is missing or unknown: the file is damaged", path);
}

static brn_status read_tree(const cJSON *tree, const char *path, brn_result *r)
{
    BRN_TRY(read_state(tree, path, &r->state));
    BRN_TRY(brn_json_integer(tree, path, "step", &r->step));
    BRN_TRY(brn_json_integer(tree, path, "steps", &r->steps));
    BRN_TRY(brn_json_integer(tree, path, "evaluations", &r->evaluations));
    BRN_TRY(brn_json_number(tree, path, "seconds", &r->seconds));
    const cJSON *reason = cJSON_GetObjectItemCaseSensitive(tree, "reason");
    if (cJSON_IsString(reason)) strncpy(r->reason, reason->valuestring, sizeof r->reason - 1);
    return BRN_OK;
}

brn_status brn_result_read(const char *path, brn_result *result, cJSON **out)
{
    cJSON *tree;
    *result = (brn_result){0};
    if (out) *out = NULL;
    if (access(path, F_OK)) return BRN_OK;
    BRN_TRY(brn_json_read(&tree, path));
    const brn_status status = read_tree(tree, path, result);
    if (status == BRN_OK && out) *out = tree;
    else cJSON_Delete(tree);
    return status;
}

brn_status brn_result_keep(const char *path, const char *evaluation, const char *pair_source)
{
    cJSON *tree, *scores = cJSON_Parse(evaluation);
    if (!scores) return brn_fail(BRN_ERR_MEMORY, "%s: out of memory", path);
    brn_status status = brn_json_read(&tree, path);
    if (status != BRN_OK) {
        cJSON_Delete(scores);
        return status;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "evaluation");
    cJSON_AddItemToObject(tree, "evaluation", scores);
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "pair_source");
    if (*pair_source) cJSON_AddStringToObject(tree, "pair_source", pair_source);
    return brn_json_write(tree, path);
}
