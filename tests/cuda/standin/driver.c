/* The driver API: the device, memory, copies, modules, launches. */
#define _GNU_SOURCE
#include "standin.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the device -------------------------------------------------------------------------------- */

static int environment(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text && *text ? atoi(text) : otherwise;
}

STANDIN_API brn_cu_code cuInit(unsigned flags)
{
    const brn_cu_code code = standin_begin();
    return code ? code : flags ? INVALID_VALUE : 0;
}

STANDIN_API brn_cu_code cuDriverGetVersion(int *version)
{
    const brn_cu_code code = standin_begin();
    *version = environment("BRENIER_STANDIN_DRIVER", 12090);
    return code;
}

STANDIN_API brn_cu_code cuDeviceGetCount(int *count)
{
    const brn_cu_code code = standin_begin();
    if (!code) *count = 1;
    return code;
}

STANDIN_API brn_cu_code cuDeviceGet(brn_cu_device *device, int index)
{
    const brn_cu_code code = standin_begin();
    if (code) return code;
    *device = index;
    return index == 0 ? 0 : INVALID_DEVICE;
}

STANDIN_API brn_cu_code cuDeviceGetName(char *name, int size, brn_cu_device device)
{
    const brn_cu_code code = standin_begin();
    if (code) return code;
    snprintf(name, (size_t)size, "CUDA stand-in");
    return device == 0 ? 0 : INVALID_DEVICE;
}

STANDIN_API brn_cu_code cuDeviceTotalMem_v2(size_t *bytes, brn_cu_device device)
{
    const brn_cu_code code = standin_begin();
    if (!code) *bytes = (size_t)2 << 30;
    return code ? code : device == 0 ? 0 : INVALID_DEVICE;
}

STANDIN_API brn_cu_code cuDeviceGetAttribute(int *value, int attribute, brn_cu_device device)
{
    const brn_cu_code code = standin_begin();
    const int capability = environment("BRENIER_STANDIN_CAPABILITY", 70);
    if (code) return code;
    if (device != 0) return INVALID_DEVICE;
    switch (attribute) {
    case BRN_CU_MULTIPROCESSORS: *value = 80; return 0;
    case BRN_CU_MAJOR: *value = capability / 10; return 0;
    case BRN_CU_MINOR: *value = capability % 10; return 0;
    case BRN_CU_POOLS_SUPPORTED: *value = environment("BRENIER_STANDIN_POOLS", 1); return 0;
    default: return INVALID_VALUE;
    }
}

STANDIN_API brn_cu_code cuGetErrorName(int code, const char **name)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {{INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"}, {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"}, {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
                 {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"}, {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"}};
    *name = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (names[i].code == code) *name = names[i].name;
    return *name ? 0 : INVALID_VALUE;
}

/* ---- memory ------------------------------------------------------------------------------------ */

STANDIN_API brn_cu_code cuMemAlloc_v2(brn_cu_ptr *address, size_t bytes)
{
    const brn_cu_code code = standin_begin_in_context();
    return code ? code : standin_memory_alloc(address, bytes);
}

STANDIN_API brn_cu_code cuMemFree_v2(brn_cu_ptr address)
{
    const brn_cu_code code = standin_begin_in_context();
    standin_finish(NULL);
    if (!standin_memory_retire(address)) standin_wrong("cuMemFree: %#llx is no block that lives", address);
    standin_memory_release(address);
    return code;
}

STANDIN_API brn_cu_code cuMemPoolCreate(brn_cu_pool *pool, const brn_cu_pool_props *props)
{
    const brn_cu_code code = standin_begin();
    if (code) return code;
    if (props->alloc_type != BRN_CU_POOL_PINNED || props->location_type != BRN_CU_LOCATION_DEVICE || props->location_id != 0) return INVALID_VALUE;
    *pool = malloc(1);
    standin_add(POOL, *pool, 0);
    return 0;
}

STANDIN_API brn_cu_code cuMemPoolDestroy(brn_cu_pool pool)
{
    const brn_cu_code code = standin_begin();
    if (!standin_remove(POOL, pool)) return code ? code : INVALID_VALUE;
    free(pool);
    return code;
}

