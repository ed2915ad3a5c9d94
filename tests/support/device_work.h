/* What every device with a queue of its own has to show, whatever its backend. Each opens the device by name;
 * the caller has made sure that it is there. */
#ifndef BRN_TESTS_DEVICE_WORK_H
#define BRN_TESTS_DEVICE_WORK_H

#include "support/devices.h"
#include "training/trainer.h"

/** Writes return before they are done and their source may change at once, through every half of a staging
 *  memory and past its size. */
void test_sources_of_writes_may_be_reused(const char *device);

/** Buffers larger than any memory are refused, by name. */
void test_buffers_beyond_the_device(const char *device);

/** The programs kept on disk whose name begins with `name`, XDG_CACHE_HOME being `cache`: their number, and the path of one. */
int test_kept_programs(const char *cache, const char *name, char path[static 512]);

/** Products of odd sizes in all transpositions, between views that begin within their buffers, against double
 *  precision; elements beside the result stay. `way` names what multiplies. */
void test_products(const char *device, const char *way);

/** A small training between Gaussians in n dimensions, step by step: the preset for 2-D with assignments to its settings,
 *  spaces between them, or the one of another preset, named first. */
typedef struct test_training {
    brn_settings settings;
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *trainer;
} test_training;
void test_training_begin(test_training *t, const char *device, int n, int batch, const char *assignments);
void test_training_end(test_training *t);

/** Sums over `steps` steps of one, the first steps left out, and its state at the end. */
typedef struct test_step_counts {
    int steps;
    double submissions, waits, commands;
    double replays; /* of the submissions: recorded before */
    double rounds;  /* of the conjugate solver */
    double most_submissions, most_waits; /* of a step */
    double loss; /* of the last step */
} test_step_counts;
test_step_counts test_count_steps(const char *device, int n, int batch, const char *assignments);

#endif
