/* Every call of the driver, of NVRTC and of cuBLAS in a short training that goes on from a checkpoint is made to fail with
 * each error that is documented for it, sticky ones too. At each call the process forks once for each of them: the child
 * gets the error and has to end with one line that names the device, the right status, nothing left on the device and the
 * checkpoint whole; the parent goes on. A child that gets over it, as one that only released something, has to end as an
 * undisturbed run does. While kernels are compiled in a thread nothing can be forked: there each fault is a run from the
 * start. Not a Criterion test: its processes are many, and short. */
#include "errors.h"
#include "hooks.h"
#include "scenario.h"

#include <brenier/train.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *bytes;
    size_t length;
} file;

#define NO_CACHE "/dev/null"
static standin_hooks hooks;
static brn_settings settings;
static char dir[64], cache[96];
static file half, whole;
static bool saved; /* the parent has put the next checkpoint in place of the former */
static long faults, survived, wrong;

/* In the child: what was injected. */
static struct {
    bool here, sticky;
    const error_row *row;
    brn_cu_code code;
} injected;

static file latest(void)
{
    file f;
    f.bytes = test_read_file(dir, "latest.safetensors", &f.length);
    if (!f.bytes) fprintf(stderr, "cuda_faults: no checkpoint\n"), exit(1);
    return f;
}

static bool equal(file a, file b) { return a.length == b.length && !memcmp(a.bytes, b.bytes, a.length); }

static bool until_first_step(void *user, const brn_progress *p)
{
    (void)user;
    return p->step < 1;
}

static brn_status train(bool to_the_end)
{
    brn_device *device;
    brn_status status = brn_device_open(&device, settings.device, 1);
    if (status != BRN_OK) return status;
    status = brn_train(device, &settings, false, to_the_end ? NULL : until_first_step, NULL, NULL);
    brn_device_close(device);
    return status;
}

/* ---- one fault --------------------------------------------------------------------------------- */

static brn_status expected(void)
{
    const brn_cu_code memory = injected.row->kind == OF_RTC ? 1 : injected.row->kind == OF_BLAS ? 3 : E_MEMORY;
    return injected.code == memory ? BRN_ERR_MEMORY : BRN_ERR_DEVICE;
}

static const char *mistake(brn_status status)
{
    const char *line = brn_last_error();
    const file now = latest();
    if (hooks.live() != 0) return "something is left on the device";
    if (!equal(now, half) && !equal(now, whole)) return "the checkpoint is neither the former nor the next one";
    if (status == BRN_OK) return equal(now, whole) ? NULL : "it ended elsewhere";
    if (status != expected()) return "another status";
    return strstr(line, "cuda:0") && !strchr(line, '\n') ? NULL : "not one line that names the device";
}

/* The end of a child: 0 failed as it should, 1 got over it, 2 wrong. */
static void judge(brn_status status)
{
    const char *what = mistake(status);
    if (what) fprintf(stderr, "cuda_faults: %s fails with %d: %s: %s: %s\n", injected.row->call, injected.code, what, brn_status_name(status), brn_last_error());
    _exit(what ? 2 : status == BRN_OK);
}

static void await(pid_t child)
{
    int result;
    ++faults;
    if (child < 0 || waitpid(child, &result, 0) != child || !WIFEXITED(result) || WEXITSTATUS(result) > 2) result = 2 << 8;
    wrong += WEXITSTATUS(result) == 2;
    if (WEXITSTATUS(result) != 1) return;
    ++survived;
    if (!saved) test_write_file(dir, "latest.safetensors", half.bytes, half.length); /* the child has put its own there */
}

static bool is_child(const error_row *row, brn_cu_code code, bool sticky)
{
    const pid_t child = fork();
    if (child == 0) {
        injected.here = true, injected.sticky = sticky, injected.row = row, injected.code = code;
        hooks.watch(NULL);
        setenv("XDG_CACHE_HOME", NO_CACHE, 1); /* compiled kernels are the parent's to keep */
        return true;
    }
    await(child);
    return false;
}

static const error_row *row_of(const char *call)
{
    const error_row *row = error_table;
    while (row < error_table + ERROR_ROWS && strcmp(row->call, call)) ++row;
    if (row == error_table + ERROR_ROWS) {
        fprintf(stderr, "cuda_faults: %s has no row in errors.h\n", call);
        exit(1);
    }
    return row;
}

