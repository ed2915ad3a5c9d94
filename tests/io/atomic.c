/* Atomic files: complete or absent, and the former file intact after every failure. */
#include "io/files.h"
#include "io/atomic.h"
#include "io/mapped.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static folder dir;
static void make(void) { test_make_dir(dir.path); }
static void drop(void) { test_remove_dir(dir.path); }
TestSuite(atomic, .init = make, .fini = drop);
TestSuite(mapped, .init = make, .fini = drop);

static char big[300000]; /* more than the writer's buffer */

static brn_status write_big(const char *path)
{
    brn_writer *w;
    BRN_TRY(brn_writer_open(&w, path));
    brn_status status = brn_writer_write(w, "head", 4);
    if (status == BRN_OK) status = brn_writer_write(w, big, sizeof big);
    if (status == BRN_OK) status = brn_writer_patch(w, 0, "HEAD", 4);
    if (status == BRN_OK) return brn_writer_commit(w);
    brn_writer_discard(w);
    return status;
}

Test(atomic, written_and_patched)
{
    const char *path = in_folder(&dir, "f");
    memset(big, 'x', sizeof big);
    MUST(write_big(path));
    struct stat s;
    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(s.st_size, 4 + sizeof big);
    cr_assert_eq(strncmp(file_text(path), "HEADxx", 6), 0);
    cr_assert_eq(count_files(&dir), 1);
}

Test(atomic, many_small_pieces)
{
    brn_writer *w;
    const char *path = in_folder(&dir, "f");
    MUST(brn_writer_open(&w, path));
    for (int i = 0; i < 100000; ++i) MUST(brn_writer_write(w, "abc", 3));
    cr_assert_eq(brn_writer_size(w), 300000);
    MUST_FAIL(brn_writer_patch(w, 299999, "zz", 2), BRN_ERR_INTERNAL, "patch");
    MUST(brn_writer_patch(w, 299999, "z", 1));
    MUST(brn_writer_commit(w));
    brn_mapped m;
    MUST(brn_mapped_open(&m, path));
    cr_assert_eq(m.size, 300000);
    for (size_t i = 0; i + 1 < m.size; ++i) cr_assert_eq(m.bytes[i], "abc"[i % 3]);
    cr_assert_eq(m.bytes[299999], 'z');
    brn_mapped_close(&m);
}

Test(atomic, every_failing_call_keeps_the_former_file)
{
    const char *path = put_text(&dir, "f", "former");
    for (int call = 0; call < BRN_IO_CALLS; ++call) {
        for (int n = 1;; ++n) {
            brn_io_fail_at((brn_io_call)call, n);
            brn_status status = write_big(path);
            brn_io_fail_at((brn_io_call)call, 0);
            bool renamed = strncmp(file_text(path), "HEAD", 4) == 0;
            cr_assert_eq(count_files(&dir), 1, "a temporary file is left behind");
            if (status == BRN_OK) {
                cr_assert(renamed);
                cr_assert_eq(n,
                             call == BRN_IO_WRITE  ? 4
                             : call == BRN_IO_SYNC ? 3
                                                   : 2,
                             "calls of kind %d", call);
                break;
            }
            cr_assert_eq(status, BRN_ERR_DISK);
            cr_assert(strstr(brn_last_error(), path));
            cr_assert_eq(renamed, call == BRN_IO_SYNC && n == 2); /* the folder's sync comes last */
        }
        put_text(&dir, "f", "former");
    }
}

Test(atomic, a_failure_is_repeated_until_release)
{
    brn_writer *w;
    MUST(brn_writer_open(&w, in_folder(&dir, "f")));
    brn_io_fail_at(BRN_IO_WRITE, 1);
    MUST_FAIL(brn_writer_write(w, big, sizeof big), BRN_ERR_DISK, "No space");
    MUST_FAIL(brn_writer_write(w, "x", 1), BRN_ERR_DISK, "before");
    MUST_FAIL(brn_writer_commit(w), BRN_ERR_DISK, "before");
    cr_assert_eq(count_files(&dir), 0);
}

Test(atomic, a_real_size_limit)
{
    const char *path = put_text(&dir, "f", "former");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100000, 100000};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    MUST_FAIL(write_big(path), BRN_ERR_DISK, "too large");
    cr_assert_str_eq(file_text(path), "former");
    cr_assert_eq(count_files(&dir), 1);
}

Test(atomic, discard_leaves_nothing)
{
    brn_writer *w;
    MUST(brn_writer_open(&w, in_folder(&dir, "f")));
    cr_assert_eq(count_files(&dir), 1);
    brn_writer_discard(w);
    brn_writer_discard(NULL);
    cr_assert_eq(count_files(&dir), 0);
}

Test(atomic, only_regular_targets)
{
    brn_writer *w;
    MUST_FAIL(brn_writer_open(&w, "/dev/null"), BRN_ERR_DISK, "device");
    MUST_FAIL(brn_writer_open(&w, dir.path), BRN_ERR_DISK, "folder");
    MUST_FAIL(brn_writer_open(&w, in_folder(&dir, "none/f")), BRN_ERR_DISK, "none/f");
    cr_assert_null(w);
}

Test(atomic, permissions_are_kept)
{
    struct stat s;
    const char *path = put_text(&dir, "f", "former");
    cr_assert_eq(chmod(path, 0640), 0);
    MUST(brn_write_file(path, "new", 3));
    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(s.st_mode & 0777, 0640);
    umask(022);
    MUST(brn_write_file(in_folder(&dir, "fresh"), "new", 3));
    cr_assert_eq(stat(in_folder(&dir, "fresh"), &s), 0);
    cr_assert_eq(s.st_mode & 0777, 0644);
}

Test(atomic, a_path_without_folder_and_a_long_name)
{
    cr_assert_eq(chdir(dir.path), 0);
    MUST(brn_write_file("plain", "new", 3));
    cr_assert_str_eq(file_text(in_folder(&dir, "plain")), "new");
    char name[256] = {0};
    memset(name, 'n', 255);
    MUST(brn_write_file(name, "new", 3));
}

Test(mapped, what_cannot_be_read_is_named)
{
    brn_mapped m;
    MUST_FAIL(brn_mapped_open(&m, in_folder(&dir, "none")), BRN_ERR_INPUT,
              "none: cannot be read: No such file");
    MUST_FAIL(brn_mapped_open(&m, dir.path), BRN_ERR_INPUT, "folder");
    const char *pipe = in_folder(&dir, "pipe");
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    MUST_FAIL(brn_mapped_open(&m, pipe), BRN_ERR_INPUT, "regular");
    MUST(brn_mapped_open(&m, put_text(&dir, "empty", "")));
    cr_assert(m.size == 0 && m.bytes);
    brn_mapped_close(&m);
}
