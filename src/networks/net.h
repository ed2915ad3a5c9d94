/* Networks as chains of dense layers on dual numbers.
 *
 * Every network here is   in_0 = x,  u_l = W_l^T in_l + b_l [+ (Q_l^T x)^2],  z_l = a_l(u_l),
 * in_{l+1} = z_l, or [z_l; x] stacked where the layer has a skip connection from the input: an
 * input-convex network is then a plain chain too. A layer maps (value, tangent) and its reverse maps
 * both adjoints back, which gives values, input gradients, parameter gradients and mixed second-order
 * products with the same few operations (tape.c).
 *
 * All learned numbers stand in one buffer `theta` with named tensors. The layers read `used`, a
 * buffer of the same layout: theta itself, or for ICNNs what brn_net_prepare() derives from it
 * (positive weights, activation normalisation folded in).
 */
#ifndef BRN_NETWORKS_NET_H
#define BRN_NETWORKS_NET_H

#include "compute/batch.h"
#include <brenier/settings.h>

enum { BRN_NET_LAYERS = BRN_LAYERS_MAX + 1, BRN_NET_TENSORS = 6 * BRN_NET_LAYERS + 1 };

/** Geometry of a convolution: images of channels x height x width, zeros beyond the edge. */
typedef struct brn_conv {
    int channels, height, width;
    int kernel, stride, pad; /* kernel = 0: the layer is dense; pad: zeros before the first element */
    int out_height, out_width;
    bool image;              /* the input is a photograph in [-1, 1], to be normalised by channel */
} brn_conv;

typedef struct brn_layer {
    int in;             /* features of the previous layer, 0 where the layer sees x only */
    int skip;           /* features of x stacked below them */
    int out;
    int kind;           /* activation and its constant */
    float c;
    size_t weight;      /* [in + skip][out], then the bias [out] */
    ptrdiff_t quad;     /* [n][out] of the squared term, or -1 */
    ptrdiff_t norm;     /* bias [out] and log scale [out] of the activation normalisation, or -1 */
    bool positive;      /* the first `in` rows are softplus(theta) / in */
    brn_convexity held; /* where they are not: what keeps theta itself non-negative, SOFTPLUS where nothing has to */
    brn_conv conv;      /* then in, skip and out are channels x positions, the weight [channels x kernel^2][out channels] */
} brn_layer;

/** Rows and columns of a layer's weight. */
static inline int brn_layer_rows(const brn_layer *w) { return w->conv.kernel ? w->conv.channels * w->conv.kernel * w->conv.kernel : w->in + w->skip; }
static inline int brn_layer_cols(const brn_layer *w) { return w->conv.kernel ? w->out / (w->conv.out_height * w->conv.out_width) : w->out; }

typedef struct brn_tensor {
    char name[40];
    size_t at;
    int rows, cols; /* cols = 0: a vector */
} brn_tensor;

/** What a network looks like; no memory of its own. */
typedef struct brn_net_shape {
    int n, layers;
    brn_layer layer[BRN_NET_LAYERS];
    int tensors;
    brn_tensor tensor[BRN_NET_TENSORS];
    ptrdiff_t log_alpha; /* offset of the quadratic term's parameter, -1 for vector-valued networks */
    float fixed_alpha;   /* > 0: the quadratic term is this and not learned; theta is 0 there */
    bool derived;        /* `used` differs from theta */
    size_t size;         /* reals in theta */
} brn_net_shape;

