/* Lists of commands: what a backend was asked to do and has not handed to its driver yet, and the lists that were
 * handed over before, each with what the backend made of it to do it again at once (a graph, a command buffer).
 *
 * A training step issues the same commands as the step before, on the same buffers; what differs are a few numbers in
 * the parameters of kernels: seeds, step numbers, rates. So a list has a structure (kernels, sizes, views, products,
 * copies, their order), which is compared, and parameters, which may vary. Within a repeated part parameters belong to
 * the structure.
 *
 * A backend records with brn_commands_add and fills in the command that it gets (all zero), and at a flush asks
 * brn_replays_find for a list of the same structure. What it makes of one it hangs on `made`; brn_command_varies says
 * which commands then have other parameters than those that were made. A backend that puts parameters where a replay
 * can see them changed (a buffer in place of push constants, say) need not make anything again. A list is to be compared by where its buffers
 * lie: a backend that cuts buffers out of larger blocks names these. When a buffer is
 * released, brn_commands_use says whether the list has to be handed over first, and brn_replays_forget drops whatever
 * names the buffer. Offsets of views are in elements; `host` is the backend's own staging memory, which stays where it is.
 */
#ifndef BRN_COMMON_COMMANDS_H
#define BRN_COMMON_COMMANDS_H

#include "compute/backend.h"

enum { BRN_COMMAND_VIEWS = 16, BRN_COMMAND_PARAMS = 128, BRN_REPLAYS = 32 };

typedef enum {
    BRN_COMMAND_KERNEL,
    BRN_COMMAND_PRODUCT,
    BRN_COMMAND_COPY,     /* view[0] = view[1], `bytes` */
    BRN_COMMAND_ZERO,     /* view[0], `bytes` */
    BRN_COMMAND_UPLOAD,   /* view[0] = host, `bytes` */
    BRN_COMMAND_DOWNLOAD, /* host = view[0], `bytes` */
    BRN_COMMAND_MARK,     /* the time now, number `kernel` */
    BRN_COMMAND_REPEAT    /* the next `body` commands, while the int at view[0] exceeds `floor` */
} brn_command_kind;

typedef struct brn_command {
    brn_command_kind kind;
    int kernel, rows, feats; /* as in a launch */
    int body, floor;
    int views;
    int size;                /* bytes of params */
    bool fixed;              /* stands in a repeated part */
    brn_gemm_args product;
    void *host;
    size_t bytes;
    size_t reach[BRN_COMMAND_VIEWS]; /* bytes of each view that are touched, where a backend declares them; else 0 */
    brn_view view[BRN_COMMAND_VIEWS];
    unsigned char params[BRN_COMMAND_PARAMS];
} brn_command;

typedef struct brn_commands {
    brn_command *at;
    int count;
    size_t room;
    int open; /* 1 + index of the REPEAT whose body is being recorded, 0: none */
} brn_commands;

/** One more command, all zero, at the end of the list. */
brn_status brn_commands_add(brn_commands *list, brn_command_kind kind, brn_command **command);
/** Ready-made commands. BRN_ERR_INTERNAL where there are too many buffers or parameters. */
brn_status brn_commands_kernel(brn_commands *list, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count);
brn_status brn_commands_product(brn_commands *list, const brn_gemm_args *args);
/** What is added between the two is the repeated part; not nested. */
brn_status brn_commands_open_repeat(brn_commands *list, brn_view counter, int floor);
void brn_commands_close_repeat(brn_commands *list);
/** Empty it; the memory stays. */
void brn_commands_clear(brn_commands *list);
void brn_commands_free(brn_commands *list);

/** Does any command name this buffer? */
bool brn_commands_use(const brn_commands *list, const brn_buf *buf);
/** Are structures equal? */
bool brn_commands_alike(const brn_commands *a, const brn_commands *b);
/** Of commands of equal structure: are parameters different? */
bool brn_command_varies(const brn_command *a, const brn_command *b);

/* ---- lists that came before ------------------------------------------------------------------- */

typedef struct brn_replay {
    brn_commands commands; /* with the parameters that `made` has */
    uint64_t hash, used;
    void *made;            /* the backend's; NULL: nothing yet */
    bool hopeless;         /* the backend could not make anything of it */
} brn_replay;

typedef struct brn_replays {
    brn_replay entry[BRN_REPLAYS];
    int count;
    uint64_t clock;
    void (*drop)(void *context, void *made);
    void *context;
} brn_replays;

/** The list of this structure that came before, or NULL. */
brn_replay *brn_replays_find(brn_replays *replays, const brn_commands *list);
/** Remember a list that was not found; the one that was not used for longest gives way. */
brn_status brn_replays_add(brn_replays *replays, const brn_commands *list);
/** Drop every list that names this buffer; NULL: every list. */
void brn_replays_forget(brn_replays *replays, const brn_buf *buf);

#endif
