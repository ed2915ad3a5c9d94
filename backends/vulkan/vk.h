/* What the files of the Vulkan backend share. */
#ifndef BRN_VULKAN_H
#define BRN_VULKAN_H

#define VK_NO_PROTOTYPES
#include "common/commands.h"
#include "common/hazard.h"
#include "compute/backend.h"
#include "vulkan/functions.h"
#include "vulkan/testing.h"
#include <vulkan/vulkan.h>

enum {
    BRN_VK_COMMANDS = 128,      /* commands of a list: then it is handed over, so that the device has work while the host goes on */
    BRN_VK_PENDING = 96,        /* accesses since the last barrier that are remembered */
    BRN_VK_SETS = 1024,         /* descriptor sets that are kept */
    BRN_VK_BUFFERS = 12,        /* buffers of a kernel at most */
    BRN_VK_STAGING = 4 << 20,   /* bytes of the ring for uploads, and of the buffer for downloads */
    BRN_VK_ALIGN = 256,         /* of every buffer: the most that descriptor offsets may need */
};

/* A loaded library, an instance and its functions. */
typedef struct brn_vk_functions {
#define MEMBER(name) PFN_vk##name name;
    BRN_VK_GLOBAL_LIST(MEMBER)
    BRN_VK_INSTANCE_LIST(MEMBER)
    BRN_VK_DEVICE_LIST(MEMBER)
#undef MEMBER
} brn_vk_functions;

/* Memory is taken from the driver in large blocks, each with one VkBuffer over all of it; a brn_buf is a
 * piece of a block. The pieces of a block form a list in the order of their offsets. */
typedef struct brn_vk_piece {
    struct brn_vk_block *block;
    size_t offset, size;
    bool used;
    struct brn_vk_piece *before, *after;
} brn_vk_piece;

typedef struct brn_vk_block {
    VkDeviceMemory memory;
    VkBuffer buffer;
    size_t size;
    char *mapped; /* NULL where the host cannot see it */
    brn_vk_piece *first;
    struct brn_vk_block *next;
    bool retired;  /* empty; released when no command can use it */
    brn_buf whole; /* as commands name it: views count its bytes */
} brn_vk_block;

/* A list of commands as the driver has it, with the parameters of the last time in their part of v->params. */
typedef struct brn_vk_tape {
    VkCommandPool pool; /* of this one buffer: resetting a whole pool is what drivers do best */
    VkCommandBuffer commands;
    VkFence fence;
    bool taken;                        /* a list is recorded here */
    bool pending;                      /* submitted, not known to be complete */
    bool barrier[BRN_VK_COMMANDS + 1]; /* stands before the command; the last one at the end */
} brn_vk_tape;

/* A descriptor set and what it binds. */
typedef struct brn_vk_set {
    int count; /* 0: none */
    VkDescriptorBufferInfo info[BRN_VK_BUFFERS];
    VkDescriptorSet set;
} brn_vk_set;

/* One module of generated/spirv_modules.inc. */
typedef struct brn_vk_module {
    const char *name;
    const uint32_t *words;
    size_t bytes;
} brn_vk_module;
extern const brn_vk_module brn_vk_modules[];
extern const int brn_vk_module_count;

/* One tile of the matrix product: modules sgemm_NAME_00 to 11, the digits say which operand is transposed. */
typedef struct brn_vk_tile {
    const char *name;
    int bm, bn, lanes;
    int results; /* of one lane */
    int shared;  /* bytes */
} brn_vk_tile;
extern const brn_vk_tile brn_vk_tiles[];
extern const int brn_vk_tile_count;

typedef struct brn_vk {
    brn_device *dev; /* NULL while devices are only listed */
    char name[64];
    void *library;
    VkInstance instance;
    brn_vk_functions fn;

    VkPhysicalDevice physical;
    VkPhysicalDeviceProperties properties;
    VkPhysicalDeviceMemoryProperties memory;
    uint32_t subgroup;
    VkDevice device;
    VkQueue queue;
    uint32_t family;
    bool lost;

    uint32_t type_device, type_upload, type_download, type_params; /* memory types */
    bool mapped;                                      /* device memory is the host's too */
    size_t block_size;
    brn_vk_block *blocks, *upload, *download, *params;
    size_t upload_at;

    brn_commands list;    /* not handed over yet */
    brn_replays replays;  /* lists that were; each is on a tape */
    brn_vk_tape tape[BRN_REPLAYS], *last; /* the one submitted last */
    size_t param_bytes;   /* of a command: its parameters, up to the next place that may be bound */
    brn_hazard *hazard;   /* NULL: not asked for */
    VkQueryPool marks;    /* of the timer; made on first use */

    VkDescriptorSetLayout set_layout[BRN_VK_BUFFERS + 1];
    VkPipelineLayout layout[BRN_VK_BUFFERS + 1];
    VkDescriptorSetLayout params_layout; /* set 1 of every kernel */
    VkDescriptorPool params_pool, sets_pool;
    VkDescriptorSet params_set;
    brn_vk_set *sets; /* hash table of 2 * BRN_VK_SETS */
    int set_count;
    VkPipelineCache cache;
    bool cache_grew;
    int *module;          /* of kernel k: number in brn_vk_modules */
    VkPipeline *pipeline; /* of module m; made on first use */
    int (*product)[4];    /* of tile t: its modules */
    int forced_tile;      /* BRENIER_VULKAN_GEMM=NAME, or -1 */
} brn_vk;

