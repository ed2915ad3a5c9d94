/* Threads of a block, as fibers: one runs until it meets a barrier or ends, then another goes on. Threads that meet no
 * barrier share a fiber. The order turns round from block to block, so that what depends on it shows. Lanes of a warp
 * that exchange values wait for all of their mask. */
#define _GNU_SOURCE
#include "standin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

enum { THREADS_MOST = 1024, STACK = 256 << 10, LANES = 32, SHARED_MOST = 256 << 10, PAGE = 4096 };

typedef struct {
#ifdef __x86_64__
    void *sp;
#else
    ucontext_t context;
#endif
    bool made, running; /* running: its thread has begun and not ended */
    standin_dim thread;
} fiber;

standin_lane standin_here;

static fiber fibers[THREADS_MOST], home;
static fiber *present = &home;
static unsigned total, begun, ended, arrived, used, generation;
static bool backwards;
static void (*entry)(void **);
static void **arguments;
static const char *kernel;
static unsigned long idle; /* turns since a thread got on */

/* ---- switching --------------------------------------------------------------------------------- */

static void live(void);

#ifdef __x86_64__
void standin_switch(void **from, void *to);
__asm__(".text\n.globl standin_switch\n.hidden standin_switch\n.type standin_switch, @function\nstandin_switch:\n"
        " push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n mov %rsp, (%rdi)\n mov %rsi, %rsp\n"
        " pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n");
#endif

static void make(fiber *f)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED) standin_wrong("no memory for the stack of a thread");
    f->made = true;
#ifdef __x86_64__
    void **top = (void **)(stack + STACK);
    *--top = NULL; /* live() never returns */
    *--top = (void *)live;
    top -= 6; /* the registers that standin_switch takes off; zero in a fresh mapping */
    f->sp = top;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = stack;
    f->context.uc_stack.ss_size = STACK;
    makecontext(&f->context, live, 0);
#endif
}

static void go_to(fiber *to)
{
    fiber *from = present;
    if (to != &home && !to->made) make(to);
    present = to;
    standin_here.thread = to->thread;
#ifdef __x86_64__
    standin_switch(&from->sp, to->sp);
#else
    swapcontext(&from->context, &to->context);
#endif
}

/* The next one after the present that waits at the barrier. */
static fiber *next_waiting(void)
{
    unsigned i = (unsigned)(present - fibers);
    do i = i + 1 == used ? 0 : i + 1;
    while (!fibers[i].running);
    return &fibers[i];
}

/* ---- warps ------------------------------------------------------------------------------------- */

/* What a lane that waits has brought, and, when all of its mask have come, what the others did. */
typedef struct {
    bool waits, gone;
    int operation;
    unsigned mask, present;
    unsigned long long value, seen[LANES];
} lane;
static lane lanes[THREADS_MOST];

static unsigned thread_number(void)
{
    const standin_dim t = standin_here.thread, size = standin_here.block_size;
    return t.x + size.x * (t.y + size.y * t.z);
}

/* The next fiber that has a thread, or a new one for a thread that has not begun. */
static void let_others(void)
{
    if (++idle > 4ul * THREADS_MOST) standin_wrong("%s: threads wait for one another for ever", kernel);
    go_to(begun < total ? &fibers[used++] : next_waiting());
}

/* Whether all lanes of the mask that are there and have not ended wait with it. */
static bool complete(const lane *warp, unsigned count, unsigned mask, int operation)
{
    for (unsigned l = 0; l < count; ++l) {
        if (!(mask >> l & 1) || warp[l].gone) continue;
        if (!warp[l].waits) return false;
        if (warp[l].mask != mask || warp[l].operation != operation)
            standin_wrong("%s: lanes of one warp meet in different operations, or with the masks %#x and %#x", kernel, mask, warp[l].mask);
    }
    return true;
}

static void hand_round(lane *warp, unsigned count, unsigned mask)
{
    unsigned present = 0;
    for (unsigned l = 0; l < count; ++l)
        if (mask >> l & 1 && !warp[l].gone) present |= 1u << l;
    for (unsigned l = 0; l < count; ++l) {
        if (!(present >> l & 1)) continue;
        for (unsigned k = 0; k < count; ++k) warp[l].seen[k] = warp[k].value;
        warp[l].present = present;
        warp[l].waits = false;
    }
    idle = 0;
}

static const unsigned long long *exchange(int operation, unsigned mask, unsigned long long value, unsigned *present)
{
    const unsigned number = thread_number(), first = number / LANES * LANES, count = total - first < LANES ? total - first : LANES;
    lane *warp = &lanes[first], *mine = &lanes[number];
    if (!(mask >> (number - first) & 1)) standin_wrong("%s: lane %u is not in its own mask %#x", kernel, number - first, mask);
    mine->waits = true;
    mine->operation = operation;
    mine->mask = mask;
    mine->value = value;
    while (mine->waits)
        if (complete(warp, count, mask, operation)) hand_round(warp, count, mask);
        else let_others();
    *present = mine->present;
    return mine->seen;
}

/* ---- threads ----------------------------------------------------------------------------------- */

static void begin_thread(void)
{
    const standin_dim size = standin_here.block_size;
    const unsigned number = backwards ? total - 1 - begun : begun;
    ++begun;
    idle = 0;
    present->running = true;
    present->thread = (standin_dim){number % size.x, number / size.x % size.y, number / (size.x * size.y)};
    standin_here.thread = present->thread;
}

static void live(void)
{
    for (;;) {
        begin_thread();
        entry(arguments);
        present->running = false;
        lanes[thread_number()].gone = true;
        idle = 0;
        ++ended;
        if (arrived) standin_wrong("%s: %u threads wait at a barrier that another never reaches", kernel, arrived);
        if (ended == total) go_to(&home);
        else if (begun == total) go_to(next_waiting());
        else continue;
    }
}

static void barrier(void)
{
    if (ended) standin_wrong("%s: a barrier after threads of the block have ended", kernel);
    const unsigned now = generation;
    if (++arrived == total) {
        arrived = 0;
        ++generation;
        idle = 0;
        return;
    }
    while (generation == now) let_others();
}

static void run_block(void)
{
    begun = ended = arrived = 0;
    used = 1;
    idle = 0;
    memset(lanes, 0, total * sizeof *lanes);
    go_to(&fibers[0]);
}

/* Shared memory asked for at the launch ends where a page ends that nothing may touch; it is NaN at first. */
static char *dynamic_memory(size_t bytes)
{
    static char *pages;
    if (!pages) {
        pages = mmap(NULL, SHARED_MOST + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (pages == MAP_FAILED) standin_wrong("no shared memory");
        mprotect(pages + SHARED_MOST, PAGE, PROT_NONE);
    }
    char *at = pages + SHARED_MOST - (bytes + 15) / 16 * 16;
    memset(at, 0xff, bytes);
    return at;
}

void standin_run_grid(const char *name, void (*call)(void **), void **args, standin_dim grid, standin_dim block, size_t shared)
{
    kernel = name;
    entry = call;
    arguments = args;
    total = block.x * block.y * block.z;
    standin_here = (standin_lane){.block_size = block, .grid_size = grid, .dynamic = dynamic_memory(shared), .barrier = barrier,
                                   .exchange = exchange, .set_condition = standin_set_condition};
    for (unsigned z = 0; z < grid.z; ++z)
        for (unsigned y = 0; y < grid.y; ++y)
            for (unsigned x = 0; x < grid.x; ++x) {
                backwards = !backwards;
                standin_here.block = (standin_dim){x, y, z};
                run_block();
            }
    kernel = NULL;
}
