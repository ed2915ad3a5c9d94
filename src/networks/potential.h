/* Potentials on a device:
 *
 *     f(x) = s (g_1(x) + ... + g_k(x) + <d, x>) + exp(log_alpha) / 2 |x|^2
 *
 * with networks g_i. A learned potential has one network, s = 1 and no d; the benchmark's ground truth
 * has two. All functions work on one tile of `rows` samples through one queue and its workspace.
 */
#ifndef BRN_NETWORKS_POTENTIAL_H
#define BRN_NETWORKS_POTENTIAL_H

#include "networks/trace.h"

enum { BRN_POTENTIAL_PARTS = 2 };

typedef struct brn_pot {
    int parts;
    brn_net part[BRN_POTENTIAL_PARTS]; /* part[0] holds log_alpha */
    float scale;
    brn_buf *shift; /* [n], or NULL */
} brn_pot;

/** Scratch of one queue for one potential. */
typedef struct brn_pot_work {
    brn_tape tape[BRN_POTENTIAL_PARTS];
    brn_buf *memory;
    brn_mat out, out_t, seed, seed_t; /* [1] each */
    brn_mat part_grad;                /* [n], for the second part's gradient */
} brn_pot_work;

void brn_pot_free(brn_pot *f);
brn_status brn_pot_work_create(brn_pot_work *w, const brn_pot *f, int lanes, brn_tape_order order);
void brn_pot_work_free(brn_pot_work *w);

static inline int brn_pot_dim(const brn_pot *f) { return f->part[0].shape.n; }

/** value[r] = f(x_r). */
brn_status brn_pot_value(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat x, brn_mat value);

/** value[r] = f(x_r), grad = grad f(x), [n][ld]. */
brn_status brn_pot_value_grad(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat x, brn_mat value, brn_mat grad);

/** Does the device take f and its gradient at this many rows in one launch (small.h)? */
bool brn_pot_is_small(const brn_pot *f, const brn_pot_work *w, int rows);

/** theta_grad += s * d/d(used) sum_r f(x_r), value[r] = f(x_r). For potentials of one part. Without
 *  theta_grad (NULL) the adjoints stay in the work: brn_pot_trace() hands them out, and what the blocks of
 *  a wide network (trace.h) do not cover is added by brn_pot_log_alpha_grad(). */
brn_status brn_pot_param_grad(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, float s, brn_mat x, brn_mat value,
                              brn_buf *theta_grad);

brn_trace brn_pot_trace(const brn_pot *f, const brn_pot_work *w, int rows, brn_mat x);
brn_status brn_pot_log_alpha_grad(brn_queue *q, const brn_pot *f, int rows, float s, brn_mat x, brn_buf *theta_grad);

/** theta_grad += d/d(used) sum_r weight_r f(x_r), value[r] = f(x_r); scratch is [n]. For potentials of one part. */
brn_status brn_pot_param_grad_rows(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat weight, brn_mat x, brn_mat value,
                                   brn_mat scratch, brn_buf *theta_grad);

/** Mixed second order: theta_grad (may be NULL) += s * d/d(used) sum_r <v_r, grad f(x_r)>, and
 *  hv (buf may be NULL) = Hessian(x) v. Needs a workspace of BRN_TAPE_SECOND; parts = 1. */
brn_status brn_pot_mixed(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, float s, brn_mat x, brn_mat v,
                         brn_buf *theta_grad, brn_mat hv);

#endif
