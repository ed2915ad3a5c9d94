/* Every kernel once or more on the device opencl:0, at sizes of two work-groups: what races.sh lets a race detector
 * watch. `kernels_main FOLDER` runs steps of small trainings that need them all between them, and fails naming
 * those that did not run; `kernels_main sum` runs feature_sum alone. */
#include "core/error.h"
#include "opencl/opencl.h"
#include "training/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ran[BRN_KERNEL_COUNT];

static void note(const brn_device *dev)
{
    const brn_opencl *cl = dev->impl;
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k) ran[k] = ran[k] || cl->kernels[k].kernel;
}

static brn_status steps(const brn_settings *s, brn_device *dev, brn_pair *pair, int count)
{
    brn_model *model;
    brn_trainer *t;
    BRN_TRY(brn_model_create(&model, dev, s, pair));
    brn_status status = brn_trainer_create(&t, model, pair);
    if (status == BRN_OK) status = brn_trainer_begin(t);
    if (status == BRN_OK && s->train.start == BRN_START_PRETRAIN) status = brn_pretrain(t, NULL, NULL);
    for (int i = 0; i < count && status == BRN_OK; ++i) status = brn_trainer_step(t);
    brn_trainer_free(t);
    brn_model_free(model);
    return status;
}

static brn_status train(const char *preset, const char *products, const char *const *values)
{
    static const char *const small[] = {"data.n=2", "train.batch=66", "potential.hidden=5,3", "amortizer.hidden=3", "conjugate.max_iterations=2",
                                        "train.pretrain_steps=1", "data.pair=gaussian"};
    brn_settings s;
    brn_device *dev;
    brn_pair *pair;
    int count = 0;
    while (values[count]) ++count;
    setenv("BRENIER_OPENCL_GEMM", products, 1);
    BRN_TRY(brn_settings_preset(&s, preset));
    BRN_TRY(brn_settings_assign(&s, sizeof small / sizeof *small, small));
    BRN_TRY(brn_settings_assign(&s, count, values));
    BRN_TRY(brn_device_open(&dev, "opencl:0", 1));
    brn_status status = brn_pair_open(&pair, dev, &s);
    if (status == BRN_OK) {
        status = brn_settings_resolve(&s, s.data.n);
        if (status == BRN_OK) status = steps(&s, dev, pair, strcmp(products, "direct") ? 1 : 2); /* the tiled kernels are slow to simulate */
        brn_pair_close(pair);
    }
    note(dev);
    brn_device_close(dev);
    return status;
}

/* 40 rows with or without weights, as an assignment. */
static brn_status own_rows(const char *folder, const char *name, bool weights, const char *key, char assignment[static 400])
{
    char path[300];
    snprintf(path, sizeof path, "%.200s/%s.csv", folder, name);
    FILE *f = fopen(path, "w");
    if (!f) return brn_fail(BRN_ERR_DISK, "%s cannot be written", path);
    fprintf(f, weights ? "x,y,w\n" : "x,y\n");
    for (int i = 0; i < 40; ++i) fprintf(f, weights ? "%d,%d,%d\n" : "%d,%d\n", i % 7, i % 5, 1 + i % 3);
    fclose(f);
    snprintf(assignment, 400, "%s=%s", key, path);
    return BRN_OK;
}

