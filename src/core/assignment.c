#include "core/assignment.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

/* Column n stands for "no column": the row that looks for one is its owner. */
typedef struct {
    int n;
    const double *cost;
    double *row, *dual;
    int *owner;   /* [n + 1] row of each column, or -1 */
    int *before;  /* [n] column before each on the shortest path */
    double *away; /* [n] reduced length of that path */
    bool *done;   /* [n + 1] */
} search;

/* Extend the tree of shortest paths by the nearest column; its number. */
static int nearest(search *s, int from)
{
    const int i = s->owner[from];
    int best = -1;
    double least = INFINITY;
    s->done[from] = true;
    for (int j = 0; j < s->n; ++j) {
        if (s->done[j]) continue;
        const double length = s->cost[(size_t)i * (size_t)s->n + (size_t)j] - s->row[i] - s->dual[j];
        if (length < s->away[j]) s->away[j] = length, s->before[j] = from;
        if (s->away[j] < least) least = s->away[j], best = j;
    }
    /* every reached row and column moves by the distance, so that the next edge becomes tight */
    for (int j = 0; j <= s->n; ++j) {
        if (s->done[j]) {
            s->row[s->owner[j]] += least;
            if (j < s->n) s->dual[j] -= least;
        } else if (j < s->n) s->away[j] -= least;
    }
    return best;
}

static void augment(search *s, int i)
{
    int at = s->n;
    for (int j = 0; j < s->n; ++j) s->away[j] = INFINITY, s->done[j] = false;
    s->done[s->n] = false;
    s->owner[s->n] = i;
    do at = nearest(s, at);
    while (s->owner[at] >= 0);
    while (at != s->n) {
        const int before = s->before[at];
        s->owner[at] = s->owner[before];
        at = before;
    }
}

brn_status brn_assignment(int n, const double *cost, int *column, double *row, double *dual)
{
    search s = {.n = n, .cost = cost, .row = row, .dual = dual};
    const size_t count = (size_t)n + 1;
    brn_status status;
    BRN_GO(BRN_ALLOC(&s.owner, count, "assignment"));
    BRN_GO(BRN_ALLOC(&s.before, count, "assignment"));
    BRN_GO(BRN_ALLOC(&s.away, count, "assignment"));
    BRN_GO(BRN_ALLOC(&s.done, count, "assignment"));
    for (int j = 0; j <= n; ++j) s.owner[j] = -1;
    for (int i = 0; i < n; ++i) row[i] = dual[i] = 0;
    for (size_t k = 0; k < (size_t)n * (size_t)n; ++k)
        if (!isfinite(cost[k])) BRN_GO(brn_fail(BRN_ERR_DIVERGED, "assignment: a cost is not finite"));
    for (int i = 0; i < n; ++i) augment(&s, i);
    for (int j = 0; j < n; ++j) column[s.owner[j]] = j;
done:
    free(s.owner), free(s.before), free(s.away), free(s.done);
    return status;
}
