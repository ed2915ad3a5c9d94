/* Every call of the driver, of NVRTC and of cuBLAS in a short training that goes on from a checkpoint is made to fail with
 * each error that is documented for it, sticky ones too. At each call the process forks once for each of them: the child
 * gets the error and has to end with one line that names the device, the right status, nothing left on the device and the
 * checkpoint whole; the parent goes on. A child that gets over it, as one that only released something, has to end as an
 * undisturbed run does. Not a Criterion test: its processes are many, and short. */
#include "errors.h"
#include "hooks.h"
#include "scenario.h"

#include <brenier/train.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
    char *bytes;
    size_t length;
} file;

static standin_hooks hooks;
static brn_settings settings;
static char dir[64];
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

static bool is_child(const error_row *row, brn_cu_code code, bool sticky)
{
    int result;
    const pid_t child = fork();
    if (child == 0) {
        injected.here = true, injected.sticky = sticky, injected.row = row, injected.code = code;
        hooks.watch(NULL);
        setenv("XDG_CACHE_HOME", "/nonexistent", 1); /* compiled kernels are the parent's to keep */
        return true;
    }
    ++faults;
    if (child < 0 || waitpid(child, &result, 0) != child || !WIFEXITED(result) || WEXITSTATUS(result) > 2) result = 2 << 8;
    wrong += WEXITSTATUS(result) == 2;
    if (WEXITSTATUS(result) != 1) return false;
    ++survived;
    if (!saved) test_write_file(dir, "latest.safetensors", half.bytes, half.length); /* the child has put its own there */
    return false;
}

static brn_cu_code at_call(const char *call, bool *sticky)
{
    const error_row *row = error_table;
    while (row < error_table + ERROR_ROWS && strcmp(row->call, call)) ++row;
    if (row == error_table + ERROR_ROWS) {
        fprintf(stderr, "cuda_faults: %s has no row in errors.h\n", call);
        exit(1);
    }
    const file now = latest();
    saved = equal(now, whole);
    free(now.bytes);
    for (int i = 0; i < ERRORS_MOST && row->codes[i]; ++i)
        if (is_child(row, row->codes[i], false)) return row->kind == OF_RTC || row->kind == OF_BLAS ? -row->codes[i] : row->codes[i];
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
    char cache[96];
    test_make_dir(dir);
    settings = scenario_settings(dir, (const char *const[]){"device=cuda:0", "train.steps=2", "train.batch=4", "train.eval_every=1", "eval.points=16",
                                                            "conjugate.max_iterations=2", "train.amortizer.kind=soap", NULL});
    in_child(false);
    half = latest();
    in_child(true);
    whole = latest();
    snprintf(cache, sizeof cache, "%s/cache", dir);
    setenv("XDG_CACHE_HOME", cache, 1); /* empty: the kernels are compiled once more */
}

static brn_status open_only(bool to_the_end)
{
    brn_device *device;
    (void)to_the_end;
    const brn_status status = brn_device_open(&device, settings.device, 1);
    brn_device_close(device);
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

int main(void)
{
    if (!standin_find(&hooks, "cuda_faults")) return 77;
    prepare();
    walk("a training, kernels to be compiled", train);
    free(whole.bytes);
    whole = half;
    walk("opening with compiled kernels", open_only);
    printf("%ld faults injected, %ld wrong\n", faults, wrong);
    free(half.bytes);
    test_remove_dir(dir);
    return wrong != 0;
}
