/* Memory and sizes. Every size that comes from outside goes through the checked products. */
#ifndef BRN_CORE_MEMORY_H
#define BRN_CORE_MEMORY_H

#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Alignment of every block, in bytes: a cache line, and the widest vector of any host. */
#define BRN_ALIGN 64

/** a * b into *out; false (and *out untouched) if it does not fit. */
static inline bool brn_mul_size(size_t a, size_t b, size_t *out)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) return false;
    *out = product;
    return true;
}

/** Allocate count * size zeroed, BRN_ALIGN-aligned bytes into *block; release with free().
 *  Fails with BRN_ERR_MEMORY and a line naming `what` and the size; *block is then NULL. A count of
 *  zero gives a valid block. */
brn_status brn_alloc_bytes(void **block, size_t count, size_t size, const char *what);

/** Typed form: float *p; BRN_TRY(BRN_ALLOC(&p, n, "samples")). */
#define BRN_ALLOC(pointer, count, what) brn_alloc_bytes((void **)(pointer), (count), sizeof **(pointer), (what))

/** Room in a growing array: *block holds `count` elements and has room for *room of them; afterwards it has for `more`
 *  besides, with zeros in all that is free. After a failure everything is as it was. */
brn_status brn_grow_bytes(void **block, size_t *room, size_t count, size_t more, size_t size, const char *what);

/** Typed form: BRN_TRY(BRN_GROW(&list->at, &list->room, list->count, 1, "commands")). */
#define BRN_GROW(pointer, room, count, more, what) \
    brn_grow_bytes((void **)(pointer), (room), (size_t)(count), (size_t)(more), sizeof **(pointer), (what))

/** Heap copy of a text; NULL gives NULL in *copy. */
brn_status brn_strdup(char **copy, const char *text);

/** Test hook: the n-th allocation from now fails (0 = none does). */
void brn_alloc_fail_at(long n);

#endif
