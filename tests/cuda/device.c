/* The CUDA backend's own promises: names, limits, which compiler serves which device, failures in words, compiled
 * kernels on disk, products by every way, how often a step hands work over and waits. */
#include "hooks.h"
#include "training/trainer.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>

static char dir[64];

/* Kernels are compiled into a folder of the test's own where a test says so. */
static void make(void) { test_make_dir(dir); }
static void drop(void) { test_remove_dir(dir); }
TestSuite(cuda, .init = make, .fini = drop);

/* ---- which compiler ---------------------------------------------------------------------------- */

static const brn_rtc_functions compilers[] = {{.major = 13}, {.major = 12, .minor = 9}, {.major = 11, .minor = 8}};
static const int known[][BRN_CUDA_ARCHITECTURES_MOST] = {{75, 80, 90, 100, 120}, {50, 70, 75, 80, 90, 100}, {35, 70, 80, 90}};

static void target_is(int capability, int driver, int compiler, int architecture, bool ptx)
{
    brn_cuda_target t;
    const bool found = brn_cuda_choose_target(compilers, 3, known, capability, driver, &t);
    cr_expect_eq(found, compiler >= 0, "%d, %d", capability, driver);
    if (!found || compiler < 0) return;
    cr_expect_eq(t.rtc, &compilers[compiler], "%d, %d: compiler %td", capability, driver, t.rtc - compilers);
    cr_expect_eq(t.architecture, architecture, "%d, %d: %d", capability, driver, t.architecture);
    cr_expect_eq(t.ptx, ptx);
}

Test(cuda, the_compiler_fits_device_and_driver)
{
    target_is(90, 13000, 0, 90, false);
    target_is(90, 12040, 1, 90, false);  /* not newer than the driver */
    target_is(70, 13000, 1, 70, false);  /* from 13 on unknown */
    target_is(70, 11080, 2, 70, false);
    target_is(120, 13000, 0, 120, false);
    target_is(130, 13000, 0, 120, true); /* newer than any: the driver makes the code */
    target_is(120, 12080, 1, 100, true);
    target_is(89, 12080, 1, 80, true);
    target_is(30, 13000, -1, 0, false);
    target_is(90, 10020, -1, 0, false);
}

static void opens_as(const char *variable, const char *value, int architecture, bool ptx, bool pool)
{
    brn_device *dev;
    setenv(variable, value, 1);
    MUST(brn_device_open(&dev, "cuda:0", 1));
    const brn_cuda *cu = dev->impl;
    cr_expect_eq(cu->target.architecture, architecture, "%s=%s: %d", variable, value, cu->target.architecture);
    cr_expect_eq(cu->target.ptx, ptx);
    cr_expect_eq(cu->pool != NULL, pool);
    brn_device_close(dev);
    unsetenv(variable);
}

Test(cuda, opens_what_the_driver_shows)
{
    standin_hooks h;
    brn_device *dev;
    if (!standin_find(&h, "cuda/opens_what_the_driver_shows")) return;
    setenv("XDG_CACHE_HOME", dir, 1);
    opens_as("BRENIER_STANDIN_CAPABILITY", "80", 80, false, true);
    opens_as("BRENIER_STANDIN_CAPABILITY", "120", 90, true, true);
    opens_as("BRENIER_STANDIN_POOLS", "0", 70, false, false);
    setenv("BRENIER_STANDIN_CAPABILITY", "61", 1);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_DEVICE, "compute capability 6.1, needed 7.0");
    setenv("BRENIER_STANDIN_CAPABILITY", "70", 1);
    setenv("BRENIER_STANDIN_DRIVER", "11020", 1);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_DEVICE, "libnvrtc.so.11");
}

/* ---- names and failures ------------------------------------------------------------------------ */

Test(cuda, unknown_devices)
{
    brn_device *dev;
    MUST_FAIL(brn_device_open(&dev, "cuda:first", 1), BRN_ERR_DEVICE, "cuda:0, cuda:1");
    MUST_FAIL(brn_device_open(&dev, "cuda:-1", 1), BRN_ERR_DEVICE, "cuda:-1");
    if (!cuda_here("cuda/unknown_devices")) return;
    MUST_FAIL(brn_device_open(&dev, "cuda:31", 1), BRN_ERR_DEVICE, "cuda:31");
    MUST_FAIL(brn_device_open(&dev, "cuda:99999999999999999999", 1), BRN_ERR_DEVICE, "not here");
    setenv("BRENIER_CUDA_GEMM", "fast", 1);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_USAGE, "cublas, own, tf32");
}

