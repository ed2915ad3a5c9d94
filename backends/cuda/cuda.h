/* What the files of this folder share. */
#ifndef BRN_CUDA_H
#define BRN_CUDA_H

#include "common/commands.h"
#include "common/program_cache.h"
#include "compute/backend.h"
#include "cuda/cuda_api.h"

/* What is known of a device before it is opened. */
typedef struct brn_cuda_limits {
    char name[96];
    int capability; /* 70 for 7.0 */
    int units, driver; /* 12090 for 12.9 */
    int shared;        /* bytes of a block's shared memory, on request */
    bool pools;
    size_t memory;
} brn_cuda_limits;

enum { BRN_CUDA_CAPABILITY = 70, /* least: nothing here was ever compiled for older ones */
       BRN_CUDA_ARCHITECTURES_MOST = 64 };

/** Why a device with these limits cannot be used, in one line; "" if it can. */
void brn_cuda_check(const brn_cuda_limits *limits, char reason[static 128]);
brn_status brn_cuda_limits_of(brn_cu_device device, brn_cuda_limits *limits);
int brn_cuda_enumerate(brn_device_info *info, int capacity);

/* How kernels are compiled for a device: by which NVRTC, and for what. */
typedef struct brn_cuda_target {
    const brn_rtc_functions *rtc; /* NULL: none is here, and the programs are embedded ones */
    int architecture; /* the device's own, or the newest that this NVRTC knows below it */
    bool ptx;         /* the driver makes the device's code from the intermediate one */
} brn_cuda_target;

/** The newest NVRTC that the driver understands and that knows the capability, else the newest intermediate
 *  code. `known[i]` are the architectures of NVRTC i, ending with 0. False where there is none. */
bool brn_cuda_choose_target(const brn_rtc_functions *rtcs, int count, const int (*known)[BRN_CUDA_ARCHITECTURES_MOST],
                            int capability, int driver, brn_cuda_target *target);
brn_status brn_cuda_find_target(const brn_cuda_limits *limits, brn_cuda_target *target);

/** Compile a text: the device's image, to be freed, or NULL with the compiler's log, to be freed too. */
brn_status brn_cuda_compile(const brn_cuda_target *target, const char *source, char **image, size_t *size, char **log);

/* ---- programs, texts.c ------------------------------------------------------------------------- */

/* The compiler's options beside the architecture. A report of registers and spills costs nothing. */
#define BRN_CUDA_OPTIONS(X) X("--fmad=false") X("--std=c++17") X("--ptxas-options=-v")
const char *brn_cuda_options(void);

/* One way to cut a product into tiles, see shaders/sgemm.k. */
typedef struct brn_cuda_cut {
    int bm, bn, bk, tm, tn;
} brn_cuda_cut;
enum { BRN_CUDA_WIDE, BRN_CUDA_NARROW, BRN_CUDA_CUTS };
extern const brn_cuda_cut brn_cuda_cuts[BRN_CUDA_CUTS];

/* All kernels; the one that sets a repeated part's condition, which is for intermediate code; and products, by PRODUCTS +
 * 4 cut + 2 ta + tb. */
enum { BRN_CUDA_KERNELS, BRN_CUDA_CONDITION, BRN_CUDA_PRODUCTS, BRN_CUDA_PROGRAMS = BRN_CUDA_PRODUCTS + 4 * BRN_CUDA_CUTS, BRN_CUDA_KIND = 32 };
/** A program's name in files and failures and its text, to be freed. */
brn_status brn_cuda_text(int number, char kind[static BRN_CUDA_KIND], char **source);
/** The digest of options and text. */
brn_program_key brn_cuda_text_key(const char *source);

/* Programs that were compiled when this was built, for some architectures (cmake/cuda_fatbin.cmake). */
typedef struct brn_cuda_embedded {
    int toolkit;              /* 12090 for 12.9; 0: there are none */
    const int *architectures; /* rising, ends with 0; of the last there is intermediate code too */
    const struct brn_cuda_embedded_program {
        const char *kind;
        brn_program_key key;
        const void *image;
    } program[BRN_CUDA_PROGRAMS];
} brn_cuda_embedded;
extern const brn_cuda_embedded brn_cuda_built_in;
/** Can the driver use them on such a device? */
bool brn_cuda_embedded_serve(const brn_cuda_embedded *e, int capability, int driver);

typedef struct brn_cuda_gemm brn_cuda_gemm;
typedef struct brn_cuda_build brn_cuda_build;

