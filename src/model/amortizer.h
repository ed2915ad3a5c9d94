/* Amortizers H(y): predict the conjugate's argmax. Either H(y) = y + network(y), or H = grad g of a
 * second potential g. Both map a tile to a tile and take an output adjoint back to the parameters and,
 * where asked, to the input. */
#ifndef BRN_MODEL_AMORTIZER_H
#define BRN_MODEL_AMORTIZER_H

#include "networks/potential.h"

typedef struct brn_amortizer {
    brn_amortizer_kind kind;
    brn_net net;  /* residual */
    brn_pot g;    /* gradient */
} brn_amortizer;

/** Activations of one tile. */
typedef struct brn_amortizer_work {
    brn_tape tape;      /* residual */
    brn_pot_work g;     /* gradient */
    brn_buf *memory;
    brn_mat out, value; /* [n] and [1] */
} brn_amortizer_work;

/** Layout of the network behind H; settings->amortizer.kind is not BRN_AMORTIZER_NONE. */
brn_status brn_amortizer_shape(brn_net_shape *shape, const brn_settings *settings, int n);

/** From resolved settings; not initialised. Nothing is made for BRN_AMORTIZER_NONE. */
brn_status brn_amortizer_create(brn_amortizer *h, brn_device *dev, const brn_settings *settings, int n);
void brn_amortizer_free(brn_amortizer *h);

/** The parameters behind H, NULL for BRN_AMORTIZER_NONE. */
brn_net *brn_amortizer_net(brn_amortizer *h);

brn_status brn_amortizer_work_create(brn_amortizer_work *w, const brn_amortizer *h, int lanes);
void brn_amortizer_work_free(brn_amortizer_work *w);

/** x = H(y); keeps what the reverse needs in w. Without an amortizer x = y. */
brn_status brn_amortizer_forward(brn_queue *q, const brn_amortizer *h, brn_amortizer_work *w, int rows, brn_mat y, brn_mat x);

/** After forward at the same y: grad += d/d(used) <adjoint, H(y)> and, where y_adjoint.buf is given,
 *  y_adjoint = (dH/dy)^T adjoint. `adjoint` is overwritten. */
brn_status brn_amortizer_reverse(brn_queue *q, const brn_amortizer *h, brn_amortizer_work *w, int rows, brn_mat y,
                                 brn_mat adjoint, brn_buf *grad, brn_mat y_adjoint);

#endif
