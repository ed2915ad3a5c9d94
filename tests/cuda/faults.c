/* Calls of the driver, of NVRTC and of cuBLAS fail somewhere in a training that goes on from a checkpoint: one line that
 * names the device, the right status, nothing left on the device, the checkpoint whole, and the same command afterwards
 * ends where an undisturbed one does. */
#include "hooks.h"
#include "scenario.h"

#include <stdlib.h>

enum { MEMORY = OUT_OF_MEMORY };
enum { ONCE, FOR_GOOD };

static char dir[64];
static void make(void) { test_make_dir(dir); }
static void drop(void) { test_remove_dir(dir); }
TestSuite(cuda_faults, .init = make, .fini = drop);

typedef struct {
    char *bytes;
    size_t length;
} file;

static file latest(void)
{
    file f;
    f.bytes = scenario_read(dir, "latest.safetensors", &f.length);
    cr_assert(f.bytes, "no checkpoint");
    return f;
}

static bool equal(file a, file b) { return a.length == b.length && !memcmp(a.bytes, b.bytes, a.length); }

/* Run with call k failing; false if there is no such call. */
static bool fail_call(const standin_hooks *h, const brn_settings *s, file half, file whole, long k, brn_cu_code code, int kind)
{
    brn_device *dev;
    scenario_write(dir, "latest.safetensors", half.bytes, half.length);
    h->fail_at(k, code, kind == FOR_GOOD);
    const brn_status status = scenario_run(s, 1);
    const bool reached = !h->fail_pending();
    h->fail_at(0, 0, false);
    cr_assert_eq(h->live(), 0, "call %ld: %d objects left", k, h->live());
    const file now = latest();
    cr_assert(equal(now, half) || equal(now, whole), "call %ld: the checkpoint is neither the former nor the next one", k);
    free(now.bytes);
    if (!reached) {
        cr_assert_eq(status, BRN_OK, "call %ld: %s", k, brn_last_error());
        return false;
    }
    if (status == BRN_OK) return true; /* what is asked before opening, kept programs, releases */
    const brn_status expected = code == MEMORY ? BRN_ERR_MEMORY : BRN_ERR_DEVICE;
    const bool early = strstr(brn_last_error(), "cannot be used") || strstr(brn_last_error(), "cuDeviceGet") || strstr(brn_last_error(), "no NVRTC");
    cr_assert(status == expected || (early && status == BRN_ERR_DEVICE), "call %ld: %s: %s", k, brn_status_name(status), brn_last_error());
    cr_assert(strstr(brn_last_error(), "cuda:0"), "call %ld: \"%s\"", k, brn_last_error());
    MUST(brn_device_open(&dev, "cuda:0", 1)); /* as good as before */
    brn_device_close(dev);
    return true;
}

/* Every call of the opening, then fewer and fewer of the thousands that follow. */
static void walk(const char *test, brn_cu_code code, int kind)
{
    standin_hooks h;
    int calls = 0;
    if (!standin_find(&h, test)) return;
    const brn_settings s = scenario_settings(dir, (const char *const[]){"device=cuda:0", NULL});
    MUST_FAIL(scenario_run_half(&s), BRN_ERR_STOPPED, "step 2");
    const file half = latest();
    MUST(scenario_run(&s, 1));
    const file whole = latest();
    cr_assert_not(equal(half, whole));
    const long before = standin_counted(&h).calls;
    scenario_write(dir, "latest.safetensors", half.bytes, half.length);
    MUST(scenario_run(&s, 1));
    const long all = standin_counted(&h).calls - before;
    for (long k = 1; fail_call(&h, &s, half, whole, k, code, kind); k += 1 + (k > 20 && k < all - 20 ? k / 12 : 0)) ++calls;
    fprintf(stderr, "%s: %d of %ld calls made to fail\n", test, calls, all);
    cr_assert_gt(calls, 60);
    free(half.bytes), free(whole.bytes);
}

Test(cuda_faults, out_of_memory) { walk("cuda_faults/out_of_memory", MEMORY, ONCE); }
Test(cuda_faults, a_launch_that_fails) { walk("cuda_faults/a_launch_that_fails", LAUNCH_FAILED, ONCE); }
Test(cuda_faults, a_device_that_is_lost) { walk("cuda_faults/a_device_that_is_lost", ILLEGAL_ADDRESS, FOR_GOOD); }
