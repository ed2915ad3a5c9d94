#include "training/wide.h"
#include "core/memory.h"

#include <stdlib.h>

bool brn_wide_pays(brn_trainer *t)
{
    const brn_loss loss = t->set->train.loss;
    const bool mixed = loss == BRN_LOSS_CYCLE || loss == BRN_LOSS_CYCLE_FINETUNE || t->model->h.kind == BRN_AMORTIZER_GRADIENT;
    return t->x.tiles > 1 && !mixed && brn_shape_is_wide(&t->model->f.part[0].shape);
}

static brn_status create_tiles(brn_wide *w, brn_trainer *t)
{
    BRN_TRY(brn_batch_create(&w->adjoint, t->dev, t->n, t->batch, "training scratch"));
    BRN_TRY(brn_traces_create(&w->target, &t->model->f.part[0].shape, &t->x));
    BRN_TRY(BRN_ALLOC(&w->tile, (size_t)t->x.tiles, "training scratch"));
    w->tiles = t->x.tiles;
    for (int i = 0; i < w->tiles; ++i) {
        w->tile[i].adjoint = brn_batch_tile(&w->adjoint, i);
        BRN_TRY(brn_pot_work_create(&w->tile[i].source, &t->model->f, t->x.lanes, BRN_TAPE_FIRST));
    }
    return BRN_OK;
}

static brn_status create_blocks(brn_wide *w, brn_trainer *t)
{
    const brn_net_shape *f = &t->model->f.part[0].shape;
    const brn_net *h = brn_amortizer_net(&t->model->h);
    w->f_blocks = brn_shape_blocks(f, NULL);
    w->h_blocks = h ? brn_shape_blocks(&h->shape, NULL) : 0;
    BRN_TRY(BRN_ALLOC(&w->block, (size_t)(w->f_blocks + w->h_blocks), "training scratch"));
    brn_shape_blocks(f, w->block);
    if (h) brn_shape_blocks(&h->shape, w->block + w->f_blocks);
    return BRN_OK;
}

brn_status brn_wide_create(brn_wide **out, brn_trainer *t)
{
    brn_wide *w;
    BRN_TRY(BRN_ALLOC(&w, 1, "training scratch"));
    *out = w; /* the trainer frees what a failure leaves */
    BRN_TRY(create_tiles(w, t));
    return create_blocks(w, t);
}

void brn_wide_free(brn_wide *w)
{
    if (!w) return;
    for (int i = 0; i < w->tiles; ++i) brn_pot_work_free(&w->tile[i].source);
    brn_traces_free(&w->target);
    brn_batch_free(&w->adjoint);
    free(w->tile), free(w->block);
    free(w);
}

/* Tiles in order, x before the argmax. */
static brn_status sum_f(brn_trainer *t, brn_queue *q, const brn_weight_block *block)
{
    const brn_pot *f = &t->model->f;
    BRN_TRY(brn_block_zero(q, &f->part[0], block, t->f_grad[0]));
    for (int i = 0; i < t->x.tiles; ++i) {
        const brn_wide_tile *kept = &t->wide->tile[i];
        const int rows = brn_batch_rows(&t->x, i);
        const brn_trace source = brn_pot_trace(f, &kept->source, rows, brn_batch_tile(&t->x, i));
        const brn_trace target = brn_traces_tile(&t->wide->target, i, brn_batch_tile(&t->argmax, i));
        BRN_TRY(brn_block_add(q, &f->part[0], block, &source, t->f_grad[0]));
        BRN_TRY(brn_block_add(q, &f->part[0], block, &target, t->f_grad[0]));
    }
    return BRN_OK;
}

static brn_status sum_h(brn_trainer *t, brn_queue *q, const brn_weight_block *block)
{
    const brn_net *net = &t->model->h.net;
    BRN_TRY(brn_block_zero(q, net, block, t->h_grad[0]));
    for (int i = 0; i < t->x.tiles; ++i) {
        const brn_trace trace =
            brn_tape_trace(&net->shape, &t->tape[i].tape, brn_batch_rows(&t->x, i), brn_batch_tile(&t->y, i), t->wide->tile[i].adjoint);
        BRN_TRY(brn_block_add(q, net, block, &trace, t->h_grad[0]));
    }
    return BRN_OK;
}

static brn_status sum_log_alpha(brn_trainer *t, brn_queue *q)
{
    const brn_pot *f = &t->model->f;
    const float share = 1.0f / (float)t->batch;
    BRN_TRY(brn_zero(q, (brn_view){t->f_grad[0], (size_t)f->part[0].shape.log_alpha}, 1));
    for (int i = 0; i < t->x.tiles; ++i) {
        const int rows = brn_batch_rows(&t->x, i);
        BRN_TRY(brn_pot_log_alpha_grad(q, f, rows, share, brn_batch_tile(&t->x, i), t->f_grad[0]));
        BRN_TRY(brn_pot_log_alpha_grad(q, f, rows, -share, brn_batch_tile(&t->argmax, i), t->f_grad[0]));
    }
    return BRN_OK;
}

/* Blocks of f, blocks of H, and the quadratic term. */
static brn_status sum_item(void *context, brn_queue *q, int item)
{
    brn_trainer *t = context;
    const brn_wide *w = t->wide;
    if (item == w->f_blocks + w->h_blocks) return sum_log_alpha(t, q);
    return item < w->f_blocks ? sum_f(t, q, &w->block[item]) : sum_h(t, q, &w->block[item]);
}

brn_status brn_wide_sum(brn_trainer *t) { return brn_parallel(t->dev, t->wide->f_blocks + t->wide->h_blocks + 1, sum_item, t); }
