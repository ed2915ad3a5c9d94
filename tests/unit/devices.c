/* Which device "auto" takes from a list, and limits of memory. */
#include "compute/backend.h"
#include "support/support.h"

#include <stdlib.h>

#define HOST {.name = "host", .available = true}, {.name = "host:f64", .available = true}, {.name = "host:strict", .available = true}
#define DEVICE(name_, available_, gpu_) {.name = name_, .available = available_, .gpu = gpu_}
#define EXPECT_CHOICE(expected, part, ...)                                                                   \
    do {                                                                                                     \
        const brn_device_info list[] = {__VA_ARGS__};                                                        \
        char why[128];                                                                                       \
        const int chosen = brn_device_choose(list, (int)(sizeof list / sizeof *list), why, sizeof why);      \
        cr_assert(chosen >= 0);                                                                              \
        cr_expect_str_eq(list[chosen].name, expected);                                                       \
        cr_expect(strstr(why, part), "\"%s\" lacks \"%s\"", why, part);                                      \
    } while (0)

Test(devices, auto_prefers_a_real_gpu)
{
    EXPECT_CHOICE("host", "no GPU", HOST);
    EXPECT_CHOICE("vulkan:1", "only GPU", HOST, DEVICE("opencl:0", true, false), DEVICE("vulkan:0", true, false), DEVICE("vulkan:1", true, true));
    EXPECT_CHOICE("opencl:0", "first of 2", HOST, DEVICE("opencl:0", true, true), DEVICE("vulkan:0", true, true));
    EXPECT_CHOICE("vulkan:0", "only GPU", DEVICE("cuda:0", false, true), DEVICE("vulkan:0", true, true), HOST);
}

Test(devices, auto_leaves_software_and_missing_ones)
{
    EXPECT_CHOICE("host", "software drivers (opencl:0, vulkan:0)", HOST, DEVICE("opencl:0", true, false), DEVICE("vulkan:0", true, false));
    EXPECT_CHOICE("host", "no GPU can be used", HOST, DEVICE("cuda:0", false, true));
    char why[128];
    cr_expect_eq(brn_device_choose(NULL, 0, why, sizeof why), -1);
    char small[8];
    const brn_device_info list[] = {HOST};
    cr_expect_eq(brn_device_choose(list, 3, small, sizeof small), 0);
    cr_expect_str_eq(small, "no GPU ");
}

Test(devices, auto_opens_and_says_why)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "auto", 1));
    cr_expect_gt(strlen(brn_device_why(dev)), 0);
    brn_device_close(dev);
    MUST(brn_device_open(&dev, "host", 1));
    cr_expect_str_eq(brn_device_why(dev), "");
    brn_device_close(dev);
}

Test(devices, memory_is_booked_and_limited)
{
    brn_device *dev;
    brn_buf *a, *b;
    setenv("BRENIER_DEVICE_MEMORY", "1000", 1);
    MUST(brn_device_open(&dev, "host", 2));
    MUST(brn_buf_create(&a, dev, BRN_REAL, 200, "first"));
    MUST_FAIL(brn_buf_create(&b, dev, BRN_REAL, 100, "second"), BRN_ERR_MEMORY, "second: 400 bytes do not fit, 800 of 1000");
    cr_expect_null(b);
    MUST(brn_buf_create(&b, dev, BRN_INT, 50, "second"));
    cr_expect_eq(dev->used, 1000);
    brn_buf_free(a);
    cr_expect(dev->used == 200 && dev->peak == 1000);
    MUST_FAIL(brn_buf_create(&a, dev, BRN_REAL, SIZE_MAX / 2, "all"), BRN_ERR_MEMORY, "all");
    cr_expect_eq(dev->used, 200);
    brn_buf_free(b);
    brn_device_close(dev);
    static const char *const bad[] = {"lots", "-5", "0", "12k", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        setenv("BRENIER_DEVICE_MEMORY", bad[i], 1);
        MUST_FAIL(brn_device_open(&dev, "host", 1), BRN_ERR_USAGE, "BRENIER_DEVICE_MEMORY");
    }
    unsetenv("BRENIER_DEVICE_MEMORY");
}
