/* Which work is ordered before which, over all streams. Each piece of work has a number on its stream; a clock holds, for
 * each stream, the last number that is known to come before. Two uses of a block of memory on two streams, one of them
 * writing, of which neither knows the other, are a mistake even where they happened to run in the right order. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    long number;
    char name[48];
} use;

struct standin_uses {
    use written[STANDIN_STREAMS_MOST], read[STANDIN_STREAMS_MOST];
};

static bool taken[STANDIN_STREAMS_MOST];

int standin_order_open(void)
{
    for (int s = 0; s < STANDIN_STREAMS_MOST; ++s)
        if (!taken[s]) return taken[s] = true, s;
    standin_wrong("more than %d streams", STANDIN_STREAMS_MOST);
}

void standin_order_close(int slot) { taken[slot] = false; }

void standin_clock_merge(standin_clock *to, const standin_clock *from)
{
    for (int s = 0; s < STANDIN_STREAMS_MOST; ++s)
        if (from->of[s] > to->of[s]) to->of[s] = from->of[s];
}

static void meets(const use *other, const char *did, int its, int slot, const standin_clock *clock, const char *name, bool write)
{
    if (other->number > clock->of[its])
        standin_wrong("%s on stream %d %s memory that %s on stream %d %s, and nothing orders the two", name, slot, write ? "writes" : "reads",
                      other->name, its, did);
}

void standin_order_use(int slot, const standin_clock *clock, const char *name, brn_cu_ptr at, bool write)
{
    standin_uses **uses = standin_memory_uses(at);
    if (!*uses) *uses = calloc(1, sizeof **uses);
    for (int s = 0; s < STANDIN_STREAMS_MOST; ++s) {
        if (s == slot) continue;
        meets(&(*uses)->written[s], "writes", s, slot, clock, name, write);
        if (write) meets(&(*uses)->read[s], "reads", s, slot, clock, name, write);
    }
    use *mine = write ? &(*uses)->written[slot] : &(*uses)->read[slot];
    mine->number = clock->of[slot];
    snprintf(mine->name, sizeof mine->name, "%s", name);
}