/* result.c: a failing call is one line with the device, the call and what it was about. Call through
 * BRN_VK(v, Name, (arguments), "format", ...), which lets tests make it fail. */
brn_status brn_vk_result(brn_vk *v, const char *call, VkResult result, const char *format, ...) __attribute__((format(printf, 4, 5)));
VkResult brn_vk_injected(brn_vk *v);
bool brn_vk_barrier_skipped(void);
#define BRN_VK(v, name, arguments, ...)                                                                      \
    brn_vk_result((v), "vk" #name, brn_vk_injected(v) ?: (v)->fn.name arguments, __VA_ARGS__)

/* instance.c */
brn_status brn_vk_instance_open(brn_vk *v, const char *name);
void brn_vk_instance_close(brn_vk *v);
/** The physical devices; *list is to be freed. */
brn_status brn_vk_physical(brn_vk *v, VkPhysicalDevice **list, int *count);
/** A queue family that computes, or -1. */
int brn_vk_family(const brn_vk *v, VkPhysicalDevice physical);
/** What a device lacks that the kernels need, in words; false if nothing. */
bool brn_vk_lacks(const VkPhysicalDeviceProperties *p, char text[static 128]);

/* memory.c */
brn_status brn_vk_memory_open(brn_vk *v);
void brn_vk_memory_close(brn_vk *v);
brn_status brn_vk_alloc(brn_buf *buf, const char *what);
void brn_vk_release(brn_buf *buf);
/** Give blocks without pieces back; nothing may be recorded or running. */
void brn_vk_memory_trim(brn_vk *v);

/* record.c */
brn_status brn_vk_record_open(brn_vk *v);
void brn_vk_record_close(brn_vk *v);
/** One more command on the list: kernel is its number, of a PRODUCT its module, of a MARK its place. What it writes is
 *  known by its kind. */
brn_status brn_vk_command(brn_vk *v, brn_command_kind kind, int kernel, const brn_hazard_access *access, int count, brn_command **command);
/** Hand the list to the device; and wait until all is complete. */
brn_status brn_vk_submit(brn_vk *v);
/** Wait until a tape is complete. */
brn_status brn_vk_wait(brn_vk *v, brn_vk_tape *tape);
brn_status brn_vk_finish(brn_vk *v);
bool brn_vk_idle(const brn_vk *v);

/* transfer.c */
brn_status brn_vk_write(brn_queue *q, brn_view to, const void *from, size_t bytes);
brn_status brn_vk_read(brn_queue *q, brn_view from, void *to, size_t bytes);
brn_status brn_vk_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes);
brn_status brn_vk_zero(brn_queue *q, brn_view to, size_t bytes);

/* kernels.c */
brn_status brn_vk_kernels_open(brn_vk *v);
void brn_vk_kernels_close(brn_vk *v);
brn_status brn_vk_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count);
/** Number of a module by its name, or -1. */
int brn_vk_find_module(const char *name);
/** Put a product on the list: module m, `access` says what it touches, each in a block (brn_vk_access). */
brn_status brn_vk_product(brn_vk *v, int m, const void *params, size_t size, const brn_hazard_access *access, int count, uint32_t gx, uint32_t gy);
/** Record a KERNEL or PRODUCT whose parameters lie at `params` of v->params. *bound is the pipeline of the command before. */
brn_status brn_vk_dispatch(brn_vk *v, VkCommandBuffer commands, const brn_command *c, uint32_t params, VkPipeline *bound);
/** The module of a KERNEL or PRODUCT. */
int brn_vk_module_of(const brn_vk *v, const brn_command *c);
/** Room for so many sets more, for which all that is recorded may have to be forgotten. */
brn_status brn_vk_sets_room(brn_vk *v, int more);
/** Forget all descriptor sets and what is recorded with them; nothing may be running. */
void brn_vk_sets_reset(brn_vk *v);

/* timer.c */
void brn_vk_timer_mark(brn_vk *v, VkCommandBuffer commands, int at);
brn_status brn_vk_timer_start(brn_queue *q);
brn_status brn_vk_timer_stop(brn_queue *q, double *seconds);
void brn_vk_timer_close(brn_vk *v);

/* gemm.c */
brn_status brn_vk_gemm_open(brn_vk *v);
void brn_vk_gemm_close(brn_vk *v);
brn_status brn_vk_gemm(brn_queue *q, const brn_gemm_args *args);

static inline brn_vk *brn_vk_of(brn_queue *q) { return q->dev->impl; }
static inline brn_vk_piece *brn_vk_piece_of(brn_view view) { return view.buf->data; }
/** Where a view starts in its block, in bytes. */
static inline size_t brn_vk_at(brn_view view) { return brn_vk_piece_of(view)->offset + view.off * view.buf->elem; }
/** `bytes` of a view as an access. */
static inline brn_hazard_access brn_vk_access(brn_view view, size_t bytes, bool write)
{
    return (brn_hazard_access){brn_vk_piece_of(view)->block, brn_vk_at(view), brn_vk_at(view) + bytes, write};
}

#endif
