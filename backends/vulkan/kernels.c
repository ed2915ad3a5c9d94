/* Pipelines, descriptor sets and launches. A set binds exactly what a launch declares to touch, from the last
 * place where a descriptor may start; the elements from there on to the view follow the parameters, which are bound as
 * a second set at their own offset. Sets are kept: the launches of a training repeat. */
#include "common/program_cache.h"
#include "core/memory.h"
#include "vulkan/vk.h"

#include <stdlib.h>
#include <string.h>

static const char CACHE_KIND[] = "vulkan-pipelines";

static brn_program_key cache_key(const brn_vk *v)
{
    const VkPhysicalDeviceProperties *p = &v->properties;
    brn_program_key key = brn_program_key_start();
    brn_program_key_text(&key, p->deviceName);
    brn_program_key_add(&key, &p->vendorID, sizeof p->vendorID);
    brn_program_key_add(&key, &p->deviceID, sizeof p->deviceID);
    brn_program_key_add(&key, &p->driverVersion, sizeof p->driverVersion);
    brn_program_key_add(&key, p->pipelineCacheUUID, sizeof p->pipelineCacheUUID);
    for (int m = 0; m < brn_vk_module_count; ++m) brn_program_key_add(&key, brn_vk_modules[m].words, brn_vk_modules[m].bytes);
    return key;
}

/* What the disk holds is the driver's own and checked by it; without it pipelines only take longer. */
static brn_status open_cache(brn_vk *v)
{
    const brn_program_key key = cache_key(v);
    void *bytes;
    size_t size;
    BRN_TRY(brn_program_cache_load(CACHE_KIND, &key, &bytes, &size));
    const VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, .initialDataSize = size, .pInitialData = bytes};
    const brn_status status = BRN_VK(v, CreatePipelineCache, (v->device, &info, NULL, &v->cache), "%zu bytes from disk", size);
    free(bytes);
    return status;
}

static void save_cache(brn_vk *v)
{
    const brn_program_key key = cache_key(v);
    size_t size = 0;
    void *bytes = NULL;
    if (!v->cache_grew || v->lost || v->fn.GetPipelineCacheData(v->device, v->cache, &size, NULL) != VK_SUCCESS || !size) return;
    if (brn_alloc_bytes(&bytes, size, 1, "pipeline cache") != BRN_OK) return;
    if (v->fn.GetPipelineCacheData(v->device, v->cache, &size, bytes) == VK_SUCCESS) brn_program_cache_store(CACHE_KIND, &key, bytes, size);
    free(bytes);
}

static brn_status create_set_layout(brn_vk *v, VkDescriptorType type, uint32_t bindings, VkDescriptorSetLayout *layout)
{
    VkDescriptorSetLayoutBinding binding[BRN_VK_BUFFERS];
    for (uint32_t i = 0; i < bindings; ++i)
        binding[i] = (VkDescriptorSetLayoutBinding){.binding = i, .descriptorType = type, .descriptorCount = 1, .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
    const VkDescriptorSetLayoutCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = bindings, .pBindings = binding};
    return BRN_VK(v, CreateDescriptorSetLayout, (v->device, &info, NULL, layout), "%u buffers", bindings);
}

static brn_status create_pool(brn_vk *v, VkDescriptorType type, uint32_t sets, uint32_t buffers, VkDescriptorPool *pool)
{
    const VkDescriptorPoolSize size = {type, sets * buffers};
    const VkDescriptorPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = sets, .poolSizeCount = 1, .pPoolSizes = &size};
    return BRN_VK(v, CreateDescriptorPool, (v->device, &info, NULL, pool), "%u sets", sets);
}

