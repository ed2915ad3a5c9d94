/* Status texts, memory and sizes. */
#include "support/support.h"
#include "core/memory.h"

#include <stdlib.h>

Test(status, every_code_has_a_name_and_a_text)
{
    cr_assert_str_eq(brn_status_name(BRN_ERR_INPUT), "ERR_INPUT");
    cr_assert_str_eq(brn_status_text(BRN_OK), "success");
    cr_assert_str_eq(brn_status_name((brn_status)77), "?");
}

Test(status, a_failure_stays_one_line)
{
    cr_assert_eq(brn_fail(BRN_ERR_INPUT, "file %s:%d", "a\nb\x1b", 3), BRN_ERR_INPUT);
    cr_assert_str_eq(brn_last_error(), "file a?b?:3");
    cr_assert_eq(brn_fail_in(BRN_ERR_INPUT, "train"), BRN_ERR_INPUT);
    cr_assert_str_eq(brn_last_error(), "train: file a?b?:3");
}

Test(memory, products_are_checked)
{
    size_t n = 5;
    cr_assert(brn_mul_size(3, 4, &n) && n == 12);
    cr_assert(!brn_mul_size(SIZE_MAX / 2, 3, &n) && n == 12);
    float *p = NULL;
    MUST_FAIL(BRN_ALLOC(&p, SIZE_MAX / 4, "samples"), BRN_ERR_MEMORY, "samples");
    cr_assert_null(p);
}

Test(memory, blocks_are_zeroed_and_aligned)
{
    float *p;
    MUST(BRN_ALLOC(&p, 33, "block"));
    cr_assert_eq((uintptr_t)p % BRN_ALIGN, 0);
    for (int i = 0; i < 33; ++i) cr_assert_eq(p[i], 0.0f);
    free(p);
}

Test(memory, arrays_grow_and_a_failure_leaves_them_as_they_were)
{
    int *at = NULL;
    size_t room = 0;
    for (int count = 0; count < 100; count += 3) {
        MUST(BRN_GROW(&at, &room, count, 3, "array"));
        cr_assert(room >= (size_t)count + 3);
        for (int i = count; i < (int)room; ++i) cr_assert_eq(at[i], 0);
        for (int i = count; i < count + 3; ++i) at[i] = i + 1;
        for (int i = 0; i < count; ++i) cr_assert_eq(at[i], i + 1);
    }
    const int *before = at;
    const size_t had = room;
    MUST_FAIL(BRN_GROW(&at, &room, 102, SIZE_MAX / 16, "array"), BRN_ERR_MEMORY, "array");
    cr_assert(at == before && room == had && at[101] == 102);
    free(at);
}

Test(memory, failures_can_be_injected)
{
    char *a, *b;
    brn_alloc_fail_at(2);
    MUST(brn_strdup(&a, "one"));
    MUST_FAIL(brn_strdup(&b, "two"), BRN_ERR_MEMORY, "text");
    MUST(brn_strdup(&b, "three"));
    free(a), free(b);
}
