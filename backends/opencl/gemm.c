/* Products of matrices: one of the cuts of the project's own kernels, or CLBlast. What is the fastest for a class of
 * sizes is measured when the first of them comes, and kept on disk. The own cuts give the same bits, each result being one chain
 * of additions in the order of the inner index; CLBlast does not, and is taken only if it will be again. */
#include "opencl/choice.h"
#include "opencl/clblast.h"
#include "core/clock.h"
#include "core/memory.h"

#include <math.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One way to cut a product into tiles; see shaders/sgemm.k and sgemm_direct.k, whose lane makes its whole tile. */
typedef struct {
    const char *kernel;
    int bm, bn, bk, tm, tn;
} cut;

enum { DIRECT, WIDE, NARROW, CUTS, CLBLAST = CUTS, WAYS };
enum { WRITES = 4 /* C of A, B and C */ };
static const cut cuts[CUTS] = {
    [DIRECT] = {"sgemm_direct", 8, 32, 1, 8, 32},
    [WIDE] = {"sgemm", 64, 64, 16, 8, 8},
    [NARROW] = {"sgemm", 32, 32, 16, 4, 4},
};

struct brn_opencl_gemm {
    bool clblast; /* loaded, and may be chosen */
    int forced;   /* < 0: by measurement */
    bool grew;    /* choices that are not on disk */
    brn_opencl_choices choices;
    brn_opencl_program variant[CUTS][2][2]; /* by cut, ta, tb */
    brn_buf *scratch; /* a transposed operand */
};

static bool is_gpu(const brn_opencl *cl) { return cl->limits.type & (CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR); }

brn_status brn_opencl_gemm_create(brn_opencl *cl)
{
    static const char *const ways[] = {[DIRECT] = "direct", [WIDE] = "wide", [NARROW] = "narrow", [CLBLAST] = "clblast", [WAYS] = "own"};
    const char *way = getenv("BRENIER_OPENCL_GEMM");
    BRN_TRY(BRN_ALLOC(&cl->gemm, 1, "products"));
    brn_opencl_gemm *gemm = cl->gemm;
    gemm->forced = -1;
    BRN_TRY(brn_opencl_choices_load(&gemm->choices, cl));
    if (!way || !*way) { /* on a processor CLBlast compiles for longer than a training may take */
        gemm->clblast = is_gpu(cl) && brn_clblast_load() == BRN_OK;
        return BRN_OK;
    }
    int w = 0;
    while (w <= WAYS && strcmp(way, ways[w])) ++w;
    if (w > WAYS) return brn_fail(BRN_ERR_USAGE, "BRENIER_OPENCL_GEMM is \"%.40s\"; it is one of own, clblast, direct, wide, narrow", way);
    if (w < WAYS) gemm->forced = w;
    gemm->clblast = w == CLBLAST;
    return gemm->clblast ? brn_clblast_load() : BRN_OK;
}

