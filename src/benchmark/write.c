/* The two files of a pair. */
#include "benchmark/exact.h"
#include "core/memory.h"
#include "measures/mixtures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS = 4096, CHECKED = 256, TENSORS = 6 + BRN_FROZEN_PARTS * BRN_FROZEN_TENSORS, PAIRS = 24, TEXT = 64 };

typedef struct {
    brn_st_tensor tensor[TENSORS];
    char name[TENSORS][TEXT];
    size_t tensors;
    brn_st_pair *pair;
    char value[PAIRS][TEXT];
    size_t pairs, texts;
} bundle;

static void add(bundle *b, brn_st_dtype dtype, const void *data, size_t rows, size_t cols, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(b->name[b->tensors], TEXT, format, args);
    va_end(args);
    b->tensor[b->tensors] = (brn_st_tensor){.name = b->name[b->tensors], .dtype = dtype, .rank = cols ? 2 : 1, .shape = {rows, cols}, .data = data};
    ++b->tensors;
}

static void say(bundle *b, const char *key, const char *value) { b->pair[b->pairs++] = (brn_st_pair){key, value}; }

__attribute__((format(printf, 3, 4))) static void note(bundle *b, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(b->value[b->texts], TEXT, format, args);
    va_end(args);
    say(b, key, b->value[b->texts++]);
}

static brn_status start(bundle *b, const brn_frozen *f, const brn_st_pair *metadata, size_t count)
{
    *b = (bundle){0};
    BRN_TRY(BRN_ALLOC(&b->pair, PAIRS + count, "metadata"));
    note(b, "n", "%d", f->n);
    say(b, "formula_version", "1");
    for (size_t i = 0; i < count; ++i) say(b, metadata[i].key, metadata[i].value);
    return BRN_OK;
}

static brn_status write_model(const brn_frozen *f, const char *path, const brn_st_pair *metadata, size_t count)
{
    const size_t n = (size_t)f->n, k = BRN_MIXTURE_SOURCE;
    const double std = BRN_MIXTURE_STD, weights[BRN_MIXTURE_SOURCE] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    bundle b;
    brn_status status = start(&b, f, metadata, count);
    if (status != BRN_OK) return status;
    note(&b, "hidden_widths", "%d,%d,%d", f->width[0], f->width[1], f->width[2]);
    say(&b, "parts", "v1,v2"), say(&b, "quad_rank", "1"), say(&b, "activation", "celu"), say(&b, "celu_alpha", "1");
    say(&b, "first_layer_activation", "none"), say(&b, "strong_convexity_per_part", "0.01"), say(&b, "components", "3");
    note(&b, "mixture_seed", "%u", brn_mixture_seed(f->mixture_seed, 0));
    note(&b, "standardisation_size", "%zu", f->points);
    note(&b, "standardisation_seed", "%u", f->standard_seed);
    add(&b, BRN_ST_F32, f->centres, k, n, "alpha.centers");
    add(&b, BRN_ST_F64, &std, 1, 0, "alpha.std");
    add(&b, BRN_ST_F64, weights, k, 0, "alpha.weights");
    add(&b, BRN_ST_F64, &f->scale, 1, 0, "psi.scale");
    add(&b, BRN_ST_F64, f->shift, n, 0, "psi.shift");
    add(&b, BRN_ST_F32, f->maps, k, n, "alpha.maps");
    brn_st_tensor *maps = &b.tensor[b.tensors - 1];
    maps->rank = 3, maps->shape[2] = n;
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v)
        for (int i = 0; i < BRN_FROZEN_TENSORS; ++i) {
            const brn_frozen_tensor *t = &f->tensor[i];
            add(&b, BRN_ST_F32, f->part[v] + t->at, (size_t)t->out, (size_t)t->in, "psi.v%d.%s", v + 1, t->name);
        }
    status = brn_st_write(path, b.tensor, b.tensors, b.pair, b.pairs);
    free(b.pair);
    return status;
}

/* psi, T and psi* at the evaluation points. */
typedef struct {
    float *x;
    double *map, *value, *conjugate, *part_value[BRN_FROZEN_PARTS], *part_grad[BRN_FROZEN_PARTS];
} truth;

