/* Products of matrices: the project's own kernel, or CLBlast where BRENIER_OPENCL_GEMM=clblast asks for it. */
#include "opencl/clblast.h"
#include "opencl/opencl.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One way to cut a product into tiles; see shaders/sgemm.k and sgemm_direct.k, whose lane makes its whole tile. */
typedef struct {
    const char *kernel;
    int bm, bn, bk, tm, tn;
} cut;

enum { DIRECT, WIDE, NARROW, CUTS };
static const cut cuts[CUTS] = {
    [DIRECT] = {"sgemm_direct", 8, 32, 1, 8, 32},
    [WIDE] = {"sgemm", 64, 64, 16, 8, 8},
    [NARROW] = {"sgemm", 32, 32, 16, 4, 4},
};

struct brn_opencl_gemm {
    bool clblast;
    int cut; /* < 0: by device and sizes */
    brn_opencl_program variant[CUTS][2][2]; /* by cut, ta, tb */
    brn_buf *scratch; /* a transposed operand */
};

brn_status brn_opencl_gemm_create(brn_opencl *cl)
{
    static const char *const ways[] = {"own", "clblast", "direct", "wide", "narrow"}; /* the last three: one cut of the own, CUTS in order */
    const char *way = getenv("BRENIER_OPENCL_GEMM");
    BRN_TRY(BRN_ALLOC(&cl->gemm, 1, "products"));
    cl->gemm->cut = -1;
    if (!way || !*way) return BRN_OK;
    int w = 0;
    while (w < 5 && strcmp(way, ways[w])) ++w;
    if (w == 5) return brn_fail(BRN_ERR_USAGE, "BRENIER_OPENCL_GEMM is \"%.40s\"; it is one of own, clblast, direct, wide, narrow", way);
    cl->gemm->clblast = w == 1;
    cl->gemm->cut = w - 2;
    return w == 1 ? brn_clblast_load() : BRN_OK;
}

void brn_opencl_gemm_free(brn_opencl *cl)
{
    if (!cl->gemm) return;
    for (int t = 0; t < CUTS; ++t)
        for (int v = 0; v < 4; ++v) brn_opencl_program_free(&cl->gemm->variant[t][v >> 1][v & 1]);
    brn_buf_free(cl->gemm->scratch);
    /* it keeps programs by the address of their context, which the next one may get */
    if (cl->gemm->clblast && brn_clblast.clear_cache) brn_clblast.clear_cache();
    free(cl->gemm);
}

static brn_status variant(brn_opencl *cl, int way, bool ta, bool tb, brn_opencl_program **out)
{
    const cut *c = &cuts[way];
    *out = &cl->gemm->variant[way][ta][tb];
    if ((*out)->kernel) return BRN_OK;
    char kind[64], defines[256];
    snprintf(kind, sizeof kind, "%s-%dx%d-%c%c", c->kernel, c->bm, c->bn, ta ? 't' : 'n', tb ? 't' : 'n');
    snprintf(defines, sizeof defines,
             "#define TA %d\n#define TB %d\n#define BM %d\n#define BN %d\n#define BK %d\n#define TM %d\n#define TN %d\n", ta, tb, c->bm,
             c->bn, c->bk, c->tm, c->tn);
    return brn_opencl_build(cl, c->kernel, kind, defines, *out);
}

static size_t groups(int count, int each) { return (size_t)((count + each - 1) / each); }

/* Processors take the direct kernel. Elsewhere the narrow tile where the wide one would leave units idle. */
static int choose(const brn_opencl *cl, const brn_gemm_args *a)
{
    if (cl->gemm->cut >= 0) return cl->gemm->cut;
    if (!(cl->limits.type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR))) return DIRECT;
    return groups(a->m, cuts[WIDE].bm) * groups(a->n, cuts[WIDE].bn) < 2 * (size_t)cl->limits.units ? NARROW : WIDE;
}

static brn_status run_cut(brn_queue *q, int way, const brn_gemm_args *a)
{
    const cut *c = &cuts[way];
    brn_opencl_program *p;
    BRN_TRY(variant(q->impl, way, a->ta, a->tb, &p));
    const brn_p_sgemm params = {.m = a->m, .n = a->n, .k = a->k, .lda = a->lda, .ldb = a->ldb, .ldc = a->ldc, .alpha = a->alpha, .beta = a->beta};
    return brn_opencl_run(q, c->kernel, p->kernel, &params, sizeof params, (brn_view[]){a->a, a->b, a->c}, 3,
                          (size_t)(c->bm / c->tm * (c->bn / c->tn)), groups(a->n, c->bn), groups(a->m, c->bm));
}

/* The direct kernel wants B as [k][n]. */
static brn_status transpose_b(brn_queue *q, brn_gemm_args *a)
{
    brn_opencl_gemm *gemm = ((brn_opencl *)q->impl)->gemm;
    const size_t count = (size_t)a->n * (size_t)a->k;
    if (!gemm->scratch || brn_buf_count(gemm->scratch) < count) {
        brn_buf_free(gemm->scratch);
        gemm->scratch = NULL;
        BRN_TRY(brn_buf_create(&gemm->scratch, q->dev, BRN_REAL, count, "transposed operand"));
    }
    BRN_TRY(BRN_LAUNCH(q, tile_to_rows, a->k, a->n, (.ld = a->ldb), a->b, {gemm->scratch, 0}));
    a->b = (brn_view){gemm->scratch, 0};
    a->ldb = a->n;
    a->tb = false;
    return BRN_OK;
}

static brn_status own(brn_queue *q, const brn_gemm_args *args)
{
    brn_gemm_args a = *args;
    const int way = choose(q->impl, &a);
    if (way == DIRECT && a.tb) BRN_TRY(transpose_b(q, &a));
    return run_cut(q, way, &a);
}

static brn_status by_clblast(brn_queue *q, const brn_gemm_args *a)
{
    brn_opencl *cl = q->impl;
    const int injected = brn_opencl_injected();
    const int code = injected ? injected
                              : brn_clblast.sgemm(BRN_CLBLAST_ROW_MAJOR, a->ta ? BRN_CLBLAST_YES : BRN_CLBLAST_NO,
                                                  a->tb ? BRN_CLBLAST_YES : BRN_CLBLAST_NO, (size_t)a->m, (size_t)a->n, (size_t)a->k,
                                                  a->alpha, brn_opencl_mem(a->a.buf), a->a.off, (size_t)a->lda, brn_opencl_mem(a->b.buf),
                                                  a->b.off, (size_t)a->ldb, a->beta, brn_opencl_mem(a->c.buf), a->c.off, (size_t)a->ldc,
                                                  &cl->queue, NULL);
    brn_count(q->dev, &q->dev->counts.submissions, 1);
    return code == 0 ? BRN_OK : brn_opencl_fail(cl->label, code, "CLBlastSgemm", "%d x %d, inner %d", a->m, a->n, a->k);
}

brn_status brn_opencl_product(brn_queue *q, const brn_gemm_args *a)
{
    const brn_opencl *cl = q->impl;
    if (a->m <= 0 || a->n <= 0) return BRN_OK;
    return cl->gemm->clblast ? by_clblast(q, a) : own(q, a);
}
