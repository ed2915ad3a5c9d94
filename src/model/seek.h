/* Where a conjugate solve starts. A potential that is not convex has wells that a descent from the prediction never
 * sees. Where source samples lie f is pushed down, and nothing holds it while no conjugate ends there: such a well only
 * gets deeper. So each row starts at the source sample of least J = f(x) - <x, y> where that is lower than J of its
 * prediction. */
#ifndef BRN_MODEL_SEEK_H
#define BRN_MODEL_SEEK_H

#include "compute/batch.h"
#include "networks/potential.h"

/** `start` [n] holds predictions for the rows of the tile y and is improved by the samples of x, whose f(x) is in `x_value`
 *  [1]; `value` [1] is scratch of the tile, `work` has room for it. */
brn_status brn_seek_tile(brn_queue *q, const brn_pot *f, brn_pot_work *work, int rows, brn_mat y, brn_mat start, brn_mat value,
                         const brn_batch *x, const brn_batch *x_value);

#endif