void brn_opencl_gemm_free(brn_opencl *cl)
{
    if (!cl->gemm) return;
    if (cl->gemm->grew) brn_opencl_choices_store(&cl->gemm->choices, cl);
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

static brn_status run_cut(brn_queue *q, int way, const brn_gemm_args *a)
{
    const cut *c = &cuts[way];
    brn_opencl_program *p;
    BRN_TRY(variant(q->impl, way, a->ta, a->tb, &p));
    const brn_p_sgemm params = {.m = a->m, .n = a->n, .k = a->k, .lda = a->lda, .ldb = a->ldb, .ldc = a->ldc, .alpha = a->alpha, .beta = a->beta};
    return brn_opencl_run(q, c->kernel, p->kernel, &params, sizeof params, (brn_view[]){a->a, a->b, a->c}, 3, WRITES,
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

static brn_status own(brn_queue *q, int way, const brn_gemm_args *args)
{
    brn_gemm_args a = *args;
    if (way == DIRECT && a.tb) BRN_TRY(transpose_b(q, &a));
    return run_cut(q, way, &a);
}

static brn_status by_clblast(brn_queue *q, const brn_gemm_args *a)
{
    brn_opencl *cl = q->impl;
    BRN_TRY(brn_opencl_touch(cl, "CLBlastSgemm", (brn_view[]){a->a, a->b, a->c}, 3, WRITES));
    const int injected = brn_injected();
    const int code = injected ? injected
                              : brn_clblast.sgemm(BRN_CLBLAST_ROW_MAJOR, a->ta ? BRN_CLBLAST_YES : BRN_CLBLAST_NO,
                                                  a->tb ? BRN_CLBLAST_YES : BRN_CLBLAST_NO, (size_t)a->m, (size_t)a->n, (size_t)a->k,
                                                  a->alpha, brn_opencl_mem(a->a.buf), a->a.off, (size_t)a->lda, brn_opencl_mem(a->b.buf),
                                                  a->b.off, (size_t)a->ldb, a->beta, brn_opencl_mem(a->c.buf), a->c.off, (size_t)a->ldc,
                                                  &cl->queue, NULL);
    brn_count(q->dev, &q->dev->counts.submissions, 1);
    return code == 0 ? BRN_OK : brn_opencl_fail(cl->label, code, "CLBlastSgemm", "%d x %d, inner %d", a->m, a->n, a->k);
}

static brn_status multiply(brn_queue *q, int way, const brn_gemm_args *a) { return way == CLBLAST ? by_clblast(q, a) : own(q, way, a); }

/* ---- the choice -------------------------------------------------------------------------------- */

/* Without a measurement: processors take the direct kernel; elsewhere the narrow tile where the wide one would leave
 * units idle. */
static int likely(const brn_opencl *cl, const brn_gemm_args *a)
{
    if (!is_gpu(cl)) return DIRECT;
    return groups(a->m, cuts[WIDE].bm) * groups(a->n, cuts[WIDE].bn) < 2 * (size_t)cl->limits.units ? NARROW : WIDE;
}

static brn_status time_once(brn_queue *q, int way, const brn_gemm_args *a, double *best)
{
    const brn_opencl *cl = q->impl;
    const double start = brn_seconds();
    BRN_TRY(multiply(q, way, a));
    const cl_int code = CL(clFinish(cl->queue));
    if (code != CL_SUCCESS) return brn_opencl_fail(cl->label, code, "clFinish", "%d x %d, inner %d", a->m, a->n, a->k);
    *best = fmin(*best, brn_seconds() - start);
    return BRN_OK;
}

/* Best times of all ways, which take turns; the first turn compiles. */
static brn_status time_ways(brn_queue *q, const brn_gemm_args *a, double best[static WAYS])
{
    enum { TURNS = 4 };
    const brn_opencl *cl = q->impl;
    for (int turn = 0; turn < TURNS; ++turn)
        for (int w = 0; w < WAYS; ++w) {
            if (turn < 2) best[w] = INFINITY;
            if (w == CLBLAST && !cl->gemm->clblast) continue;
            BRN_TRY(time_once(q, w, a, &best[w]));
        }
    return BRN_OK;
}

static int fastest(const double best[static WAYS], int count)
{
    int way = 0;
    for (int w = 1; w < count; ++w)
        if (best[w] < best[way]) way = w;
    return way;
}

/* With the product's own operands, into memory of its own. What it takes is not booked as work of the caller's. */
static brn_status measure(brn_queue *q, const brn_gemm_args *args, unsigned char *choice)
{
    brn_opencl *cl = q->impl;
    brn_gemm_args a = *args;
    double best[WAYS];
    const brn_device_counts before = q->dev->counts;
    const size_t count = (size_t)a.m * (size_t)a.ldc;
    a.c = (brn_view){0};
    if (brn_buf_create(&a.c.buf, q->dev, BRN_REAL, count, "product that is timed") != BRN_OK) return BRN_OK; /* the likely one has to do */
    brn_status status = brn_opencl_zero(q, a.c, count * sizeof(float));
    if (status == BRN_OK) status = time_ways(q, &a, best);
    brn_buf_free(a.c.buf);
    q->dev->counts = before;
    if (status != BRN_OK) return status;
    *choice = (unsigned char)(1 + fastest(best, WAYS));
    cl->gemm->grew = true;
    if (*choice != 1 + CLBLAST) return BRN_OK;
    cl->gemm->grew = !brn_opencl_choices_store(&cl->gemm->choices, cl);
    if (cl->gemm->grew) *choice = (unsigned char)(1 + fastest(best, CUTS));
    return BRN_OK;
}

static brn_status choose(brn_queue *q, const brn_gemm_args *a, int *way)
{
    const double small = 1 << 16; /* products whose launch takes longer than their work */
    brn_opencl *cl = q->impl;
    *way = likely(cl, a);
    if (cl->gemm->forced >= 0) *way = cl->gemm->forced;
    if (cl->gemm->forced >= 0 || (double)a->m * a->n * a->k < small) return BRN_OK;
    unsigned char *choice = brn_opencl_choice(&cl->gemm->choices, a);
    if (*choice > WAYS || (*choice == 1 + CLBLAST && !cl->gemm->clblast)) *choice = 0;
    if (!*choice) BRN_TRY(measure(q, a, choice));
    if (*choice) *way = *choice - 1;
    return BRN_OK;
}

brn_status brn_opencl_product(brn_queue *q, const brn_gemm_args *a)
{
    int way;
    if (a->m <= 0 || a->n <= 0) return BRN_OK;
    BRN_TRY(choose(q, a, &way));
    return multiply(q, way, a);
}
