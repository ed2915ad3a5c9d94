/* Tables: every accepted form of NPY, NPZ and CSV, and writing them. */
#include "io/files.h"
#include "core/memory.h"
#include "io/atomic.h"
#include "io/number.h"
#include <brenier/table.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#if BRN_HAVE_ZIP
#include <zip.h>
#endif

static folder dir;
static void make(void) { test_make_dir(dir.path); }
static void drop(void) { test_remove_dir(dir.path); }
TestSuite(npy, .init = make, .fini = drop);
TestSuite(npz, .init = make, .fini = drop);
TestSuite(csv, .init = make, .fini = drop);
TestSuite(writer, .init = make, .fini = drop);

/* The file must hold these n rows of d numbers, read whole and in pieces. */
static void must_hold(const char *path, const brn_table_options *options, size_t n, int d,
                      const float *expected)
{
    float *rows, *weights, piece[2 * 16];
    size_t found, got;
    int cols;
    MUST(brn_table_load(path, options, &rows, &weights, &found, &cols));
    cr_assert(found == n && cols == d, "%s: %zu x %d", path, found, cols);
    cr_assert(!!weights == !!(options && options->weight));
    for (size_t i = 0; i < n * (size_t)d; ++i)
        cr_assert_eq(rows[i], expected[i], "%s: number %zu is %g", path, i, rows[i]);

    brn_table *t;
    MUST(brn_table_open(&t, path, options));
    for (int pass = 0; pass < 2; ++pass) {
        for (size_t at = 0; at < n; at += got) {
            float w[2];
            MUST(brn_table_read(t, piece, w, 2, &got));
            cr_assert_eq(got, n - at < 2 ? n - at : 2);
            cr_assert_arr_eq(piece, rows + at * (size_t)d, got * (size_t)d * sizeof *rows);
            for (size_t i = 0; i < got; ++i) cr_assert_eq(w[i], weights ? weights[at + i] : 1.0f);
        }
        MUST(brn_table_read(t, piece, NULL, 2, &got));
        cr_assert_eq(got, 0);
        cr_assert_eq(brn_table_rows(t), (int64_t)n);
        MUST(brn_table_rewind(t));
    }
    brn_table_close(t);
    free(rows), free(weights);
}

static const float six[6] = {1, 2, 3, 4, 5, 6};
static const float six_transposed[6] = {1, 3, 5, 2, 4, 6}; /* 3 x 2 in Fortran order */

/* ---- NPY --------------------------------------------------------------------------------------- */

#define DICT(descr, order, shape)                                                                            \
    "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }     \n"

#define ONE_TYPE(descr, type)                                                                                \
    do {                                                                                                     \
        type values[6];                                                                                      \
        for (int i = 0; i < 6; ++i) values[i] = (type)six[i];                                                \
        must_hold(put_npy(&dir, "a.npy", DICT(descr, "False", "(3, 2)"), values, sizeof values), NULL, 3, 2, \
                  six);                                                                                      \
    } while (0)

Test(npy, every_type)
{
    ONE_TYPE("<f4", float);
    ONE_TYPE("<f8", double);
    ONE_TYPE("|i1", int8_t);
    ONE_TYPE("<i2", int16_t);
    ONE_TYPE("<i4", int32_t);
    ONE_TYPE("<i8", int64_t);
    ONE_TYPE("|u1", uint8_t);
    ONE_TYPE("<u2", uint16_t);
    ONE_TYPE("<u4", uint32_t);
    ONE_TYPE("=u8", uint64_t);
    const float signs[3] = {-1, 0, 1};
    const int64_t negative[3] = {-1, 0, 1};
    must_hold(put_npy(&dir, "n.npy", DICT("<i8", "False", "(3, 1)"), negative, sizeof negative), NULL, 3, 1,
              signs);
    const unsigned char flags[3] = {1, 0, 1};
    must_hold(put_npy(&dir, "b.npy", DICT("|b1", "False", "(3, 1)"), flags, 3), NULL, 3, 1,
              (float[]){1, 0, 1});
}

