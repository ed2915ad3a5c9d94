/* SOAP's bases as a device computes them, judged in double precision: orthonormal, and each row in the span of the
 * rows that it and those before it became. That holds for every matrix, also where the basis itself is determined by
 * rounding, as in the null space of a singular one; a basis computed elsewhere to compare with does not. */
#include "selftest/wholes.h"
#include "core/memory.h"
#include "training/orthonormal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* FULL: of full rank; SINGULAR: a third of the eigenvalues are zero, as in a factor's first steps; GRADED: eigenvalues
 * down to 1e-30, most of them lost in rounding; ZERO: a layer that has no gradient. */
typedef enum { FULL, SINGULAR, GRADED, ZERO, KINDS } kind;
static const char *const kind_names[KINDS] = {"full", "singular", "graded", "zero"};

typedef struct {
    int n;
    double shift;
    brn_buf *mean, *basis, *scratch;
    float *a;            /* the matrix */
    double *from, *to;   /* the basis before and after */
    double *product;     /* a row of from times the matrix */
} bed;

static void close_bed(bed *b)
{
    brn_buf_free(b->mean), brn_buf_free(b->basis), brn_buf_free(b->scratch);
    free(b->a), free(b->from), free(b->to), free(b->product);
}

static brn_status open_bed(bed *b, brn_device *dev, int n)
{
    const size_t count = (size_t)n * (size_t)n;
    *b = (bed){.n = n, .shift = (double)brn_orthogonal_shift(dev)};
    BRN_TRY(brn_buf_create(&b->mean, dev, BRN_REAL, count, "SOAP factor"));
    BRN_TRY(brn_buf_create(&b->basis, dev, BRN_REAL, count, "SOAP basis"));
    BRN_TRY(brn_buf_create(&b->scratch, dev, BRN_REAL, brn_orthonormal_scratch(n), "SOAP refresh"));
    BRN_TRY(BRN_ALLOC(&b->a, count, "SOAP factor"));
    BRN_TRY(BRN_ALLOC(&b->from, count, "SOAP basis"));
    BRN_TRY(BRN_ALLOC(&b->to, count, "SOAP basis"));
    return BRN_ALLOC(&b->product, (size_t)n, "SOAP basis");
}

/* A = sum_k x_k x_k^T of normal vectors, the k-th one's size as the kind wants it. */
static void fill(bed *b, kind what)
{
    const int n = b->n, terms = what == ZERO ? 0 : what == SINGULAR ? (n + 1) / 3 * 2 : 2 * n;
    brn_rng rng = brn_rng_start(31, (uint32_t)(n * KINDS + (int)what));
    double *x = b->product;
    for (int i = 0; i < n * n; ++i) b->a[i] = 0, b->from[i] = i / n == i % n;
    for (int k = 0; k < terms; ++k) {
        const double size = what == GRADED ? pow(10, -15.0 * k / terms) : 1;
        for (int i = 0; i < n; ++i) x[i] = size * brn_rng_normal(&rng);
        for (int i = 0; i < n * n; ++i) b->a[i] += (float)(x[i / n] * x[i % n]);
    }
}

static double dot(const double *x, const double *y, int n)
{
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += x[i] * y[i];
    return sum;
}

static double trace_of(const bed *b)
{
    double sum = 0;
    for (int i = 0; i < b->n; ++i) sum += (double)b->a[i * b->n + i];
    return sum;
}

/* product = row i of `from` times A / trace + shift */
static void multiply(bed *b, int i, double trace)
{
    const double *row = b->from + i * b->n;
    for (int c = 0; c < b->n; ++c) {
        double sum = 0;
        for (int k = 0; k < b->n; ++k) sum += row[k] * (double)b->a[k * b->n + c];
        b->product[c] = (trace > 0 ? sum / trace : 0) + b->shift * row[c];
    }
}

/* Largest |<to_i, to_j> - delta|, and share of a product along rows below its own. The products themselves are rounded
 * at the size of the largest row. */
static double worst_error(bed *b)
{
    const double trace = trace_of(b);
    double worst = 0;
    for (int i = 0; i < b->n; ++i) {
        multiply(b, i, trace);
        const double size = trace > 0 ? 1 : b->shift;
        for (int j = 0; j < b->n; ++j) {
            worst = brn_parity_worse(worst, dot(b->to + i * b->n, b->to + j * b->n, b->n), i == j);
            if (j > i) worst = brn_parity_worse(worst, dot(b->product, b->to + j * b->n, b->n) / size, 0);
        }
    }
    return worst;
}

static brn_status check(bed *b, brn_queue *q, kind what, brn_parity *parity)
{
    enum { ROUNDS = 3 };
    const brn_view mean = {b->mean, 0}, basis = {b->basis, 0};
    const size_t count = (size_t)b->n * (size_t)b->n;
    fill(b, what);
    BRN_TRY(brn_write_f32(q, mean, b->a, count));
    BRN_TRY(brn_write_f64(q, basis, b->from, count));
    for (int round = 1; round <= ROUNDS; ++round) {
        BRN_TRY(brn_orthogonal_iteration(q, mean, basis, b->n, (brn_view){b->scratch, 0}));
        BRN_TRY(brn_read_f64(q, basis, b->to, count));
        const double share = worst_error(b) / brn_parity_tolerance(b->n);
        ++parity->cases;
        if (share > parity->share) snprintf(parity->worst, sizeof parity->worst, "%s, width %d, round %d", kind_names[what], b->n, round);
        if (share > parity->share) parity->share = share;
        for (size_t i = 0; i < count; ++i) b->from[i] = b->to[i];
    }
    return BRN_OK;
}

brn_status brn_bases_check(brn_device *dev, brn_parity *parity)
{
    static const int widths[] = {2, 3, 31, 32, 33, 65, 129};
    *parity = (brn_parity){0};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; ++i) {
        bed b;
        brn_status status = open_bed(&b, dev, widths[i]);
        for (int what = 0; what < KINDS && status == BRN_OK; ++what) status = check(&b, brn_device_queue(dev, 0), (kind)what, parity);
        close_bed(&b);
        BRN_TRY(status);
    }
    return BRN_OK;
}