/* Parts of the staging memory: two halves for writes, two for writes aside, then reads, then counters. */
enum { BRN_CUDA_STAGE_HALF = 1 << 20, BRN_CUDA_ASIDE = 2 * BRN_CUDA_STAGE_HALF, BRN_CUDA_READS = 4 * BRN_CUDA_STAGE_HALF,
       BRN_CUDA_COUNTERS = 5 * BRN_CUDA_STAGE_HALF, BRN_CUDA_STAGE = BRN_CUDA_COUNTERS + 64, BRN_CUDA_REPEATS = 16,
       BRN_CUDA_LISTS = 4 /* lists that can be waited for one by one */ };

/* A buffer's memory, and the last list that names it. */
typedef struct brn_cuda_block {
    brn_cu_ptr address;
    uint64_t used;
} brn_cuda_block;

/* Pinned memory that writes pass through, so that the caller may go on at once: a half is filled again after the copies out
 * of it have ended. */
typedef struct brn_cuda_halves {
    char *memory;
    size_t filled; /* bytes of the present half */
    int half;
    brn_cu_event done[2];
    bool pending[2]; /* `done` was recorded and not waited for */
} brn_cuda_halves;

/* What products round their operands to: nothing by default. Sums are in single precision always. */
typedef enum brn_cuda_operands { BRN_CUDA_SINGLE, BRN_CUDA_TF32, BRN_CUDA_HALF } brn_cuda_operands;

typedef struct brn_cuda {
    brn_cu_device device;
    bool retained; /* the device's primary context, which a process has once */
    brn_cu_context context;
    brn_cu_stream stream; /* of lists */
    brn_cu_pool pool; /* NULL: plain allocation */
    brn_cuda_limits limits;
    brn_cuda_operands operands;
    brn_cuda_target target;
    char label[128]; /* "cuda:0 (model)", in front of every failure */
    brn_program_key key; /* of target, options and driver */
    brn_cuda_build *build; /* the kernels on their way to the device; NULL: they are there */
    brn_cu_module module; /* all kernels */
    brn_cu_function kernels[BRN_KERNEL_COUNT];
    brn_cuda_gemm *gemm;

    /* What was asked for and not handed over yet (record.c), and what was before (graph.c). */
    brn_commands list;
    brn_replays replays;
    bool graphs, conditions; /* the driver can replay lists, with repeated parts */
    bool capturing;
    brn_cu_module condition_module;
    brn_cu_function condition;
    int rounds[BRN_CUDA_REPEATS], repeats; /* rounds of each repeated part of a list where the host looks; how many came by */
    brn_status lost; /* why a list could not be handed over: nothing after it can be right */
    char lost_text[256];

    /* Lists have numbers, so that copies (aside.c) can wait for those that name their buffer and for no others. */
    uint64_t number;       /* of the list under way; those below were handed over */
    uint64_t ended;        /* up to here lists are known to have ended */
    uint64_t last_upload;  /* the last list that copies out of staging memory */
    brn_cu_event behind[BRN_CUDA_LISTS]; /* list i: behind[i % LISTS] */
    brn_cu_stream aside;   /* of copies beside the lists */
    brn_cu_event uploaded;
    bool ahead;            /* lists are not ordered behind the uploads aside yet */

    char *stage;
    brn_cuda_halves listed, beside; /* for the two streams */
} brn_cuda;

