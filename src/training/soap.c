/* SOAP (Vyas et al. 2024): Adam in the eigenbasis of Shampoo's two factors. For a block G, rows x cols,
 *   L <- b L + (1 - b) G G^T,   R <- b R + (1 - b) G^T G,   b = min(factor_beta, 1 - 1 / (step + 1)),
 * and with the eigenvectors of L and R in the rows of P and Q the step is P^T Adam(P G Q^T) Q. The bases
 * change at refreshes only, so both moments are kept in them: the first one is carried over from the
 * old to the new basis at a refresh, the second one stays as it is, as an estimate. */
#include "training/optimizer_parts.h"
#include "core/memory.h"
#include "training/orthonormal.h"

#include <stdlib.h>

/* Beyond this a factor is left out: its products would cost more than the rest of the training. */
enum { LARGEST_FACTOR = 4096 };

bool brn_soap_has_factor(int dimension) { return dimension > 1 && dimension <= LARGEST_FACTOR; }

/* While the factors still fill up, a host computes their eigenvectors anew; later they move slowly, and one step of
 * orthogonal iteration keeps up with them. A device takes such a step from the bases as they are at all refreshes: equal
 * refreshes are equal lists of commands, which are replayed. It learns as well: preset hd at n = 16 stands at an L2-UVP
 * of .91 % after 2000 steps (mean of seeds 0 to 5, .78 to 1.06), with eigenvectors at .93 % (.85 to 1.00), and with 16
 * steps of iteration in place of these at .92 % (.80 to 1.02). */
static bool starts_anew(int64_t step) { return step == 1 || step == 10 || step == 50; }
bool brn_soap_refreshes(const brn_optimizer *opt, int64_t step)
{
    return starts_anew(step) || step % opt->set.refresh == 0;
}

static brn_status identity(brn_optimizer *opt, brn_buf *basis, int n)
{
    float *one;
    BRN_TRY(BRN_ALLOC(&one, (size_t)n * (size_t)n, "SOAP basis"));
    for (int i = 0; i < n; ++i) one[(size_t)i * (size_t)n + (size_t)i] = 1;
    brn_status status = brn_write_f32(brn_device_queue(opt->dev, 0), (brn_view){basis, 0}, one, (size_t)n * (size_t)n);
    free(one);
    return status;
}

static brn_status add_factor(brn_optimizer *opt, int block, bool right)
{
    const brn_block *b = &opt->block[block];
    const int n = right ? b->cols : b->rows;
    const size_t count = (size_t)n * (size_t)n;
    brn_factor *f = &opt->factor[opt->factors++];
    *f = (brn_factor){.block = block, .size = n, .right = right};
    if (n > opt->largest) opt->largest = n;
    BRN_TRY(brn_buf_create(&f->mean, opt->dev, BRN_REAL, count, "SOAP factor"));
    BRN_TRY(brn_buf_create(&f->basis, opt->dev, BRN_REAL, count, "SOAP basis"));
    BRN_TRY(brn_zero(brn_device_queue(opt->dev, 0), (brn_view){f->mean, 0}, count));
    return identity(opt, f->basis, n);
}

brn_status brn_soap_create(brn_optimizer *opt)
{
    for (int i = 0; i < opt->blocks; ++i) {
        brn_block *b = &opt->block[i];
        if (brn_soap_has_factor(b->rows)) {
            b->left = opt->factors;
            BRN_TRY(add_factor(opt, i, false));
        }
        if (brn_soap_has_factor(b->cols)) {
            b->right = opt->factors;
            BRN_TRY(add_factor(opt, i, true));
        }
    }
    const int queues = brn_device_queues(opt->dev);
    const bool at_hand = brn_device_at_hand(opt->dev);
    opt->product_size = at_hand ? (size_t)opt->largest * (size_t)opt->largest : brn_orthonormal_scratch(opt->largest);
    BRN_TRY(brn_buf_create(&opt->product, opt->dev, BRN_REAL, (size_t)queues * opt->product_size, "SOAP refresh"));
    if (!at_hand) return BRN_OK;
    BRN_TRY(BRN_ALLOC(&opt->bases, (size_t)queues, "SOAP refresh"));
    for (int i = 0; i < queues; ++i) BRN_TRY(brn_eigenbasis_create(&opt->bases[i], opt->largest, brn_device_is_f64(opt->dev)));
    return BRN_OK;
}

void brn_soap_free(brn_optimizer *opt)
{
    for (int i = 0; i < opt->factors; ++i) {
        brn_buf_free(opt->factor[i].mean);
        brn_buf_free(opt->factor[i].basis);
    }
    for (int i = 0; opt->bases && i < brn_device_queues(opt->dev); ++i) brn_eigenbasis_free(&opt->bases[i]);
    free(opt->bases);
    brn_buf_free(opt->product);
}

double brn_soap_cost(const brn_optimizer *opt, const brn_block *b)
{
    const double count = (double)brn_block_count(b);
    return 4 * count * ((b->left >= 0 ? opt->factor[b->left].size : 0) + (b->right >= 0 ? opt->factor[b->right].size : 0));
}

/* to = P from Q^T, or with `back` P^T from Q; where a factor is missing its basis is the identity.
 * `from` may be `to`. */
