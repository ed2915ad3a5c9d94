/* A training and a conjugate solve on a device beside the same on the oracle. */
#include "selftest/wholes.h"
#include "core/clock.h"
#include "core/memory.h"
#include "evaluation/score.h"
#include "training/trainer.h"

#include <math.h>
#include <stdlib.h>

/* A Gaussian pair whose map is known, and a training that ends near it. AdamW: its steps are continuous functions
 * of the gradients from the start on, so that distances measure the device and not the chaos of early steps. */
static const char *const assignments[] = {
    "data.pair=gaussian", "data.n=4", "data.sampling=iid", "potential.hidden=32,32", "amortizer.hidden=32,32", "train.batch=256",
    "train.steps=50", "train.averaging=0", "train.potential.kind=adamw", "train.amortizer.kind=adamw", "train.potential.lr=1e-2",
    "train.amortizer.lr=1e-2", "train.potential.epsilon=1e-5", "train.amortizer.epsilon=1e-5", "conjugate.gtol=1e-3", "seed=7",
};
enum { STEPS = 50, POINTS = 2048, SOLVES = 512 };

/* One training on one device. */
typedef struct {
    brn_device *dev;
    brn_settings set;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *trainer;
    size_t size;
    double *before, *after; /* parameters */
    float *x, *image, *truth;
    brn_conjugate_row *rows;
    double seconds;
    brn_device_counts counts;
} side;

static void close_side(side *s)
{
    brn_trainer_free(s->trainer);
    brn_model_free(s->model);
    brn_pair_close(s->pair);
    free(s->before), free(s->after), free(s->x), free(s->image), free(s->truth), free(s->rows);
}

static brn_queue *queue(const side *s) { return brn_device_queue(s->dev, 0); }
static brn_net *net(const side *s) { return &s->model->f.part[0]; }
static brn_status read_theta(const side *s, double *to) { return brn_read_f64(queue(s), (brn_view){net(s)->theta, 0}, to, s->size); }

static brn_status open_side(side *s, brn_device *dev)
{
    *s = (side){.dev = dev};
    BRN_TRY(brn_settings_preset(&s->set, "hd"));
    BRN_TRY(brn_settings_assign(&s->set, sizeof assignments / sizeof *assignments, assignments));
    BRN_TRY(brn_pair_open(&s->pair, dev, &s->set));
    BRN_TRY(brn_settings_resolve(&s->set, brn_pair_dim(s->pair)));
    BRN_TRY(brn_model_create(&s->model, dev, &s->set, s->pair));
    BRN_TRY(brn_trainer_create(&s->trainer, s->model, s->pair));
    s->size = net(s)->shape.size;
    const size_t numbers = (size_t)POINTS * (size_t)brn_pair_dim(s->pair);
    BRN_TRY(BRN_ALLOC(&s->before, s->size, "parameters"));
    BRN_TRY(BRN_ALLOC(&s->after, s->size, "parameters"));
    BRN_TRY(BRN_ALLOC(&s->x, numbers, "samples"));
    BRN_TRY(BRN_ALLOC(&s->image, numbers, "samples"));
    BRN_TRY(BRN_ALLOC(&s->truth, numbers, "samples"));
    return BRN_ALLOC(&s->rows, SOLVES, "solves");
}

static brn_status train(side *s)
{
    const brn_device_counts before = s->dev->counts;
    BRN_TRY(read_theta(s, s->before));
    BRN_TRY(brn_trainer_begin(s->trainer));
    const double start = brn_seconds();
    for (int i = 0; i < STEPS; ++i) BRN_TRY(brn_trainer_step(s->trainer));
    const brn_device_counts after = s->dev->counts;
    BRN_TRY(read_theta(s, s->after));
    s->seconds = brn_seconds() - start;
    s->counts = (brn_device_counts){.launches = after.launches - before.launches, .products = after.products - before.products,
                                    .submissions = after.submissions - before.submissions, .waits = after.waits - before.waits};
    return BRN_OK;
}

/* Held out: other rows than those of the training, against the closed form. */
static brn_status score(side *s, double *l2_uvp)
{
    BRN_TRY(brn_pair_sample(s->pair, BRN_SOURCE, 99, 0, POINTS, s->x));
    BRN_TRY(brn_pair_map(s->pair, s->x, POINTS, s->truth));
    BRN_TRY(brn_model_map(s->model, s->x, POINTS, s->image));
    *l2_uvp = brn_l2_uvp(POINTS, brn_pair_dim(s->pair), s->image, s->truth);
    return BRN_OK;
}

static double distance(const side *on, const side *by)
{
    double apart = 0, moved = 0;
    for (size_t i = 0; i < by->size; ++i) {
        apart += pow(on->after[i] - by->after[i], 2);
        moved += pow(by->after[i] - by->before[i], 2);
    }
    return sqrt(apart / moved);
}

/* Solve on both for the same potential, the oracle's rounded to single precision, from the same start. */
static brn_status solve(side *s, const float *theta, const float *y, double *seconds)
{
    BRN_TRY(brn_write_f32(queue(s), (brn_view){net(s)->theta, 0}, theta, s->size));
    BRN_TRY(brn_net_prepare(net(s), queue(s)));
    for (int i = 0; i < SOLVES * brn_pair_dim(s->pair); ++i) s->image[i] = y[i];
    const double start = brn_seconds();
    BRN_TRY(brn_conjugate(s->model, NULL, y, SOLVES, true, s->image, NULL, s->rows));
    *seconds = brn_seconds() - start;
    return BRN_OK;
}

static brn_status compare_solves(side *on, side *by, brn_trajectory *t)
{
    float *theta;
    double ignored;
    brn_status status;
    BRN_TRY(BRN_ALLOC(&theta, by->size, "parameters"));
    for (size_t i = 0; i < by->size; ++i) theta[i] = (float)by->after[i];
    BRN_GO(solve(on, theta, by->truth, &t->solve_seconds));
    BRN_GO(solve(by, theta, by->truth, &ignored));
    t->gtol = by->model->settings.eval.gtol;
    t->rows = SOLVES;
    for (int r = 0; r < SOLVES; ++r) ++t->stops[on->rows[r].stop], ++t->oracle_stops[by->rows[r].stop];
    for (int i = 0; i < SOLVES * brn_pair_dim(by->pair); ++i) t->argmin = brn_parity_worse(t->argmin, on->image[i], by->image[i]);
done:
    free(theta);
    return status;
}

brn_status brn_trajectory_check(brn_device *dev, brn_device *oracle, brn_trajectory *t)
{
    side on, by = {0};
    brn_status status;
    *t = (brn_trajectory){.steps = STEPS};
    BRN_GO(open_side(&on, dev));
    BRN_GO(open_side(&by, oracle));
    BRN_GO(train(&on));
    BRN_GO(train(&by));
    t->distance = distance(&on, &by);
    t->step_seconds = on.seconds / STEPS;
    t->counted = brn_device_queues(dev) == 1;
    t->counts = on.counts;
    t->solver_waits = on.trainer->waits[BRN_PHASE_CONJUGATE];
    BRN_GO(score(&on, &t->l2_uvp));
    BRN_GO(score(&by, &t->oracle_l2_uvp));
    BRN_GO(compare_solves(&on, &by, t));
done:
    close_side(&on), close_side(&by);
    return status;
}
