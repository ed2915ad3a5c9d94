/* A training to be measured: what its settings name, opened in their order. */
#ifndef BRN_BENCH_SUBJECT_H
#define BRN_BENCH_SUBJECT_H

#include "training/trainer.h"

typedef struct {
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *trainer;
} subject;

/** Resolves the settings, which must outlive the subject. Release it after a failure too. */
brn_status open_subject(subject *s, brn_settings *settings, int threads);
void close_subject(subject *s);

#endif
