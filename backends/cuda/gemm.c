/* Products of matrices: cuBLAS, or the project's own kernel where cuBLAS is missing or BRENIER_CUDA_GEMM=own. In pedantic
 * single precision unless the device's name asks for less. */
#include "cuda/cuda.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct brn_cuda_gemm {
    const brn_cublas_functions *blas; /* NULL: own */
    brn_cublas_handle handle;
    brn_cu_ptr workspace;
    struct {
        brn_cu_module module;
        brn_cu_function kernel;
    } variant[BRN_CUDA_CUTS][2][2]; /* by cut, ta, tb */
};

bool brn_cuda_operands_of(const char *name, brn_cuda_operands *operands, double *epsilon)
{
    static const struct {
        const char *name;
        brn_cuda_operands operands;
        double epsilon;
    } variants[] = {{"", BRN_CUDA_SINGLE, 0}, {"tf32", BRN_CUDA_TF32, 0x1p-10}, {"half", BRN_CUDA_HALF, 0x1p-10}};
    for (size_t i = 0; i < sizeof variants / sizeof *variants; ++i)
        if (!strcmp(name, variants[i].name)) return *operands = variants[i].operands, *epsilon = variants[i].epsilon, true;
    return false;
}

/* cuBLAS has codes of its own. */
static brn_status blas_failed(const brn_cuda *cu, brn_cu_code code, const char *call)
{
    return brn_fail(code == BRN_BLAS_ALLOC_FAILED ? BRN_ERR_MEMORY : BRN_ERR_DEVICE, "%s: %s failed (%d)", cu->label, call, code);
}

/* Its own workspace and one stream: the same bits in each run. What NVIDIA recommends: 32 MiB from Hopper on. */
static brn_status open_blas(brn_cuda *cu)
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
    if (cu->operands != BRN_CUDA_SINGLE) return BRN_OK; /* each product says how */
    code = g->blas->cublasSetMathMode(g->handle, BRN_BLAS_PEDANTIC);
    return code == 0 ? BRN_OK : blas_failed(cu, code, "cublasSetMathMode");
}

static brn_status check_operands(const brn_cuda *cu, bool own)
{
    if (cu->operands == BRN_CUDA_SINGLE) return BRN_OK;
    if (own) return brn_fail(BRN_ERR_USAGE, "%s: BRENIER_CUDA_GEMM=own multiplies in single precision only", cu->label);
    if (cu->operands == BRN_CUDA_TF32 && cu->limits.capability < 80)
        return brn_fail(BRN_ERR_DEVICE, "%s has no TF32: compute capability %d.%d, needed 8.0", cu->label, cu->limits.capability / 10, cu->limits.capability % 10);
    return BRN_OK;
}

brn_status brn_cuda_gemm_create(brn_cuda *cu)
{
    const char *way = getenv("BRENIER_CUDA_GEMM");
    BRN_TRY(BRN_ALLOC(&cu->gemm, 1, "products"));
    const bool own = way && !strcmp(way, "own"), needed = (way && *way) || cu->operands != BRN_CUDA_SINGLE;
    if (way && *way && !own && strcmp(way, "cublas"))
        return brn_fail(BRN_ERR_USAGE, "BRENIER_CUDA_GEMM is \"%.40s\"; it is one of cublas, own", way);
    BRN_TRY(check_operands(cu, own));
    if (own) return BRN_OK;
    /* from 13 on cuBLAS does not know 7.x below 7.5 */
    const int newest = cu->limits.driver / 1000;
    cu->gemm->blas = brn_cublas_load(cu->limits.capability < 75 && newest > 12 ? 12 : newest);
    if (cu->gemm->blas) return open_blas(cu);
    return needed ? brn_fail(BRN_ERR_DEVICE, "%s: cuBLAS is asked for, and no libcublas that fits the driver is here", cu->label) : BRN_OK;
}

