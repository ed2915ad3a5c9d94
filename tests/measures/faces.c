/* Pairs of the image benchmark, small ones with random weights: generator and map beside plain loops in double precision on
 * every device, the same draws in any tiles, and files that are none. */
#include "fixture.h"
#include "core/philox.h"
#include "measures/faces.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATENTS = 7, START = 4, SIDE = 16, N = 3 * SIDE * SIDE, BLOCKS = 6, RANK = 2, MOST = 80, ROWS = 18 };
static const int channels[BLOCKS + 1] = {6, 6, 5, 5, 4, 3, 3}, hidden[BLOCKS] = {4, 5, 5, 4, 3, 2}, widths[4] = {3, 4, 5, 3};

/* ---- a file ------------------------------------------------------------------------------------- */

typedef struct {
    char name[40];
    int rank;
    size_t shape[4], count;
    float *data;
} item;

typedef struct {
    item item[MOST];
    int count;
    brn_rng rng;
} bundle;

static char dir[64];
static void make_dir(void) { test_make_dir(dir); }
static void remove_dir(void) { test_remove_dir(dir); }
TestSuite(faces, .init = make_dir, .fini = remove_dir);

static item *find(const bundle *b, const char *format, ...)
{
    char name[40];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    for (int i = 0; i < b->count; ++i)
        if (!strcmp(b->item[i].name, name)) return (item *)&b->item[i];
    return NULL;
}

/* size: of the numbers; negative: none is below 0 */
static void add(bundle *b, double size, int rank, const int *shape, const char *format, ...)
{
    item *t = &b->item[b->count++];
    va_list args;
    va_start(args, format);
    vsnprintf(t->name, sizeof t->name, format, args);
    va_end(args);
    t->rank = rank, t->count = 1;
    for (int i = 0; i < rank; ++i) t->count *= t->shape[i] = (size_t)shape[i];
    t->data = malloc(t->count * sizeof *t->data);
    for (size_t i = 0; i < t->count; ++i) t->data[i] = (float)(size < 0 ? fabs(size * brn_rng_normal(&b->rng)) : size * brn_rng_normal(&b->rng));
}
#define SIZES(...) (const int[]){__VA_ARGS__}

static bundle make(void)
{
    bundle b = {.rng = brn_rng_start(5, 6)};
    add(&b, .4, 2, SIZES(channels[0] * START * START, LATENTS), "alpha.start.weight");
    add(&b, .2, 1, SIZES(channels[0] * START * START), "alpha.start.bias");
    for (int k = 0; k < BLOCKS; ++k) {
        add(&b, .2, 4, SIZES(hidden[k], channels[k], 3, 3), "alpha.block.%d.first.weight", k);
        add(&b, .2, 1, SIZES(hidden[k]), "alpha.block.%d.first.bias", k);
        add(&b, .2, 4, SIZES(channels[k + 1], hidden[k], 3, 3), "alpha.block.%d.second.weight", k);
        add(&b, .2, 1, SIZES(channels[k + 1]), "alpha.block.%d.second.bias", k);
        if (channels[k] != channels[k + 1]) add(&b, .4, 2, SIZES(channels[k + 1], channels[k]), "alpha.block.%d.shortcut.weight", k);
    }
    add(&b, .2, 4, SIZES(3, channels[BLOCKS], 3, 3), "alpha.image.weight");
    add(&b, .2, 1, SIZES(3), "alpha.image.bias");
    for (int v = 1; v <= 2; ++v) {
        for (int i = 0; i < 2; ++i) {
            add(&b, .1, 4, SIZES(RANK * widths[i], 3, i ? 7 : 4, i ? 7 : 4), "psi.v%d.input.%d.quad", v, i);
            add(&b, .3, 4, SIZES(widths[i], 3, i ? 7 : 4, i ? 7 : 4), "psi.v%d.input.%d.lin", v, i);
        }
        for (int i = 0; i < 4; ++i) {
            const int k = i < 3 ? 4 : 1, out = i < 3 ? widths[i + 1] : 1;
            add(&b, i < 3 ? -.1 : -1, 4, SIZES(out, widths[i], k, k), "psi.v%d.hidden.%d.weight", v, i);
            add(&b, .5, 1, SIZES(out), "psi.v%d.hidden.%d.bias", v, i);
        }
    }
    return b;
}

