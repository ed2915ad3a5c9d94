/* Principal directions by orthogonal iteration on the rows themselves: no n x n matrix. */
#include "core/memory.h"
#include "plot/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 60 };

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

static bool normalize(double *a, int n)
{
    double length = sqrt(dot(a, a, n));
    for (int i = 0; length > 0 && i < n; ++i) a[i] /= length;
    return length > 0;
}

/* Make both of length one and orthogonal; a direction that vanished becomes the next free axis. */
static void orthonormalize(double *directions, int n)
{
    double *first = directions, *second = directions + n;
    if (!normalize(first, n)) first[0] = 1;
    for (int axis = 0;; ++axis) {
        double along = dot(first, second, n);
        for (int i = 0; i < n; ++i) second[i] -= along * first[i];
        if (normalize(second, n)) break;
        memset(second, 0, (size_t)n * sizeof *second);
        second[axis % n] = 1;
    }
}

/* out = sum over rows of <row - mean, direction> (row - mean) */
static void apply_covariance(const float *rows, size_t count, int n, const double *mean,
                             const double *direction, double *out)
{
    memset(out, 0, (size_t)n * sizeof *out);
    for (size_t r = 0; r < count; ++r) {
        const float *row = rows + r * (size_t)n;
        double along = 0;
        for (int i = 0; i < n; ++i) along += (row[i] - mean[i]) * direction[i];
        for (int i = 0; i < n; ++i) out[i] += along * (row[i] - mean[i]);
    }
}

brn_status brn_principal_plane(const float *rows, size_t count, int n, double *directions, double *mean)
{
    double *next;
    BRN_TRY(BRN_ALLOC(&next, 2 * (size_t)n, "principal directions"));
    for (int i = 0; i < n; ++i) {
        mean[i] = 0;
        for (size_t r = 0; r < count; ++r) mean[i] += rows[r * (size_t)n + (size_t)i] / (double)count;
        directions[i] = 1 + 1. / (i + 1); /* no axis and no symmetry is left out at the start */
        directions[n + i] = i % 2 ? 1 : -1. / (i + 2);
    }
    orthonormalize(directions, n);
    for (int k = 0; k < ITERATIONS; ++k) {
        for (int d = 0; d < 2; ++d) apply_covariance(rows, count, n, mean, directions + d * n, next + d * n);
        memcpy(directions, next, 2 * (size_t)n * sizeof *next);
        orthonormalize(directions, n);
    }
    free(next);
    return BRN_OK;
}
