/* The CUDA backend's own promises: names, limits, which compiler serves which device, failures in words, compiled
 * kernels on disk, products by every way. */
#include "hooks.h"
#include "support/device_work.h"

#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

static char dir[64];

/* Kernels are compiled into a folder of the test's own where a test says so. */
static void make(void) { test_make_dir(dir); }
static void drop(void) { test_remove_dir(dir); }
TestSuite(cuda, .init = make, .fini = drop);

/* ---- which compiler ---------------------------------------------------------------------------- */

static const brn_rtc_functions compilers[] = {{.major = 13}, {.major = 12, .minor = 9}, {.major = 11, .minor = 8}};
static const int known[][BRN_CUDA_ARCHITECTURES_MOST] = {{75, 80, 90, 100, 120}, {50, 70, 75, 80, 90, 100}, {35, 70, 80, 90}};

static void target_is(int capability, int driver, int compiler, int architecture, bool ptx)
{
    brn_cuda_target t;
    const bool found = brn_cuda_choose_target(compilers, 3, known, capability, driver, &t);
    cr_expect_eq(found, compiler >= 0, "%d, %d", capability, driver);
    if (!found || compiler < 0) return;
    cr_expect_eq(t.rtc, &compilers[compiler], "%d, %d: compiler %td", capability, driver, t.rtc - compilers);
    cr_expect_eq(t.architecture, architecture, "%d, %d: %d", capability, driver, t.architecture);
    cr_expect_eq(t.ptx, ptx);
}

Test(cuda, the_compiler_fits_device_and_driver)
{
    target_is(90, 13000, 0, 90, false);
    target_is(90, 12040, 1, 90, false);  /* not newer than the driver */
    target_is(70, 13000, 1, 70, false);  /* from 13 on unknown */
    target_is(70, 11080, 2, 70, false);
    target_is(120, 13000, 0, 120, false);
    target_is(130, 13000, 0, 120, true); /* newer than any: the driver makes the code */
    target_is(120, 12080, 1, 100, true);
    target_is(89, 12080, 1, 80, true);
    target_is(30, 13000, -1, 0, false);
    target_is(90, 10020, -1, 0, false);
}

static void opens_as(const char *variable, const char *value, int architecture, bool ptx, bool pool)
{
    brn_device *dev;
    setenv(variable, value, 1);
    MUST(brn_device_open(&dev, "cuda:0", 1));
    const brn_cuda *cu = dev->impl;
    cr_expect_eq(cu->target.architecture, architecture, "%s=%s: %d", variable, value, cu->target.architecture);
    cr_expect_eq(cu->target.ptx, ptx);
    cr_expect_eq(cu->pool != NULL, pool);
    brn_device_close(dev);
    unsetenv(variable);
}

Test(cuda, opens_what_the_driver_shows)
{
    standin_hooks h;
    brn_device *dev;
    if (!standin_find(&h, "cuda/opens_what_the_driver_shows")) return;
    setenv("XDG_CACHE_HOME", dir, 1);
    opens_as("BRENIER_STANDIN_CAPABILITY", "80", 80, false, true);
    opens_as("BRENIER_STANDIN_CAPABILITY", "120", 90, true, true);
    opens_as("BRENIER_STANDIN_POOLS", "0", 70, false, false);
    setenv("BRENIER_STANDIN_CAPABILITY", "61", 1);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_DEVICE, "compute capability 6.1, needed 7.0");
    setenv("BRENIER_STANDIN_CAPABILITY", "70", 1);
    setenv("BRENIER_STANDIN_DRIVER", "11020", 1);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_DEVICE, "libnvrtc.so.11");
}

/* ---- names and failures ------------------------------------------------------------------------ */

Test(cuda, unknown_devices)
{
    brn_device *dev;
    MUST_FAIL(brn_device_open(&dev, "cuda:first", 1), BRN_ERR_DEVICE, "cuda:0, cuda:1");
    MUST_FAIL(brn_device_open(&dev, "cuda:-1", 1), BRN_ERR_DEVICE, "cuda:-1");
    if (!cuda_here("cuda/unknown_devices")) return;
    MUST_FAIL(brn_device_open(&dev, "cuda:31", 1), BRN_ERR_DEVICE, "cuda:31");
    MUST_FAIL(brn_device_open(&dev, "cuda:99999999999999999999", 1), BRN_ERR_DEVICE, "not here");
    setenv("BRENIER_CUDA_GEMM", "fast", 1);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_USAGE, "cublas, own");
    unsetenv("BRENIER_CUDA_GEMM");
    MUST_FAIL(brn_device_open(&dev, "cuda:0:bf16", 1), BRN_ERR_DEVICE, "cuda:0:tf32");
    MUST_FAIL(brn_device_open(&dev, "cuda:0:", 1), BRN_ERR_DEVICE, "cuda:0:tf32");
}

