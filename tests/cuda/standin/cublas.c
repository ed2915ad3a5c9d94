/* cuBLAS: one product, column-major, sums in single precision in the order of the inner index. Operands may be rounded
 * as the tensor cores take them: to ten bits behind the point (TF32), or to halves. */
#include "standin.h"

#include <stdlib.h>
#include <string.h>

typedef struct cublasContext {
    brn_cu_stream stream;
    brn_cu_ptr workspace;
    size_t workspace_bytes;
    int mode;
} handle;

enum { BLAS_NOT_INITIALIZED = 1, BLAS_MEMORY = 3, BLAS_INVALID_VALUE = 7, BLAS_EXECUTION_FAILED = 13, BLAS_NOT_SUPPORTED = 15 };

static brn_cu_code begin(const char *call, const handle *h)
{
    const brn_cu_code code = standin_begin_in_context(call);
    return code < 0 ? -code : code == OUT_OF_MEMORY ? BLAS_MEMORY : code ? BLAS_EXECUTION_FAILED : h && !standin_has(HANDLE, h) ? BLAS_NOT_INITIALIZED : 0;
}

STANDIN_API brn_cu_code cublasCreate_v2(brn_cublas_handle *h)
{
    const brn_cu_code code = begin("cublasCreate_v2", NULL);
    if (code) return code;
    *h = calloc(1, sizeof **h);
    standin_add(HANDLE, *h, 0);
    return 0;
}

STANDIN_API brn_cu_code cublasDestroy_v2(brn_cublas_handle h)
{
    const brn_cu_code code = begin("cublasDestroy_v2", NULL);
    if (!standin_remove(HANDLE, h)) return code ? code : BLAS_NOT_INITIALIZED;
    free(h);
    return code;
}

STANDIN_API brn_cu_code cublasSetStream_v2(brn_cublas_handle h, brn_cu_stream stream)
{
    const brn_cu_code code = begin("cublasSetStream_v2", h);
    if (code) return code;
    h->stream = stream; /* with the stream comes the library's own workspace again */
    h->workspace = 0;
    return 0;
}

STANDIN_API brn_cu_code cublasSetWorkspace_v2(brn_cublas_handle h, void *workspace, size_t bytes)
{
    const brn_cu_code code = begin("cublasSetWorkspace_v2", h);
    if (code) return code;
    standin_memory_check("cublasSetWorkspace", (brn_cu_ptr)(uintptr_t)workspace, bytes);
    h->workspace = (brn_cu_ptr)(uintptr_t)workspace;
    h->workspace_bytes = bytes;
    return 0;
}

STANDIN_API brn_cu_code cublasSetMathMode(brn_cublas_handle h, int mode)
{
    const brn_cu_code code = begin("cublasSetMathMode", h);
    return code ? code : mode == BRN_BLAS_PEDANTIC ? 0 : BLAS_INVALID_VALUE;
}

typedef struct {
    int ta, tb, m, n, k, lda, ldb, ldc;
    float alpha, beta;
    int rounding; /* 0, or how the operands are rounded */
    const float *a, *b;
    float *c;
    brn_cu_ptr workspace;
    size_t workspace_bytes;
} product;

static float rounded(float x, int how)
{
    uint32_t bits;
    if (how == BRN_BLAS_BY_HALF) return (float)(_Float16)x;
    if (how != BRN_BLAS_BY_TF32 || x != x) return x;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x1000) & ~0x1fffu; /* to nearest, ties away from zero */
    memcpy(&x, &bits, sizeof bits);
    return x;
}

