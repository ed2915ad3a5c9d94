#include "evaluation/score.h"
#include "core/statistics.h"

#include <math.h>

double brn_mean_square(size_t count, int n, const float *rows)
{
    double sum = 0;
    for (size_t k = 0; k < count * (size_t)n; ++k) sum += (double)rows[k] * rows[k];
    return sum / (double)count;
}

double brn_l2_uvp(size_t count, int n, const float *estimate, const float *truth)
{
    double error = 0;
    for (size_t k = 0; k < count * (size_t)n; ++k) {
        const double e = (double)estimate[k] - truth[k];
        error += e * e;
    }
    return 100 * error / (double)count / brn_total_variance(count, n, truth);
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
