/* The published image pairs from their checkpoints: the state of the generator, with batch normalisation, and of the
 * networks v1 and v2 of a pair. */
#include "benchmark/folder.h"
#include "core/memory.h"
#include "io/torch.h"
#include "measures/faces.h"
#include <brenier/benchmark.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char FOLDER[] = "benchmarks/CelebA64", GENERATOR[] = "Final_G.pt";
static const char *const pairs[BRN_CELEBA_PAIRS] = {"Early", "Mid", "Late"};
static const char *const names[BRN_CELEBA_PAIRS] = {"early", "mid", "late"};
static const double RES_RATIO = 0.1, BATCH_NORM_EPS = 1e-5, NOISE = 0.01, SCALE = 0.5;
enum { NAME = 80 };

const char *brn_celeba_name(brn_celeba pair) { return names[pair]; }

static void path_of(const char *folder, char path[static BRN_PATH_MAX + 128], const char *pair, int part)
{
    if (part == 0) snprintf(path, BRN_PATH_MAX + 128, "%s/%s", folder, GENERATOR);
    else snprintf(path, BRN_PATH_MAX + 128, "%s/%s_v%d.pt", folder, pair, part);
}

static bool is_there(const char *folder, const char *pair, int part)
{
    char path[BRN_PATH_MAX + 128];
    path_of(folder, path, pair, part);
    return access(path, F_OK) == 0;
}

brn_status brn_benchmark_celeba_list(const char *clone, brn_celeba found[static BRN_CELEBA_PAIRS], int *count)
{
    char folder[BRN_PATH_MAX + 64];
    *count = 0;
    BRN_TRY(brn_clone_folder(clone, FOLDER, folder));
    for (int k = 0; k < BRN_CELEBA_PAIRS; ++k)
        if (is_there(folder, pairs[k], 0) && is_there(folder, pairs[k], 1)) found[(*count)++] = (brn_celeba)k;
    if (*count) return BRN_OK;
    return brn_fail(BRN_ERR_INPUT, "%s: expected checkpoints %s, Early_v1.pt, Early_v2.pt, ... in it or in its %s", clone, GENERATOR, FOLDER);
}

/* ---- names -------------------------------------------------------------------------------------- */

typedef struct {
    brn_torch *file[BRN_FACES_OWNERS];
    char path[BRN_FACES_OWNERS][BRN_PATH_MAX + 128];
} checkpoints;

/* What follows the name of a layer: "weight" or "bias". */
static const char *ending_of(const char *name) { return strrchr(name, '.') + 1; }

/* The module of a tensor of ours, in which file it is, and its batch normalisation ("" without). */
typedef struct {
    int owner;
    char module[NAME], norm[NAME];
} origin;

static void origin_in_block(const char *name, origin *o)
{
    int k = 0;
    char layer[16] = "";
    sscanf(name, "alpha.block.%d.%15[a-z]", &k, layer);
    const int at = k + k / 2; /* every third module of the original doubles the size */
    const char which = !strcmp(layer, "first") ? '0' : !strcmp(layer, "second") ? '1' : 's';
    snprintf(o->module, NAME, "resnet.%d.conv_%c", at, which);
    snprintf(o->norm, NAME, "resnet.%d.bn2d_%c", at, which);
}

static origin origin_of(const char *name)
{
    static const char *const hidden[BRN_CONV_ICNN_LAYERS] = {"convex_layers.0", "pos_features.1", "pos_features.4", "pos_features.7"};
    origin o = {.owner = name[0] == 'p' ? name[5] - '0' : 0};
    int i = 0;
    if (!strncmp(name, "alpha.start", 11)) snprintf(o.module, NAME, "fc"), snprintf(o.norm, NAME, "bn1d");
    else if (!strncmp(name, "alpha.image", 11)) snprintf(o.module, NAME, "conv_img");
    else if (!o.owner) origin_in_block(name, &o);
    else if (sscanf(name + 6, ".hidden.%d", &i) == 1) snprintf(o.module, NAME, "%s", hidden[i % BRN_CONV_ICNN_LAYERS]);
    else snprintf(o.module, NAME, "quadratic_layers.%d.%s", name[13] - '0', strstr(name, "quad") ? "quadratic_decomposed" : "linear");
    return o;
}

/* Input layers are one tensor each; biases of blocks are made of the normalisation. */
static void original_name(const char *name, const origin *o, char text[static 2 * NAME])
{
    const bool bias = !strcmp(ending_of(name), "bias");
    snprintf(text, 2 * NAME, "%s.%s", bias && !strncmp(o->module, "resnet", 6) ? o->norm : o->module, bias ? "bias" : "weight");
}

