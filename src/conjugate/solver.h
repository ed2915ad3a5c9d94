/* Batched convex conjugates on a device.
 *
 *     f*(y) = max_x <x, y> - f(x) = -min_x J(x; y),   J(x; y) = f(x) - <x, y>
 *
 * Every row of a batch is a minimisation of its own. Rows are worked on in the lanes of a tile: a round
 * evaluates f and its gradient once at all lanes' trial points, lets every row decide (accept, shorten
 * the step, stop), replaces rows that stopped by waiting ones, and closes the gaps when none waits. A
 * row's result does not depend on its lane, on the rows beside it or on the number of threads.
 */
#ifndef BRN_CONJUGATE_SOLVER_H
#define BRN_CONJUGATE_SOLVER_H

#include "compute/batch.h"
#include "networks/potential.h"

/* Rows of the info matrix of a solve. */
enum { BRN_INFO_VALUE, BRN_INFO_STOP, BRN_INFO_ITERATIONS, BRN_INFO_EVALUATIONS, BRN_INFO_GRADIENT, BRN_INFO_GAMMA, BRN_INFO_FIELDS };

typedef struct brn_solver brn_solver;

/** For potentials shaped like `f` (its parameters may change between solves) and batches of at most
 *  `rows` rows. The settings are resolved. */
brn_status brn_solver_create(brn_solver **solver, brn_device *dev, const brn_pot *f, const brn_conjugate_settings *settings, int rows);
void brn_solver_free(brn_solver *solver);

/** Solve for all rows of y. x holds the starting points on entry and the maximisers on return. */
brn_status brn_solver_run(brn_solver *solver, const brn_pot *f, const brn_batch *y, brn_batch *x);

/** From now on solves leave, of the rows that stop where they were evaluated last, what the parameter
 *  gradient of s * f at the maximisers is made of. `kept` outlives the last solve; NULL ends it. */
void brn_solver_keep(brn_solver *solver, brn_traces *kept, float s);

/** Field `field` of the last solve's first `count` rows, to the host. */
brn_status brn_solver_read_info(const brn_solver *solver, brn_queue *q, int field, float *values, int count);
/** The same on the device, [BRN_INFO_FIELDS][ld] from row 0 of the batch. */
brn_mat brn_solver_info(const brn_solver *solver);

/** The running scale of the first step (settings->running_scale), part of a training's state. */
brn_view brn_solver_scale(const brn_solver *solver);

#endif
