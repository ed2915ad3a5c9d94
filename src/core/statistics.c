#include "core/statistics.h"

int brn_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double brn_total_variance(size_t count, int n, const float *rows)
{
    const size_t d = (size_t)n;
    double sum = 0;
    for (size_t i = 0; i < d; ++i) {
        double mean = 0;
        for (size_t r = 0; r < count; ++r) mean += rows[r * d + i];
        mean /= (double)count;
        for (size_t r = 0; r < count; ++r) sum += (rows[r * d + i] - mean) * (rows[r * d + i] - mean);
    }
    return sum / (double)count;
}
