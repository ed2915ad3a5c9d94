/* Out of memory at every allocation of a training: a status and a line, nothing lost, nothing leaked. */
#include "scenario.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static char dir[64];
static void make(void) { test_make_dir(dir); }
static void drop(void) { test_remove_dir(dir); }
TestSuite(faults_memory, .init = make, .fini = drop);

/* In a sanitizer build only: leaks since the process began. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

static void no_leaks(void)
{
    if (__lsan_do_recoverable_leak_check) cr_assert_eq(__lsan_do_recoverable_leak_check(), 0, "memory was leaked");
}

/* Let allocation 1, 2, ... fail until none does; `before` prepares each attempt. */
static void fail_everywhere(const brn_settings *s, int threads, void (*before)(void))
{
    enum { ENDLESS = 100000 };
    brn_status status = BRN_ERR_MEMORY;
    int n = 0;
    while (status != BRN_OK) {
        if (before) before();
        brn_alloc_fail_at(++n);
        status = scenario_run(s, threads);
        brn_alloc_fail_at(0);
        if (status == BRN_OK) break;
        cr_assert_eq(status, BRN_ERR_MEMORY, "allocation %d: %s: %s", n, brn_status_name(status), brn_last_error());
        cr_assert(strstr(brn_last_error(), "cannot allocate"), "allocation %d: \"%s\"", n, brn_last_error());
        cr_assert_lt(n, ENDLESS);
    }
    cr_assert_gt(n, 100, "only %d allocations: is this a training?", n);
    no_leaks();
}

Test(faults_memory, training_on_a_known_map)
{
    const brn_settings s = scenario_settings("", (const char *const[]){NULL});
    fail_everywhere(&s, 1, NULL);
}

Test(faults_memory, training_on_two_threads)
{
    const brn_settings s = scenario_settings("", (const char *const[]){"train.batch=128", NULL});
    fail_everywhere(&s, 2, NULL);
}

Test(faults_memory, training_on_rows_with_every_kind_of_state)
{
    brn_settings s = scenario_settings("", (const char *const[]){"train.potential.kind=soap", "train.amortizer.kind=muon", "potential.kind=icnn",
                                                                  "train.start=pretrain", "train.pretrain_steps=3", "amortizer.kind=gradient",
                                                                  "conjugate.solver=adam", "train.averaging=0.9", NULL});
    scenario_rows(&s, dir);
    fail_everywhere(&s, 1, NULL);
}

static char *former;
static size_t former_length;
static void put_former(void) { test_write_file(dir, "latest.safetensors", former, former_length); }

/* What continues from a checkpoint either keeps it or replaces it by a later whole one. */
Test(faults_memory, resuming)
{
    const brn_settings s = scenario_settings(dir, (const char *const[]){NULL});
    MUST_FAIL(scenario_run_half(&s), BRN_ERR_STOPPED, "step 2");
    former = test_read_file(dir, "latest.safetensors", &former_length);
    cr_assert_not_null(former);
    fail_everywhere(&s, 1, put_former);
    free(former);
}