/* The shortcuts of 1 x 1 have four dimensions in the original. */
static bool is_shortcut(const char *name) { return strstr(name, "shortcut") != NULL; }

static brn_status sizes_of(void *context, const char *name, int *rank, size_t shape[static 8])
{
    checkpoints *c = context;
    char original[2 * NAME];
    const origin o = origin_of(name);
    original_name(name, &o, original);
    return brn_torch_sizes(c->file[o.owner], original, rank, shape);
}

static brn_status check_original(void *context, const char *name, int rank, const size_t *shape)
{
    checkpoints *c = context;
    char original[2 * NAME];
    const origin o = origin_of(name);
    original_name(name, &o, original);
    const size_t all[4] = {shape[0], rank > 1 ? shape[1] : 1, rank > 2 ? shape[2] : 1, rank > 3 ? shape[3] : 1};
    return brn_torch_check(c->file[o.owner], original, is_shortcut(name) ? 4 : rank, all);
}

/* ---- numbers ------------------------------------------------------------------------------------ */

/* What a batch normalisation multiplies with and adds in evaluation mode: factor = gamma / sqrt(var + eps), shift = beta - mean factor. */
static brn_status read_norm(const checkpoints *c, const char *norm, size_t count, double *factor, double *shift)
{
    static const char *const part[4] = {"weight", "bias", "running_mean", "running_var"};
    char name[2 * NAME];
    float *numbers;
    BRN_TRY(BRN_ALLOC(&numbers, 4 * count, "batch normalisation"));
    brn_status status = BRN_OK;
    for (size_t i = 0; i < 4 && status == BRN_OK; ++i) {
        snprintf(name, sizeof name, "%s.%s", norm, part[i]);
        status = brn_torch_read(c->file[0], name, 1, &count, numbers + i * count);
    }
    for (size_t o = 0; o < count && status == BRN_OK; ++o) {
        if (!(numbers[3 * count + o] >= 0))
            status = brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': variance %zu is %g", c->path[0], name, o, numbers[3 * count + o]);
        factor[o] = numbers[o] / sqrt(numbers[3 * count + o] + BATCH_NORM_EPS);
        shift[o] = numbers[count + o] - numbers[2 * count + o] * factor[o];
    }
    free(numbers);
    return status;
}

/* The bias under a normalisation: of blocks none, of the first layer one of its own; shortcuts add theirs to the block's second. */
static brn_status fold_bias(const checkpoints *c, const brn_faces_tensor *t, const origin *o, float *numbers)
{
    const size_t count = t->shape[0];
    const bool second = strstr(t->name, ".second.") != NULL, start = !strcmp(o->module, "fc");
    char beside[NAME];
    double *norm;
    size_t shape[8];
    int rank = -1;
    BRN_TRY(BRN_ALLOC(&norm, 4 * count, "batch normalisation"));
    brn_status status = read_norm(c, o->norm, count, norm, norm + count);
    if (second && status == BRN_OK) {
        snprintf(beside, sizeof beside, "%.*s_s.weight", (int)strlen(o->module) - 2, o->module);
        status = brn_torch_sizes(c->file[0], beside, &rank, shape);
        snprintf(beside, sizeof beside, "%.*s_s", (int)strlen(o->norm) - 2, o->norm);
        if (rank >= 0 && status == BRN_OK) status = read_norm(c, beside, count, norm + 2 * count, norm + 3 * count);
    }
    for (size_t i = 0; i < count; ++i)
        numbers[i] = (float)(start ? norm[count + i] + norm[i] * numbers[i] : second ? RES_RATIO * norm[count + i] + norm[3 * count + i] : norm[count + i]);
    free(norm);
    return status;
}

static brn_status fold_weight(const checkpoints *c, const brn_faces_tensor *t, const origin *o, float *numbers)
{
    const size_t count = t->shape[0], each = brn_faces_count(t) / count;
    const double ratio = strstr(t->name, ".second.") ? RES_RATIO : 1;
    double *norm;
    BRN_TRY(BRN_ALLOC(&norm, 2 * count, "batch normalisation"));
    const brn_status status = read_norm(c, o->norm, count, norm, norm + count);
    for (size_t i = 0; i < count * each; ++i) numbers[i] = (float)(ratio * norm[i / each] * numbers[i]);
    free(norm);
    return status;
}

static brn_status check_numbers(const checkpoints *c, const brn_faces_tensor *t, const char *original, const float *numbers)
{
    for (size_t i = 0; i < brn_faces_count(t); ++i)
        if (!isfinite(numbers[i]) || (t->positive && numbers[i] < 0))
            return brn_fail(BRN_ERR_INPUT, "%s: tensor '%s': number %zu is %g, expected %s", c->path[t->owner], original, i, numbers[i],
                            t->positive ? "none below 0: the potential would not be convex" : "a finite one");
    return BRN_OK;
}

