/* Progress of a training: one refreshed line on a terminal, plain lines elsewhere. */
#ifndef BRN_CLI_PROGRESS_H
#define BRN_CLI_PROGRESS_H

#include "cli.h"

typedef struct cli_progress {
    bool quiet, terminal;
    double shown; /* seconds at which the line was last refreshed */
    brn_progress last;
    brn_memory_plan plan;
} cli_progress;

void cli_progress_init(cli_progress *progress, bool quiet);

/** A brn_progress_fn for a cli_progress: false once a signal asked to stop. */
bool cli_progress_step(void *user, const brn_progress *p);

/** End the refreshed line. */
void cli_progress_finish(cli_progress *progress);

#endif
