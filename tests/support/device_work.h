/* What every device with a queue of its own has to show, whatever its backend. Each opens the device by name;
 * the caller has made sure that it is there. */
#ifndef BRN_TESTS_DEVICE_WORK_H
#define BRN_TESTS_DEVICE_WORK_H

#include "support/devices.h"

/** Writes return before they are done and their source may change at once, through every half of a staging
 *  memory and past its size. */
void test_sources_of_writes_may_be_reused(const char *device);

/** Products of odd sizes in all transpositions, between views that begin within their buffers, against double
 *  precision; elements beside the result stay. `way` names what multiplies. */
void test_products(const char *device, const char *way);

/** Sums over `steps` steps of a small training between Gaussians, the first steps left out, and its state at the end. */
typedef struct test_step_counts {
    int steps;
    double submissions, waits, commands;
    double rounds; /* of the conjugate solver */
    double most_submissions, most_waits; /* of a step */
    double loss; /* of the last step */
} test_step_counts;
/** The preset for 2-D in n dimensions, with assignments to its settings, spaces between them. */
test_step_counts test_count_steps(const char *device, int n, int batch, const char *assignments);

#endif