static void release(bundle *b)
{
    for (int i = 0; i < b->count; ++i) free(b->item[i].data);
}

static const char *write_file(const bundle *b)
{
    static char path[BRN_PATH_MAX];
    static const double noise = 0.01, scale = 0.5;
    const brn_st_pair metadata[] = {{"formula_version", BRN_FACES_FORMULA}};
    brn_st_tensor t[MOST + 2] = {{.name = "alpha.noise", .dtype = BRN_ST_F64, .rank = 1, .shape = {1}, .data = &noise},
                                 {.name = "psi.scale", .dtype = BRN_ST_F64, .rank = 1, .shape = {1}, .data = &scale}};
    for (int i = 0; i < b->count; ++i) {
        t[i + 2] = (brn_st_tensor){.name = b->item[i].name, .dtype = BRN_ST_F32, .rank = b->item[i].rank, .data = b->item[i].data};
        memcpy(t[i + 2].shape, b->item[i].shape, sizeof b->item[i].shape);
    }
    snprintf(path, sizeof path, "%s/faces.safetensors", dir);
    MUST(brn_st_write(path, t, (size_t)b->count + 2, metadata, 1));
    return path;
}

/* ---- the formulas, in plain loops --------------------------------------------------------------- */

enum { LARGE = 4096 };

static double leaky(double u) { return u > 0 ? u : (double)BRN_GENERATOR_SLOPE * u; }
static double celu(double u, double c) { return u > 0 ? u : c * expm1(u / c); }

/* y[out][side'][side'] = w * x (+ bias); returns side' */
static int convolve(const double *x, int in, int side, const item *w, const item *bias, int stride, int pad, double *y)
{
    const int out = (int)w->shape[0], k = (int)w->shape[w->rank - 1], to = (side + 2 * pad - k) / stride + 1;
    cr_assert(w->shape[1] == (size_t)in && out * to * to <= LARGE);
    for (int o = 0; o < out; ++o)
        for (int py = 0; py < to; ++py)
            for (int px = 0; px < to; ++px) {
                double sum = bias ? bias->data[o] : 0;
                for (int c = 0; c < in; ++c)
                    for (int a = 0; a < k; ++a)
                        for (int b = 0; b < k; ++b) {
                            const int row = py * stride + a - pad, col = px * stride + b - pad;
                            if (row < 0 || col < 0 || row >= side || col >= side) continue;
                            sum += (double)w->data[((o * in + c) * k + a) * k + b] * x[(c * side + row) * side + col];
                        }
                y[(o * to + py) * to + px] = sum;
            }
    return to;
}

static void generate(const bundle *b, const double *z, double *x)
{
    static double h[LARGE], u[LARGE], v[LARGE];
    int side = START;
    const item *w = find(b, "alpha.start.weight"), *bias = find(b, "alpha.start.bias");
    for (size_t o = 0; o < bias->count; ++o) {
        double sum = bias->data[o];
        for (int i = 0; i < LATENTS; ++i) sum += w->data[o * LATENTS + (size_t)i] * z[i];
        h[o] = leaky(sum);
    }
    for (int k = 0; k < BLOCKS; ++k) {
        const int in = channels[k], out = channels[k + 1], places = side * side;
        const item *shortcut = find(b, "alpha.block.%d.shortcut.weight", k);
        convolve(h, in, side, find(b, "alpha.block.%d.first.weight", k), find(b, "alpha.block.%d.first.bias", k), 1, 1, u);
        for (int i = 0; i < hidden[k] * places; ++i) u[i] = leaky(u[i]);
        convolve(u, hidden[k], side, find(b, "alpha.block.%d.second.weight", k), find(b, "alpha.block.%d.second.bias", k), 1, 1, v);
        for (int o = 0; o < out; ++o)
            for (int p = 0; p < places; ++p) {
                double beside = shortcut ? 0 : h[o * places + p];
                for (int c = 0; c < in && shortcut; ++c) beside += shortcut->data[o * in + c] * h[c * places + p];
                u[o * places + p] = leaky(beside + v[o * places + p]);
            }
        const bool grow = k % 2 && k + 1 < BLOCKS;
        for (int i = 0; i < out * places * (grow ? 4 : 1); ++i) {
            const int wide = grow ? 2 * side : side, o = i / (wide * wide), y = i / wide % wide, col = i % wide;
            h[i] = grow ? u[(o * side + y / 2) * side + col / 2] : u[i];
        }
        if (grow) side *= 2;
    }
    convolve(h, channels[BLOCKS], side, find(b, "alpha.image.weight"), find(b, "alpha.image.bias"), 1, 1, u);
    for (int i = 0; i < N; ++i) x[i] = tanh(u[i]);
}

