/* A stand-in for libcuda, libnvrtc and libcublas that runs the CUDA backend on the CPU, for tests only. It is one
 * library under three names. Kernels are compiled as C++ by the system's compiler and run thread by thread.
 *
 * It is stricter than a GPU. Work on a stream does nothing until something waits for it, so that whatever was not put
 * in order shows; two streams that use one block of memory, one of them writing, must be ordered by events or waits.
 * An address is never given out twice. What a GPU would punish at some later time, or never, ends the process at once
 * with a line on stderr (standin_wrong): memory used after its release or outside its bounds, host memory changed before
 * its copy was done, a barrier or a shuffle that not all threads of a block or of its mask reach, a graph launched after
 * a buffer of its was freed, a context given back, or a process ended, with something left in it. What a driver refuses
 * with a code is refused with that code.
 *
 * Calls come from one thread at a time, as the backend makes them; NVRTC's may come from another meanwhile. */
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
/** Ask `watch` (NULL: nobody) at every call with what code it is to fail, 0 for none. Codes of NVRTC's and cuBLAS's own are
 *  negative. */
typedef brn_cu_code cuda_standin_watcher(const char *call, bool *sticky);
STANDIN_API void cuda_standin_watch(cuda_standin_watcher *watch);
/** What is alive: memory, streams, events, modules, pools, handles, programs, graphs. */
STANDIN_API int cuda_standin_live(void);

/** So far: calls of all kinds, kernels and products handed over one by one, graphs launched, the nodes in them (bodies of
 *  loops as often as they ran), host waits for a stream or an event, bytes copied to and from the host. */
typedef struct cuda_standin_counts {
    long calls, launches, graph_launches, nodes, waits, bytes_up, bytes_down;
} cuda_standin_counts;
STANDIN_API void cuda_standin_count(cuda_standin_counts *counts);

/* ---- between the files ------------------------------------------------------------------------- */

enum {
    INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200, INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400, ILLEGAL_STATE = 401, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, LAUNCH_OUT_OF_RESOURCES = 701,
    LAUNCH_FAILED = 719, NOT_SUPPORTED = 801, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_MERGE = 902,
    CAPTURE_UNMATCHED = 903, CAPTURE_UNJOINED = 904, CAPTURE_ISOLATION = 905, CAPTURED_EVENT = 907
};

/** Say what was wrong and end the process. */
_Noreturn void standin_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Begin a call: 0, or the code that it is to fail with. */
brn_cu_code standin_begin(const char *call);
/** The same for a call that needs a current context. */
brn_cu_code standin_begin_in_context(const char *call);
/** The same for one that a capture in progress refuses, and is spoiled by, unless it is a relaxed one. */
brn_cu_code standin_begin_unsafe(const char *call);
extern cuda_standin_counts standin_counts;
int standin_environment(const char *name, int otherwise);
int standin_shared_most(void);
int standin_capability(void);

/* Whether an object made here is still alive. */
typedef enum { STREAM, EVENT, MODULE, POOL, HANDLE, PROGRAM, PINNED, GRAPH, NODE, EXEC, KINDS } standin_kind;
void standin_add(standin_kind kind, const void *object, size_t bytes);
bool standin_has(standin_kind kind, const void *object);
bool standin_remove(standin_kind kind, const void *object);
/** Whether all these bytes are pinned. */
bool standin_pinned(const void *at, size_t bytes);

/* Device memory, each block between pages that nothing may touch. */
brn_cu_code standin_memory_alloc(brn_cu_ptr *address, size_t bytes);
/** No call may name the block any more; work already on a stream may still use it. */
bool standin_memory_retire(brn_cu_ptr address);
/** Take it away. */
void standin_memory_release(brn_cu_ptr address);
/** End the process unless all these bytes are of one block that lives. */
void standin_memory_check(const char *what, brn_cu_ptr address, size_t bytes);
/** Who used the block so far: order.c's. */
typedef struct standin_uses standin_uses;
standin_uses **standin_memory_uses(brn_cu_ptr address);
int standin_memory_blocks(void);
void standin_memory_drop_all(void);

