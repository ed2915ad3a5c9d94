/* The stand-in finds what it is there to find: mistakes put in on purpose end the process, refusals come back as the
 * driver's codes. */
#include "hooks.h"
#include "common/kernel_text.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

static brn_cu_code not_waiting_event(brn_cu_event e)
{
    (void)e;
    return 0;
}
static brn_cu_code not_waiting_stream(brn_cu_stream s)
{
    (void)s;
    return 0;
}

/* Where there is no stand-in a test that expects SIGABRT raises it itself. */
static brn_device *open_or(const char *test, bool aborts)
{
    standin_hooks h;
    brn_device *dev = NULL;
    if (standin_find(&h, test)) MUST(brn_device_open(&dev, "cuda:0", 1));
    else if (aborts) abort();
    return dev;
}

static brn_buf *numbers(brn_device *dev, size_t count)
{
    brn_buf *buf;
    MUST(brn_buf_create(&buf, dev, BRN_REAL, count, "numbers"));
    MUST(brn_zero(brn_device_queue(dev, 0), (brn_view){buf, 0}, count));
    return buf;
}

/* ---- order ------------------------------------------------------------------------------------- */

Test(cuda_standin, staging_memory_reused_too_early, .signal = SIGABRT)
{
    enum { COUNT = 1 << 20 };
    brn_device *dev = open_or("cuda_standin/staging_memory_reused_too_early", true);
    brn_buf *buf = numbers(dev, COUNT);
    float *source = calloc(COUNT, sizeof *source), last;
    brn_cu.cuEventSynchronize = not_waiting_event;
    for (int i = 0; i < COUNT; ++i) source[i] = (float)i;
    MUST(brn_write_f32(brn_device_queue(dev, 0), (brn_view){buf, 0}, source, COUNT)); /* four times what staging holds */
    MUST(brn_read_f32(brn_device_queue(dev, 0), (brn_view){buf, 0}, &last, 1));
}

Test(cuda_standin, a_read_that_does_not_wait)
{
    brn_device *dev = open_or("cuda_standin/a_read_that_does_not_wait", false);
    if (!dev) return;
    brn_buf *buf = numbers(dev, 1);
    float found = 0;
    brn_cu_code (*const wait)(brn_cu_stream) = brn_cu.cuStreamSynchronize;
    brn_cu.cuStreamSynchronize = not_waiting_stream;
    MUST(brn_read_f32(brn_device_queue(dev, 0), (brn_view){buf, 0}, &found, 1));
    cr_expect(isnan(found), "%g", (double)found);
    brn_cu.cuStreamSynchronize = wait;
    cr_expect_eq(wait(((const brn_cuda *)dev->impl)->stream), 0);
    MUST(brn_read_f32(brn_device_queue(dev, 0), (brn_view){buf, 0}, &found, 1));
    cr_expect_eq(found, 0);
    brn_buf_free(buf);
    brn_device_close(dev);
}

/* ---- copies beside the lists ------------------------------------------------------------------- */

static brn_cu_code (*real_wait)(brn_cu_stream, brn_cu_event, unsigned), (*real_record)(brn_cu_event, brn_cu_stream);
static const brn_cuda *mistaken;

static brn_cu_code only_lists_wait(brn_cu_stream s, brn_cu_event e, unsigned flags) { return s == mistaken->stream ? real_wait(s, e, flags) : 0; }
static brn_cu_code only_copies_wait(brn_cu_stream s, brn_cu_event e, unsigned flags) { return s == mistaken->aside ? real_wait(s, e, flags) : 0; }
static brn_cu_code only_copies_record(brn_cu_event e, brn_cu_stream s) { return s == mistaken->aside ? real_record(e, s) : 0; }
static brn_cu_code only_lists_record(brn_cu_event e, brn_cu_stream s) { return s == mistaken->stream ? real_record(e, s) : 0; }

enum { ASIDE = 1 << 18 }; /* elements: one half of staging memory */
typedef struct {
    brn_device *dev;
    brn_queue *q;
    const brn_cuda *cu;
    brn_buf *x, *y, *z;
    float *host;
} two_streams;

