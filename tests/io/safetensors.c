/* safetensors: round trip, every check of the reader, and the benchmark files. */
#include "io/files.h"
#include "io/atomic.h"
#include "io/safetensors.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static folder dir;
static void make(void) { test_make_dir(dir.path); }
static void drop(void) { test_remove_dir(dir.path); }
TestSuite(safetensors, .init = make, .fini = drop);

static const float weights[6] = {1, -2, 3.5f, 4, 5, 6};
static const double scale = 0.1;
static const uint8_t flags[3] = {1, 0, 255};
static const int64_t steps[1] = {-7};
static const brn_st_tensor tensors[] = {
    {.name = "w", .dtype = BRN_ST_F32, .rank = 2, .shape = {2, 3}, .data = weights},
    {.name = "flags", .dtype = BRN_ST_U8, .rank = 1, .shape = {3}, .data = flags},
    {.name = "scale", .dtype = BRN_ST_F64, .rank = 0, .data = &scale},
    {.name = "steps", .dtype = BRN_ST_I64, .rank = 1, .shape = {1}, .data = steps},
    {.name = "none", .dtype = BRN_ST_F32, .rank = 2, .shape = {0, 4}, .data = NULL},
};
static const brn_st_pair pairs[] = {{"z", "first \"quoted\"\n"}, {"a", "zweite \xc3\xa4"}};

static const char *write_example(const char *name)
{
    const char *path = in_folder(&dir, name);
    MUST(brn_st_write(path, tensors, 5, pairs, 2));
    return path;
}

Test(safetensors, round_trip)
{
    brn_st *st;
    MUST(brn_st_open(&st, write_example("m.safetensors")));
    size_t n;
    const brn_st_tensor *all = brn_st_tensors(st, &n);
    cr_assert_eq(n, 5);
    for (size_t i = 1; i < n; ++i) cr_assert_lt(strcmp(all[i - 1].name, all[i].name), 0);
    for (size_t i = 0; i < n; ++i)
        cr_assert_eq((uintptr_t)all[i].data % brn_st_dtype_size(all[i].dtype), 0, "%s is not aligned",
                     all[i].name);

    float w[6], s;
    double d[3];
    MUST(brn_st_read_f32(st, "w", w, BRN_SHAPE(2, 3)));
    cr_assert_arr_eq(w, weights, sizeof w);
    MUST(brn_st_read_f64(st, "scale", d, 0, NULL));
    cr_assert_eq(d[0], 0.1);
    MUST(brn_st_read_f32(st, "scale", &s, 0, NULL));
    cr_assert_eq(s, 0.1f);
    MUST(brn_st_read_f64(st, "flags", d, BRN_SHAPE(3)));
    cr_assert(d[0] == 1 && d[2] == 255);
    MUST(brn_st_read_f64(st, "steps", d, BRN_SHAPE(1)));
    cr_assert_eq(d[0], -7);
    MUST(brn_st_read_f32(st, "none", NULL, BRN_SHAPE(0, 4)));

    MUST_FAIL(brn_st_read_f32(st, "w", w, BRN_SHAPE(3, 2)), BRN_ERR_INPUT,
              "'w': expected 3 x 2, found 2 x 3");
    MUST_FAIL(brn_st_read_f32(st, "w", w, BRN_SHAPE(6)), BRN_ERR_INPUT, "expected 6");
    MUST_FAIL(brn_st_read_f32(st, "v", w, BRN_SHAPE(6)), BRN_ERR_INPUT, "no tensor 'v'");
    cr_assert_null(brn_st_find(st, "v"));

    const brn_st_pair *meta = brn_st_metadata_all(st, &n);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(meta[0].key, "z");
    cr_assert_str_eq(meta[0].value, pairs[0].value);
    cr_assert_str_eq(brn_st_metadata(st, "a"), pairs[1].value);
    cr_assert_null(brn_st_metadata(st, "b"));
    brn_st_close(st);
    brn_st_close(NULL);
}

