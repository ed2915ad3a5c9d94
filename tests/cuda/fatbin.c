/* Kernels that were embedded at build time, here by a stand-in for nvcc through the same rule. Run twice: where there is a
 * driver and no compiler, and beside one. */
#include "hooks.h"
#include "support/device_work.h"

#include <dirent.h>
#include <stdlib.h>

static char dir[64];

static void make(void)
{
    test_make_dir(dir);
    setenv("XDG_CACHE_HOME", dir, 1);
}
static void drop(void) { test_remove_dir(dir); }
TestSuite(cuda_fatbin, .init = make, .fini = drop);

static int compiled(void)
{
    char folder[128];
    int count = 0;
    snprintf(folder, sizeof folder, "%s/brenier/programs", dir);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) count += e->d_name[0] != '.';
    if (d) closedir(d);
    return count;
}

static bool compiler_here(const brn_device *dev) { return ((const brn_cuda *)dev->impl)->target.rtc != NULL; }

/* One that a driver of this version understands. */
static bool compiler_for(int driver)
{
    const brn_rtc_functions *rtcs;
    const int count = brn_rtc_load(&rtcs);
    for (int i = 0; i < count; ++i)
        if (rtcs[i].major <= driver / 1000) return true;
    return false;
}

/* ---- which devices they serve ------------------------------------------------------------------ */

Test(cuda_fatbin, devices_that_are_served)
{
    static const struct {
        int capability, driver;
        bool served;
    } cases[] = {{70, 12090, true},  {70, 12000, true},  {70, 13000, true},  {70, 11080, false}, {72, 12090, true},
                 {75, 12090, true},  {86, 12000, true},  {89, 12090, true},  {90, 12090, true}, /* intermediate code */
                 {90, 12080, false}, {120, 13000, true}, {61, 13000, false}};
    const brn_cuda_embedded e = {.toolkit = 12090, .architectures = (const int[]){70, 75, 80, 0}}, none = {0};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
        cr_expect_eq(brn_cuda_embedded_serve(&e, cases[c].capability, cases[c].driver), cases[c].served, "%d, %d", cases[c].capability, cases[c].driver);
        cr_expect_not(brn_cuda_embedded_serve(&none, cases[c].capability, cases[c].driver));
    }
}

static void opens(const char *capability, const char *driver, bool works)
{
    brn_device *dev;
    setenv("BRENIER_STANDIN_CAPABILITY", capability, 1);
    setenv("BRENIER_STANDIN_DRIVER", driver, 1);
    if (works) {
        MUST(brn_device_open(&dev, "cuda:0", 1));
        cr_expect_not(brn_cuda_kernels_compile(dev->impl), "%s, %s", capability, driver);
        brn_device_close(dev);
    } else if (!compiler_for(atoi(driver))) {
        MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_DEVICE, "embedded kernels are for 7.0 7.5 8.0");
    }
    cr_expect_eq(compiled(), 0);
}

Test(cuda_fatbin, the_driver_takes_what_is_served)
{
    if (!cuda_here("cuda_fatbin/the_driver_takes_what_is_served")) return;
    opens("70", "12090", true);
    opens("86", "12000", true);
    opens("90", "12090", true);
    opens("90", "12040", false);
    opens("70", "11080", false);
}

/* ---- all that is done with kernels ------------------------------------------------------------- */

/* Products where cuBLAS is missing, graphs with loops: nothing is compiled. */
Test(cuda_fatbin, nothing_is_compiled)
{
    if (!cuda_here("cuda_fatbin/nothing_is_compiled")) return;
    setenv("BRENIER_CUDA_GEMM", "own", 1);
    test_products("cuda:0", "embedded");
    const test_step_counts sum = test_count_steps("cuda:0", 4, 64, "train.potential.kind=adamw train.amortizer.kind=adamw");
    cr_expect_leq(sum.most_submissions, 3);
    cr_expect_eq(compiled(), 0);
}

/* Another text than the build's is compiled, where there is a compiler. */
Test(cuda_fatbin, another_text)
{
    brn_device *dev;
    brn_cu_module module;
    static const char text[] = "extern \"C\" __global__ void other(float *x) { x[0] = 1; }";
    if (!cuda_here("cuda_fatbin/another_text")) return;
    MUST(brn_device_open(&dev, "cuda:0", 1));
    if (compiler_here(dev)) {
        MUST(brn_cuda_load_text(dev->impl, "cuda-kernels", text, &module));
        cr_expect_eq(brn_cu.cuModuleUnload(module), 0);
    } else {
        MUST_FAIL(brn_cuda_load_text(dev->impl, "cuda-kernels", text, &module), BRN_ERR_DEVICE, "no NVRTC");
    }
    cr_expect_eq(compiled(), compiler_here(dev));
    brn_device_close(dev);
}

static int refusals;

static brn_cu_code refuse_once(const char *call, bool *sticky)
{
    (void)sticky;
    return !strcmp(call, "cuModuleLoadData") && refusals++ == 0 ? BRN_CU_ERROR_NO_BINARY : 0;
}

/* What the driver refuses is compiled, and kept; the next time the build's image is refused again, and that of the disk taken. */
Test(cuda_fatbin, images_that_are_refused)
{
    standin_hooks h;
    brn_device *dev;
    if (!standin_find(&h, "cuda_fatbin/images_that_are_refused")) return;
    for (int turn = 0; turn < 2; ++turn) {
        refusals = 0;
        h.watch(refuse_once);
        if (!compiler_for(12090)) {
            MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_DEVICE, "cuda-kernels: no NVRTC");
        } else {
            MUST(brn_device_open(&dev, "cuda:0", 1));
            cr_expect_eq(refusals, 2);
            cr_expect_eq(compiled(), 1);
            brn_device_close(dev);
        }
        cr_expect_eq(h.live(), 0);
        h.watch(NULL);
    }
}
