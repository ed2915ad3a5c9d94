#include "benchmark/frozen.h"
#include "benchmark/exact.h"
#include "core/memory.h"
#include "measures/mixtures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seeds of the published files; the dimension is added. */
enum { STANDARD_SEED = 20210000, EVAL_SEED = 210601954 };

static void lay_out(brn_frozen *f)
{
    const int n = f->n, *h = f->width;
    const brn_frozen_tensor list[BRN_FROZEN_TENSORS] = {
        {"quad.0", "layers.0.quad", h[0], n, 0, false}, {"lin.0", "layers.0.weight", h[0], n, 0, false}, {"bias.0", "layers.0.bias", h[0], 0, 0, false},
        {"quad.1", "layers.1.quad", h[1], n, 0, false}, {"lin.1", "layers.1.skip", h[1], n, 0, false}, {"bias.1", "layers.1.bias", h[1], 0, 0, false},
        {"quad.2", "layers.2.quad", h[2], n, 0, false}, {"lin.2", "layers.2.skip", h[2], n, 0, false}, {"bias.2", "layers.2.bias", h[2], 0, 0, false},
        {"conv.1", "layers.1.hidden", h[1], h[0], 0, true}, {"conv.2", "layers.2.hidden", h[2], h[1], 0, true}, {"out", "layers.3.weight", h[2], 0, 0, true}};
    for (int i = 0; i < BRN_FROZEN_TENSORS; ++i) {
        f->tensor[i] = list[i];
        f->tensor[i].at = f->part_size;
        f->part_size += (size_t)list[i].out * (size_t)(list[i].in ? list[i].in : 1);
    }
}

static brn_status fill(brn_frozen *f)
{
    const size_t n = (size_t)f->n, k = BRN_MIXTURE_SOURCE;
    BRN_TRY(BRN_ALLOC(&f->maps, k * n * n, "mixture"));
    BRN_TRY(BRN_ALLOC(&f->centres, k * n, "mixture"));
    BRN_TRY(BRN_ALLOC(&f->shift, n, "shift"));
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) BRN_TRY(BRN_ALLOC(&f->part[v], f->part_size, "networks"));
    return brn_random_mixture(f->n, BRN_MIXTURE_SOURCE, brn_mixture_seed(f->mixture_seed, 0), f->maps, f->centres);
}

brn_status brn_frozen_create(brn_frozen *f, int n, uint32_t mixture_seed)
{
    *f = (brn_frozen){.n = n, .mixture_seed = mixture_seed, .scale = 1};
    if (n < 1 || n > 4096) return brn_fail(BRN_ERR_USAGE, "benchmark pair: n is %d, expected 1 to 4096", n);
    const int wide = 2 * n > 64 ? 2 * n : 64;
    f->width[0] = f->width[1] = wide, f->width[2] = n > 32 ? n : 32;
    f->standard_seed = STANDARD_SEED + (uint32_t)n + mixture_seed;
    f->eval_seed = EVAL_SEED + (uint32_t)n + mixture_seed;
    lay_out(f);
    const brn_status status = fill(f);
    if (status != BRN_OK) brn_frozen_free(f);
    return status;
}

void brn_frozen_free(brn_frozen *f)
{
    free(f->maps), free(f->centres), free(f->shift);
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) free(f->part[v]);
    *f = (brn_frozen){0};
}

brn_status brn_frozen_take(brn_frozen *f, int v, const brn_net *net)
{
    float *used;
    BRN_TRY(BRN_ALLOC(&used, net->shape.size, "network"));
    brn_status status = brn_read_f32(brn_device_queue(net->dev, 0), (brn_view){net->used, 0}, used, net->shape.size);
    for (int i = 0; i < BRN_FROZEN_TENSORS && status == BRN_OK; ++i) {
        const brn_frozen_tensor *t = &f->tensor[i];
        const brn_tensor *from = brn_shape_find(&net->shape, t->ours);
        const int in = t->in ? t->in : 1;
        float *to = f->part[v] + t->at;
        if (!from || from->rows * (from->cols ? from->cols : 1) != t->out * in)
            status = brn_fail(BRN_ERR_USAGE, "the network is not one of a benchmark pair of dimension %d: \"%s\" differs", f->n, t->ours);
        for (int o = 0; o < t->out && status == BRN_OK; ++o)
            for (int k = 0; k < in; ++k) to[(size_t)o * (size_t)in + (size_t)k] = used[from->at + (size_t)k * (size_t)t->out + (size_t)o];
    }
    free(used);
    return status;
}