Test(npy, every_version_shape_and_order)
{
    unsigned char bytes[512];
    for (int version = 1; version <= 3; ++version) {
        size_t n = make_npy(bytes, version, DICT("<f4", "False", "(3, 2)"), six, sizeof six);
        must_hold(put_bytes(&dir, "v.npy", bytes, n), NULL, 3, 2, six);
    }
    must_hold(put_npy(&dir, "one.npy", DICT("<f4", "False", "(6,)"), six, sizeof six), NULL, 6, 1, six);
    must_hold(put_npy(&dir, "py2.npy", DICT("<f4", "False", "(6L,)"), six, sizeof six), NULL, 6, 1, six);
    must_hold(put_npy(&dir, "row.npy", DICT("<f4", "False", "(1, 6)"), six, sizeof six), NULL, 1, 6, six);
    must_hold(put_npy(&dir, "f.npy", DICT("<f4", "True", "(3, 2)"), six_transposed, sizeof six), NULL, 3, 2,
              six);
    must_hold(put_npy(&dir, "order.npy", "{\"shape\":(3,2),\"descr\":\"<f4\",\"fortran_order\":False}", six,
                      sizeof six),
              NULL, 3, 2, six);
    must_hold(put_npy(&dir, "without_ending", DICT("<f4", "False", "(3, 2)"), six, sizeof six), NULL, 3, 2,
              six);
}

/* More numbers than one block, rows that do not divide it. */
Test(npy, large_in_both_orders)
{
    enum { N = 9001, D = 3 };
    static unsigned char bytes[N * D * 8 + 256];
    static double data[N * D];
    static float expected[N * D];
    for (int i = 0; i < N * D; ++i) data[i] = i, expected[i] = (float)i;
    size_t n = make_npy(bytes, 1, DICT("<f8", "False", "(9001, 3)"), data, sizeof data);
    must_hold(put_bytes(&dir, "c.npy", bytes, n), NULL, N, D, expected);
    for (int c = 0; c < D; ++c)
        for (int r = 0; r < N; ++r) data[c * N + r] = r * D + c;
    n = make_npy(bytes, 1, DICT("<f8", "True", "(9001, 3)"), data, sizeof data);
    must_hold(put_bytes(&dir, "f.npy", bytes, n), NULL, N, D, expected);
}

Test(npy, weights_by_number)
{
    brn_table_options options = {.weight = "2"};
    const float rows[3] = {1, 3, 5};
    const char *path = put_npy(&dir, "a.npy", DICT("<f4", "False", "(3, 2)"), six, sizeof six);
    must_hold(path, &options, 3, 1, rows);
    float *x, *w;
    size_t n;
    int d;
    MUST(brn_table_load(path, &options, &x, &w, &n, &d));
    cr_assert(w[0] == 2 && w[1] == 4 && w[2] == 6);
    free(x), free(w);
    brn_table *t;
    MUST(brn_table_open(&t, path, &options));
    cr_assert_null(brn_table_column_name(t, 0));
    brn_table_close(t);
}

/* ---- NPZ --------------------------------------------------------------------------------------- */

#if BRN_HAVE_ZIP
Test(npz, arrays_by_name_stored_and_deflated)
{
    unsigned char bytes[512];
    const char *path = in_folder(&dir, "a.npz");
    static const int methods[] = {ZIP_CM_STORE, ZIP_CM_DEFLATE};
    add_to_npz(path, "readme.txt", "hello", 5, ZIP_CM_STORE);
    for (int i = 0; i < 2; ++i) {
        size_t n = make_npy(bytes, 1, DICT("<f4", "False", "(3, 2)"), six, sizeof six);
        add_to_npz(path, i ? "second.npy" : "first.npy", bytes, n, methods[i]);
        n = make_npy(bytes, 1, DICT("<f4", "True", "(3, 2)"), six_transposed, sizeof six);
        add_to_npz(path, i ? "second_f.npy" : "first_f.npy", bytes, n, methods[i]);
    }
    size_t n = make_npy(bytes, 1, DICT("<f4", "False", "(2, 1)"), six, 8);
    add_to_npz(path, "last.npy", bytes, n, ZIP_CM_DEFLATE);
    must_hold(path, NULL, 3, 2, six);
    static const char *const names[] = {"first", "first_f", "second", "second_f"};
    for (int i = 0; i < 4; ++i) must_hold(path, &(brn_table_options){.array = names[i]}, 3, 2, six);
    must_hold(path, &(brn_table_options){.array = "last"}, 2, 1, six);
}
#endif

