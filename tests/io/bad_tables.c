/* Files that cannot be used: one clear line each, with file, position and what was expected. */
#include "io/files.h"
#include "core/memory.h"
#include <brenier/table.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#if BRN_HAVE_ZIP
#include <zip.h>
#endif

static folder dir;
static void make(void) { test_make_dir(dir.path); }
static void drop(void) { test_remove_dir(dir.path); }
TestSuite(bad_npy, .init = make, .fini = drop);
TestSuite(bad_npz, .init = make, .fini = drop);
TestSuite(bad_csv, .init = make, .fini = drop);
TestSuite(bad_any, .init = make, .fini = drop);

static void must_be_refused(const char *path, const brn_table_options *options, brn_status status,
                            const char *line)
{
    float *rows, *weights;
    size_t n;
    int d;
    MUST_FAIL(brn_table_load(path, options, &rows, &weights, &n, &d), status, line);
    cr_assert(strstr(brn_last_error(), path), "\"%s\" does not name the file", brn_last_error());
    cr_assert(!strchr(brn_last_error(), '\n'));
    cr_assert(!rows && !weights && n == 0);
}

Test(bad_any, no_such_file_and_no_file)
{
    must_be_refused(in_folder(&dir, "none.npy"), NULL, BRN_ERR_INPUT, "No such file");
    must_be_refused(dir.path, NULL, BRN_ERR_INPUT, "expected a regular file, found a folder");
    must_be_refused("/dev/null", NULL, BRN_ERR_INPUT, "regular file");
}

/* ---- NPY --------------------------------------------------------------------------------------- */

#define DICT(descr, order, shape)                                                                            \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }     \n"

static const float six[6] = {1, 2, 3, 4, 5, 6};

