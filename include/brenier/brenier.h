/** @file brenier.h
 *  The whole library: learn an optimal transport map from samples, keep it, use it.
 *
 *      brn_settings s;
 *      brn_device *device;
 *      brn_model *model;
 *      brn_settings_preset(&s, "2d");
 *      brn_settings_set(&s, "data.pair", "gauss8");
 *      brn_settings_set(&s, "out", "runs/gauss8");
 *      brn_device_open(&device, "host", 0);
 *      if (brn_train(device, &s, false, NULL, NULL, &model) != BRN_OK) puts(brn_last_error());
 *      else brn_model_map(model, x, 1000, y);
 *
 *  Every call that can fail returns a brn_status; see status.h.
 */
#ifndef BRENIER_BRENIER_H
#define BRENIER_BRENIER_H

#include "device.h"
#include "evaluate.h"
#include "measure.h"
#include "model.h"
#include "plot.h"
#include "results.h"
#include "run.h"
#include "selftest.h"
#include "settings.h"
#include "status.h"
#include "sweep.h"
#include "table.h"
#include "train.h"
#include <brenier/version.h>

#endif
