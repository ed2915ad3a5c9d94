#include "walk.h"
#include "common/inject.h"
#include "support/devices.h"

#include <brenier/train.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a sanitizer build only: leaks since the process began. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

typedef enum { ENDED, FAILED, DONE_WITHOUT, OUTCOMES } outcome;

static long live(const fault_walk *w) { return w->live ? w->live() : 0; }

/* What came of the work in which call k was to fail. */
static outcome judge(const fault_walk *w, long k, brn_status status)
{
    const bool reached = !brn_inject_pending();
    brn_inject(0, 0, false);
    cr_assert(reached || status == BRN_OK, "call %ld: %s", k, brn_last_error());
    if (status == BRN_OK) return reached ? DONE_WITHOUT : ENDED;
    const bool looking = status == BRN_ERR_DEVICE && w->looking && strstr(brn_last_error(), w->looking);
    cr_assert(status == w->expected || looking, "call %ld: %s: %s", k, brn_status_name(status), brn_last_error());
    cr_assert(strstr(brn_last_error(), w->device), "call %ld: \"%s\"", k, brn_last_error());
    return FAILED;
}

static void report(const fault_walk *w, const char *what, const long count[OUTCOMES])
{
    fprintf(stderr, "%s: each of %ld calls of %s made to fail with %d; %ld were done without\n", w->device, count[FAILED] + count[DONE_WITHOUT], what,
            w->code, count[DONE_WITHOUT]);
    cr_assert_gt(count[FAILED], 10);
    cr_assert_leq(count[DONE_WITHOUT], 8);
}

/* ---- a device's whole life --------------------------------------------------------------------- */

static brn_status work(brn_device *dev, brn_buf *x, brn_buf *y)
{
    enum { COUNT = 64 };
    brn_queue *q = brn_device_queue(dev, 0);
    float values[COUNT] = {1};
    const brn_gemm_args product = {.m = 8, .n = 8, .k = 8, .lda = 8, .ldb = 8, .ldc = 8, .alpha = 1, .a = {x, 0}, .b = {x, 0}, .c = {y, 0}};
    BRN_TRY(brn_zero(q, (brn_view){y, 0}, COUNT));
    BRN_TRY(brn_write_f32(q, (brn_view){x, 0}, values, COUNT));
    BRN_TRY(BRN_LAUNCH(q, fill, COUNT, 1, (.ld = COUNT, .s = 3), {y, 0}));
    BRN_TRY(brn_gemm(q, &product));
    BRN_TRY(brn_copy(q, (brn_view){x, 0}, (brn_view){y, 0}, COUNT));
    return brn_read_f32(q, (brn_view){x, 0}, values, COUNT);
}

static brn_status live_once(const char *name)
{
    brn_device *dev;
    brn_buf *x = NULL, *y = NULL;
    BRN_TRY(brn_device_open(&dev, name, 1));
    brn_status status = brn_buf_create(&x, dev, BRN_REAL, 64, "numbers");
    if (status == BRN_OK) status = brn_buf_create(&y, dev, BRN_REAL, 64, "numbers");
    if (status == BRN_OK) status = work(dev, x, y);
    brn_buf_free(x), brn_buf_free(y);
    brn_device_close(dev);
    return status;
}

static void walk_life(const fault_walk *w)
{
    long count[OUTCOMES] = {0};
    MUST(live_once(w->device)); /* compiles what is not on disk yet */
    for (long k = 1; !count[ENDED]; ++k) {
        brn_inject(k, w->code, w->for_good);
        ++count[judge(w, k, live_once(w->device))];
        cr_assert_eq(live(w), 0, "call %ld: %ld objects left", k, live(w));
    }
    report(w, "a device's life", count);
}

/* ---- a training -------------------------------------------------------------------------------- */

static char dir[64];

typedef struct {
    char *bytes;
    size_t length;
} file;

static file latest(void)
{
    file f;
    f.bytes = test_read_file(dir, "latest.safetensors", &f.length);
    cr_assert(f.bytes, "no checkpoint");
    return f;
}

static bool equal(file a, file b) { return a.length == b.length && !memcmp(a.bytes, b.bytes, a.length); }

static bool until_first_step(void *user, const brn_progress *p)
{
    (void)user;
    return p->step < 1;
}

/* Small enough for all its calls to have their turn: a step from a checkpoint and an evaluation. */
static brn_settings smallest(const char *device)
{
    brn_settings s = scenario_settings(dir, (const char *const[]){"data.n=1", "potential.hidden=4", "amortizer.hidden=4", "train.batch=2", "train.steps=2",
                                                                  "train.eval_every=1", "conjugate.min_iterations=1", "conjugate.max_iterations=1", NULL});
    MUST(brn_settings_set(&s, "device", device));
    return s;
}

static outcome fail_call(const fault_walk *w, brn_device *dev, const brn_settings *s, file half, file whole, long k)
{
    const long before = live(w);
    test_write_file(dir, "latest.safetensors", half.bytes, half.length);
    brn_inject(k, w->code, w->for_good);
    const outcome came = judge(w, k, brn_train(dev, s, true, NULL, NULL, NULL));
    if (w->revive) w->revive(dev);
    cr_assert_eq(live(w), before, "call %ld: %ld objects left", k, live(w) - before);
    const file now = latest();
    cr_assert(equal(now, half) || equal(now, whole), "call %ld: the checkpoint is neither the former nor the next one", k);
    cr_assert(came == FAILED || equal(now, whole), "call %ld: a training that ended well has no checkpoint", k);
    free(now.bytes);
    return came;
}

/* On one device, which keeps its kernels: compiling them is part of the life above. */
static void walk_training(const fault_walk *w)
{
    long count[OUTCOMES] = {0};
    brn_device *dev;
    test_make_dir(dir);
    const brn_settings s = smallest(w->device);
    MUST(brn_device_open(&dev, w->device, 1));
    MUST_FAIL(brn_train(dev, &s, false, until_first_step, NULL, NULL), BRN_ERR_STOPPED, "step 1");
    const file half = latest();
    MUST(brn_train(dev, &s, true, NULL, NULL, NULL));
    const file whole = latest();
    cr_assert_not(equal(half, whole));
    for (long k = 1; !count[ENDED]; ++k) ++count[fail_call(w, dev, &s, half, whole, k)];
    report(w, "a training", count);
    brn_device_close(dev);
    cr_assert_eq(live(w), 0, "%ld objects left", live(w));
    free(half.bytes), free(whole.bytes);
    test_remove_dir(dir);
}

void fault_walk_run(const fault_walk *w)
{
    if (!test_device_is_here(w->device)) return;
    walk_life(w);
    walk_training(w);
    if (__lsan_do_recoverable_leak_check) cr_assert_eq(__lsan_do_recoverable_leak_check(), 0, "memory was leaked");
}
