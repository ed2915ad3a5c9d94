/* The folder of a run: its files, its configuration, its log. */
#ifndef BRN_TRAINING_FOLDER_H
#define BRN_TRAINING_FOLDER_H

#include "core/error.h"
#include "training/result.h"
#include <brenier/train.h>
#include <stddef.h>

typedef struct brn_folder {
    char config[BRN_PATH_MAX + 32], log[BRN_PATH_MAX + 32], latest[BRN_PATH_MAX + 32], best[BRN_PATH_MAX + 32], result[BRN_PATH_MAX + 32];
    bool used;        /* false: training without files */
    bool checkpoint;  /* a latest.safetensors is there */
    int lock;         /* the folder, held against a second training; -1 = none */
    double seconds;   /* of earlier calls, set by brn_folder_rewind */
    bool finished;    /* as an earlier call says in result.json */
    char *text;       /* log.csv so far */
    size_t length, capacity;
} brn_folder;

/** Create settings->out where it is missing, or check that it belongs to the same (resolved) settings.
 *  With `resume` there must be a checkpoint. */
brn_status brn_folder_open(brn_folder *folder, const brn_settings *settings, bool resume);
void brn_folder_close(brn_folder *folder);

/** Keep only the log's lines up to `step`, those of the checkpoint that is continued; the time they took. */
brn_status brn_folder_rewind(brn_folder *folder, int64_t step);

/** Add a line to the log and write it. */
brn_status brn_folder_log(brn_folder *folder, const brn_progress *progress, int64_t evaluations);

/** Write how this call ended, unless it found a finished run and has nothing to add. */
brn_status brn_folder_finish(brn_folder *folder, const brn_result *result);

#endif
