/* The driver API: modules, functions, launches. */
#define _GNU_SOURCE
#include "standin.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- modules ----------------------------------------------------------------------------------- */

typedef struct CUfunc_st {
    struct CUfunc_st *next;
    char name[96];
    const standin_kernel *kernel;
    struct CUmod_st *module;
    int shared; /* dynamic shared memory it may be launched with */
} function;

typedef struct CUmod_st {
    void *library;
    char *shared; /* the blocks' shared memory */
    size_t shared_bytes;
    function *functions;
} module;

static void *open_object(const char *bytes, size_t size)
{
    char path[] = "/tmp/brenier-standin-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0) return NULL;
    const bool whole = write(fd, bytes, size) == (ssize_t)size;
    close(fd);
    void *library = whole ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (whole && !library) fprintf(stderr, "cuda stand-in: %s\n", dlerror());
    unlink(path);
    return library;
}

/* Code runs on its own generation from its own minor version on, intermediate code on all that is newer. */
static bool fits(const standin_image *image)
{
    const int capability = standin_capability();
    for (const int *a = image->architectures; *a; ++a)
        if (*a / 10 == capability / 10 && *a <= capability) return true;
    return image->intermediate && image->intermediate <= capability;
}

STANDIN_API brn_cu_code cuModuleLoadData(brn_cu_module *out, const void *image)
{
    const brn_cu_code code = standin_begin_unsafe("cuModuleLoadData");
    standin_image head;
    if (code) return code;
    memcpy(head.magic, image, sizeof head.magic);
    if (memcmp(head.magic, STANDIN_MAGIC, sizeof head.magic)) return INVALID_IMAGE;
    memcpy(&head, image, sizeof head);
    if (!fits(&head)) return BRN_CU_ERROR_NO_BINARY;
    module *m = calloc(1, sizeof *m);
    m->library = open_object((const char *)image + sizeof head, head.size);
    if (!m->library) {
        free(m);
        return INVALID_IMAGE;
    }
    *(standin_lane **)dlsym(m->library, "standin_lane_here") = &standin_here;
    char **range = dlsym(m->library, "standin_shared_range"); /* its first and its last byte */
    m->shared = range[0];
    m->shared_bytes = (size_t)(range[1] - range[0]);
    standin_add(MODULE, m, 0);
    *out = m;
    return 0;
}

STANDIN_API brn_cu_code cuModuleUnload(brn_cu_module m)
{
    brn_cu_code code = standin_begin_in_context("cuModuleUnload");
    if (!code && (code = standin_capture_refuse()) != 0) return code;
    if (!standin_remove(MODULE, m)) return code ? code : INVALID_HANDLE;
    if (!standin_idle()) standin_wrong("cuModuleUnload: work that may use it is not done");
    for (function *f = m->functions, *next; f; f = next) next = f->next, free(f);
    dlclose(m->library);
    free(m);
    return code;
}

STANDIN_API brn_cu_code cuModuleGetFunction(brn_cu_function *out, brn_cu_module m, const char *name)
{
    const brn_cu_code code = standin_begin_in_context("cuModuleGetFunction");
    char symbol[128];
    if (code) return code;
    if (!standin_has(MODULE, m)) return INVALID_HANDLE;
    snprintf(symbol, sizeof symbol, "%s_kernel", name);
    const standin_kernel *kernel = dlsym(m->library, symbol);
    if (!kernel) return NOT_FOUND;
    function *f = calloc(1, sizeof *f);
    snprintf(f->name, sizeof f->name, "%s", name);
    f->kernel = kernel;
    f->shared = 48 << 10;
    f->module = m;
    f->next = m->functions;
    m->functions = f;
    *out = f;
    return 0;
}

STANDIN_API brn_cu_code cuFuncSetAttribute(brn_cu_function f, int attribute, int value)
{
    const brn_cu_code code = standin_begin_in_context("cuFuncSetAttribute");
    if (code) return code;
    if (!f || !standin_has(MODULE, f->module)) return INVALID_HANDLE;
    if (attribute != BRN_CU_FUNCTION_SHARED || value < 0 || value > standin_shared_most()) return INVALID_VALUE;
    f->shared = value;
    return 0;
}

/* ---- launches ---------------------------------------------------------------------------------- */

enum { ARGUMENT_BYTES = 1024 };
typedef struct {
    const function *f;
    const struct CUmod_st *module;
    standin_dim grid, block;
    unsigned shared;
    _Alignas(16) char bytes[ARGUMENT_BYTES]; /* arguments, each at a multiple of 16 */
} launch;

static const char *running; /* the kernel that runs */

static void touched(int number)
{
    static const char text[] = "cuda stand-in: memory outside its buffers was touched by ";
    (void)number;
    if (running && write(STDERR_FILENO, text, sizeof text - 1) + write(STDERR_FILENO, running, strlen(running)) + write(STDERR_FILENO, "\n", 1)) abort();
    signal(SIGSEGV, SIG_DFL);
}

