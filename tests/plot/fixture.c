#include "fixture.h"

char dir[64];
brn_device *device;
brn_pair *pair;
brn_model *model;

void plot_open(const char *preset, int count, const char *const *assignments)
{
    brn_settings s;
    test_make_dir(dir);
    MUST(brn_settings_preset(&s, preset));
    MUST(brn_settings_assign(&s, count, assignments));
    MUST(brn_device_open(&device, "host", 1));
    MUST(brn_pair_open(&pair, device, &s));
    MUST(brn_train(device, &s, false, NULL, NULL, &model));
}

void plot_close(void)
{
    brn_model_free(model);
    brn_pair_close(pair);
    brn_device_close(device);
    test_remove_dir(dir);
}
