/** @file results.h
 *  Several runs together: tables of their scores beside the published ones, and learning curves.
 *
 *      const char *paths[] = {"runs/grid"};
 *      brn_results *results;
 *      char *text;
 *      brn_results_open(&results, 1, paths);
 *      brn_results_table(results, BRN_METRIC_FORWARD, BRN_TABLE_MARKDOWN, &text);
 */
#ifndef BRENIER_RESULTS_H
#define BRENIER_RESULTS_H

#include "run.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brn_results brn_results;

/** Read run folders, sweeps (all their runs, those not begun too), and folders that hold such.
 *  @return BRN_ERR_INPUT for a path that is neither, and for a damaged run or manifest, which is named */
BRN_API brn_status brn_results_open(brn_results **results, int count, const char *const *paths);
BRN_API void brn_results_free(brn_results *results);

/** Number of runs. */
BRN_API int brn_results_count(const brn_results *results);
/** Run i = 0 .. count - 1, owned by the results; brn_run_score may fill in what it lacks. */
BRN_API brn_run *brn_results_run(brn_results *results, int i);
/** How run i stands, for people: "runs/a: stopped at step 20 of 60". Into text[0..size). */
BRN_API void brn_results_standing(const brn_results *results, int i, char *text, size_t size);
/** Whether run i is finished and has its scores, and so a part in the means. */
BRN_API bool brn_results_counts(const brn_results *results, int i);

typedef enum brn_table_format { BRN_TABLE_MARKDOWN, BRN_TABLE_CSV, BRN_TABLE_LATEX } brn_table_format;

/** "md", "csv" or "latex"; BRN_ERR_USAGE with the nearest. */
BRN_API brn_status brn_table_format_find(const char *name, brn_table_format *format);

/** Mean and standard deviation over seeds, in the layout of the published tables: a row for each potential,
 *  amortization and conjugate solver (and whatever else differs between runs, in a column of its own), a column
 *  for each pair. Where the metric is the forward L2-UVP and the pair is one of the benchmark, hd_<n>.safetensors,
 *  the published value stands beside ours and the better one is marked. Runs that are not finished or diverged are
 *  counted in their cells and, but for CSV, named below. CSV has a line for each cell.
 *  @param text allocated, release with free() */
BRN_API brn_status brn_results_table(const brn_results *results, brn_metric metric, brn_table_format format, char **text);

/** The published values alone, in the same formats. Allocated, release with free(). */
BRN_API brn_status brn_published_table(brn_table_format format, char **text);

/** Published L2-UVP in percent of Amos (2023) for settings trained on the benchmark pair of dimension n: NaN where
 *  there is none, infinity where it says ">100". */
BRN_API double brn_published_uvp(const brn_settings *settings, int n);

typedef enum brn_against { BRN_AGAINST_STEPS, BRN_AGAINST_SECONDS, BRN_AGAINST_EVALUATIONS } brn_against;

/** "steps", "seconds" or "evaluations"; BRN_ERR_USAGE with the nearest. */
BRN_API brn_status brn_against_find(const char *name, brn_against *against);

/** Learning curves: L2-UVP, on a logarithmic axis, against steps, seconds or evaluations of f by the conjugate
 *  solver (over all rows). One line for each configuration, named by the settings that differ; where several seeds
 *  are there, their median with a band from the least to the greatest.
 *  @param figure  .png, .svg or .pdf; NULL: none
 *  @param csv     one line for each evaluation of each run; NULL: none
 *  @param skipped [out] runs that have no point in the figure: no evaluation yet, a pair whose map is not known, or a
 *                 loss without solver against evaluations; may be NULL
 *  @return BRN_ERR_INPUT where no run has any, BRN_ERR_UNSUPPORTED for a figure in a build without cairo */
BRN_API brn_status brn_results_curves(const brn_results *results, brn_against against, const char *figure, const char *csv, int *skipped);

#ifdef __cplusplus
}
#endif
#endif
