/* Whole trainings of a second or so: losses, resuming, threads, devices, faults. */
#include "support/devices.h"
#include <brenier/train.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static brn_settings settings(const char *preset, const char *const *assignments)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, preset));
    MUST(brn_settings_set(&s, "data.pair", "gaussian"));
    for (; *assignments; assignments += 2) MUST(brn_settings_set(&s, assignments[0], assignments[1]));
    return s;
}
#define SETTINGS(preset, ...) settings(preset, (const char *const[]){__VA_ARGS__, NULL})
/* 128 rows are two tiles, so that two threads share the work. */
#define SMALL "potential.hidden", "16,16", "amortizer.hidden", "16,16", "train.batch", "128"

typedef struct {
    int64_t stop_at;  /* ask to stop from this step on; 0 = never */
    int64_t die_at;   /* end the process there; 0 = never */
    int evaluations;
    double dual, first_dual, l2_uvp, first_l2_uvp;
    int64_t last;
} watch;

static bool watching(void *user, const brn_progress *p)
{
    watch *w = user;
    w->last = p->step;
    if (p->evaluated) {
        if (!w->evaluations++) w->first_dual = p->dual, w->first_l2_uvp = p->l2_uvp;
        w->dual = p->dual;
        w->l2_uvp = p->l2_uvp;
    }
    if (w->die_at && p->step >= w->die_at) _exit(9);
    return !w->stop_at || p->step < w->stop_at;
}

static brn_status run(const brn_settings *s, int threads, bool resume, watch *w)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, s->device, threads));
    const brn_status status = brn_train(dev, s, resume, watching, w, NULL);
    brn_device_close(dev);
    return status;
}

static void same_file(const char *a, const char *b, const char *name)
{
    cr_assert(test_same_files(a, name, b, name), "%s differs between %s and %s", name, a, b);
}

static char one[64], two[64];
static void folders(void) { test_make_dir(one), test_make_dir(two); }
static void no_folders(void) { test_remove_dir(one), test_remove_dir(two); }

Test(train, learns_the_closed_form_map_of_gaussians)
{
    static const char *const kinds[] = {"adamw", "muon", "soap"}, *const rates[] = {"0.02", "0.001", "0.01"};
    static const double bounds[] = {1, 3, 0.5}; /* percent; Muon is made for wider networks */
    for (int k = 0; k < 3; ++k) {
        brn_settings s = SETTINGS("hd", SMALL, "potential.hidden", "64,64,32", "data.n", "3", "train.steps", "400", "train.potential.kind", kinds[k], "train.amortizer.kind", kinds[k],
                                  "train.potential.lr", rates[k], "train.amortizer.lr", rates[k]);
        watch w = {0};
        MUST(run(&s, 2, false, &w));
        cr_assert_lt(w.l2_uvp, bounds[k], "%s: L2-UVP %g", kinds[k], w.l2_uvp);
        cr_assert_eq(w.evaluations, 10);
    }
}

/* Grey images of 8 x 8 pixels, whose identity map scores some 90 and best linear map 10. */
Test(train, learns_a_map_of_images)
{
    brn_settings s = SETTINGS("images", "data.pair", "images", "data.n", "64", "potential.hidden", "16,16", "amortizer.hidden", "16,16",
                              "train.steps", "150", "train.batch", "64", "train.potential.lr", "1e-3", "train.amortizer.lr", "1e-3", "eval.points", "256");
    watch w = {0};
    MUST(run(&s, 2, false, &w));
    cr_assert_lt(w.l2_uvp, 30, "L2-UVP %g", w.l2_uvp);
}

