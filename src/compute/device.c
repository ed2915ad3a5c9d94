/* Devices by name. */
#include "compute/backend.h"
#include "core/memory.h"

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

/* "auto": the first usable real GPU in the order of the list, else the host. */
static brn_status choose(char name[static 64])
{
    brn_device_info info[LISTED];
    int count;
    BRN_TRY(brn_device_list(info, LISTED, &count));
    strcpy(name, "host");
    for (int i = count < LISTED ? count - 1 : LISTED - 1; i >= 0; --i)
        if (info[i].available && info[i].gpu) memcpy(name, info[i].name, 64);
    return BRN_OK;
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

brn_status brn_device_open(brn_device **device, const char *name, int threads)
{
    *device = NULL;
    char chosen[64];
    if (!strcmp(name, "auto")) {
        BRN_TRY(choose(chosen));
        name = chosen;
    }
    brn_device *dev;
    BRN_TRY(BRN_ALLOC(&dev, 1, "device"));
    brn_status status = open_on(dev, name, threads);
    if (status != BRN_OK) {
        free(dev);
        return status;
    }
    *device = dev;
    return BRN_OK;
}

void brn_device_close(brn_device *device)
{
    if (!device) return;
    device->ops->close(device);
    free(device);
}

const char *brn_device_name(const brn_device *device) { return device->name; }
int brn_device_queues(const brn_device *dev) { return dev->queue_count; }
brn_queue *brn_device_queue(brn_device *dev, int i) { return &dev->queues[i]; }
int brn_queue_index(const brn_queue *q) { return q->index; }
int brn_device_tile_rows(const brn_device *dev) { return dev->tile_rows; }
bool brn_device_is_f64(const brn_device *dev) { return dev->real_size == sizeof(double); }

int brn_device_lanes(const brn_device *dev, int rows)
{
    int lanes = (rows + 63) / 64 * 64;
    return lanes < dev->tile_rows ? lanes : dev->tile_rows;
}

brn_status brn_parallel(brn_device *dev, int count, brn_item_fn fn, void *context)
{
    return dev->ops->parallel(dev, count, fn, context);
}
