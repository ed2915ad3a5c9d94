/* Times by the device's own clock: two timestamps around what is queued between them. */
#include "vulkan/vk.h"

#include <math.h>

enum { MARKS = 2 };

/* Bits of a timestamp that mean something; 0: the queue has no clock. */
static uint32_t clock_bits(const brn_vk *v)
{
    enum { MOST = 32 };
    VkQueueFamilyProperties families[MOST];
    uint32_t n = MOST;
    v->fn.GetPhysicalDeviceQueueFamilyProperties(v->physical, &n, families);
    return v->family < n ? families[v->family].timestampValidBits : 0;
}

void brn_vk_timer_mark(brn_vk *v, VkCommandBuffer commands, int at)
{
    if (at == 0) v->fn.CmdResetQueryPool(commands, v->marks, 0, MARKS);
    v->fn.CmdWriteTimestamp(commands, at == 0 ? VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT : VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, v->marks, (uint32_t)at);
}

static brn_status mark(brn_vk *v, int at)
{
    brn_command *c;
    return brn_vk_command(v, BRN_COMMAND_MARK, at, NULL, 0, &c);
}

brn_status brn_vk_timer_start(brn_queue *q)
{
    brn_vk *v = brn_vk_of(q);
    const VkQueryPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = MARKS};
    if (!clock_bits(v)) return BRN_OK;
    if (!v->marks) BRN_TRY(BRN_VK(v, CreateQueryPool, (v->device, &info, NULL, &v->marks), "%d timestamps", MARKS));
    return mark(v, 0);
}

brn_status brn_vk_timer_stop(brn_queue *q, double *seconds)
{
    brn_vk *v = brn_vk_of(q);
    const uint32_t bits = clock_bits(v);
    uint64_t ticks[MARKS];
    *seconds = (double)NAN;
    if (!v->marks) return brn_vk_finish(v);
    BRN_TRY(mark(v, 1));
    BRN_TRY(brn_vk_finish(v));
    BRN_TRY(BRN_VK(v, GetQueryPoolResults, (v->device, v->marks, 0, MARKS, sizeof ticks, ticks, sizeof *ticks, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT),
                   "%d timestamps", MARKS));
    const uint64_t all = bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    *seconds = 1e-9 * (double)v->properties.limits.timestampPeriod * (double)((ticks[1] - ticks[0]) & all);
    return BRN_OK;
}

void brn_vk_timer_close(brn_vk *v)
{
    if (v->marks) v->fn.DestroyQueryPool(v->device, v->marks, NULL);
}