STANDIN_API brn_cu_code cuMemPoolSetAttribute(brn_cu_pool pool, int attribute, void *value)
{
    const brn_cu_code code = standin_begin();
    return code ? code : standin_has(POOL, pool) && attribute == BRN_CU_POOL_RELEASE_THRESHOLD && value ? 0 : INVALID_VALUE;
}

STANDIN_API brn_cu_code cuMemAllocFromPoolAsync(brn_cu_ptr *address, size_t bytes, brn_cu_pool pool, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    return standin_has(POOL, pool) && standin_has(STREAM, stream) ? standin_memory_alloc(address, bytes) : INVALID_VALUE;
}

static void release_work(void *data) { standin_memory_release(*(brn_cu_ptr *)data); }

STANDIN_API brn_cu_code cuMemFreeAsync(brn_cu_ptr address, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context();
    if (!standin_memory_retire(address)) standin_wrong("cuMemFreeAsync: %#llx is no block that lives", address);
    const brn_cu_code queued = standin_enqueue(stream, release_work, &address, sizeof address);
    return code ? code : queued;
}

STANDIN_API brn_cu_code cuMemAllocHost_v2(void **at, size_t bytes)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    *at = malloc(bytes);
    standin_add(PINNED, *at, bytes);
    return 0;
}

STANDIN_API brn_cu_code cuMemFreeHost(void *at)
{
    const brn_cu_code code = standin_begin_in_context();
    if (!standin_remove(PINNED, at)) return code ? code : INVALID_VALUE;
    if (!standin_idle()) standin_wrong("cuMemFreeHost: work that may use the memory is not done");
    free(at);
    return code;
}

/* ---- copies ------------------------------------------------------------------------------------ */

typedef struct {
    char *to;
    const char *from;
    size_t bytes;
    uint64_t sum; /* of the host's side as it was when the copy was asked for */
} copy;

static uint64_t sum_of(const char *bytes, size_t count)
{
    uint64_t h = 14695981039346656037u, word;
    size_t i = 0;
    for (; i + 8 <= count; i += 8) memcpy(&word, bytes + i, 8), h = (h ^ word) * 1099511628211u, h ^= h >> 29;
    for (; i < count; ++i) h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
    return h;
}

static void upload(void *data)
{
    const copy *c = data;
    if (sum_of(c->from, c->bytes) != c->sum) standin_wrong("host memory changed before its copy of %zu bytes to the device was done", c->bytes);
    memcpy(c->to, c->from, c->bytes);
}

static void download(void *data)
{
    const copy *c = data;
    if (sum_of(c->to, c->bytes) != c->sum) standin_wrong("host memory was written before a copy of %zu bytes into it was done", c->bytes);
    memcpy(c->to, c->from, c->bytes);
}

static void move(void *data)
{
    const copy *c = data;
    memmove(c->to, c->from, c->bytes);
}

STANDIN_API brn_cu_code cuMemcpyHtoDAsync_v2(brn_cu_ptr to, const void *from, size_t bytes, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    standin_memory_check("cuMemcpyHtoDAsync", to, bytes);
    const copy c = {(char *)(uintptr_t)to, from, bytes, sum_of(from, bytes)};
    return standin_enqueue(stream, upload, &c, sizeof c);
}

/* Until it is done the target holds what nobody can take for a result. */
STANDIN_API brn_cu_code cuMemcpyDtoHAsync_v2(void *to, brn_cu_ptr from, size_t bytes, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    standin_memory_check("cuMemcpyDtoHAsync", from, bytes);
    memset(to, 0xff, bytes);
    const copy c = {to, (const char *)(uintptr_t)from, bytes, sum_of(to, bytes)};
    return standin_enqueue(stream, download, &c, sizeof c);
}

STANDIN_API brn_cu_code cuMemcpyDtoDAsync_v2(brn_cu_ptr to, brn_cu_ptr from, size_t bytes, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    standin_memory_check("cuMemcpyDtoDAsync", to, bytes);
    standin_memory_check("cuMemcpyDtoDAsync", from, bytes);
    const copy c = {(char *)(uintptr_t)to, (const char *)(uintptr_t)from, bytes, 0};
    return standin_enqueue(stream, move, &c, sizeof c);
}

typedef struct {
    char *to;
    size_t bytes;
    unsigned char value;
} fill;

static void fill_work(void *data)
{
    const fill *f = data;
    memset(f->to, f->value, f->bytes);
}