Test(cuda, buffers_beyond_the_device)
{
    if (cuda_here("cuda/buffers_beyond_the_device")) test_buffers_beyond_the_device("cuda:0");
}

/* Operands that no rounding changes give the same product by every way, others do not. */
Test(cuda, rounded_operands_on_request)
{
    standin_hooks h;
    static const char *const names[] = {"cuda:0", "cuda:0:half"};
    static const float values[] = {1.5f, 1.0001f};
    if (!standin_find(&h, "cuda/rounded_operands_on_request")) return;
    for (int d = 0; d < 2; ++d) {
        brn_device *dev;
        brn_buf *buf;
        MUST(brn_device_open(&dev, names[d], 1));
        cr_expect_str_eq(brn_device_name(dev), names[d]);
        brn_queue *q = brn_device_queue(dev, 0);
        MUST(brn_buf_create(&buf, dev, BRN_REAL, 2, "numbers"));
        for (int v = 0; v < 2; ++v) {
            float square;
            MUST(brn_write_f32(q, (brn_view){buf, 0}, &values[v], 1));
            const brn_gemm_args args = {.m = 1, .n = 1, .k = 1, .alpha = 1, .a = {buf, 0}, .lda = 1, .b = {buf, 0}, .ldb = 1, .c = {buf, 1}, .ldc = 1};
            MUST(brn_gemm(q, &args));
            MUST(brn_read_f32(q, (brn_view){buf, 1}, &square, 1));
            cr_expect_eq(square == values[v] * values[v], d == 0 || v == 0, "%s: %.9g", names[d], (double)square);
        }
        brn_buf_free(buf);
        brn_device_close(dev);
    }
    brn_device *dev;
    MUST_FAIL(brn_device_open(&dev, "cuda:0:tf32", 1), BRN_ERR_DEVICE, "needed 8.0"); /* the stand-in is a 7.0 */
}

/* Kept, found, and made again where the file is of no use: 0 whole, 1 damaged, 2 whole but no image; 3 nothing is wrong. */
Test(cuda, compiled_kernels_are_kept)
{
    brn_device *dev;
    char path[512];
    if (!cuda_here("cuda/compiled_kernels_are_kept")) return;
    setenv("XDG_CACHE_HOME", dir, 1);
    for (int damage = 0; damage < 4; ++damage) {
        if (damage == 1) {
            FILE *f = fopen(path, "r+b");
            fseek(f, 1000, SEEK_SET), fputs("damage", f), fclose(f);
        } else if (damage == 2) {
            unsigned long long high, low;
            cr_assert_eq(sscanf(strrchr(path, '-') + 1, "%16llx%16llx", &high, &low), 2);
            cr_assert(brn_program_cache_store("cuda-kernels", &(brn_program_key){high, low}, "no program, and long enough to be read", 39));
        }
        MUST(brn_device_open(&dev, "cuda:0", 1));
        cr_expect_eq(brn_cuda_kernels_compile(dev->impl), damage < 2); /* what the driver refuses comes to light at once */
        MUST(brn_cuda_kernels_take(dev->impl));
        brn_device_close(dev);
        cr_expect_eq(test_kept_programs(dir, "", path), 2);
        cr_expect_eq(test_kept_programs(dir, "cuda-kernels-", path), 1);
    }
}

/* ---- compiled beside the caller ---------------------------------------------------------------- */

static sem_t go_on;
static bool waited_too_long;
static brn_cu_code compiler_says;

/* The compiler is held up until the test says so, and gives what the test wants. */
static brn_cu_code hold_compiler(const char *call, bool *sticky)
{
    (void)sticky;
    if (strcmp(call, "nvrtcCompileProgram")) return 0;
    struct timespec late;
    clock_gettime(CLOCK_REALTIME, &late);
    late.tv_sec += 60;
    if (sem_timedwait(&go_on, &late) != 0) waited_too_long = true;
    return compiler_says;
}

static bool hold(standin_hooks *h, const char *test, brn_cu_code code)
{
    if (!standin_find(h, test)) return false;
    setenv("XDG_CACHE_HOME", dir, 1);
    sem_init(&go_on, 0, 0);
    compiler_says = code;
    h->watch(hold_compiler);
    return true;
}

static void let_go(void)
{
    for (int i = 0; i < 4; ++i) sem_post(&go_on);
}

