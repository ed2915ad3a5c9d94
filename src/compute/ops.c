/* Operations: the backend's fused form where it has one, else composed of its primitives. */
#include "compute/backend.h"

brn_status brn_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats,
                      const brn_view *views, int count)
{
    brn_count(q->dev, &q->dev->counts.launches, 1);
    return q->dev->ops->launch(q, kernel, params, size, rows, feats, views, count);
}

brn_status brn_gemm(brn_queue *q, const brn_gemm_args *args)
{
    brn_count(q->dev, &q->dev->counts.products, 1);
    return q->dev->ops->gemm(q, args);
}

brn_status brn_flush(brn_queue *q) { return q->dev->ops->flush ? q->dev->ops->flush(q) : BRN_OK; }

bool brn_device_repeats(const brn_device *dev) { return dev->ops->repeat != NULL; }

brn_status brn_repeat(brn_queue *q, brn_view counter, int floor, brn_repeat_fn body, void *context)
{
    if (q->dev->ops->repeat) return q->dev->ops->repeat(q, counter, floor, body, context);
    for (int count;;) {
        BRN_TRY(brn_read_int(q, counter, &count, 1));
        if (count <= floor) return BRN_OK;
        BRN_TRY(body(context, q));
    }
}

brn_status brn_dense_forward(brn_queue *queue, const brn_dense *w, int rows, int kind, float c, brn_mat x, brn_mat u,
                             brn_mat z, brn_mat q)
{
    const brn_backend *ops = queue->dev->ops;
    if (ops->dense_forward) return ops->dense_forward(queue, w, rows, kind, c, x, u, z, q);
    return brn_compose_dense_forward(queue, w, rows, kind, c, x, u, z, q);
}

brn_status brn_dense_backward(brn_queue *queue, const brn_dense *w, int rows, brn_mat d, brn_mat q, brn_mat y,
                              bool accumulate)
{
    const brn_backend *ops = queue->dev->ops;
    if (ops->dense_backward) return ops->dense_backward(queue, w, rows, d, q, y, accumulate);
    return brn_compose_dense_backward(queue, w, rows, d, q, y, accumulate);
}

brn_status brn_dense_grad(brn_queue *queue, const brn_dense *w, int rows, brn_mat x, brn_mat d, brn_buf *grad,
                          bool with_bias)
{
    const brn_backend *ops = queue->dev->ops;
    if (ops->dense_grad) return ops->dense_grad(queue, w, rows, x, d, grad, with_bias);
    return brn_compose_dense_grad(queue, w, rows, x, d, grad, with_bias);
}

brn_status brn_compose_dense_forward(brn_queue *queue, const brn_dense *w, int rows, int kind, float c, brn_mat x,
                                     brn_mat u, brn_mat z, brn_mat q)
{
    brn_mat pre = u.buf ? u : z; /* without a place for u the product is made in z and activated in place */
    BRN_TRY(brn_gemm(queue, &(brn_gemm_args){.ta = true, .m = w->out, .n = rows, .k = w->in, .alpha = 1,
                                             .a = {w->params, w->weight}, .lda = w->out,
                                             .b = brn_mat_view(x), .ldb = x.ld, .c = brn_mat_view(pre), .ldc = pre.ld}));
    brn_mat slope = q.buf ? q : z;
    return BRN_LAUNCH(queue, act_forward, rows, w->out,
                      (.ldu = pre.ld, .ldz = z.ld, .ldq = slope.ld, .kind = kind, .c = c, .bias = (int)w->bias,
                       .slope = q.buf != NULL),
                      {w->params, 0}, brn_mat_view(pre), brn_mat_view(z), brn_mat_view(slope));
}

brn_status brn_compose_dense_backward(brn_queue *queue, const brn_dense *w, int rows, brn_mat d, brn_mat q, brn_mat y,
                                      bool accumulate)
{
    BRN_TRY(brn_gemm(queue, &(brn_gemm_args){.m = w->in, .n = rows, .k = w->out, .alpha = 1, .beta = accumulate ? 1 : 0,
                                             .a = {w->params, w->weight}, .lda = w->out,
                                             .b = brn_mat_view(d), .ldb = d.ld, .c = brn_mat_view(y), .ldc = y.ld}));
    if (!q.buf) return BRN_OK;
    return BRN_LAUNCH(queue, mul, rows, w->in, (.lda = y.ld, .ldb = q.ld, .ldy = y.ld), brn_mat_view(y),
                      brn_mat_view(q), brn_mat_view(y));
}

brn_status brn_compose_dense_grad(brn_queue *queue, const brn_dense *w, int rows, brn_mat x, brn_mat d, brn_buf *grad,
                                  bool with_bias)
{
    BRN_TRY(brn_gemm(queue, &(brn_gemm_args){.tb = true, .m = w->in, .n = w->out, .k = rows, .alpha = 1, .beta = 1,
                                             .a = brn_mat_view(x), .lda = x.ld, .b = brn_mat_view(d), .ldb = d.ld,
                                             .c = {grad, w->weight}, .ldc = w->out}));
    if (!with_bias) return BRN_OK;
    return BRN_LAUNCH(queue, feature_sum, rows, w->out, (.ld = d.ld, .at = (int)w->bias), brn_mat_view(d), {grad, 0});
}
