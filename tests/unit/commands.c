/* Lists of commands: what makes two of them alike, and which are remembered. */
#include "common/commands.h"
#include "support/support.h"

static brn_buf bufs[3] = {{.count = 100, .elem = 4}, {.count = 100, .elem = 4}, {.count = 100, .elem = 4}};
static int dropped;
static void drop(void *context, void *made) { (void)context, (void)made, ++dropped; }

/* What may differ between two lists: sizes, parameters, buffers, offsets, a product's factor. */
typedef struct {
    int rows, buf, at;
    float s, beta;
} kind;

static void add(brn_commands *list, kind k)
{
    const brn_view v = {&bufs[k.buf], (size_t)k.at};
    const brn_p_fill p = {.rows = k.rows, .feats = 1, .ld = 1, .s = k.s};
    MUST(brn_commands_kernel(list, BRN_K_fill, &p, sizeof p, k.rows, 1, &v, 1));
    MUST(brn_commands_product(list, &(brn_gemm_args){.m = 1, .n = 1, .k = 1, .alpha = 1, .beta = k.beta, .a = v, .b = v, .c = v}));
}

static brn_commands list_of(kind k)
{
    brn_commands list = {0};
    add(&list, k);
    return list;
}

static void compare(kind a, kind b, bool alike)
{
    brn_commands x = list_of(a), y = list_of(b);
    cr_expect_eq(brn_commands_alike(&x, &y), alike);
    brn_commands_free(&x), brn_commands_free(&y);
}

Test(commands, structure)
{
    const kind usual = {.rows = 5, .buf = 0, .at = 3, .s = 1, .beta = 1};
    kind k = usual;
    compare(usual, k, true);
    k.s = 2, compare(usual, k, true), k = usual; /* a parameter */
    k.buf = 1, compare(usual, k, false), k = usual;
    k.at = 4, compare(usual, k, false), k = usual;
    k.beta = 0, compare(usual, k, false), k = usual;
    brn_commands x = list_of(usual), y = list_of(usual);
    add(&y, usual);
    cr_expect_not(brn_commands_alike(&x, &y));
    cr_expect(brn_commands_use(&x, &bufs[0]) && !brn_commands_use(&x, &bufs[1]));
    brn_commands_free(&x), brn_commands_free(&y);
}

Test(commands, parameters_vary_outside_repeated_parts_only)
{
    for (int repeated = 0; repeated < 2; ++repeated) {
        brn_commands list[2] = {{0}};
        for (int i = 0; i < 2; ++i) {
            if (repeated) MUST(brn_commands_open_repeat(&list[i], (brn_view){&bufs[2], 0}, 7));
            add(&list[i], (kind){.rows = 5, .s = (float)i});
            if (repeated) MUST_FAIL(brn_commands_open_repeat(&list[i], (brn_view){&bufs[2], 0}, 7), BRN_ERR_INTERNAL, "within");
            if (repeated) brn_commands_close_repeat(&list[i]);
        }
        cr_expect_eq(brn_commands_alike(&list[0], &list[1]), !repeated);
        cr_expect(brn_command_varies(&list[0].at[repeated], &list[1].at[repeated]));
        if (repeated) cr_expect_eq(list[0].at[0].body, 2);
        brn_commands_free(&list[0]), brn_commands_free(&list[1]);
    }
}

Test(commands, the_latest_are_remembered)
{
    brn_replays replays = {.drop = drop};
    brn_commands first = list_of((kind){.rows = 1});
    for (int i = 1; i <= BRN_REPLAYS + 10; ++i) {
        brn_commands list = list_of((kind){.rows = i, .buf = i % 2});
        cr_expect_null(brn_replays_find(&replays, &list));
        MUST(brn_replays_add(&replays, &list));
        brn_replays_find(&replays, &list)->made = &replays;
        brn_commands_free(&list);
    }
    cr_expect_eq(replays.count, BRN_REPLAYS);
    cr_expect_eq(dropped, 10);
    cr_expect_null(brn_replays_find(&replays, &first));
    brn_replays_forget(&replays, &bufs[1]);
    cr_expect_eq(replays.count, BRN_REPLAYS / 2);
    for (int i = 0; i < replays.count; ++i) cr_expect_not(brn_commands_use(&replays.entry[i].commands, &bufs[1]));
    brn_replays_forget(&replays, NULL);
    cr_expect_eq(replays.count, 0);
    cr_expect_eq(dropped, 10 + BRN_REPLAYS);
    brn_commands_free(&first);
}

Test(commands, too_much_for_a_command)
{
    brn_commands list = {0};
    const unsigned char params[BRN_COMMAND_PARAMS + 1] = {0};
    MUST_FAIL(brn_commands_kernel(&list, BRN_K_fill, params, sizeof params, 1, 1, &(brn_view){&bufs[0], 0}, 1), BRN_ERR_INTERNAL, "bytes of parameters");
    MUST_FAIL(brn_commands_kernel(&list, BRN_K_fill, params, 4, 1, 1, NULL, 0), BRN_ERR_INTERNAL, "fill: 0 buffers given");
    cr_expect_eq(list.count, 0);
    brn_commands_free(&list);
}
