/* Folders of pictures as measures: rows of known numbers, cutting and scaling, and folders that are none. */
#include "fixture.h"
#include <brenier/brenier.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 8 };
static char dir[64];
static void make_dir(void) { test_make_dir(dir); }
static void remove_dir(void) { test_remove_dir(dir); }
TestSuite(photos, .init = make_dir, .fini = remove_dir);

static void folder(char path[static BRN_PATH_MAX], const char *name)
{
    snprintf(path, BRN_PATH_MAX, "%s/%s", dir, name);
    mkdir(path, 0777);
}

/* A picture whose byte (channel c, row y, column x) is the sum of `base` and 7 x + 3 y + 11 c. */
static void put(const char *to, const char *name, int width, int height, int channels, int base)
{
    char path[BRN_PATH_MAX + 64];
    unsigned char pixels[1024];
    unsigned char *byte = pixels;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < channels; ++c) *byte++ = (unsigned char)(base + 7 * x + 3 * y + 11 * c);
    snprintf(path, sizeof path, "%s/%s", to, name);
    MUST(brn_image_write(&(brn_image){width, height, channels, pixels}, path));
}

static void put_text(const char *to, const char *name, const char *text)
{
    char path[BRN_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", to, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static brn_settings two_folders(int channels, int count)
{
    brn_settings s;
    char name[32];
    MUST(brn_settings_preset(&s, "images"));
    folder(s.data.source, "a");
    folder(s.data.target, "b");
    for (int k = 0; k < count; ++k) {
        snprintf(name, sizeof name, "%03d.png", k);
        put(s.data.source, name, SIDE, SIDE, channels, k);
        put(s.data.target, name, SIDE, SIDE, channels, 100 + 2 * k);
    }
    return s;
}

/* Files in the order of their names, channel first, -1 to 1; what is no picture by its name is passed over. */
Test(photos, are_rows)
{
    const brn_settings s = two_folders(3, 5);
    put(s.data.source, "B.png", SIDE, SIDE, 3, 60); /* after digits, as bytes go */
    put_text(s.data.source, "notes.txt", "not a picture\n");
    put_text(s.data.source, ".hidden.png", "nor this\n");
    brn_photo_shape shape = {0};
    float *rows;
    size_t count;
    int n;
    MUST(brn_photo_rows(s.data.source, 0, &shape, &rows, &count, &n));
    cr_assert_eq(count, 6);
    cr_assert_eq(n, 3 * SIDE * SIDE);
    for (int k = 0; k < 6; ++k)
        for (int i = 0; i < n; ++i) {
            const int c = i / (SIDE * SIDE), y = i / SIDE % SIDE, x = i % SIDE, base = k < 5 ? k : 60;
            cr_assert_float_eq(rows[k * n + i], (base + 7 * x + 3 * y + 11 * c) / 127.5 - 1, 1e-6, "picture %d, number %d", k, i);
        }
    free(rows);
}

/* 12 x 10 pixels: columns 1 to 10, in boxes of 2.5; a plane has its value in the middle of a box. */
Test(photos, are_cut_and_scaled)
{
    brn_settings s;
    brn_photo_shape shape = {0};
    float *rows;
    size_t count;
    int n;
    folder(s.data.source, "a");
    put(s.data.source, "a.png", 12, 10, 1, 5);
    MUST(brn_photo_rows(s.data.source, 4, &shape, &rows, &count, &n));
    cr_assert_eq(n, 16);
    for (int i = 0; i < n; ++i) {
        double expected = 0; /* of the boxes' 25 quarters of a pixel, as an independent sum */
        for (int v = 0; v < 5; ++v)
            for (int u = 0; u < 5; ++u) expected += 5 + 7 * (1 + (i % 4 * 5 + u) / 2) + 3 * ((i / 4 * 5 + v) / 2);
        cr_expect_float_eq(rows[i], expected / 25 / 127.5 - 1, 1e-5, "number %d", i);
    }
    free(rows);
}

Test(photos, make_pairs)
{
    const brn_settings s = two_folders(1, 70);
    fixture f = fixture_open("host", 1, &s);
    cr_assert_eq(f.n, SIDE * SIDE);
    cr_expect_null(brn_pair_standardization(f.pair));
    cr_expect_str_eq(brn_pair_name(f.pair), "a -> b");
    float *rows = fixture_samples(&f, BRN_SOURCE, 0, 0, 70);
    int seen[70] = {0};
    for (int r = 0; r < 70; ++r) ++seen[(int)rint((rows[r * f.n] + 1) * 127.5)];
    for (int r = 0; r < 70; ++r) cr_expect_eq(seen[r], 1, "picture %d: %d times", r, seen[r]);
    free(rows);
    fixture_close(&f);
}

/* A pixel that all pictures have in common, as the border of digits, is no error. */
Test(photos, may_have_constant_pixels)
{
    brn_settings s = two_folders(1, 3);
    for (int k = 0; k < 3; ++k) {
        char name[32];
        unsigned char pixels[16] = {0};
        char path[BRN_PATH_MAX + 64];
        pixels[5] = (unsigned char)(80 * k);
        for (int side = 0; side < 2; ++side) {
            snprintf(name, sizeof name, "%03d.png", k);
            snprintf(path, sizeof path, "%s/%s", side ? s.data.target : s.data.source, name);
            MUST(brn_image_write(&(brn_image){4, 4, 1, pixels}, path));
        }
    }
    fixture f = fixture_open("host", 1, &s);
    cr_assert_eq(f.n, 16);
    fixture_close(&f);
}

/* An array (count, side, side, 3) of bytes, base + the number of the byte within the picture. */
static void put_array(char path[static BRN_PATH_MAX], const char *name, int count, int height, int width, int channels)
{
    char text[128] = "";
    snprintf(path, BRN_PATH_MAX, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    cr_assert_not_null(f);
    snprintf(text, sizeof text - 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }", count, height, width, channels);
    text[117] = '\n';
    for (int i = 0; i < 117; ++i) text[i] = text[i] ? text[i] : ' ';
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, f);
    fwrite(text, 1, 118, f);
    for (int k = 0; k < count; ++k)
        for (int i = 0; i < height * width * channels; ++i) fputc((k + 7 * (i / channels % width) + 3 * (i / channels / width) + 11 * (i % channels)) % 256, f);
    fclose(f);
}

/* What a folder of the same pictures gives, also cut and scaled; and mixed with such a folder. */
Test(photos, arrays_are_as_folders)
{
    brn_settings s = two_folders(3, 5);
    char array[BRN_PATH_MAX];
    for (int wide = 0; wide < 2; ++wide) {
        float *of_folder, *of_array;
        size_t count, array_count;
        int n, array_n;
        brn_table *t;
        brn_photo_shape shape = {0};
        if (wide) { /* 12 x 10, to 4 x 4 */
            folder(s.data.source, "wide");
            for (int k = 0; k < 5; ++k) put(s.data.source, (const char[]){(char)('0' + k), '.', 'p', 'n', 'g', 0}, 12, 10, 3, k);
        }
        MUST(brn_photo_rows(s.data.source, wide ? 4 : 0, &shape, &of_folder, &count, &n));
        put_array(array, "pictures.npy", 5, wide ? 10 : SIDE, wide ? 12 : SIDE, 3);
        MUST(brn_table_open(&t, array, NULL));
        MUST(brn_photo_array(t, array, wide ? 4 : 0, &shape, &of_array, &array_count, &array_n));
        cr_assert(array_count == count && array_n == n && count == 5);
        for (int i = 0; i < 5 * n; ++i) cr_assert_float_eq(of_array[i], of_folder[i], 1e-6);
        brn_table_close(t);
        free(of_folder), free(of_array);
    }
    s = two_folders(3, 5);
    put_array(s.data.target, "pictures.npy", 4, SIDE, SIDE, 3);
    fixture f = fixture_open("host", 1, &s);
    cr_assert_eq(f.n, 3 * SIDE * SIDE);
    cr_expect_null(brn_pair_standardization(f.pair));
    fixture_close(&f);
}

Test(photos, of_mixed_shapes_are_refused)
{
    const brn_settings s = two_folders(3, 3);
    put(s.data.target, "002.png", 10, 10, 3, 0);
    fixture_refused(&s, BRN_ERR_INPUT, "b/002.png: 10 x 10 pixels; expected 8 x 8, as ");
    fixture_refused(&s, BRN_ERR_INPUT, "a/000.png");
    put(s.data.target, "002.png", 10, 8, 3, 0);
    fixture_refused(&s, BRN_ERR_INPUT, "b/002.png: 10 x 8 pixels; expected a square picture");
    put(s.data.target, "002.png", SIDE, SIDE, 1, 0);
    fixture_refused(&s, BRN_ERR_INPUT, "b/002.png: a picture in grey; expected one in colours, as ");
}

Test(photos, that_are_no_measures)
{
    brn_settings s = two_folders(1, 3);
    put_text(s.data.source, "001.png", "no picture at all\n");
    fixture_refused(&s, BRN_ERR_INPUT, "a/001.png: expected a picture, PNG or JPEG");
    put(s.data.source, "001.png", SIDE, SIDE, 3, 0);
    fixture_refused(&s, BRN_ERR_INPUT, "a/001.png: a picture in colours; expected one in grey");
    put(s.data.source, "001.png", SIDE, SIDE, 1, 0);
    strcpy(s.data.target_weight, "w");
    fixture_refused(&s, BRN_ERR_USAGE, "b: a folder of pictures has no column of weights");
    s.data.target_weight[0] = '\0';
    folder(s.data.target, "same");
    put(s.data.target, "1.png", SIDE, SIDE, 1, 0);
    put(s.data.target, "2.png", SIDE, SIDE, 1, 0);
    fixture_refused(&s, BRN_ERR_INPUT, "same: all pictures are the same");
    folder(s.data.target, "empty");
    put_text(s.data.target, "notes.txt", "nothing\n");
    fixture_refused(&s, BRN_ERR_INPUT, "empty: no pictures in this folder");
    folder(s.data.target, "large");
    char path[BRN_PATH_MAX + 64];
    unsigned char *pixels = calloc(300, 300);
    snprintf(path, sizeof path, "%s/1.png", s.data.target);
    MUST(brn_image_write(&(brn_image){300, 300, 1, pixels}, path));
    free(pixels);
    brn_photo_shape shape = {0};
    float *rows;
    size_t count;
    int n;
    MUST_FAIL(brn_photo_rows(s.data.target, 0, &shape, &rows, &count, &n), BRN_ERR_INPUT, "large/1.png: 300 x 300 pixels in grey; a row has at most 65536");
    cr_assert_null(rows);
}

Test(photos, arrays_that_are_no_measures)
{
    brn_settings s = two_folders(3, 3);
    put_array(s.data.target, "t.npy", 3, SIDE, 10, 3);
    fixture_refused(&s, BRN_ERR_INPUT, "t.npy: 10 x 8 pixels; expected a square picture");
    put_array(s.data.target, "t.npy", 3, 10, 10, 3);
    fixture_refused(&s, BRN_ERR_INPUT, "t.npy: 10 x 10 pixels; expected 8 x 8, as ");
    put_array(s.data.target, "t.npy", 3, SIDE, SIDE, 1);
    fixture_refused(&s, BRN_ERR_INPUT, "t.npy: a picture in grey; expected one in colours, as ");
    put_array(s.data.target, "t.npy", 1, SIDE, SIDE, 3);
    fixture_refused(&s, BRN_ERR_INPUT, "t.npy: all pictures are the same");
    put_array(s.data.source, "s.npy", 1, 300, 300, 1);
    fixture_refused(&s, BRN_ERR_INPUT, "s.npy: 300 x 300 pixels in grey; a row has at most 65536");
    strcpy(s.data.source_weight, "2");
    fixture_refused(&s, BRN_ERR_INPUT, "s.npy: holds pictures, which have no column of weights");
}

typedef struct {
    int64_t step;
    double first, last; /* dual objective */
} watch;

static bool look(void *user, const brn_progress *p)
{
    watch *w = user;
    w->step = p->step;
    if (!p->evaluated) return true;
    if (isnan(w->first)) w->first = p->dual;
    w->last = p->dual;
    return true;
}

/* Twenty steps on the host lower the dual objective of folders whose pictures differ in brightness. */
Test(photos, are_trained_on)
{
    brn_settings s = two_folders(1, 40);
    const char *const settings[] = {"potential.hidden=4,8", "amortizer.hidden=4,8", "train.steps=20", "train.batch=16", "train.eval_every=5",
                                    "eval.points=32", "train.potential.lr=1e-2"};
    brn_model *model;
    brn_device *device;
    watch w = {0, NAN, NAN};
    MUST(brn_settings_assign(&s, 7, settings));
    MUST(brn_device_open(&device, "host", 1));
    MUST(brn_train(device, &s, false, look, &w, &model));
    cr_assert_eq(w.step, 20);
    cr_expect_lt(w.last, w.first);
    cr_expect_eq(brn_model_dim(model), SIDE * SIDE);
    cr_expect_eq(brn_model_settings(model)->data.standardize, BRN_STANDARDIZE_NONE);
    brn_memory_plan plan;
    MUST(brn_train_plan(device, &s, &plan));
    cr_expect_geq(plan.data, 2 * 40 * SIDE * SIDE * sizeof(float), "%llu bytes of data", (unsigned long long)plan.data);
    brn_model_free(model);
    brn_device_close(device);
}
