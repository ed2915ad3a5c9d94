/* Start values of activation normalisation: zero mean and unit deviation on a first batch. */
#include "core/memory.h"
#include "networks/tape.h"

#include <math.h>
#include <stdlib.h>

/* Sums and squares of layer l's pre-activations over a batch, per output. */
static brn_status gather(const brn_net *net, brn_tape *tape, const brn_batch *x, int l, float *u, double *sum, double *square)
{
    const int out = net->shape.layer[l].out, ld = x->lanes;
    brn_queue *q = brn_device_queue(net->dev, 0);
    brn_buf *scalars;
    BRN_TRY(brn_buf_create(&scalars, net->dev, BRN_REAL, 2 * (size_t)ld, "normalisation"));
    const brn_mat value = {scalars, 0, 1, ld}, tangent = {scalars, (size_t)ld, 1, ld};
    brn_status status = BRN_OK;
    for (int t = 0; t < x->tiles && status == BRN_OK; ++t) {
        const brn_mat tile = brn_batch_tile(x, t);
        const int rows = brn_batch_rows(x, t);
        /* the pass that keeps pre-activations also wants a tangent; any will do */
        BRN_GO(brn_tape_forward_dual(q, net, tape, rows, tile, tile, value, tangent));
        BRN_GO(brn_read_f32(q, brn_mat_view(tape->u[l]), u, (size_t)out * (size_t)ld));
        for (int i = 0; i < out; ++i)
            for (int r = 0; r < rows; ++r) {
                const double v = u[(size_t)i * (size_t)ld + (size_t)r];
                sum[i] += v;
                square[i] += v * v;
            }
    }
done:
    brn_buf_free(scalars);
    return status;
}

static brn_status fit_layer(brn_net *net, brn_tape *tape, const brn_batch *x, int l)
{
    const int out = net->shape.layer[l].out;
    const size_t count = (size_t)out;
    brn_queue *q = brn_device_queue(net->dev, 0);
    double *sum = NULL;
    float *u = NULL, *norm = NULL;
    brn_status status = BRN_ALLOC(&sum, 2 * count, "normalisation");
    if (status == BRN_OK) status = BRN_ALLOC(&u, count * (size_t)x->lanes, "normalisation");
    if (status == BRN_OK) status = BRN_ALLOC(&norm, 2 * count, "normalisation");
    if (status == BRN_OK) status = gather(net, tape, x, l, u, sum, sum + count);
    if (status != BRN_OK) goto done;
    for (int i = 0; i < out; ++i) {
        const double mean = sum[i] / x->rows, variance = sum[out + i] / x->rows - mean * mean;
        norm[i] = (float)-mean;
        norm[out + i] = (float)(0.5 * log(variance > 1e-12 ? variance : 1e-12));
    }
    BRN_GO(brn_write_f32(q, (brn_view){net->theta, (size_t)net->shape.layer[l].norm}, norm, 2 * count));
    BRN_GO(brn_net_prepare(net, q));
done:
    free(sum), free(u), free(norm);
    return status;
}

brn_status brn_net_fit_norms(brn_net *net, const brn_batch *x)
{
    brn_tape tape = {0};
    brn_status status = BRN_OK;
    for (int l = 0; l < net->shape.layers; ++l) {
        if (net->shape.layer[l].norm < 0) continue;
        if (!tape.memory) BRN_GO(brn_tape_create(&tape, net->dev, &net->shape, x->lanes, BRN_TAPE_SECOND));
        BRN_GO(fit_layer(net, &tape, x, l)); /* in order: a layer's input depends on those before it */
    }
done:
    brn_tape_free(&tape);
    return status;
}