/* ---- CSV --------------------------------------------------------------------------------------- */

Test(csv, separators_line_ends_comments_and_empty_lines)
{
    static const char *const texts[] = {
        "1,2\n3,4\n5,6\n",
        "1,2\n3,4\n5,6",
        "1,2\r\n3,4\r\n5,6\r\n",
        "1;2\n3;4\n5;6\n",
        "1\t2\n3\t4\n5\t6\n",
        "1 2\n3 4\n5 6\n",
        "  1   2\n 3 \t 4  \n5 6\n",
        " 1 , 2 \n3 ,4\n5,   6\n",
        "\xef\xbb\xbf"
        "1,2\n3,4\n5,6\n\n\n  \n",
        "\n\n# comment\n1,2\n# another\n3,4\n  # third\n5,6\n# end\n",
        "\"1\",\"2\"\n3,4\n5,6\n",
        "a,b\n1,2\n3,4\n5,6\n",
        "# comment\na,b\n\n1,2\n3,4\n5,6\n",
        "+1,2.0\n3.,.4e1\n5e0,0.6E+1\n",
        "1,2\n3,4\n00000000000000000000000005,600000000000000000000000000000e-29\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
        must_hold(put_text(&dir, "a.csv", texts[i]), NULL, 3, 2, six);
    must_hold(put_text(&dir, "a.csv", "1\n2\n3\n4\n5\n6\n"), NULL, 6, 1, six);
    must_hold(put_text(&dir, "a.csv", "1,2\n3,4\n5,6\n"), &(brn_table_options){.header = BRN_TABLE_HEADER_NO},
              3, 2, six);
    must_hold(put_text(&dir, "a.csv", "1,2\n1,2\n3,4\n5,6\n"),
              &(brn_table_options){.header = BRN_TABLE_HEADER_YES}, 3, 2, six);
    must_hold(put_text(&dir, "a.csv", "a,b c;d\n1;2\n3;4\n5;6\n"), &(brn_table_options){.separator = ';'}, 3,
              2, six);
}

Test(csv, names_and_weights)
{
    brn_table *t;
    const char *path = put_text(&dir, "a.csv", "x, \"y \"\"1\"\", mm\" ,weight\n1,2,0.5\n3,4,0.25\n5,6,0\n");
    brn_table_options options = {.weight = "weight"};
    must_hold(path, &options, 3, 2, six);
    MUST(brn_table_open(&t, path, &options));
    cr_assert_eq(brn_table_cols(t), 2);
    cr_assert_str_eq(brn_table_column_name(t, 0), "x");
    cr_assert_str_eq(brn_table_column_name(t, 1), "y \"1\", mm");
    cr_assert_null(brn_table_column_name(t, 2));
    cr_assert_eq(brn_table_rows(t), -1);
    int64_t n;
    MUST(brn_table_count(t, &n));
    cr_assert(n == 3 && brn_table_rows(t) == 3);
    brn_table_close(t);

    path = put_text(&dir, "b.csv", "w,x,y\n0.5,1,2\n0.25,3,4\n0,5,6\n");
    must_hold(path, &(brn_table_options){.weight = "w"}, 3, 2, six);
    must_hold(path, &(brn_table_options){.weight = "1"}, 3, 2, six);
    MUST(brn_table_open(&t, path, &(brn_table_options){.weight = "x"}));
    cr_assert_str_eq(brn_table_column_name(t, 0), "w");
    cr_assert_str_eq(brn_table_column_name(t, 1), "y");
    brn_table_close(t);
}

/* A line longer than the reader's blocks, and a file of many blocks that is rewound. */
Test(csv, long_lines_and_many_blocks)
{
    enum { D = 50000, N = 40000 };
    char *text = malloc(16 * D), *at = text;
    float *x;
    size_t n;
    int d;
    for (int r = 0; r < 2; ++r)
        for (int i = 0; i < D; ++i) at += sprintf(at, "%d%c", r * D + i, i + 1 < D ? ',' : '\n');
    MUST(brn_table_load(put_text(&dir, "wide.csv", text), NULL, &x, NULL, &n, &d));
    cr_assert(n == 2 && d == D);
    for (int i = 0; i < 2 * D; ++i) cr_assert_eq(x[i], i);
    free(x);
    at = text;
    for (int i = 0; i < N; ++i) at += sprintf(at, "%d,%d\r\n", i, -i);
    MUST(brn_table_load(put_text(&dir, "long.csv", text), NULL, &x, NULL, &n, &d));
    cr_assert(n == N && d == 2);
    for (int i = 0; i < N; ++i) cr_assert(x[2 * i] == i && x[2 * i + 1] == -i);
    free(x), free(text);
}

Test(csv, numbers_are_rounded_correctly)
{
    static const char *const texts[] = {"0.1",
                                        "-0",
                                        "1e-45",
                                        "1.1754943508222875e-38",
                                        "3.4028234663852886e38",
                                        "9007199254740993",
                                        "123456789012345678901234567890e-10",
                                        "2.2250738585072011e-308",
                                        "1e22",
                                        "1e23",
                                        "-7.5e-23",
                                        "0.000000000000000000000000000000000000000000000000001",
                                        "179769313486231570e291",
                                        "1e99999999999999999999"};
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        double value;
        const char *end = texts[i] + strlen(texts[i]);
        cr_assert_eq(brn_parse_number(texts[i], end, c, &value), end);
        cr_assert_eq(value, strtod_l(texts[i], NULL, c), "%s -> %a", texts[i], value);
    }
    static const char *const none[] = {"", "-", ".", "e5", "+.e1", "x1", "0x"};
    double value;
    for (size_t i = 0; i < sizeof none / sizeof *none; ++i) {
        const char *end = none[i] + strlen(none[i]);
        const char *found = brn_parse_number(none[i], end, c, &value);
        cr_assert(found == NULL || found < end, "\"%s\"", none[i]);
    }
    freelocale(c);
}