static double network(const bundle *b, int v, const double *x)
{
    static double q[LARGE], u[LARGE], z[LARGE];
    for (int i = 0; i < 2; ++i) {
        const item *quad = find(b, "psi.v%d.input.%d.quad", v, i);
        if (i) convolve(z, widths[0], SIDE / 2, find(b, "psi.v%d.hidden.0.weight", v), find(b, "psi.v%d.hidden.0.bias", v), 2, 1, u);
        else memset(u, 0, sizeof u);
        const int to = convolve(x, 3, SIDE, quad, NULL, i ? 4 : 2, i ? 2 : 1, q), places = to * to;
        for (int c = 0; c < widths[i]; ++c)
            for (int r = 0; r < RANK; ++r)
                for (int p = 0; p < places; ++p) u[c * places + p] += pow(q[(c * RANK + r) * places + p], 2);
        convolve(x, 3, SIDE, find(b, "psi.v%d.input.%d.lin", v, i), NULL, i ? 4 : 2, i ? 2 : 1, q);
        for (int e = 0; e < widths[i] * places; ++e) z[e] = i ? celu(u[e] + q[e], 1) : u[e] + q[e];
    }
    for (int i = 1, side = SIDE / 4; i < 4; ++i) {
        const int last = i == 3;
        side = convolve(z, widths[i], side, find(b, "psi.v%d.hidden.%d.weight", v, i), find(b, "psi.v%d.hidden.%d.bias", v, i), last ? 1 : 2, !last, u);
        for (int e = 0; e < LARGE; ++e) z[e] = last ? u[e] : celu(u[e], (double).2f);
    }
    return z[0];
}

static double potential(const bundle *b, const double *x)
{
    double square = 0;
    for (int i = 0; i < N; ++i) square += x[i] * x[i];
    return .5 * (network(b, 1, x) + network(b, 2, x)) + .5 * (double)(float)BRN_FACES_STRONG * square;
}

/* ---- tests -------------------------------------------------------------------------------------- */

static brn_status load(const char *device, const char *path, brn_device **dev, brn_faces **f)
{
    brn_st *st;
    MUST(brn_device_open(dev, device, 1));
    MUST(brn_st_open(&st, path));
    const brn_status status = brn_faces_open(f, *dev, st, path);
    brn_st_close(st);
    return status;
}

/* G(z) + noise e and T of it, by the device. */
static void run(const char *device, const char *path, const double *z, const double *e, double *x, double *y)
{
    brn_device *dev;
    brn_faces *f;
    brn_faces_work w;
    brn_batch in[2], out[2];
    MUST(load(device, path, &dev, &f));
    cr_assert(f->latents == LATENTS && f->side == SIDE);
    MUST(brn_batch_create(&in[0], dev, N, ROWS, "noise"));
    MUST(brn_batch_beside(&in[1], &in[0], LATENTS, "latents"));
    for (int k = 0; k < 2; ++k) MUST(brn_batch_beside(&out[k], &in[0], N, "images"));
    MUST(brn_batch_write_f64(&in[0], e));
    MUST(brn_batch_write_f64(&in[1], z));
    MUST(brn_faces_work_create(&w, dev, f, in[0].lanes));
    for (int t = 0; t < in[0].tiles; ++t) {
        brn_queue *q = brn_device_queue(dev, 0);
        const int rows = brn_batch_rows(&in[0], t);
        MUST(brn_faces_draw(q, f, &w, rows, brn_batch_tile(&in[1], t), brn_batch_tile(&in[0], t), brn_batch_tile(&out[0], t)));
        MUST(brn_faces_map(q, f, &w, rows, brn_batch_tile(&out[0], t), brn_batch_tile(&out[1], t)));
    }
    MUST(brn_batch_read_f64(&out[0], x));
    MUST(brn_batch_read_f64(&out[1], y));
    for (int k = 0; k < 2; ++k) brn_batch_free(&in[k]), brn_batch_free(&out[k]);
    brn_faces_work_free(&w);
    brn_faces_free(f);
    brn_device_close(dev);
}

