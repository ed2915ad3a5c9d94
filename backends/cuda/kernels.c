/* The kernels' programs: taken from the disk, or compiled in a thread of their own while the caller goes on to read files,
 * take memory and plan. The thread calls nothing but the compiler: whatever concerns the driver, the disk or the
 * environment is the caller's, before the thread starts and after it was waited for. */
#include "cuda/cuda.h"
#include "common/kernel_text.h"
#include "core/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program on its way to the device. */
typedef struct {
    const char *kind; /* in files and failures */
    char *source;
    brn_cuda_target target;
    brn_program_key key;
    char *image, *log;
    size_t size;
    enum { ABSENT, CACHED, COMPILED } from;
    brn_status status; /* of the compiler, and its line */
    char why[160];
} program;

static void drop_image(program *p)
{
    free(p->image), free(p->log);
    p->image = p->log = NULL;
    p->from = ABSENT;
}

static brn_status look_up(program *p)
{
    void *image;
    BRN_TRY(brn_program_cache_load(p->kind, &p->key, &image, &p->size));
    p->image = image;
    p->from = image ? CACHED : ABSENT;
    return BRN_OK;
}

static program program_of(const brn_cuda *cu, const char *kind, char *source, brn_cuda_target target)
{
    program p = {.kind = kind, .source = source, .target = target, .key = cu->key};
    brn_program_key_text(&p.key, source);
    return p;
}

/* Touches nothing but the program and the thread's own last error. */
static void compile(program *p)
{
    p->status = brn_cuda_compile(&p->target, p->source, &p->image, &p->size, &p->log);
    p->from = COMPILED;
    if (p->status != BRN_OK) snprintf(p->why, sizeof p->why, "%s", brn_last_error());
}

static brn_status compiler_failed(const brn_cuda *cu, const program *p)
{
    char path[512] = "";
    if (p->log && *p->log) brn_program_cache_log(p->kind, p->log, path);
    return brn_fail_in(brn_fail_copy(p->status, p->why), "%s: %s%s%s", cu->label, p->kind, *path ? "; the compiler's log: " : "", path);
}

/* What a driver says of an image that it cannot use. */
static bool refuses_image(brn_cu_code code)
{
    return code == BRN_CU_ERROR_IMAGE || code == BRN_CU_ERROR_NO_BINARY || code == BRN_CU_ERROR_PTX || code == BRN_CU_ERROR_PTX_VERSION;
}

/* An image of the disk may be refused, as it was made for a former version of the driver, say: the text is compiled
 * then, and the file replaced. */
static brn_status load(const brn_cuda *cu, program *p, brn_cu_module *module)
{
    *module = NULL;
    if (p->from == CACHED) {
        const brn_cu_code code = brn_cu.cuModuleLoadData(module, p->image);
        if (code == 0) return BRN_OK;
        *module = NULL;
        if (!refuses_image(code)) return brn_cuda_fail(cu, code, "cuModuleLoadData", "%s", p->kind);
        brn_program_cache_drop(p->kind, &p->key);
        drop_image(p);
    }
    if (p->from == ABSENT) compile(p);
    if (p->status != BRN_OK) return compiler_failed(cu, p);
    const brn_cu_code code = brn_cu.cuModuleLoadData(module, p->image);
    if (code != 0) {
        *module = NULL;
        return brn_cuda_fail(cu, code, "cuModuleLoadData", "%s", p->kind);
    }
    brn_program_cache_store(p->kind, &p->key, p->image, p->size);
    return BRN_OK;
}

brn_status brn_cuda_load_program(const brn_cuda *cu, const char *kind, const char *source, brn_cu_module *module)
{
    program p = program_of(cu, kind, (char *)(uintptr_t)source, cu->target);
    *module = NULL;
    brn_status status = look_up(&p);
    if (status == BRN_OK) status = load(cu, &p, module);
    drop_image(&p);
    return status;
}

/* ---- beside the caller ------------------------------------------------------------------------- */

enum { ALL, CONDITION, PROGRAMS };

struct brn_cuda_build {
    program program[PROGRAMS];
    bool threaded; /* not waited for yet */
    pthread_t thread;
};

static void *compile_all(void *context)
{
    brn_cuda_build *b = context;
    for (int i = 0; i < PROGRAMS; ++i)
        if (b->program[i].source) compile(&b->program[i]);
    return NULL;
}

/* Signals are for the threads of the caller. Without a thread the caller compiles when it needs the kernels. */
static void start_thread(brn_cuda_build *b)
{
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    b->threaded = pthread_create(&b->thread, NULL, compile_all, b) == 0;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
}

brn_status brn_cuda_kernels_begin(brn_cuda *cu)
{
    brn_cuda_build *b;
    char *source;
    BRN_TRY(BRN_ALLOC(&cu->build, 1, "kernels"));
    b = cu->build;
    BRN_TRY(brn_kernel_source_all(&source, "cu", ""));
    b->program[ALL] = program_of(cu, "cuda-kernels", source, cu->target);
    BRN_TRY(look_up(&b->program[ALL]));
    if (b->program[ALL].from != ABSENT) return BRN_OK;
    if (cu->conditions) {
        BRN_TRY(brn_strdup(&source, brn_cuda_condition_text));
        b->program[CONDITION] = program_of(cu, BRN_CUDA_CONDITION, source, brn_cuda_intermediate(cu));
    }
    start_thread(b);
    return BRN_OK;
}

bool brn_cuda_kernels_compile(const brn_cuda *cu) { return cu->build && cu->build->threaded; }

static void wait_for_compiler(brn_cuda_build *b)
{
    if (b->threaded) pthread_join(b->thread, NULL);
    b->threaded = false;
}

static brn_status take_kernels(brn_cuda *cu)
{
    char entry[96];
    BRN_TRY(load(cu, &cu->build->program[ALL], &cu->module));
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k) {
        snprintf(entry, sizeof entry, "brn_%s", brn_kernel_table[k].name);
        const brn_cu_code code = brn_cu.cuModuleGetFunction(&cu->kernels[k], cu->module, entry);
        if (code != 0) return brn_cuda_fail(cu, code, "cuModuleGetFunction", "%s", entry);
    }
    return BRN_OK;
}

/* Where it is needed it is on the disk. */
static void keep_condition(const program *p)
{
    if (p->from == COMPILED && p->status == BRN_OK) brn_program_cache_store(p->kind, &p->key, p->image, p->size);
}

brn_status brn_cuda_kernels_take(brn_cuda *cu)
{
    if (!cu->build) return BRN_OK;
    wait_for_compiler(cu->build);
    const brn_status status = take_kernels(cu);
    if (status == BRN_OK) keep_condition(&cu->build->program[CONDITION]);
    brn_cuda_kernels_forget(cu);
    return status;
}

void brn_cuda_kernels_forget(brn_cuda *cu)
{
    brn_cuda_build *b = cu->build;
    if (!b) return;
    wait_for_compiler(b);
    for (int i = 0; i < PROGRAMS; ++i) {
        drop_image(&b->program[i]);
        free(b->program[i].source);
    }
    free(b);
    cu->build = NULL;
}
