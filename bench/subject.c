#include "subject.h"

brn_status open_subject(subject *s, brn_settings *settings, int threads)
{
    *s = (subject){0};
    BRN_TRY(brn_device_open(&s->dev, settings->device, threads));
    BRN_TRY(brn_pair_open(&s->pair, s->dev, settings));
    BRN_TRY(brn_settings_resolve(settings, brn_pair_dim(s->pair)));
    BRN_TRY(brn_model_create(&s->model, s->dev, settings, s->pair));
    return brn_trainer_create(&s->trainer, s->model, s->pair);
}

void close_subject(subject *s)
{
    brn_trainer_free(s->trainer);
    brn_model_free(s->model);
    brn_pair_close(s->pair);
    brn_device_close(s->dev);
}