Test(csv, the_locale_does_not_matter)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        cr_skip_test("no locale with a decimal comma");
    must_hold(put_text(&dir, "a.csv", "1.5,2.123456789012345678\n"), NULL, 1, 2,
              (float[]){1.5f, 2.12345679f});
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void write_table(const char *path, int cols, const float *rows, size_t n)
{
    static const char *const names[] = {"x", "y \"1\", mm"};
    brn_table_writer *w;
    MUST(brn_table_create(&w, path, cols, cols == 2 ? names : NULL));
    MUST(brn_table_write(w, rows, n / 2));
    MUST(brn_table_write(w, rows + n / 2 * (size_t)cols, n - n / 2));
    MUST(brn_table_commit(w));
}

Test(writer, round_trips)
{
    static const char *const files[] = {"a.npy", "a.csv", "a.CSV", "a.npz"};
    for (int i = 0; i < 3 + BRN_HAVE_ZIP; ++i) {
        write_table(in_folder(&dir, files[i]), 2, six, 3);
        must_hold(in_folder(&dir, files[i]), NULL, 3, 2, six);
        write_table(in_folder(&dir, files[i]), 1, six, 6);
        must_hold(in_folder(&dir, files[i]), NULL, 6, 1, six);
    }
    cr_assert_eq(count_files(&dir), 3 + BRN_HAVE_ZIP);
}

Test(writer, names_survive)
{
    brn_table *t;
    write_table(in_folder(&dir, "a.csv"), 2, six, 3);
    cr_assert_str_eq(file_text(in_folder(&dir, "a.csv")), "x,\"y \"\"1\"\", mm\"\n1,2\n3,4\n5,6\n");
    MUST(brn_table_open(&t, in_folder(&dir, "a.csv"), NULL));
    cr_assert_str_eq(brn_table_column_name(t, 1), "y \"1\", mm");
    brn_table_close(t);
}

Test(writer, text_reads_back_as_the_same_bits)
{
    uint32_t state = 1;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    static const float special[] = {0.0f,         -0.0f, FLT_MAX, -FLT_MIN,      FLT_TRUE_MIN, 1e9f,
                                    999999999.0f, 0.1f,  1e-5f,   9.9999997e-6f, 16777216.0f};
    for (int i = 0; i < 200000; ++i) {
        char text[BRN_NUMBER_TEXT];
        float x;
        double back;
        state = state * 1664525u + 1013904223u;
        memcpy(&x, &state, sizeof x);
        if (i < 11) x = special[i];
        if (!isfinite(x)) continue;
        size_t n = brn_format_number(text, x);
        cr_assert_leq(n, 16);
        cr_assert_eq(brn_parse_number(text, text + n, c, &back), text + n);
        float same = (float)back;
        cr_assert_eq(memcmp(&same, &x, sizeof x), 0, "%a -> %.*s", x, (int)n, text);
    }
    freelocale(c);
}

