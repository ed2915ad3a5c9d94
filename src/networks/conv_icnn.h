/* The convolutional input-convex network of the published image benchmark, and its gradient:
 *
 *     u_0 = sum_r (Q_0r x)^2 + L_0 x              convolutions 4 x 4 of stride 2
 *     u_1 = A_0 u_0 + b_0 + sum_r (Q_1r x)^2 + L_1 x   A_0: 4 x 4 of stride 2; Q_1, L_1: 7 x 7 of stride 4
 *     z_1 = celu_1(u_1), z_2 = celu_0.2(A_1 z_1 + b_1), z_3 = celu_0.2(A_2 z_2 + b_2)     4 x 4 of stride 2
 *     phi(x) = A_3 z_3 + b_3                      over all that is left
 *
 * with celu_c(u) = max(u, 0) + c (exp(min(u, 0) / c) - 1) and no negative number in A_0 to A_3. Padding is by one zero,
 * for Q_1 and L_1 by two. The benchmark adds 0.01 / 2 |x|^2. */
#ifndef BRN_NETWORKS_CONV_ICNN_H
#define BRN_NETWORKS_CONV_ICNN_H

#include "networks/linear.h"

enum { BRN_CONV_ICNN_INPUTS = 2, BRN_CONV_ICNN_LAYERS = 4 };

/** Parameters are the owner's. */
typedef struct brn_conv_icnn {
    int rank;
    brn_convolution input[BRN_CONV_ICNN_INPUTS];  /* Q_i1, Q_i2, ..., then L_i, as one kernel without bias */
    brn_convolution hidden[BRN_CONV_ICNN_LAYERS]; /* A_i */
} brn_conv_icnn;

/** Scratch for rows up to the carver's lanes. */
typedef struct brn_conv_icnn_work {
    const brn_device *dev;
    brn_mat seen[BRN_CONV_ICNN_INPUTS];         /* squared terms one after another, then u_i */
    brn_mat z[BRN_CONV_ICNN_LAYERS], q[BRN_CONV_ICNN_LAYERS]; /* of 1 to 3 */
    brn_mat seed, columns;
} brn_conv_icnn_work;
void brn_conv_icnn_lay_out(brn_conv_icnn_work *w, brn_carver *c, const brn_device *dev, const brn_conv_icnn *f);

/** grad = s grad phi(x), or added to it with `accumulate`; the leading dimensions of x and grad are their own. */
brn_status brn_conv_icnn_gradient(brn_queue *q, const brn_conv_icnn *f, const brn_conv_icnn_work *w, int rows, float s, brn_mat x, brn_mat grad,
                                  bool accumulate);

#endif
