/* Commands are recorded into one of a few command buffers and submitted together. A barrier stands before a
 * command only if it touches bytes that a command since the last barrier touches too, one of them writing. */
#include "vulkan/vk.h"

enum {
    STAGES = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
    WRITES = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    ACCESSES = WRITES | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT
};

brn_status brn_vk_record_open(brn_vk *v)
{
    for (int i = 0; i < BRN_VK_FRAMES; ++i) {
        brn_vk_frame *f = &v->frame[i];
        const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .queueFamilyIndex = v->family};
        BRN_TRY(BRN_VK(v, CreateCommandPool, (v->device, &pool, NULL, &f->pool), "commands"));
        const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = f->pool,
                                                  .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, .commandBufferCount = 1};
        const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
        BRN_TRY(BRN_VK(v, AllocateCommandBuffers, (v->device, &info, &f->commands), "commands"));
        BRN_TRY(BRN_VK(v, CreateFence, (v->device, &fence, NULL, &f->fence), "commands"));
    }
    return brn_hazard_wanted() ? brn_hazard_create(&v->hazard, v->name) : BRN_OK;
}

void brn_vk_record_close(brn_vk *v)
{
    for (int i = 0; i < BRN_VK_FRAMES; ++i) {
        if (v->frame[i].fence) v->fn.DestroyFence(v->device, v->frame[i].fence, NULL);
        if (v->frame[i].pool) v->fn.DestroyCommandPool(v->device, v->frame[i].pool, NULL); /* and its command buffer */
    }
    brn_hazard_free(v->hazard);
}

static brn_status wait_for(brn_vk *v, brn_vk_frame *f)
{
    brn_count(v->dev, &v->dev->counts.waits, 1);
    BRN_TRY(BRN_VK(v, WaitForFences, (v->device, 1, &f->fence, VK_TRUE, UINT64_MAX), "submitted commands"));
    f->pending = false;
    return BRN_OK;
}

static brn_status begin(brn_vk *v)
{
    brn_vk_frame *f = &v->frame[v->current];
    if (f->pending) BRN_TRY(wait_for(v, f));
    BRN_TRY(BRN_VK(v, ResetFences, (v->device, 1, &f->fence), "a command buffer"));
    BRN_TRY(BRN_VK(v, ResetCommandPool, (v->device, f->pool, 0), "a command buffer"));
    const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    BRN_TRY(BRN_VK(v, BeginCommandBuffer, (f->commands, &info), "a command buffer"));
    v->recording = true;
    v->commands = 0;
    v->bound = VK_NULL_HANDLE;
    return BRN_OK;
}

/* Everything before comes before everything after; with `host` the host may read once it has waited. */
static void barrier(brn_vk *v, bool host)
{
    v->pendings = 0;
    if (brn_vk_barrier_skipped()) return;
    const VkMemoryBarrier memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = WRITES,
                                    .dstAccessMask = ACCESSES | (host ? VK_ACCESS_HOST_READ_BIT : 0)};
    v->fn.CmdPipelineBarrier(v->frame[v->current].commands, STAGES, STAGES | (host ? VK_PIPELINE_STAGE_HOST_BIT : 0), 0, 1, &memory, 0, NULL, 0, NULL);
    if (v->hazard) brn_hazard_barrier(v->hazard);
}

static bool needs_barrier(const brn_vk *v, const brn_hazard_access *access, int count)
{
    if (v->pendings + count > BRN_VK_PENDING) return true;
    for (int a = 0; a < count; ++a)
        for (int i = 0; i < v->pendings; ++i)
            if (brn_hazard_conflict(&access[a], &v->pending[i])) return true;
    return false;
}

brn_status brn_vk_command(brn_vk *v, const char *what, const brn_hazard_access *access, int count, VkCommandBuffer *to)
{
    if (v->recording && v->commands >= BRN_VK_COMMANDS) BRN_TRY(brn_vk_submit(v));
    if (!v->recording) BRN_TRY(begin(v));
    if (needs_barrier(v, access, count)) barrier(v, false);
    for (int a = 0; a < count; ++a) v->pending[v->pendings++] = access[a];
    ++v->commands;
    *to = v->frame[v->current].commands;
    return v->hazard ? brn_hazard_command(v->hazard, what, access, count) : BRN_OK;
}

brn_status brn_vk_submit(brn_vk *v)
{
    if (!v->recording) return BRN_OK;
    brn_vk_frame *f = &v->frame[v->current];
    barrier(v, true); /* the next command buffer need not know what this one did */
    v->recording = false;
    BRN_TRY(BRN_VK(v, EndCommandBuffer, (f->commands), "%d commands", v->commands));
    const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &f->commands};
    BRN_TRY(BRN_VK(v, QueueSubmit, (v->queue, 1, &info, f->fence), "%d commands", v->commands));
    brn_count(v->dev, &v->dev->counts.submissions, 1);
    f->pending = true;
    v->current = (v->current + 1) % BRN_VK_FRAMES;
    return BRN_OK;
}

bool brn_vk_idle(const brn_vk *v)
{
    bool idle = !v->recording;
    for (int i = 0; i < BRN_VK_FRAMES; ++i) idle = idle && !v->frame[i].pending;
    return idle;
}

brn_status brn_vk_finish(brn_vk *v)
{
    BRN_TRY(brn_vk_submit(v));
    brn_vk_frame *last = &v->frame[(v->current + BRN_VK_FRAMES - 1) % BRN_VK_FRAMES];
    if (last->pending) BRN_TRY(wait_for(v, last));
    for (int i = 0; i < BRN_VK_FRAMES; ++i) v->frame[i].pending = false; /* one queue: all before the last are complete too */
    v->upload_at = 0;
    if (v->hazard) brn_hazard_complete(v->hazard);
    brn_vk_memory_trim(v);
    return BRN_OK;
}
