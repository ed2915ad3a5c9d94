/* Settings in files: what is saved is loaded, and what hostile or mistaken files are told. */
#include "support/support.h"
#include "config/config.h"
#include "fuzz/parsers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *path, const char *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    cr_assert(f && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static brn_settings loaded(const char *text)
{
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_config_parse(&s, text, strlen(text), "test"));
    return s;
}

Test(yaml, what_is_saved_is_loaded)
{
    static const char *const names[] = {"hd", "hd-paper", "2d", "2d-paper", "images", "images-paper"};
    char dir[64], path[96];
    test_make_dir(dir);
    snprintf(path, sizeof path, "%s/config.yaml", dir);
    for (int i = 0; i < 12; ++i) {
        brn_settings s, back;
        MUST(brn_settings_preset(&s, names[i / 2]));
        MUST(brn_settings_set(&s, "out",
                              "runs/a \"quoted\" \\ # : é \xc2\x85 \xe2\x80\xa8 \xef\xbb\xbf \xef\xbf\xbf "
                              "\xc2\x9f \xf0\x9f\x98\x80"));
        MUST(brn_settings_set(&s, "data.pair", " - x: *a &b !c [d] {e} % @ ` ' | > ?"));
        MUST(brn_settings_set(&s, "train.divergence", "12345.678901234567"));
        if (i % 2) MUST(brn_settings_resolve(&s, 48)); /* 4 x 4 pixels of three colours */
        MUST(brn_settings_save(&s, path));
        MUST(brn_settings_preset(&back, names[(i / 2 + 1) % 6]));
        MUST(brn_settings_load(&back, path));
        cr_assert_eq(memcmp(&s, &back, sizeof s), 0, "%s", names[i / 2]);
    }
    struct dirent **list;
    cr_assert_eq(scandir(dir, &list, NULL, NULL), 3, "only the file itself is left in its folder");
    test_remove_dir(dir);
}

Test(yaml, groups_lists_and_the_preset_are_read)
{
    brn_settings s = loaded("# a comment\n"
                            "train:\n"
                            "  steps: 25\n"
                            "  potential: {lr: 1e-3, kind: soap}\n"
                            "potential:\n"
                            "  hidden:\n"
                            "  - 5\n"
                            "  - 6\n"
                            "amortizer: {hidden: [7, 8, 9]}\n"
                            "conjugate:\n"
                            "  # nothing yet\n"
                            "eval.points: 99\n"
                            "preset: hd-paper\n");
    cr_assert_str_eq(s.preset, "hd-paper");
    cr_assert(s.train.steps == 25 && s.train.batch == 1024 && s.train.potential.lr == 1e-3 &&
              s.train.potential.kind == BRN_OPT_SOAP);
    cr_assert(s.potential.hidden.count == 2 && s.potential.hidden.width[1] == 6);
    cr_assert(s.amortizer.hidden.count == 3 && s.amortizer.hidden.width[2] == 9);
    cr_assert_eq(s.eval.points, 99);
    s = loaded("seed: '17'\ndata:\n  pair: \"gau\\x73s8\"\n  source_weight:\n");
    cr_assert(s.seed == 17 && strcmp(s.data.pair, "gauss8") == 0 && !s.data.source_weight[0]);
    s = loaded("");
    cr_assert_str_eq(s.preset, "hd");
    s = loaded("# nothing\n---\n...\n");
    cr_assert_str_eq(s.preset, "hd");
    s = loaded("\xef\xbb\xbfseed: 3\r\nthreads: 1\r\n");
    cr_assert(s.seed == 3 && s.threads == 1);
}

