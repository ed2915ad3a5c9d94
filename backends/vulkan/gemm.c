/* Products of matrices by shaders/sgemm.k: which tile. */
#include "core/memory.h"
#include "vulkan/vk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_vk_gemm_open(brn_vk *v)
{
    const char *wanted = getenv("BRENIER_VULKAN_GEMM");
    BRN_TRY(BRN_ALLOC(&v->product, (size_t)brn_vk_tile_count, "products"));
    v->forced_tile = -1;
    for (int t = 0; t < brn_vk_tile_count; ++t) {
        for (int i = 0; i < 4; ++i) {
            char name[64];
            snprintf(name, sizeof name, "sgemm_%s_%d%d", brn_vk_tiles[t].name, i >> 1, i & 1);
            v->product[t][i] = brn_vk_find_module(name);
        }
        if (wanted && !strcmp(wanted, brn_vk_tiles[t].name)) v->forced_tile = t;
    }
    if (!wanted || !*wanted || v->forced_tile >= 0) return BRN_OK;
    char names[256] = "";
    for (int t = 0; t < brn_vk_tile_count; ++t) snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", t ? ", " : "", brn_vk_tiles[t].name);
    return brn_fail(BRN_ERR_USAGE, "BRENIER_VULKAN_GEMM is \"%.40s\"; it is one of %s", wanted, names);
}

void brn_vk_gemm_close(brn_vk *v) { free(v->product); }

/* A software device runs a work-group on one core: it wants many results per lane, where a GPU runs out of
 * registers, and tiles that fit the matrix. A GPU wants large tiles as long as all its units have one. */
static bool suits(const brn_vk *v, const brn_vk_tile *t)
{
    enum { GPU_RESULTS = 64 };
    const VkPhysicalDeviceLimits *l = &v->properties.limits;
    const bool software = v->properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    return (uint32_t)t->lanes <= l->maxComputeWorkGroupInvocations && (uint32_t)t->shared <= l->maxComputeSharedMemorySize &&
           (software ? t->results > GPU_RESULTS : t->results <= GPU_RESULTS && (uint32_t)t->lanes >= v->subgroup);
}

static long tiles_of(const brn_vk_tile *t, const brn_gemm_args *a)
{
    return ((long)a->m + t->bm - 1) / t->bm * (((long)a->n + t->bn - 1) / t->bn);
}

/* The least work, empty parts of tiles included; a GPU with fewer than ENOUGH tiles idles instead. */
static int choose_tile(const brn_vk *v, const brn_gemm_args *a)
{
    enum { ENOUGH = 64 };
    if (v->forced_tile >= 0) return v->forced_tile;
    int best = 0; /* fits the limits that every device was asked for */
    double least = 0;
    for (int t = 1; t < brn_vk_tile_count; ++t) {
        const brn_vk_tile *tile = &brn_vk_tiles[t];
        if (!suits(v, tile)) continue;
        const long tiles = tiles_of(tile, a);
        const bool idle = v->properties.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU && tiles < ENOUGH;
        const double work = (double)(idle ? ENOUGH : tiles) * tile->bm * tile->bn / sqrt(tile->results); /* loads go with the tile's edge */
        if (!best || work < least) best = t, least = work;
    }
    return best;
}

/* A matrix with all columns that its leading dimension leaves room for: the descriptor set then serves
 * batches that shrink. */
static brn_hazard_access matrix(brn_view view, int rows, int ld, bool write)
{
    const size_t most = view.buf->count - view.off, count = (size_t)rows * (size_t)ld;
    return brn_vk_access(view, (count < 1 ? 1 : count < most ? count : most) * sizeof(float), write);
}

static brn_status multiply(brn_queue *q, const brn_gemm_args *a)
{
    brn_vk *v = brn_vk_of(q);
    if (a->m <= 0 || a->n <= 0) return BRN_OK;
    const int t = choose_tile(v, a);
    const brn_vk_tile *tile = &brn_vk_tiles[t];
    const brn_p_sgemm params = {.m = a->m, .n = a->n, .k = a->k, .lda = a->lda, .ldb = a->ldb, .ldc = a->ldc, .alpha = a->alpha, .beta = a->beta};
    const brn_hazard_access access[] = {
        matrix(a->a, a->ta ? a->k : a->m, a->lda, false),
        matrix(a->b, a->tb ? a->n : a->k, a->ldb, false),
        matrix(a->c, a->m, a->ldc, true),
    };
    return brn_vk_product(v, v->product[t][a->ta << 1 | a->tb], &params, sizeof params, access, 3, ((uint32_t)a->n + (uint32_t)tile->bn - 1) / (uint32_t)tile->bn,
                           ((uint32_t)a->m + (uint32_t)tile->bm - 1) / (uint32_t)tile->bm);
}

/* Inner indices that a software driver may be given at once: Mesa's leaves a shader's loops after 65 535 passes in
 * all, those inside others counted, and goes on with what there is. */
enum { SOFTWARE_DEPTH = 1024 };

brn_status brn_vk_gemm(brn_queue *q, const brn_gemm_args *a)
{
    brn_gemm_args part = *a;
    if (brn_vk_of(q)->properties.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU || a->k <= SOFTWARE_DEPTH) return multiply(q, a);
    for (int k = 0; k < a->k; k += SOFTWARE_DEPTH) {
        part.k = a->k - k < SOFTWARE_DEPTH ? a->k - k : SOFTWARE_DEPTH;
        BRN_TRY(multiply(q, &part));
        part.a.off += (size_t)SOFTWARE_DEPTH * (a->ta ? (size_t)a->lda : 1);
        part.b.off += (size_t)SOFTWARE_DEPTH * (a->tb ? 1 : (size_t)a->ldb);
        part.beta = 1;
    }
    return BRN_OK;
}
