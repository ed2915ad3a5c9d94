/* Optimizers against plain loops and identities, on small shapes with odd sizes. */
#include "optimizer_bed.h"
#include "core/philox.h"
#include "training/eigenbasis.h"
#include "training/schedule.h"

#include <brenier/device.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(optimizer, adamw_is_the_plain_loop)
{
    brn_net_shape shape;
    bed b;
    bed_shape(&shape);
    const brn_optimizer_settings *set = &bed_settings[BRN_OPT_ADAMW];
    bed_open(&b, "host:f64", 2, &shape, set);
    double *theta = calloc(4 * shape.size, sizeof *theta), *m = theta + shape.size, *v = m + shape.size, *g = v + shape.size;
    memcpy(theta, bed_theta(&b), shape.size * sizeof *theta);
    for (int k = 1; k <= 7; ++k) {
        const double rate = 1.0 / k;
        bed_gradient(&shape, k, g);
        for (size_t i = 0; i < shape.size; ++i) {
            m[i] = set->beta1 * m[i] + (1 - set->beta1) * g[i];
            v[i] = set->beta2 * v[i] + (1 - set->beta2) * g[i] * g[i];
            const double d = m[i] / (1 - pow(set->beta1, k)) / (sqrt(v[i] / (1 - pow(set->beta2, k))) + set->epsilon);
            theta[i] -= rate * set->lr * (d + set->weight_decay * theta[i]);
        }
        bed_step(&b, g, rate);
    }
    cr_assert_eq(brn_optimizer_steps(b.opt), 7);
    cr_assert_lt(bed_difference(theta, bed_theta(&b), shape.size), 1e-8); /* rates are single precision */
    free(theta);
    bed_close(&b);
}

/* Adam of a stream of gradients in which every seventh one is a hundred times as long. */
Test(optimizer, long_gradients_are_shortened)
{
    enum { STEPS = 40 };
    brn_net_shape shape;
    bed b;
    bed_shape(&shape);
    brn_optimizer_settings set = bed_settings[BRN_OPT_ADAMW];
    set.clip = 1.5;
    set.weight_decay = 0;
    bed_open(&b, "host:f64", 2, &shape, &set);
    double *theta = calloc(4 * shape.size, sizeof *theta), *m = theta + shape.size, *v = m + shape.size, *g = v + shape.size, mean = 0;
    memcpy(theta, bed_theta(&b), shape.size * sizeof *theta);
    int shortened = 0;
    for (int k = 1; k <= STEPS; ++k) {
        double square = 0;
        bed_gradient(&shape, k, g);
        for (size_t i = 0; i < shape.size; ++i) g[i] *= k % 7 ? 1 : 100, square += g[i] * g[i];
        bed_step(&b, g, 1);
        const double norm = sqrt(square), keep = fmin(0.99, 1 - 1.0 / k), most = k > 10 ? set.clip * mean : INFINITY;
        const double factor = fmin(1, most / norm);
        shortened += factor < 1;
        mean = keep * mean + (1 - keep) * factor * norm;
        for (size_t i = 0; i < shape.size; ++i) {
            m[i] = set.beta1 * m[i] + (1 - set.beta1) * factor * g[i];
            v[i] = set.beta2 * v[i] + (1 - set.beta2) * factor * factor * g[i] * g[i];
            theta[i] -= set.lr * m[i] / (1 - pow(set.beta1, k)) / (sqrt(v[i] / (1 - pow(set.beta2, k))) + set.epsilon);
        }
    }
    cr_assert_eq(shortened, 4, "%d of 4 long gradients after the tenth were shortened", shortened);
    cr_assert_lt(bed_difference(theta, bed_theta(&b), shape.size), 1e-7);
    free(theta);
    bed_close(&b);
}

