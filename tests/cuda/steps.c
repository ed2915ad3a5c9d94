/* How the CUDA backend hands work over: few launches and one wait for a training step, the same numbers whichever way,
 * and what becomes of lists of commands when buffers go and calls fail. */
#include "hooks.h"
#include "conjugate/solver.h"
#include "core/philox.h"
#include "support/device_work.h"

#include <brenier/table.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a training step --------------------------------------------------------------------------- */

/* The bound that the project promises for each device that can repeat by itself, at any n. */
static void few(int n, int batch, const char *assignments)
{
    const test_step_counts sum = test_count_steps("cuda:0", n, batch, assignments);
    cr_expect_leq(sum.most_submissions, 3, "n = %d %s: %g submissions", n, assignments, sum.most_submissions);
    cr_expect_leq(sum.most_waits, 1, "n = %d %s: %g waits", n, assignments, sum.most_waits);
}

Test(cuda_steps, three_launches_and_a_wait_in_two_dimensions)
{
    if (!cuda_here("cuda_steps/three_launches_and_a_wait_in_two_dimensions")) return;
    few(2, 128, "");
    few(2, 65, "potential.kind=icnn train.potential.kind=muon train.amortizer.kind=muon");
    few(2, 65, "train.loss=objective_finetune");
}

Test(cuda_steps, three_launches_and_a_wait_in_more)
{
    if (!cuda_here("cuda_steps/three_launches_and_a_wait_in_more")) return;
    few(4, 130, "train.potential.kind=adamw train.amortizer.kind=adamw");
    few(16, 64, "train.potential.kind=muon train.amortizer.kind=muon");
    few(64, 40, "potential.kind=icnn train.potential.kind=adamw train.amortizer.kind=adamw");
}

/* SOAP, with refreshes of its bases in every other step: those that are counted and the first ones. */
Test(cuda_steps, three_launches_and_a_wait_with_soap)
{
#define REFRESHES "train.potential.refresh=2 train.amortizer.refresh=2"
    if (!cuda_here("cuda_steps/three_launches_and_a_wait_with_soap")) return;
    few(2, 65, "train.potential.kind=soap train.amortizer.kind=soap potential.kind=icnn " REFRESHES);
    few(8, 20, "preset=hd " REFRESHES);
    few(16, 20, "preset=hd " REFRESHES);
    few(64, 12, "preset=hd " REFRESHES);
}

/* ---- rows that stay on the host ---------------------------------------------------------------- */

enum { SIZE = 64, ROWS = 25000, BATCH = 256, WARM = 4, MORE = 4 }; /* two files of 6.4 MB; their buffers alternate */

static void write_rows(const char *path, unsigned seed)
{
    brn_table_writer *w;
    float *rows = malloc(ROWS * SIZE * sizeof *rows);
    for (int i = 0; i < ROWS * SIZE; ++i) rows[i] = (float)((seed = 1664525 * seed + 1013904223) >> 8) * 0x1p-23f - 1;
    MUST(brn_table_create(&w, path, SIZE, NULL));
    MUST(brn_table_write(w, rows, ROWS));
    MUST(brn_table_commit(w));
    free(rows);
}

/* The loss of the last step; with a limit to the device's memory the rows are streamed. */
static double train_on_rows(const standin_hooks *h, const char *dir, const char *memory)
{
    char words[400];
    test_training t;
    snprintf(words, sizeof words, "data.pair= data.source=%s/a.npy data.target=%s/b.npy potential.hidden=16,16 amortizer.hidden=16 conjugate.max_iterations=4 "
             "train.potential.kind=adamw train.amortizer.kind=adamw",
             dir, dir);
    if (memory) setenv("BRENIER_DEVICE_MEMORY", memory, 1);
    test_training_begin(&t, "cuda:0", SIZE, BATCH, words);
    unsetenv("BRENIER_DEVICE_MEMORY");
    cr_assert_eq(brn_pair_streams(t.pair), memory != NULL);
    for (int i = 0; i < WARM + MORE; ++i) {
        const cuda_standin_counts before = standin_counted(h);
        const brn_device_counts counts = t.dev->counts;
        MUST(brn_trainer_step(t.trainer));
        const cuda_standin_counts now = standin_counted(h);
        if (i < WARM) continue;
        const long launches = now.graph_launches - before.graph_launches + now.launches - before.launches;
        cr_expect_leq(launches, 3, "%ld launches", launches);
        cr_expect_eq(now.waits - before.waits, 1, "%ld waits", now.waits - before.waits);
        cr_expect_eq(t.dev->counts.submissions - counts.submissions, memory ? 5u : 2u, "%d submissions", (int)(t.dev->counts.submissions - counts.submissions));
        cr_expect_eq(t.dev->counts.bytes_up - counts.bytes_up, memory ? 2 * BATCH * SIZE * sizeof(float) : 0);
    }
    const double loss = t.trainer->loss;
    test_training_end(&t);
    return loss;
}

