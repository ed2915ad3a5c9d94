/* Commands are listed, and the list handed over when something is read or when it is long enough. A list of the
 * structure of one that came before is not recorded again: parameters lie in memory that the host sees, so that the
 * command buffer of that time does with new ones. A barrier stands before a command only if it touches bytes that a
 * command since the last barrier touches too, one of them writing; at the end of each list stands one for all. */
#include "vulkan/vk.h"

#include <string.h>

enum {
    STAGES = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
    WRITES = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
    ACCESSES = WRITES | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT
};

/* What is on it may still run: that is waited for when the tape is used again. */
static void free_tape(void *context, void *made)
{
    (void)context;
    ((brn_vk_tape *)made)->taken = false;
}

static brn_status open_tape(brn_vk *v, brn_vk_tape *t)
{
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .queueFamilyIndex = v->family};
    BRN_TRY(BRN_VK(v, CreateCommandPool, (v->device, &pool, NULL, &t->pool), "commands"));
    const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = t->pool,
                                              .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY, .commandBufferCount = 1};
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    BRN_TRY(BRN_VK(v, AllocateCommandBuffers, (v->device, &info, &t->commands), "commands"));
    return BRN_VK(v, CreateFence, (v->device, &fence, NULL, &t->fence), "commands");
}

brn_status brn_vk_record_open(brn_vk *v)
{
    v->replays.drop = free_tape;
    for (int i = 0; i < BRN_REPLAYS; ++i) BRN_TRY(open_tape(v, &v->tape[i]));
    return brn_hazard_wanted() ? brn_hazard_create(&v->hazard, v->name) : BRN_OK;
}

void brn_vk_record_close(brn_vk *v)
{
    brn_commands_free(&v->list);
    brn_replays_forget(&v->replays, NULL);
    for (int i = 0; i < BRN_REPLAYS; ++i) {
        if (v->tape[i].fence) v->fn.DestroyFence(v->device, v->tape[i].fence, NULL);
        if (v->tape[i].pool) v->fn.DestroyCommandPool(v->device, v->tape[i].pool, NULL); /* and its command buffer */
    }
    brn_hazard_free(v->hazard);
}

/* ---- the list ---------------------------------------------------------------------------------- */

brn_status brn_vk_command(brn_vk *v, brn_command_kind kind, int kernel, const brn_hazard_access *access, int count, brn_command **command)
{
    if (v->list.count == BRN_VK_COMMANDS) BRN_TRY(brn_vk_submit(v));
    BRN_TRY(brn_commands_add(&v->list, kind, command));
    brn_command *c = *command;
    c->kernel = kernel;
    c->views = count;
    for (int i = 0; i < count; ++i) {
        const brn_vk_block *block = access[i].memory;
        c->view[i] = (brn_view){(brn_buf *)(uintptr_t)&block->whole, access[i].begin};
        c->reach[i] = access[i].end - access[i].begin;
    }
    return BRN_OK;
}

/* Copies and zeroing write their first view, products their last. */
static unsigned written(const brn_command *c)
{
    if (c->kind == BRN_COMMAND_KERNEL) return brn_kernel_table[c->kernel].writes;
    return c->kind == BRN_COMMAND_PRODUCT ? 1u << (c->views - 1) : 1;
}

static void accesses(const brn_command *c, brn_hazard_access access[static BRN_COMMAND_VIEWS])
{
    for (int i = 0; i < c->views; ++i)
        access[i] = (brn_hazard_access){c->view[i].buf->data, c->view[i].off, c->view[i].off + c->reach[i], written(c) >> i & 1};
}

static const char *name_of(const brn_vk *v, const brn_command *c)
{
    switch (c->kind) {
    case BRN_COMMAND_COPY: return "copy";
    case BRN_COMMAND_ZERO: return "zero";
    case BRN_COMMAND_MARK: return "timer";
    default: return brn_vk_modules[brn_vk_module_of(v, c)].name;
    }
}

/* ---- recording --------------------------------------------------------------------------------- */

/* What was touched since the last barrier. */
typedef struct {
    brn_hazard_access at[BRN_VK_PENDING];
    int count;
} touched;

static bool conflicts(const touched *since, const brn_hazard_access *access, int count)
{
    if (since->count + count > BRN_VK_PENDING) return true;
    for (int a = 0; a < count; ++a)
        for (int i = 0; i < since->count; ++i)
            if (brn_hazard_conflict(&access[a], &since->at[i])) return true;
    return false;
}

/* Everything before comes before everything after; with `host` the host may read once it has waited. */
static bool barrier(brn_vk *v, VkCommandBuffer commands, bool host)
{
    if (brn_vk_barrier_skipped()) return false;
    const VkMemoryBarrier memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = WRITES,
                                    .dstAccessMask = ACCESSES | (host ? VK_ACCESS_HOST_READ_BIT : 0)};
    v->fn.CmdPipelineBarrier(commands, STAGES, STAGES | (host ? VK_PIPELINE_STAGE_HOST_BIT : 0), 0, 1, &memory, 0, NULL, 0, NULL);
    return true;
}

static uint32_t params_at(const brn_vk *v, const brn_vk_tape *t, int command)
{
    return (uint32_t)((size_t)((t - v->tape) * BRN_VK_COMMANDS + command) * v->param_bytes);
}

static VkBuffer buffer_of(brn_view view) { return ((const brn_vk_block *)view.buf->data)->buffer; }

