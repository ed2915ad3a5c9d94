/* Device memory: large blocks from the driver, pieces of them for buffers; first fit. */
#include "core/memory.h"
#include "vulkan/vk.h"

#include <stdlib.h>
#include <string.h>

static double mib(size_t bytes) { return (double)bytes / 1048576.0; }

static brn_status create_buffer(brn_vk *v, size_t size, VkBuffer *buffer)
{
    const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = size,
                                     .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    return BRN_VK(v, CreateBuffer, (v->device, &info, NULL, buffer), "%.1f MiB", mib(size));
}

static void destroy_block(brn_vk *v, brn_vk_block *b)
{
    for (brn_vk_piece *p = b->first, *after; p; p = after) {
        after = p->after;
        free(p);
    }
    if (b->buffer) v->fn.DestroyBuffer(v->device, b->buffer, NULL);
    if (b->memory) v->fn.FreeMemory(v->device, b->memory, NULL);
    free(b);
}

/* Memory of a type with a buffer over it, one free piece. */
static brn_status fill_block(brn_vk *v, brn_vk_block *b, uint32_t type, const char *what)
{
    VkMemoryRequirements needs;
    BRN_TRY(create_buffer(v, b->size, &b->buffer));
    v->fn.GetBufferMemoryRequirements(v->device, b->buffer, &needs);
    const VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = needs.size, .memoryTypeIndex = type};
    BRN_TRY(BRN_VK(v, AllocateMemory, (v->device, &info, NULL, &b->memory), "%.1f MiB for %s", mib(needs.size), what));
    BRN_TRY(BRN_VK(v, BindBufferMemory, (v->device, b->buffer, b->memory, 0), "%.1f MiB", mib(b->size)));
    if (v->memory.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)
        BRN_TRY(BRN_VK(v, MapMemory, (v->device, b->memory, 0, VK_WHOLE_SIZE, 0, (void **)&b->mapped), "%.1f MiB", mib(b->size)));
    BRN_TRY(BRN_ALLOC(&b->first, 1, what));
    *b->first = (brn_vk_piece){.block = b, .size = b->size};
    return BRN_OK;
}

static brn_status create_block(brn_vk *v, brn_vk_block **out, size_t size, uint32_t type, const char *what)
{
    brn_vk_block *b;
    BRN_TRY(BRN_ALLOC(&b, 1, what));
    b->size = size;
    b->whole = (brn_buf){.dev = v->dev, .count = size, .elem = 1, .data = b};
    const brn_status status = fill_block(v, b, type, what);
    if (status == BRN_OK) *out = b;
    else destroy_block(v, b);
    return status;
}

/* The first type that a buffer may use and that has all `flags`; false if there is none. */
static bool find_type(const brn_vk *v, uint32_t usable, VkMemoryPropertyFlags flags, uint32_t *type)
{
    for (uint32_t i = 0; i < v->memory.memoryTypeCount; ++i)
        if ((usable >> i & 1) && (v->memory.memoryTypes[i].propertyFlags & flags) == flags) {
            *type = i;
            return true;
        }
    return false;
}

/* Where host and device share their memory, device memory is mapped; elsewhere copies go through staging
 * buffers. BRENIER_VULKAN_STAGING=1 asks for them everywhere, so that one machine can test both. */
static brn_status choose_types(brn_vk *v)
{
    enum {
        VISIBLE = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
        CACHED = VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
        LOCAL = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
    };
    VkBuffer probe;
    VkMemoryRequirements needs;
    BRN_TRY(create_buffer(v, BRN_VK_ALIGN, &probe));
    v->fn.GetBufferMemoryRequirements(v->device, probe, &needs);
    v->fn.DestroyBuffer(v->device, probe, NULL);
    const uint32_t usable = needs.memoryTypeBits;
    const char *staging = getenv("BRENIER_VULKAN_STAGING");
    const VkPhysicalDeviceType kind = v->properties.deviceType;
    const bool shared = kind == VK_PHYSICAL_DEVICE_TYPE_CPU || kind == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
    v->mapped = shared && !(staging && !strcmp(staging, "1")) &&
                (find_type(v, usable, LOCAL | VISIBLE | CACHED, &v->type_device) || find_type(v, usable, LOCAL | VISIBLE, &v->type_device));
    if (!v->mapped && !find_type(v, usable, LOCAL, &v->type_device)) return brn_fail(BRN_ERR_DEVICE, "%s: no device memory for buffers", v->name);
    if (!find_type(v, usable, VISIBLE, &v->type_upload)) return brn_fail(BRN_ERR_DEVICE, "%s: no memory that the host can see", v->name);
    if (!find_type(v, usable, VISIBLE | CACHED, &v->type_download)) v->type_download = v->type_upload;
    if (!find_type(v, usable, LOCAL | VISIBLE, &v->type_params)) v->type_params = v->type_upload;
    return BRN_OK;
}

