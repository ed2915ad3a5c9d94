/* Devices by name. */
#include "compute/backend.h"
#include "core/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const brn_backend *const backends[] = {
#define BRN_BACKEND_ENTRY(id) &brn_backend_##id,
    BRN_BACKEND_LIST(BRN_BACKEND_ENTRY)
#undef BRN_BACKEND_ENTRY
};
enum { BACKENDS = sizeof backends / sizeof *backends, LISTED = 64 };

brn_status brn_device_list(brn_device_info *info, int capacity, int *count)
{
    *count = 0;
    for (int b = 0; b < BACKENDS; ++b) {
        int room = capacity > *count ? capacity - *count : 0;
        *count += backends[b]->enumerate(room ? info + *count : NULL, room);
    }
    return BRN_OK;
}

static void append(char *text, size_t size, const char *more, const char *name)
{
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", more, name);
}

int brn_device_choose(const brn_device_info *info, int count, char *why, size_t size)
{
    int chosen = -1, host = -1, gpus = 0;
    char software[128] = "";
    for (int i = 0; i < count; ++i) {
        if (!strcmp(info[i].name, "host")) host = i;
        if (!info[i].available) continue;
        if (info[i].gpu && !gpus++) chosen = i;
        if (!info[i].gpu && strncmp(info[i].name, "host", 4)) append(software, sizeof software, *software ? ", " : "", info[i].name);
    }
    if (chosen < 0) chosen = host;
    if (gpus > 1) snprintf(why, size, "the first of %d GPUs", gpus);
    else if (gpus) snprintf(why, size, "the only GPU that can be used");
    else if (*software) snprintf(why, size, "no GPU can be used, and software drivers (%s) are slower than the host", software);
    else snprintf(why, size, "no GPU can be used");
    return chosen;
}

static brn_status unknown(const char *name)
{
    brn_device_info info[LISTED];
    int count;
    char names[512] = "";
    BRN_TRY(brn_device_list(info, LISTED, &count));
    for (int i = 0; i < count && i < LISTED; ++i)
        if (info[i].available && strlen(names) + strlen(info[i].name) + 3 < sizeof names)
            strcat(strcat(names, i ? ", " : ""), info[i].name);
    return brn_fail(BRN_ERR_DEVICE, "device \"%.60s\" is not known; usable here: %s, auto", name, names);
}

static brn_status open_on(brn_device *dev, const char *name, int threads)
{
    const char *colon = strchr(name, ':');
    size_t length = colon ? (size_t)(colon - name) : strlen(name);
    for (int b = 0; b < BACKENDS; ++b)
        if (strlen(backends[b]->name) == length && !memcmp(backends[b]->name, name, length)) {
            dev->ops = backends[b];
            if (dev->ops->abi != BRN_BACKEND_ABI)
                return brn_fail(BRN_ERR_DEVICE, "%s: backend interface %d, expected %d", name, dev->ops->abi, BRN_BACKEND_ABI);
            snprintf(dev->name, sizeof dev->name, "%s", name);
            return dev->ops->open(dev, colon ? colon + 1 : "", threads);
        }
    return unknown(name);
}

/* The environment may allow less memory than the device has. */
static brn_status limit_memory(brn_device *dev)
{
    const char *text = getenv("BRENIER_DEVICE_MEMORY");
    if (!text || !*text) return BRN_OK;
    char *end;
    errno = 0;
    const unsigned long long bytes = strtoull(text, &end, 10);
    if (*end || errno || !bytes || *text == '-')
        return brn_fail(BRN_ERR_USAGE, "BRENIER_DEVICE_MEMORY takes a number of bytes, found \"%.40s\"", text);
    dev->memory = bytes;
    dev->limited = true;
    return BRN_OK;
}

static brn_status open_named(brn_device **device, const char *name, int threads)
{
    brn_device *dev;
    BRN_TRY(BRN_ALLOC(&dev, 1, "device"));
    brn_status status = open_on(dev, name, threads);
    if (status == BRN_OK) {
        status = limit_memory(dev);
        if (status != BRN_OK) dev->ops->close(dev);
    }
    if (status != BRN_OK) {
        free(dev);
        return status;
    }
    *device = dev;
    return BRN_OK;
}

