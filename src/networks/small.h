/* A small potential's value and gradient in one launch, see shaders/small_value_grad.k. */
#ifndef BRN_NETWORKS_SMALL_H
#define BRN_NETWORKS_SMALL_H

#include "networks/potential.h"

/** Can the kernel take this potential? */
bool brn_small_fits(const brn_pot *f);
/** Does the device take it so, for this many rows? BRENIER_FUSE=off|on decides for every device and number. */
bool brn_small_wanted(const brn_device *dev, const brn_pot_work *w, int rows);

/** The kernel's plan of the layers, for the tape of this workspace: made where the potential fits. */
brn_status brn_small_plan(brn_pot_work *w, const brn_pot *f);

brn_status brn_small_value_grad(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat x, brn_mat value, brn_mat grad);

#endif