Test(bad_npy, headers)
{
    static const struct {
        const char *dictionary, *line;
    } cases[] = {
        {DICT("'<f4'", "False", "(3, 3)"),
         "shape 3 x 3 of f4 needs 36 bytes after the header, found 24 (truncated?)"},
        {DICT("'<f4'", "False", "(3, 1)"), "needs 12 bytes after the header, found 24"},
        {DICT("'<f4'", "False", "(1000000000000, 3)"), "truncated"},
        {DICT("'<f4'", "True", "(1000000000000, 3)"), "truncated"},
        {DICT("'<f4'", "False", "(9223372036854775807, 3)"), "overflows"},
        {DICT("'<f8'", "False", "(2305843009213693952,)"), "overflows"},
        {DICT("'<f4'", "False", "(18446744073709551616,)"), "a size below 2^64"},
        {DICT("'<f4'", "False", "(99999999999999999999999999,)"), "a size below 2^64"},
        {DICT("'<f4'", "False", "(-1, 2)"), "a size >= 0"},
        {DICT("'<f4'", "False", "(0, 6)"), "no rows"},
        {DICT("'<f4'", "False", "(0,)"), "no rows"},
        {DICT("'<f4'", "False", "(6, 0)"), "no columns"},
        {DICT("'<f4'", "False", "()"), "a single number"},
        {DICT("'<f4'", "False", "(1, 1, 1, 2, 3)"), "five dimensions or more"},
        {DICT("'<f4'", "False", "(1, 1, 2, 2)"), "needs 16 bytes after the header, found 24"},
        {DICT("'<f4'", "False", "(1, 2, 1000000000000, 3)"), "truncated"},
        {DICT("'<f4'", "False", "(1, 2, 9223372036854775807, 3)"), "overflows"},
        {DICT("'<f4'", "False", "(9223372036854775807, 2, 2, 3)"), "overflows"},
        {DICT("'<f4'", "False", "(1, 2, 0, 3)"), "no columns"},
        {DICT("'<f4'", "False", "(1, 3, 0, 1000000000000000000)"), "no columns"},
        {DICT("'|u1'", "False", "(3, 2, 2, 2)"), "shape 3 x 2 x 2 x 2, expected pictures of one channel or three"},
        {DICT("'<i4'", "False", "(1, 2, 3)"), "pictures of i4, expected bytes (0 to 255) or floats (-1 to 1)"},
        {DICT("'|i1'", "False", "(4, 2, 3)"), "pictures of i1, expected bytes"},
        {DICT("'|b1'", "False", "(4, 2, 3)"), "pictures of b1, expected bytes"},
        {DICT("'<f4'", "False", "(1, 2, 3)"), "picture 1, line 1, column 3, channel 1: found 3, expected pixels from -1 (black) to 1"},
        {DICT("'<f4'", "True", "(2, 1, 3)"), "picture 1, line 1, column 2, channel 1: found 3, expected pixels"},
        {DICT("'<f4'", "False", "6"), "expected '('"},
        {DICT("'<f4'", "False", "(3 2)"), "',' or ')'"},
        {DICT("'<f4'", "0", "(6,)"), "True or False"},
        {DICT("'>f4'", "False", "(3, 2)"), "big-endian numbers (dtype '>f4'), expected little-endian"},
        {DICT("'>i8'", "False", "(3,)"), "save a.astype('<i8')"},
        {DICT("'|O'", "False", "(3, 2)"), "Python objects"},
        {DICT("'<c8'", "False", "(3,)"), "dtype '<c8', expected float32"},
        {DICT("'<f2'", "False", "(12,)"), "dtype '<f2', expected float32"},
        {DICT("'<U6'", "False", "(1,)"), "dtype '<U6', expected float32"},
        {DICT("''", "False", "(1,)"), "dtype '', expected float32"},
        {DICT("[('x', '<f4')]", "False", "(6,)"), "holds records"},
        {DICT("5", "False", "(6,)"), "a short text in quotes"},
        {DICT("'<f4", "False", "(6,)"), "dtype '<f4, '"},
        {"", "expected '{'"},
        {"{'descr': '<f4'}", "descr, fortran_order and shape"},
        {"{'descr': '<f4', 'descr': '<f4'}", "once each"},
        {"{'color': '<f4'}", "once each"},
        {"{'descr' '<f4'}", "expected ':'"},
        {"{'descr': '<f4' 'shape': (6,)}", "',' or '}'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} x", "nothing after '}'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        must_be_refused(put_npy(&dir, "bad.npy", cases[i].dictionary, six, sizeof six), NULL, BRN_ERR_INPUT,
                        cases[i].line);
}

Test(bad_npy, magic_and_lengths)
{
    unsigned char bytes[512];
    size_t n = make_npy(bytes, 1, DICT("'<f4'", "False", "(3, 2)"), six, sizeof six);
    must_be_refused(put_text(&dir, "empty.npy", ""), NULL, BRN_ERR_INPUT, "the file is empty");
    must_be_refused(put_text(&dir, "text.npy", "1,2\n3,4\n5,6\n7,8\n"), NULL, BRN_ERR_INPUT,
                    "byte 0: expected an NPY array");
    for (size_t cut = 6; cut < n; ++cut)
        must_be_refused(put_bytes(&dir, "cut.npy", bytes, cut), NULL, BRN_ERR_INPUT, "cut.npy");
    bytes[6] = 4;
    must_be_refused(put_bytes(&dir, "version.npy", bytes, n), NULL, BRN_ERR_INPUT,
                    "byte 6: NPY version 4.0, expected 1 to 3");
    bytes[6] = 2; /* the length now has four bytes, two of them from the text */
    must_be_refused(put_bytes(&dir, "length.npy", bytes, n), NULL, BRN_ERR_INPUT, "byte 8: NPY header of");
}

Test(bad_npy, values)
{
    float f[6] = {1, 2, 3, NAN, 5, 6};
    double g[6] = {1, 2, 3, 4, 1e300, 6};
    must_be_refused(put_npy(&dir, "a.npy", DICT("'<f4'", "False", "(3, 2)"), f, sizeof f), NULL,
                    BRN_ERR_INPUT, "row 2 of 3, column 2 of 2: found nan, expected a finite float");
    must_be_refused(put_npy(&dir, "a.npy", DICT("'<f4'", "True", "(2, 3)"), f, sizeof f), NULL, BRN_ERR_INPUT,
                    "row 2 of 2, column 2 of 3");
    f[3] = -INFINITY;
    must_be_refused(put_npy(&dir, "a.npy", DICT("'<f4'", "False", "(6,)"), f, sizeof f), NULL, BRN_ERR_INPUT,
                    "row 4 of 6, column 1 of 1: found -inf");
    must_be_refused(put_npy(&dir, "a.npy", DICT("'<f8'", "False", "(3, 2)"), g, sizeof g), NULL,
                    BRN_ERR_INPUT, "row 3 of 3, column 1 of 2: found 1e+300, expected a finite float");
}

Test(bad_npy, weights)
{
    const float negative[4] = {1, 0.5f, 2, -0.25f};
    const char *path = put_npy(&dir, "a.npy", DICT("'<f4'", "False", "(2, 2)"), negative, sizeof negative);
    must_be_refused(path, &(brn_table_options){.weight = "2"}, BRN_ERR_INPUT,
                    "row 2: weight -0.25 in column 2, expected at least 0");
    must_be_refused(path, &(brn_table_options){.weight = "w"}, BRN_ERR_INPUT,
                    "no column 'w' for the weights: expected a number from 1 to 2");
    must_be_refused(path, &(brn_table_options){.weight = "0"}, BRN_ERR_INPUT, "a number from 1 to 2");
    must_be_refused(path, &(brn_table_options){.weight = "3"}, BRN_ERR_INPUT, "a number from 1 to 2");
    path = put_npy(&dir, "b.npy", DICT("'<f4'", "False", "(4,)"), negative, sizeof negative);
    must_be_refused(path, &(brn_table_options){.weight = "1"}, BRN_ERR_INPUT, "no columns besides");
}

/* ---- NPZ --------------------------------------------------------------------------------------- */

#if BRN_HAVE_ZIP
/* The n-th four bytes of the archive's directory entry: 5 = compressed size, 6 = size. */
static void patch_directory(unsigned char *bytes, size_t n, int field, uint32_t value)
{
    unsigned char *entry = memmem(bytes, n, "PK\1\2", 4);
    cr_assert(entry);
    memcpy(entry + 4 * field, &value, 4);
}

static size_t make_npz(unsigned char *bytes, size_t room, const char *dictionary, size_t zeros, int method)
{
    unsigned char *npy = calloc(zeros + 4096, 1);
    const char *path = in_folder(&dir, "made.npz");
    remove(path);
    add_to_npz(path, "a.npy", npy, make_npy(npy, 1, dictionary, NULL, 0) + zeros, method);
    free(npy);
    FILE *file = fopen(path, "rb");
    size_t n = fread(bytes, 1, room, file);
    fclose(file);
    return n;
}

Test(bad_npz, archives)
{
    unsigned char bytes[4096], npy[256];
    must_be_refused(put_text(&dir, "text.npz", "not an archive"), NULL, BRN_ERR_INPUT,
                    "expected an NPZ (ZIP) archive");
    must_be_refused(put_text(&dir, "empty.npz", ""), NULL, BRN_ERR_INPUT, "expected an NPZ (ZIP) archive");
    must_be_refused(put_text(&dir, "magic.npz", "PK\3\4 and nothing"), NULL, BRN_ERR_INPUT,
                    "expected an NPZ (ZIP) archive");
    const char *path = in_folder(&dir, "a.npz");
    add_to_npz(path, "readme.txt", "hello", 5, ZIP_CM_STORE);
    must_be_refused(path, NULL, BRN_ERR_INPUT, "expected arrays (members *.npy), found none");
    add_to_npz(path, "x.npy", "hello", 5, ZIP_CM_STORE);
    add_to_npz(path, "y.npy", npy, make_npy(npy, 1, DICT("'>f4'", "False", "(3, 2)"), six, sizeof six),
               ZIP_CM_DEFLATE);
    must_be_refused(path, NULL, BRN_ERR_INPUT, "[x]:byte 0: expected an NPY array");
    must_be_refused(path, &(brn_table_options){.array = "y"}, BRN_ERR_INPUT, "[y]: big-endian");
    must_be_refused(path, &(brn_table_options){.array = "z"}, BRN_ERR_INPUT, "no array 'z', found x, y");

    size_t n = make_npz(bytes, sizeof bytes, DICT("'<f4'", "False", "(3, 2)"), 24, ZIP_CM_DEFLATE);
    for (size_t cut = 4; cut < n; cut += 7)
        must_be_refused(put_bytes(&dir, "cut.npz", bytes, cut), NULL, BRN_ERR_INPUT, "cut.npz");
}

Test(bad_npz, sizes_and_checksums)
{
    static unsigned char bytes[65536];
    size_t n = make_npz(bytes, sizeof bytes, DICT("'<f4'", "False", "(3, 2)"), 24, ZIP_CM_STORE);
    float *rows;
    size_t count;
    int d;
    MUST(brn_table_load(put_bytes(&dir, "good.npz", bytes, n), NULL, &rows, NULL, &count, &d));
    free(rows);
    patch_directory(bytes, n, 6, 4000000000u);
    must_be_refused(put_bytes(&dir, "size.npz", bytes, n), NULL, BRN_ERR_INPUT, "size.npz");
    patch_directory(bytes, n, 5, 4000000000u);
    must_be_refused(put_bytes(&dir, "both.npz", bytes, n), NULL, BRN_ERR_INPUT, "both.npz");

    n = make_npz(bytes, sizeof bytes, DICT("'<f4'", "False", "(3, 2)"), 24, ZIP_CM_STORE);
    unsigned char *array = memmem(bytes, n, "\x93NUMPY", 6);
    array[90] ^= 1; /* inside the numbers */
    must_be_refused(put_bytes(&dir, "sum.npz", bytes, n), NULL, BRN_ERR_INPUT, "CRC");

    n = make_npz(bytes, sizeof bytes, DICT("'<f4'", "False", "(300, 2)"), 24, ZIP_CM_DEFLATE);
    must_be_refused(put_bytes(&dir, "claim.npz", bytes, n), NULL, BRN_ERR_INPUT,
                    "shape 300 x 2 of f4 needs 2400 bytes");
}

/* A small archive that says it holds 3 GB is refused before anything of that size is allocated. */
Test(bad_npz, a_bomb_takes_no_memory)
{
    static unsigned char bytes[65536];
    size_t n = make_npz(bytes, sizeof bytes, DICT("'<f4'", "True", "(250000000, 3)"), 1000, ZIP_CM_DEFLATE);
    patch_directory(bytes, n, 6, 3000000000u + 76);
    must_be_refused(put_bytes(&dir, "bomb.npz", bytes, n), NULL, BRN_ERR_INPUT,
                    "compressed bytes cannot hold");
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    cr_assert_lt(used.ru_maxrss, 500000, "%ld KiB", used.ru_maxrss);
}

Test(bad_npz, duplicate_names)
{
    unsigned char bytes[4096], npy[256];
    const char *path = in_folder(&dir, "two.npz");
    size_t n = make_npy(npy, 1, DICT("'<f4'", "False", "(3, 2)"), six, sizeof six);
    add_to_npz(path, "a.npy", npy, n, ZIP_CM_STORE);
    add_to_npz(path, "b.npy", npy, n, ZIP_CM_STORE);
    FILE *file = fopen(path, "rb");
    n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (unsigned char *at = bytes; (at = memmem(at, n - (size_t)(at - bytes), "b.npy", 5)); ++at) *at = 'a';
    must_be_refused(put_bytes(&dir, "two.npz", bytes, n), NULL, BRN_ERR_INPUT,
                    "two members are named 'a.npy'");
}
#endif

/* ---- CSV --------------------------------------------------------------------------------------- */

Test(bad_csv, contents)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"", "the file is empty, expected rows of numbers"},
        {"\n\n# nothing\n", "no rows"},
        {"x,y\n", "no rows after the header"},
        {"x,y\n\n# end\n", "no rows after the header"},
        {"1,2\n3\n5,6\n", "a.csv:2: expected 2 columns, found 1"},
        {"1,2\n3,4,5\n", "a.csv:2: expected 2 columns, found 3"},
        {"1 2\n3 4 5\n", "a.csv:2: expected 2 columns, found 3"},
        {"x,y,z\n1,2\n", "a.csv:2: expected 3 columns, found 2"},
        {"1,2,\n", "a.csv:1:3: expected a number in column 3, found an empty cell"},
        {"1,2\n,4\n", "a.csv:2:1: expected a number in column 1, found an empty cell"},
        {"1,2\n3,abc\n", "a.csv:2:2: expected a number in column 2, found \"abc\""},
        {"x,y\n1,2\n3,4 5\n", "a.csv:3:2: expected a number in column 2 (\"y\"), found \"4 5\""},
        {"1,2\n3,0x10\n", "found \"0x10\""},
        {"1,2\n3,1e\n", "found \"1e\""},
        {"1;2\n3;1,5\n", "a.csv:2:2: expected a number in column 2, found \"1,5\""},
        {"1,name\n3,4\n", "a.csv:1:2: expected a number in column 2, found \"name\""},
        {"1,2\n3,nan\n", "a.csv:2:2: expected a finite float in column 2, found \"nan\""},
        {"NaN,2\n3,4\n", "a.csv:1:1: expected a finite float"},
        {"1,2\n-Inf,4\n", "a.csv:2:1: expected a finite float"},
        {"1,2\n1e39,4\n", "a.csv:2:1: expected a finite float in column 1, found \"1e39\""},
        {"1,2\n\n3,4\n", "a.csv:2: empty line between rows"},
        {"1,2\n3,\"4\n", "a.csv:2:2: expected a number in column 2, found \"4\" in unpaired quotes"},
        {"1,2\n3,\"4\"5\n", "in unpaired quotes"},
        {"x,\"y\n1,2\n", "a.csv:1:2: expected a column name in paired quotes"},
        {"1,2\n3,\x01\xff\x80g\n", "found \"???g\""},
        {"1,2\n3,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "found \"aaaaaaaaaaaaaaaaaaaaaaaa\"..."},
        {"\xff\xfe"
         "1,2\n",
         "text in UTF-16"},
        {"1,2\r3,4\r", "a.csv:1:2: expected a number in column 2, found \"2?3\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        must_be_refused(put_text(&dir, "a.csv", cases[i].text), NULL, BRN_ERR_INPUT, cases[i].line);
    must_be_refused(put_bytes(&dir, "a.csv", "1,2\n3\0,4\n", 9), NULL, BRN_ERR_INPUT,
                    "a.csv:2:1: expected a number");
}

