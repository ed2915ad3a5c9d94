/* A pair on a device, and whole batches drawn tile by tile. */
#ifndef BRN_TESTS_MEASURES_FIXTURE_H
#define BRN_TESTS_MEASURES_FIXTURE_H

#include "measures/kinds.h"
#include "support/devices.h"

typedef struct {
    brn_device *device;
    brn_pair *pair;
    int n;
} fixture;

/** Settings of nothing but a built-in or benchmark pair. */
brn_settings fixture_settings(const char *pair, int n);
fixture fixture_open(const char *device, int threads, const brn_settings *settings);
static inline fixture fixture_pair(const char *device, const char *pair, int n)
{
    const brn_settings s = fixture_settings(pair, n);
    return fixture_open(device, 1, &s);
}
void fixture_close(fixture *f);
/** The pair is not opened, and the reason has `part`. */
void fixture_refused(const brn_settings *settings, brn_status status, const char *part);

/** All rows of a batch, row-major, in tiles of `tile` rows (0: the device's own). Release with free(). */
double *fixture_batch(const fixture *f, brn_side side, const brn_draw *draw, int tile);
/** `count` samples through the public call. */
float *fixture_samples(const fixture *f, brn_side side, uint64_t seed, uint64_t first, size_t count);

#endif