/* One for all: each command binds it at the offset of its own parameters. */
static brn_status create_params_set(brn_vk *v)
{
    const VkDescriptorType type = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC;
    BRN_TRY(create_set_layout(v, type, 1, &v->params_layout));
    BRN_TRY(create_pool(v, type, 1, 1, &v->params_pool));
    const VkDescriptorSetAllocateInfo alloc = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = v->params_pool, .descriptorSetCount = 1,
                                               .pSetLayouts = &v->params_layout};
    BRN_TRY(BRN_VK(v, AllocateDescriptorSets, (v->device, &alloc, &v->params_set), "parameters"));
    const VkDescriptorBufferInfo info = {v->params->buffer, 0, BRN_COMMAND_PARAMS};
    v->fn.UpdateDescriptorSets(v->device, 1, &(VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = v->params_set, .descriptorCount = 1,
                                                                      .descriptorType = type, .pBufferInfo = &info}, 0, NULL);
    return BRN_OK;
}

/* One layout for each number of buffers. */
static brn_status create_layouts(brn_vk *v)
{
    for (uint32_t n = 1; n <= BRN_VK_BUFFERS && n <= v->properties.limits.maxPerStageDescriptorStorageBuffers; ++n) {
        BRN_TRY(create_set_layout(v, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, n, &v->set_layout[n]));
        const VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 2,
                                                   .pSetLayouts = (const VkDescriptorSetLayout[]){v->set_layout[n], v->params_layout}};
        BRN_TRY(BRN_VK(v, CreatePipelineLayout, (v->device, &layout, NULL, &v->layout[n]), "%u buffers", n));
    }
    return BRN_OK;
}

brn_status brn_vk_kernels_open(brn_vk *v)
{
    BRN_TRY(BRN_ALLOC(&v->module, BRN_KERNEL_COUNT, "kernels"));
    BRN_TRY(BRN_ALLOC(&v->pipeline, (size_t)brn_vk_module_count, "kernels"));
    BRN_TRY(BRN_ALLOC(&v->sets, 2 * BRN_VK_SETS, "descriptor sets"));
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k) v->module[k] = brn_vk_find_module(brn_kernel_table[k].name);
    BRN_TRY(create_params_set(v));
    BRN_TRY(create_layouts(v));
    BRN_TRY(create_pool(v, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, BRN_VK_SETS, BRN_VK_BUFFERS, &v->sets_pool));
    return open_cache(v);
}

void brn_vk_kernels_close(brn_vk *v)
{
    if (v->cache) {
        save_cache(v);
        v->fn.DestroyPipelineCache(v->device, v->cache, NULL);
    }
    for (int m = 0; v->pipeline && m < brn_vk_module_count; ++m)
        if (v->pipeline[m]) v->fn.DestroyPipeline(v->device, v->pipeline[m], NULL);
    if (v->sets_pool) v->fn.DestroyDescriptorPool(v->device, v->sets_pool, NULL); /* and its sets */
    if (v->params_pool) v->fn.DestroyDescriptorPool(v->device, v->params_pool, NULL);
    if (v->params_layout) v->fn.DestroyDescriptorSetLayout(v->device, v->params_layout, NULL);
    for (int n = 0; n <= BRN_VK_BUFFERS; ++n) {
        if (v->layout[n]) v->fn.DestroyPipelineLayout(v->device, v->layout[n], NULL);
        if (v->set_layout[n]) v->fn.DestroyDescriptorSetLayout(v->device, v->set_layout[n], NULL);
    }
    free(v->module), free(v->pipeline), free(v->sets);
}

static brn_status create_pipeline(brn_vk *v, int m, int buffers)
{
    const brn_vk_module *module = &brn_vk_modules[m];
    VkShaderModule shader;
    const VkShaderModuleCreateInfo code = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = module->bytes, .pCode = module->words};
    BRN_TRY(BRN_VK(v, CreateShaderModule, (v->device, &code, NULL, &shader), "%s, %zu bytes", module->name, module->bytes));
    const VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .layout = v->layout[buffers],
                                              .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                                                        .module = shader, .pName = "main"}};
    const brn_status status = BRN_VK(v, CreateComputePipelines, (v->device, v->cache, 1, &info, NULL, &v->pipeline[m]), "%s", module->name);
    v->fn.DestroyShaderModule(v->device, shader, NULL);
    v->cache_grew = true;
    return status;
}