void brn_cuda_gemm_free(brn_cuda *cu)
{
    brn_cuda_gemm *g = cu->gemm;
    if (!g) return;
    if (g->handle) g->blas->cublasDestroy_v2(g->handle);
    if (g->workspace) brn_cu.cuMemFree_v2(g->workspace);
    for (int v = 0; v < BRN_CUDA_CUTS * 4; ++v)
        if (g->variant[v / 4][v / 2 % 2][v % 2].module) brn_cu.cuModuleUnload(g->variant[v / 4][v / 2 % 2][v % 2].module);
    free(g);
    cu->gemm = NULL;
}

/* A row-major matrix is the transpose of a column-major one: C' = op(B)' op(A)'. */
static brn_cu_code call_blas(const brn_cuda *cu, const brn_gemm_args *a)
{
    const brn_cublas_functions *blas = cu->gemm->blas;
    const int tb = a->tb ? BRN_BLAS_TRANSPOSE : BRN_BLAS_NO_TRANSPOSE, ta = a->ta ? BRN_BLAS_TRANSPOSE : BRN_BLAS_NO_TRANSPOSE;
    const float *left = (const float *)(uintptr_t)brn_cuda_address(a->b), *right = (const float *)(uintptr_t)brn_cuda_address(a->a);
    float *to = (float *)(uintptr_t)brn_cuda_address(a->c);
    if (cu->operands == BRN_CUDA_SINGLE)
        return blas->cublasSgemm_v2(cu->gemm->handle, tb, ta, a->n, a->m, a->k, &a->alpha, left, a->ldb, right, a->lda, &a->beta, to, a->ldc);
    return blas->cublasGemmEx(cu->gemm->handle, tb, ta, a->n, a->m, a->k, &a->alpha, left, BRN_BLAS_F32, a->ldb, right, BRN_BLAS_F32, a->lda, &a->beta, to,
                              BRN_BLAS_F32, a->ldc, cu->operands == BRN_CUDA_TF32 ? BRN_BLAS_BY_TF32 : BRN_BLAS_BY_HALF, BRN_BLAS_ANY_WAY);
}

static brn_status by_blas(brn_queue *q, const brn_gemm_args *a)
{
    const brn_cuda *cu = q->impl;
    const brn_cu_code code = call_blas(cu, a);
    if (!cu->capturing) brn_count(q->dev, &q->dev->counts.submissions, 1);
    if (code == 0) return BRN_OK;
    return brn_fail_in(blas_failed(cu, code, cu->operands == BRN_CUDA_SINGLE ? "cublasSgemm" : "cublasGemmEx"), "%d x %d, inner %d", a->m, a->n, a->k);
}

/* ---- own --------------------------------------------------------------------------------------- */

static brn_status load_variant(brn_cuda *cu, int way, bool ta, bool tb)
{
    brn_cu_module *module = &cu->gemm->variant[way][ta][tb].module;
    if (!*module) BRN_TRY(brn_cuda_load_program(cu, BRN_CUDA_PRODUCTS + 4 * way + 2 * ta + tb, module));
    const brn_cu_code code = brn_cu.cuModuleGetFunction(&cu->gemm->variant[way][ta][tb].kernel, *module, "brn_sgemm");
    if (code == 0) return BRN_OK;
    cu->gemm->variant[way][ta][tb].kernel = NULL;
    return brn_cuda_fail(cu, code, "cuModuleGetFunction", "brn_sgemm");
}

static unsigned groups(int count, int each) { return (unsigned)((count + each - 1) / each); }

/* The narrow tile where the wide one would leave units idle. */
static brn_status own(brn_queue *q, const brn_gemm_args *a)
{
    brn_cuda *cu = q->impl;
    const int way = groups(a->m, brn_cuda_cuts[BRN_CUDA_WIDE].bm) * groups(a->n, brn_cuda_cuts[BRN_CUDA_WIDE].bn) < 2 * (unsigned)cu->limits.units ? BRN_CUDA_NARROW : BRN_CUDA_WIDE;
    const brn_cuda_cut *c = &brn_cuda_cuts[way];
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