static bool open_streams(two_streams *t, const char *test, bool aborts)
{
    t->dev = open_or(test, aborts);
    if (!t->dev) return false;
    t->q = brn_device_queue(t->dev, 0);
    mistaken = t->cu = t->dev->impl;
    t->x = numbers(t->dev, 4 * ASIDE), t->y = numbers(t->dev, 4 * ASIDE), t->z = numbers(t->dev, 1);
    t->host = calloc(4 * ASIDE, sizeof *t->host);
    MUST(brn_flush(t->q));
    real_wait = brn_cu.cuStreamWaitEvent, real_record = brn_cu.cuEventRecord;
    return true;
}

static void upload(two_streams *t, float value, int blocks)
{
    for (int i = 0; i < blocks * ASIDE; ++i) t->host[i] = value + (float)i;
    MUST(brn_write_f32(t->q, (brn_view){t->x, 0}, t->host, (size_t)blocks * ASIDE));
}

/* y = 2 x, handed over */
static void twice(two_streams *t)
{
    MUST(BRN_LAUNCH(t->q, axpby, ASIDE, 1, (.ldx = ASIDE, .ldy = ASIDE, .s = 2), {t->x, 0}, {t->y, 0}));
    MUST(brn_flush(t->q));
}

static float last(two_streams *t, brn_buf *buf)
{
    MUST(brn_read_f32(t->q, (brn_view){buf, 0}, t->host, ASIDE));
    return t->host[ASIDE - 1];
}

/* In order without a wait of the host's: what goes up waits for the list that uses its buffer, lists for what went up, and
 * what comes down neither for the list under way nor for the one that runs. */
Test(cuda_standin, copies_beside_lists)
{
    two_streams t;
    if (!open_streams(&t, "cuda_standin/copies_beside_lists", false)) return;
    for (int round = 0; round < 3 * BRN_CUDA_LISTS; ++round) {
        const uint64_t waits = t.dev->counts.waits;
        upload(&t, (float)round, 1);
        twice(&t);
        upload(&t, -1, 1);
        MUST(brn_zero(t.q, (brn_view){t.z, 0}, 1));
        MUST(brn_flush(t.q));
        MUST(brn_zero(t.q, (brn_view){t.x, 0}, 1));
        const uint64_t number = t.cu->number;
        cr_expect_eq(t.dev->counts.waits, waits);
        cr_expect_eq(last(&t, t.y), 2 * (float)(round + ASIDE - 1));
        cr_expect_eq(t.dev->counts.waits, waits + 1);
        cr_expect_eq(t.cu->number, number);
        cr_expect_eq(t.cu->ended, number - 2);
        cr_expect_eq(last(&t, t.x), (float)(ASIDE - 2)); /* stands on the list under way */
        for (int more = 0; more < round; ++more) {
            MUST(brn_zero(t.q, (brn_view){t.z, 0}, 1));
            MUST(brn_flush(t.q));
        }
    }
    upload(&t, 7, 4); /* both halves more than once */
    cr_expect_eq(last(&t, t.x), (float)(7 + ASIDE - 1));
    brn_buf_free(t.x), brn_buf_free(t.y), brn_buf_free(t.z);
    free(t.host);
    brn_device_close(t.dev);
}

Test(cuda_standin, an_upload_that_does_not_wait_for_its_list, .signal = SIGABRT)
{
    two_streams t;
    open_streams(&t, "cuda_standin/an_upload_that_does_not_wait_for_its_list", true);
    brn_cu.cuStreamWaitEvent = only_lists_wait;
    twice(&t);
    upload(&t, 1, 1);
}

Test(cuda_standin, a_list_without_its_event, .signal = SIGABRT)
{
    two_streams t;
    open_streams(&t, "cuda_standin/a_list_without_its_event", true);
    brn_cu.cuEventRecord = only_copies_record;
    twice(&t);
    upload(&t, 1, 1);
}

Test(cuda_standin, a_list_that_does_not_wait_for_an_upload, .signal = SIGABRT)
{
    two_streams t;
    open_streams(&t, "cuda_standin/a_list_that_does_not_wait_for_an_upload", true);
    brn_cu.cuStreamWaitEvent = only_copies_wait;
    upload(&t, 1, 1);
    twice(&t);
}

