/* What all calls share: failures on demand, the current context, the objects that are alive. */
#include "standin.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void standin_wrong(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("cuda stand-in: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

/* ---- failures ---------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* NVRTC is called from another thread, too */
static long fail_at;
static brn_cu_code fail_code, stuck;
static bool fail_sticky;
cuda_standin_counts standin_counts;

void cuda_standin_fail_at(long n, brn_cu_code code, bool sticky)
{
    fail_at = n;
    fail_code = code;
    fail_sticky = sticky;
    stuck = 0;
}

static cuda_standin_watcher *watcher;
void cuda_standin_watch(cuda_standin_watcher *watch) { watcher = watch; }

bool cuda_standin_fail_pending(void) { return fail_at != 0; }
void cuda_standin_count(cuda_standin_counts *counts) { *counts = standin_counts; }

int standin_environment(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text && *text ? atoi(text) : otherwise;
}

static brn_cu_code planned(void)
{
    if (fail_at == 0 || --fail_at != 0) return 0;
    if (fail_sticky) stuck = fail_code;
    return fail_code;
}

/* The watcher may wait, or fork: nothing is locked meanwhile. */
brn_cu_code standin_begin(const char *call)
{
    bool sticky = false;
    pthread_mutex_lock(&lock);
    ++standin_counts.calls;
    cuda_standin_watcher *const ask = stuck ? NULL : watcher;
    brn_cu_code code = stuck ? stuck : ask ? 0 : planned();
    pthread_mutex_unlock(&lock);
    if (!ask || (code = ask(call, &sticky)) == 0 || !sticky) return code;
    pthread_mutex_lock(&lock);
    stuck = code;
    pthread_mutex_unlock(&lock);
    return code;
}

/* ---- objects ----------------------------------------------------------------------------------- */

typedef struct {
    const char *object;
    size_t bytes;
} object;

static struct {
    object *list;
    int count, room;
} made[KINDS];

void standin_add(standin_kind kind, const void *what, size_t bytes)
{
    pthread_mutex_lock(&lock);
    if (made[kind].count == made[kind].room)
        made[kind].list = realloc(made[kind].list, (size_t)(made[kind].room = 2 * made[kind].room + 16) * sizeof *made[kind].list);
    made[kind].list[made[kind].count++] = (object){what, bytes};
    pthread_mutex_unlock(&lock);
}

static int find(standin_kind kind, const void *what)
{
    int i = made[kind].count - 1;
    while (i >= 0 && made[kind].list[i].object != what) --i;
    return i;
}

bool standin_has(standin_kind kind, const void *what)
{
    pthread_mutex_lock(&lock);
    const bool has = find(kind, what) >= 0;
    pthread_mutex_unlock(&lock);
    return has;
}

bool standin_remove(standin_kind kind, const void *what)
{
    pthread_mutex_lock(&lock);
    const int i = find(kind, what);
    if (i >= 0) made[kind].list[i] = made[kind].list[--made[kind].count];
    pthread_mutex_unlock(&lock);
    return i >= 0;
}

bool standin_pinned(const void *at, size_t bytes)
{
    for (int i = 0; i < made[PINNED].count; ++i) {
        const object *o = &made[PINNED].list[i];
        if ((const char *)at >= o->object && (const char *)at + bytes <= o->object + o->bytes) return true;
    }
    return false;
}

static int objects_alive(void)
{
    int alive = 0;
    for (int k = 0; k < KINDS; ++k) alive += k == NODE ? 0 : made[k].count; /* nodes are their graphs' */
    return alive;
}

int cuda_standin_live(void) { return objects_alive() + standin_memory_blocks(); }

/* ---- contexts ---------------------------------------------------------------------------------- */

static int retained;
static struct CUctx_st { int device; } primary;
static _Thread_local brn_cu_context current;

brn_cu_code standin_begin_in_context(const char *call)
{
    const brn_cu_code code = standin_begin(call);
    return code ? code : current && retained ? 0 : INVALID_CONTEXT;
}

brn_cu_code standin_begin_unsafe(const char *call)
{
    const brn_cu_code code = standin_begin_in_context(call);
    return code ? code : standin_capture_refuse();
}

STANDIN_API brn_cu_code cuDevicePrimaryCtxRetain(brn_cu_context *out, brn_cu_device device)
{
    const brn_cu_code code = standin_begin("cuDevicePrimaryCtxRetain");
    if (code) return code;
    if (device != 0) return INVALID_DEVICE;
    ++retained;
    *out = &primary;
    return 0;
}

/* The last to give it back must have cleaned up; where all calls fail it could not. */
STANDIN_API brn_cu_code cuDevicePrimaryCtxRelease_v2(brn_cu_device device)
{
    const brn_cu_code code = standin_begin("cuDevicePrimaryCtxRelease_v2");
    if (device != 0 || !retained) return code ? code : INVALID_CONTEXT;
    if (--retained) return code;
    standin_finish(NULL);
    if (cuda_standin_live() && !stuck)
        standin_wrong("%d blocks of memory and %d other objects are left in the context", standin_memory_blocks(), objects_alive());
    standin_memory_drop_all();
    for (int k = 0; k < KINDS; ++k) made[k].count = 0;
    return code;
}

STANDIN_API brn_cu_code cuCtxSetCurrent(brn_cu_context context)
{
    const brn_cu_code code = standin_begin("cuCtxSetCurrent");
    if (code) return code;
    if (context && (context != &primary || !retained)) return INVALID_CONTEXT;
    current = context;
    return 0;
}

/* A process that ends without giving its context back leaves it to the driver, which a GPU forgives; nothing here may. */
__attribute__((destructor)) static void at_exit(void)
{
    if (retained && cuda_standin_live() && !stuck)
        standin_wrong("the process ends with %d blocks of memory and %d other objects", standin_memory_blocks(), objects_alive());
    for (int k = 0; k < KINDS; ++k) free(made[k].list), made[k].list = NULL;
}