static brn_status rotate(const brn_update *u, brn_queue *q, const brn_block *b, bool back, brn_buf *from, brn_buf *to)
{
    const brn_optimizer *opt = u->opt;
    const int r = b->rows, c = b->cols;
    brn_view x = brn_block_view(b, from);
    const brn_view between = brn_block_view(b, opt->work[1]), y = brn_block_view(b, to);
    if (b->left >= 0) {
        BRN_TRY(brn_gemm(q, &(brn_gemm_args){.ta = back, .m = r, .n = c, .k = r, .alpha = 1, .a = {opt->factor[b->left].basis, 0},
                                             .lda = r, .b = x, .ldb = c, .c = between, .ldc = c}));
        if (b->right < 0) return brn_copy(q, y, between, brn_block_count(b));
    } else {
        BRN_TRY(brn_copy(q, between, x, brn_block_count(b)));
    }
    return brn_gemm(q, &(brn_gemm_args){.tb = !back, .m = r, .n = c, .k = c, .alpha = 1, .a = between, .lda = c,
                                        .b = {opt->factor[b->right].basis, 0}, .ldb = c, .c = y, .ldc = c});
}

brn_status brn_soap_unrotate(const brn_update *u, brn_queue *q, const brn_block *b)
{
    return rotate(u, q, b, true, u->opt->m, u->opt->m);
}

static brn_view product_of(const brn_optimizer *opt, const brn_queue *q)
{
    return (brn_view){opt->product, (size_t)brn_queue_index(q) * opt->product_size};
}

/* By the host, which has the matrices at hand. */
static brn_status factorise(const brn_update *u, brn_queue *q, const brn_factor *f)
{
    brn_optimizer *opt = u->opt;
    brn_eigenbasis *host = &opt->bases[brn_queue_index(q)];
    const int n = f->size;
    const size_t count = (size_t)n * (size_t)n;
    const bool anew = starts_anew(u->step);
    brn_view from = {f->mean, 0};
    if (!anew) {
        from = product_of(opt, q);
        BRN_TRY(brn_gemm(q, &(brn_gemm_args){.m = n, .n = n, .k = n, .alpha = 1, .a = {f->basis, 0}, .lda = n,
                                             .b = {f->mean, 0}, .ldb = n, .c = from, .ldc = n}));
    }
    if (host->f64) BRN_TRY(brn_read_f64(q, from, host->matrix, count));
    else BRN_TRY(brn_read_f32(q, from, host->matrix, count));
    BRN_TRY(anew ? brn_eigenbasis_solve(host, n) : brn_eigenbasis_orthonormalise(host, n));
    if (host->f64) return brn_write_f64(q, (brn_view){f->basis, 0}, host->matrix, count);
    return brn_write_f32(q, (brn_view){f->basis, 0}, host->matrix, count);
}

static brn_status refresh_basis(const brn_update *u, brn_queue *q, const brn_factor *f)
{
    if (brn_device_at_hand(u->opt->dev)) return factorise(u, q, f);
    return brn_orthogonal_iteration(q, (brn_view){f->mean, 0}, (brn_view){f->basis, 0}, f->size, product_of(u->opt, q));
}

/* mean = keep mean + (1 - keep) G G^T, or G^T G. `keep` grows in the first steps. A product's weights belong to the
 * structure of a list of commands, a kernel's do not: where lists are replayed the two are apart. */
static brn_status average(const brn_update *u, brn_queue *q, const brn_factor *f, float keep)
{
    const brn_block *b = &u->opt->block[f->block];
    const bool once = brn_device_at_hand(u->opt->dev);
    const brn_view g = brn_block_view(b, u->grad), mean = {f->mean, 0}, to = once ? mean : product_of(u->opt, q);
    BRN_TRY(brn_gemm(q, &(brn_gemm_args){.ta = f->right, .tb = !f->right, .m = f->size, .n = f->size, .k = f->right ? b->rows : b->cols,
                                         .alpha = once ? 1 - keep : 1, .beta = once ? keep : 0, .a = g, .lda = b->cols, .b = g,
                                         .ldb = b->cols, .c = to, .ldc = f->size}));
    return once ? BRN_OK : BRN_LAUNCH(q, running_mean, f->size * f->size, 1, (.keep = keep), to, mean);
}

brn_status brn_soap_factor(const brn_update *u, brn_queue *q, const brn_factor *f)
{
    const double full = 1 - 1 / (double)(u->step + 1);
    BRN_TRY(average(u, q, f, (float)(full < u->opt->set.factor_beta ? full : u->opt->set.factor_beta)));
    return u->refresh ? refresh_basis(u, q, f) : BRN_OK;
}

brn_status brn_soap_step(const brn_update *u, brn_queue *q, const brn_block *b)
{
    brn_optimizer *opt = u->opt;
    const size_t count = brn_block_count(b);
    brn_buf *d = opt->work[0];
    if (u->refresh) BRN_TRY(rotate(u, q, b, false, opt->m, opt->m));
    BRN_TRY(rotate(u, q, b, false, u->grad, d));
    BRN_TRY(brn_update_adam(u, q, b->at, count, d, d));
    BRN_TRY(rotate(u, q, b, true, d, d));
    return BRN_LAUNCH(q, param_step, (int)count, 1, (.at = (int)b->at, .rate = u->lr, .decay = u->decay), {d, 0}, {u->theta, 0});
}
