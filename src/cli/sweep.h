/* What the files of `brenier sweep` share. */
#ifndef BRN_CLI_SWEEP_H
#define BRN_CLI_SWEEP_H

#include "cli.h"

/** A sweep and what its run folders say. */
typedef struct cli_sweep {
    const cli_args *args;
    brn_sweep *sweep;
    int count;
    brn_run *run; /* [count] */
} cli_sweep;

/** Neither finished with its scores nor diverged: there is something to do. */
bool cli_sweep_pending(const brn_run *run);

/** Settings of run i under "device=" and "threads=" of the command line. */
brn_status cli_sweep_settings(const cli_sweep *s, int i, brn_settings *settings);

/** Train and score run i in this process. */
brn_status cli_sweep_task(cli_sweep *s, int i);

/** Train all pending runs in child processes, several at once. */
brn_status cli_sweep_local(cli_sweep *s);

/** Write an array job of all pending runs and submit it. */
brn_status cli_sweep_slurm(cli_sweep *s);

/* ---- resources --------------------------------------------------------------------------------- */

/** How many runs at once, with how many threads each, and what each needs. */
typedef struct cli_share {
    int jobs, threads;
    uint64_t memory; /* to be divided among the runs at once; 0 = unknown */
    uint64_t *need;  /* [count] bytes of it, 0 where it could not be planned */
} cli_share;

/** From cores, memory, --jobs and threads=; release share->need with free(). */
brn_status cli_share_plan(cli_share *share, const cli_sweep *s);

/* ---- progress ---------------------------------------------------------------------------------- */

/** A training as its process reports it, one line at a time on its standard output. */
typedef struct cli_report {
    long long step, steps;
    double seconds, rate, l2_uvp;
    int pretraining;
} cli_report;

/** A brn_progress_fn that prints reports. */
bool cli_report_print(void *user, const brn_progress *p);
bool cli_report_parse(const char *line, cli_report *report);

/** A process of the sweep. */
typedef struct cli_child {
    int pid, run; /* pid 0: none */
    int out, err; /* -1: closed */
    double started;
    cli_report report;
    char out_line[256], err_line[512], last[512]; /* being read; the last whole one of the standard error */
    size_t out_used, err_used;
} cli_child;

/** What is shown of a sweep. */
typedef struct cli_board {
    const cli_sweep *sweep;
    bool quiet, terminal;
    int lines;                    /* shown on the terminal */
    int done, failed, total;      /* of the runs that were pending */
    double started, shown, spent; /* spent: seconds of the runs that are done */
} cli_board;

void cli_board_init(cli_board *board, const cli_sweep *sweep, int total);
/** One line that stays, above what is refreshed. */
void cli_board_say(cli_board *board, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** One line for each child and one for the total: refreshed on a terminal, once a minute elsewhere. */
void cli_board_show(cli_board *board, const cli_child *child, int jobs);
void cli_board_clear(cli_board *board);

/** Seconds on a clock that only runs forward. */
double cli_seconds(void);

#endif
