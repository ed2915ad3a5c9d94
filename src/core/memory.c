#include "core/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic long fail_at; /* counts down; 0 = never */

void brn_alloc_fail_at(long n) { atomic_store(&fail_at, n); }

static bool injected_failure(void)
{
    if (atomic_load_explicit(&fail_at, memory_order_relaxed) == 0) return false;
    return atomic_fetch_sub(&fail_at, 1) == 1;
}

brn_status brn_alloc_bytes(void **block, size_t count, size_t size, const char *what)
{
    size_t bytes;
    *block = NULL;
    if (!brn_mul_size(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return brn_fail(BRN_ERR_MEMORY, "%s: %zu x %zu bytes is more than a process can address", what, count, size);
    bytes = bytes ? (bytes + BRN_ALIGN - 1) / BRN_ALIGN * BRN_ALIGN : BRN_ALIGN;
    void *p = injected_failure() ? NULL : aligned_alloc(BRN_ALIGN, bytes);
    if (!p) return brn_fail(BRN_ERR_MEMORY, "%s: cannot allocate %.1f MiB", what, (double)bytes / 1048576.0);
    memset(p, 0, bytes);
    *block = p;
    return BRN_OK;
}

brn_status brn_grow_bytes(void **block, size_t *room, size_t count, size_t more, size_t size, const char *what)
{
    void *larger;
    if (count + more <= *room) return BRN_OK;
    const size_t wanted = 2 * (count + more) + 16;
    BRN_TRY(brn_alloc_bytes(&larger, wanted, size, what));
    if (count) memcpy(larger, *block, count * size);
    free(*block);
    *block = larger;
    *room = wanted;
    return BRN_OK;
}

brn_status brn_strdup(char **copy, const char *text)
{
    *copy = NULL;
    if (!text) return BRN_OK;
    size_t n = strlen(text) + 1;
    BRN_TRY(BRN_ALLOC(copy, n, "text"));
    memcpy(*copy, text, n);
    return BRN_OK;
}
