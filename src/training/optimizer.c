/* A step as tasks: ranges of parameters go by Adam, weight matrices by Muon or SOAP. Tasks of one phase
 * write different memory, so they may run on any queue and in any order. */
#include "training/optimizer_parts.h"
#include "core/memory.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Parameters of one Adam task: some 20 microseconds of work, more than it costs to hand it out. */
enum { ADAM_CHUNK = 1 << 16 };

/* ---- what is treated how ---------------------------------------------------------------------- */

/* SOAP takes a layer's weight with its bias as an extra row. Muon takes the weight alone, and no layer
 * with one output: the nearest orthogonal matrix of a vector is its direction. */
static void add_blocks(brn_optimizer *opt, const brn_net_shape *shape)
{
    if (opt->set.kind == BRN_OPT_ADAMW) return;
    const bool soap = opt->set.kind == BRN_OPT_SOAP;
    for (int l = 0; l < shape->layers; ++l) {
        const brn_layer *w = &shape->layer[l];
        const brn_block b = {.at = w->weight, .rows = brn_layer_rows(w) + soap, .cols = brn_layer_cols(w), .left = -1, .right = -1};
        if (soap ? brn_soap_has_factor(b.rows) || brn_soap_has_factor(b.cols) : b.cols > 1) opt->block[opt->blocks++] = b;
    }
}

static void add_task(brn_optimizer *opt, brn_task task) { opt->task[opt->tasks++] = task; }

static int chunks(const brn_optimizer *opt, size_t count)
{
    const size_t queues = (size_t)brn_device_queues(opt->dev), most = (count + ADAM_CHUNK - 1) / ADAM_CHUNK;
    return (int)(most < queues ? most : queues);
}

/* In chunks of whole work-groups; their number changes no bit. */
static void add_adam_tasks(brn_optimizer *opt, size_t at, size_t count)
{
    const size_t parts = (size_t)chunks(opt, count), chunk = (count / parts + 256) / 256 * 256;
    for (size_t end = at + count; at < end; at += chunk) {
        const size_t part = end - at < chunk ? end - at : chunk;
        add_task(opt, (brn_task){.kind = TASK_ADAM, .at = at, .count = part, .cost = 20 * (double)part});
    }
}

static bool in_a_block(const brn_optimizer *opt, const brn_tensor *t)
{
    for (int i = 0; i < opt->blocks; ++i)
        if (t->at >= opt->block[i].at && t->at < opt->block[i].at + brn_block_count(&opt->block[i])) return true;
    return false;
}

static void add_muon_tasks(brn_optimizer *opt, int block)
{
    const brn_block *b = &opt->block[block];
    const int stripes = brn_muon_stripes(opt, b);
    for (int i = 0; i < stripes; ++i)
        add_task(opt, (brn_task){.kind = TASK_MUON, .index = block, .stripe = i, .stripes = stripes, .cost = brn_muon_cost(b) / stripes});
}

static void add_soap_tasks(brn_optimizer *opt, int block)
{
    const double cost = brn_soap_cost(opt, &opt->block[block]);
    add_task(opt, (brn_task){.kind = TASK_SOAP, .index = block, .cost = cost});
    add_task(opt, (brn_task){.kind = TASK_UNROTATE, .index = block, .cost = cost / 2});
}

static void add_factor_tasks(brn_optimizer *opt)
{
    for (int i = 0; i < opt->factors; ++i) {
        const double n = opt->factor[i].size, count = (double)brn_block_count(&opt->block[opt->factor[i].block]);
        add_task(opt, (brn_task){.kind = TASK_FACTOR, .index = i, .cost = 2 * n * count});
    }
}

static int dearest_first(const void *a, const void *b)
{
    const brn_task *x = a, *y = b;
    return (x->cost < y->cost) - (x->cost > y->cost);
}

