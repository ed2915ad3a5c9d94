/* The checker of recorded commands: what needs a barrier and what does not. */
#include "common/hazard.h"
#include "support/support.h"

static brn_hazard *h;
static const int memory[2];

static void make(void) { MUST(brn_hazard_create(&h, "card")); }
static void drop(void) { brn_hazard_free(h); }
TestSuite(hazard, .init = make, .fini = drop);

static brn_status reads(const char *what, int object, size_t begin, size_t end)
{
    return brn_hazard_command(h, what, &(brn_hazard_access){&memory[object], begin, end, false}, 1);
}

static brn_status writes(const char *what, int object, size_t begin, size_t end)
{
    return brn_hazard_command(h, what, &(brn_hazard_access){&memory[object], begin, end, true}, 1);
}

Test(hazard, a_missing_barrier_is_reported)
{
    MUST(writes("first", 0, 0, 64));
    MUST_FAIL(reads("second", 0, 63, 64), BRN_ERR_INTERNAL, "card: hazard: second reads bytes 63 to 64 of memory that first (command 1) writes");
    brn_hazard_barrier(h);
    MUST(reads("second", 0, 0, 64));
    MUST_FAIL(writes("third", 0, 8, 16), BRN_ERR_INTERNAL, "third writes bytes 8 to 16 of memory that second");
    brn_hazard_barrier(h);
    MUST(writes("third", 0, 8, 16));
    MUST_FAIL(writes("fourth", 0, 0, 9), BRN_ERR_INTERNAL, "third (command 5) writes, and no barrier");
}

Test(hazard, what_does_not_meet_needs_none)
{
    MUST(writes("front", 0, 0, 64));
    MUST(writes("behind", 0, 64, 128));
    MUST(writes("other memory", 1, 0, 128));
    MUST(reads("nothing", 0, 32, 32));
    brn_hazard_barrier(h);
    for (int i = 0; i < 100; ++i) MUST(reads("readers side by side", 0, 0, 128));
    const brn_hazard_access in_place[] = {{&memory[1], 0, 8, false}, {&memory[1], 0, 8, true}};
    MUST(brn_hazard_command(h, "in place", in_place, 2));
}

/* A barrier orders commands; only waiting makes results the host's. */
Test(hazard, the_host_waits)
{
    const brn_hazard_access all = {&memory[0], 0, 64, false}, over = {&memory[0], 0, 64, true};
    MUST(writes("command", 0, 0, 64));
    brn_hazard_barrier(h);
    MUST_FAIL(brn_hazard_host(h, "read", &all), BRN_ERR_INTERNAL, "read reads bytes 0 to 64 of memory that command (command 1) writes, and nobody waited");
    brn_hazard_complete(h);
    MUST(brn_hazard_host(h, "read", &all));
    MUST(reads("command", 0, 0, 64));
    MUST(brn_hazard_host(h, "read", &all));
    MUST_FAIL(brn_hazard_host(h, "write", &over), BRN_ERR_INTERNAL, "nobody waited");
}