Test(cuda_standin, an_upload_without_its_event, .signal = SIGABRT)
{
    two_streams t;
    open_streams(&t, "cuda_standin/an_upload_without_its_event", true);
    brn_cu.cuEventRecord = only_lists_record;
    upload(&t, 1, 1);
    twice(&t);
}

Test(cuda_standin, a_download_that_does_not_wait_for_its_list, .signal = SIGABRT)
{
    two_streams t;
    open_streams(&t, "cuda_standin/a_download_that_does_not_wait_for_its_list", true);
    brn_cu.cuStreamWaitEvent = only_lists_wait;
    twice(&t);
    last(&t, t.y);
}

Test(cuda_standin, a_buffer_released_before_its_upload, .signal = SIGABRT)
{
    two_streams t;
    open_streams(&t, "cuda_standin/a_buffer_released_before_its_upload", true);
    brn_cu.cuStreamWaitEvent = only_copies_wait;
    upload(&t, 1, 1);
    brn_buf_free(t.x);
}

Test(cuda_standin, staging_memory_beside_reused_too_early, .signal = SIGABRT)
{
    two_streams t;
    open_streams(&t, "cuda_standin/staging_memory_beside_reused_too_early", true);
    brn_cu.cuEventSynchronize = not_waiting_event;
    upload(&t, 1, 4);
    last(&t, t.x);
}

/* ---- memory ------------------------------------------------------------------------------------ */

Test(cuda_standin, memory_used_after_its_release, .signal = SIGABRT)
{
    brn_device *dev = open_or("cuda_standin/memory_used_after_its_release", true);
    brn_buf *buf = numbers(dev, 10), old = *buf;
    brn_buf_free(buf);
    MUST(BRN_LAUNCH(brn_device_queue(dev, 0), axpby, 10, 1, (.ldx = 1, .ldy = 1, .s = 2), {&old, 0}, {&old, 0}));
    MUST(brn_cuda_flush(brn_device_queue(dev, 0)));
}

Test(cuda_standin, a_kernel_beyond_its_buffer, .signal = SIGABRT)
{
    brn_device *dev = open_or("cuda_standin/a_kernel_beyond_its_buffer", true);
    brn_buf *buf = numbers(dev, 10);
    float found;
    MUST(BRN_LAUNCH(brn_device_queue(dev, 0), axpby, 5000, 1, (.ldx = 1, .ldy = 1, .s = 2), {buf, 0}, {buf, 0}));
    MUST(brn_read_f32(brn_device_queue(dev, 0), (brn_view){buf, 0}, &found, 1));
}

Test(cuda_standin, a_copy_beyond_its_buffer, .signal = SIGABRT)
{
    brn_device *dev = open_or("cuda_standin/a_copy_beyond_its_buffer", true);
    brn_buf *buf = numbers(dev, 10);
    buf->count = 12;
    float found[12];
    MUST(brn_read_f32(brn_device_queue(dev, 0), (brn_view){buf, 0}, found, 12));
}

Test(cuda_standin, a_buffer_that_outlives_its_device, .signal = SIGABRT)
{
    brn_device *dev = open_or("cuda_standin/a_buffer_that_outlives_its_device", true);
    numbers(dev, 10);
    brn_device_close(dev);
}

/* ---- kernels ----------------------------------------------------------------------------------- */

static brn_cu_function compile(brn_device *dev, const char *text, const char *name, brn_cu_module *module)
{
    brn_cu_function f;
    const brn_cuda *cu = dev->impl;
    MUST(brn_cuda_load_text(cu, "cuda-test", text, module));
    cr_assert_eq(brn_cu.cuModuleGetFunction(&f, *module, name), 0);
    return f;
}

/* One block of 64 threads, beside the lists. */
static brn_status launch(brn_queue *q, const char *name, brn_cu_function f, const void *params, const brn_view *views, int count)
{
    brn_cuda_call call;
    BRN_TRY(brn_cuda_flush(q)); /* what it works on */
    BRN_TRY(brn_cuda_prepare(q->dev->impl, name, f, params, views, count, 64, 1, 1, &call));
    BRN_TRY(brn_cuda_launch(q, name, &call));
    return brn_cuda_waited(q, brn_cu.cuStreamSynchronize(((const brn_cuda *)q->dev->impl)->stream), name, 0);
}

