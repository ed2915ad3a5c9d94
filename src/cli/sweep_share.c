/* How the machine is divided among the runs of a sweep. */
#include "sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beside the planned memory: the process, its BLAS and, on a foreign device, its driver. */
static const uint64_t PROCESS_BYTES = (uint64_t)48 << 20;

static bool on_host(const char *device) { return !strncmp(device, "host", 4); }

static int host_cores(void)
{
    brn_device_info info[64];
    int count = 0;
    brn_device_list(info, 64, &count);
    for (int i = 0; i < count && i < 64; ++i)
        if (!strcmp(info[i].name, "host")) return info[i].cores > 0 ? info[i].cores : 1;
    return 1;
}

/* A number behind a name in a file of the system; 0 where there is none. */
static uint64_t system_number(const char *path, const char *name)
{
    char line[256];
    uint64_t value = 0;
    FILE *file = fopen(path, "r");
    while (file && !value && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name))) value = strtoull(line + strlen(name), NULL, 10);
    if (file) fclose(file);
    return value;
}

/* What can be used now, of the machine and of the control group. */
static uint64_t free_memory(void)
{
    const uint64_t machine = system_number("/proc/meminfo", "MemAvailable:") << 10;
    const uint64_t limit = system_number("/sys/fs/cgroup/memory.max", ""), used = system_number("/sys/fs/cgroup/memory.current", "");
    const uint64_t group = limit > used ? limit - used : 0;
    const char *told = getenv("BRENIER_DEVICE_MEMORY");
    uint64_t memory = group && group < machine ? group : machine;
    if (told && strtoull(told, NULL, 10)) memory = strtoull(told, NULL, 10);
    return memory;
}

/* The evaluation after a training keeps its points beside what the plan has. */
static uint64_t scoring_bytes(const brn_settings *s, int n) { return (uint64_t)s->eval.points * (uint64_t)(n > 0 ? n : 2) * 4 * sizeof(float); }

/* Same needs: all but seed and folder agree. */
static bool alike(const brn_settings *a, const brn_settings *b)
{
    brn_settings x = *a, y = *b;
    const char *key;
    for (int i = 0; brn_settings_describe(i, &key, NULL, NULL) == BRN_OK; ++i) {
        char p[BRN_PATH_MAX], q[BRN_PATH_MAX];
        if (!strcmp(key, "seed") || !strcmp(key, "out")) continue;
        if (brn_settings_get(&x, key, p, sizeof p) != BRN_OK || brn_settings_get(&y, key, q, sizeof q) != BRN_OK || strcmp(p, q)) return false;
    }
    return true;
}

typedef struct planner {
    brn_device *device;
    brn_settings last; /* planned */
    brn_memory_plan plan;
    bool known;        /* last and its plan are there */
} planner;

/* A run that cannot be planned says why when it starts. */
static uint64_t plan_run(planner *p, const brn_settings *s)
{
    if (p->known && alike(&p->last, s)) return p->plan.total ? p->plan.total + PROCESS_BYTES + scoring_bytes(s, s->data.n) : 0;
    p->last = *s;
    p->known = true;
    if (brn_train_plan(p->device, s, &p->plan) != BRN_OK) p->plan = (brn_memory_plan){0};
    return p->plan.total ? p->plan.total + PROCESS_BYTES + scoring_bytes(s, s->data.n) : 0;
}

static brn_status plan_all(cli_share *share, const cli_sweep *s, const brn_settings *first)
{
    planner p = {0};
    brn_status status = brn_device_open(&p.device, first->device, 1);
    for (int i = 0; i < s->count && status == BRN_OK; ++i) {
        brn_settings settings;
        if (!cli_sweep_pending(&s->run[i])) continue;
        status = cli_sweep_settings(s, i, &settings);
        if (status == BRN_OK) share->need[i] = plan_run(&p, &settings);
    }
    share->memory = on_host(first->device) ? free_memory() : p.plan.memory - p.plan.memory / 16;
    brn_device_close(p.device);
    return status;
}

static void divide(cli_share *share, const brn_settings *first, int pending, int jobs)
{
    const int cores = host_cores();
    const bool host = on_host(first->device);
    share->jobs = jobs                  ? jobs
                  : !host               ? 1
                  : first->threads > 0  ? cores / first->threads
                                        : cores;
    if (share->jobs > pending) share->jobs = pending;
    if (share->jobs < 1) share->jobs = 1;
    share->threads = first->threads > 0 ? first->threads : cores / share->jobs;
    if (share->threads < 1) share->threads = 1;
}

brn_status cli_share_plan(cli_share *share, const cli_sweep *s)
{
    brn_settings first = {0};
    uint64_t jobs;
    int pending = 0, one = -1;
    *share = (cli_share){.jobs = 1, .threads = 1};
    brn_status status = cli_option_number(s->args, "--jobs", 1, 4096, 0, &jobs);
    if (status != BRN_OK) return status;
    for (int i = 0; i < s->count; ++i)
        if (cli_sweep_pending(&s->run[i])) ++pending, one = one < 0 ? i : one;
    share->need = calloc((size_t)s->count + 1, sizeof *share->need);
    if (!share->need) return cli_fail(BRN_ERR_MEMORY, "out of memory");
    if (one < 0) return BRN_OK;
    status = cli_sweep_settings(s, one, &first);
    if (status != BRN_OK) return status;
    divide(share, &first, pending, (int)jobs);
    return plan_all(share, s, &first);
}
