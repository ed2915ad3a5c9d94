/* Device memory. A block ends where a page ends that nothing may touch, so that a kernel which runs over its end, or
 * uses a block that is gone, stops there. Fresh memory is NaN, and no address is given out twice. */
#define _GNU_SOURCE
#include "standin.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct {
    char *at;
    size_t bytes;
    char *pages; /* the mapping with both guards */
    size_t mapped;
    bool retired;
    standin_uses *uses;
} block;

enum { PAGE = 4096, ALIGN = 16, CANARY = 0x5c };
static block *blocks; /* by rising address */
static int count, room;
static size_t in_use;
static char *fresh = (char *)0x200000000000; /* where the next block may be */

static int first_above(const char *address)
{
    int low = 0, high = count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (blocks[middle].at <= address) low = middle + 1;
        else high = middle;
    }
    return low;
}

static block *block_of(brn_cu_ptr address)
{
    const int i = first_above((const char *)(uintptr_t)address) - 1;
    return i >= 0 && (const char *)(uintptr_t)address < blocks[i].at + blocks[i].bytes ? &blocks[i] : NULL;
}

brn_cu_code standin_memory_alloc(brn_cu_ptr *address, size_t bytes)
{
    const size_t most = (size_t)4 << 30;
    if (bytes == 0 || !address) return INVALID_VALUE;
    if (bytes > most || in_use + bytes > most) return OUT_OF_MEMORY;
    const size_t used = (bytes + ALIGN - 1) / ALIGN * ALIGN, inner = (used + PAGE - 1) / PAGE * PAGE;
    char *pages = mmap(fresh, inner + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return OUT_OF_MEMORY;
    if (pages != fresh) standin_wrong("the addresses for device memory are taken");
    fresh += inner + 2 * PAGE;
    mprotect(pages + PAGE, inner, PROT_READ | PROT_WRITE);
    block b = {.at = pages + PAGE + inner - used, .bytes = bytes, .pages = pages, .mapped = inner + 2 * PAGE};
    memset(pages + PAGE, CANARY, inner);
    memset(b.at, 0xff, bytes);
    if (count == room) blocks = realloc(blocks, (size_t)(room = 2 * room + 64) * sizeof *blocks);
    const int at = first_above(b.at);
    memmove(blocks + at + 1, blocks + at, (size_t)(count++ - at) * sizeof *blocks);
    blocks[at] = b;
    in_use += bytes;
    *address = (brn_cu_ptr)(uintptr_t)b.at;
    return 0;
}

bool standin_memory_retire(brn_cu_ptr address)
{
    block *b = block_of(address);
    if (!b || b->retired || (uintptr_t)b->at != address) return false;
    b->retired = true;
    return true;
}

static void check_edges(const block *b)
{
    const char *first = b->pages + PAGE, *end = b->pages + b->mapped - PAGE;
    for (const char *p = first; p < b->at; ++p)
        if (*p != CANARY) standin_wrong("something wrote %zu bytes before a block of %zu", (size_t)(b->at - p), b->bytes);
    for (const char *p = b->at + b->bytes; p < end; ++p)
        if (*p != CANARY) standin_wrong("something wrote behind a block of %zu bytes", b->bytes);
}

void standin_memory_release(brn_cu_ptr address)
{
    block *b = block_of(address);
    check_edges(b);
    munmap(b->pages, b->mapped);
    free(b->uses);
    in_use -= b->bytes;
    memmove(b, b + 1, (size_t)(blocks + --count - b) * sizeof *blocks);
}

void standin_memory_check(const char *what, brn_cu_ptr address, size_t bytes)
{
    const block *b = block_of(address);
    if (!b) standin_wrong("%s: %#llx is no device memory (released, or never allocated)", what, address);
    if (b->retired) standin_wrong("%s: uses a block of %zu bytes after its release", what, b->bytes);
    const size_t left = b->bytes - (size_t)((const char *)(uintptr_t)address - b->at);
    if (bytes > left) standin_wrong("%s: %zu bytes where the block has %zu", what, bytes, left);
}

standin_uses **standin_memory_uses(brn_cu_ptr address) { return &block_of(address)->uses; }

int standin_memory_blocks(void)
{
    int alive = 0;
    for (int i = 0; i < count; ++i) alive += !blocks[i].retired;
    return alive;
}

void standin_memory_drop_all(void)
{
    while (count) standin_memory_release((brn_cu_ptr)(uintptr_t)blocks[count - 1].at);
}