void brn_vk_sets_reset(brn_vk *v)
{
    brn_replays_forget(&v->replays, NULL);
    v->fn.ResetDescriptorPool(v->device, v->sets_pool, 0);
    memset(v->sets, 0, 2 * BRN_VK_SETS * sizeof *v->sets);
    v->set_count = 0;
}

brn_status brn_vk_sets_room(brn_vk *v, int more)
{
    if (v->set_count + more <= BRN_VK_SETS) return BRN_OK;
    if (v->last) BRN_TRY(brn_vk_wait(v, v->last));
    brn_vk_sets_reset(v);
    return BRN_OK;
}

/* FNV-1a over whole words. */
static size_t set_hash(const VkDescriptorBufferInfo *info, int count)
{
    uint64_t h = 14695981039346656037u;
    for (int i = 0; i < count; ++i) {
        uint64_t words[3] = {(uint64_t)(uintptr_t)info[i].buffer, info[i].offset, info[i].range};
        for (int w = 0; w < 3; ++w) h = (h ^ words[w]) * 1099511628211u;
    }
    return (size_t)(h ^ h >> 29) % (2 * BRN_VK_SETS);
}

static bool same_set(const brn_vk_set *s, const VkDescriptorBufferInfo *info, int count)
{
    return s->count == count && !memcmp(s->info, info, (size_t)count * sizeof *info);
}

/* The set that binds these buffers; made where it is new, for which there is room. */
static brn_status find_set(brn_vk *v, const VkDescriptorBufferInfo *info, int count, VkDescriptorSet *set)
{
    size_t at = set_hash(info, count);
    while (v->sets[at].count && !same_set(&v->sets[at], info, count)) at = (at + 1) % (2 * BRN_VK_SETS);
    brn_vk_set *s = &v->sets[at];
    if (!s->count) {
        const VkDescriptorSetAllocateInfo alloc = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = v->sets_pool,
                                                   .descriptorSetCount = 1, .pSetLayouts = &v->set_layout[count]};
        BRN_TRY(BRN_VK(v, AllocateDescriptorSets, (v->device, &alloc, &s->set), "%d buffers", count));
        memcpy(s->info, info, (size_t)count * sizeof *info);
        s->count = count;
        ++v->set_count;
        VkWriteDescriptorSet write[BRN_VK_BUFFERS];
        for (int i = 0; i < count; ++i)
            write[i] = (VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = s->set, .dstBinding = (uint32_t)i, .descriptorCount = 1,
                                              .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &s->info[i]};
        v->fn.UpdateDescriptorSets(v->device, (uint32_t)count, write, 0, NULL);
    }
    *set = s->set;
    return BRN_OK;
}

int brn_vk_module_of(const brn_vk *v, const brn_command *c) { return c->kind == BRN_COMMAND_KERNEL ? v->module[c->kernel] : c->kernel; }

brn_status brn_vk_dispatch(brn_vk *v, VkCommandBuffer commands, const brn_command *c, uint32_t params, VkPipeline *bound)
{
    const VkPipeline pipeline = v->pipeline[brn_vk_module_of(v, c)];
    VkDescriptorBufferInfo info[BRN_VK_BUFFERS];
    VkDescriptorSet set[] = {VK_NULL_HANDLE, v->params_set};
    for (int i = 0; i < c->views; ++i) info[i] = (VkDescriptorBufferInfo){((const brn_vk_block *)c->view[i].buf->data)->buffer, c->view[i].off, c->reach[i]};
    BRN_TRY(find_set(v, info, c->views, &set[0]));
    if (*bound != pipeline) v->fn.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    *bound = pipeline;
    v->fn.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, v->layout[c->views], 0, 2, set, 1, &params);
    v->fn.CmdDispatch(commands, (uint32_t)c->rows, (uint32_t)c->feats, 1);
    return BRN_OK;
}

