/* Gradients of the losses of a training step against central differences on the double-precision device, weights that are
 * kept non-negative, and the assignment of a batch against all permutations. */
#include "core/assignment.h"
#include "core/philox.h"
#include "support/devices.h"
#include "training/losses.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH = 70 }; /* two tiles */
static const double H = 1e-5;

typedef struct {
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *t;
    double rows[BATCH * BRN_ROW_FIELDS];
} setup;

static void open_setup(setup *s, const char *const *assignments)
{
    static const char *const small[] = {"data.pair=gaussian", "data.n=3", "potential.hidden=5,4", "amortizer.hidden=4,5", "train.batch=70",
                                        "train.start=random", "potential.activation=celu", "amortizer.activation=celu", "conjugate.gtol=1e-9"};
    int count = 0;
    brn_settings set;
    MUST(brn_settings_preset(&set, "hd"));
    MUST(brn_settings_assign(&set, sizeof small / sizeof *small, small));
    while (assignments[count]) ++count;
    MUST(brn_settings_assign(&set, count, assignments));
    s->dev = test_oracle_open();
    MUST(brn_pair_open(&s->pair, s->dev, &set));
    MUST(brn_settings_resolve(&set, brn_pair_dim(s->pair)));
    MUST(brn_model_create(&s->model, s->dev, &set, s->pair));
    MUST(brn_trainer_create(&s->t, s->model, s->pair));
    MUST(brn_trainer_begin(s->t));
}

static void close_setup(setup *s)
{
    brn_trainer_free(s->t);
    brn_model_free(s->model);
    brn_pair_close(s->pair);
    brn_device_close(s->dev);
}

/* The part of a step's loss that a network's gradient is of. */
typedef enum { NOTHING, DUAL, AMORTIZATION, ALL } part;

static double loss(setup *s, part which)
{
    double sum = 0;
    MUST(brn_trainer_losses(s->t));
    MUST(brn_batch_read_f64(&s->t->rows, s->rows));
    for (int r = 0; r < s->t->batch; ++r) {
        const double *row = s->rows + r * BRN_ROW_FIELDS;
        if (which & DUAL) sum += (row[BRN_ROW_F] - row[BRN_ROW_J]) / s->t->batch;
        if (which & AMORTIZATION) sum += row[BRN_ROW_AMORTIZATION] / s->t->batch;
    }
    return sum;
}

/* What the convexity penalty adds, which is no part of the reported loss. */
static double penalty(const brn_net *net, const double *theta, double weight)
{
    double sum = 0;
    for (int l = 0; l < net->shape.layers; ++l) {
        const brn_layer *w = &net->shape.layer[l];
        for (int i = 0; w->held == BRN_CONVEXITY_PENALTY && i < w->in * w->out; ++i) sum += pow(fmin(theta[w->weight + (size_t)i], 0), 2);
    }
    return weight * sum;
}

static void compare(setup *s, const char *label, brn_net *net, brn_buf *const *grad, part which)
{
    if (which == NOTHING) return;
    brn_queue *q = brn_device_queue(s->dev, 0);
    const size_t size = net->shape.size;
    double *theta = calloc(size, sizeof(double)), *exact = calloc(size, sizeof(double)), scale = 0, error = 0;
    loss(s, which);
    MUST(brn_read_f64(q, (brn_view){net->theta, 0}, theta, size));
    MUST(brn_read_f64(q, (brn_view){grad[0], 0}, exact, size));
    for (size_t i = 0; i < size; ++i) scale = fmax(scale, fabs(exact[i]));
    for (size_t i = 0; i < size; ++i) {
        double side[2];
        const double before = theta[i];
        for (int k = 0; k < 2; ++k) {
            theta[i] = before + (k ? -H : H);
            MUST(brn_write_f64(q, (brn_view){net->theta, 0}, theta, size));
            MUST(brn_net_prepare(net, q));
            side[k] = loss(s, which) + penalty(net, theta, s->t->set->train.convexity_penalty);
        }
        theta[i] = before;
        error = fmax(error, fabs((side[0] - side[1]) / (2 * H) - exact[i]));
    }
    MUST(brn_write_f64(q, (brn_view){net->theta, 0}, theta, size));
    MUST(brn_net_prepare(net, q));
    cr_expect(scale > 1e-3 && error <= 2e-7 * scale, "%s: error %.2e, largest derivative %g", label, error, scale);
    free(theta), free(exact);
}