/* A derivative of psi along a direction of length 1 about. */
static double slope(const bundle *b, const double *x, const double *v)
{
    enum { H = 14 }; /* 2^-14 */
    double value[2], moved[N];
    for (int k = 0; k < 2; ++k) {
        for (int i = 0; i < N; ++i) moved[i] = x[i] + (k ? 1 : -1) * ldexp(v[i], -H);
        value[k] = potential(b, moved);
    }
    return ldexp(value[1] - value[0], H - 1);
}

Test(faces, are_what_the_formulas_say)
{
    bundle b = make();
    char path[BRN_PATH_MAX], names[TEST_DEVICES_MOST][64];
    snprintf(path, sizeof path, "%s", write_file(&b));
    double *z = malloc(ROWS * LATENTS * sizeof *z), *e = malloc(ROWS * N * sizeof *e), *x = malloc(ROWS * N * sizeof *x), *y = malloc(ROWS * N * sizeof *y);
    double *expected = malloc(ROWS * N * sizeof *expected), direction[3][N], expected_slope[3][3];
    for (int i = 0; i < ROWS * LATENTS; ++i) z[i] = brn_rng_normal(&b.rng);
    for (int i = 0; i < ROWS * N; ++i) e[i] = brn_rng_normal(&b.rng);
    for (int r = 0; r < ROWS; ++r) generate(&b, z + r * LATENTS, expected + r * N);
    for (int i = 0; i < ROWS * N; ++i) expected[i] += (double).01f * e[i];
    for (int k = 0; k < 3; ++k)
        for (int i = 0; i < N; ++i) direction[k][i] = k ? brn_rng_normal(&b.rng) / sqrt(N) : i == 300;
    for (int r = 0; r < 3; ++r)
        for (int k = 0; k < 3; ++k) expected_slope[r][k] = slope(&b, expected + 8 * r * N, direction[k]);
    const int devices = test_device_names(names);
    for (int d = 0; d < devices; ++d) {
        const double tolerance = d ? 2e-5 : 1e-7;
        run(names[d], path, z, e, x, y);
        for (int i = 0; i < ROWS * N; ++i) cr_assert_float_eq(x[i], expected[i], tolerance, "%s: number %d of a photograph is %g, expected %g", names[d], i, x[i], expected[i]);
        for (int r = 0; r < 3; ++r)
            for (int k = 0; k < 3; ++k) {
                double found = 0, length = 0;
                for (int i = 0; i < N; ++i) found += y[8 * r * N + i] * direction[k][i], length += y[8 * r * N + i] * y[8 * r * N + i];
                cr_assert_float_eq(found, expected_slope[r][k], tolerance * (1 + sqrt(length)), "%s: image %d along %d: %.9g, expected %.9g", names[d], r, k, found,
                                   expected_slope[r][k]);
            }
    }
    free(z), free(e), free(x), free(y), free(expected);
    release(&b);
}

Test(faces, draws_do_not_depend_on_tiles)
{
    bundle b = make();
    const brn_draw draw = {.seed = 5, .step = 7, .stream = 11, .batch = 40, .sampling = BRN_SAMPLING_LATTICE};
    fixture f = fixture_pair("host", write_file(&b), 0), strict = fixture_pair("host:strict", write_file(&b), 0);
    cr_assert_eq(f.n, N);
    cr_assert(brn_pair_has_map(f.pair));
    for (int side = 0; side < 2; ++side) {
        double *whole = fixture_batch(&f, (brn_side)side, &draw, 48), *cut = fixture_batch(&f, (brn_side)side, &draw, 16), *other = fixture_batch(&strict, (brn_side)side, &draw, 0);
        cr_expect_eq(memcmp(whole, cut, 40 * N * sizeof *whole), 0);
        for (int i = 0; i < 40 * N; ++i) cr_assert_float_eq(other[i], whole[i], 2e-5 * (1 + fabs(whole[i])), "number %d: %g and %g", i, other[i], whole[i]);
        free(whole), free(cut), free(other);
    }
    fixture_close(&f), fixture_close(&strict);
    release(&b);
}

