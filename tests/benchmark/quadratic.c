/* The input-quadratic network as a learned potential. */
#include "model/model.h"
#include "support/devices.h"

#include <math.h>
#include <stdlib.h>

enum { N = 3, ROWS = 5, LANES = 64 };

typedef struct {
    brn_device *dev;
    brn_pot f;
    brn_pot_work work;
    brn_buf *memory, *grad;
    brn_mat x, v, value, out;
} subject;

static subject open_subject(void)
{
    subject s = {0};
    brn_net_shape shape;
    MUST(brn_device_open(&s.dev, "host:f64", 1));
    MUST(brn_shape_learned_quadratic(&shape, N, (const int[]){6, 5, 4}));
    s.f = (brn_pot){.parts = 1, .scale = 1};
    MUST(brn_net_create(&s.f.part[0], s.dev, &shape));
    MUST(brn_net_init(&s.f.part[0], 7, 1, false));
    MUST(brn_pot_work_create(&s.work, &s.f, LANES, BRN_TAPE_SECOND));
    MUST(brn_buf_create(&s.memory, s.dev, BRN_REAL, (3 * N + 1) * LANES, "test"));
    MUST(brn_buf_create(&s.grad, s.dev, BRN_REAL, shape.size, "test"));
    const brn_mat all = {s.memory, 0, 3 * N + 1, LANES};
    s.x = brn_mat_features(all, 0, N), s.v = brn_mat_features(all, N, N), s.out = brn_mat_features(all, 2 * N, N), s.value = brn_mat_features(all, 3 * N, 1);
    double start[2 * N * LANES];
    for (int i = 0; i < 2 * N * LANES; ++i) start[i] = sin(1.7 * i + .3);
    MUST(brn_write_f64(brn_device_queue(s.dev, 0), (brn_view){s.memory, 0}, start, 2 * N * LANES));
    return s;
}

static void close_subject(subject *s)
{
    brn_buf_free(s->memory), brn_buf_free(s->grad);
    brn_pot_work_free(&s->work);
    brn_pot_free(&s->f);
    brn_device_close(s->dev);
}

/* sum f(x_r), or sum <v_r, grad f(x_r)>, with one parameter moved. */
static double moved(subject *s, double *theta, size_t at, double by, bool second)
{
    brn_queue *q = brn_device_queue(s->dev, 0);
    double value[LANES], grad[N * LANES], v[N * LANES], sum = 0;
    theta[at] += by;
    MUST(brn_write_f64(q, (brn_view){s->f.part[0].theta, 0}, theta, s->f.part[0].shape.size));
    MUST(brn_net_prepare(&s->f.part[0], q));
    theta[at] -= by;
    MUST(brn_pot_value_grad(q, &s->f, &s->work, ROWS, s->x, s->value, s->out));
    MUST(brn_read_f64(q, brn_mat_view(s->value), value, LANES));
    MUST(brn_read_f64(q, brn_mat_view(s->out), grad, N * LANES));
    MUST(brn_read_f64(q, brn_mat_view(s->v), v, N * LANES));
    for (int r = 0; r < ROWS; ++r) {
        if (!second) sum += value[r];
        for (int i = 0; second && i < N; ++i) sum += v[i * LANES + r] * grad[i * LANES + r];
    }
    return sum;
}

static void check_gradient(bool second)
{
    subject s = open_subject();
    const brn_net_shape *shape = &s.f.part[0].shape;
    brn_queue *q = brn_device_queue(s.dev, 0);
    double *theta = malloc(shape->size * sizeof *theta), *grad = malloc(shape->size * sizeof *grad);
    MUST(brn_read_f64(q, (brn_view){s.f.part[0].theta, 0}, theta, shape->size));
    MUST(brn_zero(q, (brn_view){s.grad, 0}, shape->size));
    if (second) MUST(brn_pot_mixed(q, &s.f, &s.work, ROWS, 1, s.x, s.v, s.grad, (brn_mat){0}));
    else MUST(brn_pot_param_grad(q, &s.f, &s.work, ROWS, 1, s.x, s.value, s.grad));
    MUST(brn_net_pullback(&s.f.part[0], s.grad));
    MUST(brn_read_f64(q, (brn_view){s.grad, 0}, grad, shape->size));
    int compared = 0;
    for (int t = 0; t < shape->tensors; ++t)
        for (int i = 0; i < shape->tensor[t].rows * (shape->tensor[t].cols ? shape->tensor[t].cols : 1); ++i) {
            const size_t at = shape->tensor[t].at + (size_t)i;
            if (theta[at] == 0) continue; /* a projected weight: differences see only one side */
            ++compared;
            const double slope = (moved(&s, theta, at, 1e-5, second) - moved(&s, theta, at, -1e-5, second)) / 2e-5;
            cr_assert_float_eq(grad[at], slope, 1e-7 * (1 + fabs(slope)), "%s[%d]: %g, by differences %g", shape->tensor[t].name, i, grad[at], slope);
        }
    cr_expect_gt(compared, 100);
    cr_expect_eq(grad[shape->log_alpha], 0, "the fixed quadratic term learns");
    free(theta), free(grad);
    close_subject(&s);
}

