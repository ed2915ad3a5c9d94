/* The host device: all cores, memory shared with the program, tiles of 64 rows worked to the end by one
 * thread each. Spec "" is single precision on the best instruction set, "f64" double precision, "strict"
 * the twin of strict.c. */
#include "host.h"
#include "core/blas.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t physical_memory(void) { return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE); }

static int enumerate(brn_device_info *info, int capacity)
{
    static const char *const names[] = {"host", "host:f64", "host:strict"};
    static const char *const texts[] = {"%s, all cores, single precision", "%s, double precision oracle",
                                        "%s, behaves like a foreign device (tests)"};
    const int known = sizeof names / sizeof *names;
    for (int i = 0; i < known && i < capacity; ++i) {
        const char *isa = i == 0 ? brn_host_best_engine()->isa : "plain";
        info[i] = (brn_device_info){.available = true, .cores = brn_core_count(), .memory = physical_memory()};
        snprintf(info[i].name, sizeof info[i].name, "%s", names[i]);
        snprintf(info[i].description, sizeof info[i].description, texts[i], isa);
    }
    return known;
}

static void host_close(brn_device *dev)
{
    brn_host *host = dev->impl;
    if (!host) return;
    for (int i = 0; i < dev->queue_count && host->scratch; ++i) free(host->scratch[i]);
    free(host->scratch);
    free(host->scratch_count);
    brn_team_free(host->team);
    free(dev->queues);
    free(host);
    dev->impl = NULL;
}

static brn_status make_queues(brn_device *dev, brn_host *host, int threads)
{
    BRN_TRY(brn_team_create(&host->team, threads));
    dev->queue_count = brn_team_size(host->team);
    BRN_TRY(BRN_ALLOC(&dev->queues, (size_t)dev->queue_count, "queues"));
    BRN_TRY(BRN_ALLOC(&host->scratch, (size_t)dev->queue_count, "queues"));
    BRN_TRY(BRN_ALLOC(&host->scratch_count, (size_t)dev->queue_count, "queues"));
    for (int i = 0; i < dev->queue_count; ++i) dev->queues[i] = (brn_queue){.dev = dev, .index = i};
    return BRN_OK;
}

static brn_status host_open(brn_device *dev, const char *spec, int threads)
{
    extern const brn_backend brn_backend_strict;
    const bool strict = !strcmp(spec, "strict"), f64 = !strcmp(spec, "f64");
    if (*spec && !strict && !f64)
        return brn_fail(BRN_ERR_DEVICE, "device \"%s\" is not known; the host is \"host\", \"host:f64\" or \"host:strict\"", dev->name);
    brn_host *host;
    BRN_TRY(BRN_ALLOC(&host, 1, "host device"));
    dev->impl = host;
    host->engine = strict ? &brn_host_engine_plain : f64 ? &brn_host_engine_f64 : brn_host_best_engine();
    dev->real_size = host->engine->real_size;
    dev->memory = physical_memory();
    dev->tile_rows = strict ? 1 << 20 : BRN_HOST_TILE;
    dev->at_hand = !strict;
    if (strict) dev->ops = &brn_backend_strict;
    brn_status status = make_queues(dev, host, strict ? 1 : threads);
    if (status == BRN_OK && f64) status = brn_blas_load(); /* its products */
    if (status != BRN_OK) host_close(dev);
    return status;
}

/* The engine may read one vector past the last row of a matrix. */
static brn_status host_alloc(brn_buf *buf, const char *what)
{
    enum { WIDEST_VECTOR = 64 };
    size_t bytes;
    if (!brn_mul_size(buf->count, buf->elem, &bytes) || bytes > SIZE_MAX - WIDEST_VECTOR)
        return brn_fail(BRN_ERR_MEMORY, "%s: %zu elements", what, buf->count);
    return brn_alloc_bytes(&buf->data, bytes + WIDEST_VECTOR, 1, what);
}

static void host_release(brn_buf *buf) { free(buf->data); }

static brn_status host_write(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    (void)q;
    memcpy(brn_host_at(to), from, bytes);
    return BRN_OK;
}

static brn_status host_read(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    (void)q;
    memcpy(to, brn_host_at(from), bytes);
    return BRN_OK;
}

static brn_status host_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    (void)q;
    memcpy(brn_host_at(to), brn_host_at(from), bytes);
    return BRN_OK;
}

static brn_status host_zero(brn_queue *q, brn_view to, size_t bytes)
{
    (void)q;
    memset(brn_host_at(to), 0, bytes);
    return BRN_OK;
}

typedef struct {
    brn_device *dev;
    brn_item_fn fn;
    void *context;
} parallel_call;

static brn_status run_item(void *context, int member, int item)
{
    parallel_call *call = context;
    return call->fn(call->context, &call->dev->queues[member], item);
}

static brn_status host_parallel(brn_device *dev, int count, brn_item_fn fn, void *context)
{
    brn_host *host = dev->impl;
    return brn_team_run(host->team, count, run_item, &(parallel_call){dev, fn, context});
}

static brn_status host_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats,
                              const brn_view *views, int count)
{
    (void)size, (void)feats;
    enum { MOST = 24 };
    void *pointers[MOST];
    for (int i = 0; i < count; ++i) pointers[i] = brn_host_at(views[i]);
    const brn_host_kernel run = ((brn_host *)q->dev->impl)->engine->kernels[kernel];
    const int wg = brn_kernel_table[kernel].wg;
    for (int g = 0; g * wg < rows; ++g) run(params, pointers, g, 0, rows - g * wg < wg ? rows - g * wg : wg);
    return BRN_OK;
}