Test(bad_csv, options)
{
    brn_table *t;
    const char *path = put_text(&dir, "a.csv", "x,w,w\n1,2,3\n");
    must_be_refused(path, &(brn_table_options){.weight = "w"}, BRN_ERR_INPUT, "two columns are named 'w'");
    must_be_refused(path, &(brn_table_options){.weight = "y"}, BRN_ERR_INPUT,
                    "expected a name of the header or a number from 1 to 3");
    must_be_refused(path, &(brn_table_options){.header = BRN_TABLE_HEADER_NO}, BRN_ERR_INPUT,
                    "a.csv:1:1: expected a number");
    must_be_refused(put_text(&dir, "b.csv", "1,2\n"), &(brn_table_options){.header = BRN_TABLE_HEADER_YES},
                    BRN_ERR_INPUT, "no rows after");
    MUST_FAIL(brn_table_open(&t, path, &(brn_table_options){.separator = '|'}), BRN_ERR_USAGE,
              "separator '|'");
}

/* One wide line and a million short ones would be 20 GB as a matrix. */
Test(bad_csv, ragged_files_take_no_memory)
{
    size_t wide = 10000, narrow = 500000, n = 2 * wide + 2 * narrow;
    char *text = malloc(n + 1);
    for (size_t i = 0; i < n; i += 2) text[i] = '1', text[i + 1] = i + 2 < 2 * wide ? ',' : '\n';
    text[n] = '\0';
    must_be_refused(put_text(&dir, "a.csv", text), NULL, BRN_ERR_INPUT,
                    "a.csv:2: expected 10000 columns, found 1");
    free(text);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    cr_assert_lt(used.ru_maxrss, 500000, "%ld KiB", used.ru_maxrss);
}

/* ---- memory ------------------------------------------------------------------------------------ */

Test(bad_any, failing_allocations)
{
    const char *files[] = {put_text(&dir, "a.csv", "x,y\n1,2\n"),
                           put_npy(&dir, "a.npy", DICT("'<f4'", "True", "(3, 2)"), six, sizeof six)};
    for (int i = 0; i < 2; ++i) {
        brn_status status = BRN_ERR_MEMORY;
        int failed = 0;
        for (int n = 1; status != BRN_OK; ++n) {
            float *rows, *weights;
            size_t count;
            int d;
            brn_alloc_fail_at(n);
            status =
                brn_table_load(files[i], &(brn_table_options){.weight = "2"}, &rows, &weights, &count, &d);
            brn_alloc_fail_at(0);
            cr_assert(status == BRN_OK || status == BRN_ERR_MEMORY);
            failed += status != BRN_OK;
            free(rows), free(weights);
        }
        cr_assert_geq(failed, 6);
    }
}
