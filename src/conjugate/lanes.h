/* The lanes of one queue: which row each works on, and the matrices of their state. */
#ifndef BRN_CONJUGATE_LANES_H
#define BRN_CONJUGATE_LANES_H

#include "conjugate/solver.h"
#include <stdatomic.h>

/* Numbers of the state's fields and of the outcomes, shared with the kernels. */
#include "prelude/conjugate.h"

typedef struct brn_lanes {
    int capacity, active;
    int *row;                /* [capacity], row of each active lane */
    int *list;               /* [2 * capacity], pairs for fetch, store and move */
    float *flag;             /* [capacity] */
    int stopped;             /* rows whose flag says so */
    brn_buf *list_buf;
    brn_buf *listed, *everyone; /* device_solve.c: lanes that go on, see shaders/conj_list.k; pairs (i, i) */
    brn_buf *memory, *outside; /* state that moves with a row; scratch that does not */
    brn_mat state;           /* all of the moving state, one column per lane */
    brn_mat x, d, y, scal;
    brn_mat g, s, yh, rho;   /* L-BFGS; s and yh are [history * n] */
    brn_mat xt, gt, value, q, al;
    int slot;                /* history slot of the last push */
} brn_lanes;

brn_status brn_lanes_create(brn_lanes *lanes, brn_device *dev, int n, int history, int capacity);
void brn_lanes_free(brn_lanes *lanes);

/** Where rows come from and go to. */
typedef struct brn_lane_source {
    const brn_batch *y;
    brn_batch *x;
    brn_buf *scale;
    brn_mat info;
    _Atomic int next; /* next waiting row, shared by all queues */
} brn_lane_source;

/** Solve for all rows without asking the host which are done, by L-BFGS: for devices that repeat by themselves. */
brn_status brn_device_solve(brn_queue *q, const brn_conjugate_settings *set, const brn_pot *f, brn_pot_work *work, brn_lanes *lanes,
                            const brn_lane_source *from);

/** Fill free lanes with waiting rows. */
brn_status brn_lanes_fetch(brn_queue *q, brn_lanes *lanes, brn_lane_source *from);
/** Read the outcomes of the last round; *deciding = some row needs a new direction. */
brn_status brn_lanes_read_flags(brn_queue *q, brn_lanes *lanes, bool *deciding);
/** Store the rows that stopped, give their lanes to waiting rows, and close gaps. */
brn_status brn_lanes_store(brn_queue *q, brn_lanes *lanes, brn_lane_source *to);
/** Put the traces of the rows that stopped where they were just evaluated into `to`. */
brn_status brn_lanes_keep(brn_queue *q, const brn_lanes *lanes, const brn_trace *evaluated, float s, brn_traces *to);
brn_status brn_lanes_refill(brn_queue *q, brn_lanes *lanes, brn_lane_source *from);

#endif
