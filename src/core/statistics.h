/* Small statistics of numbers in memory. */
#ifndef BRN_CORE_STATISTICS_H
#define BRN_CORE_STATISTICS_H

#include <stddef.h>

/** For qsort: two doubles, the smaller first. */
int brn_ascending(const void *a, const void *b);

/** Sum over the n coordinates of the variance of `count` rows, each about its mean. */
double brn_total_variance(size_t count, int n, const float *rows);

#endif
