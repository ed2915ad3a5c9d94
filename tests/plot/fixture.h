/* A trained model, its pair, and a folder for its figures. */
#ifndef BRN_TESTS_PLOT_FIXTURE_H
#define BRN_TESTS_PLOT_FIXTURE_H

#include "support/support.h"
#include <brenier/brenier.h>

extern char dir[64];
extern brn_device *device;
extern brn_pair *pair;
extern brn_model *model;

/** Train on one thread from a preset and assignments to its settings. */
void plot_open(const char *preset, int count, const char *const *assignments);
void plot_close(void);

#endif