static brn_status read_tensor(checkpoints *c, const brn_faces_tensor *t, float *numbers)
{
    char original[2 * NAME];
    const origin o = origin_of(t->name);
    const bool bias = !strcmp(ending_of(t->name), "bias");
    const size_t shape[4] = {t->shape[0], t->rank_of_shape > 1 ? t->shape[1] : 1, t->rank_of_shape > 2 ? t->shape[2] : 1, t->rank_of_shape > 3 ? t->shape[3] : 1};
    original_name(t->name, &o, original);
    BRN_TRY(brn_torch_read(c->file[o.owner], original, is_shortcut(t->name) ? 4 : t->rank_of_shape, shape, numbers));
    if (o.norm[0]) BRN_TRY(bias ? fold_bias(c, t, &o, numbers) : fold_weight(c, t, &o, numbers));
    return check_numbers(c, t, original, numbers);
}

/* ---- a pair ------------------------------------------------------------------------------------- */

static brn_status open_files(checkpoints *c, const char *folder, const char *pair)
{
    for (int part = 0; part < BRN_FACES_OWNERS; ++part) {
        path_of(folder, c->path[part], pair, part);
        BRN_TRY(brn_torch_open(&c->file[part], c->path[part]));
    }
    return BRN_OK;
}

static brn_status write_pair(const brn_faces_layout *l, float *const *numbers, const char *pair, const char *path)
{
    char n[16], name[32];
    const brn_st_pair metadata[] = {{"n", n}, {"formula_version", BRN_FACES_FORMULA}, {"pair", name}, {"celu_alpha", "1,0.2,0.2"},
                                    {"strong_convexity_per_part", "0.01"}, BRN_PUBLISHED};
    brn_st_tensor tensor[BRN_FACES_TENSORS + 2];
    snprintf(n, sizeof n, "%d", BRN_GENERATOR_CHANNELS * l->side * l->side);
    snprintf(name, sizeof name, "CelebA%d %s", l->side, pair);
    for (int i = 0; i < l->tensors; ++i) {
        const brn_faces_tensor *t = &l->tensor[i];
        tensor[i] = (brn_st_tensor){.name = t->name, .dtype = BRN_ST_F32, .rank = t->rank_of_shape, .data = numbers[i]};
        memcpy(tensor[i].shape, t->shape, sizeof t->shape);
    }
    tensor[l->tensors] = (brn_st_tensor){.name = "alpha.noise", .dtype = BRN_ST_F64, .rank = 1, .shape = {1}, .data = &NOISE};
    tensor[l->tensors + 1] = (brn_st_tensor){.name = "psi.scale", .dtype = BRN_ST_F64, .rank = 1, .shape = {1}, .data = &SCALE};
    return brn_st_write(path, tensor, (size_t)l->tensors + 2, metadata, sizeof metadata / sizeof *metadata);
}

static brn_status convert(checkpoints *c, brn_faces_layout *l, const char *pair, const char *path)
{
    float *numbers[BRN_FACES_TENSORS] = {0};
    brn_status status = brn_faces_lay_out(l, &(brn_faces_source){c, {c->path[0], c->path[1], c->path[2]}, sizes_of, check_original});
    for (int i = 0; i < l->tensors && status == BRN_OK; ++i) {
        status = BRN_ALLOC(&numbers[i], brn_faces_count(&l->tensor[i]), "checkpoint");
        if (status == BRN_OK) status = read_tensor(c, &l->tensor[i], numbers[i]);
    }
    if (status == BRN_OK) status = write_pair(l, numbers, pair, path);
    for (int i = 0; i < BRN_FACES_TENSORS; ++i) free(numbers[i]);
    return status;
}

brn_status brn_benchmark_celeba_convert(const char *clone, brn_celeba which, const char *path)
{
    char folder[BRN_PATH_MAX + 64];
    checkpoints *c = NULL;
    brn_faces_layout *l = NULL;
    brn_status status;
    if ((int)which < 0 || which >= BRN_CELEBA_PAIRS) return brn_fail(BRN_ERR_USAGE, "CelebA pair %d; expected 0 to %d", (int)which, BRN_CELEBA_PAIRS - 1);
    BRN_TRY(brn_clone_folder(clone, FOLDER, folder));
    BRN_GO(BRN_ALLOC(&c, 1, "checkpoints"));
    BRN_GO(BRN_ALLOC(&l, 1, "layout"));
    BRN_GO(open_files(c, folder, pairs[which]));
    status = convert(c, l, pairs[which], path);
done:
    for (int part = 0; c && part < BRN_FACES_OWNERS; ++part) brn_torch_close(c->file[part]);
    free(c), free(l);
    return status;
}