Test(writer, what_cannot_be_read_back_is_still_written)
{
    const float bad[3] = {NAN, INFINITY, -INFINITY};
    write_table(in_folder(&dir, "a.csv"), 3, bad, 1);
    cr_assert_str_eq(file_text(in_folder(&dir, "a.csv")), "nan,inf,-inf\n");
}

Test(writer, failures_leave_the_former_file)
{
    static const char *const files[] = {"a.npy", "a.csv", "a.npz"};
    for (int i = 0; i < 2 + BRN_HAVE_ZIP; ++i)
        for (int call = 0; call < BRN_IO_CALLS; ++call) {
            brn_table_writer *w;
            const char *path = put_text(&dir, files[i], "former");
            brn_io_fail_at((brn_io_call)call, 1);
            MUST(brn_table_create(&w, path, 2, NULL));
            MUST(brn_table_write(w, six, 3)); /* still in the buffer */
            MUST_FAIL(brn_table_commit(w), BRN_ERR_DISK, path);
            brn_io_fail_at((brn_io_call)call, 0);
            cr_assert_str_eq(file_text(path), "former");
            cr_assert_eq(count_files(&dir), i + 1);
        }
}

#if BRN_HAVE_ZIP
/* The array still fits the limit, the archive around it does not: libzip fails, not our writer. */
Test(writer, an_archive_that_cannot_be_written)
{
    enum { N = 24960 };
    static float rows[N];
    brn_table_writer *w;
    const char *path = put_text(&dir, "a.npz", "former");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100000, 100000};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    MUST(brn_table_create(&w, path, 1, NULL));
    MUST(brn_table_write(w, rows, N));
    MUST_FAIL(brn_table_commit(w), BRN_ERR_DISK, "a.npz: writing the archive failed");
    cr_assert_str_eq(file_text(path), "former");
    cr_assert_eq(count_files(&dir), 1);
}

Test(writer, archives_have_the_same_bytes_every_time)
{
    static char first[65536];
    write_table(in_folder(&dir, "a.npz"), 2, six, 3);
    memcpy(first, file_text(in_folder(&dir, "a.npz")), sizeof first);
    write_table(in_folder(&dir, "b.npz"), 2, six, 3);
    cr_assert_eq(memcmp(first, file_text(in_folder(&dir, "b.npz")), sizeof first), 0);
}
#else
Test(writer, no_archives_without_libzip)
{
    brn_table_writer *w;
    brn_table *t;
    MUST_FAIL(brn_table_create(&w, in_folder(&dir, "a.npz"), 1, NULL), BRN_ERR_UNSUPPORTED, "libzip");
    MUST_FAIL(brn_table_open(&t, put_text(&dir, "b.npz", "PK"), NULL), BRN_ERR_UNSUPPORTED, "libzip");
    cr_assert_eq(count_files(&dir), 1);
}
#endif

Test(writer, discard_and_bad_arguments)
{
    brn_table_writer *w;
    MUST(brn_table_create(&w, in_folder(&dir, "a.npy"), 2, NULL));
    brn_table_discard(w);
    brn_table_discard(NULL);
    MUST_FAIL(brn_table_create(&w, in_folder(&dir, "a.txt"), 2, NULL), BRN_ERR_USAGE,
              "a.txt: expected a name that ends");
    MUST_FAIL(brn_table_create(&w, in_folder(&dir, "a.npy"), 0, NULL), BRN_ERR_USAGE, "0 columns");
    MUST_FAIL(brn_table_create(&w, in_folder(&dir, "a.csv"), 1, (const char *const[]){"a\nb"}), BRN_ERR_USAGE,
              "single line");
    MUST_FAIL(brn_table_create(&w, in_folder(&dir, "none/a.csv"), 1, NULL), BRN_ERR_DISK, "none");
    cr_assert_null(w);
    cr_assert_eq(count_files(&dir), 0);
}