Test(cuda, buffers_beyond_the_device)
{
    brn_device *dev;
    brn_buf *buf;
    if (!cuda_here("cuda/buffers_beyond_the_device")) return;
    MUST(brn_device_open(&dev, "cuda:0", 1));
    MUST_FAIL(brn_buf_create(&buf, dev, BRN_REAL, (size_t)1 << 50, "the sea"), BRN_ERR_MEMORY, "the sea");
    MUST_FAIL(brn_buf_create(&buf, dev, BRN_REAL, SIZE_MAX / 2, "the sky"), BRN_ERR_MEMORY, "the sky");
    brn_device_close(dev);
}

static int programs(char path[static 512])
{
    char folder[128];
    int count = 0;
    snprintf(folder, sizeof folder, "%s/brenier/programs", dir);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.') ++count, snprintf(path, 512, "%s/%s", folder, e->d_name);
    if (d) closedir(d);
    return count;
}

/* Kept, found, and made again where the file is of no use: 0 whole, 1 damaged, 2 whole but no image. */
Test(cuda, compiled_kernels_are_kept)
{
    brn_device *dev;
    char path[512];
    if (!cuda_here("cuda/compiled_kernels_are_kept")) return;
    setenv("XDG_CACHE_HOME", dir, 1);
    for (int damage = 0; damage < 3; ++damage) {
        if (damage == 1) {
            FILE *f = fopen(path, "r+b");
            fseek(f, 1000, SEEK_SET), fputs("damage", f), fclose(f);
        } else if (damage == 2) {
            unsigned long long high, low;
            cr_assert_eq(sscanf(strrchr(path, '-') + 1, "%16llx%16llx", &high, &low), 2);
            cr_assert(brn_program_cache_store("cuda-kernels", &(brn_program_key){high, low}, "no program, and long enough to be read", 39));
        }
        MUST(brn_device_open(&dev, "cuda:0", 1));
        brn_device_close(dev);
        cr_expect_eq(programs(path), 1);
    }
}

/* ---- copies and products ----------------------------------------------------------------------- */

/* Writes return before they are done and their source may change at once, through every half of the staging
 * memory and past its size. */
Test(cuda, sources_of_writes_may_be_reused)
{
    enum { COUNT = 1000000, ROUND = 70001 };
    brn_device *dev;
    brn_buf *buf;
    if (!cuda_here("cuda/sources_of_writes_may_be_reused")) return;
    MUST(brn_device_open(&dev, "cuda:0", 1));
    brn_queue *q = brn_device_queue(dev, 0);
    float *block = malloc(COUNT * sizeof *block);
    MUST(brn_buf_create(&buf, dev, BRN_REAL, COUNT, "numbers"));
    MUST(brn_zero(q, (brn_view){buf, 0}, COUNT));
    for (int i = 0; i < COUNT; ++i) block[i] = -1;
    MUST(brn_write_f32(q, (brn_view){buf, 0}, block, COUNT));
    for (int first = 0; first < COUNT; first += ROUND) {
        const int count = COUNT - first < ROUND ? COUNT - first : ROUND;
        for (int i = 0; i < count; ++i) block[i] = (float)(first + i);
        MUST(brn_write_f32(q, (brn_view){buf, (size_t)first}, block, (size_t)count));
    }
    MUST(brn_read_f32(q, (brn_view){buf, 0}, block, COUNT));
    for (int i = 0; i < COUNT; ++i) cr_assert_eq(block[i], (float)i, "number %d is %g", i, (double)block[i]);
    free(block);
    brn_buf_free(buf);
    brn_device_close(dev);
}

enum { FIRST = 7, MOST = 140 * 140 + FIRST };
typedef struct {
    float a[MOST], b[MOST], c[MOST], found[MOST];
    brn_buf *buf[3];
} matrices;

static double expected_at(const matrices *x, const brn_gemm_args *g, int i, int j)
{
    double sum = 0;
    for (int p = 0; p < g->k; ++p)
        sum += (double)x->a[FIRST + (g->ta ? p * g->lda + i : i * g->lda + p)] * x->b[FIRST + (g->tb ? j * g->ldb + p : p * g->ldb + j)];
    return g->alpha * sum + (g->beta == 0 ? 0 : g->beta * (double)x->c[FIRST + i * g->ldc + j]);
}