Test(quadratic, gradient_of_the_value) { check_gradient(false); }
Test(quadratic, gradient_of_the_gradient) { check_gradient(true); }

Test(quadratic, weights_are_projected_and_the_quadratic_term_is_fixed)
{
    subject s = open_subject();
    const brn_net_shape *shape = &s.f.part[0].shape;
    brn_queue *q = brn_device_queue(s.dev, 0);
    double *used = malloc(shape->size * sizeof *used);
    for (size_t i = 0; i < shape->size; ++i) used[i] = 10 * sin((double)i);
    MUST(brn_write_f64(q, (brn_view){s.f.part[0].theta, 0}, used, shape->size));
    MUST(brn_net_prepare(&s.f.part[0], q));
    MUST(brn_read_f64(q, (brn_view){s.f.part[0].used, 0}, used, shape->size));
    double *theta = malloc(shape->size * sizeof *theta);
    MUST(brn_read_f64(q, (brn_view){s.f.part[0].theta, 0}, theta, shape->size));
    for (int l = 0; l < shape->layers; ++l)
        for (int i = 0; i < (shape->layer[l].in + shape->layer[l].skip + 1) * shape->layer[l].out; ++i) {
            const size_t at = shape->layer[l].weight + (size_t)i;
            const double given = 10 * sin((double)at), kept = i < shape->layer[l].in * shape->layer[l].out ? fmax(given, 0) : given;
            cr_assert(used[at] == kept && theta[at] == kept, "layer %d, weight %d: %g becomes %g", l, i, given, used[at]);
        }
    free(theta);
    cr_expect_float_eq(exp(used[shape->log_alpha]), BRN_QUADRATIC_ALPHA, 1e-8);
    free(used);
    close_subject(&s);
}

Test(quadratic, settings_name_what_it_cannot_be)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_settings_set(&s, "potential.kind", "quadratic"));
    MUST(brn_settings_resolve(&s, 3));
    cr_expect_eq(s.potential.activation, BRN_ACT_CELU);
    s.potential.hidden.count = 2;
    MUST_FAIL(brn_settings_resolve(&s, 3), BRN_ERR_USAGE, "three hidden layers");
    s.potential.hidden.count = 3, s.potential.activation = BRN_ACT_ELU;
    MUST_FAIL(brn_settings_resolve(&s, 3), BRN_ERR_USAGE, "celu");
}

/* How ICNNs keep their weights positive is no concern of this network, which projects its own. */
Test(quadratic, the_convexity_of_icnns_leaves_it_alone)
{
    static const char *const values[] = {"softplus", "project", "penalty", "none"};
    for (size_t k = 0; k < sizeof values / sizeof *values; ++k) {
        brn_settings set;
        brn_net_shape of[2];
        MUST(brn_settings_preset(&set, "hd"));
        MUST(brn_settings_set(&set, "potential.kind", "quadratic"));
        MUST(brn_settings_set(&set, "potential.convexity", values[k]));
        MUST(brn_settings_set(&set, "amortizer.kind", "gradient"));
        MUST(brn_settings_set(&set, "amortizer.convexity", values[k]));
        MUST(brn_settings_resolve(&set, N));
        MUST(brn_potential_shape(&of[0], &set, N));
        MUST(brn_amortizer_shape(&of[1], &set, N));
        for (int i = 0; i < 2; ++i) {
            cr_expect(of[i].derived, "%s: no weights of its own", values[k]);
            for (int l = 0; l < of[i].layers; ++l)
                cr_expect_eq(of[i].layer[l].held == BRN_CONVEXITY_PROJECT, l > 0, "%s: layer %d", values[k], l);
        }
    }
}