static void truth_free(truth *t)
{
    free(t->x), free(t->map), free(t->value), free(t->conjugate);
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) free(t->part_value[v]), free(t->part_grad[v]);
}

static brn_status truth_alloc(truth *t, size_t n)
{
    *t = (truth){0};
    BRN_TRY(BRN_ALLOC(&t->x, POINTS * n, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&t->map, POINTS * n, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&t->value, POINTS, "evaluation points"));
    BRN_TRY(BRN_ALLOC(&t->conjugate, POINTS, "evaluation points"));
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) {
        BRN_TRY(BRN_ALLOC(&t->part_value[v], CHECKED, "evaluation points"));
        BRN_TRY(BRN_ALLOC(&t->part_grad[v], CHECKED * n, "evaluation points"));
    }
    return BRN_OK;
}

/* The maximiser of <x, y> - psi(x) at y = T(x) is x. */
static void scale_truth(const brn_frozen *f, truth *t)
{
    const size_t n = (size_t)f->n;
    for (size_t r = 0; r < POINTS; ++r) {
        double linear = 0, inner = 0;
        for (size_t i = 0; i < n; ++i) {
            const double x = t->x[r * n + i];
            t->map[r * n + i] = f->scale * (t->map[r * n + i] + f->shift[i]);
            linear += x * f->shift[i];
            inner += x * t->map[r * n + i];
        }
        t->value[r] = f->scale * (t->value[r] + linear);
        t->conjugate[r] = inner - t->value[r];
    }
}

static brn_status fill_truth(const brn_frozen *f, int threads, truth *t)
{
    brn_exact *e;
    brn_random_state r;
    brn_random_state_seed(&r, f->eval_seed);
    BRN_TRY(brn_mixture_points(&r, f->n, BRN_MIXTURE_SOURCE, f->maps, f->centres, POINTS, t->x));
    BRN_TRY(brn_exact_open(&e, f, threads));
    brn_status status = brn_exact_gradients(e, BRN_FROZEN_PARTS, POINTS, t->x, t->value, t->map);
    for (int v = 0; v < BRN_FROZEN_PARTS && status == BRN_OK; ++v)
        status = brn_exact_gradients(e, v, CHECKED, t->x, t->part_value[v], t->part_grad[v]);
    brn_exact_close(e);
    scale_truth(f, t);
    return status;
}

static brn_status write_truth(const brn_frozen *f, const truth *t, const char *path, const brn_st_pair *metadata, size_t count)
{
    const size_t n = (size_t)f->n;
    bundle b;
    brn_status status = start(&b, f, metadata, count);
    if (status != BRN_OK) return status;
    note(&b, "points", "%d", POINTS), note(&b, "check_rows", "%d", CHECKED), note(&b, "eval_seed", "%u", f->eval_seed);
    say(&b, "arithmetic", "float64");
    add(&b, BRN_ST_F32, t->x, POINTS, n, "X");
    add(&b, BRN_ST_F64, t->map, POINTS, n, "T");
    add(&b, BRN_ST_F64, t->value, POINTS, 0, "psi");
    add(&b, BRN_ST_F64, t->conjugate, POINTS, 0, "psi_conj");
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) {
        add(&b, BRN_ST_F64, t->part_value[v], CHECKED, 0, "check.v%d.value", v + 1);
        add(&b, BRN_ST_F64, t->part_grad[v], CHECKED, n, "check.v%d.grad", v + 1);
    }
    status = brn_st_write(path, b.tensor, b.tensors, b.pair, b.pairs);
    free(b.pair);
    return status;
}

brn_status brn_frozen_write(const brn_frozen *f, int threads, const char *path, const brn_st_pair *metadata, size_t count)
{
    char *beside;
    truth t = {0};
    brn_status status;
    BRN_TRY(brn_eval_path(path, &beside));
    BRN_GO(truth_alloc(&t, (size_t)f->n));
    BRN_GO(fill_truth(f, threads, &t));
    const bool fresh = access(beside, F_OK) != 0;
    BRN_GO(write_truth(f, &t, beside, metadata, count));
    status = write_model(f, path, metadata, count);
    if (status != BRN_OK && fresh) unlink(beside);
done:
    truth_free(&t);
    free(beside);
    return status;
}
