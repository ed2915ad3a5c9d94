/* Time for people: progress, benchmarks. Nothing that is computed depends on it. */
#ifndef BRN_CORE_CLOCK_H
#define BRN_CORE_CLOCK_H

#include <time.h>

/** Seconds of a clock that only goes forward. */
static inline double brn_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
