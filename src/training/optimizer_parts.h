/* What the parts of the optimizer share: optimizer.c cuts a step into tasks, muon.c and soap.c do those
 * of weight matrices. */
#ifndef BRN_TRAINING_OPTIMIZER_PARTS_H
#define BRN_TRAINING_OPTIMIZER_PARTS_H

#include "training/eigenbasis.h"
#include "training/optimizer.h"

/** Parameters [at, at + rows cols) that are treated as a row-major matrix. */
typedef struct brn_block {
    size_t at;
    int rows, cols;
    int left, right; /* SOAP: factors of the rows and of the columns, or -1 */
} brn_block;

/** SOAP: running mean of G G^T (left) or G^T G (right), and its eigenvectors, one per row. */
typedef struct brn_factor {
    int block, size;
    bool right;
    brn_buf *mean, *basis;
} brn_factor;

typedef enum {
    TASK_ADAM = 1,    /* a range of parameters, by Adam */
    TASK_MUON = 2,    /* a stripe of a block */
    TASK_UNROTATE = 4, /* SOAP, a block: its first moment back to the plain basis */
    TASK_FACTOR = 8,  /* SOAP, a factor: its mean and, at refreshes, its basis */
    TASK_SOAP = 16    /* SOAP, a block: the step */
} brn_task_kind;

typedef struct brn_task {
    brn_task_kind kind;
    int index;        /* of the block or factor */
    int stripe, stripes; /* TASK_MUON */
    size_t at, count; /* TASK_ADAM */
    double cost;
} brn_task;

typedef struct brn_named {
    char name[40];
    brn_buf *buf;
} brn_named;

struct brn_optimizer {
    brn_device *dev;
    brn_optimizer_settings set;
    size_t size; /* parameters */
    int64_t steps;
    brn_buf *m, *v;    /* moments; of a SOAP block in its factors' bases, v of a Muon block unused */
    brn_buf *clip;     /* running mean of the gradient's norm, factor of this step's; or NULL */
    brn_buf *squares;  /* parts of that norm */
    brn_buf *work[3];  /* scratch in the layout of the parameters */
    int blocks, factors, tasks, states;
    brn_block block[BRN_NET_LAYERS];
    brn_factor factor[2 * BRN_NET_LAYERS];
    brn_task *task; /* dearest first */
    brn_named state[3 + 4 * BRN_NET_LAYERS];
    int largest;           /* factor */
    brn_buf *product;      /* SOAP: a product of two matrices and what a refresh needs, for each queue */
    size_t product_size;
    brn_eigenbasis *bases; /* SOAP: one per queue of a host; else NULL */
};

/** One step. */
typedef struct brn_update {
    brn_optimizer *opt;
    brn_buf *theta, *grad;
    int64_t step;                         /* 1, 2, ... */
    float lr, matrix_lr, decay;           /* with the schedule's rate; decay = lr weight_decay */
    float scale1, scale2;                 /* bias corrections 1 / (1 - beta^step) */
    bool refresh;                         /* SOAP: new bases in this step */
    int kinds;                            /* of the tasks that run in this phase */
    int part;                             /* Muon: 0 ... BRN_MUON_PARTS - 1 */
} brn_update;

/** Adam on [at, at + count): `theta` steps, or with `direction` that one becomes the direction. The
 *  gradient is read from the same place of `grad`. */
brn_status brn_update_adam(const brn_update *u, brn_queue *q, size_t at, size_t count, brn_buf *grad, brn_buf *direction);

/** The gradient, shortened where its norm exceeds set.clip times its running mean. */
brn_status brn_clip_create(brn_optimizer *opt);
void brn_clip_free(brn_optimizer *opt);
brn_status brn_clip_gradient(const brn_update *u, brn_queue *q);

/** Where `matrix` holds one of a block: row-major, the block's own place. */
static inline brn_view brn_block_view(const brn_block *b, brn_buf *matrix) { return (brn_view){matrix, b->at}; }
static inline size_t brn_block_count(const brn_block *b) { return (size_t)b->rows * (size_t)b->cols; }

/** Momentum, three products per iteration, the step: all stripes finish a part before the next one. */
enum { BRN_MUON_ITERATIONS = 5, BRN_MUON_PARTS = 1 + 3 * BRN_MUON_ITERATIONS + 1 };
double brn_muon_cost(const brn_block *b);
int brn_muon_stripes(const brn_optimizer *opt, const brn_block *b);
brn_status brn_muon_step(const brn_update *u, brn_queue *q, const brn_task *t);

/** A dimension that has a factor: one that is not too large for factorisations on the host. */
bool brn_soap_has_factor(int dimension);
/** New bases at this step? */
bool brn_soap_refreshes(const brn_optimizer *opt, int64_t step);
/** Factors and scratch of all blocks. */
brn_status brn_soap_create(brn_optimizer *opt);
void brn_soap_free(brn_optimizer *opt);
double brn_soap_cost(const brn_optimizer *opt, const brn_block *b);
brn_status brn_soap_unrotate(const brn_update *u, brn_queue *q, const brn_block *b);
brn_status brn_soap_factor(const brn_update *u, brn_queue *q, const brn_factor *f);
brn_status brn_soap_step(const brn_update *u, brn_queue *q, const brn_block *b);

#endif
