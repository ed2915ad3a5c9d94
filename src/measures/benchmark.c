/* Benchmark pairs from a file. Those of images are described in faces.h; else (formula version 1): alpha = a mixture x = sigma M_k z + c_k, and
 * beta = (grad psi) # alpha with psi(x) = s (phi_1(x) + phi_2(x) + <d, x>), phi_v an input-quadratic
 * ICNN plus 0.01 / 2 |x|^2.
 *
 * The factor s goes into the last layer's weights, the shift and the quadratic term, so that psi is a
 * potential of scale 1 with log_alpha = log(0.02 s): in double precision nothing is rounded to float.
 */
#include "core/memory.h"
#include "io/safetensors.h"
#include "measures/kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    brn_st *st;
    const char *path;
    int n, components, width[3];
    double scale;
} benchmark;

/* Size `axis` of a tensor of a given rank; layers this wide do not fit any machine. */
static brn_status size_of(const benchmark *b, const char *name, int rank, int axis, int *size)
{
    enum { MOST = 1 << 14 };
    const brn_st_tensor *t = brn_st_find(b->st, name);
    if (!t) return brn_fail(BRN_ERR_INPUT, "%s: tensor \"%s\" is missing", b->path, name);
    if (t->rank != rank) return brn_fail(BRN_ERR_INPUT, "%s: \"%s\" has %d dimensions, expected %d", b->path, name, t->rank, rank);
    if (t->shape[axis] < 1 || t->shape[axis] > MOST)
        return brn_fail(BRN_ERR_INPUT, "%s: \"%s\" has size %zu, expected 1 to %d", b->path, name, t->shape[axis], MOST);
    *size = (int)t->shape[axis];
    return BRN_OK;
}

static brn_status require(const benchmark *b, const char *name, const double *values, size_t count, double least, const char *what)
{
    for (size_t i = 0; i < count; ++i)
        if (!(values[i] >= least)) return brn_fail(BRN_ERR_INPUT, "%s: \"%s\": entry %zu is %g, expected %s", b->path, name, i, values[i], what);
    return BRN_OK;
}

static brn_status read_sizes(benchmark *b)
{
    const char *version = brn_st_metadata(b->st, "formula_version");
    if (version && strcmp(version, "1"))
        return brn_fail(BRN_ERR_INPUT, "%s: formula_version is \"%s\", expected \"1\" or \"" BRN_FACES_FORMULA "\"", b->path, version);
    BRN_TRY(size_of(b, "alpha.centers", 2, 0, &b->components));
    BRN_TRY(size_of(b, "alpha.centers", 2, 1, &b->n));
    for (int i = 0; i < 3; ++i) {
        char name[32];
        snprintf(name, sizeof name, "psi.v1.quad.%d", i);
        BRN_TRY(size_of(b, name, 2, 0, &b->width[i]));
    }
    return BRN_OK;
}

static brn_status load_alpha(const benchmark *b, brn_pair *pair)
{
    const size_t n = (size_t)b->n, k = (size_t)b->components;
    double *block, sigma;
    BRN_TRY(BRN_ALLOC(&block, k * (n * n + n + 1), "mixture"));
    double *maps = block, *centres = maps + k * n * n, *weights = centres + k * n;
    brn_status status;
    BRN_GO(brn_st_read_f64(b->st, "alpha.maps", maps, BRN_SHAPE(k, n, n)));
    BRN_GO(brn_st_read_f64(b->st, "alpha.centers", centres, BRN_SHAPE(k, n)));
    BRN_GO(brn_st_read_f64(b->st, "alpha.weights", weights, BRN_SHAPE(k)));
    BRN_GO(require(b, "alpha.weights", weights, k, 1e-9, "a positive number"));
    BRN_GO(brn_st_read_f64(b->st, "alpha.std", &sigma, BRN_SHAPE(1)));
    BRN_GO(require(b, "alpha.std", &sigma, 1, 1e-9, "a positive number"));
    for (size_t i = 0; i < k * n * n; ++i) maps[i] *= sigma;
    pair->side[BRN_SOURCE].kind = BRN_MEASURE_MIXTURE;
    BRN_GO(brn_mixture_create(&pair->side[BRN_SOURCE].mixture, pair->dev, b->n, b->components, maps, centres, weights));
done:
    free(block);
    return status;
}

/* One tensor of network v into its place in theta; matrices are stored out x in, ours are in x out. */
static brn_status put(const benchmark *b, const brn_net_shape *shape, double *theta, int v, const char *what, int l,
                      const char *ours, bool positive)
{
    char name[48], target[40];
    snprintf(name, sizeof name, l < 0 ? "psi.v%d.%s" : "psi.v%d.%s.%d", v, what, l);
    snprintf(target, sizeof target, "layers.%d.%s", l < 0 ? shape->layers - 1 : l, ours);
    const brn_tensor *t = brn_shape_find(shape, target);
    const size_t in = (size_t)t->rows, out = (size_t)t->cols, count = in * (t->cols ? out : 1);
    double *values;
    BRN_TRY(BRN_ALLOC(&values, count, "network"));
    brn_status status;
    if (t->cols && l >= 0) BRN_GO(brn_st_read_f64(b->st, name, values, BRN_SHAPE(out, in)));
    else BRN_GO(brn_st_read_f64(b->st, name, values, BRN_SHAPE(count)));
    if (positive) BRN_GO(require(b, name, values, count, 0, "no negative number"));
    for (size_t i = 0; i < count; ++i) theta[t->at + i] = t->cols > 1 ? values[i % out * in + i / out] : values[i];
done:
    free(values);
    return status;
}