/* A number goes through a kernel. Kernels may be compiled while a device is open already, and are waited for here. */
static brn_status prove(brn_device *dev)
{
    brn_buf *buf;
    float number = 0;
    BRN_TRY(brn_buf_create(&buf, dev, BRN_REAL, 1, "a first number"));
    brn_queue *q = brn_device_queue(dev, 0);
    brn_status status = BRN_LAUNCH(q, fill, 1, 1, (.ld = 1, .s = 2), {buf, 0});
    if (status == BRN_OK) status = brn_read_f32(q, (brn_view){buf, 0}, &number, 1);
    if (status == BRN_OK && number != 2) status = brn_fail(BRN_ERR_DEVICE, "%s: wrote 2 and read %g", dev->name, (double)number);
    brn_buf_free(buf);
    return status;
}

static brn_status open_proven(brn_device **device, const brn_device_info *info, int threads)
{
    BRN_TRY(open_named(device, info->name, threads));
    const brn_status status = info->gpu ? prove(*device) : BRN_OK;
    if (status != BRN_OK) brn_device_close(*device), *device = NULL;
    return status;
}

/* One that cannot be opened, or computes nothing, is left out, and the choice made again. */
static brn_status open_auto(brn_device **device, int threads)
{
    brn_device_info info[LISTED];
    char why[128], failed[64] = "";
    int count;
    BRN_TRY(brn_device_list(info, LISTED, &count));
    if (count > LISTED) count = LISTED;
    for (;;) {
        const int chosen = brn_device_choose(info, count, why, sizeof why);
        const brn_status status = open_proven(device, &info[chosen], threads);
        if (status != BRN_OK && (!info[chosen].gpu || status != BRN_ERR_DEVICE)) return status;
        if (status == BRN_OK) {
            snprintf((*device)->why, sizeof (*device)->why, "%s%s%s", why, *failed ? "; could not use " : "", failed);
            return BRN_OK;
        }
        append(failed, sizeof failed, *failed ? ", " : "", info[chosen].name);
        info[chosen].available = false;
    }
}

brn_status brn_device_open(brn_device **device, const char *name, int threads)
{
    *device = NULL;
    return strcmp(name, "auto") ? open_named(device, name, threads) : open_auto(device, threads);
}

void brn_device_close(brn_device *device)
{
    if (!device) return;
    device->ops->close(device);
    free(device);
}

const char *brn_device_name(const brn_device *device) { return device->name; }
const char *brn_device_why(const brn_device *device) { return device->why; }
int brn_device_queues(const brn_device *dev) { return dev->queue_count; }
brn_queue *brn_device_queue(brn_device *dev, int i) { return &dev->queues[i]; }
int brn_queue_index(const brn_queue *q) { return q->index; }

/* A host's tile of many features would leave the cache, and batches of such samples are small: thin tiles keep
 * all its threads busy. */
enum { CACHED_TILE = 64, THIN_TILE = 16, MANY_FEATURES = 2048 };

int brn_device_tile_rows(const brn_device *dev, int feats)
{
    const bool thin = feats >= MANY_FEATURES && dev->tile_rows <= CACHED_TILE && dev->tile_rows > THIN_TILE;
    return thin ? THIN_TILE : dev->tile_rows;
}

bool brn_device_is_f64(const brn_device *dev) { return dev->real_size == sizeof(double); }
bool brn_device_at_hand(const brn_device *dev) { return dev->at_hand; }

int brn_device_lanes(const brn_device *dev, int rows)
{
    const int unit = dev->tile_rows <= CACHED_TILE ? THIN_TILE : CACHED_TILE, lanes = (rows + unit - 1) / unit * unit;
    return lanes < dev->tile_rows ? lanes : dev->tile_rows;
}

brn_status brn_parallel(brn_device *dev, int count, brn_item_fn fn, void *context)
{
    return dev->ops->parallel(dev, count, fn, context);
}
