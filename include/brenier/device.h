/** @file device.h
 *  Compute devices by name: "host" (all cores, single precision), "host:f64" (double precision, the
 *  oracle), "host:strict" (behaves like a foreign device, for tests), "cuda:0" (NVIDIA), "opencl:0" and so on (through the
 *  ICD loader), and "auto" (the best real GPU, else the host). Work never moves to another device unseen.
 */
#ifndef BRENIER_DEVICE_H
#define BRENIER_DEVICE_H

#include "status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct brn_device brn_device;

/** One line of the device list. */
typedef struct brn_device_info {
    char name[64];        /**< as brn_device_open takes it */
    char description[128];/**< model, instruction set */
    char reason[128];     /**< why it cannot be used; "" if it can */
    bool available;
    bool gpu;             /**< a real GPU, not a software driver */
    int  cores;           /**< cores or compute units */
    uint64_t memory;      /**< bytes; 0 = unknown */
} brn_device_info;

/** Fill info[0..capacity) with the known devices, usable or not, and *count with their number (which
 *  may exceed capacity; capacity 0 asks for the number only). Opens none. */
BRN_API brn_status brn_device_list(brn_device_info *info, int capacity, int *count);

/** The entry of a device list that "auto" takes: the first usable real GPU in the order of the list, else the
 *  host; -1 where there is neither. A software driver is never taken, the host is faster.
 *  @param why [out] the reason, for people, in why[0..size) */
BRN_API int brn_device_choose(const brn_device_info *info, int count, char *why, size_t size);

/** Open a device by name. `threads` is for hosts: 0 = one per usable core. Results do not depend on it.
 *  "auto" goes on to its next choice where the first cannot be opened. The environment variable
 *  BRENIER_DEVICE_MEMORY limits the bytes that may be allocated.
 *  @return BRN_ERR_DEVICE with the known names for an unknown or unusable one. Release with
 *  brn_device_close, after everything made on it. */
BRN_API brn_status brn_device_open(brn_device **device, const char *name, int threads);
BRN_API void brn_device_close(brn_device *device);

/** The device's full name. Valid while it is open. */
BRN_API const char *brn_device_name(const brn_device *device);
/** Why "auto" took this device; "" where it was asked for by name. Valid while it is open. */
BRN_API const char *brn_device_why(const brn_device *device);

#ifdef __cplusplus
}
#endif
#endif
