/* Products of matrices: the project's own tiled kernel, or CLBlast where it is asked for. */
#include "opencl/opencl.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One tile size, see shaders/sgemm.k. */
typedef struct {
    int bm, bn, bk, tm, tn;
} tile;

static const tile tiles[] = {{64, 64, 16, 8, 8}, {32, 32, 16, 4, 4}};
enum { TILES = sizeof tiles / sizeof *tiles };

struct brn_opencl_gemm {
    brn_opencl_program variant[TILES][2][2]; /* by tile, ta, tb */
};

void brn_opencl_gemm_free(brn_opencl *cl)
{
    if (!cl->gemm) return;
    for (int t = 0; t < TILES; ++t)
        for (int v = 0; v < 4; ++v) brn_opencl_program_free(&cl->gemm->variant[t][v >> 1][v & 1]);
    free(cl->gemm);
}

static brn_status variant(brn_opencl *cl, int t, bool ta, bool tb, brn_opencl_program **out)
{
    const tile *s = &tiles[t];
    *out = &cl->gemm->variant[t][ta][tb];
    if ((*out)->kernel) return BRN_OK;
    char kind[64], defines[256];
    snprintf(kind, sizeof kind, "sgemm-%dx%d-%c%c", s->bm, s->bn, ta ? 't' : 'n', tb ? 't' : 'n');
    snprintf(defines, sizeof defines,
             "#define TA %d\n#define TB %d\n#define BM %d\n#define BN %d\n#define BK %d\n#define TM %d\n#define TN %d\n", ta, tb, s->bm,
             s->bn, s->bk, s->tm, s->tn);
    return brn_opencl_build(cl, "sgemm", kind, defines, *out);
}

static brn_status own(brn_queue *q, const brn_gemm_args *a)
{
    brn_opencl *cl = q->impl;
    brn_opencl_program *p;
    const int t = 0;
    BRN_TRY(variant(cl, t, a->ta, a->tb, &p));
    const tile *s = &tiles[t];
    const brn_p_sgemm params = {.m = a->m, .n = a->n, .k = a->k, .lda = a->lda, .ldb = a->ldb, .ldc = a->ldc, .alpha = a->alpha, .beta = a->beta};
    return brn_opencl_run(q, "sgemm", p->kernel, &params, sizeof params, (brn_view[]){a->a, a->b, a->c}, 3,
                          (size_t)(s->bm / s->tm * (s->bn / s->tn)), (size_t)((a->n + s->bn - 1) / s->bn), (size_t)((a->m + s->bm - 1) / s->bm));
}

brn_status brn_opencl_product(brn_queue *q, const brn_gemm_args *a)
{
    brn_opencl *cl = q->impl;
    if (a->m <= 0 || a->n <= 0) return BRN_OK;
    if (!cl->gemm) BRN_TRY(BRN_ALLOC(&cl->gemm, 1, "products"));
    return own(q, a);
}