/* ---- files that are none ------------------------------------------------------------------------- */

static void refused(const bundle *b, const char *line)
{
    brn_device *dev;
    brn_faces *f;
    MUST_FAIL(load("host", write_file(b), &dev, &f), BRN_ERR_INPUT, line);
    cr_assert(strstr(brn_last_error(), "faces.safetensors"), "%s", brn_last_error());
    cr_assert_null(f);
    brn_device_close(dev);
}

static void without(const char *name, const char *line)
{
    bundle b = make();
    item *t = find(&b, "%s", name);
    free(t->data);
    *t = b.item[--b.count];
    refused(&b, line);
    release(&b);
}

static void with_shape(const char *name, int rank, const int *shape, const char *line)
{
    bundle b = make();
    item *t = find(&b, "%s", name), old = *t;
    --b.count;
    *t = b.item[b.count];
    add(&b, -.1, rank, shape, "%s", name);
    refused(&b, line);
    free(old.data);
    release(&b);
}

Test(faces, that_lack_a_tensor)
{
    static const char *const names[] = {"alpha.start.weight", "alpha.start.bias", "alpha.block.2.first.bias", "alpha.block.3.second.weight", "alpha.block.1.shortcut.weight",
                                        "alpha.image.weight", "psi.v1.input.0.quad", "psi.v2.input.1.lin", "psi.v1.hidden.3.weight", "psi.v2.hidden.2.bias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        char line[64];
        snprintf(line, sizeof line, "tensor \"%s\" is missing", names[i]);
        without(names[i], line);
    }
    without("alpha.block.0.first.weight", "a generator of 0 blocks");
    without("alpha.block.3.first.weight", "a generator of 3 blocks or more, expected 2, 4, ..., or 16");
}

Test(faces, of_other_sizes)
{
    with_shape("alpha.block.2.first.weight", 4, SIZES(5, 4, 3, 3), "\"alpha.block.2.first.weight\" has the sizes 5 x 4 x 3 x 3, expected 5 x 5 x 3 x 3");
    with_shape("alpha.block.2.first.weight", 4, SIZES(5, 5, 5, 5), "5 x 5 x 5 x 5, expected 5 x 5 x 3 x 3");
    with_shape("alpha.block.2.first.weight", 3, SIZES(5, 5, 9), "has 3 dimensions, expected 4");
    with_shape("alpha.start.weight", 2, SIZES(95, 7), "starts with 95 numbers, expected square images of 6 channels");
    with_shape("alpha.start.weight", 2, SIZES(6 * 64, 7), "\"alpha.start.bias\" has the sizes 96, expected 384");
    with_shape("alpha.start.weight", 2, SIZES(96, 70000), "has size 70000, expected 1 to 65536");
    with_shape("alpha.start.weight", 2, SIZES(96, 769), "a generator of 769 latents for images of 16 x 16");
    with_shape("alpha.image.weight", 4, SIZES(1, 3, 3, 3), "expected 3 x 3 x 3 x 3");
    with_shape("psi.v1.input.0.quad", 4, SIZES(7, 3, 4, 4), "7 squared terms of 3 channels");
    with_shape("psi.v2.hidden.3.weight", 4, SIZES(1, 3, 2, 2), "a potential of images of 32 x 32, a generator of images of 16 x 16");
    with_shape("alpha.block.5.first.weight", 4, SIZES(20000, 3, 3, 3), "layers of 3 x 16 x 16 and 20000 x 16 x 16 numbers under kernels of 3; at most 2^22");
}

Test(faces, that_are_not_convex)
{
    bundle b = make();
    find(&b, "psi.v2.hidden.1.weight")->data[17] = -1e-3f;
    refused(&b, "\"psi.v2.hidden.1.weight\": entry 17 is -0.001, expected no negative number");
    find(&b, "psi.v2.hidden.1.weight")->data[17] = NAN;
    refused(&b, "psi.v2.hidden.1.weight");
    release(&b);
}