static const struct {
    const char *name, *text;
    brn_status status;
    const char *part;
} bad[] = {
    {"unknown key", "seed: 1\ntrain:\n  stesp: 5\n", BRN_ERR_USAGE,
     "test:3:3: unknown setting \"train.stesp\"; did you mean \"train.steps\""},
    {"unknown group", "trian:\n  steps: 5\n", BRN_ERR_USAGE, "test:1:1: unknown group of settings \"trian\"; did you mean \"train\"?"},
    {"unknown group in a group", "train:\n  potental: {lr: 1}\n", BRN_ERR_USAGE,
     "test:2:3: unknown group of settings \"train.potental\"; did you mean \"train.potential\"?"},
    {"merge key", "<<: {seed: 1}\n", BRN_ERR_USAGE, "test:1:1: unknown group of settings \"<<\""},
    {"empty key", "\"\": 1\n", BRN_ERR_USAGE, "test:1:1: unknown setting"},
    {"unknown preset", "seed: 1\npreset: hdd\n", BRN_ERR_INPUT, "test:2:9: unknown preset \"hdd\""},
    {"out of range", "train:\n  steps: -1\n", BRN_ERR_INPUT, "test:2:10: train.steps: expected integer in"},
    {"no number", "train: {lr_final: fast}\n", BRN_ERR_INPUT, "test:1:19: train.lr_final: expected number"},
    {"empty number", "train:\n  steps:\n", BRN_ERR_INPUT, "train.steps: expected integer"},
    {"width out of range", "potential:\n  hidden: [64, 0]\n", BRN_ERR_INPUT, "test:2:11: potential.hidden"},
    {"too many widths", "potential: {hidden: [1,2,3,4,5,6,7,8,9]}\n", BRN_ERR_INPUT, "up to 8"},
    {"no widths", "potential: {hidden: []}\n", BRN_ERR_INPUT, "potential.hidden: expected"},
    {"list of lists", "potential: {hidden: [[1], 2]}\n", BRN_ERR_INPUT,
     "test:1:22: a list may hold plain values only"},
    {"list of groups", "potential: {hidden: [{a: 1}]}\n", BRN_ERR_INPUT, "plain values only"},
    {"list for a number", "seed: [1, 2]\n", BRN_ERR_INPUT,
     "test:1:7: seed: expected integer in [0, 18446744073709551615], found a list"},
    {"list for text", "out: [a, b]\n", BRN_ERR_INPUT, "out: expected path, found a list"},
    {"group for a value", "seed: {a: 1}\n", BRN_ERR_INPUT,
     "test:1:7: seed: expected integer in [0, 18446744073709551615], found a group"},
    {"value for a group", "train: 5\n", BRN_ERR_INPUT, "test:1:8: train is a group"},
    {"list for a group", "train: [steps]\n", BRN_ERR_INPUT, "test:1:8: train is a group"},
    {"key twice", "seed: 1\nthreads: 1\nseed: 2\n", BRN_ERR_INPUT, "test:3:1: seed is given twice"},
    {"preset twice", "preset: hd\npreset: 2d\n", BRN_ERR_INPUT, "test:2:1: preset is given twice"},
    {"key twice, dotted", "train:\n  steps: 1\ntrain.steps: 2\n", BRN_ERR_INPUT,
     "test:3:1: train.steps is given twice"},
    {"group twice", "train:\n  steps: 1\ntrain:\n  batch: 2\n", BRN_ERR_INPUT,
     "test:3:1: group train is given twice"},
    {"empty groups", "train:\ntrain:\n", BRN_ERR_INPUT, "test:2:1: group train is given twice"},
    {"anchor", "train: &a\n  steps: 1\n", BRN_ERR_INPUT, "test:1:8: anchors and aliases"},
    {"anchored key", "&a seed: 1\n", BRN_ERR_INPUT, "anchors and aliases"},
    {"anchored list", "potential: {hidden: &a [1]}\n", BRN_ERR_INPUT, "anchors and aliases"},
    {"alias", "seed: *a\n", BRN_ERR_INPUT, "test:1:7: anchors and aliases"},
    {"alias as document", "*a\n", BRN_ERR_INPUT, "anchors and aliases"},
    {"tag", "seed: !!int 1\n", BRN_ERR_INPUT, "test:1:7: tags"},
    {"local tag", "seed: !python/object 1\n", BRN_ERR_INPUT, "tags"},
    {"document is a list", "- seed\n", BRN_ERR_INPUT, "test:1:1: expected settings"},
    {"document is a value", "hello\n", BRN_ERR_INPUT, "test:1:1: expected settings"},
    {"two documents", "seed: 1\n---\nseed: 2\n", BRN_ERR_INPUT, "test:2:1: a second document begins"},
    {"list as key", "? [a, b]\n: 1\n", BRN_ERR_INPUT, "expected the name of a setting"},
    {"group as key", "{a: 1}: 1\n", BRN_ERR_INPUT, "expected the name of a setting"},
    {"tab", "train:\n\tsteps: 1\n", BRN_ERR_INPUT, "test:2:1: not YAML"},
    {"open quote", "seed: \"1\nthreads: 2\n", BRN_ERR_INPUT, "not YAML"},
    {"open bracket", "potential: {hidden: [1, 2\n", BRN_ERR_INPUT, "not YAML"},
    {"bad indentation", "train:\n  steps: 1\n batch: 2\n", BRN_ERR_INPUT, "test:3:2: not YAML"},
    {"no UTF-8", "seed: 1\nout: \"\xff\"\n", BRN_ERR_INPUT, "test:2:7: not YAML"},
    {"control character", "out: a\x01\n", BRN_ERR_INPUT, "test:1:7: not YAML"},
    {"newline in a path", "out: \"a\\nb\"\n", BRN_ERR_INPUT, "test:1:6: out: byte 1 (0x0a)"},
    {"folded text", "out: |\n  a\n  b\n", BRN_ERR_INPUT, "out: byte 1"},
    {"escaped NUL", "out: \"a\\0b\"\n", BRN_ERR_INPUT, "test:1:6: a value holds a NUL"},
    {"escaped NUL in a key", "\"seed\\0x\": 1\n", BRN_ERR_INPUT, "test:1:1: a value holds a NUL"},
    {"directive", "%YAML 9.9\n---\nseed: 1\n", BRN_ERR_INPUT, "not YAML"},
};

