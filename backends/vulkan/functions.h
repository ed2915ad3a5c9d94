/* The entry points that are used: V(name) without "vk". Loaded at run time, so that one build runs where
 * there is no Vulkan. */
#define BRN_VK_GLOBAL_LIST(V) V(EnumerateInstanceVersion) V(CreateInstance)

#define BRN_VK_INSTANCE_LIST(V)                                                                              \
    V(DestroyInstance) V(EnumeratePhysicalDevices) V(GetPhysicalDeviceProperties)                            \
    V(GetPhysicalDeviceProperties2) V(GetPhysicalDeviceMemoryProperties)                                     \
    V(GetPhysicalDeviceQueueFamilyProperties) V(CreateDevice) V(GetDeviceProcAddr)

#define BRN_VK_DEVICE_LIST(V)                                                                                \
    V(DestroyDevice) V(GetDeviceQueue) V(DeviceWaitIdle)                                                     \
    V(AllocateMemory) V(FreeMemory) V(MapMemory) V(CreateBuffer) V(DestroyBuffer)                            \
    V(GetBufferMemoryRequirements) V(BindBufferMemory)                                                       \
    V(CreateShaderModule) V(DestroyShaderModule) V(CreatePipelineCache) V(DestroyPipelineCache)              \
    V(GetPipelineCacheData) V(CreateComputePipelines) V(DestroyPipeline)                                     \
    V(CreateDescriptorSetLayout) V(DestroyDescriptorSetLayout) V(CreatePipelineLayout)                       \
    V(DestroyPipelineLayout) V(CreateDescriptorPool) V(DestroyDescriptorPool) V(ResetDescriptorPool)         \
    V(AllocateDescriptorSets) V(UpdateDescriptorSets)                                                        \
    V(CreateCommandPool) V(DestroyCommandPool) V(ResetCommandPool) V(AllocateCommandBuffers)                 \
    V(BeginCommandBuffer) V(EndCommandBuffer) V(QueueSubmit) V(CreateFence) V(DestroyFence)                  \
    V(WaitForFences) V(ResetFences)                                                                          \
    V(CmdPipelineBarrier) V(CmdBindPipeline) V(CmdBindDescriptorSets) V(CmdDispatch)     \
    V(CreateQueryPool) V(DestroyQueryPool) V(GetQueryPoolResults) V(CmdResetQueryPool) V(CmdWriteTimestamp)  \
    V(CmdCopyBuffer) V(CmdFillBuffer)