Test(losses, gradients_agree_with_central_differences)
{
    static const struct {
        const char *label, *assignments[6];
        part f, h;
    } cases[] = {
        {"objective", {"train.loss=objective"}, DUAL, AMORTIZATION},
        {"objective of a gradient", {"train.loss=objective", "amortizer.kind=gradient"}, DUAL, AMORTIZATION},
        {"cycle", {"train.loss=cycle"}, ALL, AMORTIZATION},
        {"cycle of two icnns", {"train.loss=cycle", "amortizer.kind=gradient", "potential.kind=icnn"}, ALL, AMORTIZATION},
        {"cycle_finetune", {"train.loss=cycle_finetune"}, NOTHING, AMORTIZATION},
        {"batch", {"train.dual=batch", "train.loss=none", "amortizer.kind=none"}, DUAL, NOTHING},
        {"quadratic", {"train.dual=quadratic", "train.loss=none", "amortizer.kind=gradient", "train.regularization=0.5"}, ALL, ALL},
        {"entropy", {"train.dual=entropy", "train.loss=none", "amortizer.kind=gradient", "train.regularization=2"}, ALL, ALL},
        {"entropy of icnns", {"train.dual=entropy", "train.loss=none", "amortizer.kind=gradient", "train.regularization=2", "potential.kind=icnn"}, ALL, ALL},
        {"assignment", {"train.dual=assignment", "train.loss=none", "amortizer.kind=none", "train.regularization=0.4"}, ALL, NOTHING},
        {"penalty", {"train.dual=batch", "train.loss=none", "amortizer.kind=none", "potential.kind=icnn", "potential.convexity=penalty"}, DUAL, NOTHING},
        {"exchanged", {"train.loss=objective", "train.roles=exchanged"}, DUAL, AMORTIZATION},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
        setup s;
        open_setup(&s, cases[k].assignments);
        brn_net *f = &s.model->f.part[0], *h = brn_amortizer_net(&s.model->h);
        for (int l = 0; l < f->shape.layers; ++l) /* some weights are to be negative where that is possible */
            if (f->shape.layer[l].held == BRN_CONVEXITY_PENALTY)
                MUST(brn_write_f64(brn_device_queue(s.dev, 0), (brn_view){f->theta, f->shape.layer[l].weight}, (double[]){-.3, -.1}, 2));
        MUST(brn_net_prepare(f, brn_device_queue(s.dev, 0)));
        compare(&s, cases[k].label, f, s.t->f_grad, cases[k].f);
        if (h) compare(&s, cases[k].label, h, s.t->h_grad, cases[k].h);
        close_setup(&s);
    }
}

/* Of so many features the device cuts thinner tiles than of few, which must not separate a row from its numbers: the
 * derivative along the gradient is the gradient's square. */
Test(losses, assignments_of_long_rows)
{
    setup s;
    open_setup(&s, (const char *const[]){"data.pair=images", "data.n=2304", "train.batch=40", "potential.hidden=3,2", "train.dual=assignment",
                                         "train.loss=none", "amortizer.kind=none", "train.regularization=0.4", NULL});
    brn_net *f = &s.model->f.part[0];
    brn_queue *q = brn_device_queue(s.dev, 0);
    const size_t size = f->shape.size;
    double *theta = calloc(size, sizeof *theta), *grad = calloc(size, sizeof *grad), *moved = calloc(size, sizeof *moved), square = 0, side[2];
    cr_assert_lt(s.t->x.tile_rows, brn_device_tile_rows(s.dev, 1), "tiles are all of one height");
    loss(&s, ALL);
    MUST(brn_read_f64(q, (brn_view){f->theta, 0}, theta, size));
    MUST(brn_read_f64(q, (brn_view){s.t->f_grad[0], 0}, grad, size));
    for (size_t i = 0; i < size; ++i) square += grad[i] * grad[i];
    for (int k = 0; k < 2; ++k) {
        for (size_t i = 0; i < size; ++i) moved[i] = theta[i] + (k ? -H : H) * grad[i] / sqrt(square);
        MUST(brn_write_f64(q, (brn_view){f->theta, 0}, moved, size));
        MUST(brn_net_prepare(f, q));
        side[k] = loss(&s, ALL);
    }
    const double slope = (side[0] - side[1]) / (2 * H);
    cr_expect(square > 1e-6 && fabs(slope / sqrt(square) - 1) < 1e-6, "slope %.9g, length of the gradient %.9g", slope, sqrt(square));
    free(theta), free(grad), free(moved);
    close_setup(&s);
}

