/* Optimizers of network parameters: AdamW, Muon, SOAP. */
#ifndef BRN_TRAINING_OPTIMIZER_H
#define BRN_TRAINING_OPTIMIZER_H

#include "networks/net.h"

typedef struct brn_optimizer brn_optimizer;

/** For the parameters of `shape` on `dev`. Settings are resolved (no auto values). */
brn_status brn_optimizer_create(brn_optimizer **opt, brn_device *dev, const brn_net_shape *shape,
                                const brn_optimizer_settings *settings);
void brn_optimizer_free(brn_optimizer *opt);

/** theta -= the step for gradient `grad` (with respect to theta), all rates times `rate`. `grad` may be
 *  overwritten. Work is spread over the device's queues; bits do not depend on their number. */
brn_status brn_optimizer_step(brn_optimizer *opt, brn_net *net, brn_buf *grad, double rate);

/** State for checkpoints: number of buffers, the i-th one's name ("m", "v", "layers.0.left", ...) and
 *  buffer; and the step counter. Restoring all of it continues bit-identically. */
int brn_optimizer_state_count(const brn_optimizer *opt);
brn_status brn_optimizer_state(const brn_optimizer *opt, int i, const char **name, brn_buf **buf);
int64_t brn_optimizer_steps(const brn_optimizer *opt);
void brn_optimizer_set_steps(brn_optimizer *opt, int64_t steps);

#endif
