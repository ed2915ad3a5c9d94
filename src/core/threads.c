#include "core/threads.h"
#include "core/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
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

    brn_team_fn fn;
    void *context;
    int count;
    _Atomic int next;          /* next item to hand out */
    _Atomic unsigned round;    /* raised for every run */
    _Atomic int busy;          /* helpers still inside the round */
    _Atomic int quit;
    _Atomic int sleeping;

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

static void record_failure(brn_team *team, int item, brn_status status)
{
    pthread_mutex_lock(&team->lock);
    if (team->failed_status == BRN_OK || item < team->failed_item) {
        team->failed_item = item;
        team->failed_status = status;
        strncpy(team->failed_text, brn_last_error(), sizeof team->failed_text - 1);
    }
    pthread_mutex_unlock(&team->lock);
    atomic_store(&team->next, team->count); /* nobody starts another item */
}

static void take_items(brn_team *team, int member)
{
    for (;;) {
        int item = atomic_fetch_add(&team->next, 1);
        if (item >= team->count) return;
        brn_status status = team->fn(team->context, member, item);
        if (status != BRN_OK) record_failure(team, item, status);
    }
}

static void wait_for_round(brn_team *team, unsigned seen)
{
    for (int i = 0; i < SPINS; ++i) {
        if (atomic_load(&team->round) != seen || atomic_load(&team->quit)) return;
        relax();
    }
    pthread_mutex_lock(&team->lock);
    ++team->sleeping;
    while (atomic_load(&team->round) == seen && !atomic_load(&team->quit))
        pthread_cond_wait(&team->work, &team->lock);
    --team->sleeping;
    pthread_mutex_unlock(&team->lock);
}

static void *helper_main(void *start)
{
    helper_start s = *(helper_start *)start;
    free(start);
    brn_team *team = s.team;
    for (unsigned seen = 0;; ++seen) {
        wait_for_round(team, seen);
        if (atomic_load(&team->quit)) return NULL;
        take_items(team, s.member);
        if (atomic_fetch_sub(&team->busy, 1) == 1) {
            pthread_mutex_lock(&team->lock);
            pthread_cond_signal(&team->finished);
            pthread_mutex_unlock(&team->lock);
        }
    }
}

brn_status brn_team_run(brn_team *team, int count, brn_team_fn fn, void *context)
{
    team->fn = fn;
    team->context = context;
    team->count = count;
    team->failed_status = BRN_OK;
    team->failed_text[0] = 0;
    atomic_store(&team->next, 0);
    int helpers = team->size - 1;
    if (helpers > 0 && count > 1) {
        atomic_store(&team->busy, helpers);
        pthread_mutex_lock(&team->lock);
        atomic_fetch_add(&team->round, 1);
        if (team->sleeping) pthread_cond_broadcast(&team->work);
        pthread_mutex_unlock(&team->lock);
    }
    take_items(team, 0);
    if (helpers > 0 && count > 1) {
        for (int i = 0; i < SPINS && atomic_load(&team->busy); ++i) relax();
        pthread_mutex_lock(&team->lock);
        while (atomic_load(&team->busy)) pthread_cond_wait(&team->finished, &team->lock);
        pthread_mutex_unlock(&team->lock);
    }
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