Test(safetensors, same_bytes_every_time)
{
    static char first[65536];
    const char *a = write_example("a"), *b = write_example("b");
    memcpy(first, file_text(a), sizeof first);
    cr_assert_eq(memcmp(first, file_text(b), sizeof first), 0);
}

Test(safetensors, no_tensors_at_all)
{
    brn_st *st;
    size_t n;
    MUST(brn_st_write(in_folder(&dir, "e"), NULL, 0, NULL, 0));
    MUST(brn_st_open(&st, in_folder(&dir, "e")));
    brn_st_tensors(st, &n);
    cr_assert_eq(n, 0);
    brn_st_close(st);
}

Test(safetensors, a_failed_write_keeps_the_former_file)
{
    const char *path = put_text(&dir, "m", "former");
    brn_io_fail_at(BRN_IO_RENAME, 1);
    MUST_FAIL(brn_st_write(path, tensors, 5, pairs, 2), BRN_ERR_DISK, "renaming");
    for (int n = 1; n < 20; ++n) {
        brn_alloc_fail_at(n);
        if (brn_st_write(path, tensors, 5, pairs, 2) == BRN_OK) break;
        cr_assert_str_eq(file_text(path), "former");
        cr_assert_eq(count_files(&dir), 1);
    }
    brn_alloc_fail_at(0);
}

Test(safetensors, values_must_be_finite)
{
    float bad[2] = {1, NAN}, f[2];
    double huge = 1e300, d[2];
    brn_st_tensor t[] = {{.name = "bad", .dtype = BRN_ST_F32, .rank = 1, .shape = {2}, .data = bad},
                         {.name = "huge", .dtype = BRN_ST_F64, .rank = 0, .data = &huge}};
    brn_st *st;
    MUST(brn_st_write(in_folder(&dir, "m"), t, 2, NULL, 0));
    MUST(brn_st_open(&st, in_folder(&dir, "m")));
    MUST_FAIL(brn_st_read_f32(st, "bad", f, BRN_SHAPE(2)), BRN_ERR_INPUT, "'bad': number 1 is nan");
    MUST_FAIL(brn_st_read_f64(st, "bad", d, BRN_SHAPE(2)), BRN_ERR_INPUT, "number 1 is nan");
    MUST_FAIL(brn_st_read_f32(st, "huge", f, 0, NULL), BRN_ERR_INPUT, "1e+300, expected a finite float");
    MUST(brn_st_read_f64(st, "huge", d, 0, NULL));
    brn_st_close(st);
}

/* A file of this header and n data bytes. */
static const char *put_header(const char *header, size_t data_bytes)
{
    uint64_t length = strlen(header);
    char *bytes = calloc(8 + length + data_bytes, 1);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    const char *path = put_bytes(&dir, "bad.safetensors", bytes, 8 + length + data_bytes);
    free(bytes);
    return path;
}

#define T(name, shape, begin, end)                                                                           \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

Test(safetensors, unaligned_data_and_padding_are_fine)
{
    brn_st *st;
    float x;
    MUST(brn_st_open(&st, put_header("{" T("a", "[1]", "0", "4") "}  \n", 4)));
    MUST(brn_st_read_f32(st, "a", &x, BRN_SHAPE(1)));
    cr_assert_eq(x, 0);
    brn_st_close(st);
}

