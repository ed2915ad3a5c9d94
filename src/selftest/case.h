/* The parity table: every kernel and every dense operation, described once.
 *
 * An operation describes its buffers; the harness fills them with the same numbers on a device and on the
 * double-precision oracle, NaN where nothing may be read (lanes past the last row, results that are only
 * written) and a canary past the rows of what is written, runs, and compares. The tests and
 * `brenier selftest` run the same table. */
#ifndef BRN_SELFTEST_CASE_H
#define BRN_SELFTEST_CASE_H

#include "compute/backend.h"
#include "core/philox.h"

#include <string.h>

typedef struct brn_case {
    int rows, feats, depth; /* depth: inner index of products, or what the operation makes of it */
    int kind, variant;      /* activation; which form of the operation */
} brn_case;

/** SCRATCH may be left in any state. */
typedef enum { BRN_CASE_READ, BRN_CASE_WRITTEN, BRN_CASE_UPDATED, BRN_CASE_SCRATCH } brn_case_access;

/** Start value of element (i, r); of a flat buffer i = 0. */
typedef double (*brn_case_fill)(const brn_case *c, int i, int r, brn_rng *rng);

/** One buffer: a matrix of feats x rows, or with flat a vector of feats elements. */
typedef struct brn_case_buffer {
    int feats;
    bool flat;
    brn_case_access access;
    int pad;            /* lanes past the last row; 0: another number for each buffer */
    int cols;           /* 0: rows */
    brn_case_fill fill; /* NULL: numbers whose sums do not cancel */
    double size;        /* of what is measured, where a few samples may all be smaller: least scale of errors */
    bool integer;       /* compared exactly */
    bool each;          /* every feature has its own scale */
    unsigned exact;     /* with `each`: bit i: feature i is compared exactly */
    unsigned epsilons;  /* with `each`: bit i: feature i is in units of the device's rounding error */
} brn_case_buffer;

enum { BRN_CASE_BUFFERS = 8 };

typedef struct brn_operation {
    const char *group, *name;
    int variants;
    bool activations; /* run for each kind */
    int (*reduction)(const brn_case *c);
    void (*layout)(const brn_case *c, brn_case_buffer *buffers);
    brn_status (*run)(brn_queue *q, const brn_case *c, const brn_mat *m);
    double flops;     /* per row and feature; negative: times depth */
    brn_case large;   /* a representative size for times and rates; 0: the default's number */
} brn_operation;

/** The table, in parts by file. */
typedef struct brn_operation_list {
    const brn_operation *operation;
    int count;
} brn_operation_list;
extern const brn_operation_list brn_layer_operations, brn_small_operations, brn_solver_operations, brn_learning_operations, brn_draw_operations;

int brn_operation_count(void);
const brn_operation *brn_operation_at(int i);

/** The error that parity allows, scaled by max|reference|, for sums over `reduction` terms: 8 eps
 *  sqrt(reduction) of single precision. The one place where it is stated. */
double brn_parity_tolerance(int reduction);

/** The larger of `error` and |found - expected|; a NaN on one side only is infinitely wrong. */
double brn_parity_worse(double error, double found, double expected);

/** Worst error of a vector as share of the tolerance, scaled by `scale` or, if that is 0, by max|expected|. */
double brn_parity_share(const double *found, const double *expected, size_t count, int reduction, double scale);

/** What a run of cases came to. */
typedef struct brn_parity {
    int cases;
    double share;    /* worst */
    char worst[96];  /* the case it was; "" while all is identical */
    char fault[160]; /* what was wrong beside numbers; "" */
} brn_parity;

/** One case on a device and on the oracle. */
brn_status brn_operation_check(brn_device *dev, brn_device *oracle, const brn_operation *op, const brn_case *c, uint32_t stream,
                               brn_parity *parity);
/** All sizes, kinds and variants. */
brn_status brn_operation_check_all(brn_device *dev, brn_device *oracle, const brn_operation *op, brn_parity *parity);

/** Seconds of one call at the representative size, and the work it is. */
typedef struct brn_rate {
    double seconds, flops, bytes;
    bool on_device; /* by the device's own clock */
} brn_rate;
brn_status brn_operation_time(brn_device *dev, const brn_operation *op, brn_rate *rate);

/** What is timed on a queue: `wait` ends with the device idle; `reset` (may be NULL) brings back the inputs after some calls,
 *  before what is updated over and over becomes zero or infinite. */
typedef struct brn_timed {
    brn_queue *q;
    brn_status (*run)(void *context), (*wait)(void *context), (*reset)(void *context);
} brn_timed;
/** Seconds of one call, by the device's own clock where it has one. */
brn_status brn_time_calls(const brn_timed *what, void *context, brn_rate *rate);

/* ---- for the files that describe operations ---------------------------------------------------- */

#define BRN_CASE_VIEWS2 brn_mat_view(m[0]), brn_mat_view(m[1])
#define BRN_CASE_VIEWS3 BRN_CASE_VIEWS2, brn_mat_view(m[2])
#define BRN_CASE_VIEWS4 BRN_CASE_VIEWS3, brn_mat_view(m[3])
#define BRN_CASE_LAYOUT(name, ...)                                                                           \
    static void layout_##name(const brn_case *c, brn_case_buffer *b)                                         \
    {                                                                                                        \
        const brn_case_buffer list[] = {__VA_ARGS__};                                                        \
        (void)c;                                                                                             \
        memcpy(b, list, sizeof list);                                                                        \
    }
/* BRN_MATRIX(READ, feats, .pad = 1) */
#define BRN_MATRIX(access_, feats_, ...) {.feats = (feats_), .access = BRN_CASE_##access_, __VA_ARGS__}
#define BRN_VECTOR(access_, feats_, ...) {.feats = (feats_), .flat = true, .access = BRN_CASE_##access_, __VA_ARGS__}
#define BRN_CASE_RUN(name) static brn_status run_##name(brn_queue *q, const brn_case *c, const brn_mat *m)

static inline int brn_case_one(const brn_case *c) { return (void)c, 1; }
static inline int brn_case_feats(const brn_case *c) { return c->feats; }
static inline int brn_case_depth(const brn_case *c) { return c->depth; }
static inline int brn_case_rows(const brn_case *c) { return c->rows; }
static inline int brn_case_all(const brn_case *c) { return c->rows * c->feats; }

/** A number in [low, high). */
static inline double brn_case_between(brn_rng *rng, double low, double high) { return low + (high - low) * brn_rng_uniform(rng); }
static inline double brn_case_positive(const brn_case *c, int i, int r, brn_rng *rng)
{
    (void)c, (void)i, (void)r;
    return brn_case_between(rng, 0.1, 1);
}

#endif