/* As few launches and waits as with rows on the device, and two uploads and a download beside them; the same numbers. */
Test(cuda_steps, streamed_rows)
{
    standin_hooks h;
    char dir[64], path[80];
    if (!standin_find(&h, "cuda_steps/streamed_rows")) return;
    test_make_dir(dir);
    for (int k = 0; k < 2; ++k) {
        snprintf(path, sizeof path, "%s/%c.npy", dir, 'a' + k);
        write_rows(path, (unsigned)k);
    }
    cr_expect_eq(train_on_rows(&h, dir, NULL), train_on_rows(&h, dir, "25000000"));
    test_remove_dir(dir);
}

/* Driver and setting decide how; the numbers are the same. */
Test(cuda_steps, every_way_computes_the_same)
{
    static const struct {
        const char *variable, *value;
        double submissions, waits; /* of a step at most, 0: any */
    } ways[] = {{"BRENIER_SOLVE", "host", 0, 0},
                {"BRENIER_CUDA_GRAPHS", "off", 0, 0},
                {"BRENIER_CUDA_GRAPHS", "plain", 60, 12},
                {"BRENIER_STANDIN_DRIVER", "12020", 60, 12}, /* graphs without conditional nodes */
                {"BRENIER_CUDA_GRAPHS", "full", 3, 1}};
    double loss = 0;
    if (!cuda_here("cuda_steps/every_way_computes_the_same")) return;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; ++w) {
        setenv(ways[w].variable, ways[w].value, 1);
        const test_step_counts sum = test_count_steps("cuda:0", 2, 70, "");
        unsetenv(ways[w].variable);
        if (ways[w].submissions > 0) cr_expect_leq(sum.most_submissions, ways[w].submissions, "%s=%s", ways[w].variable, ways[w].value);
        if (ways[w].waits > 0) cr_expect_leq(sum.most_waits, ways[w].waits, "%s=%s", ways[w].variable, ways[w].value);
        if (w) cr_expect_eq(sum.loss, loss, "%s=%s: loss %.17g, before %.17g", ways[w].variable, ways[w].value, sum.loss, loss);
        loss = sum.loss;
    }
}

Test(cuda_steps, unknown_ways)
{
    brn_device *dev;
    if (!cuda_here("cuda_steps/unknown_ways")) return;
    setenv("BRENIER_CUDA_GRAPHS", "some", 1);
    MUST_FAIL(brn_device_open(&dev, "cuda:0", 1), BRN_ERR_USAGE, "full, plain, off");
}

/* ---- a solver's round --------------------------------------------------------------------------- */

/* What the device did for a solve of `rows` rows by a graph: nodes of a round, the loop's own included, and besides. */
typedef struct {
    double of_round, besides;
} solve_nodes;

