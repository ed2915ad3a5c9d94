/* A network under test on one device, small and with every parameter away from its special values. The
 * scalar that is differentiated is f(x_r) for potentials and <w_r, out(x_r)> for vector-valued ones. */
#ifndef BRN_SELFTEST_SUBJECT_H
#define BRN_SELFTEST_SUBJECT_H

#include "networks/potential.h"

typedef enum {
    BRN_NETWORK_MLP, BRN_NETWORK_MLP_LAST, BRN_NETWORK_ICNN, BRN_NETWORK_ICNN_PLAIN, BRN_NETWORK_QUADRATIC, BRN_NETWORK_RESIDUAL, BRN_NETWORK_CONV,
    BRN_NETWORK_KINDS
} brn_network_kind;
extern const char *const brn_network_names[BRN_NETWORK_KINDS];

typedef struct brn_subject {
    brn_queue *q;
    brn_network_kind network;
    brn_pot f; /* of a residual network: part[0] only */
    brn_pot_work work;
    brn_buf *memory, *gradient;
    brn_mat x, v, w, value, grad, hv; /* all of `rows` lanes */
    int n, rows;
    size_t size; /* of theta */
} brn_subject;

/** For convolutions n is read as channels of the largest square images possible. */
brn_status brn_network_shape(brn_net_shape *shape, brn_network_kind network, int n, const brn_widths *hidden, int kind, float c);

/** Parameters, samples x, directions v and weights w come from `seed` and are the same floats on every
 *  device. Release with brn_subject_close, on failure too. */
brn_status brn_subject_open(brn_subject *s, brn_device *dev, const brn_net_shape *shape, brn_network_kind network, int rows, uint64_t seed);
void brn_subject_close(brn_subject *s);

/** The parameters as they are in theta, and back; samples [n][rows]. */
brn_status brn_subject_theta(brn_subject *s, double *theta);
brn_status brn_subject_set_theta(brn_subject *s, const double *theta);
brn_status brn_subject_read(brn_subject *s, brn_mat m, double *to);
brn_status brn_subject_write(brn_subject *s, brn_mat m, const double *from);

/** Work on the first `rows` rows: s->value, s->grad; with respect to theta into theta_grad[size]; and the
 *  mixed product d/dtheta sum_r <v_r, grad f(x_r)> with s->hv. */
brn_status brn_subject_value_grad(brn_subject *s, int rows);
brn_status brn_subject_param_grad(brn_subject *s, int rows, double *theta_grad);
brn_status brn_subject_mixed(brn_subject *s, int rows, double *theta_grad);

#endif