/* Rows vary from round to round while the solver's lanes empty: up to the next power of two, groups without rows cost
 * little, and a list is more often one that came before. */
static uint32_t next_power(uint32_t groups, uint32_t most)
{
    uint32_t power = 1;
    while (power < groups) power *= 2;
    return power <= most ? power : groups;
}

static brn_status add_dispatch(brn_vk *v, brn_command_kind kind, int kernel, int m, const void *params, size_t size, const brn_hazard_access *access, int count,
                               uint32_t gx, uint32_t gy)
{
    const size_t align = v->properties.limits.minStorageBufferOffsetAlignment;
    const uint32_t *most = v->properties.limits.maxComputeWorkGroupCount;
    const char *name = brn_vk_modules[m].name;
    brn_hazard_access bound[BRN_VK_BUFFERS];
    brn_command *c;
    if (gx > most[0] || gy > most[1]) return brn_fail(BRN_ERR_DEVICE, "%s: %s needs %u x %u work-groups; the device allows %u x %u", v->name, name, gx, gy, most[0], most[1]);
    if (!v->pipeline[m]) BRN_TRY(create_pipeline(v, m, count));
    for (int i = 0; i < count; ++i) {
        bound[i] = access[i];
        bound[i].begin -= access[i].begin % align;
    }
    BRN_TRY(brn_vk_command(v, kind, kernel, bound, count, &c));
    c->rows = (int)next_power(gx, most[0]), c->feats = (int)gy;
    c->size = (int)(size + (size_t)count * sizeof(int32_t));
    memcpy(c->params, params, size);
    for (int i = 0; i < count; ++i) {
        const int32_t first = (int32_t)((access[i].begin - bound[i].begin) / sizeof first);
        memcpy(c->params + size + (size_t)i * sizeof first, &first, sizeof first);
    }
    return BRN_OK;
}

brn_status brn_vk_product(brn_vk *v, int m, const void *params, size_t size, const brn_hazard_access *access, int count, uint32_t gx, uint32_t gy)
{
    return add_dispatch(v, BRN_COMMAND_PRODUCT, m, m, params, size, access, count, gx, gy);
}

/* What a kernel touches of a view is not declared: all from its start on. */
brn_status brn_vk_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    enum { FEATURES = 65535 }; /* groups along y that every device has; kernels stride over the rest */
    enum { SOFTWARE_LOOPS = 2048 }; /* features in loops that a software driver does to the end, see gemm.c */
    brn_vk *v = brn_vk_of(q);
    const brn_kernel_info *k = &brn_kernel_table[kernel];
    brn_hazard_access access[BRN_VK_BUFFERS];
    if (rows <= 0 || (k->spread && feats <= 0)) return BRN_OK;
    if (count != k->buffers) return brn_fail(BRN_ERR_INTERNAL, "%s: %d buffers given, %d declared", k->name, count, k->buffers);
    if (!k->spread && feats > SOFTWARE_LOOPS && v->properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU)
        return brn_fail(BRN_ERR_UNSUPPORTED, "%s (%s): %s over %d features; this software driver leaves loops that long unfinished: take another device",
                        v->name, v->properties.deviceName, k->name, feats);
    for (int i = 0; i < count; ++i) access[i] = brn_vk_access(views[i], (views[i].buf->count - views[i].off) * views[i].buf->elem, k->writes >> i & 1);
    const uint32_t gx = ((uint32_t)rows + (uint32_t)k->wg - 1) / (uint32_t)k->wg;
    const uint32_t gy = !k->spread ? 1 : feats < FEATURES ? (uint32_t)feats : FEATURES;
    return add_dispatch(v, BRN_COMMAND_KERNEL, kernel, v->module[kernel], params, size, access, count, gx, gy);
}
