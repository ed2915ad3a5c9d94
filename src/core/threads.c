#include "core/threads.h"
#include "core/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A training step has a handful of parallel parts of a fraction of a millisecond: members look for new
 * work this many times before they sleep, which hides the wake-up without burning an idle core. */
enum { SPINS = 4000 };

struct brn_team {
    int size;
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t work, finished;

    /* A member claims an item by lowering `waiting`; only then may it read fn, context and count, which
     * stay as they are until all items are done. So a member that wakes late finds nothing to claim and
     * nobody waits for it. */
    brn_team_fn fn;
    void *context;
    int count;
    _Atomic int waiting;       /* items nobody has claimed */
    _Atomic int open;          /* items not done */
    _Atomic int quit;
    int sleeping;              /* under lock */

    int failed_item;           /* under lock */
    brn_status failed_status;
    char failed_text[1024];
};

typedef struct {
    brn_team *team;
    int member;
} helper_start;

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int brn_core_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

/* Mark items as done; the last one wakes the caller. */
static void close_items(brn_team *team, int items)
{
    if (atomic_fetch_sub(&team->open, items) != items) return;
    pthread_mutex_lock(&team->lock);
    pthread_cond_signal(&team->finished);
    pthread_mutex_unlock(&team->lock);
}

static void record_failure(brn_team *team, int item, brn_status status)
{
    pthread_mutex_lock(&team->lock);
    if (team->failed_status == BRN_OK || item < team->failed_item) {
        team->failed_item = item;
        team->failed_status = status;
        strncpy(team->failed_text, brn_last_error(), sizeof team->failed_text - 1);
    }
    pthread_mutex_unlock(&team->lock);
    const int dropped = atomic_exchange(&team->waiting, 0); /* nobody starts another item */
    if (dropped) close_items(team, dropped);
}

static bool claim(brn_team *team, int *item)
{
    int waiting = atomic_load(&team->waiting);
    while (waiting > 0)
        if (atomic_compare_exchange_weak(&team->waiting, &waiting, waiting - 1)) {
            *item = team->count - waiting;
            return true;
        }
    return false;
}

static void take_items(brn_team *team, int member)
{
    for (int item; claim(team, &item);) {
        const brn_status status = team->fn(team->context, member, item);
        if (status != BRN_OK) record_failure(team, item, status);
        close_items(team, 1);
    }
}

static void wait_for_items(brn_team *team)
{
    for (int i = 0; i < SPINS; ++i) {
        if (atomic_load(&team->waiting) || atomic_load(&team->quit)) return;
        relax();
    }
    pthread_mutex_lock(&team->lock);
    ++team->sleeping;
    while (!atomic_load(&team->waiting) && !atomic_load(&team->quit)) pthread_cond_wait(&team->work, &team->lock);
    --team->sleeping;
    pthread_mutex_unlock(&team->lock);
}

static void *helper_main(void *start)
{
    helper_start s = *(helper_start *)start;
    free(start);
    while (!atomic_load(&s.team->quit)) {
        wait_for_items(s.team);
        take_items(s.team, s.member);
    }
    return NULL;
}

static void publish(brn_team *team, int count)
{
    atomic_store(&team->open, count);
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->waiting, count);
    if (team->sleeping && count > 1) pthread_cond_broadcast(&team->work);
    pthread_mutex_unlock(&team->lock);
}

static void wait_for_done(brn_team *team)
{
    for (int i = 0; i < SPINS && atomic_load(&team->open); ++i) relax();
    pthread_mutex_lock(&team->lock);
    while (atomic_load(&team->open)) pthread_cond_wait(&team->finished, &team->lock);
    pthread_mutex_unlock(&team->lock);
}

brn_status brn_team_run(brn_team *team, int count, brn_team_fn fn, void *context)
{
    if (count <= 0) return BRN_OK;
    team->fn = fn;
    team->context = context;
    team->count = count;
    team->failed_status = BRN_OK;
    team->failed_text[0] = 0;
    publish(team, count);
    take_items(team, 0);
    wait_for_done(team);
    if (team->failed_status == BRN_OK) return BRN_OK;
    return brn_fail_copy(team->failed_status, team->failed_text);
}

static brn_status start_helper(brn_team *team, int member)
{
    helper_start *start;
    BRN_TRY(BRN_ALLOC(&start, 1, "thread start"));
    *start = (helper_start){team, member};
    if (pthread_create(&team->threads[member - 1], NULL, helper_main, start)) {
        free(start);
        return brn_fail(BRN_ERR_MEMORY, "cannot start thread %d of %d; try fewer (threads=1)", member, team->size);
    }
    return BRN_OK;
}

brn_status brn_team_create(brn_team **out, int size)
{
    *out = NULL;
    if (size <= 0) size = brn_core_count();
    brn_team *team;
    BRN_TRY(BRN_ALLOC(&team, 1, "thread team"));
    brn_status status = BRN_ALLOC(&team->threads, (size_t)size, "thread team");
    if (status != BRN_OK) {
        free(team);
        return status;
    }
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->work, NULL);
    pthread_cond_init(&team->finished, NULL);
    for (team->size = 1; team->size < size && status == BRN_OK;) {
        status = start_helper(team, team->size);
        if (status == BRN_OK) ++team->size;
    }
    if (status != BRN_OK) {
        brn_team_free(team);
        return status;
    }
    *out = team;
    return BRN_OK;
}

void brn_team_free(brn_team *team)
{
    if (!team) return;
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->quit, 1);
    pthread_cond_broadcast(&team->work);
    pthread_mutex_unlock(&team->lock);
    for (int i = 1; i < team->size; ++i) pthread_join(team->threads[i - 1], NULL);
    pthread_cond_destroy(&team->work);
    pthread_cond_destroy(&team->finished);
    pthread_mutex_destroy(&team->lock);
    free(team->threads);
    free(team);
}

int brn_team_size(const brn_team *team) { return team->size; }