static solve_nodes count_solve(const standin_hooks *h, const brn_widths *hidden, bool icnn, int rows)
{
    enum { N = 3, MOST_ROWS = 64, SOLVES = 4 };
    brn_settings set;
    brn_net_shape shape;
    brn_pot f = {.parts = 1, .scale = 1};
    brn_device *dev;
    brn_batch y, x;
    brn_solver *solver;
    float numbers[N * MOST_ROWS], evaluations[MOST_ROWS], most[2];
    long nodes[2];
    brn_rng rng = brn_rng_start(3, 1);
    for (int i = 0; i < N * rows; ++i) numbers[i] = (float)brn_rng_normal(&rng);
    MUST(brn_settings_preset(&set, "2d"));
    MUST(brn_settings_resolve(&set, N));
    set.conjugate.running_scale = false;
    MUST(brn_device_open(&dev, "cuda:0", 1));
    if (icnn) MUST(brn_shape_icnn(&shape, N, hidden, BRN_ACT_SOFTPLUS, 1, false, true));
    else MUST(brn_shape_mlp(&shape, N, hidden, BRN_ACT_ELU, 1, false));
    MUST(brn_net_create(&f.part[0], dev, &shape));
    MUST(brn_net_init(&f.part[0], 3, 1, false));
    MUST(brn_batch_create(&y, dev, N, rows, "y"));
    MUST(brn_batch_create(&x, dev, N, rows, "x"));
    for (int limited = 0; limited < 2; ++limited) { /* of two rounds at most, then of more */
        set.conjugate.max_evaluations = 60, set.conjugate.max_iterations = limited ? 1 : 30;
        MUST(brn_solver_create(&solver, dev, &f, &set.conjugate, rows));
        for (int s = 0; s < SOLVES; ++s) { /* as commands, captured, replayed */
            const long before = standin_counted(h).nodes;
            MUST(brn_batch_write(&y, numbers));
            MUST(brn_batch_write(&x, numbers));
            MUST(brn_solver_run(solver, &f, &y, &x));
            MUST(brn_solver_read_info(solver, brn_device_queue(dev, 0), BRN_INFO_EVALUATIONS, evaluations, rows));
            nodes[limited] = standin_counted(h).nodes - before;
        }
        most[limited] = 0;
        for (int r = 0; r < rows; ++r) most[limited] = evaluations[r] > most[limited] ? evaluations[r] : most[limited];
        brn_solver_free(solver);
    }
    brn_batch_free(&y), brn_batch_free(&x);
    brn_pot_free(&f);
    brn_device_close(dev);
    cr_assert_gt(most[0], most[1], "as many rounds as with a limit: %g", (double)most[0]);
    const double of_round = (double)(nodes[0] - nodes[1]) / (double)(most[0] - most[1]);
    fprintf(stderr, "a round of %s: %g nodes; %g besides; %g rounds\n", icnn ? "an ICNN" : "an MLP", of_round, (double)nodes[0] - of_round * (double)most[0], (double)most[0]);
    return (solve_nodes){of_round, (double)nodes[0] - of_round * (double)most[0]};
}

/* The evaluation and what follows on it, and the kernel that ends the loop; in separate kernels as many as there are. */
Test(cuda_steps, two_launches_for_a_round)
{
    static const brn_widths widths[] = {{2, {16, 16}}, {3, {64, 64, 32}}, {2, {128, 128}}, {3, {128, 128, 64}}};
    standin_hooks h;
    if (!standin_find(&h, "cuda_steps/two_launches_for_a_round")) return;
    for (size_t w = 0; w < sizeof widths / sizeof *widths; ++w) {
        const solve_nodes fused = count_solve(&h, &widths[w], w % 2, 40);
        cr_expect_eq(fused.of_round, 3, "%g nodes", fused.of_round);
        cr_expect_leq(fused.besides, 12, "%g nodes", fused.besides);
    }
    setenv("BRENIER_FUSE", "off", 1);
    const solve_nodes composed = count_solve(&h, &widths[0], false, 40);
    cr_expect_gt(composed.of_round, 10, "%g nodes", composed.of_round);
}

/* What a block may share, by compute capability: more where the device has it, some weights at a time where not. */
Test(cuda_steps, shared_memory_of_devices)
{
    static const struct {
        const char *capability;
        int bytes;
        bool wide; /* all weights of 128, 128 at once */
    } devices[] = {{"70", 96 << 10, true}, {"75", 64 << 10, false}, {"80", 163 << 10, true}, {"86", 99 << 10, true}, {"90", 227 << 10, true}};
    brn_net_shape usual, wide;
    brn_small small;
    standin_hooks h;
    if (!standin_find(&h, "cuda_steps/shared_memory_of_devices")) return;
    MUST(brn_shape_mlp(&usual, 64, &(brn_widths){3, {64, 64, 32}}, BRN_ACT_ELU, 1, false));
    MUST(brn_shape_mlp(&wide, 2, &(brn_widths){2, {128, 128}}, BRN_ACT_ELU, 1, false));
    for (size_t d = 0; d < sizeof devices / sizeof *devices; ++d) {
        brn_device *dev;
        setenv("BRENIER_STANDIN_CAPABILITY", devices[d].capability, 1);
        MUST(brn_device_open(&dev, "cuda:0", 1));
        cr_expect_eq(dev->shared, devices[d].bytes / 4, "%s: %d reals", devices[d].capability, dev->shared);
        cr_expect(brn_small_layout(&usual, dev->shared, &small) && small.resident && 4 * small.shared > 48 << 10 && small.shared <= dev->shared);
        cr_expect(brn_small_layout(&wide, dev->shared, &small) && small.resident == devices[d].wide && small.shared <= dev->shared, "%s", devices[d].capability);
        brn_device_close(dev);
        cr_expect_eq(count_solve(&h, &(brn_widths){2, {128, 128}}, false, 20).of_round, 3); /* and the launches are not refused */
    }
}

