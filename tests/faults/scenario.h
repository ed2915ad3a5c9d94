/* Small but whole uses of the library, which the tests of this folder break at every point. */
#ifndef BRN_TESTS_FAULTS_SCENARIO_H
#define BRN_TESTS_FAULTS_SCENARIO_H

#include "support/support.h"
#include <brenier/settings.h>

/** Settings of a training of a few milliseconds and four steps with two evaluations into `folder` ("":
 *  none), with `assignments` ("key=value", ends with NULL) over them. */
brn_settings scenario_settings(const char *folder, const char *const *assignments);

/** Write rows to be trained on into DIR/a.csv (with a column "w" of weights) and DIR/b.csv, and name
 *  them in the settings. */
void scenario_rows(brn_settings *s, const char *dir);

/** Open the device, train, score, close everything: the first failure is returned. */
brn_status scenario_run(const brn_settings *s, int threads);

/** The same, stopped after its second step. */
brn_status scenario_run_half(const brn_settings *s);

/** A training into `folder`, stopped after its second step, to be continued by scenario_run; and whether its
 *  checkpoint is still the one that was read then (release with free()). */
char *scenario_checkpoint(const brn_settings *s, size_t *length);
bool scenario_checkpoint_is(const brn_settings *s, const char *former, size_t length);

#endif