/* At least `need` reals for one call; grows to the largest seen. A queue is used by one thread at a time. */
static brn_status scratch_for(brn_queue *queue, size_t need, void **scratch)
{
    brn_host *host = queue->dev->impl;
    if (host->scratch_count[queue->index] < need) {
        void *block;
        BRN_TRY(brn_alloc_bytes(&block, need, queue->dev->real_size, "scratch"));
        free(host->scratch[queue->index]);
        host->scratch[queue->index] = block;
        host->scratch_count[queue->index] = need;
    }
    *scratch = host->scratch[queue->index];
    return BRN_OK;
}

static brn_status engine_gemm(brn_queue *q, const brn_host_engine *engine, const brn_gemm_args *a)
{
    void *scratch = NULL;
    if (a->tb) BRN_TRY(scratch_for(q, brn_host_gemm_scratch(a->k), &scratch));
    engine->gemm(&(brn_host_gemm){.ta = a->ta, .tb = a->tb, .m = a->m, .n = a->n, .k = a->k, .alpha = a->alpha, .beta = a->beta,
                                  .a = brn_host_at(a->a), .lda = a->lda, .b = brn_host_at(a->b), .ldb = a->ldb, .c = brn_host_at(a->c),
                                  .ldc = a->ldc, .scratch = scratch});
    return BRN_OK;
}

static brn_status host_gemm(brn_queue *q, const brn_gemm_args *a)
{
    const brn_host_engine *engine = ((brn_host *)q->dev->impl)->engine;
    if (engine->gemm) return engine_gemm(q, engine, a);
    const CBLAS_TRANSPOSE ta = a->ta ? CblasTrans : CblasNoTrans, tb = a->tb ? CblasTrans : CblasNoTrans;
    brn_blas.dgemm(CblasRowMajor, ta, tb, a->m, a->n, a->k, a->alpha, brn_host_at(a->a), a->lda, brn_host_at(a->b), a->ldb, a->beta,
                   brn_host_at(a->c), a->ldc);
    return BRN_OK;
}

static brn_status host_dense_forward(brn_queue *queue, const brn_dense *w, int rows, int kind, float c, brn_mat x,
                                     brn_mat u, brn_mat z, brn_mat q)
{
    const brn_host *host = queue->dev->impl;
    host->engine->forward(&(brn_host_forward){
        .in = w->in, .out = w->out, .rows = rows, .kind = kind, .c = c,
        .weight = brn_host_at((brn_view){w->params, w->weight}),
        .bias = w->bias < 0 ? NULL : brn_host_at((brn_view){w->params, (size_t)w->bias}),
        .x = brn_host_mat(x), .ldx = x.ld, .u = brn_host_mat(u), .ldu = u.ld, .z = brn_host_mat(z), .ldz = z.ld,
        .q = brn_host_mat(q), .ldq = q.ld});
    return BRN_OK;
}

static brn_status host_dense_backward(brn_queue *queue, const brn_dense *w, int rows, brn_mat d, brn_mat q, brn_mat y,
                                      bool accumulate)
{
    const brn_host *host = queue->dev->impl;
    host->engine->backward(&(brn_host_backward){
        .in = w->in, .out = w->out, .rows = rows, .weight = brn_host_at((brn_view){w->params, w->weight}),
        .d = brn_host_mat(d), .ldd = d.ld, .q = brn_host_mat(q), .ldq = q.ld, .y = brn_host_mat(y), .ldy = y.ld,
        .accumulate = accumulate});
    return BRN_OK;
}

static brn_status host_dense_grad(brn_queue *queue, const brn_dense *w, int rows, brn_mat x, brn_mat d, brn_buf *grad,
                                  bool with_bias)
{
    const brn_host *host = queue->dev->impl;
    void *scratch;
    BRN_TRY(scratch_for(queue, brn_host_grad_scratch(w->out), &scratch));
    host->engine->grad(&(brn_host_grad){
        .in = w->in, .out = w->out, .rows = rows, .x = brn_host_mat(x), .ldx = x.ld, .d = brn_host_mat(d), .ldd = d.ld,
        .weight = brn_host_at((brn_view){grad, w->weight}),
        .bias = with_bias ? brn_host_at((brn_view){grad, (size_t)w->bias}) : NULL, .scratch = scratch});
    return BRN_OK;
}

const brn_backend brn_backend_host = {
    .abi = BRN_BACKEND_ABI, .name = "host", .hint = "always there",
    .enumerate = enumerate, .open = host_open, .close = host_close,
    .alloc = host_alloc, .release = host_release, .write = host_write, .read = host_read,
    .copy = host_copy, .zero = host_zero, .parallel = host_parallel, .launch = host_launch, .gemm = host_gemm,
    .dense_forward = host_dense_forward, .dense_backward = host_dense_backward, .dense_grad = host_dense_grad,
};

/* The strict twin has no fused operations: what it computes is what a GPU backend composes. */
extern const brn_backend brn_backend_strict;
const brn_backend brn_backend_strict = {
    .abi = BRN_BACKEND_ABI, .name = "host", .hint = "always there",
    .enumerate = enumerate, .open = host_open, .close = host_close,
    .alloc = brn_strict_alloc, .release = brn_strict_release, .write = host_write, .read = host_read,
    .copy = host_copy, .zero = host_zero, .parallel = host_parallel, .launch = brn_strict_launch, .gemm = host_gemm,
};
