/** @file train.h
 *  Learn a transport map: amortized training of a Kantorovich potential by its dual (METHOD: Algorithm 1).
 */
#ifndef BRENIER_TRAIN_H
#define BRENIER_TRAIN_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of device memory that a training needs at most, by part. */
typedef struct brn_memory_plan {
    char device[64];
    uint64_t parameters;  /**< of both networks, averages included */
    uint64_t gradients;
    uint64_t optimizer;   /**< moments, factors */
    uint64_t batches;     /**< samples, predictions, losses, the evaluation's too */
    uint64_t activations; /**< of networks, for values and derivatives */
    uint64_t solver;      /**< state of the conjugate problems */
    uint64_t sampler;     /**< scratch of the samplers */
    uint64_t data;        /**< what stands on the device already: the pair's rows and maps */
    uint64_t other;       /**< what belongs to none of these */
    uint64_t total;
    uint64_t memory;      /**< of the device, or BRENIER_DEVICE_MEMORY; 0 = unknown. A sixteenth is left to drivers */
    int tile_rows;        /**< rows worked on at a time; */
    int full_rows;        /**< more than tile_rows where the whole batch would not have fitted */
} brn_memory_plan;

/** What brn_train would need on a device. Where not everything fits at once, the device's chunks of rows are made smaller,
 *  from now on, until it does; results change by rounding only.
 *  @return BRN_ERR_MEMORY with the largest parts, and what to lower, where that does not help */
BRN_API brn_status brn_train_plan(brn_device *device, const brn_settings *settings, brn_memory_plan *plan);

/** What a training reports: its plan, then its state a few times a second and after every evaluation. */
typedef struct brn_progress {
    int64_t step, steps;
    double seconds;             /**< of the run: earlier calls and evaluations included */
    double rate;                /**< steps per second, lately */
    double loss;                /**< dual loss plus amortization loss, mean of the last batch */
    double dual;                /**< dual objective on the fixed evaluation batch; NaN before the first */
    double best;                /**< lowest so far; NaN before the first */
    double l2_uvp;              /**< forward, percent, on the evaluation batch; NaN where the map is not known */
    double evaluations_per_row; /**< of the last batch's conjugate solves; 0 without fine-tuning */
    double iterations_per_row;
    double failed_rows;         /**< share of its rows that did not converge */
    double submissions_per_step;/**< calls that hand work to a driver, mean of this call's steps; these three are NaN */
    double waits_per_step;      /**< before the first and on devices of several queues, which do not count; waits for a driver, */
    double waits_outside;       /**< and those of them outside the conjugate solver */
    bool   pretraining;         /**< step counts pretraining steps */
    bool   evaluated;           /**< follows an evaluation */
    const brn_memory_plan *plan;/**< in the first report, which comes before anything is computed; then NULL */
} brn_progress;

/** Called on the calling thread; return false to save and stop. */
typedef bool (*brn_progress_fn)(void *user, const brn_progress *progress);

/** Train as `settings` say, in the run folder settings->out, which is created and receives
 *
 *      config.yaml          the resolved settings
 *      log.csv              one line per evaluation
 *      result.json          how the last call ended: finished, stopped, diverged or failed; see run.h
 *      latest.safetensors   the state at the last evaluation or stop: continues bit-identically
 *      best.safetensors     the latest state whose dual objective on a fixed batch is the lowest so far, or above it by
 *                           no more than two standard errors of the difference
 *
 *  A folder that holds a checkpoint of the same settings is continued where it stopped; a folder of
 *  other settings, or in which another training works, is refused. With `resume` a checkpoint must be there.
 *  settings->out = "" trains without files.
 *  @param progress may be NULL
 *  @param model    [out] the trained model, may be NULL; free with brn_model_free
 *  @return BRN_OK; BRN_ERR_MEMORY before anything starts where it cannot fit; BRN_ERR_STOPPED (saved on request); BRN_ERR_DIVERGED (the last finite checkpoint is
 *          kept and named); BRN_ERR_DISK and others as their names say. */
BRN_API brn_status brn_train(brn_device *device, const brn_settings *settings, bool resume, brn_progress_fn progress,
                             void *user, brn_model **model);

#ifdef __cplusplus
}
#endif
#endif