Test(train, every_loss_lowers_the_dual)
{
    static const char *const cases[][5] = { /* loss, amortizer, solver, potential, start */
        {"none", "none", "lbfgs", "mlp", "identity"},
        {"none", "none", "adam", "mlp", "identity"},
        {"objective", "residual", "lbfgs", "mlp", "identity"},
        {"objective_finetune", "residual", "lbfgs", "mlp", "identity"},
        {"regression", "gradient", "lbfgs", "mlp", "identity"},
        {"regression", "residual", "lbfgs", "icnn", "pretrain"},
        {"cycle", "residual", "lbfgs", "icnn", "pretrain"},
        {"cycle", "gradient", "lbfgs", "icnn", "pretrain"},
        {"cycle_finetune", "residual", "adam", "icnn", "pretrain"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
        brn_settings s = SETTINGS("hd", SMALL, "data.n", "2", "train.steps", "300", "train.loss", cases[k][0], "amortizer.kind", cases[k][1],
                                  "conjugate.solver", cases[k][2], "potential.kind", cases[k][3], "train.start", cases[k][4],
                                  "train.pretrain_steps", "100", "train.potential.kind", "adamw", "train.amortizer.kind", "adamw",
                                  "train.potential.lr", "0.003", "train.amortizer.lr", "0.003");
        watch w = {0};
        MUST(run(&s, 1, false, &w));
        cr_assert_lt(w.dual, w.first_dual, "%s/%s: dual %g after %g", cases[k][0], cases[k][1], w.dual, w.first_dual);
        cr_assert_lt(w.l2_uvp, 0.7 * w.first_l2_uvp, "%s/%s/%s: L2-UVP %g after %g", cases[k][0], cases[k][1], cases[k][3], w.l2_uvp, w.first_l2_uvp);
    }
}

Test(train, threads_do_not_change_a_bit, .init = folders, .fini = no_folders)
{
    brn_settings s = SETTINGS("hd", SMALL, "train.steps", "40");
    watch w = {0};
    strcpy(s.out, one);
    MUST(run(&s, 1, false, &w));
    strcpy(s.out, two);
    MUST(run(&s, 3, false, &w));
    same_file(one, two, "latest.safetensors");
    same_file(one, two, "best.safetensors");
}

Test(train, a_stopped_run_continues_bit_for_bit, .init = folders, .fini = no_folders)
{
    brn_settings s = SETTINGS("hd", SMALL, "train.steps", "6000", "train.eval_every", "6000", "train.averaging", "0.99", "train.seek", "true");
    watch whole = {0}, part = {.stop_at = 1};
    strcpy(s.out, one);
    MUST(run(&s, 1, false, &whole));
    strcpy(s.out, two);
    MUST_FAIL(run(&s, 1, false, &part), BRN_ERR_STOPPED, "latest.safetensors");
    cr_assert(part.last < 6000 && !part.evaluations, "stopped at step %lld, after an evaluation", (long long)part.last);
    watch rest = {0};
    MUST(run(&s, 2, true, &rest));
    same_file(one, two, "latest.safetensors");
    same_file(one, two, "best.safetensors");
}

Test(train, a_killed_run_continues_bit_for_bit, .init = folders, .fini = no_folders)
{
    brn_settings s = SETTINGS("hd", SMALL, "train.steps", "60", "train.eval_every", "20", "train.potential.kind", "soap", "train.amortizer.kind", "muon",
                              "train.start", "pretrain", "train.pretrain_steps", "30", "potential.kind", "icnn");
    watch whole = {0};
    strcpy(s.out, one);
    MUST(run(&s, 1, false, &whole));
    strcpy(s.out, two);
    const pid_t child = fork();
    if (!child) {
        watch dying = {.die_at = 40}; /* inside the second evaluation, before its checkpoint */
        run(&s, 1, false, &dying);
        _exit(1);
    }
    int how;
    cr_assert_eq(waitpid(child, &how, 0), child);
    cr_assert(WIFEXITED(how) && WEXITSTATUS(how) == 9, "the child did not die where it should");
    watch rest = {0};
    MUST(run(&s, 1, false, &rest));
    cr_assert_eq(rest.evaluations, 2, "continued from step 20");
    same_file(one, two, "latest.safetensors");
    same_file(one, two, "best.safetensors");
    size_t length;
    char *log = test_read_file(two, "log.csv", &length);
    int lines = 0;
    for (size_t i = 0; i < length; ++i) lines += log[i] == '\n';
    cr_assert_eq(lines, 4, "header and three evaluations, not %d lines", lines);
    free(log);
}

/* Stopped in the evaluation of step 14, with SOAP's bases refreshed before and after; steps 2 to 20 weigh new gradients less and less. */
Test(train, every_device_continues_bit_for_bit)
{
    char devices[TEST_DEVICES_MOST][64];
    for (int d = 0, count = test_device_names(devices); d < count; ++d) {
        brn_settings s = SETTINGS("hd", SMALL, "train.steps", "28", "train.eval_every", "14", "train.potential.kind", "soap", "train.amortizer.kind", "soap",
                                  "train.potential.refresh", "3", "train.amortizer.refresh", "4", "potential.hidden", "35,4", "device", devices[d]);
        watch whole = {0}, part = {.stop_at = 14}, rest = {0};
        folders();
        strcpy(s.out, one);
        MUST(run(&s, 1, false, &whole));
        strcpy(s.out, two);
        MUST_FAIL(run(&s, 1, false, &part), BRN_ERR_STOPPED, "latest.safetensors");
        cr_assert_eq(part.last, 14);
        MUST(run(&s, 1, true, &rest));
        same_file(one, two, "latest.safetensors");
        no_folders();
    }
}

Test(train, single_precision_follows_the_oracle)
{
    char devices[TEST_DEVICES_MOST][64];
    watch w[TEST_DEVICES_MOST] = {{0}};
    for (int d = 0, count = test_device_names(devices); d < count; ++d) {
        brn_settings s = SETTINGS("hd-paper", SMALL, "train.steps", "50", "train.start", "identity", "device", devices[d]);
        MUST(run(&s, 1, false, &w[d]));
        cr_assert_float_eq(w[d].dual, w[0].dual, 2e-4 * fabs(w[0].dual), "%s: dual %.9g, oracle %.9g", devices[d], w[d].dual, w[0].dual);
        cr_assert_float_eq(w[d].l2_uvp, w[0].l2_uvp, 0.02 * w[0].l2_uvp, "%s: L2-UVP %g, oracle %g", devices[d], w[d].l2_uvp, w[0].l2_uvp);
    }
}

static void diverge(const char *kind, const char *device)
{
    brn_settings s = SETTINGS("hd", SMALL, "train.steps", "200", "train.potential.kind", kind, "train.potential.lr", "1000", "train.divergence", "100",
                              "train.potential.refresh", "1", "device", device);
    watch w = {0};
    brn_device *dev;
    brn_model *model;
    folders();
    strcpy(s.out, one);
    MUST_FAIL(run(&s, 1, false, &w), BRN_ERR_DIVERGED, "latest.safetensors");
    MUST(brn_device_open(&dev, "host", 1));
    MUST(brn_model_load(&model, dev, one));
    brn_model_free(model);
    brn_device_close(dev);
    no_folders();
}

Test(train, divergence_keeps_the_last_finite_checkpoint)
{
    char devices[TEST_DEVICES_MOST][64];
    diverge("adamw", "host");
    for (int d = 0, count = test_device_names(devices); d < count; ++d) diverge("soap", devices[d]);
}

Test(train, a_folder_belongs_to_one_run, .init = folders, .fini = no_folders)
{
    brn_settings s = SETTINGS("hd", SMALL, "train.steps", "20");
    watch w = {0};
    strcpy(s.out, one);
    MUST_FAIL(run(&s, 1, true, &w), BRN_ERR_INPUT, "nothing to resume");
    MUST(run(&s, 1, false, &w));
    MUST(run(&s, 1, true, &w)); /* finished already: nothing to do */
    s.train.steps = 30;
    MUST_FAIL(run(&s, 1, false, &w), BRN_ERR_USAGE, "train.steps");
    strcpy(s.out, "/dev/null/run");
    MUST_FAIL(run(&s, 1, false, &w), BRN_ERR_DISK, "/dev/null");
}

Test(train, stops_early_without_progress)
{
    brn_settings s = SETTINGS("hd", SMALL, "train.steps", "5000", "train.eval_every", "10", "train.patience", "3", "train.potential.lr", "1e-12",
                              "train.potential.kind", "adamw", "train.averaging", "0");
    watch w = {0};
    MUST(run(&s, 1, false, &w));
    cr_assert_lt(w.last, 1000);
}