static brn_status add_tasks(brn_optimizer *opt, const brn_net_shape *shape)
{
    const bool soap = opt->set.kind == BRN_OPT_SOAP;
    size_t most = (size_t)opt->factors + (size_t)(shape->tensors + 1) * (size_t)brn_device_queues(opt->dev);
    for (int i = 0; i < opt->blocks; ++i) most += soap ? 2 : (size_t)brn_muon_stripes(opt, &opt->block[i]);
    BRN_TRY(BRN_ALLOC(&opt->task, most, "optimizer"));
    for (int i = 0; i < opt->blocks; ++i) {
        if (soap) add_soap_tasks(opt, i);
        else add_muon_tasks(opt, i);
    }
    add_factor_tasks(opt);
    /* the zeros between the tensors stay zero, so that without blocks all parameters are one range */
    if (!opt->blocks) add_adam_tasks(opt, 0, shape->size);
    for (int i = 0; opt->blocks && i < shape->tensors; ++i) {
        const brn_tensor *t = &shape->tensor[i];
        if (!in_a_block(opt, t)) add_adam_tasks(opt, t->at, (size_t)t->rows * (size_t)(t->cols ? t->cols : 1));
    }
    qsort(opt->task, (size_t)opt->tasks, sizeof *opt->task, dearest_first);
    return BRN_OK;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void add_state(brn_optimizer *opt, brn_buf *buf, const char *format, int layer)
{
    brn_named *s = &opt->state[opt->states++];
    s->buf = buf;
    snprintf(s->name, sizeof s->name, format, layer);
}

static int layer_of(const brn_net_shape *shape, const brn_block *b)
{
    for (int l = 0; l < shape->layers; ++l)
        if (shape->layer[l].weight == b->at) return l;
    return -1;
}

static void list_state(brn_optimizer *opt, const brn_net_shape *shape)
{
    add_state(opt, opt->m, "m", 0);
    add_state(opt, opt->v, "v", 0);
    if (opt->clip) add_state(opt, opt->clip, "clip", 0);
    for (int i = 0; i < opt->factors; ++i) {
        const brn_factor *f = &opt->factor[i];
        const int l = layer_of(shape, &opt->block[f->block]);
        add_state(opt, f->mean, f->right ? "layers.%d.right" : "layers.%d.left", l);
        add_state(opt, f->basis, f->right ? "layers.%d.right_basis" : "layers.%d.left_basis", l);
    }
}

static brn_status create_moments(brn_optimizer *opt)
{
    static const int works[] = {[BRN_OPT_ADAMW] = 0, [BRN_OPT_MUON] = 3, [BRN_OPT_SOAP] = 2};
    brn_queue *q = brn_device_queue(opt->dev, 0);
    BRN_TRY(brn_buf_create(&opt->m, opt->dev, BRN_REAL, opt->size, "first moments"));
    BRN_TRY(brn_buf_create(&opt->v, opt->dev, BRN_REAL, opt->size, "second moments"));
    BRN_TRY(brn_zero(q, (brn_view){opt->m, 0}, opt->size));
    BRN_TRY(brn_zero(q, (brn_view){opt->v, 0}, opt->size));
    for (int i = 0; i < works[opt->set.kind]; ++i) BRN_TRY(brn_buf_create(&opt->work[i], opt->dev, BRN_REAL, opt->size, "optimizer"));
    return BRN_OK;
}

static brn_status check(const brn_net_shape *shape, const brn_optimizer_settings *set)
{
    if (set->kind != BRN_OPT_ADAMW && set->kind != BRN_OPT_MUON && set->kind != BRN_OPT_SOAP)
        return brn_fail(BRN_ERR_USAGE, "optimizer %d is not known; settings are to be resolved first", (int)set->kind);
    if (set->kind == BRN_OPT_SOAP && set->refresh < 1)
        return brn_fail(BRN_ERR_USAGE, "SOAP refreshes its bases every %d steps; at least 1 is possible", set->refresh);
    if (shape->size > INT_MAX) return brn_fail(BRN_ERR_USAGE, "%zu parameters; %d are possible", shape->size, INT_MAX);
    return BRN_OK;
}

brn_status brn_optimizer_create(brn_optimizer **out, brn_device *dev, const brn_net_shape *shape,
                                const brn_optimizer_settings *settings)
{
    *out = NULL;
    BRN_TRY(check(shape, settings));
    brn_optimizer *opt;
    BRN_TRY(BRN_ALLOC(&opt, 1, "optimizer"));
    opt->dev = dev;
    opt->set = *settings;
    opt->size = shape->size;
    brn_status status;
    BRN_GO(create_moments(opt));
    BRN_GO(brn_clip_create(opt));
    add_blocks(opt, shape);
    if (settings->kind == BRN_OPT_SOAP) BRN_GO(brn_soap_create(opt));
    BRN_GO(add_tasks(opt, shape));
    list_state(opt, shape);
    *out = opt;
    return BRN_OK;
done:
    brn_optimizer_free(opt);
    return status;
}

void brn_optimizer_free(brn_optimizer *opt)
{
    if (!opt) return;
    brn_soap_free(opt);
    brn_clip_free(opt);
    for (int i = 0; i < 3; ++i) brn_buf_free(opt->work[i]);
    brn_buf_free(opt->v);
    brn_buf_free(opt->m);
    free(opt->task);
    free(opt);
}

/* ---- a step ---------------------------------------------------------------------------------- */

brn_status brn_update_adam(const brn_update *u, brn_queue *q, size_t at, size_t count, brn_buf *grad, brn_buf *direction)
{
    const brn_optimizer *opt = u->opt;
    return BRN_LAUNCH(q, adam, (int)count, 1,
                      (.at = (int)at, .beta1 = (float)opt->set.beta1, .beta2 = (float)opt->set.beta2, .scale1 = u->scale1,
                       .scale2 = u->scale2, .epsilon = (float)opt->set.epsilon, .rate = u->lr, .decay = u->decay, .apply = !direction),
                      {grad, 0}, {opt->m, 0}, {opt->v, 0}, {direction ? direction : u->theta, 0});
}

static brn_status run_task(void *context, brn_queue *q, int item)
{
    const brn_update *u = context;
    const brn_optimizer *opt = u->opt;
    const brn_task *t = &opt->task[item];
    switch (t->kind & u->kinds) {
    case TASK_ADAM: return brn_update_adam(u, q, t->at, t->count, u->grad, NULL);
    case TASK_MUON: return brn_muon_step(u, q, t);
    case TASK_UNROTATE: return brn_soap_unrotate(u, q, &opt->block[t->index]);
    case TASK_FACTOR: return brn_soap_factor(u, q, &opt->factor[t->index]);
    case TASK_SOAP: return brn_soap_step(u, q, &opt->block[t->index]);
    default: return BRN_OK; /* of another phase */
    }
}

static brn_status run_phase(brn_update *u, int kinds)
{
    u->kinds = kinds;
    return brn_parallel(u->opt->dev, u->opt->tasks, run_task, u);
}

static float correction(double beta, int64_t step) { return (float)(1 / (1 - pow(beta, (double)step))); }

brn_status brn_optimizer_step(brn_optimizer *opt, brn_net *net, brn_buf *grad, double rate)
{
    if (brn_buf_count(net->theta) != opt->size || brn_buf_count(grad) != opt->size)
        return brn_fail(BRN_ERR_INTERNAL, "optimizer of %zu parameters, network of %zu, gradient of %zu", opt->size,
                        brn_buf_count(net->theta), brn_buf_count(grad));
    const brn_optimizer_settings *set = &opt->set;
    const int64_t step = opt->steps + 1;
    brn_update u = {.opt = opt, .theta = net->theta, .grad = grad, .step = step, .lr = (float)(rate * set->lr),
                    .matrix_lr = (float)(rate * set->matrix_lr), .decay = (float)(rate * set->lr * set->weight_decay),
                    .scale1 = correction(set->beta1, step), .scale2 = correction(set->beta2, step)};
    BRN_TRY(brn_clip_gradient(&u, brn_device_queue(opt->dev, 0)));
    u.refresh = set->kind == BRN_OPT_SOAP && brn_soap_refreshes(opt, step);
    if (u.refresh) {
        BRN_TRY(run_phase(&u, TASK_UNROTATE));
        BRN_TRY(run_phase(&u, TASK_FACTOR));
    }
    BRN_TRY(run_phase(&u, TASK_ADAM | TASK_MUON | TASK_SOAP | (u.refresh ? 0 : TASK_FACTOR)));
    for (u.part = 1; set->kind == BRN_OPT_MUON && u.part < BRN_MUON_PARTS; ++u.part) BRN_TRY(run_phase(&u, TASK_MUON));
    opt->steps = step;
    return BRN_OK;
}

/* ---- checkpoints ----------------------------------------------------------------------------- */

int brn_optimizer_state_count(const brn_optimizer *opt) { return opt->states; }

brn_status brn_optimizer_state(const brn_optimizer *opt, int i, const char **name, brn_buf **buf)
{
    if (i < 0 || i >= opt->states) return brn_fail(BRN_ERR_INTERNAL, "optimizer state %d of %d", i, opt->states);
    *name = opt->state[i].name;
    *buf = opt->state[i].buf;
    return BRN_OK;
}

int64_t brn_optimizer_steps(const brn_optimizer *opt) { return opt->steps; }
void brn_optimizer_set_steps(brn_optimizer *opt, int64_t steps) { opt->steps = steps; }
