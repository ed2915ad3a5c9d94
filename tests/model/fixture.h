/* Small models without training. */
#ifndef BRN_TESTS_MODEL_FIXTURE_H
#define BRN_TESTS_MODEL_FIXTURE_H

#include "model/model.h"
#include "support/devices.h"

/** Settings of a small input-convex potential (gradient maps are then invertible) or MLP. */
brn_settings model_settings(int n, brn_potential_kind kind);

/** Model with random parameters on an open device; with `standardized` its scale is 2.5 and its shifts
 *  are 1 + i (source) and -2 + i / 2 (target). */
brn_model *model_make(brn_device *dev, const brn_settings *settings, int n, bool standardized);

/** Standard normal numbers. */
void model_normal(float *rows, size_t count, uint32_t stream);

#endif