Test(losses, projection_keeps_weights_non_negative)
{
    setup s;
    open_setup(&s, (const char *const[]){"potential.kind=icnn", "potential.convexity=project", "potential.actnorm=false", "train.loss=none",
                                         "amortizer.kind=none", "train.potential.kind=adamw", "train.potential.lr=0.05", NULL});
    const brn_net *f = &s.model->f.part[0];
    double *theta = calloc(f->shape.size, sizeof(double));
    int zeros = 0;
    for (int step = 0; step < 20; ++step) MUST(brn_trainer_step(s.t));
    MUST(brn_read_f64(brn_device_queue(s.dev, 0), (brn_view){f->theta, 0}, theta, f->shape.size));
    for (int l = 0; l < f->shape.layers; ++l)
        for (int i = 0; f->shape.layer[l].held && i < f->shape.layer[l].in * f->shape.layer[l].out; ++i) {
            cr_assert_geq(theta[f->shape.layer[l].weight + (size_t)i], 0);
            zeros += theta[f->shape.layer[l].weight + (size_t)i] == 0;
        }
    cr_assert_gt(zeros, 0, "nothing had to be projected");
    cr_assert_eq(f->used, f->theta, "no derived weights are needed");
    free(theta);
    close_setup(&s);
}

/* The target that each sample of the batch chose is the best one. */
Test(losses, the_conjugate_over_a_batch_is_its_best_sample)
{
    setup s;
    open_setup(&s, (const char *const[]){"train.dual=batch", "train.loss=none", "amortizer.kind=none", NULL});
    double x[BATCH * 3], y[BATCH * 3], z[BATCH * 3];
    loss(&s, ALL);
    MUST(brn_batch_read_f64(&s.t->x, x));
    MUST(brn_batch_read_f64(&s.t->y, y));
    MUST(brn_batch_read_f64(&s.t->argmax, z));
    for (int r = 0; r < BATCH; ++r) {
        double best = -INFINITY;
        int at = 0;
        for (int k = 0; k < BATCH; ++k) {
            const double f = s.rows[k * BRN_ROW_FIELDS + BRN_ROW_F];
            const double value = x[3 * k] * y[3 * r] + x[3 * k + 1] * y[3 * r + 1] + x[3 * k + 2] * y[3 * r + 2] - f;
            if (value > best) best = value, at = k;
        }
        cr_assert_float_eq(-s.rows[r * BRN_ROW_FIELDS + BRN_ROW_J], best, 1e-12 * (1 + fabs(best)));
        for (int i = 0; i < 3; ++i) cr_assert_eq(z[3 * r + i], x[3 * at + i]);
    }
    close_setup(&s);
}

static double cheapest(int n, const double *cost, int i, unsigned taken)
{
    double least = i == n ? 0 : INFINITY;
    for (int j = 0; i < n && j < n; ++j)
        if (!(taken >> j & 1)) least = fmin(least, cost[i * n + j] + cheapest(n, cost, i + 1, taken | 1u << j));
    return least;
}

Test(losses, assignments_are_optimal_and_their_potentials_prove_it)
{
    for (int n = 1; n <= 60; n += n < 7 ? 1 : 53) {
        double cost[3600], row[60], dual[60], sum = 0, bound = 0;
        int column[60], seen[60] = {0};
        brn_rng rng = brn_rng_start(9, (uint32_t)n);
        for (int k = 0; k < n * n; ++k) cost[k] = n == 5 ? floor(4 * brn_rng_uniform(&rng)) : brn_rng_normal(&rng); /* 5: with ties */
        MUST(brn_assignment(n, cost, column, row, dual));
        for (int i = 0; i < n; ++i) {
            sum += cost[i * n + column[i]], bound += row[i] + dual[i];
            ++seen[column[i]];
            for (int j = 0; j < n; ++j) cr_assert_leq(row[i] + dual[j], cost[i * n + j] + 1e-12);
        }
        for (int j = 0; j < n; ++j) cr_assert_eq(seen[j], 1);
        cr_assert_float_eq(sum, bound, 1e-11);
        if (n <= 7) cr_assert_float_eq(sum, cheapest(n, cost, 0, 0), 1e-12);
    }
    int column[2];
    double row[2], dual[2];
    MUST_FAIL(brn_assignment(2, (const double[]){0, 1, NAN, 2}, column, row, dual), BRN_ERR_DIVERGED, "not finite");
}
