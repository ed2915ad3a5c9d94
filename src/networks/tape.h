/* Forward and reverse passes of one network over one tile. */
#ifndef BRN_NETWORKS_TAPE_H
#define BRN_NETWORKS_TAPE_H

#include "networks/small.h"

/** Hands out matrices of a buffer. Two passes over the same code: the first counts and has none, the second has it. */
typedef struct brn_carver {
    brn_buf *memory;
    size_t used;
    int lanes;
} brn_carver;

static inline brn_mat brn_carve(brn_carver *c, int feats)
{
    const brn_mat m = {c->memory, c->used, feats, c->lanes};
    c->used += (size_t)feats * (size_t)c->lanes;
    return m;
}

/** What a pass needs to keep. Second-order passes need everything of the first-order ones. */
typedef enum { BRN_TAPE_FIRST, BRN_TAPE_SECOND } brn_tape_order;

/** Activations of one tile, one per queue. */
typedef struct brn_tape {
    brn_buf *memory;
    int lanes;
    brn_tape_order order;
    brn_mat in[BRN_NET_LAYERS];       /* inputs of layer l > 0: z_{l-1}, with x below where there is a skip */
    brn_mat u[BRN_NET_LAYERS];        /* pre-activations: second order and quadratic layers */
    brn_mat q[BRN_NET_LAYERS];        /* slopes a'(u) */
    brn_mat square[BRN_NET_LAYERS];   /* Q^T x */
    brn_mat in_t[BRN_NET_LAYERS], u_t[BRN_NET_LAYERS], square_t[BRN_NET_LAYERS]; /* tangents */
    brn_mat a[BRN_NET_LAYERS], a_t[BRN_NET_LAYERS];                              /* adjoints of u and its tangent */
    brn_mat columns;                  /* patches of a block of a convolution (linear.h) */
    brn_mat quad_a;                   /* adjoint of the widest Q^T x */
    brn_small small;                  /* how one launch takes the network, where it can */
} brn_tape;

brn_status brn_tape_create(brn_tape *tape, brn_device *dev, const brn_net_shape *shape, int lanes, brn_tape_order order);
void brn_tape_free(brn_tape *tape);

/** out = network(x); with `slopes` the tape can be reversed. out: [layers' last width][ld]. */
brn_status brn_tape_forward(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat out, bool slopes);

/** After a forward pass with slopes: the adjoint `seed` of out goes back.
 *  grad (may be NULL) += parameter gradient; x_adjoint (buf may be NULL) = input gradient.
 *  `seed` is overwritten. */
brn_status brn_tape_reverse(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat seed,
                            brn_buf *grad, brn_mat x_adjoint);

/** Forward with a tangent: out and out_t = d out(x)[v]. */
brn_status brn_tape_forward_dual(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat v,
                                 brn_mat out, brn_mat out_t);

/** Reverse of the dual pass: adjoints `seed` of out and `seed_t` of out_t go back, both overwritten.
 *  grad (may be NULL) += gradient; x_adjoint, v_adjoint (buf may be NULL) = input gradients. */
brn_status brn_tape_reverse_dual(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat v,
                                 brn_mat seed, brn_mat seed_t, brn_buf *grad, brn_mat x_adjoint, brn_mat v_adjoint);

/* Shorthands over whole matrices. */
brn_status brn_mat_copy(brn_queue *q, int rows, brn_mat x, brn_mat y);                      /* y = x */
brn_status brn_mat_axpby(brn_queue *q, int rows, float s, brn_mat x, float t, brn_mat y);   /* y = s x + t y */
brn_status brn_mat_mul(brn_queue *q, int rows, brn_mat a, brn_mat b, brn_mat y);            /* y = a * b */
brn_status brn_mat_fill(brn_queue *q, int rows, float s, brn_mat y);
/** z = a(u), which may be u itself, and where wanted (slope.buf not NULL) the slopes a'(u). */
brn_status brn_mat_activate(brn_queue *q, int rows, int kind, float c, brn_mat u, brn_mat z, brn_mat slope);

#endif
