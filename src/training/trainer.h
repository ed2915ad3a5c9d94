/* The state of a training and its steps; what surrounds them (files, log, evaluation) is in run.c. */
#ifndef BRN_TRAINING_TRAINER_H
#define BRN_TRAINING_TRAINER_H

#include "measures/measure.h"
#include "model/model.h"
#include "training/average.h"
#include "training/optimizer.h"

/* Streams of random numbers, so that no two uses share any. */
enum { BRN_STREAM_SOURCE = 1, BRN_STREAM_TARGET, BRN_STREAM_PRETRAIN, BRN_STREAM_MONITOR_SOURCE, BRN_STREAM_MONITOR_TARGET };

/** Rows are summed into at most this many gradients, which are then added in order: enough to keep
 *  several threads busy, and independent of how many there are. */
enum { BRN_GRADIENT_GROUPS = 8 };

/** Rows of the batch a training is watched on: its spread is below what separates models. */
enum { BRN_MONITOR_ROWS = 2048 };
/** Rows that watch a training: fewer where the settings evaluate with fewer. */
static inline int brn_monitor_rows(const brn_settings *s) { return s->eval.points < BRN_MONITOR_ROWS ? s->eval.points : BRN_MONITOR_ROWS; }

/** Scratch of one queue, of the training and of its monitor. */
typedef struct brn_trainer_member {
    brn_pair_work *pair;
    brn_pot_work f;
    brn_amortizer_work h;     /* for H beside the tapes below */
    brn_buf *memory;
    brn_mat a, b, c;          /* [n] each */
    brn_mat value;            /* [1] */
} brn_trainer_member;

/* Rows of the matrix of per-row losses. */
enum { BRN_ROW_F, BRN_ROW_J, BRN_ROW_AMORTIZATION, BRN_ROW_EVALUATIONS, BRN_ROW_FIELDS };

/* Parts of a step, for the clock. */
typedef enum { BRN_PHASE_DRAW, BRN_PHASE_PREDICT, BRN_PHASE_CONJUGATE, BRN_PHASE_GRADIENT, BRN_PHASE_LEARN, BRN_PHASES } brn_phase;

typedef struct brn_trainer {
    brn_device *dev;
    brn_model *model;
    const brn_pair *pair;
    const brn_settings *set;  /* the model's */
    int n, batch, groups;

    brn_batch x, y, start, argmax;  /* samples; H(y); argmax of the conjugate */
    brn_batch rows;                 /* [BRN_ROW_FIELDS] losses and solver evaluations per row */
    brn_amortizer_work *tape;       /* per tile: H's activations between its forward and its reverse */
    int members, tapes;
    brn_trainer_member *member;     /* per queue */
    brn_buf *f_grad[BRN_GRADIENT_GROUPS], *h_grad[BRN_GRADIENT_GROUPS];
    struct brn_wide *wide;          /* wide.h; NULL: each group of tiles adds to gradients of its own */
    float *host_rows;               /* the losses as they lie on the device, see brn_trainer_mean; room for numbers of rows */

    brn_solver *solver;             /* NULL where nothing is fine-tuned */
    brn_optimizer *f_opt, *h_opt;
    int64_t step;

    int64_t evaluations;            /* by the solver, over all rows and steps */
    double loss;                    /* of the last step */
    double seconds[BRN_PHASES];     /* spent in each part since the start, */
    uint64_t waits[BRN_PHASES];     /* waits for a driver, */
    uint64_t submissions;           /* and calls that hand work to one, of all steps */
} brn_trainer;

/** The model's settings decide everything; the model and the pair outlive the trainer. */
brn_status brn_trainer_create(brn_trainer **trainer, brn_model *model, const brn_pair *pair);
void brn_trainer_free(brn_trainer *trainer);

/** What a fresh training needs of its data before the first step: activation normalisations. */
brn_status brn_trainer_begin(brn_trainer *trainer);

/** One iteration of Algorithm 1. BRN_ERR_DIVERGED when the loss is not finite or beyond the bound. */
brn_status brn_trainer_step(brn_trainer *trainer);

/** Bring grad f(x) to x and H(y) to y on the settings' box. `progress` may stop it (false). */
typedef bool (*brn_pretrain_fn)(void *user, int64_t step, int64_t steps, double loss);
brn_status brn_pretrain(brn_trainer *trainer, brn_pretrain_fn progress, void *user);

/** Does this loss fine-tune its prediction by the solver while training? */
bool brn_loss_finetunes(brn_loss loss);

/** Read the losses of the batch, as they lie: neither memory nor launches for it, and one wait. */
brn_status brn_trainer_read_rows(brn_trainer *t);
/** Mean of loss `field` over the rows read. */
double brn_trainer_mean(const brn_trainer *t, int field);

/* ---- parts (gradient.c) ---------------------------------------------------------------------- */

/** Gradients of the dual and the amortization loss over the batch, into the first `groups` of f_grad and
 *  h_grad: all of them, or one of a wide network. */
brn_status brn_trainer_gradient(brn_trainer *t);

/** f_grad[0] or h_grad[0] = sum over the groups, turned into the gradient with respect to theta. */
brn_status brn_trainer_reduce(brn_trainer *t, bool amortizer, int groups);

#endif