static brn_status load_network(const benchmark *b, const brn_net_shape *shape, double *theta, int v)
{
    for (int l = 0; l < 3; ++l) {
        BRN_TRY(put(b, shape, theta, v, "quad", l, "quad", false));
        BRN_TRY(put(b, shape, theta, v, "lin", l, l ? "skip" : "weight", false));
        BRN_TRY(put(b, shape, theta, v, "bias", l, "bias", false));
        if (l) BRN_TRY(put(b, shape, theta, v, "conv", l, "hidden", true));
    }
    BRN_TRY(put(b, shape, theta, v, "out", -1, "weight", true));
    const brn_tensor *out = brn_shape_find(shape, "layers.3.weight");
    for (int i = 0; i < out->rows; ++i) theta[out->at + (size_t)i] *= b->scale;
    theta[shape->log_alpha] = log(2 * 0.01 * b->scale);
    return BRN_OK;
}

static brn_status load_part(const benchmark *b, brn_pot *psi, brn_device *dev)
{
    brn_net_shape shape;
    BRN_TRY(brn_shape_quadratic_icnn(&shape, b->n, b->width));
    double *theta;
    BRN_TRY(BRN_ALLOC(&theta, shape.size, "network"));
    brn_status status;
    brn_net *net = &psi->part[psi->parts];
    BRN_GO(load_network(b, &shape, theta, psi->parts + 1));
    BRN_GO(brn_net_create(net, dev, &shape));
    ++psi->parts;
    BRN_GO(brn_write_f64(brn_device_queue(dev, 0), (brn_view){net->theta, 0}, theta, shape.size));
done:
    free(theta);
    return status;
}

static brn_status load_psi(benchmark *b, brn_pair *pair)
{
    BRN_TRY(brn_st_read_f64(b->st, "psi.scale", &b->scale, BRN_SHAPE(1)));
    BRN_TRY(require(b, "psi.scale", &b->scale, 1, 1e-9, "a positive number"));
    pair->psi.scale = 1;
    for (int k = 0; k < BRN_POTENTIAL_PARTS; ++k) BRN_TRY(load_part(b, &pair->psi, pair->dev));
    double *shift;
    BRN_TRY(BRN_ALLOC(&shift, (size_t)b->n, "shift"));
    brn_status status;
    BRN_GO(brn_st_read_f64(b->st, "psi.shift", shift, BRN_SHAPE((size_t)b->n)));
    for (int i = 0; i < b->n; ++i) shift[i] *= b->scale;
    BRN_GO(brn_buf_create(&pair->psi.shift, pair->dev, BRN_REAL, (size_t)b->n, "shift"));
    BRN_GO(brn_write_f64(brn_device_queue(pair->dev, 0), (brn_view){pair->psi.shift, 0}, shift, (size_t)b->n));
done:
    free(shift);
    return status;
}

static brn_status load_faces(const benchmark *b, brn_pair *pair)
{
    BRN_TRY(brn_faces_open(&pair->faces, pair->dev, b->st, b->path));
    pair->n = BRN_GENERATOR_CHANNELS * pair->faces->side * pair->faces->side;
    pair->side[BRN_SOURCE].kind = BRN_MEASURE_FACES;
    pair->map = BRN_MAP_FACES;
    return BRN_OK;
}

static brn_status load_mixture(benchmark *b, brn_pair *pair)
{
    BRN_TRY(read_sizes(b));
    BRN_TRY(load_alpha(b, pair));
    BRN_TRY(load_psi(b, pair));
    pair->n = b->n;
    pair->map = BRN_MAP_GRADIENT;
    return BRN_OK;
}

/* The file's name; of a pair that is not a published one it says so, wherever it is printed. */
static brn_status set_name(const benchmark *b, brn_pair *pair)
{
    char name[2 * BRN_PATH_MAX];
    const char *slash = strrchr(b->path, '/'), *origin = brn_st_metadata(b->st, "origin");
    const bool made = origin && !strcmp(origin, BRN_ORIGIN_MADE);
    snprintf(name, sizeof name, "%s%s", slash ? slash + 1 : b->path, made ? " (" BRN_ORIGIN_MADE ")" : "");
    return brn_strdup(&pair->name, name);
}

brn_status brn_pair_open_benchmark(brn_pair *pair, const char *path)
{
    brn_st *st;
    BRN_TRY(brn_st_open(&st, path));
    benchmark b = {.st = st, .path = path};
    const char *version = brn_st_metadata(st, "formula_version");
    brn_status status;
    BRN_GO(version && !strcmp(version, BRN_FACES_FORMULA) ? load_faces(&b, pair) : load_mixture(&b, pair));
    BRN_GO(set_name(&b, pair));
    pair->side[BRN_TARGET].kind = BRN_MEASURE_PUSHED;
done:
    brn_st_close(st);
    return status;
}
