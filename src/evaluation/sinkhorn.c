#include "evaluation/sinkhorn.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

static const double EPSILON_SHARE = 0.05, MARGINAL_ERROR = 1e-4;
/* Scalings beyond e^(+-50) move into the potentials, far from where a double overflows. */
static const double MOST_LOG = 50;
enum { MOST_ITERATIONS = 5000 };

/* Plan P_ij = u_i K_ij v_j / m^2 with K_ij = exp((f_i + g_j - C_ij) / epsilon). */
typedef struct {
    size_t m;
    double epsilon;
    double *memory, *cost, *kernel, *f, *g, *u, *v;
} problem;

static brn_status create(problem *p, size_t m)
{
    size_t square;
    *p = (problem){.m = m};
    if (!brn_mul_size(m, m, &square) || square > SIZE_MAX / 4 / sizeof(double))
        return brn_fail(BRN_ERR_MEMORY, "Sinkhorn divergence of %zu points: too many", m);
    BRN_TRY(BRN_ALLOC(&p->memory, 2 * square + 4 * m, "Sinkhorn divergence"));
    p->cost = p->memory;
    p->kernel = p->cost + square;
    p->f = p->kernel + square, p->g = p->f + m, p->u = p->g + m, p->v = p->u + m;
    return BRN_OK;
}

/* All costs; their mean. */
static double set_costs(problem *p, int n, const float *x, const float *y)
{
    const size_t m = p->m, d = (size_t)n;
    double total = 0;
    for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < m; ++j) {
            double sum = 0;
            for (size_t k = 0; k < d; ++k) {
                const double e = (double)x[i * d + k] - y[j * d + k];
                sum += e * e;
            }
            total += p->cost[i * m + j] = sum / 2;
        }
    return total / (double)(m * m);
}

/* Potentials that leave an entry 1 in every row and column of K, and none above: nothing under- or
 * overflows however far a point lies from all others. */
static void start(problem *p)
{
    const size_t m = p->m;
    for (size_t i = 0; i < m; ++i) {
        p->f[i] = INFINITY;
        for (size_t j = 0; j < m; ++j) p->f[i] = fmin(p->f[i], p->cost[i * m + j]);
    }
    for (size_t j = 0; j < m; ++j) {
        p->g[j] = INFINITY;
        for (size_t i = 0; i < m; ++i) p->g[j] = fmin(p->g[j], p->cost[i * m + j] - p->f[i]);
    }
    for (size_t i = 0; i < m; ++i) p->u[i] = p->v[i] = 1;
}

static void set_kernel(problem *p)
{
    const size_t m = p->m;
    for (size_t i = 0; i < m; ++i) {
        p->f[i] += p->epsilon * log(p->u[i]);
        p->g[i] += p->epsilon * log(p->v[i]);
        p->u[i] = p->v[i] = 1;
    }
    for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < m; ++j) p->kernel[i * m + j] = exp((p->f[i] + p->g[j] - p->cost[i * m + j]) / p->epsilon);
}

/* u = 1 / mean over columns; how far the rows' marginals were off before. */
static double scale_rows(problem *p)
{
    const size_t m = p->m;
    double error = 0;
    for (size_t i = 0; i < m; ++i) {
        double sum = 0;
        for (size_t j = 0; j < m; ++j) sum += p->kernel[i * m + j] * p->v[j];
        sum /= (double)m;
        error += fabs(p->u[i] * sum - 1);
        p->u[i] = 1 / sum;
    }
    return error / (double)m;
}

static void scale_columns(problem *p)
{
    const size_t m = p->m;
    for (size_t j = 0; j < m; ++j) p->v[j] = 0;
    for (size_t i = 0; i < m; ++i)
        for (size_t j = 0; j < m; ++j) p->v[j] += p->kernel[i * m + j] * p->u[i];
    for (size_t j = 0; j < m; ++j) p->v[j] = (double)m / p->v[j];
}

/* u = v, for points against themselves: the mean of the logarithms of u and of what the rows ask for at least halves the
 * error, where taking turns would creep. */
static double scale_both(problem *p)
{
    const size_t m = p->m;
    const double error = scale_rows(p);
    for (size_t i = 0; i < m; ++i) p->u[i] = p->v[i] = sqrt(p->u[i] * p->v[i]);
    return error;
}

static bool too_large(const problem *p)
{
    for (size_t i = 0; i < p->m; ++i)
        if (fabs(log(p->u[i])) > MOST_LOG || fabs(log(p->v[i])) > MOST_LOG) return true;
    return false;
}

/* OT from its dual: the columns' marginals are exact after scale_columns. */
static double transport(problem *p, bool itself)
{
    start(p);
    set_kernel(p);
    for (int k = 0; k < MOST_ITERATIONS; ++k) {
        const double error = itself ? scale_both(p) : scale_rows(p);
        if (!itself) scale_columns(p);
        if (k && error < MARGINAL_ERROR) break;
        if (too_large(p)) set_kernel(p);
    }
    if (itself) scale_columns(p);
    double sum = 0;
    for (size_t i = 0; i < p->m; ++i) sum += p->f[i] + p->g[i] + p->epsilon * (log(p->u[i]) + log(p->v[i]));
    return sum / (double)p->m;
}

static bool finite_rows(size_t count, const float *rows)
{
    for (size_t k = 0; k < count; ++k)
        if (!isfinite(rows[k])) return false;
    return true;
}

brn_status brn_sinkhorn_divergence(size_t count, int n, const float *x, const float *y, double *divergence)
{
    problem p;
    *divergence = NAN;
    if (!finite_rows(count * (size_t)n, x) || !finite_rows(count * (size_t)n, y)) return BRN_OK;
    BRN_TRY(create(&p, count));
    p.epsilon = EPSILON_SHARE * set_costs(&p, n, x, y);
    *divergence = 0;
    if (p.epsilon > 0) { /* else all points are one */
        const double both = transport(&p, false);
        set_costs(&p, n, x, x);
        const double of_x = transport(&p, true);
        set_costs(&p, n, y, y);
        *divergence = both - (of_x + transport(&p, true)) / 2;
    }
    free(p.memory);
    return BRN_OK;
}
