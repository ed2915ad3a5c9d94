/* Compiled programs on disk, in brenier/programs of the XDG cache folder ($XDG_CACHE_HOME, else ~/.cache).
 *
 * A program is filed under a digest of everything that it depends on: its source, the options, the device
 * and the driver's version. The cache only saves time. A file that is damaged, cut short or foreign counts
 * as absent, and so does the whole cache where its folder cannot be used; nothing but memory can fail.
 */
#ifndef BRN_PROGRAM_CACHE_H
#define BRN_PROGRAM_CACHE_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A digest that grows with each text added: FNV-1a of 128 bits. */
typedef struct brn_program_key {
    uint64_t high, low;
} brn_program_key;

brn_program_key brn_program_key_start(void);
/** Add bytes; their number is part of the digest, so that ("ab", "c") and ("a", "bc") differ. */
void brn_program_key_add(brn_program_key *key, const void *bytes, size_t count);
void brn_program_key_text(brn_program_key *key, const char *text);

/** The program of this key: *bytes (to be freed) and *size, or NULL and 0 where there is none. `kind` is a
 *  short name for the file, as in "opencl-mul". */
brn_status brn_program_cache_load(const char *kind, const brn_program_key *key, void **bytes, size_t *size);

/** Keep a program, in place of any former one. True if it is on disk now. */
bool brn_program_cache_store(const char *kind, const brn_program_key *key, const void *bytes, size_t size);

/** Forget a program that turned out to be unusable. */
void brn_program_cache_drop(const char *kind, const brn_program_key *key);

/** Keep a compiler's log beside the programs, as KIND.log; `path` names it, or is "" where that failed. */
void brn_program_cache_log(const char *kind, const char *text, char path[static 512]);

#endif
