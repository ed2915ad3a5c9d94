/* A fixed team of threads that shares numbered items of work. */
#ifndef BRN_CORE_THREADS_H
#define BRN_CORE_THREADS_H

#include "core/error.h"

typedef struct brn_team brn_team;

/** Work on one item; `member` < brn_team_size tells which per-thread scratch to use. The caller's
 *  results must not depend on which member takes which item. */
typedef brn_status (*brn_team_fn)(void *context, int member, int item);

/** A team of `size` members, the calling thread included (0 = as many as there are usable cores). */
brn_status brn_team_create(brn_team **team, int size);
void brn_team_free(brn_team *team);
int brn_team_size(const brn_team *team);

/** Run fn for items 0..count-1 and wait. Items are handed out in order; after a failure no further
 *  ones start, and the failure of the lowest item is returned with its line. Not reentrant. */
brn_status brn_team_run(brn_team *team, int count, brn_team_fn fn, void *context);

/** Cores this process may use. */
int brn_core_count(void);

#endif
