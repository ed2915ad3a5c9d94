/* Every call of a driver fails once: of a device that is opened, does a little and is closed; and of a training that goes
 * on from a checkpoint. */
#ifndef BRN_TESTS_FAULTS_WALK_H
#define BRN_TESTS_FAULTS_WALK_H

#include "compute/backend.h"
#include "scenario.h"

typedef struct fault_walk {
    const char *device;           /* "vulkan:0" */
    int code;                     /* what a call gives instead of happening, */
    bool for_good;                /* and all calls after it */
    brn_status expected;          /* BRN_ERR_DEVICE too while devices are looked for: */
    const char *looking;          /* a part of the lines that tell so; NULL: none */
    long (*live)(void);           /* objects of the driver that are left; NULL: LeakSanitizer and the validation layers look */
    void (*revive)(brn_device *); /* make a device work again as if fresh; NULL: it does by itself */
} fault_walk;

/** Each failure ends the work with one line that names the device, leaves no object behind, and of checkpoints the one
 *  that was there or, behind its writing, the next. Failures of what a backend can do without are counted. */
void fault_walk_run(const fault_walk *walk);

#endif
