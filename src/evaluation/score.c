#include "evaluation/score.h"

#include <math.h>

double brn_mean_square(size_t count, int n, const float *rows)
{
    double sum = 0;
    for (size_t k = 0; k < count * (size_t)n; ++k) sum += (double)rows[k] * rows[k];
    return sum / (double)count;
}

/* Total variance, a coordinate at a time about its mean. */
static double total_variance(size_t count, int n, const float *rows)
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

double brn_l2_uvp(size_t count, int n, const float *estimate, const float *truth)
{
    double error = 0;
    for (size_t k = 0; k < count * (size_t)n; ++k) {
        const double e = (double)estimate[k] - truth[k];
        error += e * e;
    }
    return 100 * error / (double)count / total_variance(count, n, truth);
}

double brn_cosine(size_t count, int n, const float *x, const float *estimate, const float *truth)
{
    double both = 0, of_estimate = 0, of_truth = 0;
    for (size_t k = 0; k < count * (size_t)n; ++k) {
        const double a = (double)estimate[k] - x[k], b = (double)truth[k] - x[k];
        both += a * b;
        of_estimate += a * a;
        of_truth += b * b;
    }
    const double size = sqrt(of_estimate) * sqrt(of_truth);
    return size == 0 ? 0 : both / size;
}