/** The failure of a call: which, on what (printf-formatted), which code of the driver's. */
brn_status brn_cuda_fail(const brn_cuda *cu, brn_cu_code code, const char *call, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** Take a program's image from where it is, embedded or on the disk, or compile its text, and load it. `kind` names it in
 *  files and failures. */
brn_status brn_cuda_load_text(const brn_cuda *cu, const char *kind, const char *source, brn_cu_module *module);
brn_status brn_cuda_load_program(const brn_cuda *cu, int number, brn_cu_module *module);

/* All kernels are one program (kernels.c). Where it is not on the disk it is compiled in a thread beside whatever the
 * caller does next; the first list with a kernel on it waits for that, and it is there that a failure comes to light. */
brn_status brn_cuda_kernels_begin(brn_cuda *cu);
/** Is the thread at work, or its result not taken? */
bool brn_cuda_kernels_compile(const brn_cuda *cu);
/** Wait for the thread and load the kernels; nothing to do where they are loaded. */
brn_status brn_cuda_kernels_take(brn_cuda *cu);
/** Wait for the thread and drop what it made. */
void brn_cuda_kernels_forget(brn_cuda *cu);

/** Make the context the thread's current one. */
brn_status brn_cuda_enter(const brn_cuda *cu);

/** A launch as the driver takes it. Points into itself and to the parameters: not to be copied. */
typedef struct brn_cuda_call {
    brn_cu_kernel_params params;
    brn_cu_ptr address[BRN_COMMAND_VIEWS];
    void *argument[1 + BRN_COMMAND_VIEWS];
} brn_cuda_call;

/** Fill in a launch over a grid of blocks, with views as the buffers; `name` is for failures. */
brn_status brn_cuda_prepare(const brn_cuda *cu, const char *name, brn_cu_function f, const void *params, const brn_view *views, int count, unsigned block,
                            unsigned grid_x, unsigned grid_y, brn_cuda_call *call);
/** The same for a recorded command. */
brn_status brn_cuda_prepare_command(const brn_cuda *cu, const brn_command *command, brn_cuda_call *call);
brn_status brn_cuda_launch(brn_queue *q, const char *name, const brn_cuda_call *call);

/** What every call that hands work to the driver, and every wait, comes back through. */
brn_status brn_cuda_submitted(brn_queue *q, brn_cu_code code, const char *call, size_t bytes);
brn_status brn_cuda_waited(brn_queue *q, brn_cu_code code, const char *call, size_t bytes);

/* ---- lists of commands ------------------------------------------------------------------------ */

/** The table's operations, record.c: they end on the list. */
brn_status brn_cuda_write(brn_queue *q, brn_view to, const void *from, size_t bytes);
brn_status brn_cuda_read(brn_queue *q, brn_view from, void *to, size_t bytes);
brn_status brn_cuda_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes);
brn_status brn_cuda_zero(brn_queue *q, brn_view to, size_t bytes);
brn_status brn_cuda_kernel(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count);
brn_status brn_cuda_gemm_command(brn_queue *q, const brn_gemm_args *args);
brn_status brn_cuda_repeat(brn_queue *q, brn_view counter, int floor, brn_repeat_fn body, void *context);
/** Hand over what is on the list. */
brn_status brn_cuda_flush(brn_queue *q);
/** Call the driver for one command, for a repeated part by the host's eyes; and for all of a list. */
brn_status brn_cuda_issue(brn_queue *q, const brn_command *command);
brn_status brn_cuda_issue_all(brn_queue *q, const brn_commands *list);

/** Copies on a stream of their own, aside.c: of a buffer that the list under way does not name, while earlier lists run. */
brn_status brn_cuda_aside_open(brn_cuda *cu);
void brn_cuda_aside_close(brn_cuda *cu);
brn_status brn_cuda_write_aside(brn_queue *q, brn_view to, const void *from, size_t bytes);
brn_status brn_cuda_read_aside(brn_queue *q, brn_view from, void *to, size_t bytes);
/** Order the lists' stream behind all uploads aside; and note that the list under way was handed over. */
brn_status brn_cuda_follow_uploads(brn_cuda *cu);
brn_status brn_cuda_list_handed_over(brn_cuda *cu);
/** Lists up to this one are known to have ended. */
void brn_cuda_lists_ended(brn_cuda *cu, uint64_t number);

/** Room for some bytes in staging memory that `stream` copies out of: *piece of them at *at. */
brn_status brn_cuda_halves_take(brn_queue *q, brn_cuda_halves *halves, brn_cu_stream stream, size_t bytes, char **at, size_t *piece);
void brn_cuda_halves_reset(brn_cuda_halves *halves);

/** Do a list: the first time call by call, then as a graph, graph.c. */
brn_status brn_cuda_replay(brn_queue *q, const brn_commands *list);
/** How the kernel of repeated parts is compiled. */
brn_cuda_target brn_cuda_intermediate(const brn_cuda *cu);
/** What the driver and BRENIER_CUDA_GRAPHS allow. */
brn_status brn_cuda_graphs_choose(brn_cuda *cu);
void brn_cuda_graphs_open(brn_device *dev);
void brn_cuda_graphs_close(brn_cuda *cu);

/** The variant of a device's name, "tf32" or "half"; *epsilon is its operands' rounding error, 0 for single precision. */
bool brn_cuda_operands_of(const char *name, brn_cuda_operands *operands, double *epsilon);

/** Products, gemm.c. What was begun by a create that fails is released by free. */
brn_status brn_cuda_gemm_create(brn_cuda *cu);
brn_status brn_cuda_product(brn_queue *q, const brn_gemm_args *args);
void brn_cuda_gemm_free(brn_cuda *cu);

static inline brn_cuda_block *brn_cuda_block_of(brn_view v) { return v.buf->data; }
static inline brn_cu_ptr brn_cuda_address(brn_view v) { return brn_cuda_block_of(v)->address + v.off * v.buf->elem; }

#endif