brn_status brn_vk_memory_open(brn_vk *v)
{
    enum { BLOCK = 64 << 20, SHARE = 16 };
    BRN_TRY(choose_types(v));
    const VkDeviceSize heap = v->memory.memoryHeaps[v->memory.memoryTypes[v->type_device].heapIndex].size;
    v->block_size = heap / SHARE < BLOCK ? (size_t)heap / SHARE / BRN_VK_ALIGN * BRN_VK_ALIGN : BLOCK;
    v->param_bytes = v->properties.limits.minUniformBufferOffsetAlignment;
    if (v->param_bytes < BRN_COMMAND_PARAMS) v->param_bytes = BRN_COMMAND_PARAMS; /* both are powers of two */
    BRN_TRY(create_block(v, &v->params, BRN_REPLAYS * BRN_VK_COMMANDS * v->param_bytes, v->type_params, "parameters"));
    BRN_TRY(create_block(v, &v->upload, BRN_VK_STAGING, v->type_upload, "uploads"));
    return v->mapped ? BRN_OK : create_block(v, &v->download, BRN_VK_STAGING, v->type_download, "downloads");
}

void brn_vk_memory_close(brn_vk *v)
{
    for (brn_vk_block *b = v->blocks, *next; b; b = next) {
        next = b->next;
        destroy_block(v, b);
    }
    brn_vk_block *const own[] = {v->upload, v->download, v->params};
    for (int i = 0; i < 3; ++i)
        if (own[i]) destroy_block(v, own[i]);
    v->blocks = v->upload = v->download = v->params = NULL;
}

static brn_vk_piece *first_fit(brn_vk *v, size_t size)
{
    for (brn_vk_block *b = v->blocks; b; b = b->next)
        for (brn_vk_piece *p = b->retired ? NULL : b->first; p; p = p->after)
            if (!p->used && p->size >= size) return p;
    return NULL;
}

/* The front of a free piece; the rest stays free. */
static brn_status take(brn_vk_piece *p, size_t size, const char *what)
{
    if (p->size > size) {
        brn_vk_piece *rest;
        BRN_TRY(BRN_ALLOC(&rest, 1, what));
        *rest = (brn_vk_piece){.block = p->block, .offset = p->offset + size, .size = p->size - size, .before = p, .after = p->after};
        if (rest->after) rest->after->before = rest;
        p->after = rest;
        p->size = size;
    }
    p->used = true;
    return BRN_OK;
}

brn_status brn_vk_alloc(brn_buf *buf, const char *what)
{
    brn_vk *v = buf->dev->impl;
    size_t size;
    if (!brn_mul_size(buf->count, buf->elem, &size) || size > SIZE_MAX - BRN_VK_ALIGN) return brn_fail(BRN_ERR_MEMORY, "%s: %zu elements", what, buf->count);
    if (size > v->properties.limits.maxStorageBufferRange)
        return brn_fail(BRN_ERR_MEMORY, "%s: %.1f MiB in one buffer; the device allows %.1f MiB (maxStorageBufferRange)", what, mib(size),
                        mib(v->properties.limits.maxStorageBufferRange));
    size = (size + BRN_VK_ALIGN - 1) / BRN_VK_ALIGN * BRN_VK_ALIGN;
    brn_vk_piece *piece = first_fit(v, size);
    if (!piece) {
        brn_vk_block *block;
        BRN_TRY(create_block(v, &block, size > v->block_size ? size : v->block_size, v->type_device, what));
        block->next = v->blocks;
        v->blocks = block;
        piece = block->first;
    }
    BRN_TRY(take(piece, size, what));
    buf->data = piece;
    return BRN_OK;
}

static brn_vk_piece *join_with_next(brn_vk_piece *p)
{
    brn_vk_piece *next = p->after;
    if (!next || next->used || p->used) return p;
    p->size += next->size;
    p->after = next->after;
    if (p->after) p->after->before = p;
    free(next);
    return p;
}

static bool empty(const brn_vk_block *b) { return !b->first->used && !b->first->after; }

/* One empty block of the usual size is kept for what comes. */
static void retire_surplus(brn_vk *v, brn_vk_block *b)
{
    bool spare = false;
    for (const brn_vk_block *other = v->blocks; other; other = other->next) spare = spare || (other != b && !other->retired && empty(other));
    b->retired = spare || b->size > v->block_size;
}

/* Commands that use the memory may still run; what comes later in the queue is ordered behind them. */
void brn_vk_release(brn_buf *buf)
{
    brn_vk *v = buf->dev->impl;
    brn_vk_piece *p = buf->data;
    p->used = false;
    join_with_next(p);
    if (p->before) p = join_with_next(p->before);
    if (empty(p->block)) retire_surplus(v, p->block);
}

void brn_vk_memory_trim(brn_vk *v)
{
    bool any = false;
    for (brn_vk_block **at = &v->blocks; *at;) {
        brn_vk_block *b = *at;
        if (!b->retired) {
            at = &b->next;
            continue;
        }
        *at = b->next;
        destroy_block(v, b);
        any = true;
    }
    if (any) brn_vk_sets_reset(v);
}
