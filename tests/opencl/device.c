/* The OpenCL backend's own promises: names, limits, failures in words, compiled kernels on disk, how often it
 * hands work over and waits. */
#include "support/device_work.h"
#include "opencl/choice.h"
#include "opencl/clblast.h"
#include "opencl/opencl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];

/* Kernels are compiled into a folder of the test's own. */
static void make(void)
{
    test_make_dir(dir);
    setenv("XDG_CACHE_HOME", dir, 1);
}

static void drop(void) { test_remove_dir(dir); }
TestSuite(opencl, .init = make, .fini = drop);

static bool here(const char *test)
{
    brn_device_info info[TEST_DEVICES_MOST];
    if (brn_opencl_enumerate(info, TEST_DEVICES_MOST) > 0 && info[0].available) return true;
    fprintf(stderr, "skipped: opencl/%s (%s)\n", test, info[0].reason);
    return false;
}

static const brn_opencl_limits GOOD = {.name = "card", .version = "OpenCL 1.2 maker", .work_group = 256, .parameters = 1024, .available = 1,
                                       .compiler = 1, .little_endian = 1, .local_memory = 32 << 10, .memory = 1, .most_at_once = 1};

static void refused(brn_opencl_limits limits, const char *part)
{
    char reason[128];
    brn_opencl_check(&limits, reason);
    cr_expect(part ? strstr(reason, part) != NULL : !*reason, "\"%s\" lacks \"%s\"", reason, part ? part : "");
}

Test(opencl, limits_are_named)
{
    brn_opencl_limits l = GOOD;
    refused(l, NULL);
    l.work_group = 128, refused(l, "work-groups of at most 128 items, needed 256"), l = GOOD;
    l.local_memory = 16384, refused(l, "16384 bytes of local memory, needed 32768"), l = GOOD;
    l.parameters = 256, refused(l, "256 bytes of kernel arguments, needed 1024"), l = GOOD;
    l.compiler = 0, refused(l, "no compiler"), l = GOOD;
    l.available = 0, refused(l, "not available"), l = GOOD;
    l.little_endian = 0, refused(l, "big-endian"), l = GOOD;
    strcpy(l.version, "OpenCL 1.1 old"), refused(l, "OpenCL 1.2 is needed");
    strcpy(l.version, "OpenCL 3.0 new"), refused(l, NULL);
}

Test(opencl, unknown_devices)
{
    brn_device *dev;
    MUST_FAIL(brn_device_open(&dev, "opencl:first", 1), BRN_ERR_DEVICE, "opencl:0, opencl:1");
    MUST_FAIL(brn_device_open(&dev, "opencl:-1", 1), BRN_ERR_DEVICE, "opencl:-1");
    if (!here("unknown_devices")) return;
    MUST_FAIL(brn_device_open(&dev, "opencl:31", 1), BRN_ERR_DEVICE, "opencl:31");
    MUST_FAIL(brn_device_open(&dev, "opencl:99999999999999999999", 1), BRN_ERR_DEVICE, "not here");
    setenv("BRENIER_OPENCL_GEMM", "fast", 1);
    MUST_FAIL(brn_device_open(&dev, "opencl:0", 1), BRN_ERR_USAGE, "own, clblast");
}

/* y = s x on one element. */
static brn_status scale_one(brn_device *dev, float *result)
{
    brn_buf *x;
    brn_queue *q = brn_device_queue(dev, 0);
    BRN_TRY(brn_buf_create(&x, dev, BRN_REAL, 2, "numbers"));
    brn_status status = brn_write_f32(q, (brn_view){x, 0}, (float[]){3, 0}, 2);
    if (status == BRN_OK) status = BRN_LAUNCH(q, axpby, 1, 1, (.ldx = 1, .ldy = 1, .s = 2), {x, 0}, {x, 1});
    if (status == BRN_OK) status = brn_read_f32(q, (brn_view){x, 1}, result, 1);
    brn_buf_free(x);
    return status;
}

Test(opencl, a_kernel_that_does_not_compile)
{
    brn_device *dev;
    float result;
    char line[512] = "", *path;
    if (!here("a_kernel_that_does_not_compile")) return;
    setenv("BRENIER_OPENCL_OPTIONS", "-Duint=)", 1);
    MUST(brn_device_open(&dev, "opencl:0", 1));
    MUST_FAIL(scale_one(dev, &result), BRN_ERR_DEVICE, "opencl-axpby");
    cr_assert_not_null(path = strstr(brn_last_error(), "/"));
    path = strtok(path, ")");
    FILE *log = fopen(path, "r");
    cr_assert_not_null(log, "%s", path);
    cr_expect_not_null(fgets(line, sizeof line, log));
    fclose(log);
    brn_device_close(dev);
}

