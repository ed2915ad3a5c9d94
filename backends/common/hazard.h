/* Checks what a backend records: two commands that touch the same bytes, one of them writing, need a barrier
 * between them, and what the host touches itself must be complete. Software drivers run commands in order
 * and compute right without barriers, and validation layers do not look into kernels, so nothing else finds
 * a missing one. The checker is told what commands declare and which barriers were really issued; it knows
 * nothing of how the backend decides.
 *
 * Backends switch it on where BRENIER_CHECK_HAZARDS is set (brn_hazard_wanted).
 */
#ifndef BRN_COMMON_HAZARD_H
#define BRN_COMMON_HAZARD_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct brn_hazard brn_hazard;

/** Bytes [begin, end) of a memory object, known by its address or handle. */
typedef struct brn_hazard_access {
    const void *memory;
    size_t begin, end;
    bool write;
} brn_hazard_access;

static inline bool brn_hazard_conflict(const brn_hazard_access *a, const brn_hazard_access *b)
{
    const size_t begin = a->begin > b->begin ? a->begin : b->begin, end = a->end < b->end ? a->end : b->end;
    return a->memory == b->memory && (a->write || b->write) && begin < end;
}

bool brn_hazard_wanted(void);
/** `device` begins the lines of its reports. Release with brn_hazard_free. */
brn_status brn_hazard_create(brn_hazard **hazard, const char *device);
void brn_hazard_free(brn_hazard *hazard);

/** A command is recorded. `what` is its name and must stay valid.
 *  @return BRN_ERR_INTERNAL and a line with both commands if a barrier is missing before it. */
brn_status brn_hazard_command(brn_hazard *hazard, const char *what, const brn_hazard_access *access, int count);
/** A barrier is recorded: all commands before it come before all commands after it. */
void brn_hazard_barrier(brn_hazard *hazard);
/** The host itself reads or writes memory now.
 *  @return BRN_ERR_INTERNAL if a command that touches the same bytes may still run. */
brn_status brn_hazard_host(brn_hazard *hazard, const char *what, const brn_hazard_access *access);
/** The host has waited: all commands are complete, and their results can be seen by it. */
void brn_hazard_complete(brn_hazard *hazard);

#endif
