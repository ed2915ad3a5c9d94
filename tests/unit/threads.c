/* The thread team: every item once, the failure of the lowest item, many rounds in a row. */
#include "support/support.h"
#include "core/threads.h"

#include <stdatomic.h>
#include <stdio.h>

enum { ITEMS = 257 };

typedef struct {
    atomic_int done[ITEMS];
    atomic_int members_out_of_range;
    int size, fail_from;
} tally;

static brn_status count_item(void *context, int member, int item)
{
    tally *t = context;
    atomic_fetch_add(&t->done[item], 1);
    if (member < 0 || member >= t->size) atomic_fetch_add(&t->members_out_of_range, 1);
    if (t->fail_from >= 0 && item >= t->fail_from) return brn_fail(BRN_ERR_INPUT, "item %d", item);
    return BRN_OK;
}

Test(threads, every_item_is_done_once)
{
    for (int size = 1; size <= 4; ++size) {
        brn_team *team;
        MUST(brn_team_create(&team, size));
        cr_assert_eq(brn_team_size(team), size);
        for (int count = 0; count <= ITEMS; count += count < 6 ? 1 : 31) {
            tally t = {.size = size, .fail_from = -1};
            MUST(brn_team_run(team, count, count_item, &t));
            for (int i = 0; i < ITEMS; ++i) cr_assert_eq(t.done[i], i < count, "%d threads, %d items: item %d", size, count, i);
            cr_assert_eq(t.members_out_of_range, 0);
        }
        brn_team_free(team);
    }
}

Test(threads, the_lowest_failure_is_reported)
{
    for (int size = 1; size <= 4; ++size) {
        brn_team *team;
        MUST(brn_team_create(&team, size));
        for (int round = 0; round < 50; ++round) {
            tally t = {.size = size, .fail_from = round};
            char line[32];
            snprintf(line, sizeof line, "item %d", round);
            const brn_status status = brn_team_run(team, ITEMS, count_item, &t);
            cr_assert_eq(status, BRN_ERR_INPUT);
            cr_assert_str_eq(brn_last_error(), line, "%d threads", size);
            for (int i = 0; i <= round; ++i) cr_assert_eq(t.done[i], 1);
            tally after = {.size = size, .fail_from = -1}; /* the team goes on working */
            MUST(brn_team_run(team, ITEMS, count_item, &after));
            for (int i = 0; i < ITEMS; ++i) cr_assert_eq(after.done[i], 1);
        }
        brn_team_free(team);
    }
}

static brn_status add_item(void *context, int member, int item)
{
    (void)member;
    ((double *)context)[item] += item;
    return BRN_OK;
}

Test(threads, many_short_rounds)
{
    for (int size = 1; size <= 4; ++size) {
        brn_team *team;
        double sums[3] = {0};
        enum { ROUNDS = 2000 };
        MUST(brn_team_create(&team, size));
        for (int round = 0; round < ROUNDS; ++round) MUST(brn_team_run(team, 3, add_item, sums));
        for (int i = 0; i < 3; ++i) cr_assert_eq(sums[i], (double)i * ROUNDS);
        brn_team_free(team);
    }
}
