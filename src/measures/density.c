/* Densities of the measures that have one in closed form: blobs, the crescent, mixtures of Gaussians. */
#include "core/blas.h"
#include "core/linalg.h"
#include "core/memory.h"
#include "measures/kinds.h"

#include <math.h>
#include <stdlib.h>

static const double LOG_2PI = 1.8378770664093454836;

/* log N(0, 1) at z */
static double log_normal(double z) { return -(z * z + LOG_2PI) / 2; }

/* log(exp(a) + exp(b)) */
static double log_add(double a, double b)
{
    const double high = fmax(a, b);
    return isinf(high) ? high : high + log1p(exp(fmin(a, b) - high));
}

static double blobs(const brn_shape2d *s, const float *x)
{
    const double tau = 6.28318530717958647692, components = s->count + s->centre;
    double sum = -INFINITY;
    for (int k = 0; k < s->count + s->centre; ++k) {
        const double turn = tau * (s->phase + (double)k / s->count), radius = k < s->count ? s->radius : 0;
        const double u = (x[0] - radius * cos(turn)) / s->noise, v = (x[1] - radius * sin(turn)) / s->noise;
        sum = log_add(sum, log_normal(u) + log_normal(v));
    }
    return sum - 2 * log(s->noise) - log(components);
}

/* x_0 = (u + v^2) / 2 - 2 and x_1 = v: volumes are halved. */
static double crescent(const brn_shape2d *s, const float *x)
{
    const double v = x[1], u = 2 * (x[0] + 2.0) - v * v;
    return log_normal(u / s->noise) + log_normal(v / s->noise) - 2 * log(s->noise) + log(2);
}

/* One component N(c, A A^T) with the Cholesky factor L of its covariance. */
typedef struct {
    double *factor, *centre; /* [n][n], [n] */
    double constant;         /* log of weight and normalisation */
} component;

static double log_component(const component *k, int n, const float *x, double *z)
{
    double sum = 0;
    for (int i = 0; i < n; ++i) { /* z = L^-1 (x - c) */
        const double *row = k->factor + (size_t)i * (size_t)n;
        z[i] = x[i] - k->centre[i];
        for (int j = 0; j < i; ++j) z[i] -= row[j] * z[j];
        z[i] /= row[i];
        sum += z[i] * z[i];
    }
    return k->constant - sum / 2;
}

/* A^T comes back from the device, where it is what draws are made with. */
static brn_status read_component(const brn_pair *pair, const brn_mixture *m, int k, double *map, component *c)
{
    const int n = pair->n;
    const size_t d = (size_t)n;
    const brn_dense affine = brn_affine(m->maps, n, k);
    brn_queue *q = brn_device_queue(pair->dev, 0);
    BRN_TRY(brn_read_f64(q, (brn_view){m->maps, affine.weight}, map, d * d));
    BRN_TRY(brn_read_f64(q, (brn_view){m->maps, (size_t)affine.bias}, c->centre, d));
    BRN_TRY(brn_blas_load());
    brn_blas.dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, n, 1, map, n, map, n, 0, c->factor, n);
    bool definite;
    double log_det;
    BRN_TRY(brn_cholesky(n, c->factor, &definite, &log_det));
    if (!definite) return brn_fail(BRN_ERR_INPUT, "component %d of pair \"%s\" has no density: its covariance is singular", k + 1, pair->name);
    const double below = k ? (double)(uint32_t)m->host_limits[k - 1] : 0, up = k + 1 < m->count ? (double)(uint32_t)m->host_limits[k] : 0x1p32;
    c->constant = log((up - below) / 0x1p32) - log_det / 2 - n * LOG_2PI / 2;
    return BRN_OK;
}

static brn_status mixture(const brn_pair *pair, const brn_mixture *m, const float *rows, size_t count, double *value)
{
    const size_t n = (size_t)pair->n;
    double *map;
    component c = {0};
    BRN_TRY(BRN_ALLOC(&map, 2 * n * n + 2 * n, "density"));
    c.factor = map + n * n, c.centre = c.factor + n * n;
    brn_status status = BRN_OK;
    for (size_t r = 0; r < count; ++r) value[r] = -INFINITY;
    for (int k = 0; k < m->count; ++k) {
        BRN_GO(read_component(pair, m, k, map, &c));
        for (size_t r = 0; r < count; ++r) value[r] = log_add(value[r], log_component(&c, pair->n, rows + r * n, c.centre + n));
    }
done:
    free(map);
    return status;
}

bool brn_pair_has_density(const brn_pair *pair, brn_side side)
{
    const brn_measure *m = &pair->side[side];
    if (m->kind == BRN_MEASURE_MIXTURE) return !pair->standardized;
    return m->kind == BRN_MEASURE_SHAPE2D && (m->shape.kind == BRN_SHAPE_BLOBS || m->shape.kind == BRN_SHAPE_CRESCENT);
}

brn_status brn_pair_log_density(brn_pair *pair, brn_side side, const float *rows, size_t count, double *value)
{
    const brn_measure *m = &pair->side[side];
    if (!brn_pair_has_density(pair, side))
        return brn_fail(BRN_ERR_UNSUPPORTED, "the density of the %s of pair \"%s\" is not known", side == BRN_SOURCE ? "source" : "target", pair->name);
    if (m->kind == BRN_MEASURE_MIXTURE) return mixture(pair, &m->mixture, rows, count, value);
    for (size_t r = 0; r < count; ++r)
        value[r] = m->shape.kind == BRN_SHAPE_BLOBS ? blobs(&m->shape, rows + 2 * r) : crescent(&m->shape, rows + 2 * r);
    return BRN_OK;
}