STANDIN_API brn_cu_code cuMemsetD8Async(brn_cu_ptr to, unsigned char value, size_t bytes, brn_cu_stream stream)
{
    const brn_cu_code code = standin_begin_in_context();
    if (code) return code;
    standin_memory_check("cuMemsetD8Async", to, bytes);
    const fill f = {(char *)(uintptr_t)to, bytes, value};
    return standin_enqueue(stream, fill_work, &f, sizeof f);
}

/* ---- modules ----------------------------------------------------------------------------------- */

typedef struct CUfunc_st {
    struct CUfunc_st *next;
    char name[96];
    const standin_kernel *kernel;
    struct CUmod_st *module;
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

STANDIN_API brn_cu_code cuModuleLoadData(brn_cu_module *out, const void *image)
{
    const brn_cu_code code = standin_begin_in_context();
    standin_image head;
    if (code) return code;
    memcpy(head.magic, image, sizeof head.magic);
    if (memcmp(head.magic, STANDIN_MAGIC, sizeof head.magic)) return INVALID_IMAGE;
    memcpy(&head, image, sizeof head);
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
    const brn_cu_code code = standin_begin_in_context();
    if (!standin_remove(MODULE, m)) return code ? code : INVALID_HANDLE;
    if (!standin_idle()) standin_wrong("cuModuleUnload: work that may use it is not done");
    for (function *f = m->functions, *next; f; f = next) next = f->next, free(f);
    dlclose(m->library);
    free(m);
    return code;
}

STANDIN_API brn_cu_code cuModuleGetFunction(brn_cu_function *out, brn_cu_module m, const char *name)
{
    const brn_cu_code code = standin_begin_in_context();
    char symbol[128];
    if (code) return code;
    if (!standin_has(MODULE, m)) return INVALID_HANDLE;
    snprintf(symbol, sizeof symbol, "%s_kernel", name);
    const standin_kernel *kernel = dlsym(m->library, symbol);
    if (!kernel) return NOT_FOUND;
    function *f = calloc(1, sizeof *f);
    snprintf(f->name, sizeof f->name, "%s", name);
    f->kernel = kernel;
    f->module = m;
    f->next = m->functions;
    m->functions = f;
    *out = f;
    return 0;
}

/* ---- launches ---------------------------------------------------------------------------------- */

enum { ARGUMENT_BYTES = 1024 };
typedef struct {
    const function *f;
    standin_dim grid, block;
    _Alignas(16) char bytes[ARGUMENT_BYTES];
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

static void launch_work(void *data)
{
    launch *l = data;
    void *arguments[24];
    size_t at = 0;
    const standin_kernel *k = l->f->kernel;
    for (int i = 0; i < k->count; ++i) {
        arguments[i] = l->bytes + at;
        at += (k->size[i] + 15) / 16 * 16;
    }
    memset(l->f->module->shared, 0xff, l->f->module->shared_bytes);
    watch_memory();
    running = l->f->name;
    standin_run_grid(l->f->name, k->call, arguments, l->grid, l->block);
    running = NULL;
}

STANDIN_API brn_cu_code cuLaunchKernel(brn_cu_function f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                                       brn_cu_stream stream, void **arguments, void **extra)
{
    const brn_cu_code code = standin_begin_in_context();
    launch l = {.f = f, .grid = {gx, gy, gz}, .block = {bx, by, bz}};
    size_t at = 0;
    if (code) return code;
    if (!gx || !gy || !gz || !bx || !by || !bz || gx > 0x7fffffff || gy > 65535 || gz > 65535 || bx > 1024 || by > 1024 || bz > 64 ||
        (size_t)bx * by * bz > 1024 || shared > 48 << 10 || extra)
        return INVALID_VALUE;
    if (!f || !standin_has(MODULE, f->module)) return INVALID_HANDLE;
    for (int i = 0; i < f->kernel->count; ++i) {
        const size_t size = f->kernel->size[i];
        if (at + size > ARGUMENT_BYTES) return INVALID_VALUE;
        memcpy(l.bytes + at, arguments[i], size);
        if (f->kernel->pointer[i]) standin_memory_check(f->name, *(brn_cu_ptr *)(l.bytes + at), 4);
        at += (size + 15) / 16 * 16;
    }
    standin_count_launch();
    return standin_enqueue(stream, launch_work, &l, sizeof l - ARGUMENT_BYTES + at);
}
