/* Every system call of a training that writes fails once: a status and a line, the former checkpoint
 * intact, no other file left, and the same command afterwards ends where an undisturbed one does. */
#include "scenario.h"
#include "io/atomic.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static char dir[64], undisturbed[64];
static void make(void) { test_make_dir(dir), test_make_dir(undisturbed); }
static void drop(void) { test_remove_dir(dir), test_remove_dir(undisturbed); }
TestSuite(faults_disk, .init = make, .fini = drop);

static const char *const names[] = {"config.yaml", "log.csv", "latest.safetensors", "best.safetensors", "result.json"};
enum { NAMES = sizeof names / sizeof *names };

static void only_known_files(const char *call)
{
    DIR *folder = opendir(dir);
    cr_assert(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        bool known = e->d_name[0] == '.' && strspn(e->d_name, ".") == strlen(e->d_name);
        for (int i = 0; i < NAMES; ++i) known = known || !strcmp(e->d_name, names[i]);
        cr_assert(known, "%s left %s behind", call, e->d_name);
    }
    closedir(folder);
}

/* Each file is there as it was after the half or is as it will be after the whole training. */
static void files_are_whole(char *const half[NAMES], const size_t half_length[NAMES], char *const whole[NAMES],
                            const size_t whole_length[NAMES], const char *call)
{
    for (int i = 0; i < NAMES; ++i) {
        if (!strcmp(names[i], "log.csv") || !strcmp(names[i], "result.json")) continue; /* their seconds differ */
        size_t length;
        char *now = test_read_file(dir, names[i], &length);
        cr_assert(now, "%s: %s is gone", call, names[i]);
        const bool kept = length == half_length[i] && !memcmp(now, half[i], length);
        const bool done = length == whole_length[i] && !memcmp(now, whole[i], length);
        cr_assert(kept || done, "%s: %s is neither the former nor the next one", call, names[i]);
        free(now);
    }
}

static void read_all(const char *from, char *bytes[NAMES], size_t length[NAMES])
{
    for (int i = 0; i < NAMES; ++i) {
        bytes[i] = test_read_file(from, names[i], &length[i]);
        cr_assert(bytes[i], "%s/%s is missing", from, names[i]);
    }
}

Test(faults_disk, every_write_sync_and_rename_of_a_resumed_training)
{
    static const char *const calls[BRN_IO_CALLS] = {"write", "sync", "rename"};
    char *half[NAMES], *whole[NAMES];
    size_t half_length[NAMES], whole_length[NAMES];
    brn_settings s = scenario_settings(undisturbed, (const char *const[]){NULL});
    MUST(scenario_run(&s, 1));
    read_all(undisturbed, whole, whole_length);
    strcpy(s.out, dir);
    MUST_FAIL(scenario_run_half(&s), BRN_ERR_STOPPED, "step 2");
    read_all(dir, half, half_length);
    free(whole[0]); /* config.yaml names its folder */
    whole[0] = half[0], whole_length[0] = half_length[0];

    for (int call = 0; call < BRN_IO_CALLS; ++call) {
        brn_status status = BRN_ERR_DISK;
        int n = 0;
        while (status != BRN_OK) {
            for (int i = 0; i < NAMES; ++i) test_write_file(dir, names[i], half[i], half_length[i]);
            brn_io_fail_at((brn_io_call)call, ++n);
            status = scenario_run(&s, 1);
            brn_io_fail_at((brn_io_call)call, 0);
            only_known_files(calls[call]);
            files_are_whole(half, half_length, whole, whole_length, calls[call]);
            if (status == BRN_OK) break;
            cr_assert_eq(status, BRN_ERR_DISK, "%s %d: %s", calls[call], n, brn_last_error());
            cr_assert(strstr(brn_last_error(), dir), "%s %d: \"%s\" names no file", calls[call], n, brn_last_error());
            MUST(scenario_run(&s, 1));
            size_t length;
            char *latest = test_read_file(dir, "latest.safetensors", &length);
            cr_assert(length == whole_length[2] && !memcmp(latest, whole[2], length), "%s %d: continued differently", calls[call], n);
            free(latest);
        }
        cr_assert_gt(n, 3, "only %d calls of %s", n, calls[call]);
    }
    for (int i = 0; i < NAMES; ++i) {
        free(half[i]);
        if (i) free(whole[i]);
    }
}

/* A training that has no checkpoint yet: what fails leaves none, or a whole one. */
Test(faults_disk, every_write_of_a_fresh_training)
{
    const brn_settings s = scenario_settings(dir, (const char *const[]){NULL});
    brn_status status = BRN_ERR_DISK;
    for (int n = 1; status != BRN_OK; ++n) {
        test_remove_dir(dir);
        brn_io_fail_at(BRN_IO_WRITE, n);
        status = scenario_run(&s, 1);
        brn_io_fail_at(BRN_IO_WRITE, 0);
        only_known_files("write");
        if (status == BRN_OK) break;
        cr_assert_eq(status, BRN_ERR_DISK, "write %d: %s", n, brn_last_error());
        MUST(scenario_run(&s, 1));
    }
}
