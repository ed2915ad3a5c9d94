/* What it costs the host to hand a training step to a device, call by call: all that recording a step once and
 * replaying it could save.
 *
 *     brenier-bench-record [--device NAME] [--steps N] [key=value ...]
 *
 * A training (data.pair=gaussian data.n=16 if nothing else is given) makes WARM steps and then N timed ones through a
 * table that times every call of the device's. Handing over is in CPU time of the calling thread, so that neither
 * waiting nor other programs count. Beside it the step by the clock and in CPU time of the whole process, which on
 * a software device contains the work itself. */
#include "compute/backend.h"
#include "core/clock.h"
#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM = 20, SETTINGS_MOST = 32 };

typedef struct {
    double seconds;
    long calls;
} cost;

static const brn_backend *real;
static cost launches, products, copies, reads; /* reads wait: by the clock */

static double cpu(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double start(void) { return cpu(CLOCK_THREAD_CPUTIME_ID); }

static brn_status stop(cost *c, double since, brn_status status)
{
    c->seconds += start() - since;
    ++c->calls;
    return status;
}

static brn_status launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    const double since = start();
    return stop(&launches, since, real->launch(q, kernel, params, size, rows, feats, views, count));
}

static brn_status gemm(brn_queue *q, const brn_gemm_args *args)
{
    const double since = start();
    return stop(&products, since, real->gemm(q, args));
}

static brn_status write_bytes(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    const double since = start();
    return stop(&copies, since, real->write(q, to, from, bytes));
}

static brn_status copy(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    const double since = start();
    return stop(&copies, since, real->copy(q, to, from, bytes));
}

static brn_status zero(brn_queue *q, brn_view to, size_t bytes)
{
    const double since = start();
    return stop(&copies, since, real->zero(q, to, bytes));
}

static brn_status read_bytes(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    const double since = brn_seconds();
    const brn_status status = real->read(q, from, to, bytes);
    reads.seconds += brn_seconds() - since;
    ++reads.calls;
    return status;
}

static void print_cost(const char *name, const cost *c, int steps, double whole)
{
    printf("| %-22s | %8.1f | %8.2f | %9.3f | %5.1f |\n", name, (double)c->calls / steps, c->calls ? 1e6 * c->seconds / (double)c->calls : 0,
           1e3 * c->seconds / steps, 100 * c->seconds / whole);
}

static void print_costs(int steps, double clock, double process)
{
    const cost all = {launches.seconds + products.seconds + copies.seconds, launches.calls + products.calls + copies.calls};
    printf("| %-22s | %8s | %8s | %9s | %5s |\n|---|---|---|---|---|\n", "part", "calls", "us each", "ms a step", "%");
    print_cost("launches", &launches, steps, clock);
    print_cost("products", &products, steps, clock);
    print_cost("writes, copies, zeros", &copies, steps, clock);
    print_cost("handing over, together", &all, steps, clock);
    print_cost("reads, which wait", &reads, steps, clock);
    printf("\nstep %.3f ms by the clock, %.3f ms of CPU time in all threads\n", 1e3 * clock / steps, 1e3 * process / steps);
    printf("a replay that cost nothing would save at most %.1f %% of the step, %.1f %% of its CPU time\n", 100 * all.seconds / clock,
           100 * all.seconds / process);
}

static brn_status measure(brn_device *dev, brn_trainer *t, int steps)
{
    BRN_TRY(brn_trainer_begin(t));
    for (int i = 0; i < WARM; ++i) BRN_TRY(brn_trainer_step(t));
    brn_backend timed = *dev->ops;
    real = dev->ops;
    timed.launch = launch, timed.gemm = gemm, timed.write = write_bytes, timed.copy = copy, timed.zero = zero, timed.read = read_bytes;
    dev->ops = &timed;
    const double since = brn_seconds(), process = cpu(CLOCK_PROCESS_CPUTIME_ID);
    brn_status status = BRN_OK;
    for (int i = 0; i < steps && status == BRN_OK; ++i) status = brn_trainer_step(t);
    if (status == BRN_OK) print_costs(steps, brn_seconds() - since, cpu(CLOCK_PROCESS_CPUTIME_ID) - process);
    dev->ops = real;
    return status;
}

static brn_status bench(brn_settings *settings, int steps)
{
    subject s;
    brn_status status = open_subject(&s, settings, 1);
    if (status == BRN_OK) {
        printf("%s, %s, n = %d, batch %d, %d steps\n\n", brn_device_name(s.dev), brn_pair_name(s.pair), brn_pair_dim(s.pair), settings->train.batch, steps);
        status = measure(s.dev, s.trainer, steps);
    }
    close_subject(&s);
    return status;
}

int main(int argc, char **argv)
{
    const char *values[SETTINGS_MOST] = {"data.pair=gaussian", "data.n=16", "device=vulkan:0"};
    char device[96];
    int count = 3, steps = 50;
    brn_settings s;
    for (int i = 1; i < argc && count < SETTINGS_MOST; ++i) {
        if (strchr(argv[i], '=')) values[count++] = argv[i];
        else if (!strcmp(argv[i], "--device") && i + 1 < argc) snprintf(device, sizeof device, "device=%s", argv[++i]), values[count++] = device;
        else if (!strcmp(argv[i], "--steps") && i + 1 < argc) steps = atoi(argv[++i]);
        else steps = 0;
    }
    if (steps < 1) {
        fprintf(stderr, "usage: brenier-bench-record [--device NAME] [--steps N] [key=value ...]\n");
        return 2;
    }
    brn_status status = brn_settings_preset(&s, "hd");
    if (status == BRN_OK) status = brn_settings_assign(&s, count, values);
    if (status == BRN_OK) status = bench(&s, steps);
    if (status != BRN_OK) fprintf(stderr, "brenier-bench-record: %s\n", brn_last_error());
    return (int)status;
}