/* ---- lists ------------------------------------------------------------------------------------- */

enum { COUNT = 100, ROUNDS = 6 };

typedef struct {
    brn_device *dev;
    brn_queue *q;
    brn_buf *x, *y, *counter;
    float back[COUNT];
} work;

static void open_work(work *w)
{
    MUST(brn_device_open(&w->dev, "cuda:0", 1));
    w->q = brn_device_queue(w->dev, 0);
    MUST(brn_buf_create(&w->x, w->dev, BRN_REAL, COUNT, "x"));
    MUST(brn_buf_create(&w->y, w->dev, BRN_REAL, COUNT, "y"));
    MUST(brn_buf_create(&w->counter, w->dev, BRN_INT, 3 + COUNT, "counter"));
}

static void close_work(work *w)
{
    brn_buf_free(w->x), brn_buf_free(w->y), brn_buf_free(w->counter);
    brn_device_close(w->dev);
}

/* Six commands whose result is 3 s + r, and a read. */
static void some_commands(work *w, float s, float r)
{
    float start[COUNT];
    for (int i = 0; i < COUNT; ++i) start[i] = r;
    MUST(BRN_LAUNCH(w->q, fill, COUNT, 1, (.ld = COUNT, .s = s), {w->x, 0}));
    MUST(brn_write_f32(w->q, (brn_view){w->y, 0}, start, COUNT));
    for (int i = 0; i < 3; ++i) MUST(BRN_LAUNCH(w->q, axpby, COUNT, 1, (.ldx = COUNT, .ldy = COUNT, .s = 1, .t = 1), {w->x, 0}, {w->y, 0}));
    MUST(brn_read_f32(w->q, (brn_view){w->y, 0}, w->back, COUNT));
    for (int i = 0; i < COUNT; ++i) cr_assert_eq(w->back[i], 3 * s + r, "element %d is %g", i, (double)w->back[i]);
}

/* Parameters and what is written vary from replay to replay; a new buffer in place of one that went starts anew. */
Test(cuda_steps, lists_that_come_again)
{
    work w;
    if (!cuda_here("cuda_steps/lists_that_come_again")) return;
    open_work(&w);
    for (int round = 0; round < 2 * ROUNDS; ++round) {
        if (round == ROUNDS) {
            brn_buf *former = w.x;
            MUST(brn_buf_create(&w.x, w.dev, BRN_REAL, COUNT, "x"));
            brn_buf_free(former);
        }
        const uint64_t before = w.dev->counts.submissions;
        some_commands(&w, (float)round, (float)(100 - round));
        const uint64_t submissions = w.dev->counts.submissions - before;
        cr_expect_eq(submissions, round % ROUNDS ? 1 : 6, "round %d: %d", round, (int)submissions);
    }
    cr_expect_gt(((brn_cuda *)w.dev->impl)->replays.count, 0);
    close_work(&w);
}

/* y += x, as flags: those that reach F_DONE leave the list. */
static brn_status add_once(void *context, brn_queue *q)
{
    work *w = context;
    BRN_TRY(BRN_LAUNCH(q, axpby, COUNT, 1, (.ldx = COUNT, .ldy = COUNT, .s = 1, .t = 1), {w->x, 0}, {w->y, 0}));
    return BRN_LAUNCH(q, conj_list, 1, 1, (.count = COUNT, .history = 1), {w->y, 0}, {w->counter, 0});
}

