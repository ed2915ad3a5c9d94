/* The kernels' programs: embedded by the build, taken from the disk, or compiled in a thread of their own while the caller goes on to read files,
 * take memory and plan. The thread calls nothing but the compiler: whatever concerns the driver, the disk or the
 * environment is the caller's, before the thread starts and after it was waited for. */
#include "cuda/cuda.h"
#include "core/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program on its way to the device. */
typedef struct {
    char kind[BRN_CUDA_KIND];
    char *source;
    brn_cuda_target target;
    brn_program_key key;
    char *image, *log;
    size_t size;
    enum { ABSENT, EMBEDDED, CACHED, COMPILED } from; /* EMBEDDED: `image` is the build's */
    brn_status status; /* of the compiler, and its line */
    char why[160];
} program;

static void drop_image(program *p)
{
    if (p->from != EMBEDDED) free(p->image);
    free(p->log);
    p->image = p->log = NULL;
    p->from = ABSENT;
}

static const void *embedded(const brn_cuda *cu, const program *p)
{
    const brn_cuda_embedded *e = &brn_cuda_built_in;
    const brn_program_key key = brn_cuda_text_key(p->source);
    if (!brn_cuda_embedded_serve(e, cu->limits.capability, cu->limits.driver)) return NULL;
    for (int i = 0; i < BRN_CUDA_PROGRAMS; ++i)
        if (!strcmp(e->program[i].kind, p->kind) && e->program[i].key.high == key.high && e->program[i].key.low == key.low) return e->program[i].image;
    return NULL;
}

static brn_status on_disk(program *p)
{
    void *image;
    BRN_TRY(brn_program_cache_load(p->kind, &p->key, &image, &p->size));
    p->image = image;
    p->from = image ? CACHED : ABSENT;
    return BRN_OK;
}

static brn_status look_up(const brn_cuda *cu, program *p)
{
    p->image = (char *)(uintptr_t)embedded(cu, p);
    if (!p->image) return on_disk(p);
    p->from = EMBEDDED;
    return BRN_OK;
}

static void set_text(program *p, const brn_cuda *cu, char *source, brn_cuda_target target)
{
    p->source = source, p->target = target, p->key = cu->key;
    brn_program_key_text(&p->key, source);
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

/* Whether it is loaded; an image that the driver refuses is dropped. */
static brn_status try_image(const brn_cuda *cu, program *p, brn_cu_module *module)
{
    const brn_cu_code code = brn_cu.cuModuleLoadData(module, p->image);
    if (code == 0) return BRN_OK;
    *module = NULL;
    if (p->from == COMPILED || !refuses_image(code)) return brn_cuda_fail(cu, code, "cuModuleLoadData", "%s", p->kind);
    if (p->from == CACHED) brn_program_cache_drop(p->kind, &p->key);
    drop_image(p);
    return BRN_OK;
}

/* An image of the build may be refused, and one of the disk, which was made for a former version of the driver, say: the
 * next in line is taken then, and the text compiled in the end. */
static brn_status load(const brn_cuda *cu, program *p, brn_cu_module *module)
{
    const bool built_in = p->from == EMBEDDED;
    *module = NULL;
    if (p->from == EMBEDDED) BRN_TRY(try_image(cu, p, module));
    if (built_in && !*module) BRN_TRY(on_disk(p));
    if (p->from == CACHED) BRN_TRY(try_image(cu, p, module));
    if (*module) return BRN_OK;
    if (p->from == ABSENT) compile(p);
    if (p->status != BRN_OK) return compiler_failed(cu, p);
    BRN_TRY(try_image(cu, p, module));
    brn_program_cache_store(p->kind, &p->key, p->image, p->size);
    return BRN_OK;
}

static brn_status look_up_and_load(const brn_cuda *cu, program *p, brn_cu_module *module)
{
    *module = NULL;
    brn_status status = look_up(cu, p);
    if (status == BRN_OK) status = load(cu, p, module);
    drop_image(p);
    return status;
}

brn_status brn_cuda_load_text(const brn_cuda *cu, const char *kind, const char *source, brn_cu_module *module)
{
    program p = {.from = ABSENT};
    snprintf(p.kind, sizeof p.kind, "%s", kind);
    set_text(&p, cu, (char *)(uintptr_t)source, cu->target);
    return look_up_and_load(cu, &p, module);
}

static brn_status make_program(const brn_cuda *cu, int number, program *p)
{
    char *source;
    *p = (program){.from = ABSENT};
    BRN_TRY(brn_cuda_text(number, p->kind, &source));
    set_text(p, cu, source, number == BRN_CUDA_CONDITION ? brn_cuda_intermediate(cu) : cu->target);
    return BRN_OK;
}

brn_status brn_cuda_load_program(const brn_cuda *cu, int number, brn_cu_module *module)
{
    program p;
    BRN_TRY(make_program(cu, number, &p));
    const brn_status status = look_up_and_load(cu, &p, module);
    free(p.source);
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
    BRN_TRY(BRN_ALLOC(&cu->build, 1, "kernels"));
    brn_cuda_build *b = cu->build;
    BRN_TRY(make_program(cu, BRN_CUDA_KERNELS, &b->program[ALL]));
    BRN_TRY(look_up(cu, &b->program[ALL]));
    if (b->program[ALL].from != ABSENT) return BRN_OK;
    if (cu->conditions) BRN_TRY(make_program(cu, BRN_CUDA_CONDITION, &b->program[CONDITION]));
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
        brn_cu_code code = brn_cu.cuModuleGetFunction(&cu->kernels[k], cu->module, entry);
        if (code != 0) return brn_cuda_fail(cu, code, "cuModuleGetFunction", "%s", entry);
        if (brn_kernel_table[k].sized < 0) continue;
        code = brn_cu.cuFuncSetAttribute(cu->kernels[k], BRN_CU_FUNCTION_SHARED, cu->limits.shared);
        if (code != 0) return brn_cuda_fail(cu, code, "cuFuncSetAttribute", "%s", entry);
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
