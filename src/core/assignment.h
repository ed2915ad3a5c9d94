/* Optimal assignments of small dense problems, in double precision on the host. */
#ifndef BRN_CORE_ASSIGNMENT_H
#define BRN_CORE_ASSIGNMENT_H

#include "core/error.h"

/** Minimise sum_i cost[i][column[i]] over permutations, cost [n][n] and finite, in O(n^3) by shortest augmenting
 *  paths (Jonker and Volgenant). Potentials with row[i] + dual[j] <= cost[i][j], equal where column[i] = j:
 *  @param column [out] [n]
 *  @param row    [out] [n], of the rows
 *  @param dual   [out] [n], of the columns */
brn_status brn_assignment(int n, const double *cost, int *column, double *row, double *dual);

#endif
