/* The state of one conjugate problem: a column of a matrix of reals, so that moving a problem to another
 * lane is one copy. Scalar fields are rows C_... of `scal`; vectors and history stand below (solver.h). */
#define C_T       0  /* step of the trial point */
#define C_PHI     1  /* J at the last accepted point */
#define C_SLOPE   2  /* <direction, gradient> there, negative */
#define C_GAMMA   3  /* scale of the initial inverse Hessian */
#define C_COUNT   4  /* pairs in the history, skipped ones included */
#define C_ITER    5  /* accepted steps */
#define C_EVALS   6  /* evaluations of f and its gradient */
#define C_TRIALS  7  /* evaluations of this line search */
#define C_FIRST   8  /* 1 until the starting point has been evaluated */
#define C_GNORM   9  /* max |gradient| at the last accepted point */
#define C_FLAG    10 /* outcome of the last trial, see F_... */
#define C_STOP    11 /* why the row stopped, see S_... */
#define C_J       12 /* at the trial point: J, */
#define C_GTRIAL  13 /* max |gradient|, */
#define C_DTRIAL  14 /* <direction, gradient>, */
#define C_NOISE   15 /* what rounding may have done to J, */
#define C_FINITE  16 /* 1 if all of these are finite */
#define C_STAGE   17 /* strong Wolfe: 0 bracketing, 1 zooming, 2 accept the next point */
#define C_TLO     18 /* lower end of the bracket: step, J, slope */
#define C_JLO     19
#define C_DLO     20
#define C_THI     21 /* upper end: step, J */
#define C_JHI     22
#define C_STALLED 23 /* accepted steps in a row without measurable progress */
#define C_FIELDS  24

#define F_REJECTED 0 /* try another step */
#define F_ACCEPTED 1 /* needs a new direction */
#define F_RESTART  2 /* the search failed: forget the history, go down the gradient from the old point */
#define F_DONE     3 /* stopped at the trial point */
#define F_FAILED   4 /* stopped at the last accepted point */

#define S_CONVERGED 0
#define S_FLOOR     1
#define S_LIMIT     2
#define S_NONFINITE 3