/* Of one Muon step without decay: the update of a matrix over its rate. */
Test(optimizer, muon_steps_are_nearly_orthogonal)
{
    const brn_widths hidden = {4, {24, 170, 130, 101}}; /* wide and tall, whole and in stripes */
    brn_net_shape shape;
    bed b;
    MUST(brn_shape_residual(&shape, 5, &hidden, BRN_ACT_ELU, 1));
    brn_optimizer_settings set = bed_settings[BRN_OPT_MUON];
    set.weight_decay = 0;
    bed_open(&b, "host:f64", 1, &shape, &set);
    double *before = calloc(2 * shape.size, sizeof *before), *g = before + shape.size;
    memcpy(before, bed_theta(&b), shape.size * sizeof *before);
    bed_gradient(&shape, 1, g);
    bed_step(&b, g, 1);
    const double *after = bed_theta(&b);
    for (int l = 0; l < shape.layers; ++l) {
        const brn_layer *w = &shape.layer[l];
        const int r = w->in + w->skip, c = w->out, small = r < c ? r : c;
        const double rate = (float)set.matrix_lr * sqrt(c > r ? (double)c / r : 1);
        brn_eigenbasis e;
        MUST(brn_eigenbasis_create(&e, small, true));
        double *gram = e.matrix;
        double along = 0;
        for (int i = 0; i < small; ++i)
            for (int j = 0; j < small; ++j) {
                double sum = 0;
                for (int k = 0; k < (r < c ? c : r); ++k) {
                    const size_t x = w->weight + (size_t)(r < c ? i * c + k : k * c + i), y = w->weight + (size_t)(r < c ? j * c + k : k * c + j);
                    sum += (after[x] - before[x]) * (after[y] - before[y]) / (rate * rate);
                }
                gram[i * small + j] = sum;
            }
        for (int i = 0; i < r * c; ++i) along += (before[w->weight + (size_t)i] - after[w->weight + (size_t)i]) * g[w->weight + (size_t)i];
        cr_assert_gt(along, 0, "layer %d: not a descent direction", l);
        MUST(brn_eigenbasis_solve(&e, small)); /* values are left in front of the work space, ascending */
        const double *squares = e.work;
        cr_assert_gt(sqrt(squares[0]), 0.6, "layer %d: singular value %g", l, sqrt(squares[0]));
        cr_assert_lt(sqrt(squares[small - 1]), 1.3, "layer %d: singular value %g", l, sqrt(squares[small - 1]));
        brn_eigenbasis_free(&e);
    }
    free(before);
    bed_close(&b);
}

/* A linear map learned by least squares: columns of the inputs differ by a factor of 300 in scale and are
 * mixed by a rotation-like matrix, so that plain rates are slow. Loss = |C (W - W*)|^2 / 2. */
static double badly_conditioned(const brn_optimizer_settings *set, int steps)
{
    enum { IN = 8, OUT = 6 };
    const brn_widths hidden = {1, {OUT}};
    brn_net_shape shape;
    bed b;
    MUST(brn_shape_mlp(&shape, IN, &hidden, BRN_ACT_NONE, 0, false));
    bed_open(&b, "host", 1, &shape, set);
    double c[IN][IN], h[IN][IN] = {{0}}, *g = calloc(shape.size, sizeof *g), loss = 0, start = 0;
    brn_rng rng = brn_rng_start(4, 0);
    for (int i = 0; i < IN; ++i)
        for (int j = 0; j < IN; ++j) c[i][j] = brn_rng_normal(&rng) * pow(10, -2.5 * i / (IN - 1));
    for (int i = 0; i < IN; ++i)
        for (int j = 0; j < IN; ++j)
            for (int k = 0; k < IN; ++k) h[i][j] += c[k][i] * c[k][j];
    for (int step = 0; step <= steps; ++step) {
        const double *w = bed_theta(&b) + shape.layer[0].weight;
        loss = 0;
        memset(g, 0, shape.size * sizeof *g);
        for (int i = 0; i < IN; ++i)
            for (int o = 0; o < OUT; ++o) {
                double *to = &g[shape.layer[0].weight + (size_t)(i * OUT + o)];
                for (int k = 0; k < IN; ++k) *to += h[i][k] * (w[k * OUT + o] - sin(k + 2 * o));
                loss += *to * (w[i * OUT + o] - sin(i + 2 * o)) / 2;
            }
        if (!step) start = loss;
        bed_step(&b, g, brn_schedule_rate(BRN_SCHEDULE_COSINE, step, steps, 0, 1e-3));
    }
    free(g);
    bed_close(&b);
    return loss / start;
}

