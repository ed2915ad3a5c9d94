/* A device that books memory and computes nothing. What runs on it allocates as it would on a real device: a plan of
 * memory made this way cannot drift from the code. */
#ifndef BRN_COMPUTE_DRY_H
#define BRN_COMPUTE_DRY_H

#include "compute/backend.h"

/** Bytes under one name, as brn_buf_create was given it. */
typedef struct brn_dry_entry {
    const char *what;
    uint64_t bytes, peak;
} brn_dry_entry;

/** With the queues and the reals of `like`, and tiles of tile_rows. Everything read from it is zero. */
brn_status brn_dry_open(brn_device **dry, const brn_device *like, int tile_rows);
void brn_dry_close(brn_device *dry);

/** The names so far. */
int brn_dry_entries(const brn_device *dry, const brn_dry_entry **entries);

#endif