/* Kept, found, and made again where the file is of no use: 0 whole, 1 damaged, 2 whole but no program. */
Test(opencl, compiled_kernels_are_kept)
{
    brn_device *dev;
    char path[512];
    if (!here("compiled_kernels_are_kept")) return;
    for (int damage = 0; damage < 3; ++damage) {
        float result = 0;
        MUST(brn_device_open(&dev, "opencl:0", 1));
        if (damage == 1) {
            FILE *f = fopen(path, "r+b");
            fseek(f, 100, SEEK_SET), fputs("damage", f), fclose(f);
        } else if (damage == 2) {
            const brn_opencl *cl = dev->impl;
            unsigned long long high, low;
            cr_assert_eq(sscanf(strrchr(path, '-') + 1, "%16llx%16llx", &high, &low), 2);
            cr_assert(cl->key.high != high && brn_program_cache_store("opencl-axpby", &(brn_program_key){high, low}, "no program", 10));
        }
        MUST(scale_one(dev, &result));
        cr_expect_eq(result, 6, "%g", (double)result);
        brn_device_close(dev);
        cr_expect_eq(test_kept_programs(dir, "", path), 1);
    }
}

/* 64 x 64 ones times 64 x 64 ones. */
static void multiply_ones(brn_device *dev)
{
    enum { N = 64 };
    brn_queue *q = brn_device_queue(dev, 0);
    brn_buf *x;
    float found[N * N];
    MUST(brn_buf_create(&x, dev, BRN_REAL, 2 * N * N, "matrices"));
    MUST(BRN_LAUNCH(q, fill, N * N, 1, (.ld = N * N, .s = 1), {x, 0}));
    MUST(brn_gemm(q, &(brn_gemm_args){.m = N, .n = N, .k = N, .alpha = 1, .a = {x, 0}, .b = {x, 0}, .c = {x, N * N}, .lda = N, .ldb = N, .ldc = N}));
    MUST(brn_read_f32(q, (brn_view){x, N * N}, found, N * N));
    for (int i = 0; i < N * N; ++i) cr_assert_eq(found[i], N);
    brn_buf_free(x);
}

/* The fastest way to multiply is measured once; a choice on disk is taken, a damaged one measured again. */
Test(opencl, choices_are_kept)
{
    enum { NARROW = 2 };
    static brn_opencl_choices c;
    brn_device *dev;
    char path[512];
    if (!here("choices_are_kept")) return;
    unsetenv("BRENIER_OPENCL_GEMM");
    MUST(brn_device_open(&dev, "opencl:0", 1));
    memset(&c, 1 + NARROW, sizeof c);
    cr_assert(brn_opencl_choices_store(&c, dev->impl));
    brn_device_close(dev);

    MUST(brn_device_open(&dev, "opencl:0", 1));
    multiply_ones(dev);
    brn_device_close(dev);
    cr_expect(test_kept_programs(dir, "opencl-sgemm-32x32-nn", path), "the choice was not taken");
    cr_expect(!test_kept_programs(dir, "opencl-sgemm_direct", path) && !test_kept_programs(dir, "opencl-sgemm-64x64", path), "%s: there was nothing to measure", path);

    cr_assert(test_kept_programs(dir, "opencl-choices", path));
    FILE *f = fopen(path, "r+b");
    fseek(f, 5000, SEEK_SET), fputs("damage", f), fclose(f);
    MUST(brn_device_open(&dev, "opencl:0", 1));
    multiply_ones(dev);
    brn_device_close(dev);
    cr_expect(test_kept_programs(dir, "opencl-sgemm_direct", path) && test_kept_programs(dir, "opencl-sgemm-64x64", path), "not measured again");
    MUST(brn_device_open(&dev, "opencl:0", 1));
    memset(&c, 0, sizeof c);
    MUST(brn_opencl_choices_load(&c, dev->impl));
    int known = 0;
    for (size_t i = 0; i < sizeof c; ++i) known += ((const unsigned char *)&c)[i] != 0;
    cr_expect_eq(known, 1, "%d choices are on disk", known);
    brn_device_close(dev);
}

Test(opencl, buffers_beyond_the_device)
{
    if (here("buffers_beyond_the_device")) test_buffers_beyond_the_device("opencl:0");
}

Test(opencl, sources_of_writes_may_be_reused)
{
    if (here("sources_of_writes_may_be_reused")) test_sources_of_writes_may_be_reused("opencl:0");
}