Test(safetensors, bad_files)
{
    static const struct {
        const char *header;
        size_t data;
        const char *line;
    } cases[] = {
        {"", 4, "expected '{'"},
        {"[]", 0, "expected '{'"},
        {"{\"a\":", 0, "byte 1"},
        {"{} x", 0, "byte 11: expected only spaces"},
        {"{\"a\":1}", 0, "'a': expected exactly dtype"},
        {"{\"a\":[1,2,3]}", 0, "'a': expected exactly dtype"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "'a' is not a text"},
        {"{\"__metadata__\":{\"a\":\"x\",\"a\":\"y\"}}", 0, "'a' is there twice"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "expected one object"},
        {"{\"__metadata__\":[]}", 0, "expected one object"},
        {"{\"a\\u0000b\":1}", 0, "zero byte"},
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2,
         "dtype 'BF16', expected F32"},
        {"{\"a\":{\"dtype\":3,\"shape\":[1],\"data_offsets\":[0,2]}}", 2, "dtype '?'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"shape\":[1]}}", 4, "expected exactly dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "expected exactly dtype"},
        {"{" T("a", "3", "0", "4") "}", 4, "shape is not a list"},
        {"{" T("a", "[-1]", "0", "4") "}", 4, "shape[0] is not a whole number"},
        {"{" T("a", "[1,1.5]", "0", "4") "}", 4, "shape[1] is not a whole number"},
        {"{" T("a", "[1e30]", "0", "4") "}", 4, "shape[0] is not a whole number"},
        {"{" T("a", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, "more than 8 dimensions"},
        {"{" T("a", "[4294967296,4294967296,4]", "0", "4") "}", 4, "product of its shape overflows"},
        {"{" T("a", "[4294967296,2147483648]", "0", "4") "}", 4, "size in bytes overflows"},
        {"{" T("a", "[1]", "4", "0") "}", 4, "data_offsets are not"},
        {"{" T("a", "[1]", "0", "4,8") "}", 4, "data_offsets are not"},
        {"{" T("a", "[1]", "0", "1e300") "}", 4, "data_offsets are not"},
        {"{" T("a", "[1000000000]", "0", "4000000000") "}", 4,
         "ends at data byte 4000000000, the file has 4 (truncated?)"},
        {"{" T("a", "[2]", "0", "8") "}", 7, "truncated"},
        {"{" T("a", "[2]", "0", "4") "}", 4, "4 bytes, its dtype and shape need 8"},
        {"{" T("a", "[2]", "0", "8") "," T("b", "[2]", "4", "12") "}", 12, "arrays overlap"},
        {"{" T("a", "[1]", "0", "4") "," T("b", "[1]", "8", "12") "}", 12, "bytes that belong to no array"},
        {"{" T("a", "[1]", "0", "4") "}", 9, "5 bytes after the last array"},
        {"{" T("a", "[1]", "0", "4") "," T("a", "[1]", "4", "8") "}", 8, "two tensors are named 'a'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        brn_st *st;
        MUST_FAIL(brn_st_open(&st, put_header(cases[i].header, cases[i].data)), BRN_ERR_INPUT, cases[i].line);
        cr_assert(strstr(brn_last_error(), "bad.safetensors"), "%s", brn_last_error());
        cr_assert_null(st);
    }
}

Test(safetensors, bad_lengths)
{
    brn_st *st;
    uint64_t length = UINT64_MAX;
    MUST_FAIL(brn_st_open(&st, put_text(&dir, "empty", "")), BRN_ERR_INPUT, "found only 0 bytes");
    MUST_FAIL(brn_st_open(&st, put_text(&dir, "short", "1234567")), BRN_ERR_INPUT, "found only 7 bytes");
    MUST_FAIL(brn_st_open(&st, put_bytes(&dir, "huge", &length, 8)), BRN_ERR_INPUT,
              "18446744073709551615 bytes claimed");
    size_t n = (4 << 20) + 64;
    char *big = calloc(n, 1);
    length = n - 8;
    memcpy(big, &length, 8);
    MUST_FAIL(brn_st_open(&st, put_bytes(&dir, "big", big, n)), BRN_ERR_INPUT, "expected at most");
    free(big);
}

/* What a parsed header takes is bounded before it is parsed: these fill the length that is allowed. */
Test(safetensors, headers_of_many_values_take_no_memory)
{
    static const char *const units[] = {"0,", "[],", "{},", "\"\\\"\",", "\"\\\\\","};
    brn_st *st;
    for (size_t k = 0; k < sizeof units / sizeof *units; ++k) {
        const size_t room = (1 << 20) - 16, one = strlen(units[k]);
        char *text = calloc(room + 16, 1);
        strcpy(text, "{\"a\":[");
        for (size_t i = 6; i + one < room; i += one) memcpy(text + i, units[k], one);
        MUST_FAIL(brn_st_open(&st, put_header(text, 0)), BRN_ERR_INPUT, "expected at most 16384 values in the header");
        free(text);
    }
    static char commas[60000] = "{\"__metadata__\":{\"a\":\"";
    memset(commas + strlen(commas), ',', sizeof commas - 40);
    strcat(commas, "\"}}"); /* those of a text do not count */
    MUST(brn_st_open(&st, put_header(commas, 0)));
    brn_st_close(st);
}

Test(safetensors, deep_nesting_is_refused)
{
    brn_st *st;
    char deep[3001] = "{\"a\":";
    memset(deep + 5, '[', sizeof deep - 6);
    MUST_FAIL(brn_st_open(&st, put_header(deep, 0)), BRN_ERR_INPUT, "not valid JSON");
}

/* Every shortened or altered file is either refused or read without harm (the sanitizers look on). */
Test(safetensors, damaged_files)
{
    brn_st *st;
    static char bytes[65536];
    const char *path = write_example("m");
    size_t n = 8 + 512; /* more than the header */
    memcpy(bytes, file_text(path), sizeof bytes);
    for (size_t i = 0; i < n; ++i)
        if (brn_st_open(&st, put_bytes(&dir, "cut", bytes, i)) == BRN_OK) brn_st_close(st);
    for (size_t i = 0; i < n; ++i) {
        bytes[i] ^= 0x15;
        if (brn_st_open(&st, put_bytes(&dir, "altered", bytes, n)) == BRN_OK) brn_st_close(st);
        bytes[i] ^= 0x15;
    }
}

Test(safetensors, benchmark_files)
{
    const char *bench = test_w2bench_dir();
    if (!bench) cr_skip_test("no benchmark files: set BRENIER_W2BENCH");
    static const size_t sizes[] = {2, 4, 16, 32, 128};
    for (int i = 0; i < 5; ++i) {
        size_t n = sizes[i];
        char path[512];
        brn_st *st;
        float *x, *maps;
        double *t, sigma, sum = 0;
        snprintf(path, sizeof path, "%s/hd_%zu_eval.safetensors", bench, n);
        MUST(brn_st_open(&st, path));
        MUST(BRN_ALLOC(&x, 4096 * n, "x"));
        MUST(BRN_ALLOC(&t, 4096 * n, "t"));
        MUST(brn_st_read_f32(st, "X", x, BRN_SHAPE(4096, n)));
        MUST(brn_st_read_f64(st, "T", t, BRN_SHAPE(4096, n)));
        for (size_t k = 0; k < 4096 * n; ++k) sum += (x[k] - t[k]) * (x[k] - t[k]) / 8192.0;
        cr_assert_eq(atoi(brn_st_metadata(st, "n")), (int)n);
        brn_st_close(st);
        static const double half_distance[] = {0.328778, 0.839631, 7.185415, 19.220426, 93.403252};
        cr_assert_float_eq(sum, half_distance[i], 1e-5, "n = %zu: %g", n, sum);
        free(x), free(t);

        snprintf(path, sizeof path, "%s/hd_%zu.safetensors", bench, n);
        MUST(brn_st_open(&st, path));
        MUST(BRN_ALLOC(&maps, 3 * n * n, "maps"));
        MUST(brn_st_read_f32(st, "alpha.maps", maps, BRN_SHAPE(3, n, n)));
        MUST(brn_st_read_f64(st, "alpha.std", &sigma, BRN_SHAPE(1)));
        cr_assert_eq(sigma, 0.4);
        brn_st_close(st);
        free(maps);
    }
}
