/* Failing inside the library: leave a line for people, return a status. */
#ifndef BRN_CORE_ERROR_H
#define BRN_CORE_ERROR_H

#include <brenier/status.h>

/** Store a printf-formatted line as the thread's last error and return `status`. The line names the
 *  file or the call, the position or the sizes, and what was expected; no trailing newline. */
brn_status brn_fail(brn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Put "prefix: " (printf-formatted) in front of the thread's last error and return `status`. */
brn_status brn_fail_in(brn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Hand a line from another thread on to this one, see threads.h. */
brn_status brn_fail_copy(brn_status status, const char *text);

/** Return early from a function whose callee failed. */
#define BRN_TRY(call)                                                                                        \
    do {                                                                                                     \
        brn_status brn_try_status_ = (call);                                                                 \
        if (brn_try_status_ != BRN_OK) return brn_try_status_;                                               \
    } while (0)

/** The same for functions that release what they hold at the label `done` and return `status`. */
#define BRN_GO(call)                                                                                         \
    do {                                                                                                     \
        status = (call);                                                                                     \
        if (status != BRN_OK) goto done;                                                                     \
    } while (0)

#endif
