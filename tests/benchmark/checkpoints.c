/* PyTorch checkpoints of the corpus (tests/fuzz/make_corpus.py): what is read, and what is refused with which line. */
#include "io/torch.h"
#include "support/support.h"

#include <stdio.h>
#include <string.h>

static brn_status read_both(const char *name, float *w, float *b)
{
    char path[512];
    brn_torch *file;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/torch/%s", BRN_SOURCE_DIR, name);
    brn_status status = brn_torch_open(&file, path);
    if (status == BRN_OK) status = brn_torch_read(file, "w", 2, (const size_t[]){2, 3}, w);
    if (status == BRN_OK && b) status = brn_torch_read(file, "b", 1, (const size_t[]){3}, b);
    brn_torch_close(file);
    return status;
}

Test(checkpoints, tensors_of_both_protocols_and_types)
{
    static const char *const names[] = {"plain.pt", "protocol4.pt"};
    for (int i = 0; i < 2; ++i) {
        float w[6], b[3];
        MUST(read_both(names[i], w, b));
        for (int k = 0; k < 6; ++k) cr_expect_eq(w[k], (float)(k + 1), "%s", names[i]);
        for (int k = 0; k < 3; ++k) cr_expect_eq(b[k], (float)(k + 7), "%s", names[i]);
    }
}

/* Counters of batch normalisations are integers; they are passed over, and not read as numbers. */
Test(checkpoints, integers_are_no_tensors_of_floats)
{
    char path[512];
    brn_torch *file;
    float w[6];
    size_t shape[BRN_TORCH_RANK];
    int rank;
    MUST(read_both("counter.pt", w, NULL));
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/torch/counter.pt", BRN_SOURCE_DIR);
    MUST(brn_torch_open(&file, path));
    MUST(brn_torch_sizes(file, "n", &rank, shape));
    cr_expect_eq(rank, 0);
    MUST(brn_torch_sizes(file, "w", &rank, shape));
    cr_expect(rank == 2 && shape[0] == 2 && shape[1] == 3);
    MUST(brn_torch_sizes(file, "x", &rank, shape));
    cr_expect_eq(rank, -1);
    MUST_FAIL(brn_torch_read(file, "n", 0, NULL, w), BRN_ERR_INPUT, "tensor 'n' holds integers, expected floats");
    brn_torch_close(file);
}

Test(checkpoints, a_view_is_read_in_its_own_order)
{
    const float expected[6] = {1, 3, 5, 2, 4, 6};
    float w[6];
    MUST(read_both("transposed.pt", w, NULL));
    for (int k = 0; k < 6; ++k) cr_expect_eq(w[k], expected[k]);
}

Test(checkpoints, the_rest_is_refused)
{
    static const struct { const char *name, *line; } cases[] = {
        {"os_system.pt", "system, which is not allowed"}, {"eval.pt", "eval, which is not allowed"}, {"past_storage.pt", "reaches past its storage"},
        {"stride_overflow.pt", "expected 2 x 3"}, {"broadcast.pt", "expected 2 x 3"}, {"no_storage.pt", "no member 'data/0'"},
        {"short_storage.pt", "4 bytes, 6 numbers are announced"}, {"truncated_pickle.pt", "the pickle ends"}, {"endless_text.pt", "data.pkl]:byte 7"},
        {"far_memo.pt", "place 4294967295 of the memory"}, {"empty_memo.pt", "place 7 of the memory is empty"}, {"nested.pt", "expected one dictionary"},
        {"circle.pt", "something other than a tensor"}, {"no_items.pt", "nothing is left on the stack"}, {"odd_items.pt", "a key without a value"},
        {"integers.pt", "tensor 'w' holds integers"}, {"instance.pt", "opcode 0x69 is not allowed"}, {"old_version.pt", "'version' is \"2\""}, {"two_roots.pt", "in one folder"},
        {"deflated.pt", "expected it uncompressed"}, {"lfs_pointer.pt", "git lfs pull"}, {"truncated.pt", "truncated.pt"}, {"torn.pt", "torn.pt"},
        {"empty.pt", "expected a PyTorch checkpoint"}, {"missing.pt", "missing.pt"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        float w[6];
        MUST_FAIL(read_both(cases[i].name, w, NULL), BRN_ERR_INPUT, cases[i].line);
        cr_expect(strstr(brn_last_error(), cases[i].name), "%s: %s", cases[i].name, brn_last_error());
    }
}