/* Device, memory and copies are there before the kernels are. */
Test(cuda, nothing_but_kernels_waits_for_the_compiler)
{
    enum { COUNT = 1 << 20 };
    standin_hooks h;
    brn_device *dev;
    brn_buf *buf;
    float *numbers = calloc(COUNT, sizeof *numbers);
    char path[512];
    if (!hold(&h, "cuda/nothing_but_kernels_waits_for_the_compiler", 0)) return;
    MUST(brn_device_open(&dev, "cuda:0", 1));
    brn_queue *q = brn_device_queue(dev, 0);
    MUST(brn_buf_create(&buf, dev, BRN_REAL, COUNT, "numbers"));
    numbers[COUNT - 1] = 3;
    MUST(brn_write_f32(q, (brn_view){buf, 0}, numbers, COUNT));
    numbers[COUNT - 1] = 0;
    MUST(brn_read_f32(q, (brn_view){buf, 0}, numbers, COUNT));
    cr_expect_eq(numbers[COUNT - 1], 3);
    cr_expect_not(waited_too_long);
    cr_expect_eq(test_kept_programs(dir, "", path), 0);
    MUST(BRN_LAUNCH(q, fill, COUNT, 1, (.ld = COUNT, .s = 5), {buf, 0}));
    let_go();
    MUST(brn_read_f32(q, (brn_view){buf, 0}, numbers, COUNT));
    cr_expect_eq(numbers[COUNT - 1], 5);
    cr_expect_eq(test_kept_programs(dir, "", path), 2, "%d", test_kept_programs(dir, "", path)); /* the kernels and a loop's condition */
    brn_buf_free(buf);
    brn_device_close(dev);
    h.watch(NULL);
    free(numbers);
}

/* What the compiler says comes to light where kernels are needed, and stays. */
Test(cuda, kernels_that_do_not_compile)
{
    static const struct {
        brn_cu_code code;
        brn_status status;
        const char *line;
    } cases[] = {{-6, BRN_ERR_DEVICE, "cuda:0 (CUDA stand-in): cuda-kernels: nvrtcCompileProgram failed (6)"},
                 {-1, BRN_ERR_MEMORY, "cuda:0 (CUDA stand-in): cuda-kernels: nvrtcCompileProgram failed (1)"}};
    standin_hooks h;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        brn_device *dev;
        brn_buf *buf;
        float number = 1;
        if (!hold(&h, "cuda/kernels_that_do_not_compile", cases[c].code)) return;
        let_go();
        MUST(brn_device_open(&dev, "cuda:0", 1));
        brn_queue *q = brn_device_queue(dev, 0);
        MUST(brn_buf_create(&buf, dev, BRN_REAL, 1, "number"));
        MUST(brn_write_f32(q, (brn_view){buf, 0}, &number, 1));
        MUST(BRN_LAUNCH(q, fill, 1, 1, (.ld = 1), {buf, 0}));
        MUST_FAIL(brn_read_f32(q, (brn_view){buf, 0}, &number, 1), cases[c].status, cases[c].line);
        MUST_FAIL(brn_zero(q, (brn_view){buf, 0}, 1), cases[c].status, cases[c].line);
        brn_buf_free(buf);
        brn_device_close(dev);
        cr_expect_eq(h.live(), 0);
        let_go();
        if (cases[c].status == BRN_ERR_DEVICE) { /* then there is the host */
            MUST(brn_device_open(&dev, "auto", 1));
            cr_expect_str_eq(brn_device_name(dev), "host");
            cr_expect(strstr(brn_device_why(dev), "could not use cuda:0"), "%s", brn_device_why(dev));
            brn_device_close(dev);
        } else {
            MUST_FAIL(brn_device_open(&dev, "auto", 1), BRN_ERR_MEMORY, "nvrtcCompileProgram");
        }
        cr_expect_eq(h.live(), 0);
        h.watch(NULL);
    }
}

static brn_cu_code no_stream(const char *call, bool *sticky)
{
    (void)sticky;
    return strcmp(call, "cuStreamCreate") ? 0 : OUT_OF_MEMORY;
}

Test(cuda, closed_while_kernels_compile)
{
    standin_hooks h;
    brn_device *dev;
    if (!hold(&h, "cuda/closed_while_kernels_compile", 0)) return;
    let_go();
    MUST(brn_device_open(&dev, "cuda:0", 1));
    brn_device_close(dev);
    cr_expect_eq(h.live(), 0);
    h.watch(no_stream);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_MEMORY, "cuStreamCreate");
    cr_expect_eq(h.live(), 0);
    h.watch(NULL);
}

/* ---- copies and products ----------------------------------------------------------------------- */

Test(cuda, sources_of_writes_may_be_reused)
{
    if (cuda_here("cuda/sources_of_writes_may_be_reused")) test_sources_of_writes_may_be_reused("cuda:0");
}

Test(cuda, every_way_to_multiply)
{
    static const char *const ways[] = {"cublas", "own"};
    if (!cuda_here("cuda/every_way_to_multiply")) return;
    for (int w = 0; w < 2; ++w) {
        setenv("BRENIER_CUDA_GEMM", ways[w], 1);
        test_products("cuda:0", ways[w]);
    }
}
