/* Optimizers at work: a network with all that its optimizer needs, and a stream of random gradients. */
#ifndef BRN_TEST_OPTIMIZER_BED_H
#define BRN_TEST_OPTIMIZER_BED_H

#include "support/devices.h"
#include "training/optimizer.h"

/** By kind. */
extern const brn_optimizer_settings bed_settings[3];

typedef struct {
    brn_device *dev;
    brn_net net;
    brn_optimizer *opt;
    brn_buf *grad;
    size_t size;
    double *values; /* scratch of `size` */
} bed;

void bed_open(bed *b, const char *device, int threads, const brn_net_shape *shape, const brn_optimizer_settings *set);
void bed_close(bed *b);
brn_queue *bed_queue(const bed *b);
void bed_step(bed *b, const double *grad, double rate);
const double *bed_theta(bed *b);
/** Gradient number k: tensors of normal numbers, zeros between them. */
void bed_gradient(const brn_net_shape *shape, int k, double *grad);
/** A small network with odd sizes. */
void bed_shape(brn_net_shape *shape);
double bed_difference(const double *a, const double *b, size_t count);
/** Are the bases of SOAP computed by LAPACK there? */
bool bed_at_hand(const char *device);

#endif
