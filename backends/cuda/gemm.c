/* Products of matrices: cuBLAS, or the project's own kernel where cuBLAS is missing or BRENIER_CUDA_GEMM=own. */
#include "cuda/cuda.h"
#include "common/kernel_text.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One way to cut a product into tiles, see shaders/sgemm.k. */
typedef struct {
    int bm, bn, bk, tm, tn;
} cut;
enum { WIDE, NARROW, CUTS };
static const cut cuts[CUTS] = {[WIDE] = {64, 64, 16, 8, 8}, [NARROW] = {32, 32, 16, 4, 4}};

struct brn_cuda_gemm {
    const brn_cublas_functions *blas; /* NULL: own */
    brn_cublas_handle handle;
    brn_cu_ptr workspace;
    struct {
        brn_cu_module module;
        brn_cu_function kernel;
    } variant[CUTS][2][2]; /* by cut, ta, tb */
};

/* cuBLAS has codes of its own. */
static brn_status blas_failed(const brn_cuda *cu, brn_cu_code code, const char *call)
{
    return brn_fail(code == BRN_BLAS_ALLOC_FAILED ? BRN_ERR_MEMORY : BRN_ERR_DEVICE, "%s: %s failed (%d)", cu->label, call, code);
}

/* Its own workspace and one stream: the same bits in each run. What NVIDIA recommends: 32 MiB from Hopper on. */
static brn_status open_blas(brn_cuda *cu, bool tf32)
{
    brn_cuda_gemm *g = cu->gemm;
    const size_t bytes = (size_t)(cu->limits.capability >= 90 ? 32 : 4) << 20;
    brn_cu_code code = g->blas->cublasCreate_v2(&g->handle);
    if (code != 0) {
        g->handle = NULL;
        return blas_failed(cu, code, "cublasCreate");
    }
    code = brn_cu.cuMemAlloc_v2(&g->workspace, bytes);
    if (code != 0) {
        g->workspace = 0;
        return brn_cuda_fail(cu, code, "cuMemAlloc", "%zu bytes for cuBLAS", bytes);
    }
    if ((code = g->blas->cublasSetStream_v2(g->handle, cu->stream)) != 0) return blas_failed(cu, code, "cublasSetStream");
    if ((code = g->blas->cublasSetWorkspace_v2(g->handle, (void *)(uintptr_t)g->workspace, bytes)) != 0) return blas_failed(cu, code, "cublasSetWorkspace");
    if ((code = g->blas->cublasSetMathMode(g->handle, tf32 ? BRN_BLAS_TF32 : BRN_BLAS_PEDANTIC)) != 0) return blas_failed(cu, code, "cublasSetMathMode");
    return BRN_OK;
}

brn_status brn_cuda_gemm_create(brn_cuda *cu)
{
    const char *way = getenv("BRENIER_CUDA_GEMM");
    BRN_TRY(BRN_ALLOC(&cu->gemm, 1, "products"));
    const bool own = way && !strcmp(way, "own"), tf32 = way && !strcmp(way, "tf32");
    if (way && *way && !own && !tf32 && strcmp(way, "cublas"))
        return brn_fail(BRN_ERR_USAGE, "BRENIER_CUDA_GEMM is \"%.40s\"; it is one of cublas, own, tf32", way);
    if (own) return BRN_OK;
    /* from 13 on cuBLAS does not know 7.x below 7.5 */
    const int newest = cu->limits.driver / 1000;
    cu->gemm->blas = brn_cublas_load(cu->limits.capability < 75 && newest > 12 ? 12 : newest);
    if (cu->gemm->blas) return open_blas(cu, tf32);
    return way && *way ? brn_fail(BRN_ERR_DEVICE, "%s: BRENIER_CUDA_GEMM asks for cuBLAS, and no libcublas that fits the driver is here", cu->label) : BRN_OK;
}

void brn_cuda_gemm_free(brn_cuda *cu)
{
    brn_cuda_gemm *g = cu->gemm;
    if (!g) return;
    if (g->handle) g->blas->cublasDestroy_v2(g->handle);
    if (g->workspace) brn_cu.cuMemFree_v2(g->workspace);
    for (int v = 0; v < CUTS * 4; ++v)
        if (g->variant[v / 4][v / 2 % 2][v % 2].module) brn_cu.cuModuleUnload(g->variant[v / 4][v / 2 % 2][v % 2].module);
    free(g);
    cu->gemm = NULL;
}