static brn_status record_command(brn_vk *v, const brn_vk_tape *t, int i, VkPipeline *bound)
{
    const brn_command *c = &v->list.at[i];
    switch (c->kind) {
    case BRN_COMMAND_COPY:
        v->fn.CmdCopyBuffer(t->commands, buffer_of(c->view[1]), buffer_of(c->view[0]), 1, &(VkBufferCopy){c->view[1].off, c->view[0].off, c->reach[0]});
        return BRN_OK;
    case BRN_COMMAND_ZERO: v->fn.CmdFillBuffer(t->commands, buffer_of(c->view[0]), c->view[0].off, c->reach[0], 0); return BRN_OK;
    case BRN_COMMAND_MARK: brn_vk_timer_mark(v, t->commands, c->kernel); return BRN_OK;
    default: return brn_vk_dispatch(v, t->commands, c, params_at(v, t, i), bound);
    }
}

static brn_status record(brn_vk *v, brn_vk_tape *t)
{
    const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    touched since = {.count = 0};
    VkPipeline bound = VK_NULL_HANDLE;
    BRN_TRY(BRN_VK(v, ResetCommandPool, (v->device, t->pool, 0), "%d commands", v->list.count));
    BRN_TRY(BRN_VK(v, BeginCommandBuffer, (t->commands, &info), "%d commands", v->list.count));
    for (int i = 0; i < v->list.count; ++i) {
        const int count = v->list.at[i].views;
        brn_hazard_access access[BRN_COMMAND_VIEWS];
        accesses(&v->list.at[i], access);
        const bool needed = conflicts(&since, access, count);
        t->barrier[i] = needed && barrier(v, t->commands, false);
        if (needed) since.count = 0;
        for (int a = 0; a < count; ++a) since.at[since.count++] = access[a];
        BRN_TRY(record_command(v, t, i, &bound));
    }
    t->barrier[v->list.count] = barrier(v, t->commands, true); /* the next list need not know what this one did */
    return BRN_VK(v, EndCommandBuffer, (t->commands), "%d commands", v->list.count);
}

/* ---- handing over ------------------------------------------------------------------------------ */

brn_status brn_vk_wait(brn_vk *v, brn_vk_tape *t)
{
    if (!t->pending) return BRN_OK;
    brn_count(v->dev, &v->dev->counts.waits, 1);
    BRN_TRY(BRN_VK(v, WaitForFences, (v->device, 1, &t->fence, VK_TRUE, UINT64_MAX), "submitted commands"));
    t->pending = false;
    return BRN_OK;
}

/* A tape that holds no list; one that is complete, if there is any. */
static brn_vk_tape *free_one(brn_vk *v)
{
    brn_vk_tape *found = NULL;
    for (int i = 0; i < BRN_REPLAYS; ++i)
        if (!v->tape[i].taken && (!found || !v->tape[i].pending)) found = &v->tape[i];
    return found;
}

static brn_status make_tape(brn_vk *v, brn_vk_tape **tape)
{
    BRN_TRY(brn_vk_sets_room(v, v->list.count));
    if (!brn_replays_find(&v->replays, &v->list)) BRN_TRY(brn_replays_add(&v->replays, &v->list));
    brn_replay *r = brn_replays_find(&v->replays, &v->list);
    brn_vk_tape *t = *tape = free_one(v); /* there are as many as lists */
    BRN_TRY(brn_vk_wait(v, t));
    BRN_TRY(record(v, t));
    t->taken = true;
    r->made = t;
    return BRN_OK;
}

/* The tape that this list is on, complete and so free to take parameters. */
static brn_status find_tape(brn_vk *v, brn_vk_tape **tape)
{
    const brn_replay *r = brn_replays_find(&v->replays, &v->list);
    if (!r || !r->made) return make_tape(v, tape);
    *tape = r->made;
    brn_count(v->dev, &v->dev->counts.replays, 1);
    return brn_vk_wait(v, *tape);
}

/* The barriers that were recorded, whenever that was. */
static brn_status check_order(brn_vk *v, const brn_vk_tape *t)
{
    brn_hazard_access access[BRN_COMMAND_VIEWS];
    for (int i = 0; i < v->list.count; ++i) {
        const brn_command *c = &v->list.at[i];
        accesses(c, access);
        if (t->barrier[i]) brn_hazard_barrier(v->hazard);
        BRN_TRY(brn_hazard_command(v->hazard, name_of(v, c), access, c->views));
    }
    if (t->barrier[v->list.count]) brn_hazard_barrier(v->hazard);
    return BRN_OK;
}

static brn_status hand_over(brn_vk *v)
{
    brn_vk_tape *t;
    BRN_TRY(find_tape(v, &t));
    for (int i = 0; i < v->list.count; ++i) memcpy(v->params->mapped + params_at(v, t, i), v->list.at[i].params, (size_t)v->list.at[i].size);
    BRN_TRY(BRN_VK(v, ResetFences, (v->device, 1, &t->fence), "%d commands", v->list.count));
    const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &t->commands};
    BRN_TRY(BRN_VK(v, QueueSubmit, (v->queue, 1, &info, t->fence), "%d commands", v->list.count));
    brn_count(v->dev, &v->dev->counts.submissions, 1);
    t->pending = true;
    v->last = t;
    return v->hazard ? check_order(v, t) : BRN_OK;
}

brn_status brn_vk_submit(brn_vk *v)
{
    if (!v->list.count) return BRN_OK;
    const brn_status status = hand_over(v);
    brn_commands_clear(&v->list);
    return status;
}

bool brn_vk_idle(const brn_vk *v) { return !v->list.count && !(v->last && v->last->pending); }

brn_status brn_vk_finish(brn_vk *v)
{
    BRN_TRY(brn_vk_submit(v));
    if (v->last) BRN_TRY(brn_vk_wait(v, v->last));
    for (int i = 0; i < BRN_REPLAYS; ++i) v->tape[i].pending = false; /* one queue: all before the last are complete too */
    v->upload_at = 0;
    if (v->hazard) brn_hazard_complete(v->hazard);
    brn_vk_memory_trim(v);
    return BRN_OK;
}
