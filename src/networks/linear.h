/* The linear part of a layer, u = W^T in + b: a dense product, or a convolution.
 *
 * Activations of a convolution are features (channel, position) x rows, which is the same memory as a
 * matrix of channels x (position, row). So with the patches of the input laid out as columns (im2col) a
 * convolution is the dense layer of these columns: the devices' products, activations and gradients are
 * used as they are. The columns are made for a block of output positions at a time, small enough for a
 * CPU's cache or a share of a GPU's memory. */
#ifndef BRN_NETWORKS_LINEAR_H
#define BRN_NETWORKS_LINEAR_H

#include "networks/tape.h"

/** A convolution by itself. */
typedef struct brn_convolution {
    brn_conv shape;
    brn_dense kernel; /* of the columns: channels x kernel^2 -> channels */
} brn_convolution;

/** Features of columns that a convolution of `lanes` rows needs room for. The room is a matrix of so many features
 *  and lanes; activations have its leading dimension, the image that is seen or made any. */
size_t brn_conv_scratch(const brn_device *dev, const brn_conv *shape, int lanes);

/** u = W^T x + b, z = a(u), q = a'(u) as brn_dense_forward; a tangent pass has no bias. */
brn_status brn_conv_forward(brn_queue *queue, const brn_device *dev, const brn_convolution *k, brn_mat columns, int rows, bool tangent, int kind,
                            float c, brn_mat x, brn_mat u, brn_mat z, brn_mat q);

/** y = W d, times q by element where given, or added to y with `accumulate`; written in `lanes` lanes, with zeros past the last row. */
brn_status brn_conv_backward(brn_queue *queue, const brn_device *dev, const brn_convolution *k, brn_mat columns, int rows, int lanes, brn_mat d,
                             brn_mat q, brn_mat y, bool accumulate);

/** Features of columns that the tape needs room for, 0 for networks without convolutions. */
size_t brn_linear_scratch(const brn_device *dev, const brn_net_shape *shape, int lanes);

/** u = W^T x + b, z = a(u), q = a'(u) as brn_dense_forward; a tangent pass has no bias. */
brn_status brn_linear_forward(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool tangent, int kind, float c,
                              brn_mat x, brn_mat u, brn_mat z, brn_mat q);

/** y = W d, times q by element where given; the part of the layer that sees the layer before it, or with
 *  `to_x` the one that sees the network's input (then added to y with `accumulate`). */
brn_status brn_linear_backward(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool to_x, brn_mat d,
                               brn_mat q, brn_mat y, bool accumulate);

/** grad += x d^T and, in a pass of values, the bias's sum of d. */
brn_status brn_linear_grad(brn_queue *queue, const brn_net *net, const brn_tape *t, int l, int rows, bool tangent, brn_mat x,
                           brn_mat d, brn_buf *grad);

#endif
