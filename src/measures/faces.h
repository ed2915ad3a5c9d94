/* The pairs of the published image benchmark (formula version "images 1"): photographs that a generator draws, and their
 * images under the gradient of two convolutional input-convex networks.
 *
 *     alpha:  x = G(z) + noise e,   z ~ N(0, I), e ~ N(0, I)             networks/generator.h, noise = 0.01
 *     psi(x) = scale (phi_1(x) + phi_2(x)) + scale strong |x|^2          networks/conv_icnn.h, scale = 1/2, strong = 0.01
 *     beta = T # alpha,   T(x) = grad psi(x) = scale (grad phi_1(x) + grad phi_2(x) + 2 strong x)
 *
 * x is channel first. A file has these tensors, float32 and stored as outputs x inputs [x height x width] like the
 * checkpoints they come from, and two float64 vectors of one number, alpha.noise and psi.scale; widths, blocks and the
 * side of the images follow from them:
 *
 *     alpha.start.weight [c side^2][latents], alpha.start.bias                       W, b
 *     alpha.block.<k>.first.weight [h][c][3][3], .bias; .second.weight [c'][h][3][3], .bias; .shortcut.weight [c'][c] where
 *     c' is not c                                                                   C_1, C_2, S with their biases
 *     alpha.image.weight [3][c][3][3], alpha.image.bias                              C
 *     psi.v<1|2>.input.<0|1>.quad [rank c][3][k][k], .lin [c][3][k][k]               row c rank + r of quad is row c of Q_r
 *     psi.v<1|2>.hidden.<0..3>.weight, .bias                                         A_i, b_i */
#ifndef BRN_MEASURES_FACES_H
#define BRN_MEASURES_FACES_H

#include "io/safetensors.h"
#include "networks/conv_icnn.h"
#include "networks/generator.h"

#define BRN_FACES_FORMULA "images 1"
#define BRN_FACES_STRONG 0.01
enum { BRN_FACES_PARTS = 2, BRN_FACES_OWNERS = 1 + BRN_FACES_PARTS };
enum { BRN_FACES_TENSORS = 4 + 5 * BRN_GENERATOR_BLOCKS + BRN_FACES_PARTS * 2 * (BRN_CONV_ICNN_INPUTS + BRN_CONV_ICNN_LAYERS) };

/** One tensor of a file, and where its numbers go: number j of row o to at + j columns + first + o % rank (rows / rank) + o / rank. */
typedef struct brn_faces_tensor {
    char name[40];
    int rank_of_shape;
    size_t shape[4];
    bool positive;
    int owner;              /* 0: the generator, 1 and 2: the networks */
    size_t at, columns, first, rank;
    float factor;
} brn_faces_tensor;

/** What a file looks like; no memory of its own. */
typedef struct brn_faces_layout {
    int latents, side, tensors;
    brn_faces_tensor tensor[BRN_FACES_TENSORS];
    size_t size[BRN_FACES_OWNERS];      /* reals of each owner */
    brn_generator generator;            /* with offsets, without buffers */
    brn_conv_icnn potential[BRN_FACES_PARTS];
} brn_faces_layout;

/** Where sizes come from: a file of ours, or checkpoints under their own names. */
typedef struct brn_faces_source {
    void *context;
    const char *path[BRN_FACES_OWNERS]; /* of the generator and the networks, for lines */
    /** Rank and sizes of a tensor, -1 where there is none; only of what the source has numbers for. */
    brn_status (*sizes)(void *context, const char *name, int *rank, size_t shape[static 8]);
    /** A failure that says which sizes were expected unless the tensor has them. */
    brn_status (*check)(void *context, const char *name, int rank, const size_t *shape);
} brn_faces_source;

/** Widths from a source, every tensor checked: what it is said to hold is there. */
brn_status brn_faces_lay_out(brn_faces_layout *l, const brn_faces_source *source);

static inline size_t brn_faces_count(const brn_faces_tensor *t)
{
    size_t count = 1;
    for (int i = 0; i < t->rank_of_shape; ++i) count *= t->shape[i];
    return count;
}

/** On a device. */
typedef struct brn_faces {
    int latents, side;
    float noise, scale;
    brn_generator generator;
    brn_conv_icnn potential[BRN_FACES_PARTS];
    brn_buf *theta[BRN_FACES_OWNERS];
} brn_faces;

typedef struct brn_faces_work {
    brn_buf *memory;
    int lanes;
    brn_generator_work generator; /* all in the same place */
    brn_conv_icnn_work potential[BRN_FACES_PARTS];
} brn_faces_work;

/** From an open file; `path` is for lines. */
brn_status brn_faces_open(brn_faces **f, brn_device *dev, brn_st *st, const char *path);
void brn_faces_free(brn_faces *f);
brn_status brn_faces_work_create(brn_faces_work *w, brn_device *dev, const brn_faces *f, int lanes);
void brn_faces_work_free(brn_faces_work *w);

/** x = G(z) + noise e. */
brn_status brn_faces_draw(brn_queue *q, const brn_faces *f, const brn_faces_work *w, int rows, brn_mat z, brn_mat e, brn_mat x);
/** y = T(x) */
brn_status brn_faces_map(brn_queue *q, const brn_faces *f, const brn_faces_work *w, int rows, brn_mat x, brn_mat y);

#endif
