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
    int64_t steps;              /* training steps done */
    char pair[BRN_PATH_MAX];    /* name of what it was trained on */
};

/** A fresh model for resolved settings and a pair: networks made and initialised. */
brn_status brn_model_create(brn_model **model, brn_device *dev, const brn_settings *settings, const brn_pair *pair);

/** The potential to evaluate: f with the averaged parameters where there are any. Points into the
 *  model's buffers; *view stays valid until the model's parameters change. `spare` is a net of the
 *  same shape that receives the averaged parameters (made on first use, freed with brn_net_free). */
brn_status brn_model_evaluated(const brn_model *model, brn_net *spare, brn_pot *view);

/* ---- files (file.c) -------------------------------------------------------------------------- */

#include "io/safetensors.h"

/** Arrays beside the model in a checkpoint: read into or written from device buffers. */
typedef struct brn_extra {
    char name[64];
    brn_buf *buf;
} brn_extra;

/** Write model and extras with metadata (settings as YAML text, standardisation, provenance, and the
 *  given pairs), atomically. On a host:f64 device arrays are F64. Refuses non-finite parameters with
 *  BRN_ERR_DIVERGED, leaving a former file. */
brn_status brn_model_write(const brn_model *model, const char *path, const brn_extra *extra, int extras,
                           const brn_st_pair *pairs, int pair_count);

/** Fill the parameters of a model made by brn_model_create, and the extras, from an open file; shapes
 *  and dtypes are checked. */
brn_status brn_model_read(brn_model *model, const brn_st *file, const char *path, const brn_extra *extra, int extras);

#endif