brn_status brn_frozen_check(const brn_frozen *f, int v, const char *name)
{
    for (int i = 0; i < BRN_FROZEN_TENSORS; ++i) {
        const brn_frozen_tensor *t = &f->tensor[i];
        const size_t count = (size_t)t->out * (size_t)(t->in ? t->in : 1);
        for (size_t k = 0; k < count; ++k) {
            const float value = f->part[v][t->at + k];
            if (!isfinite(value) || (t->positive && value < 0))
                return brn_fail(BRN_ERR_INPUT, "%s: \"%s\": entry %zu is %g, expected a %s number", name, t->name, k, (double)value,
                                t->positive ? "finite and not negative" : "finite");
        }
    }
    return BRN_OK;
}

/* Sums about a first guess of the mean, so that the variance loses no digits. */
brn_status brn_frozen_standardise(brn_frozen *f, int threads, size_t points)
{
    const size_t n = (size_t)f->n;
    brn_exact *e;
    float *x = NULL;
    double *y = NULL, *sum = NULL, variance = 0;
    brn_random_state r;
    brn_status status;
    brn_random_state_seed(&r, f->standard_seed);
    BRN_TRY(brn_exact_open(&e, f, threads));
    BRN_GO(BRN_ALLOC(&x, BRN_MIXTURE_BLOCK * n, "points"));
    BRN_GO(BRN_ALLOC(&y, BRN_MIXTURE_BLOCK * n, "points"));
    BRN_GO(BRN_ALLOC(&sum, 3 * n, "moments"));
    double *square = sum + n, *guess = square + n;
    for (size_t at = 0; at < points; at += BRN_MIXTURE_BLOCK) {
        const size_t rows = points - at < BRN_MIXTURE_BLOCK ? points - at : BRN_MIXTURE_BLOCK;
        BRN_GO(brn_mixture_points(&r, f->n, BRN_MIXTURE_SOURCE, f->maps, f->centres, rows, x));
        BRN_GO(brn_exact_gradients(e, BRN_FROZEN_PARTS, rows, x, NULL, y));
        if (at == 0)
            for (size_t k = 0; k < rows * n; ++k) guess[k % n] += y[k] / (double)rows;
        for (size_t k = 0; k < rows * n; ++k) {
            const double d = y[k] - guess[k % n];
            sum[k % n] += d, square[k % n] += d * d;
        }
    }
    for (size_t i = 0; i < n; ++i) {
        const double mean = sum[i] / (double)points;
        f->shift[i] = -(guess[i] + mean);
        variance += (square[i] / (double)points - mean * mean) / (double)n;
    }
    if (!(variance > 0 && isfinite(variance)))
        status = brn_fail(BRN_ERR_DIVERGED, "benchmark pair: the image has the variance %g, expected a positive number", variance);
    else f->scale = 1 / sqrt(variance);
    f->points = points;
done:
    brn_exact_close(e);
    free(x), free(y), free(sum);
    return status;
}

brn_status brn_eval_path(const char *path, char **eval_path)
{
    static const char ending[] = ".safetensors";
    const size_t length = strlen(path), end = sizeof ending - 1;
    *eval_path = NULL;
    if (length <= end || strcmp(path + length - end, ending))
        return brn_fail(BRN_ERR_USAGE, "%s: expected a name that ends in %s", path, ending);
    BRN_TRY(BRN_ALLOC(eval_path, length + 6, "path"));
    snprintf(*eval_path, length + 6, "%.*s_eval%s", (int)(length - end), path, ending);
    return BRN_OK;
}
