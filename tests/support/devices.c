#include "support/devices.h"
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool in_list(const char *list, const char *item)
{
    const size_t length = strlen(item);
    for (const char *at = list; (at = strstr(at, item)); at += length)
        if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length])) return true;
    return false;
}

static const char *required(void)
{
    const char *list = getenv("BRENIER_REQUIRED_DEVICES");
    return list ? list : "";
}

static void missing(const char *label, const char *reason)
{
    fprintf(stderr, "skipped: device %s (%s)\n", label, reason);
    cr_assert(!in_list(required(), label), "device %s is required here: %s", label, reason);
}

static int add(test_device *list, int count, const char *name, const char *isa)
{
    cr_assert_lt(count, TEST_DEVICES_MOST);
    test_device *d = &list[count];
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->isa, sizeof d->isa, "%s", isa);
    snprintf(d->label, sizeof d->label, *isa ? "%.60s(%s)" : "%.60s", name, isa);
    return count + 1;
}

/* The host falls back to its best instruction set for one it cannot run. */
static int add_host(test_device *list, int count)
{
#if defined(__x86_64__)
    static const char *const sets[] = {"plain", "avx2", "avx512"};
#else
    static const char *const sets[] = {"plain"};
#endif
    for (size_t i = 0; i < sizeof sets / sizeof *sets; ++i) {
        char label[80];
        snprintf(label, sizeof label, "host(%s)", sets[i]);
        setenv("BRENIER_HOST_ISA", sets[i], 1);
        if (strcmp(brn_host_best_engine()->isa, sets[i])) missing(label, "not supported by this processor");
        else count = add(list, count, "host", sets[i]);
    }
    unsetenv("BRENIER_HOST_ISA");
    return count;
}

static void all_required_are_known(const test_device *list, int count)
{
    char text[1024];
    snprintf(text, sizeof text, "%s", required());
    for (char *rest = text, *item; (item = strsep(&rest, ","));) {
        bool found = !*item || !strcmp(item, "host:f64");
        for (int i = 0; i < count; ++i) found = found || !strcmp(list[i].label, item) || !strcmp(list[i].name, item);
        cr_assert(found, "device %s is required here but not known", item);
    }
}

/* BRENIER_TEST_DEVICES leaves out all but those in it. */
static int keep_wanted(test_device *list, int count)
{
    const char *wanted = getenv("BRENIER_TEST_DEVICES");
    int kept = 0;
    if (!wanted || !*wanted) return count;
    for (int i = 0; i < count; ++i)
        if (in_list(wanted, list[i].name) || in_list(wanted, list[i].label)) list[kept++] = list[i];
    return kept;
}

int test_devices(test_device list[static TEST_DEVICES_MOST])
{
    brn_device_info info[TEST_DEVICES_MOST];
    int known, count = 0;
    MUST(brn_device_list(info, TEST_DEVICES_MOST, &known));
    for (int i = 0; i < known && i < TEST_DEVICES_MOST; ++i) {
        if (!info[i].available) missing(info[i].name, info[i].reason);
        else if (!strcmp(info[i].name, "host")) count = add_host(list, count);
        else if (strcmp(info[i].name, "host:f64")) count = add(list, count, info[i].name, "");
    }
    all_required_are_known(list, count);
    return keep_wanted(list, count);
}

int test_device_names(char names[static TEST_DEVICES_MOST][64])
{
    test_device list[TEST_DEVICES_MOST];
    const int known = test_devices(list);
    int count = 1;
    strcpy(names[0], "host:f64");
    for (int i = 0; i < known; ++i)
        if (strcmp(list[i].name, names[count - 1])) memcpy(names[count++], list[i].name, sizeof names[0]);
    return count;
}

bool test_device_is_here(const char *name)
{
    char names[TEST_DEVICES_MOST][64];
    for (int i = test_device_names(names) - 1; i >= 0; --i)
        if (!strcmp(names[i], name)) return true;
    fprintf(stderr, "skipped: %s::%s (no device %s)\n", criterion_current_test->category, criterion_current_test->name, name);
    return false;
}

brn_device *test_device_open(const test_device *d, int threads)
{
    brn_device *dev;
    if (*d->isa) setenv("BRENIER_HOST_ISA", d->isa, 1);
    MUST(brn_device_open(&dev, d->name, threads));
    unsetenv("BRENIER_HOST_ISA");
    return dev;
}

brn_device *test_oracle_open(void)
{
    brn_device *dev;
    MUST(brn_device_open(&dev, "host:f64", 1));
    return dev;
}
