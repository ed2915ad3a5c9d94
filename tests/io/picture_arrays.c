/* Arrays of pictures as rows of a table: every layout, order and type; arrays named by the path. */
#include "io/files.h"
#include <brenier/settings.h>
#include <brenier/table.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if BRN_HAVE_ZIP
#include <zip.h>
#endif

static folder dir;
static void make(void) { test_make_dir(dir.path); }
static void drop(void) { test_remove_dir(dir.path); }
TestSuite(pictures, .init = make, .fini = drop);

enum { COUNT = 3, SIDE = 4 };

static int byte_at(int k, int c, int y, int x) { return 60 * k + 21 * c + 5 * y + x; }

typedef struct {
    const char *order; /* axes, from the slowest on */
    const char *shape;
    int channels;
    bool fortran;
    char type;         /* u: bytes, f: float, d: double */
} layout;

/* The bytes of an array; axes k (picture), c, y, x. */
static size_t fill(const layout *l, unsigned char *out)
{
    size_t used = 0;
    const size_t axes = strlen(l->order);
    int size[4], at[4] = {0};
    for (size_t i = 0; i < axes; ++i) size[i] = l->order[i] == 'k' ? COUNT : l->order[i] == 'c' ? l->channels : SIDE;
    for (;;) {
        int place[4] = {0}; /* k, c, y, x */
        for (size_t i = 0; i < axes; ++i) place[strchr("kcyx", l->order[i]) - "kcyx"] = at[i];
        const int byte = byte_at(place[0], place[1], place[2], place[3]);
        const float f = (float)(byte / 127.5 - 1);
        const double d = f;
        const unsigned char b = (unsigned char)byte;
        const size_t width = l->type == 'u' ? 1 : l->type == 'f' ? 4 : 8;
        memcpy(out + used, l->type == 'u' ? (const void *)&b : l->type == 'f' ? (const void *)&f : (const void *)&d, width);
        used += width;
        size_t i = 0; /* the fastest first */
        for (; i < axes; ++i) {
            const size_t axis = l->fortran ? i : axes - 1 - i;
            if (++at[axis] < size[axis]) break;
            at[axis] = 0;
        }
        if (i == axes) return used;
    }
}

static void must_be_these_pictures(const char *path, int channels)
{
    float *rows;
    size_t count;
    int d, shape[3];
    brn_table *t;
    MUST(brn_table_open(&t, path, NULL));
    cr_assert(brn_table_image(t, &shape[0], &shape[1], &shape[2]));
    cr_assert(shape[0] == channels && shape[1] == SIDE && shape[2] == SIDE);
    brn_table_close(t);
    MUST(brn_table_load(path, NULL, &rows, NULL, &count, &d));
    cr_assert(count == COUNT && d == channels * SIDE * SIDE);
    for (int i = 0; i < COUNT * d; ++i) {
        const int e = i % d, byte = byte_at(i / d, e / (SIDE * SIDE), e / SIDE % SIDE, e % SIDE);
        cr_assert_float_eq(rows[i], byte / 127.5 - 1, 1e-6, "%s: number %d is %g", path, i, rows[i]);
    }
    free(rows);
}

static void header(const layout *l, char text[static 128])
{
    snprintf(text, 128, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }   \n", l->type == 'u' ? "|u1" : l->type == 'f' ? "<f4" : "<f8",
             l->fortran ? "True" : "False", l->shape);
}

static const layout layouts[] = {{"kyxc", "(3, 4, 4, 3)", 3, false, 'u'}, {"kcyx", "(3, 3, 4, 4)", 3, false, 'u'}, {"kyx", "(3, 4, 4)", 1, false, 'u'},
                                 {"kyxc", "(3, 4, 4, 1)", 1, false, 'f'}, {"kcyx", "(3, 1, 4, 4)", 1, false, 'd'}, {"kyxc", "(3, 4, 4, 3)", 3, true, 'f'},
                                 {"kcyx", "(3, 3, 4, 4)", 3, true, 'd'}, {"kyx", "(3, 4, 4)", 1, true, 'u'}};

Test(pictures, in_every_layout)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; ++i) {
        unsigned char data[COUNT * 3 * SIDE * SIDE * 8];
        char text[128];
        header(&layouts[i], text);
        const size_t size = fill(&layouts[i], data);
        must_be_these_pictures(put_npy(&dir, "pictures.npy", text, data, size), layouts[i].channels);
    }
}

/* Sizes of 1 and 3 that could be both: squares decide. */
Test(pictures, three_pixels_wide)
{
    static const unsigned char data[3 * 3 * 3] = {0};
    int shape[3];
    brn_table *t;
    MUST(brn_table_open(&t, put_npy(&dir, "first.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1, 3, 3), }\n", data, 27), NULL));
    brn_table_image(t, &shape[0], &shape[1], &shape[2]);
    cr_expect(shape[0] == 1 && shape[1] == 3 && shape[2] == 3);
    brn_table_close(t);
    MUST(brn_table_open(&t, put_npy(&dir, "last.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 3, 3, 1), }\n", data, 27), NULL));
    brn_table_image(t, &shape[0], &shape[1], &shape[2]);
    cr_expect(shape[0] == 1 && shape[1] == 3 && shape[2] == 3);
    brn_table_close(t);
}

Test(pictures, have_no_weights)
{
    brn_table *t;
    const char *path = put_npy(&dir, "grey.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 2), }\n", "1234", 4);
    MUST_FAIL(brn_table_open(&t, path, &(brn_table_options){.weight = "2"}), BRN_ERR_INPUT, "holds pictures, which have no column of weights");
}

#if BRN_HAVE_ZIP
Test(pictures, in_archives)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; ++i) {
        unsigned char data[COUNT * 3 * SIDE * SIDE * 8], bytes[2 * sizeof data];
        char text[128], name[BRN_PATH_MAX];
        brn_table *t;
        const char *path = in_folder(&dir, "a.npz");
        remove(path);
        header(&layouts[i], text);
        const size_t size = fill(&layouts[i], data);
        add_to_npz(path, "numbers.npy", bytes, make_npy(bytes, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2), }\n", "ab", 2), ZIP_CM_STORE);
        add_to_npz(path, "faces.npy", bytes, make_npy(bytes, 1, text, data, size), ZIP_CM_DEFLATE);
        snprintf(name, sizeof name, "%s[faces]", path);
        must_be_these_pictures(name, layouts[i].channels);
        snprintf(name, sizeof name, "%s[dogs]", path);
        MUST_FAIL(brn_table_open(&t, name, NULL), BRN_ERR_INPUT, "a.npz: no array 'dogs', found numbers, faces");
    }
}
#endif
