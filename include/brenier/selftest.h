/** @file selftest.h
 *  Proof on one's own hardware: everything a device computes, beside the double-precision oracle host:f64.
 *
 *  Every kernel, product, network pass, optimizer and sampler runs at odd sizes, batch 1 included, on the
 *  device and on the oracle with the same inputs. An error may be at most
 *
 *      8 eps sqrt(terms of the sum) max|reference|,    eps = 2^-23,
 *
 *  and integers must be identical. (Where a device's name asks for products of rounded operands, cuda:0:tf32 or
 *  cuda:0:half, what contains products is held to 32 eps with eps = 2^-10 instead, the training to 2e-2 of its way, and
 *  the solver's rows to a gradient of 0.2.) Then a Gaussian pair is trained for 50 steps and conjugate problems are
 *  solved. Nothing is printed: results go to a callback.
 */
#ifndef BRENIER_SELFTEST_H
#define BRENIER_SELFTEST_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum brn_selftest_verdict {
    BRN_SELFTEST_HOLDS,
    BRN_SELFTEST_FAILS,      /**< beyond the tolerance, wrote where it must not, or the device failed: see note */
    BRN_SELFTEST_UNSUPPORTED /**< the device says that it cannot do this: see note */
} brn_selftest_verdict;

/** One operation over all its sizes. Texts are valid during the callback. */
typedef struct brn_selftest_result {
    const char *group;     /**< "product", "layer", "solver", "learning", "sampling", "network",
                            *   "optimizer", "training", "conjugate" */
    const char *operation; /**< name of the kernel or of what is computed */
    const char *size;      /**< where the error was largest; "" where all is identical */
    int cases;
    double share;          /**< largest error as share of the tolerance: 1 is the limit */
    double seconds;        /**< of one call at a representative size (1024 rows); NaN where it was not timed */
    bool on_device;        /**< by the device's own clock, not the host's */
    double gflops, gbytes; /**< rates of that call, 10^9 per second; NaN where they mean nothing */
    brn_selftest_verdict verdict;
    const char *note;      /**< the reason where it does not hold; "" */
} brn_selftest_result;

/** Called on the calling thread; return false to stop. */
typedef bool (*brn_selftest_fn)(void *user, const brn_selftest_result *result);

typedef struct brn_selftest_summary {
    bool holds;               /**< every result holds */
    int operations, failed, unsupported, cases;
    double worst;             /**< largest share of a tolerance, */
    char   worst_operation[64]; /**< and whose */
    double seconds;
    bool trained;             /**< the training and the solve came to an end; else the rest is zero */
    double distance;          /**< of the trained parameters from the oracle's, over the way these went */
    double distance_limit;
    double l2_uvp, oracle_l2_uvp; /**< held-out error of the trained map against the closed form, percent */
    double step_seconds;
    bool counted;             /**< the next five are known: of a device with one queue */
    double launches_per_step, products_per_step;
    double submissions_per_step; /**< calls that hand work to a driver */
    double waits_per_step;       /**< for a driver, */
    double waits_per_step_outside; /**< and of these outside the conjugate solver */
    int    solve_rows;
    int    stops[4], oracle_stops[4]; /**< rows of the solve by brn_conjugate_stop */
    double argmin;            /**< largest difference of a coordinate of the solutions */
    double gtol;              /**< tolerance of the solver, which allows twice that */
} brn_selftest_summary;

/** Test an open device. Takes some seconds; needs nothing but the device.
 *  @param result  called for each operation; may be NULL
 *  @param summary [out] may not be NULL
 *  @return BRN_OK whether all holds or not: ask summary->holds. BRN_ERR_STOPPED where `result` asked to
 *          stop, others where the oracle itself failed. */
BRN_API brn_status brn_selftest(brn_device *device, brn_selftest_fn result, void *user, brn_selftest_summary *summary);

#ifdef __cplusplus
}
#endif
#endif