Test(yaml, bad_files_are_told_where_and_what)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        brn_settings s, before;
        MUST(brn_settings_preset(&s, "2d"));
        memcpy(&before, &s, sizeof s);
        brn_status status = brn_config_parse(&s, bad[i].text, strlen(bad[i].text), "test");
        cr_expect_eq(status, bad[i].status, "%s: %s (%s)", bad[i].name, brn_status_name(status),
                     brn_last_error());
        cr_expect(strstr(brn_last_error(), bad[i].part), "%s: \"%s\" lacks \"%s\"", bad[i].name,
                  brn_last_error(), bad[i].part);
        cr_expect_eq(memcmp(&s, &before, sizeof s), 0, "%s changed the settings", bad[i].name);
    }
}

/* Text of `count` copies of `unit`, behind `start`. */
static char *repeated(const char *start, const char *unit, size_t count, size_t *size)
{
    size_t head = strlen(start), one = strlen(unit);
    char *text = malloc(head + one * count + 1);
    cr_assert(text);
    memcpy(text, start, head);
    for (size_t i = 0; i < count; ++i) memcpy(text + head + i * one, unit, one);
    *size = head + one * count;
    text[*size] = '\0';
    return text;
}

static const struct {
    const char *start, *unit;
} bombs[] = {
    {"", "["},
    {"", "{a: "},
    {"", "- "},
    {"", "? "},
    {"seed: ", "["},
    {"seed: ", "\n ["},
    {"train: ", "{train: "},
    {"", "train: {"},
    {"out: \"", "\\\n"},
    {"out: ", "x"},
    {"", "a"},
    {"a: ", "&a "},
    {"", "*a "},
    {"", "---\n"},
    {"seed: 1\n", "...\n"},
    {"", "{"},
    {"", "\n"},
    {"", "#\n"},
    {"", "seed: 1\n"},
    {"potential: {hidden: [", "1,"},
    {"potential: {hidden: [", "[,"},
    {"!", "!"},
    {"%", "%TAG ! !\n"},
    {"", "'"},
    {"", "\xef\xbb\xbf"},
    {"out: |9\n", " "},
    {"", "train.potential.: {"},
    {"", "\r"},
};

