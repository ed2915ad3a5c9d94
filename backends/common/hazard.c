#include "common/hazard.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* An access of a command that may still run. */
typedef struct {
    brn_hazard_access access;
    const char *what;
    long command;
    bool ordered; /* a barrier stands behind it */
} past;

struct brn_hazard {
    char device[64];
    past *past;
    int count;
    size_t room;
    long commands;
};

bool brn_hazard_wanted(void)
{
    const char *set = getenv("BRENIER_CHECK_HAZARDS");
    return set && *set && strcmp(set, "0");
}

brn_status brn_hazard_create(brn_hazard **out, const char *device)
{
    brn_hazard *h;
    *out = NULL;
    BRN_TRY(BRN_ALLOC(&h, 1, "hazard checker"));
    strncpy(h->device, device, sizeof h->device - 1);
    *out = h;
    return BRN_OK;
}

void brn_hazard_free(brn_hazard *h)
{
    if (!h) return;
    free(h->past);
    free(h);
}

static const char *verb(bool write) { return write ? "writes" : "reads"; }

static brn_status report(const brn_hazard *h, const char *what, const brn_hazard_access *a, const past *p, const char *lacks)
{
    return brn_fail(BRN_ERR_INTERNAL, "%s: hazard: %s %s bytes %zu to %zu of memory that %s (command %ld) %s, and %s", h->device, what,
                    verb(a->write), a->begin, a->end, p->what, p->command, verb(p->access.write), lacks);
}

/* Within a command the same memory may be read and written: that is the kernel's affair. */
brn_status brn_hazard_command(brn_hazard *h, const char *what, const brn_hazard_access *access, int count)
{
    BRN_TRY(BRN_GROW(&h->past, &h->room, h->count, count, "hazard checker"));
    ++h->commands;
    for (int a = 0; a < count; ++a)
        for (int i = 0; i < h->count; ++i)
            if (!h->past[i].ordered && brn_hazard_conflict(&access[a], &h->past[i].access))
                return report(h, what, &access[a], &h->past[i], "no barrier stands between them");
    for (int a = 0; a < count; ++a) h->past[h->count++] = (past){access[a], what, h->commands, false};
    return BRN_OK;
}

void brn_hazard_barrier(brn_hazard *h)
{
    for (int i = 0; i < h->count; ++i) h->past[i].ordered = true;
}

brn_status brn_hazard_host(brn_hazard *h, const char *what, const brn_hazard_access *access)
{
    for (int i = 0; i < h->count; ++i)
        if (brn_hazard_conflict(access, &h->past[i].access)) return report(h, what, access, &h->past[i], "nobody waited for it");
    return BRN_OK;
}

void brn_hazard_complete(brn_hazard *h) { brn_hazard_complete_until(h, h->commands); }

long brn_hazard_last(const brn_hazard *h) { return h->commands; }

void brn_hazard_complete_until(brn_hazard *h, long command)
{
    int left = 0;
    for (int i = 0; i < h->count; ++i)
        if (h->past[i].command > command) h->past[left++] = h->past[i];
    h->count = left;
}
