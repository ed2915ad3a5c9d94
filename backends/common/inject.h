/* Test hook of the backends that call a driver: one of the calls that can fail does not happen and gives a code
 * instead. It concerns the whole process. */
#ifndef BRN_COMMON_INJECT_H
#define BRN_COMMON_INJECT_H

#include <stdbool.h>

/** The n-th call from now gives `code`, with `for_good` all calls after it too, as of a device that is gone;
 *  n = 0: calls happen again. */
void brn_inject(long n, int code, bool for_good);
/** Whether that call is still to come. */
bool brn_inject_pending(void);
/** What the next call is to give instead of happening; 0: let it happen. */
int brn_injected(void);

#endif
