/* What all calls share: failures on demand, the current context, the objects that are alive. */
#include "standin.h"

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

static long calls, launches, fail_at;
static brn_cu_code fail_code, stuck;
static bool fail_sticky;

void cuda_standin_fail_at(long n, brn_cu_code code, bool sticky)
{
    fail_at = n;
    fail_code = code;
    fail_sticky = sticky;
    stuck = 0;
}

bool cuda_standin_fail_pending(void) { return fail_at != 0; }
long cuda_standin_calls(void) { return calls; }
long cuda_standin_launches(void) { return launches; }
void standin_count_launch(void) { ++launches; }

brn_cu_code standin_begin(void)
{
    ++calls;
    if (stuck) return stuck;
    if (fail_at == 0 || --fail_at != 0) return 0;
    if (fail_sticky) stuck = fail_code;
    return fail_code;
}

/* ---- objects ----------------------------------------------------------------------------------- */

typedef struct {
    standin_kind kind;
    const char *object;
    size_t bytes;
} object;

static object *objects;
static int count, room;

void standin_add(standin_kind kind, const void *made, size_t bytes)
{
    if (count == room) objects = realloc(objects, (size_t)(room = 2 * room + 64) * sizeof *objects);
    objects[count++] = (object){kind, made, bytes};
}

static int find(standin_kind kind, const void *made)
{
    for (int i = count - 1; i >= 0; --i)
        if (objects[i].kind == kind && objects[i].object == made) return i;
    return -1;
}

bool standin_has(standin_kind kind, const void *made) { return find(kind, made) >= 0; }

bool standin_remove(standin_kind kind, const void *made)
{
    const int i = find(kind, made);
    if (i >= 0) objects[i] = objects[--count];
    return i >= 0;
}

int cuda_standin_live(void) { return count + standin_memory_blocks(); }

/* ---- contexts ---------------------------------------------------------------------------------- */

static int retained;
static struct CUctx_st { int device; } primary;
static _Thread_local brn_cu_context current;

brn_cu_code standin_begin_in_context(void)
{
    const brn_cu_code code = standin_begin();
    return code ? code : current && retained ? 0 : INVALID_CONTEXT;
}

STANDIN_API brn_cu_code cuDevicePrimaryCtxRetain(brn_cu_context *out, brn_cu_device device)
{
    const brn_cu_code code = standin_begin();
    if (code) return code;
    if (device != 0) return INVALID_DEVICE;
    ++retained;
    *out = &primary;
    return 0;
}

/* The last to give it back must have cleaned up; where all calls fail it could not. */
STANDIN_API brn_cu_code cuDevicePrimaryCtxRelease_v2(brn_cu_device device)
{
    const brn_cu_code code = standin_begin();
    if (device != 0 || !retained) return code ? code : INVALID_CONTEXT;
    if (--retained) return code;
    standin_finish(NULL);
    if (cuda_standin_live() && !stuck)
        standin_wrong("%d blocks of memory and %d other objects are left in the context", standin_memory_blocks(), count);
    standin_memory_drop_all();
    count = 0;
    return code;
}

STANDIN_API brn_cu_code cuCtxSetCurrent(brn_cu_context context)
{
    const brn_cu_code code = standin_begin();
    if (code) return code;
    if (context && (context != &primary || !retained)) return INVALID_CONTEXT;
    current = context;
    return 0;
}

__attribute__((destructor)) static void at_exit(void)
{
    free(objects);
    objects = NULL;
}