Test(optimizer, all_minimise_a_badly_conditioned_problem)
{
    static const double bound[] = {1e-3, 5e-3, 1e-9};
    for (int kind = 0; kind < 3; ++kind) {
        brn_optimizer_settings set = bed_settings[kind];
        set.weight_decay = 0;
        set.lr = set.matrix_lr = 3e-2;
        const double left = badly_conditioned(&set, 400);
        cr_log_info("optimizer %d: %.2g of the loss is left\n", kind, left);
        cr_assert_lt(left, bound[kind], "optimizer %d: %g of the loss is left", kind, left);
    }
}

/* SOAP as if after `done` steps whose factors have well separated eigenvalues. The factors of the first
 * few gradients have a null space, where eigenvectors are any: no two precisions agree there. */
static void pretend(bed *b, int64_t done)
{
    for (int i = 0; i < brn_optimizer_state_count(b->opt); ++i) {
        const char *name;
        brn_buf *buf;
        MUST(brn_optimizer_state(b->opt, i, &name, &buf));
        if (!strncmp(name, "layers.", 7) && !strstr(name, "_basis")) {
            const size_t n = (size_t)lrint(sqrt((double)brn_buf_count(buf)));
            double *diagonal = calloc(n * n, sizeof *diagonal);
            for (size_t k = 0; k < n; ++k) diagonal[k * n + k] = 1000.0 * (double)(n - k);
            MUST(brn_write_f64(bed_queue(b), (brn_view){buf, 0}, diagonal, n * n));
            free(diagonal);
        }
    }
    brn_optimizer_set_steps(b->opt, done);
}

/* After steps first + 1 ... last on random gradients; on return `theta` holds the parameters. */
static void run(const char *device, int threads, const brn_net_shape *shape, const brn_optimizer_settings *set, int first, int last, double **theta)
{
    bed b;
    bed_open(&b, device, threads, shape, set);
    double *g = calloc(shape->size, sizeof *g);
    if (first) pretend(&b, first);
    for (int k = first; k < last; ++k) {
        bed_gradient(shape, k, g);
        bed_step(&b, g, 0.5);
    }
    memcpy(g, bed_theta(&b), shape->size * sizeof *g);
    *theta = g;
    bed_close(&b);
}

/* Steps first + 1 ... first + 6 on every device, or on the hosts. */
static void agree(int kind, int first, bool hosts)
{
    char names[TEST_DEVICES_MOST][64];
    brn_net_shape shape;
    double *oracle;
    bed_shape(&shape);
    run("host:f64", 1, &shape, &bed_settings[kind], first, first + 6, &oracle);
    for (int d = 1, devices = test_device_names(names); d < devices; ++d) {
        double *theta;
        if (hosts && !bed_at_hand(names[d])) continue;
        run(names[d], 1, &shape, &bed_settings[kind], first, first + 6, &theta);
        const double error = bed_difference(theta, oracle, shape.size);
        cr_log_info("optimizer %d on %s: error %.2g\n", kind, names[d], error);
        cr_assert_lt(error, 1e-6, "optimizer %d on %s from step %d: error %g", kind, names[d], first, error);
        free(theta);
    }
    free(oracle);
}

Test(optimizer, devices_agree)
{
    agree(BRN_OPT_ADAMW, 0, false);
    agree(BRN_OPT_MUON, 0, false);
    agree(BRN_OPT_SOAP, 11, false); /* steps 12 and 16 refresh by orthogonal iteration */
    agree(BRN_OPT_SOAP, 7, true);   /* step 10 by new eigenvectors, where the host computes them */
}

Test(optimizer, bits_do_not_depend_on_threads)
{
    const brn_widths hidden = {3, {170, 130, 27}};
    brn_net_shape shape;
    MUST(brn_shape_mlp(&shape, 5, &hidden, BRN_ACT_ELU, 1, false));
    for (int kind = 0; kind < 3; ++kind) {
        double *one;
        run("host", 1, &shape, &bed_settings[kind], 0, 13, &one);
        for (int threads = 2; threads <= 3; ++threads) {
            double *theta;
            run("host", threads, &shape, &bed_settings[kind], 0, 13, &theta);
            cr_assert_eq(memcmp(one, theta, shape.size * sizeof *one), 0, "optimizer %d with %d threads", kind, threads);
            free(theta);
        }
        free(one);
    }
}