static void multiply(void *data)
{
    const product *p = data;
    const size_t m = (size_t)p->m, k = (size_t)p->k;
    float *a = malloc((m * k + 1) * sizeof *a), *sum = malloc(m * sizeof *sum); /* op(A), its columns one after another */
    for (size_t l = 0; l < k; ++l)
        for (size_t i = 0; i < m; ++i) a[l * m + i] = rounded(p->a[p->ta ? i * (size_t)p->lda + l : l * (size_t)p->lda + i], p->rounding);
    for (size_t j = 0; j < (size_t)p->n; ++j) {
        float *c = p->c + j * (size_t)p->ldc;
        for (size_t i = 0; i < m; ++i) sum[i] = 0;
        for (size_t l = 0; l < k; ++l) {
            const float b = rounded(p->b[p->tb ? l * (size_t)p->ldb + j : j * (size_t)p->ldb + l], p->rounding);
            for (size_t i = 0; i < m; ++i) sum[i] += a[l * m + i] * b;
        }
        for (size_t i = 0; i < m; ++i) c[i] = p->beta == 0 ? p->alpha * sum[i] : p->alpha * sum[i] + p->beta * c[i];
    }
    free(a), free(sum);
}

static size_t extent(int rows, int columns, int ld) { return columns > 0 ? ((size_t)(columns - 1) * (size_t)ld + (size_t)rows) * sizeof(float) : 0; }

static void spans_of(const void *data, standin_visit *visit, void *context)
{
    const product *p = data;
    visit(context, "cublasSgemm, A", (brn_cu_ptr)(uintptr_t)p->a, extent(p->ta ? p->k : p->m, p->ta ? p->m : p->k, p->lda), false);
    visit(context, "cublasSgemm, B", (brn_cu_ptr)(uintptr_t)p->b, extent(p->tb ? p->n : p->k, p->tb ? p->k : p->n, p->ldb), false);
    visit(context, "cublasSgemm, C", (brn_cu_ptr)(uintptr_t)p->c, extent(p->m, p->n, p->ldc), true);
    if (p->workspace) visit(context, "cublasSgemm, workspace", p->workspace, p->workspace_bytes, true);
}

static const standin_op product_op = {.name = "cublasSgemm", .node = BRN_CU_NODE_KERNEL, .launch = true, .spans = spans_of, .run = multiply};

static brn_cu_code enqueue(const handle *h, product p)
{
    const int rows_a = p.ta ? p.k : p.m, rows_b = p.tb ? p.n : p.k;
    if (p.m < 0 || p.n < 0 || p.k < 0 || p.ta < 0 || p.ta > 1 || p.tb < 0 || p.tb > 1 || p.lda < (rows_a > 1 ? rows_a : 1) ||
        p.ldb < (rows_b > 1 ? rows_b : 1) || p.ldc < (p.m > 1 ? p.m : 1))
        return BLAS_INVALID_VALUE;
    p.workspace = h->workspace;
    p.workspace_bytes = h->workspace_bytes;
    return standin_enqueue(h->stream, &product_op, &p, sizeof p) ? BLAS_EXECUTION_FAILED : 0;
}

STANDIN_API brn_cu_code cublasSgemm_v2(brn_cublas_handle h, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
                                       const float *b, int ldb, const float *beta, float *c, int ldc)
{
    const brn_cu_code code = begin("cublasSgemm_v2", h);
    return code ? code : enqueue(h, (product){ta, tb, m, n, k, lda, ldb, ldc, *alpha, *beta, 0, a, b, c, 0, 0});
}

STANDIN_API brn_cu_code cublasGemmEx(brn_cublas_handle h, int ta, int tb, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda,
                                     const void *b, int type_b, int ldb, const void *beta, void *c, int type_c, int ldc, int how, int way)
{
    const brn_cu_code code = begin("cublasGemmEx", h);
    if (code) return code;
    if (type_a != BRN_BLAS_F32 || type_b != BRN_BLAS_F32 || type_c != BRN_BLAS_F32 || (how != BRN_BLAS_BY_HALF && how != BRN_BLAS_BY_TF32) || way != BRN_BLAS_ANY_WAY)
        return BLAS_NOT_SUPPORTED;
    return enqueue(h, (product){ta, tb, m, n, k, lda, ldb, ldc, *(const float *)alpha, *(const float *)beta, how, a, b, c, 0, 0});
}
