/* Products of matrices by shaders/sgemm.k: which tile. */
#include "core/memory.h"
#include "vulkan/vk.h"

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
    return BRN_OK;
}

void brn_vk_gemm_close(brn_vk *v) { free(v->product); }

static int choose_tile(const brn_vk *v, const brn_gemm_args *a)
{
    (void)a;
    return v->forced_tile >= 0 ? v->forced_tile : 1;
}

/* The bytes of a row-major matrix from its first to its last element. */
static size_t extent(int rows, int cols, int ld) { return rows && cols ? ((size_t)(rows - 1) * (size_t)ld + (size_t)cols) * sizeof(float) : 0; }

brn_status brn_vk_gemm(brn_queue *q, const brn_gemm_args *a)
{
    brn_vk *v = brn_vk_of(q);
    if (a->m <= 0 || a->n <= 0) return BRN_OK;
    const int t = choose_tile(v, a);
    const brn_vk_tile *tile = &brn_vk_tiles[t];
    const brn_p_sgemm params = {.m = a->m, .n = a->n, .k = a->k, .lda = a->lda, .ldb = a->ldb, .ldc = a->ldc, .alpha = a->alpha, .beta = a->beta};
    const brn_view views[] = {a->a, a->b, a->c};
    const brn_hazard_access access[] = {
        brn_vk_access(a->a, a->ta ? extent(a->k, a->m, a->lda) : extent(a->m, a->k, a->lda), false),
        brn_vk_access(a->b, a->tb ? extent(a->n, a->k, a->ldb) : extent(a->k, a->n, a->ldb), false),
        brn_vk_access(a->c, extent(a->m, a->n, a->ldc), true),
    };
    return brn_vk_dispatch(v, v->product[t][a->ta << 1 | a->tb], &params, sizeof params, views, access, 3, ((uint32_t)a->n + (uint32_t)tile->bn - 1) / (uint32_t)tile->bn,
                           ((uint32_t)a->m + (uint32_t)tile->bm - 1) / (uint32_t)tile->bm);
}