/* A row-major matrix is the transpose of a column-major one: C' = op(B)' op(A)'. */
static brn_status by_blas(brn_queue *q, const brn_gemm_args *a)
{
    const brn_cuda *cu = q->impl;
    const brn_cuda_gemm *g = cu->gemm;
    const brn_cu_code code = g->blas->cublasSgemm_v2(
        g->handle, a->tb ? BRN_BLAS_TRANSPOSE : BRN_BLAS_NO_TRANSPOSE, a->ta ? BRN_BLAS_TRANSPOSE : BRN_BLAS_NO_TRANSPOSE, a->n, a->m, a->k,
        &a->alpha, (const float *)(uintptr_t)brn_cuda_address(a->b), a->ldb, (const float *)(uintptr_t)brn_cuda_address(a->a), a->lda, &a->beta,
        (float *)(uintptr_t)brn_cuda_address(a->c), a->ldc);
    if (!cu->capturing) brn_count(q->dev, &q->dev->counts.submissions, 1);
    if (code == 0) return BRN_OK;
    return brn_fail_in(blas_failed(cu, code, "cublasSgemm"), "%d x %d, inner %d", a->m, a->n, a->k);
}

/* ---- own --------------------------------------------------------------------------------------- */

static brn_status load_variant(brn_cuda *cu, int way, bool ta, bool tb)
{
    const cut *c = &cuts[way];
    char kind[64], defines[256], *source;
    brn_cu_module *module = &cu->gemm->variant[way][ta][tb].module;
    snprintf(kind, sizeof kind, "cuda-sgemm-%d-%c%c", c->bm, ta ? 't' : 'n', tb ? 't' : 'n');
    snprintf(defines, sizeof defines,
             "#define TA %d\n#define TB %d\n#define BM %d\n#define BN %d\n#define BK %d\n#define TM %d\n#define TN %d\n", ta, tb, c->bm,
             c->bn, c->bk, c->tm, c->tn);
    BRN_TRY(brn_kernel_source(&source, "cu", defines, "sgemm"));
    const brn_status status = *module ? BRN_OK : brn_cuda_load_program(cu, kind, source, module);
    free(source);
    BRN_TRY(status);
    const brn_cu_code code = brn_cu.cuModuleGetFunction(&cu->gemm->variant[way][ta][tb].kernel, *module, "brn_sgemm");
    if (code == 0) return BRN_OK;
    cu->gemm->variant[way][ta][tb].kernel = NULL;
    return brn_cuda_fail(cu, code, "cuModuleGetFunction", "%s", kind);
}

static unsigned groups(int count, int each) { return (unsigned)((count + each - 1) / each); }

/* The narrow tile where the wide one would leave units idle. */
static brn_status own(brn_queue *q, const brn_gemm_args *a)
{
    brn_cuda *cu = q->impl;
    const int way = groups(a->m, cuts[WIDE].bm) * groups(a->n, cuts[WIDE].bn) < 2 * (unsigned)cu->limits.units ? NARROW : WIDE;
    const cut *c = &cuts[way];
    if (!cu->gemm->variant[way][a->ta][a->tb].kernel) BRN_TRY(load_variant(cu, way, a->ta, a->tb));
    brn_p_sgemm params = {.m = a->m, .n = a->n, .k = a->k, .lda = a->lda, .ldb = a->ldb, .ldc = a->ldc, .alpha = a->alpha, .beta = a->beta};
    brn_cuda_call call;
    BRN_TRY(brn_cuda_prepare(cu, "sgemm", cu->gemm->variant[way][a->ta][a->tb].kernel, &params, (brn_view[]){a->a, a->b, a->c}, 3,
                             (unsigned)(c->bm / c->tm * (c->bn / c->tn)), groups(a->n, c->bn), groups(a->m, c->bm), &call));
    return brn_cuda_launch(q, "sgemm", &call);
}

brn_status brn_cuda_product(brn_queue *q, const brn_gemm_args *a)
{
    const brn_cuda *cu = q->impl;
    return cu->gemm->handle ? by_blas(q, a) : own(q, a);
}