/* NVRTC and cuBLAS have codes of their own. */
static brn_cu_code given(const error_row *row, brn_cu_code code) { return row->kind == OF_RTC || row->kind == OF_BLAS ? -code : code; }

static brn_cu_code at_call(const char *call, bool *sticky)
{
    const error_row *row = row_of(call);
    const file now = latest();
    saved = equal(now, whole);
    free(now.bytes);
    for (int i = 0; i < ERRORS_MOST && row->codes[i]; ++i)
        if (is_child(row, row->codes[i], false)) return given(row, row->codes[i]);
    for (int i = 0; row->kind == LATE && i < ERRORS_STICKY; ++i)
        if (is_child(row, error_sticky[i], true)) return *sticky = true, error_sticky[i];
    return 0;
}

/* ---- the walk ---------------------------------------------------------------------------------- */

/* In a process of its own, so that this one asks the driver for the first time when it walks. */
static void in_child(bool to_the_end)
{
    int result;
    const pid_t child = fork();
    if (child == 0) {
        const brn_status status = train(to_the_end), wanted = to_the_end ? BRN_OK : BRN_ERR_STOPPED;
        if (status != wanted) fprintf(stderr, "cuda_faults: %s\n", brn_last_error());
        _exit(status != wanted);
    }
    if (child < 0 || waitpid(child, &result, 0) != child || result != 0) fprintf(stderr, "cuda_faults: the undisturbed training fails\n"), exit(1);
}

static void prepare(void)
{
    test_make_dir(dir);
    settings = scenario_settings(dir, (const char *const[]){"device=cuda:0", "train.steps=2", "train.batch=4", "train.eval_every=1", "eval.points=16",
                                                            "conjugate.max_iterations=2", "train.amortizer.kind=soap", NULL});
    snprintf(cache, sizeof cache, "%s/cache", dir);
    setenv("XDG_CACHE_HOME", cache, 1); /* kernels are compiled by the first of these */
    in_child(false);
    half = latest();
    in_child(true);
    whole = latest();
}

/* Uploads and downloads beside lists, in both orders; the checkpoint is nobody's concern. */
static brn_status copy_beside(brn_queue *q, brn_buf *buf, float *numbers)
{
    enum { MANY = 1 << 18 }; /* a half of staging memory */
    for (int round = 0; round < 2; ++round) {
        BRN_TRY(brn_zero(q, (brn_view){buf, 0}, 2 * MANY));
        BRN_TRY(brn_flush(q));
        BRN_TRY(brn_write_f32(q, (brn_view){buf, 0}, numbers, 2 * MANY));
        BRN_TRY(brn_zero(q, (brn_view){buf, 0}, 1));
        BRN_TRY(brn_flush(q));
        BRN_TRY(brn_write_f32(q, (brn_view){buf, 0}, numbers, MANY));
        BRN_TRY(brn_read_f32(q, (brn_view){buf, 0}, numbers, MANY));
    }
    return BRN_OK;
}

static brn_status copies(bool to_the_end)
{
    brn_device *device;
    brn_buf *buf;
    float *numbers = calloc(1 << 19, sizeof *numbers);
    (void)to_the_end;
    brn_status status = brn_device_open(&device, settings.device, 1);
    if (status == BRN_OK) {
        status = brn_buf_create(&buf, device, BRN_REAL, 1 << 19, "numbers");
        if (status == BRN_OK) status = copy_beside(brn_device_queue(device, 0), buf, numbers);
        brn_buf_free(buf);
        brn_device_close(device);
    }
    free(numbers);
    return status;
}

static void walk(const char *name, brn_status (*work)(bool to_the_end))
{
    const long before = standin_counted(&hooks).calls, faults_before = faults, survived_before = survived;
    test_write_file(dir, "latest.safetensors", half.bytes, half.length);
    hooks.watch(at_call);
    const brn_status status = work(true);
    if (injected.here) judge(status);
    hooks.watch(NULL);
    const file now = latest();
    if (status != BRN_OK || !equal(now, whole)) fprintf(stderr, "cuda_faults: what is watched fails\n"), exit(1);
    free(now.bytes);
    printf("%s: %ld calls, %ld faults injected, of which %ld were got over\n", name, standin_counted(&hooks).calls - before, faults - faults_before,
           survived - survived_before);
    fflush(stdout);
}

