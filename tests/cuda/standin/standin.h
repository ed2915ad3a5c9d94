/* A stand-in for libcuda, libnvrtc and libcublas that runs the CUDA backend on the CPU, for tests only. It is one
 * library under three names. Kernels are compiled as C++ by the system's compiler and run thread by thread.
 *
 * It is stricter than a GPU. Work on a stream does nothing until something waits for it, so that whatever was not put
 * in order shows. What a GPU would punish at some later time, or never, ends the process at once with a line on
 * stderr (standin_wrong): memory used after its release or outside its bounds, host memory changed before its copy was
 * done, a barrier that not all threads of a block reach, a context given back with something left in it. What a driver
 * refuses with a code is refused with that code.
 *
 * Calls come from one thread at a time, as the backend makes them. */
#ifndef BRN_CUDA_STANDIN_H
#define BRN_CUDA_STANDIN_H

#include "cuda/cuda_api.h"

#define STANDIN_API __attribute__((visibility("default")))

/* ---- for tests, by dlsym ----------------------------------------------------------------------- */

/** The n-th call from now fails with `code` (0 = none does), and all after it if `sticky`, as after an illegal
 *  address. Functions that release something do so all the same. NVRTC and cuBLAS fail with their code that
 *  corresponds. */
STANDIN_API void cuda_standin_fail_at(long n, brn_cu_code code, bool sticky);
STANDIN_API bool cuda_standin_fail_pending(void);
/** What is alive: memory, streams, events, modules, pools, handles, programs. */
STANDIN_API int cuda_standin_live(void);
/** Calls of all kinds so far, and kernels and products handed over. */
STANDIN_API long cuda_standin_calls(void);
STANDIN_API long cuda_standin_launches(void);

/* ---- between the files ------------------------------------------------------------------------- */

enum {
    INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200, INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719
};

/** Say what was wrong and end the process. */
_Noreturn void standin_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Begin a call: 0, or the code that it is to fail with. */
brn_cu_code standin_begin(void);
/** The same for a call that needs a current context. */
brn_cu_code standin_begin_in_context(void);

/* Whether an object made here is still alive. */
typedef enum { STREAM, EVENT, MODULE, POOL, HANDLE, PROGRAM, PINNED } standin_kind;
void standin_add(standin_kind kind, const void *object, size_t bytes);
bool standin_has(standin_kind kind, const void *object);
bool standin_remove(standin_kind kind, const void *object);

/* Device memory, each block between pages that nothing may touch. */
brn_cu_code standin_memory_alloc(brn_cu_ptr *address, size_t bytes);
/** No call may name the block any more; work already on a stream may still use it. */
bool standin_memory_retire(brn_cu_ptr address);
/** Take it away. */
void standin_memory_release(brn_cu_ptr address);
/** End the process unless all these bytes are of one block that lives. */
void standin_memory_check(const char *what, brn_cu_ptr address, size_t bytes);
int standin_memory_blocks(void);
void standin_memory_drop_all(void);

/* Work on a stream: `run` is called with a copy of `data` when it is the work's turn. */
typedef void (*standin_work)(void *data);
brn_cu_code standin_enqueue(brn_cu_stream stream, standin_work run, const void *data, size_t size);
/** Do everything that is on a stream (NULL: on all). */
void standin_finish(brn_cu_stream stream);
bool standin_idle(void);

/** Run a kernel over its grid: entry(arguments) for every thread. */
typedef struct { unsigned x, y, z; } standin_dim;
typedef struct {
    standin_dim thread, block, block_size, grid_size;
    void (*barrier)(void);
} standin_lane;
extern standin_lane standin_here;
void standin_run_grid(const char *name, void (*entry)(void **), void **arguments, standin_dim grid, standin_dim block);
void standin_count_launch(void);

/* An image as the fake NVRTC makes it: this, then a shared object. */
typedef struct {
    char magic[16];
    int architecture;
    size_t size;
} standin_image;
#define STANDIN_MAGIC "brenier standin"

/** What the shared object says of a kernel: see device.h. */
typedef struct {
    void (*call)(void **);
    int count;
    size_t size[24];
    bool pointer[24];
} standin_kernel;

#endif
