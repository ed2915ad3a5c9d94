/* What several test files share. */
#ifndef BRN_TESTS_SUPPORT_H
#define BRN_TESTS_SUPPORT_H

#include <brenier/status.h>
#include <criterion/criterion.h>

/** The call must succeed; otherwise its line is shown. */
#define MUST(call)                                                                                           \
    do {                                                                                                     \
        brn_status must_ = (call);                                                                           \
        cr_assert_eq(must_, BRN_OK, "%s: %s: %s", #call, brn_status_name(must_), brn_last_error());          \
    } while (0)

/** The call must fail with exactly this status and a line that contains `part`. */
#define MUST_FAIL(call, expected, part)                                                                      \
    do {                                                                                                     \
        brn_status must_ = (call);                                                                           \
        cr_assert_eq(must_, (expected), "%s: got %s (%s)", #call, brn_status_name(must_), brn_last_error()); \
        cr_assert(strstr(brn_last_error(), (part)), "line \"%s\" lacks \"%s\"", brn_last_error(), (part));   \
    } while (0)

/** Folder of the benchmark pairs, or NULL: BRENIER_W2BENCH (empty: none), else ../shared/w2bench beside the source tree.
 *  Without one the running test is named as skipped on the standard error. */
const char *test_w2bench_dir(void);

/** A fresh folder for the test's files; removed by test_remove_dir. */
void test_make_dir(char path[static 64]);
void test_remove_dir(const char *path);

/** The whole of DIR/NAME with a zero behind it, or NULL if it is not there. Release with free(). */
char *test_read_file(const char *dir, const char *name, size_t *length);
void test_write_file(const char *dir, const char *name, const void *bytes, size_t length);

/** The two files, which must be there, have the same bytes. */
bool test_same_files(const char *dir_a, const char *name_a, const char *dir_b, const char *name_b);

#endif