/* ---- while kernels are compiled ---------------------------------------------------------------- */

/* Calls of either thread, in their order; those of the caller up to the first launch. Shared with the children. */
enum { CALLER, COMPILER, CALLS_MOST = 400 };
typedef struct {
    char name[2][CALLS_MOST][40];
    _Atomic int count[2];
    bool ends;
} calls;
static calls *seen;
static pthread_t caller;
static struct {
    int thread, call; /* which is to fail */
} goal;

static int whose(void) { return pthread_equal(pthread_self(), caller) ? CALLER : COMPILER; }

static brn_cu_code note(const char *call, bool *sticky)
{
    const int thread = whose();
    (void)sticky;
    seen->ends = seen->ends || !strcmp(call, "cuLaunchKernel");
    if ((thread == CALLER && seen->ends) || seen->count[thread] == CALLS_MOST) return 0;
    snprintf(seen->name[thread][seen->count[thread]++], sizeof seen->name[0][0], "%s", call);
    return 0;
}

static brn_cu_code at_goal(const char *call, bool *sticky)
{
    const int thread = whose();
    (void)call;
    if (seen->count[thread]++ != goal.call || thread != goal.thread) return 0;
    *sticky = injected.sticky;
    return given(injected.row, injected.code);
}

/* From the start, with nothing on the disk. */
static void run(const error_row *row, brn_cu_code code, bool sticky)
{
    saved = false;
    seen->count[CALLER] = seen->count[COMPILER] = 0;
    const pid_t child = fork();
    if (child) {
        await(child);
        return;
    }
    caller = pthread_self();
    injected.sticky = sticky, injected.row = row, injected.code = code;
    hooks.watch(at_goal);
    const brn_status status = train(true);
    hooks.watch(NULL);
    judge(status);
}

static void dry_run(void)
{
    const pid_t child = fork();
    if (child == 0) {
        caller = pthread_self();
        hooks.watch(note);
        _exit(train(true) != BRN_OK);
    }
    int result;
    if (child < 0 || waitpid(child, &result, 0) != child || result != 0) fprintf(stderr, "cuda_faults: the undisturbed training fails\n"), exit(1);
}

/* All errors of the compiler; of the driver, whose calls were all walked through, those that differ for whoever called it:
 * one that is over at once, and one that stays. */
static void walk_while_compiling(void)
{
    const long faults_before = faults, survived_before = survived;
    setenv("XDG_CACHE_HOME", NO_CACHE, 1);
    test_write_file(dir, "latest.safetensors", half.bytes, half.length);
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    dry_run();
    test_write_file(dir, "latest.safetensors", half.bytes, half.length);
    const int count[2] = {seen->count[CALLER], seen->count[COMPILER]};
    for (goal.thread = 0; goal.thread < 2; ++goal.thread)
        for (goal.call = 0; goal.call < count[goal.thread]; ++goal.call) {
            const char *name = seen->name[goal.thread][goal.call];
            const error_row *row = row_of(name);
            if (goal.call && !strcmp(name, seen->name[goal.thread][goal.call - 1])) continue; /* one of each name in a row */
            for (int i = 0; i < ERRORS_MOST && row->codes[i] && (i == 0 || goal.thread == COMPILER); ++i) run(row, row->codes[i], false);
            if (goal.thread == CALLER && row->kind == LATE) run(row, error_sticky[0], true);
        }
    printf("a training, kernels being compiled: %d calls of its own up to the first launch, %d of the compiler's thread, %ld faults injected, of which %ld "
           "were got over\n", count[CALLER], count[COMPILER], faults - faults_before, survived - survived_before);
    if (count[COMPILER] < 5 || !seen->ends) fprintf(stderr, "cuda_faults: the compiler has no thread\n"), exit(1);
}

int main(void)
{
    if (!standin_find(&hooks, "cuda_faults")) return 77;
    prepare();
    walk("a training", train);
    walk_while_compiling();
    setenv("XDG_CACHE_HOME", cache, 1);
    free(whole.bytes);
    whole = half;
    walk("copies beside lists", copies);
    printf("%ld faults injected, %ld wrong\n", faults, wrong);
    free(half.bytes);
    test_remove_dir(dir);
    return wrong != 0;
}
