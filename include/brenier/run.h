/** @file run.h
 *  Run folders read back: what was trained, how it ended, its scores and its log.
 */
#ifndef BRENIER_RUN_H
#define BRENIER_RUN_H

#include "evaluate.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum brn_outcome {
    BRN_RUN_NEW,      /**< nothing was trained yet */
    BRN_RUN_STARTED,  /**< running, or killed: it did not say how it ended */
    BRN_RUN_STOPPED,  /**< on request; continues where it stopped */
    BRN_RUN_FAILED,   /**< by an error, which `reason` has; continues from its last checkpoint */
    BRN_RUN_DIVERGED, /**< the guard stopped it; the same settings would diverge again */
    BRN_RUN_FINISHED
} brn_outcome;

/** Numbers by which runs are compared. */
typedef enum brn_metric {
    BRN_METRIC_FORWARD,        /**< L2-UVP of the forward map, percent */
    BRN_METRIC_INVERSE,        /**< L2-UVP of the inverse map, percent */
    BRN_METRIC_COSINE,         /**< of the forward map */
    BRN_METRIC_COSINE_INVERSE, /**< of the inverse map */
    BRN_METRIC_DUAL,           /**< dual objective */
    BRN_METRIC_SINKHORN,       /**< divergence of the pushed source to the target */
    BRN_METRIC_SECONDS,        /**< training time */
    BRN_METRIC_EVALUATIONS     /**< of f and its gradient by the conjugate solver, per row and step */
} brn_metric;
enum { BRN_METRICS = 8 };

/** "forward", "inverse", "cosine", "cosine-inverse", "dual", "sinkhorn", "seconds", "evaluations". Static storage. */
BRN_API const char *brn_metric_name(brn_metric metric);
/** In words, with the unit. Static storage. */
BRN_API const char *brn_metric_title(brn_metric metric);
/** BRN_ERR_USAGE with the nearest name. */
BRN_API brn_status brn_metric_find(const char *name, brn_metric *metric);

/** A run folder as its files tell. Owns nothing. */
typedef struct brn_run {
    char folder[BRN_PATH_MAX];
    brn_settings settings;     /**< resolved, as trained */
    brn_outcome state;
    int64_t step, steps;       /**< trained so far, and wanted */
    double seconds;            /**< of all calls together, evaluations included */
    int64_t evaluations;       /**< of f and its gradient by the conjugate solver, over all rows and steps */
    char reason[512];          /**< why it failed or diverged; else "" */
    char pair_source[128];     /**< where the pair's file says it comes from, as the scores were made; "" = it does not */
    bool scored;               /**< its final map was evaluated, */
    double score[BRN_METRICS]; /**< by metric; NaN where unknown */
} brn_run;

/** "new", "started", "stopped", "failed", "diverged", "finished". Static storage. */
BRN_API const char *brn_outcome_name(brn_outcome state);

/** Read a run folder. One that is not there, or is empty, is BRN_RUN_NEW; then the settings are all zero.
 *  @return BRN_ERR_INPUT with the file and what is wrong where it is damaged */
BRN_API brn_status brn_run_read(brn_run *run, const char *folder);

/** Evaluate a trained model on the pair of its settings and keep the scores in the run folder's result.json.
 *  @param folder     "" or NULL: keep nothing
 *  @param evaluation [out] may be NULL */
BRN_API brn_status brn_run_evaluate(brn_device *device, brn_model *model, const char *folder, brn_evaluation *evaluation);

/** Fill in the scores of a finished run that has none: load its last state onto a device, evaluate, keep.
 *  A run that has its scores is left as it is. BRN_ERR_INPUT for one that is not finished. */
BRN_API brn_status brn_run_score(brn_run *run, brn_device *device);

/** One line of a run's log. What is not known is NaN; evaluations of logs written before there was such a column too. */
typedef struct brn_log_line {
    int64_t step;
    double seconds, loss, dual, l2_uvp;
    double evaluations; /**< by the conjugate solver so far, over all rows */
} brn_log_line;

/** The log; *lines is allocated, release with free(). A run without an evaluation yet has none.
 *  @return BRN_ERR_INPUT with file and line where it is damaged */
BRN_API brn_status brn_run_log(const brn_run *run, brn_log_line **lines, size_t *count);

#ifdef __cplusplus
}
#endif
#endif
