/* result.json of a run folder: how the last call of its training ended, and later its scores. */
#ifndef BRN_TRAINING_RESULT_H
#define BRN_TRAINING_RESULT_H

#include "core/error.h"
#include <brenier/run.h>
#include <cjson/cJSON.h>

typedef struct brn_result {
    brn_outcome state;
    int64_t step, steps, evaluations;
    double seconds;
    char reason[512];
} brn_result;

brn_status brn_result_write(const char *path, const brn_result *result);

/** Read and check. BRN_ERR_INPUT with what is wrong; a file that is not there gives a result that is all zero.
 *  @param tree [out] the whole file, free with cJSON_Delete; NULL where there is none. The argument may be NULL. */
brn_status brn_result_read(const char *path, brn_result *result, cJSON **tree);

/** Keep scores beside it: the member "evaluation" of the file becomes this JSON text, "pair_source" where the pair came from. */
brn_status brn_result_keep(const char *path, const char *evaluation, const char *pair_source);

#endif
