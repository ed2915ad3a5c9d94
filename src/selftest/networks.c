#include "selftest/subject.h"
#include "selftest/wholes.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *const brn_pass_names[BRN_PASSES] = {"value", "input gradient", "parameter gradient", "mixed second order", "Hessian product"};

enum { MOST_ROWS = 129 };

/* Results of one network on one device. */
typedef struct {
    size_t count[BRN_PASSES];
    double *of[BRN_PASSES];
} results;

static void free_results(results *r)
{
    for (int i = 0; i < BRN_PASSES; ++i) free(r->of[i]);
}

static brn_status make_results(results *r, const brn_net_shape *shape, int rows)
{
    const size_t values = (size_t)rows, vectors = (size_t)(rows * shape->n);
    const size_t counts[BRN_PASSES] = {values, vectors, shape->size, shape->size, vectors};
    for (int i = 0; i < BRN_PASSES; ++i) {
        r->count[i] = counts[i];
        BRN_TRY(BRN_ALLOC(&r->of[i], counts[i], "results"));
    }
    return BRN_OK;
}

static brn_status compute(brn_device *dev, const brn_net_shape *shape, brn_network_kind network, int rows, results *r)
{
    brn_subject s;
    brn_status status;
    BRN_GO(brn_subject_open(&s, dev, shape, network, rows, 7));
    BRN_GO(brn_subject_value_grad(&s, rows));
    BRN_GO(brn_subject_read(&s, s.value, r->of[BRN_PASS_VALUE]));
    BRN_GO(brn_subject_read(&s, s.grad, r->of[BRN_PASS_GRADIENT]));
    BRN_GO(brn_subject_param_grad(&s, rows, r->of[BRN_PASS_PARAMETERS]));
    BRN_GO(brn_subject_mixed(&s, rows, r->of[BRN_PASS_MIXED]));
    BRN_GO(brn_subject_read(&s, s.hv, r->of[BRN_PASS_HESSIAN]));
done:
    brn_subject_close(&s);
    return status;
}

static double largest(const double *a, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; ++i) most = fmax(most, fabs(a[i]));
    return most;
}

/* One network, one batch. A row alone may have a value near 0: the scale of what belongs to rows is that of
 * the largest batch, which comes first and sets scale[]. */
static brn_status check(brn_device *dev, brn_device *oracle, brn_network_kind network, int n, const brn_widths *hidden, int rows, double scale[BRN_PASSES],
                        brn_parity parity[BRN_PASSES])
{
    brn_net_shape shape;
    results found = {0}, expected = {0};
    brn_status status;
    int inner = 0, places = 1; /* inner indices along the longest path, there and back; images: where a kernel is applied */
    BRN_GO(brn_network_shape(&shape, network, n, hidden, network % 2 ? BRN_ACT_CELU : BRN_ACT_SOFTPLUS, 0.8f));
    for (int l = 0; l < shape.layers; ++l) {
        const brn_layer *w = &shape.layer[l];
        inner += brn_layer_rows(w) + brn_layer_cols(w);
        if (w->conv.kernel && w->conv.out_height * w->conv.out_width > places) places = w->conv.out_height * w->conv.out_width;
    }
    BRN_GO(make_results(&found, &shape, rows));
    BRN_GO(make_results(&expected, &shape, rows));
    BRN_GO(compute(oracle, &shape, network, rows, &expected));
    BRN_GO(compute(dev, &shape, network, rows, &found));
    for (int i = 0; i < BRN_PASSES; ++i) {
        const bool over_rows = i == BRN_PASS_PARAMETERS || i == BRN_PASS_MIXED;
        if (over_rows || rows == MOST_ROWS) scale[i] = largest(expected.of[i], expected.count[i]);
        const double share = brn_parity_share(found.of[i], expected.of[i], found.count[i], inner + (over_rows ? rows * places : 0), scale[i]);
        ++parity[i].cases;
        if (share > parity[i].share)
            snprintf(parity[i].worst, sizeof parity[i].worst, "%s, rows %d, n %d", brn_network_names[network], rows, n);
        if (share > parity[i].share) parity[i].share = share;
    }
done:
    free_results(&found);
    free_results(&expected);
    return status;
}