static void one_product(brn_device *dev, matrices *x, const char *way, brn_gemm_args g)
{
    brn_queue *q = brn_device_queue(dev, 0);
    MUST(brn_write_f32(q, (brn_view){x->buf[2], 0}, x->c, MOST));
    g.a = (brn_view){x->buf[0], FIRST}, g.b = (brn_view){x->buf[1], FIRST}, g.c = (brn_view){x->buf[2], FIRST};
    MUST(brn_gemm(q, &g));
    MUST(brn_read_f32(q, (brn_view){x->buf[2], 0}, x->found, MOST));
    for (int e = 0; e < MOST; ++e) {
        const int i = (e - FIRST) / g.ldc, j = (e - FIRST) % g.ldc;
        const bool inside = e >= FIRST && i < g.m && j < g.n;
        const double want = inside ? expected_at(x, &g, i, j) : (double)x->c[e];
        cr_assert_float_eq((double)x->found[e], want, inside ? 8e-6 * (1 + sqrt(g.k)) : 0, "%s: %d%d m=%d n=%d k=%d beta=%g: element %d is %g, expected %g",
                           way, g.ta, g.tb, g.m, g.n, g.k, (double)g.beta, e, (double)x->found[e], want);
    }
}

Test(cuda, every_way_to_multiply)
{
    static const char *const ways[] = {"cublas", "own"};
    static const int sizes[][3] = {{1, 1, 1}, {1, 65, 33}, {65, 1, 33}, {33, 31, 70}, {64, 64, 16}, {130, 97, 17}, {9, 129, 129}};
    if (!cuda_here("cuda/every_way_to_multiply")) return;
    matrices *x = malloc(sizeof *x);
    for (int e = 0; e < MOST; ++e) x->a[e] = (float)sin(e), x->b[e] = (float)cos(3.0 * e), x->c[e] = (float)sin(7.0 * e);
    for (int w = 0; w < 2; ++w) {
        brn_device *dev;
        setenv("BRENIER_CUDA_GEMM", ways[w], 1);
        MUST(brn_device_open(&dev, "cuda:0", 1));
        for (int i = 0; i < 3; ++i) {
            MUST(brn_buf_create(&x->buf[i], dev, BRN_REAL, MOST, "matrix"));
            MUST(brn_write_f32(brn_device_queue(dev, 0), (brn_view){x->buf[i], 0}, i ? x->b : x->a, MOST));
        }
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
            for (int v = 0; v < 8; ++v) {
                const int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
                one_product(dev, x, ways[w], (brn_gemm_args){.ta = v & 1, .tb = v & 2, .m = m, .n = n, .k = k, .alpha = 0.5f, .beta = v & 4 ? 1.5f : 0,
                                                             .lda = (v & 1 ? m : k) + 2, .ldb = (v & 2 ? k : n) + 1, .ldc = n + 3});
            }
        for (int i = 0; i < 3; ++i) brn_buf_free(x->buf[i]);
        brn_device_close(dev);
    }
    free(x);
}

/* ---- a training step --------------------------------------------------------------------------- */

/* Rounds of the last solve: every round evaluates all rows that are left. */
static double rounds_of(brn_trainer *t)
{
    double most = 0;
    MUST(brn_solver_read_info(t->solver, brn_device_queue(t->dev, 0), BRN_INFO_EVALUATIONS, t->host_rows, t->batch));
    for (int i = 0; i < t->batch; ++i) most = fmax(most, (double)t->host_rows[i]);
    return most;
}

Test(cuda, submissions_and_waits_of_a_step)
{
    enum { WARM = 3, STEPS = 10 };
    static const char *const values[] = {"data.pair=gaussian", "data.n=2", "train.batch=128", "device=cuda:0"};
    brn_settings s;
    brn_device *dev;
    brn_pair *pair;
    brn_model *model;
    brn_trainer *t;
    double submissions = 0, waits = 0, rounds = 0;
    if (!cuda_here("cuda/submissions_and_waits_of_a_step")) return;
    MUST(brn_settings_preset(&s, "2d"));
    MUST(brn_settings_assign(&s, 4, values));
    MUST(brn_settings_resolve(&s, 2));
    MUST(brn_device_open(&dev, "cuda:0", 1));
    MUST(brn_pair_open(&pair, dev, &s));
    MUST(brn_model_create(&model, dev, &s, pair));
    MUST(brn_trainer_create(&t, model, pair));
    MUST(brn_trainer_begin(t));
    for (int i = 0; i < WARM + STEPS; ++i) {
        const brn_device_counts before = dev->counts;
        MUST(brn_trainer_step(t));
        if (i < WARM) continue;
        submissions += (double)(dev->counts.submissions - before.submissions);
        waits += (double)(dev->counts.waits - before.waits);
        rounds += rounds_of(t);
    }
    fprintf(stderr, "cuda: a step of n = 2: %.0f submissions, %.1f waits, %.1f solver rounds\n", submissions / STEPS, waits / STEPS, rounds / STEPS);
    cr_expect_leq(waits, rounds + 2 * STEPS, "one wait a solver round, two for the step's losses");
    cr_expect_leq(submissions, 40 * rounds + 200 * STEPS);
    brn_trainer_free(t);
    brn_model_free(model);
    brn_pair_close(pair);
    brn_device_close(dev);
}