/* 1/2 is added until all have reached F_DONE = 3, six times; not at all where the loop need not begin. */
Test(cuda_steps, repeated_parts)
{
    static const char *const ways[] = {"full", "plain", "off"};
    if (!cuda_here("cuda_steps/repeated_parts")) return;
    for (int way = 0; way < 3; ++way) {
        work w;
        float start[COUNT];
        setenv("BRENIER_CUDA_GRAPHS", ways[way], 1);
        open_work(&w);
        for (int round = 0; round < ROUNDS; ++round) {
            const int floor = !way && round % 2 ? COUNT : 0; /* two structures; where the host looks it may look late */
            for (int i = 0; i < COUNT; ++i) start[i] = (float)(i < 50 ? 0 : 1);
            MUST(BRN_LAUNCH(w.q, fill, COUNT, 1, (.ld = COUNT, .s = 0.5f), {w.x, 0}));
            MUST(brn_write_f32(w.q, (brn_view){w.y, 0}, start, COUNT));
            MUST(brn_zero(w.q, (brn_view){w.counter, 0}, 3 + COUNT));
            MUST(BRN_LAUNCH(w.q, conj_list, 1, 1, (.count = COUNT, .history = 1), {w.y, 0}, {w.counter, 0}));
            MUST(brn_repeat(w.q, (brn_view){w.counter, 0}, floor, add_once, &w));
            MUST(brn_read_f32(w.q, (brn_view){w.y, 0}, w.back, COUNT));
            for (int i = 0; i < COUNT; ++i)
                cr_assert_eq(w.back[i], floor ? start[i] : start[i] + 3, "%s, round %d: element %d is %g", ways[way], round, i, (double)w.back[i]);
        }
        close_work(&w);
    }
}

static brn_status reads_within(void *context, brn_queue *q)
{
    work *w = context;
    return brn_read_f32(q, (brn_view){w->x, 0}, w->back, COUNT);
}

Test(cuda_steps, repeated_parts_that_read)
{
    work w;
    if (!cuda_here("cuda_steps/repeated_parts_that_read")) return;
    open_work(&w);
    MUST(brn_zero(w.q, (brn_view){w.counter, 0}, 1));
    MUST_FAIL(brn_repeat(w.q, (brn_view){w.counter, 0}, 0, reads_within, &w), BRN_ERR_INTERNAL, "repeated part");
    close_work(&w);
}

/* A list that was lost is not forgotten: whatever comes after it says so. */
Test(cuda_steps, failures_stay)
{
    standin_hooks h;
    work w;
    if (!standin_find(&h, "cuda_steps/failures_stay")) return;
    open_work(&w);
    MUST(BRN_LAUNCH(w.q, fill, COUNT, 1, (.ld = COUNT, .s = 1), {w.x, 0}));
    h.fail_at(2, 719, false); /* the context, the launch */
    brn_buf_free(w.x);
    cr_assert_not(h.fail_pending());
    MUST_FAIL(brn_read_f32(w.q, (brn_view){w.y, 0}, w.back, COUNT), BRN_ERR_DEVICE, "fill");
    MUST_FAIL(brn_zero(w.q, (brn_view){w.y, 0}, COUNT), BRN_ERR_DEVICE, "fill");
    w.x = NULL;
    close_work(&w);
}

/* A graph that cannot be made is no reason to stop. */
Test(cuda_steps, graphs_that_fail)
{
    standin_hooks h;
    work w;
    if (!standin_find(&h, "cuda_steps/graphs_that_fail")) return;
    for (long k = 2; k < 20; ++k) { /* behind the context */
        open_work(&w);
        some_commands(&w, 1, 2);
        h.fail_at(k, 2, false);
        float start[COUNT] = {0};
        MUST(BRN_LAUNCH(w.q, fill, COUNT, 1, (.ld = COUNT, .s = 2), {w.x, 0}));
        MUST(brn_write_f32(w.q, (brn_view){w.y, 0}, start, COUNT));
        for (int i = 0; i < 3; ++i) MUST(BRN_LAUNCH(w.q, axpby, COUNT, 1, (.ldx = COUNT, .ldy = COUNT, .s = 1, .t = 1), {w.x, 0}, {w.y, 0}));
        const brn_status status = brn_read_f32(w.q, (brn_view){w.y, 0}, w.back, COUNT);
        const bool reached = !h.fail_pending();
        h.fail_at(0, 0, false);
        if (status == BRN_OK) cr_expect_eq(w.back[0], 6);
        else cr_expect_eq(status, BRN_ERR_MEMORY, "call %ld: %s", k, brn_last_error());
        close_work(&w);
        cr_assert_eq(h.live(), 0, "call %ld: %d objects left", k, h.live());
        if (!reached) return;
    }
    cr_assert_fail("the calls of a replay do not end");
}
