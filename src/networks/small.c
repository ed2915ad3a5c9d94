#include "networks/small.h"
#include "compute/backend.h"
#include "networks/potential.h"
#include "prelude/small.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Beyond MANY rows products fill a device. Weights that do not all fit pass through ROOM reals, 48 KiB, which NVIDIA's devices
 * give without being asked and of which two fit into a V100's multiprocessor. */
enum { MANY = 8192, ROOM = 12288 };

static bool known_layers(const brn_net_shape *s)
{
    bool known = s->n <= SMALL_WIDEST;
    for (int l = 0; l < s->layers; ++l) {
        const brn_layer *w = &s->layer[l];
        known = known && !w->conv.kernel && w->quad < 0 && w->out <= SMALL_WIDEST && (w->kind == BRN_ACT_NONE || w->c == s->layer[0].c) &&
                w->in == (l ? s->layer[l - 1].out : 0) && (w->skip == s->n || (l && !w->skip));
    }
    return known;
}

static int least(int a, int b) { return a < b ? a : b; }

bool brn_small_layout(const brn_net_shape *s, int room, brn_small *small)
{
    *small = (brn_small){.resident = true};
    if (!known_layers(s)) return false;
    int all = 0;
    for (int l = 0; l < s->layers; ++l) {
        const brn_layer *w = &s->layer[l];
        if (w->out > small->widest) small->widest = w->out;
        small->at[l] = all;
        small->held[l] = w->in + w->skip;
        all += (w->in + w->skip + 1) * SMALL_PLACES(w->out);
    }
    small->weights = 2 * SMALL_R * (s->n + small->widest);
    if (!room) room = SMALL_ROOM;
    small->resident = small->weights + all <= room;
    if (small->resident) small->shared = small->weights + all;
    else small->shared = least(room, ROOM);
    if (small->shared < SMALL_LEAST) small->shared = SMALL_LEAST;
    for (int l = 0; l < s->layers && !small->resident; ++l) { /* with one more row, or the bias */
        small->at[l] = 0;
        small->held[l] = least(small->held[l], (small->shared - small->weights) / SMALL_PLACES(s->layer[l].out) - 1);
        if (small->held[l] < 1) return false;
    }
    return true;
}

static int most_rows(const brn_device *dev)
{
    const char *set = getenv("BRENIER_FUSE");
    if (set && !strcmp(set, "on")) return INT_MAX;
    return dev->ops->fuses_small && !(set && !strcmp(set, "off")) ? MANY : 0;
}

brn_status brn_small_create(brn_small *small, brn_device *dev, const brn_net_shape *s, const brn_tape *tape)
{
    int plan[BRN_NET_LAYERS * SMALL_NUMBERS];
    if (!brn_small_layout(s, dev->shared, small)) return BRN_OK;
    for (int l = 0; l < s->layers; ++l) {
        const brn_layer *w = &s->layer[l];
        const int numbers[SMALL_NUMBERS] = {[SMALL_INPUTS] = w->in, [SMALL_SKIP] = w->skip, [SMALL_WIDTH] = w->out, [SMALL_KIND] = w->kind,
                                            [SMALL_W] = (int)w->weight, [SMALL_Q] = w->kind != BRN_ACT_NONE ? (int)tape->q[l].off : -1,
                                            [SMALL_Z] = l + 1 < s->layers ? (int)tape->in[l + 1].off : -1, [SMALL_AT] = small->at[l],
                                            [SMALL_HELD] = small->held[l]};
        memcpy(&plan[l * SMALL_NUMBERS], numbers, sizeof numbers);
    }
    small->most = most_rows(dev);
    const size_t count = (size_t)s->layers * SMALL_NUMBERS;
    BRN_TRY(brn_buf_create(&small->plan, dev, BRN_INT, count, "plan of a network"));
    return brn_write_int(brn_device_queue(dev, 0), (brn_view){small->plan, 0}, plan, count);
}

void brn_small_free(brn_small *small)
{
    brn_buf_free(small->plan);
    *small = (brn_small){0};
}

/* What all of the kernels are told. */
#define OF_NETWORK(shape_, tape_)                                                                                                  \
    .layers = (shape_)->layers, .widest = (tape_)->small.widest, .weights = (tape_)->small.weights, .resident = (tape_)->small.resident, \
    .room = (tape_)->small.shared, .ldq = (tape_)->lanes, .c = (shape_)->layer[0].c

brn_status brn_small_forward(brn_queue *q, const brn_net *net, brn_tape *tape, int rows, brn_mat x, brn_mat out, bool slopes, bool residual)
{
    const brn_net_shape *s = &net->shape;
    return BRN_LAUNCH(q, small_forward, rows * SMALL_R, s->n,
                      (OF_NETWORK(s, tape), .count = rows, .ldx = x.ld, .ldy = out.ld, .slopes = slopes, .residual = residual), {tape->small.plan, 0},
                      {net->used, 0}, brn_mat_view(x), {tape->memory, 0}, brn_mat_view(out));
}

bool brn_small_potential(const brn_pot *f)
{
    const brn_net_shape *s = &f->part[0].shape;
    /* of a wide network a solve leaves traces, for which it needs the tape */
    return f->parts == 1 && !f->shift && s->layer[s->layers - 1].out == 1 && !brn_shape_is_wide(s);
}

brn_status brn_small_value_grad(brn_queue *q, const brn_pot *f, brn_tape *tape, int rows, brn_mat x, brn_mat value, brn_mat grad)
{
    const brn_net_shape *s = &f->part[0].shape;
    return BRN_LAUNCH(q, small_value_grad, rows * SMALL_R, s->n,
                      (OF_NETWORK(s, tape), .count = rows, .ldx = x.ld, .ldg = grad.ld, .log_alpha = (int)s->log_alpha, .s = f->scale),
                      {tape->small.plan, 0}, {f->part[0].used, 0}, brn_mat_view(x), {tape->memory, 0}, brn_mat_view(value), brn_mat_view(grad));
}

brn_status brn_small_trial(brn_queue *q, const brn_pot *f, brn_tape *tape, const brn_small_lanes *l)
{
    const brn_net_shape *s = &f->part[0].shape;
    return BRN_LAUNCH(q, small_trial, l->width * SMALL_R, s->n,
                      (OF_NETWORK(s, tape), .count = l->count, .history = l->history, .ld = l->ld, .log_alpha = (int)s->log_alpha, .s = f->scale),
                      {tape->small.plan, 0}, {f->part[0].used, 0}, {l->state, 0}, {l->listed, 0}, {tape->memory, 0}, {l->outside, 0});
}
