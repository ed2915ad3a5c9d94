#include "networks/small.h"
#include "compute/backend.h"
#include "networks/trace.h"

#include <stdlib.h>
#include <string.h>

/* The kernel's: features it has room for, lanes of a row, numbers of a layer. Beyond MANY rows products fill a device. */
enum { WIDEST = 128, LANES = 16, NUMBERS = 6, MANY = 8192 };

bool brn_small_fits(const brn_pot *f)
{
    const brn_net_shape *s = &f->part[0].shape;
    /* of a wide network a solve leaves traces, for which it needs the tape */
    bool fits = f->parts == 1 && !f->shift && s->n <= WIDEST && s->layer[s->layers - 1].out == 1 && !brn_shape_is_wide(s);
    for (int l = 0; l < s->layers; ++l) {
        const brn_layer *w = &s->layer[l];
        fits = fits && !w->conv.kernel && w->quad < 0 && w->out <= WIDEST && w->c == s->layer[0].c && w->in == (l ? s->layer[l - 1].out : 0);
    }
    return fits;
}

bool brn_small_wanted(const brn_device *dev, const brn_pot_work *w, int rows)
{
    const char *set = getenv("BRENIER_FUSE");
    if (!w->plan || (set && !strcmp(set, "off"))) return false;
    return (set && !strcmp(set, "on")) || (dev->ops->fuses_small && rows <= MANY);
}

brn_status brn_small_plan(brn_pot_work *w, const brn_pot *f)
{
    const brn_net_shape *s = &f->part[0].shape;
    int plan[BRN_NET_LAYERS * NUMBERS];
    if (!brn_small_fits(f)) return BRN_OK;
    for (int l = 0; l < s->layers; ++l) {
        const brn_layer *layer = &s->layer[l];
        const int sloped = layer->kind != BRN_ACT_NONE;
        memcpy(&plan[l * NUMBERS], (int[NUMBERS]){layer->in, layer->skip, layer->out, layer->kind, (int)layer->weight, sloped ? (int)w->tape[0].q[l].off : -1},
               NUMBERS * sizeof *plan);
    }
    const size_t count = (size_t)s->layers * NUMBERS;
    BRN_TRY(brn_buf_create(&w->plan, f->part[0].dev, BRN_INT, count, "potential scratch"));
    return brn_write_int(brn_device_queue(f->part[0].dev, 0), (brn_view){w->plan, 0}, plan, count);
}

brn_status brn_small_value_grad(brn_queue *q, const brn_pot *f, brn_pot_work *w, int rows, brn_mat x, brn_mat value, brn_mat grad)
{
    const brn_net_shape *s = &f->part[0].shape;
    const brn_tape *tape = &w->tape[0];
    return BRN_LAUNCH(q, small_value_grad, rows * LANES, s->n,
                      (.count = rows, .layers = s->layers, .ldx = x.ld, .ldg = grad.ld, .ldq = tape->lanes, .log_alpha = (int)s->log_alpha,
                       .c = s->layer[0].c, .s = f->scale),
                      {w->plan, 0}, {f->part[0].used, 0}, brn_mat_view(x), {tape->memory, 0}, brn_mat_view(value), brn_mat_view(grad));
}
