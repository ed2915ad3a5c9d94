#include "common/inject.h"

#include <stdatomic.h>

static _Atomic bool armed, lasting;
static _Atomic long left; /* calls to come up to the failing one */
static _Atomic int result;

void brn_inject(long n, int code, bool for_good)
{
    atomic_store(&left, n);
    atomic_store(&result, code);
    atomic_store(&lasting, for_good);
    atomic_store(&armed, n > 0);
}

bool brn_inject_pending(void) { return atomic_load(&armed) && atomic_load(&left) > 0; }

int brn_injected(void)
{
    if (!atomic_load_explicit(&armed, memory_order_relaxed)) return 0;
    const long now = atomic_fetch_sub(&left, 1);
    return now == 1 || (now < 1 && atomic_load(&lasting)) ? atomic_load(&result) : 0;
}