/* A sanitizer's handler, too, gives way: it cannot name the kernel. */
extern void __asan_init(void) __attribute__((weak));
static void watch_memory(void)
{
    static bool watched;
    struct sigaction old, own = {.sa_handler = touched};
    if (watched) return;
    watched = true;
    if (sigaction(SIGSEGV, NULL, &old) == 0 && (old.sa_handler == SIG_DFL || __asan_init)) sigaction(SIGSEGV, &own, NULL);
}

static void point_into(launch *l, void **arguments)
{
    size_t at = 0;
    for (int i = 0; i < l->f->kernel->count; ++i) {
        arguments[i] = l->bytes + at;
        at += (l->f->kernel->size[i] + 15) / 16 * 16;
    }
}

static void launch_spans(const void *data, standin_visit *visit, void *context)
{
    const launch *l = data;
    if (!standin_has(MODULE, l->module)) standin_wrong("a kernel is launched whose module is unloaded");
    const standin_kernel *k = l->f->kernel;
    for (size_t i = 0, at = 0; i < (size_t)k->count; at += (k->size[i++] + 15) / 16 * 16)
        if (k->pointer[i]) visit(context, l->f->name, *(const brn_cu_ptr *)(l->bytes + at), 4, !k->constant[i]);
}

static void launch_work(void *data)
{
    launch *l = data;
    void *arguments[24];
    point_into(l, arguments);
    memset(l->f->module->shared, 0xff, l->f->module->shared_bytes);
    watch_memory();
    running = l->f->name;
    standin_run_grid(l->f->name, l->f->kernel->call, arguments, l->grid, l->block, l->shared);
    running = NULL;
}

const standin_op standin_kernel_op = {.name = "cuLaunchKernel", .node = BRN_CU_NODE_KERNEL, .launch = true, .spans = launch_spans, .run = launch_work};

/* A launch as the driver takes it: 0, or what it refuses. */
static brn_cu_code make_launch(const brn_cu_kernel_params *p, launch *l, size_t *size)
{
    const function *f = p->f;
    size_t at = 0;
    *l = (launch){.f = f, .module = f ? f->module : NULL, .grid = {p->grid_x, p->grid_y, p->grid_z}, .block = {p->block_x, p->block_y, p->block_z}, .shared = p->shared};
    if (!l->grid.x || !l->grid.y || !l->grid.z || !l->block.x || !l->block.y || !l->block.z || l->grid.x > 0x7fffffff || l->grid.y > 65535 ||
        l->grid.z > 65535 || l->block.x > 1024 || l->block.y > 1024 || l->block.z > 64 || p->extra)
        return INVALID_VALUE;
    if (!f || !standin_has(MODULE, f->module)) return INVALID_HANDLE;
    if ((size_t)l->block.x * l->block.y * l->block.z > (size_t)f->kernel->threads || p->shared > (unsigned)f->shared) return INVALID_VALUE;
    for (int i = 0; i < f->kernel->count; ++i) {
        const size_t bytes = f->kernel->size[i];
        if (at + bytes > ARGUMENT_BYTES) return INVALID_VALUE;
        memcpy(l->bytes + at, p->arguments[i], bytes);
        at += (bytes + 15) / 16 * 16;
    }
    *size = offsetof(launch, bytes) + at;
    return 0;
}

brn_cu_code standin_kernel_data(const brn_cu_kernel_params *params, void **data, size_t *size)
{
    launch l;
    const brn_cu_code code = make_launch(params, &l, size);
    if (code) return code;
    *data = malloc(*size);
    memcpy(*data, &l, *size);
    return 0;
}

void standin_kernel_params(void *data, void **arguments, brn_cu_kernel_params *p)
{
    launch *l = data;
    point_into(l, arguments);
    *p = (brn_cu_kernel_params){.f = (brn_cu_function)l->f, .grid_x = l->grid.x, .grid_y = l->grid.y, .grid_z = l->grid.z, .block_x = l->block.x,
                                .block_y = l->block.y, .block_z = l->block.z, .shared = l->shared, .arguments = arguments};
}

STANDIN_API brn_cu_code cuLaunchKernel(brn_cu_function f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                                       brn_cu_stream stream, void **arguments, void **extra)
{
    const brn_cu_code code = standin_begin_in_context("cuLaunchKernel");
    const brn_cu_kernel_params params = {f, gx, gy, gz, bx, by, bz, shared, arguments, extra, NULL, NULL};
    launch l;
    size_t size;
    if (code) return code;
    const brn_cu_code refused = make_launch(&params, &l, &size);
    return refused ? refused : standin_enqueue(stream, &standin_kernel_op, &l, size);
}
