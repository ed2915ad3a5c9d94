/* The devices that tests run on: everything brn_device_list names except the oracle, the host once per
 * instruction set. New backends join by themselves. */
#ifndef BRN_TESTS_DEVICES_H
#define BRN_TESTS_DEVICES_H

#include "compute/backend.h"
#include "support/support.h"

typedef struct test_device {
    char label[80]; /* "host(avx2)", "host:strict", "cuda:0" */
    char name[64];  /* as brn_device_open takes it */
    char isa[16];   /* BRENIER_HOST_ISA, or "" */
} test_device;

enum { TEST_DEVICES_MOST = 32 };

/** The devices that are here. One that is missing is printed as skipped, with the reason; if it stands in
 *  BRENIER_REQUIRED_DEVICES (labels or names, separated by commas) the test fails. BRENIER_TEST_DEVICES, such
 *  a list too, leaves out all others. */
int test_devices(test_device list[static TEST_DEVICES_MOST]);

/** The names of all devices that are here, each once, beginning with the oracle's: names[0..count). */
int test_device_names(char names[static TEST_DEVICES_MOST][64]);

/** One of them is `name`. If not, the test that runs is printed as skipped. */
bool test_device_is_here(const char *name);

/** Open it with `threads`. */
brn_device *test_device_open(const test_device *d, int threads);
/** The double-precision oracle, one thread. */
brn_device *test_oracle_open(void);

#endif
