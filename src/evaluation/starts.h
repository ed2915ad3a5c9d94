/* A study's insides: the rows on both devices, and where solves may start. */
#ifndef BRN_EVALUATION_STARTS_H
#define BRN_EVALUATION_STARTS_H

#include "model/model.h"
#include <brenier/study.h>

/** One model with the rows on its device. */
typedef struct brn_study_place {
    brn_model *model;
    brn_net spare;
    brn_pot f;
    brn_batch y, x, value, start[BRN_STUDY_STARTS]; /* starts of no rows were not given */
    int works;
    brn_pot_work *f_work;
    brn_amortizer_work *h_work;
} brn_study_place;

struct brn_study {
    int n, rows;
    brn_study_place at, exact;
    float *y;             /* [rows][n], raw */
    float *x;             /* [rows][n], what a solve found, or a start */
    double *best, *found; /* x of the reference, and of a solve */
    double *least;        /* J of the reference, */
    double *objective;    /* and of a solve */
    double *numbers, *gradient; /* [rows] */
    brn_study_result reference;
};

/** The starts that need nothing else: predictions and y. */
brn_status brn_study_place_starts(brn_study_place *p);

#endif