brn_status brn_networks_check(brn_device *dev, brn_device *oracle, brn_parity parity[static BRN_PASSES])
{
    static const int images[] = {1, 3, 16, 2 * 3 * 3, 3 * 5 * 5, 3 * 8 * 8}; /* grey and colour */
    static const int dimensions[] = {1, 2, 3, 5, 31, 33}, batches[] = {MOST_ROWS, 67, 33, 1};
    for (int i = 0; i < BRN_PASSES; ++i) parity[i] = (brn_parity){0};
    for (int network = 0; network < BRN_NETWORK_KINDS; ++network)
        for (size_t d = 0; d < sizeof dimensions / sizeof *dimensions; ++d) {
            const int n = network == BRN_NETWORK_CONV ? images[d] : dimensions[d];
            double scale[BRN_PASSES];
            for (size_t b = 0; b < sizeof batches / sizeof *batches; ++b)
                BRN_TRY(check(dev, oracle, (brn_network_kind)network, n, &(brn_widths){3, {33, 17, 9}}, batches[b], scale, parity));
        }
    /* so many channels that a host makes the columns of a line of the image at a time, or of one place: its sums
     * meet those of devices that make all at once */
    for (int channels = 128; channels <= 512; channels *= 4) {
        double scale[BRN_PASSES];
        BRN_TRY(check(dev, oracle, BRN_NETWORK_CONV, 9 * 9, &(brn_widths){2, {channels, 3}}, MOST_ROWS, scale, parity));
    }
    return BRN_OK;
}

/* ---- times ------------------------------------------------------------------------------------- */

typedef struct {
    brn_subject s;
    brn_pass pass;
    double *theta_grad;
} timing;

static brn_status run(void *context)
{
    timing *t = context;
    brn_subject *s = &t->s;
    switch (t->pass) {
    case BRN_PASS_VALUE: return brn_pot_value(s->q, &s->f, &s->work, s->rows, s->x, s->value);
    case BRN_PASS_PARAMETERS: return brn_pot_param_grad(s->q, &s->f, &s->work, s->rows, 1, s->x, s->value, s->gradient);
    case BRN_PASS_MIXED: return brn_pot_mixed(s->q, &s->f, &s->work, s->rows, 1, s->x, s->v, s->gradient, s->hv);
    default: return brn_pot_value_grad(s->q, &s->f, &s->work, s->rows, s->x, s->value, s->grad);
    }
}

static brn_status wait(void *context)
{
    timing *t = context;
    float one;
    return brn_read_f32(t->s.q, brn_mat_view(t->s.value), &one, 1);
}

brn_status brn_network_time(brn_device *dev, brn_pass pass, brn_rate *rate)
{
    enum { N = 64, ROWS = 1024 };
    static const double products[BRN_PASSES] = {1, 2, 3, 6, 6}; /* as often as a forward pass */
    timing t = {.pass = pass};
    brn_net_shape shape;
    brn_status status;
    double forward = 0;
    BRN_TRY(brn_network_shape(&shape, BRN_NETWORK_MLP, N, &(brn_widths){3, {128, 128, 64}}, BRN_ACT_ELU, 1));
    for (int l = 0; l < shape.layers; ++l) forward += 2.0 * ROWS * (shape.layer[l].in + shape.layer[l].skip) * shape.layer[l].out;
    BRN_GO(brn_subject_open(&t.s, dev, &shape, BRN_NETWORK_MLP, ROWS, 7));
    BRN_GO(brn_time_calls(&(brn_timed){.q = t.s.q, .run = run, .wait = wait}, &t, rate));
    rate->flops = products[pass] * forward;
    rate->bytes = (double)dev->real_size * ((double)shape.size + 2.0 * N * ROWS);
done:
    brn_subject_close(&t.s);
    return status;
}
