/* The CUDA backend's own promises: names, limits, which compiler serves which device, failures in words, compiled
 * kernels on disk, products by every way. */
#include "hooks.h"
#include "support/device_work.h"

#include <stdlib.h>

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

/* Kept, found, and made again where the file is of no use: 0 whole, 1 damaged, 2 whole but no image. */
Test(cuda, compiled_kernels_are_kept)
{
    brn_device *dev;
    char path[512];
    if (!cuda_here("cuda/compiled_kernels_are_kept")) return;
    setenv("XDG_CACHE_HOME", dir, 1);
    for (int damage = 0; damage < 3; ++damage) {
        if (damage == 1) {
            FILE *f = fopen(path, "r+b");
            fseek(f, 1000, SEEK_SET), fputs("damage", f), fclose(f);
        } else if (damage == 2) {
            unsigned long long high, low;
            cr_assert_eq(sscanf(strrchr(path, '-') + 1, "%16llx%16llx", &high, &low), 2);
            cr_assert(brn_program_cache_store("cuda-kernels", &(brn_program_key){high, low}, "no program, and long enough to be read", 39));
        }
        MUST(brn_device_open(&dev, "cuda:0", 1));
        brn_device_close(dev);
        cr_expect_eq(test_kept_programs(dir, "", path), 1);
    }
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