/** hidden widths, activation (applied to the last scalar too if last_activation), MLP potential. */
brn_status brn_shape_mlp(brn_net_shape *shape, int n, const brn_widths *hidden, int kind, float c, bool last_activation);
/** Input-convex potential with actnorm. */
brn_status brn_shape_icnn(brn_net_shape *shape, int n, const brn_widths *hidden, int kind, float c, bool last_activation, bool actnorm);
/** The constant of an activation. */
float brn_shape_constant(int kind, double slope, double alpha);
/** The scalar network that resolved settings name, with its own widths and activation; `convexity` is for ICNNs. */
brn_status brn_shape_potential(brn_net_shape *shape, const brn_settings *settings, int n, const brn_widths *hidden, int kind, float c, brn_convexity convexity);
/** Vector-valued network of the residual amortizer, n -> n. */
brn_status brn_shape_residual(brn_net_shape *shape, int n, const brn_widths *hidden, int kind, float c);
/** One part of the benchmark's input-quadratic ICNN (w2bench: formula version 1). */
brn_status brn_shape_quadratic_icnn(brn_net_shape *shape, int n, const int widths[static 3]);
/** The same to be learned: its hidden weights are projected, and its quadratic term is fixed. Softplus, as in other ICNNs,
 *  learns slowly here: few large weights among zeros are wanted. */
enum { BRN_QUADRATIC_LAYERS = 3 };
#define BRN_QUADRATIC_ALPHA 0.01
brn_status brn_shape_learned_quadratic(brn_net_shape *shape, int n, const int widths[static BRN_QUADRATIC_LAYERS]);

/** Channels, height and width of the square images that n numbers are; BRN_ERR_USAGE where they are none. */
brn_status brn_conv_image(int n, int image[static 3]);
/** Convolutional potential of images [channels][height][width]: kernels 4 x 4 of stride 2 with as many
 *  channels as given, each halving the image, then one kernel over all that is left. With three channels
 *  the pixels, in [-1, 1], are normalised like photographs first. */
brn_status brn_shape_conv(brn_net_shape *shape, const int image[static 3], const brn_widths *channels, int kind, float c, bool last_activation);

/** One convolution alone, from images to `channels` feature maps; not a potential. */
brn_status brn_shape_patches(brn_net_shape *shape, const int image[static 3], int channels, int kernel, int stride, int pad);

const brn_tensor *brn_shape_find(const brn_net_shape *shape, const char *name);

/** Parameters of a shape on a device. */
typedef struct brn_net {
    brn_net_shape shape;
    brn_device *dev;
    brn_buf *theta, *used;
} brn_net;

brn_status brn_net_create(brn_net *net, brn_device *dev, const brn_net_shape *shape);
void brn_net_free(brn_net *net);

/** Random start (variance scaling 1, fan-in, truncated normal) from (seed, stream); with `identity`
 *  the last layer's weights are zero, which makes grad f(x) = x and H(y) = y exactly (an ICNN's
 *  positive weights start small instead: nearly so). */
brn_status brn_net_init(brn_net *net, uint64_t seed, uint32_t stream, bool identity);

/** After every change of theta: set negative weights to zero where the shape asks for projection, and bring `used`
 *  up to date. A no-op where they are the same buffer and nothing is projected. */
brn_status brn_net_prepare(brn_net *net, brn_queue *q);

/** Set the activation normalisations, freshly zero, from a first batch: bias = -mean and log scale =
 *  log deviation of every pre-activation, layer by layer. Nothing to do in networks without. */
brn_status brn_net_fit_norms(brn_net *net, const brn_batch *x);

/** grad += weight d/d theta of the sum of squared negative weights, where the shape asks for the penalty. */
brn_status brn_net_penalise(const brn_net *net, brn_queue *q, float weight, brn_buf *grad);

/** Turn the gradient with respect to `used` (in grad) into the one with respect to theta, in place. */
brn_status brn_net_pullback(const brn_net *net, brn_buf *grad);

/** The dense part of layer l, and the two blocks of its input rows. */
brn_dense brn_net_dense(const brn_net *net, int l);
brn_dense brn_net_dense_hidden(const brn_net *net, int l); /* rows [0, in) */
brn_dense brn_net_dense_skip(const brn_net *net, int l);   /* rows [in, in + skip) */
brn_dense brn_net_dense_quad(const brn_net *net, int l);

#endif
