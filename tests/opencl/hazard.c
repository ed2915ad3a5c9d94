/* The checker on OpenCL: what the queue guarantees is taken from the driver, and staging memory is filled again
 * only once nobody reads it. Each of both is broken here on purpose. */
#include "opencl/opencl.h"
#include "support/devices.h"

#include <stdio.h>
#include <stdlib.h>

static brn_device *dev;
static brn_queue *q;
static brn_cl_functions real;

static cl_command_queue in_any_order(cl_context context, cl_device_id id, cl_bitfield properties, cl_int *code)
{
    return real.clCreateCommandQueue(context, id, properties | CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, code);
}

static bool open_device(bool in_order)
{
    brn_device_info info[TEST_DEVICES_MOST];
    if (brn_opencl_enumerate(info, TEST_DEVICES_MOST) < 1 || !info[0].available) {
        fprintf(stderr, "skipped: %s::%s (%s)\n", criterion_current_test->category, criterion_current_test->name, info[0].reason);
        return false;
    }
    setenv("BRENIER_CHECK_HAZARDS", "1", 1);
    real = brn_cl;
    if (!in_order) brn_cl.clCreateCommandQueue = in_any_order;
    MUST(brn_device_open(&dev, "opencl:0", 1));
    q = brn_device_queue(dev, 0);
    return true;
}

static brn_buf *numbers(size_t count)
{
    brn_buf *buf;
    MUST(brn_buf_create(&buf, dev, BRN_REAL, count, "numbers"));
    return buf;
}

static brn_status chain(brn_buf *x, brn_buf *y)
{
    BRN_TRY(BRN_LAUNCH(q, fill, 64, 1, (.ld = 64, .s = 3), {x, 0}));
    return BRN_LAUNCH(q, axpby, 64, 1, (.ldx = 64, .ldy = 64, .s = 2), {x, 0}, {y, 0});
}

Test(opencl_hazard, a_queue_in_order_needs_no_more)
{
    float value;
    if (!open_device(true)) return;
    brn_buf *x = numbers(64), *y = numbers(64);
    MUST(chain(x, y));
    MUST(brn_copy(q, (brn_view){x, 0}, (brn_view){y, 0}, 64));
    MUST(brn_read_f32(q, (brn_view){x, 63}, &value, 1));
    cr_expect_eq(value, 6);
    brn_buf_free(x), brn_buf_free(y);
    brn_device_close(dev);
}

Test(opencl_hazard, a_queue_out_of_order_is_reported)
{
    float value;
    if (!open_device(false)) return;
    brn_buf *x = numbers(64), *y = numbers(64);
    MUST_FAIL(chain(x, y), BRN_ERR_INTERNAL, "hazard: axpby reads bytes 0 to 256 of memory that fill (command 1) writes, and no barrier");
    MUST_FAIL(brn_read_f32(q, (brn_view){x, 0}, &value, 1), BRN_ERR_INTERNAL, "hazard: read reads");
    brn_buf_free(x), brn_buf_free(y);
    brn_device_close(dev);
}

/* Every write fills a half of the staging memory; the third comes back to the first half. */
static brn_status three_writes(brn_buf *x, const float *from, bool forget)
{
    enum { COUNT = BRN_OPENCL_STAGE / sizeof(float) };
    brn_opencl *cl = dev->impl;
    for (int i = 0; i < 3; ++i) {
        if (i == 2 && forget) { /* nobody is known to use the first half */
            brn_cl.clReleaseEvent(cl->in_use[0]);
            cl->in_use[0] = NULL;
        }
        BRN_TRY(brn_write_f32(q, (brn_view){x, 0}, from, COUNT));
    }
    return BRN_OK;
}

Test(opencl_hazard, staging_memory_that_is_filled_too_early)
{
    if (!open_device(true)) return;
    float *from = calloc(BRN_OPENCL_STAGE, 1);
    brn_buf *x = numbers(BRN_OPENCL_STAGE / sizeof(float));
    MUST(three_writes(x, from, false));
    MUST(brn_read_f32(q, (brn_view){x, 0}, from, 1)); /* all is complete */
    MUST(three_writes(x, from, false));
    brn_buf_free(x);
    brn_device_close(dev);

    MUST(brn_device_open(&dev, "opencl:0", 1));
    q = brn_device_queue(dev, 0);
    x = numbers(BRN_OPENCL_STAGE / sizeof(float));
    MUST_FAIL(three_writes(x, from, true), BRN_ERR_INTERNAL, "hazard: write writes bytes 0 to 1048576 of memory that write (command 1) reads, and nobody waited");
    brn_buf_free(x);
    free(from);
    brn_device_close(dev);
}
