/* Each call of the driver fails once, and each allocation: one line that names the device, the right status, the checkpoint
 * kept, nothing left behind on the device. */
#include "walk.h"
#include <brenier/train.h>
#include "opencl/cl_api.h"
#include "support/devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- objects of the driver, counted ------------------------------------------------------------ */

static long live;
static brn_cl_functions real;

static cl_mem count_buffer(cl_context c, cl_bitfield flags, size_t size, void *host, cl_int *code)
{
    const cl_mem made = real.clCreateBuffer(c, flags, size, host, code);
    live += made != NULL;
    return made;
}
static cl_program count_source(cl_context c, cl_uint n, const char **text, const size_t *lengths, cl_int *code)
{
    const cl_program made = real.clCreateProgramWithSource(c, n, text, lengths, code);
    live += made != NULL;
    return made;
}
static cl_program count_binary(cl_context c, cl_uint n, const cl_device_id *ids, const size_t *sizes, const unsigned char **bytes,
                               cl_int *loaded, cl_int *code)
{
    const cl_program made = real.clCreateProgramWithBinary(c, n, ids, sizes, bytes, loaded, code);
    live += made != NULL;
    return made;
}
static cl_kernel count_kernel(cl_program p, const char *name, cl_int *code)
{
    const cl_kernel made = real.clCreateKernel(p, name, code);
    live += made != NULL;
    return made;
}
static cl_command_queue count_queue(cl_context c, cl_device_id id, cl_bitfield properties, cl_int *code)
{
    const cl_command_queue made = real.clCreateCommandQueue(c, id, properties, code);
    live += made != NULL;
    return made;
}
static cl_context count_context(const intptr_t *properties, cl_uint n, const cl_device_id *ids,
                                void (*notify)(const char *, const void *, size_t, void *), void *user, cl_int *code)
{
    const cl_context made = real.clCreateContext(properties, n, ids, notify, user, code);
    live += made != NULL;
    return made;
}
#define RELEASE(name, type)                                                                                  \
    static cl_int count_##name(type object)                                                                  \
    {                                                                                                        \
        --live;                                                                                              \
        return real.name(object);                                                                            \
    }
RELEASE(clReleaseMemObject, cl_mem)
RELEASE(clReleaseProgram, cl_program)
RELEASE(clReleaseKernel, cl_kernel)
RELEASE(clReleaseCommandQueue, cl_command_queue)
RELEASE(clReleaseContext, cl_context)

static void count_objects(void)
{
    real = brn_cl;
    brn_cl.clCreateBuffer = count_buffer;
    brn_cl.clCreateProgramWithSource = count_source;
    brn_cl.clCreateProgramWithBinary = count_binary;
    brn_cl.clCreateKernel = count_kernel;
    brn_cl.clCreateCommandQueue = count_queue;
    brn_cl.clCreateContext = count_context;
    brn_cl.clReleaseMemObject = count_clReleaseMemObject;
    brn_cl.clReleaseProgram = count_clReleaseProgram;
    brn_cl.clReleaseKernel = count_clReleaseKernel;
    brn_cl.clReleaseCommandQueue = count_clReleaseCommandQueue;
    brn_cl.clReleaseContext = count_clReleaseContext;
}

/* ---- every call -------------------------------------------------------------------------------- */

static long objects_left(void) { return live; }

static void walk(cl_int code, bool for_good, brn_status expected)
{
    if (brn_cl_load() != BRN_OK) return; /* said by the walk */
    count_objects();
    fault_walk_run(&(fault_walk){"opencl:0", code, for_good, expected, .looking = "OpenCL driver", .live = objects_left});
}

Test(opencl_faults, lost_device) { walk(CL_OUT_OF_RESOURCES, true, BRN_ERR_DEVICE); }
Test(opencl_faults, out_of_memory_that_shows_late) { walk(CL_MEM_OBJECT_ALLOCATION_FAILURE, false, BRN_ERR_MEMORY); }

/* ---- every allocation -------------------------------------------------------------------------- */

static long buffers_left;

static cl_mem some_buffers(cl_context c, cl_bitfield flags, size_t size, void *host, cl_int *code)
{
    if (buffers_left-- > 0) return real.clCreateBuffer(c, flags, size, host, code);
    *code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    return NULL;
}

/* The device gives out memory `count` times. */
static brn_status train_with(brn_device *dev, const brn_settings *s, long count)
{
    buffers_left = count;
    return brn_train(dev, s, true, NULL, NULL, NULL);
}

/* One device for all: it goes on after each failure. */
Test(opencl_faults, out_of_memory_at_every_allocation)
{
    char dir[64];
    size_t length;
    long count = 0;
    brn_device *dev;
    if (!test_device_is_here("opencl:0")) return;
    test_make_dir(dir);
    const brn_settings s = scenario_settings(dir, (const char *const[]){"device=opencl:0", "train.amortizer.kind=soap", NULL});
    char *former = scenario_checkpoint(&s, &length);
    real = brn_cl;
    brn_cl.clCreateBuffer = some_buffers;
    MUST(brn_device_open(&dev, s.device, 1));
    for (brn_status status; (status = train_with(dev, &s, count)) != BRN_OK; ++count) {
        cr_assert_eq(status, BRN_ERR_MEMORY, "allocation %ld: %s", count, brn_last_error());
        cr_assert(strstr(brn_last_error(), "opencl:0") && strstr(brn_last_error(), "clCreateBuffer failed (") && strstr(brn_last_error(), " bytes)"),
                  "allocation %ld: \"%s\"", count, brn_last_error());
        cr_assert(scenario_checkpoint_is(&s, former, length), "allocation %ld: the checkpoint was changed", count);
    }
    fprintf(stderr, "opencl: %ld allocations made to fail\n", count);
    cr_assert_gt(count, 40);
    brn_device_close(dev);
    free(former);
    test_remove_dir(dir);
}