Test(cuda_standin, a_barrier_that_some_threads_miss, .signal = SIGABRT)
{
    brn_device *dev = open_or("cuda_standin/a_barrier_that_some_threads_miss", true);
    brn_cu_module module;
    const brn_cu_function f = compile(dev, "extern \"C\" __global__ void __launch_bounds__(64) odd(int p, float *x) { if (threadIdx.x & 1) __syncthreads(); }",
                                      "odd", &module);
    brn_buf *buf = numbers(dev, 1);
    float found;
    MUST(launch(brn_device_queue(dev, 0), "odd", f, &(int){0}, &(brn_view){buf, 0}, 1));
    MUST(brn_read_f32(brn_device_queue(dev, 0), (brn_view){buf, 0}, &found, 1));
}

/* The sum of 64 ones by a kernel of the project. */
static float sum_of_ones(brn_device *dev, const char *defines)
{
    enum { ROWS = 64 };
    char *text;
    brn_cu_module module;
    brn_queue *q = brn_device_queue(dev, 0);
    MUST(brn_kernel_source(&text, "cu", defines, "feature_sum"));
    const brn_cu_function f = compile(dev, text, "brn_feature_sum", &module);
    brn_buf *buf = numbers(dev, ROWS + 1);
    float values[ROWS], sum;
    for (int i = 0; i < ROWS; ++i) values[i] = 1;
    MUST(brn_write_f32(q, (brn_view){buf, 0}, values, ROWS));
    const brn_p_feature_sum p = {.rows = ROWS, .feats = 1, .ld = ROWS, .at = ROWS};
    MUST(launch(q, "feature_sum", f, &p, (brn_view[]){{buf, 0}, {buf, 0}}, 2));
    MUST(brn_read_f32(q, (brn_view){buf, ROWS}, &sum, 1));
    brn_buf_free(buf);
    cr_expect_eq(brn_cu.cuStreamSynchronize(((const brn_cuda *)dev->impl)->stream), 0); /* its release is the stream's work too */
    cr_expect_eq(brn_cu.cuModuleUnload(module), 0);
    free(text);
    return sum;
}

Test(cuda_standin, a_kernel_without_its_barriers_is_wrong)
{
    brn_device *dev = open_or("cuda_standin/a_kernel_without_its_barriers_is_wrong", false);
    if (!dev) return;
    cr_expect_eq(sum_of_ones(dev, ""), 64);
    cr_expect_neq(sum_of_ones(dev, "#define SYNC"), 64);
    brn_device_close(dev);
}

/* ---- refusals ---------------------------------------------------------------------------------- */

Test(cuda_standin, refusals)
{
    enum { VALUE = INVALID_VALUE, CONTEXT = INVALID_CONTEXT };
    brn_cu_ptr address;
    brn_device *dev = open_or("cuda_standin/refusals", false);
    if (!dev) return;
    const brn_cuda *cu = dev->impl;
    const brn_cu_function f = cu->kernels[BRN_K_fill];
    cr_expect_eq(brn_cu.cuLaunchKernel(f, 1, 1, 1, 1025, 1, 1, 0, cu->stream, NULL, NULL), VALUE);
    cr_expect_eq(brn_cu.cuLaunchKernel(f, 1, 65536, 1, 64, 1, 1, 0, cu->stream, NULL, NULL), VALUE);
    cr_expect_eq(brn_cu.cuLaunchKernel(f, 0, 1, 1, 64, 1, 1, 0, cu->stream, NULL, NULL), VALUE);
    cr_expect_eq(brn_cu.cuLaunchKernel(f, 1, 1, 1, 64, 1, 1, 49153, cu->stream, NULL, NULL), VALUE);
    cr_expect_eq(brn_cu.cuMemAlloc_v2(&address, 0), VALUE);
    cr_expect_eq(brn_cu.cuCtxSetCurrent(NULL), 0);
    cr_expect_eq(brn_cu.cuMemAlloc_v2(&address, 16), CONTEXT);
    cr_expect_eq(brn_cu.cuStreamSynchronize(cu->stream), CONTEXT);
    brn_device_close(dev);
}
