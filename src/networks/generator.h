/* Residual generators of images, as those of the published image benchmark: their forward pass alone, with batch
 * normalisation folded into the convolutions.
 *
 *     h = a(W z + b) as channels x side x side
 *     a block:  h <- a(S h + C_2 a(C_1 h)), C_1 and C_2 convolutions 3 x 3, S one of 1 x 1 or the identity
 *     after each second block but the last one every pixel becomes 2 x 2
 *     x = tanh(C h) with a convolution 3 x 3 to three channels
 *
 * a is the leaky ReLU of slope 0.2; padding is by zeros. */
#ifndef BRN_NETWORKS_GENERATOR_H
#define BRN_NETWORKS_GENERATOR_H

#include "networks/linear.h"

enum { BRN_GENERATOR_BLOCKS = 16, BRN_GENERATOR_CHANNELS = 3 };
#define BRN_GENERATOR_SLOPE 0.2f

typedef struct brn_generator_block {
    brn_convolution first, second; /* biases included */
    brn_dense shortcut;            /* of channels, without bias; params = NULL: the identity */
} brn_generator_block;

/** Parameters are the owner's. */
typedef struct brn_generator {
    brn_dense start;
    int blocks;
    brn_generator_block block[BRN_GENERATOR_BLOCKS];
    brn_convolution image; /* of 2 C and 2 b: tanh u = 2 sigmoid(2 u) - 1 */
} brn_generator;

/** Scratch for rows up to the carver's lanes. */
typedef struct brn_generator_work {
    const brn_device *dev;
    brn_mat input, output, hidden, columns;
} brn_generator_work;
void brn_generator_lay_out(brn_generator_work *w, brn_carver *c, const brn_device *dev, const brn_generator *g);

/** x = G(z), z [latents], x [3 side^2]; the leading dimensions are their own. */
brn_status brn_generator_forward(brn_queue *q, const brn_generator *g, const brn_generator_work *w, int rows, brn_mat z, brn_mat x);

#endif