/* A kind of work on a stream, as it is called, what type of node it makes, whether it counts as a launch, and of its data:
 * which device memory it uses, what is to be noted when a stream takes it (NULL: nothing), how it is done and what is to
 * be given back then. */
enum { STANDIN_NO_NODE = -1 };
typedef void standin_visit(void *context, const char *name, brn_cu_ptr at, size_t bytes, bool write);
typedef struct {
    const char *name;
    int node;
    bool launch;
    void (*spans)(const void *data, standin_visit *visit, void *context);
    void (*take)(void *data);
    void (*run)(void *data);
} standin_op;
/** Give work, whose data is copied, to a stream, or to the graph that it captures. */
brn_cu_code standin_enqueue(brn_cu_stream stream, const standin_op *op, const void *data, size_t size);
/** Do everything that is on a stream (NULL: on all), as the host waits for it. */
void standin_finish(brn_cu_stream stream);
bool standin_idle(void);

/* What came before what. */
enum { STANDIN_STREAMS_MOST = 16 };
typedef struct {
    long of[STANDIN_STREAMS_MOST]; /* the last piece of work of each stream that is known to come before */
} standin_clock;
void standin_clock_merge(standin_clock *to, const standin_clock *from);
/** Work of stream `slot`, whose clock includes itself, uses memory: end the process where it may meet another's. */
void standin_order_use(int slot, const standin_clock *clock, const char *name, brn_cu_ptr at, bool write);
int standin_order_open(void); /* a slot */
void standin_order_close(int slot);

/* Capture: what of it a stream carries, and what an event that was recorded meanwhile. */
typedef struct standin_capture standin_capture;
standin_capture **standin_stream_capture(brn_cu_stream stream); /* NULL: no such stream */
brn_cu_stream standin_next_stream(brn_cu_stream stream);        /* after it; NULL: the first */
brn_cu_code standin_capture_add(standin_capture *capture, const standin_op *op, const void *data, size_t size);
/** Spoil it: with the code to return. */
brn_cu_code standin_capture_spoil(standin_capture *capture, brn_cu_code code);
/** Spoil whichever captures refuse what is not safe while they are in progress; 0 where there is none. */
brn_cu_code standin_capture_refuse(void);
typedef struct standin_mark standin_mark;
standin_mark *standin_mark_of(const standin_capture *capture);
brn_cu_code standin_mark_wait(brn_cu_stream stream, const standin_mark *mark);
void standin_mark_free(standin_mark *mark);

/* Kernels as nodes, launch.c. */
extern const standin_op standin_kernel_op;
brn_cu_code standin_kernel_data(const brn_cu_kernel_params *params, void **data, size_t *size);
void standin_kernel_params(void *data, void **arguments, brn_cu_kernel_params *params);

/** Run a kernel over its grid: entry(arguments) for every thread. */
typedef struct { unsigned x, y, z; } standin_dim;
typedef struct {
    standin_dim thread, block, block_size, grid_size;
    char *dynamic; /* shared memory asked for at the launch */
    void (*barrier)(void);
    const unsigned long long *(*exchange)(int operation, unsigned mask, unsigned long long value, unsigned *present);
    void (*set_condition)(unsigned long long handle, unsigned value);
} standin_lane;
extern standin_lane standin_here;
void standin_run_grid(const char *name, void (*entry)(void **), void **arguments, standin_dim grid, standin_dim block, size_t shared);
void standin_set_condition(unsigned long long handle, unsigned value);

/* An image as the fake NVRTC and the fake nvcc make it: this, then a shared object. */
typedef struct {
    char magic[16];
    int architectures[16]; /* end with 0 */
    int intermediate;      /* of this there is intermediate code; 0: of none */
    size_t size;
} standin_image;
#define STANDIN_MAGIC "brenier stand-2"

/** What the shared object says of a kernel: see device.h. */
typedef struct {
    void (*call)(void **);
    int count, threads; /* arguments; at most so many threads of a block */
    size_t size[24];
    bool pointer[24], constant[24];
} standin_kernel;

#endif
