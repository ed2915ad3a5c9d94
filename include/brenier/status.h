/** @file status.h
 *  What every call of the library returns, and how to ask for the reason in words.
 *
 *  No function of the library ends the process or prints. A call that fails returns a status other
 *  than BRN_OK and leaves one line of text for people, which brn_last_error() returns.
 */
#ifndef BRENIER_STATUS_H
#define BRENIER_STATUS_H

#include "export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One list makes the enumeration, the names and the texts. The numbers are also the exit codes of
 * the command, so they never change. */
#define BRN_STATUS_LIST(X)                                                                       \
    X(OK, 0, "success")                                                                          \
    X(ERR_INTERNAL, 1, "internal error: please report it")                                       \
    X(ERR_USAGE, 2, "an argument or a setting is not valid; nothing was changed")                \
    X(ERR_INPUT, 3, "a file or its contents cannot be used")                                     \
    X(ERR_DIVERGED, 4, "training diverged; the last finite checkpoint was kept")                 \
    X(ERR_DEVICE, 5, "a device is missing or one of its calls failed")                           \
    X(ERR_MEMORY, 6, "out of memory")                                                            \
    X(ERR_DISK, 7, "writing a file failed; a former file of that name is intact")                \
    X(ERR_STOPPED, 8, "stopped on request; the state was saved")                                 \
    X(ERR_UNSUPPORTED, 9, "this build or device cannot do that")

typedef enum brn_status {
#define BRN_STATUS_ENUM(name, code, text) BRN_##name = code,
    BRN_STATUS_LIST(BRN_STATUS_ENUM)
#undef BRN_STATUS_ENUM
} brn_status;

/** Name of a status, as in "ERR_INPUT"; "?" for a number that is none. Static storage. */
BRN_API const char *brn_status_name(brn_status status);

/** General meaning of a status in words. Static storage. */
BRN_API const char *brn_status_text(brn_status status);

/** One line about the last failure on the calling thread: what failed, where and with which sizes.
 *  Never NULL; "" if nothing failed yet. Valid until the next failing call on this thread. */
BRN_API const char *brn_last_error(void);

/** Version of the loaded library, as in "0.1.0". Static storage. */
BRN_API const char *brn_version(void);

#ifdef __cplusplus
}
#endif
#endif