static void copy_buffer(const bed *from, brn_buf *a, const bed *to, brn_buf *b)
{
    double *values = calloc(brn_buf_count(a), sizeof *values);
    cr_assert_eq(brn_buf_count(a), brn_buf_count(b));
    MUST(brn_read_f64(bed_queue(from), (brn_view){a, 0}, values, brn_buf_count(a)));
    MUST(brn_write_f64(bed_queue(to), (brn_view){b, 0}, values, brn_buf_count(a)));
    free(values);
}

Test(optimizer, restored_state_continues_exactly)
{
    brn_net_shape shape;
    bed_shape(&shape);
    double *g = calloc(shape.size, sizeof *g);
    for (int kind = 0; kind < 3; ++kind) {
        bed first, second;
        brn_optimizer_settings set = bed_settings[kind];
        set.clip = 1; /* about half of the gradients are shortened */
        bed_open(&first, "host", 2, &shape, &set);
        bed_open(&second, "host", 2, &shape, &set);
        for (int k = 0; k < 20; ++k) {
            if (k == 10) {
                copy_buffer(&first, first.net.theta, &second, second.net.theta);
                cr_assert_eq(brn_optimizer_state_count(first.opt), brn_optimizer_state_count(second.opt));
                for (int i = 0; i < brn_optimizer_state_count(first.opt); ++i) {
                    const char *name, *same;
                    brn_buf *a, *b;
                    MUST(brn_optimizer_state(first.opt, i, &name, &a));
                    MUST(brn_optimizer_state(second.opt, i, &same, &b));
                    cr_assert_str_eq(name, same);
                    copy_buffer(&first, a, &second, b);
                }
                brn_optimizer_set_steps(second.opt, brn_optimizer_steps(first.opt));
            }
            bed_gradient(&shape, k, g);
            bed_step(&first, g, 1);
            if (k >= 10) bed_step(&second, g, 1);
        }
        cr_assert_eq(memcmp(bed_theta(&first), bed_theta(&second), shape.size * sizeof *g), 0, "optimizer %d", kind);
        bed_close(&first);
        bed_close(&second);
    }
    free(g);
}

Test(optimizer, state_names_and_bad_arguments)
{
    const brn_widths hidden = {1, {4}};
    brn_net_shape shape;
    bed b;
    const char *name;
    brn_buf *buf;
    MUST(brn_shape_mlp(&shape, 3, &hidden, BRN_ACT_ELU, 1, false));
    bed_open(&b, "host", 1, &shape, &bed_settings[BRN_OPT_SOAP]);
    static const char *const expected[] = {"m", "v", "layers.0.left", "layers.0.left_basis", "layers.0.right", "layers.0.right_basis",
                                           "layers.1.left", "layers.1.left_basis"};
    cr_assert_eq(brn_optimizer_state_count(b.opt), 8);
    for (int i = 0; i < 8; ++i) {
        MUST(brn_optimizer_state(b.opt, i, &name, &buf));
        cr_assert_str_eq(name, expected[i]);
    }
    MUST_FAIL(brn_optimizer_state(b.opt, 8, &name, &buf), BRN_ERR_INTERNAL, "8");
    brn_buf *small;
    MUST(brn_buf_create(&small, b.dev, BRN_REAL, 3, "test"));
    MUST_FAIL(brn_optimizer_step(b.opt, &b.net, small, 1), BRN_ERR_INTERNAL, "gradient of 3");
    brn_buf_free(small);
    brn_optimizer *none;
    brn_optimizer_settings set = bed_settings[BRN_OPT_SOAP];
    set.refresh = 0;
    MUST_FAIL(brn_optimizer_create(&none, b.dev, &shape, &set), BRN_ERR_USAGE, "refresh");
    set.kind = BRN_OPT_AUTO;
    MUST_FAIL(brn_optimizer_create(&none, b.dev, &shape, &set), BRN_ERR_USAGE, "resolved");
    bed_close(&b);
}