/* What only the benchmark pairs and the maps use. */
static brn_status others(void)
{
    enum { ROWS = 130, FEATS = 3, COUNT = ROWS * FEATS };
    brn_device *dev;
    brn_buf *x, *y, *whole, *large;
    BRN_TRY(brn_device_open(&dev, "opencl:0", 1));
    brn_queue *q = brn_device_queue(dev, 0);
    BRN_TRY(brn_buf_create(&x, dev, BRN_REAL, COUNT, "numbers"));
    BRN_TRY(brn_buf_create(&y, dev, BRN_REAL, COUNT, "numbers"));
    BRN_TRY(brn_buf_create(&whole, dev, BRN_INT, COUNT, "numbers"));
    BRN_TRY(brn_zero(q, (brn_view){x, 0}, COUNT));
    BRN_TRY(brn_zero(q, (brn_view){whole, 0}, COUNT));
    BRN_TRY(BRN_LAUNCH(q, rows_to_tile, ROWS, FEATS, (.ld = ROWS), {x, 0}, {y, 0}));
    BRN_TRY(BRN_LAUNCH(q, mul_add, ROWS, FEATS, (.lda = ROWS, .ldb = ROWS, .ldy = ROWS, .s = 1, .t = 1), {x, 0}, {x, 0}, {y, 0}));
    BRN_TRY(BRN_LAUNCH(q, choose, ROWS, 1, (.count = 2, .mask = ~0u), {whole, 0}, {whole, 4}, {whole, 8}));
    BRN_TRY(BRN_LAUNCH(q, pick, ROWS, FEATS, (.ldx = ROWS, .ldy = ROWS), {whole, 8}, {x, 0}, {y, 0}));
    BRN_TRY(brn_buf_create(&large, dev, BRN_REAL, 4 * COUNT, "numbers"));
    BRN_TRY(BRN_LAUNCH(q, upsample, ROWS, 1, (.ldx = ROWS, .ldy = ROWS, .width = FEATS), {x, 0}, {large, 0}));
    float last;
    BRN_TRY(brn_read_f32(q, (brn_view){y, COUNT - 1}, &last, 1));
    note(dev);
    brn_buf_free(x), brn_buf_free(y), brn_buf_free(whole), brn_buf_free(large);
    brn_device_close(dev);
    return BRN_OK;
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})
static brn_status all(const char *folder)
{
    char source[400], target[400];
    BRN_TRY(own_rows(folder, "source", true, "data.source", source));
    BRN_TRY(own_rows(folder, "target", false, "data.target", target));
    BRN_TRY(others());
    BRN_TRY(train("2d", "direct", VALUES("train.start=pretrain", "conjugate.line_search=armijo", "train.potential.clip=1")));
    BRN_TRY(train("hd", "wide", VALUES("potential.kind=icnn", "train.potential.kind=muon", "conjugate.line_search=wolfe", "data.pair=gauss8")));
    BRN_TRY(train("2d", "narrow", VALUES("conjugate.solver=adam", "data.pair=moons")));
    BRN_TRY(train("2d", "direct", VALUES("data.pair=", source, target, "data.source_weight=w")));
    BRN_TRY(train("mm-b", "direct", VALUES("train.start=identity", "potential.kind=icnn", "potential.convexity=project")));
    BRN_TRY(train("qc", "direct", VALUES("train.start=identity")));
    BRN_TRY(train("ls", "direct", VALUES("train.start=identity")));
    BRN_TRY(train("2d", "direct", VALUES("data.n=4", "potential.kind=conv", "potential.hidden=2", "amortizer.kind=gradient", "amortizer.hidden=2")));
    setenv("BRENIER_SOLVE", "device", 1); /* what devices that repeat by themselves use */
    BRN_TRY(train("2d", "direct", VALUES("potential.kind=icnn")));
    setenv("BRENIER_FUSE", "on", 1);
    BRN_TRY(train("2d", "direct", VALUES("potential.kind=icnn", "train.start=pretrain")));
    int missing = 0;
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k)
        if (!ran[k]) fprintf(stderr, "never ran: %s\n", brn_kernel_table[k].name), ++missing;
    return missing ? brn_fail(BRN_ERR_INTERNAL, "%d kernels never ran", missing) : BRN_OK;
}

static brn_status sum(void)
{
    enum { ROWS = 130, FEATS = 3 };
    brn_device *dev;
    brn_buf *x;
    BRN_TRY(brn_device_open(&dev, "opencl:0", 1));
    brn_queue *q = brn_device_queue(dev, 0);
    BRN_TRY(brn_buf_create(&x, dev, BRN_REAL, (ROWS + 1) * FEATS, "numbers"));
    BRN_TRY(brn_zero(q, (brn_view){x, 0}, (ROWS + 1) * FEATS));
    BRN_TRY(BRN_LAUNCH(q, feature_sum, ROWS, FEATS, (.ld = ROWS, .at = ROWS * FEATS), {x, 0}, {x, 0}));
    float got[FEATS];
    BRN_TRY(brn_read_f32(q, (brn_view){x, ROWS * FEATS}, got, FEATS));
    brn_buf_free(x);
    brn_device_close(dev);
    return BRN_OK;
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    const brn_status status = strcmp(argv[1], "sum") ? all(argv[1]) : sum();
    if (status != BRN_OK) fprintf(stderr, "%s\n", brn_last_error());
    return (int)status;
}
