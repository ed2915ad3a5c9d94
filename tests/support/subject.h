/* A network under test on one device, small and with every parameter away from its special values. The
 * scalar that is differentiated is f(x_r) for potentials and <w_r, out(x_r)> for vector-valued ones. */
#ifndef BRN_TESTS_SUBJECT_H
#define BRN_TESTS_SUBJECT_H

#include "networks/potential.h"
#include "support/support.h"

typedef enum { TEST_MLP, TEST_MLP_LAST, TEST_ICNN, TEST_ICNN_PLAIN, TEST_QUADRATIC, TEST_RESIDUAL, TEST_NETWORKS } test_network;
extern const char *const test_network_names[TEST_NETWORKS];

typedef struct test_subject {
    brn_queue *q;
    test_network network;
    brn_pot f; /* of a residual network: part[0] only */
    brn_pot_work work;
    brn_buf *memory, *gradient;
    brn_mat x, v, w, value, grad, hv; /* all of `rows` lanes */
    int n, rows;
    size_t size; /* of theta */
} test_subject;

brn_status test_shape(brn_net_shape *shape, test_network network, int n, const brn_widths *hidden, int kind, float c);

/** Parameters, samples x, directions v and weights w come from `seed` and are the same floats on every device. */
void test_subject_open(test_subject *s, brn_device *dev, const brn_net_shape *shape, test_network network, int rows, uint64_t seed);
void test_subject_close(test_subject *s);

/** The parameters as they are in theta, and back; samples [n][rows]. */
void test_subject_theta(test_subject *s, double *theta);
void test_subject_set_theta(test_subject *s, const double *theta);
void test_subject_read(test_subject *s, brn_mat m, double *to);
void test_subject_write(test_subject *s, brn_mat m, const double *from);

/** Work on the first `rows` rows: s->value, s->grad; with respect to theta into theta_grad[size]; and the
 *  mixed product d/dtheta sum_r <v_r, grad f(x_r)> with s->hv. */
void test_subject_value_grad(test_subject *s, int rows);
void test_subject_param_grad(test_subject *s, int rows, double *theta_grad);
void test_subject_mixed(test_subject *s, int rows, double *theta_grad);

#endif
