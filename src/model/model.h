/* What is learned, and what a user gets: potential, amortizer, standardisation, provenance. */
#ifndef BRN_MODEL_MODEL_H
#define BRN_MODEL_MODEL_H

#include "conjugate/solver.h"
#include "model/amortizer.h"
#include <brenier/model.h>

struct brn_model {
    brn_device *dev;
    brn_settings settings;      /* resolved */
    int n;
    brn_pot f;                  /* parameters in training */
    brn_buf *averaged;          /* running average of f's theta, NULL without averaging */
    brn_amortizer h;
    bool standardized;
    double scale;               /* x' = (x - shift[side]) / scale */
    double *shift[2];           /* [n] each, NULL without standardisation */
    size_t starts;              /* samples of f's side at which conjugate solves may start (train.seek), */
    float *start;               /* [starts][n], standardised */
    int64_t steps;              /* training steps done */
    char pair[BRN_PATH_MAX];    /* name of what it was trained on */
};

/** The measure that f lives on; its conjugate lives on the other. */
static inline brn_side brn_potential_side(const brn_settings *settings)
{
    return settings->train.roles == BRN_ROLES_EXCHANGED ? BRN_TARGET : BRN_SOURCE;
}

/** Layout of the potential that resolved settings ask for; no memory of its own. */
brn_status brn_potential_shape(brn_net_shape *shape, const brn_settings *settings, int n);

/** A model for resolved settings without a start: all parameters zero. `standardization` may be NULL. */
brn_status brn_model_new(brn_model **model, brn_device *dev, const brn_settings *settings, int n,
                         const brn_standardization *standardization, const char *pair);
/** Random start of all networks from settings.seed, as settings.train.start asks for. */
brn_status brn_model_start(brn_model *model);
/** Replace the standardisation (NULL: none) by a copy. */
brn_status brn_model_standardize(brn_model *model, const brn_standardization *standardization);
/** Raw rows of a side in the model's coordinates, which may take their place. */
void brn_model_standardized_rows(const brn_model *model, brn_side side, size_t rows, const float *raw, float *x);

enum { BRN_STARTS_MAX = 1024 };
/** Replace the samples at which solves may start by a copy; 0 to BRN_STARTS_MAX of them. */
brn_status brn_model_set_starts(brn_model *model, const float *rows, size_t count);

/** A fresh model for resolved settings and a pair: networks made and initialised. */
brn_status brn_model_create(brn_model **model, brn_device *dev, const brn_settings *settings, const brn_pair *pair);

/** The potential to evaluate: f with the averaged parameters where there are any. Points into the
 *  model's buffers; *view stays valid until the model's parameters change. `spare` is a net of the
 *  same shape that receives the averaged parameters (made on first use, freed with brn_net_free). */
brn_status brn_model_evaluated(const brn_model *model, brn_net *spare, brn_pot *view);

/** The solver of the inverse map: the settings' solver with the tolerance of their evaluation. */
brn_conjugate_settings brn_eval_conjugate(const brn_settings *settings);

/* ---- f and its conjugate whichever sides they live on (apply.c), in raw coordinates --------------------- */

/** Either grad f or f at rows of f's side; the other of the two is NULL. x and grad may be the same array. */
brn_status brn_model_gradient(const brn_model *model, const float *x, size_t count, float *grad, float *value);
/** grad f* and f* (may be NULL) at rows of the other side, with resolved settings (NULL: those of the evaluation);
 *  0 iterations give the amortizer's prediction, and what the dual is there. As brn_conjugate otherwise. */
brn_status brn_model_argmax(const brn_model *model, const brn_conjugate_settings *settings, const float *y, size_t count, bool warm_start,
                            float *x, float *value, brn_conjugate_row *rows);

/* ---- files (file.c) -------------------------------------------------------------------------- */

#include "io/safetensors.h"

/** Arrays beside the model in a checkpoint: read into or written from device buffers. */
typedef struct brn_extra {
    char name[64];
    brn_buf *buf;
} brn_extra;

/** Write model and extras with metadata (settings as YAML text, provenance, and the given pairs),
 *  atomically. On a host:f64 device arrays are F64. The same model gives the same bytes: the settings
 *  that cannot change a result (threads, out) are left out. Refuses non-finite parameters with
 *  BRN_ERR_DIVERGED, leaving a former file. */
brn_status brn_model_write(const brn_model *model, const char *path, const brn_extra *extra, int extras,
                           const brn_st_pair *pairs, int pair_count);

/** Fill the parameters, steps and standardisation of a model made by brn_model_create or _new, and the
 *  extras, from an open file; version, shapes and dtypes are checked. */
brn_status brn_model_read(brn_model *model, const brn_st *file, const char *path, const brn_extra *extra, int extras);

#endif