/* Files of nearly the largest size that aim at depth, repetition or look-ahead. */
Test(yaml, bombs_are_refused_quickly)
{
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; ++i) {
        size_t size, room = BRN_CONFIG_FILE_MAX - 64;
        char *text = repeated(bombs[i].start, bombs[i].unit, room / strlen(bombs[i].unit), &size);
        parse_settings((const uint8_t *)text, size);
        free(text);
    }
}

/* Every prefix of a good file, and every byte of it replaced, is accepted whole or refused. */
Test(yaml, damaged_files_are_accepted_whole_or_refused)
{
    static const char good[] = "preset: 2d\nseed: 12\ntrain:\n  steps: 1e3\n  potential: {lr: 0.5}\n"
                               "potential:\n  hidden: [6, 4]\n  last_activation: yes\nout: \"a \\u00e9\"\n";
    static const char bytes[] = "\0\n \t:,[]{}&*!|>'\"%@`#-?\x7f\x80\xff\\a9";
    char text[sizeof good];
    for (size_t i = 0; i < sizeof good; ++i) parse_settings((const uint8_t *)good, i);
    for (size_t i = 0; i + 1 < sizeof good; ++i)
        for (size_t k = 0; k + 1 < sizeof bytes; ++k) {
            memcpy(text, good, sizeof good);
            text[i] = bytes[k];
            parse_settings((const uint8_t *)text, sizeof good - 1);
        }
}

Test(yaml, files_that_are_none_are_refused)
{
    char dir[64], path[96];
    brn_settings s;
    MUST(brn_settings_preset(&s, "hd"));
    test_make_dir(dir);
    snprintf(path, sizeof path, "%s/c.yaml", dir);
    MUST_FAIL(brn_settings_load(&s, path), BRN_ERR_INPUT, "cannot open");
    MUST_FAIL(brn_settings_load(&s, dir), BRN_ERR_INPUT, "not a regular file");
    put(path, "seed: 1\nout: \0\n", 15);
    MUST_FAIL(brn_settings_load(&s, path), BRN_ERR_INPUT, "c.yaml:2:6: a NUL byte");
    put(path, "", 0);
    MUST(brn_settings_load(&s, path));
    put(path, "", 0);
    cr_assert_eq(truncate(path, BRN_CONFIG_FILE_MAX + 1), 0);
    MUST_FAIL(brn_settings_load(&s, path), BRN_ERR_INPUT,
              "1048577 bytes, a configuration has at most 1048576");
    snprintf(path, sizeof path, "%s/pipe", dir);
    cr_assert_eq(mkfifo(path, 0600), 0);
    MUST_FAIL(brn_settings_load(&s, path), BRN_ERR_INPUT, "not a regular file");
    test_remove_dir(dir);
}

Test(yaml, a_failed_save_keeps_the_former_file)
{
    char dir[64], path[96];
    brn_settings s, back;
    MUST(brn_settings_preset(&s, "hd"));
    MUST(brn_settings_preset(&back, "2d"));
    test_make_dir(dir);
    snprintf(path, sizeof path, "%s/c.yaml", dir);
    MUST(brn_settings_save(&s, path));
    brn_settings broken = s;
    broken.train.loss = (brn_loss)50;
    MUST_FAIL(brn_settings_save(&broken, path), BRN_ERR_USAGE, "train.loss");
    MUST(brn_settings_load(&back, path));
    cr_assert_eq(memcmp(&s, &back, sizeof s), 0);
    snprintf(path, sizeof path, "%s/missing/c.yaml", dir);
    MUST_FAIL(brn_settings_save(&s, path), BRN_ERR_DISK, "missing/c.yaml");
    snprintf(path, sizeof path, "%s/folder", dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    MUST_FAIL(brn_settings_save(&s, path), BRN_ERR_DISK, "/folder");
    struct dirent **list;
    cr_assert_eq(scandir(dir, &list, NULL, NULL), 4, "no temporary file stays");
    test_remove_dir(dir);
}
