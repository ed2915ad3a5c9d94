#include "scenario.h"

#include <brenier/evaluate.h>
#include <brenier/train.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_settings scenario_settings(const char *folder, const char *const *assignments)
{
    static const char *const tiny[] = {"data.pair=gaussian", "data.n=2", "potential.hidden=4,4", "amortizer.hidden=4", "train.batch=8",
                                       "train.steps=4", "train.eval_every=2", "eval.points=16", "eval.sinkhorn_points=8"};
    brn_settings s;
    int count = 0;
    MUST(brn_settings_preset(&s, "2d"));
    MUST(brn_settings_assign(&s, sizeof tiny / sizeof *tiny, tiny));
    while (assignments[count]) ++count;
    MUST(brn_settings_assign(&s, count, assignments));
    snprintf(s.out, sizeof s.out, "%s", folder);
    return s;
}

void scenario_rows(brn_settings *s, const char *dir)
{
    char text[4096];
    size_t at = (size_t)snprintf(text, sizeof text, "x,y,w\n");
    for (int i = 0; i < 40; ++i) at += (size_t)snprintf(text + at, sizeof text - at, "%.4f,%.4f,%d\n", cos(i), sin(2.0 * i), 1 + i % 3);
    test_write_file(dir, "a.csv", text, at);
    at = 0;
    for (int i = 0; i < 40; ++i) at += (size_t)snprintf(text + at, sizeof text - at, "%.4f,%.4f\n", 3 + sin(i), cos(3.0 * i));
    test_write_file(dir, "b.csv", text, at);
    s->data.pair[0] = '\0';
    snprintf(s->data.source, sizeof s->data.source, "%s/a.csv", dir);
    snprintf(s->data.target, sizeof s->data.target, "%s/b.csv", dir);
    strcpy(s->data.source_weight, "w");
}

static brn_status score(brn_device *device, brn_model *model)
{
    brn_pair *pair;
    brn_evaluation e;
    const brn_status opened = brn_pair_open(&pair, device, brn_model_settings(model));
    if (opened != BRN_OK) return opened;
    const brn_status status = brn_evaluate(model, pair, brn_model_settings(model), &e);
    brn_pair_close(pair);
    return status;
}

brn_status scenario_run(const brn_settings *s, int threads)
{
    brn_device *device;
    brn_model *model;
    brn_status status = brn_device_open(&device, s->device, threads);
    if (status != BRN_OK) return status;
    status = brn_train(device, s, false, NULL, NULL, &model);
    cr_assert_eq(status == BRN_OK, model != NULL);
    if (status == BRN_OK) status = score(device, model);
    brn_model_free(model);
    brn_device_close(device);
    return status;
}

static bool until_second_step(void *user, const brn_progress *p)
{
    (void)user;
    return p->step < 2;
}

brn_status scenario_run_half(const brn_settings *s)
{
    brn_device *device;
    MUST(brn_device_open(&device, s->device, 1));
    const brn_status status = brn_train(device, s, false, until_second_step, NULL, NULL);
    brn_device_close(device);
    return status;
}

static const char LATEST[] = "latest.safetensors";

char *scenario_checkpoint(const brn_settings *s, size_t *length)
{
    MUST_FAIL(scenario_run_half(s), BRN_ERR_STOPPED, "step 2");
    return test_read_file(s->out, LATEST, length);
}

bool scenario_checkpoint_is(const brn_settings *s, const char *former, size_t length)
{
    size_t still;
    char *now = test_read_file(s->out, LATEST, &still);
    const bool same = now && still == length && !memcmp(former, now, length);
    free(now);
    return same;
}
