#include "support/support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *find_w2bench(void)
{
    const char *env = getenv("BRENIER_W2BENCH");
    if (env) return *env ? env : NULL;
    static const char fallback[] = BRN_SOURCE_DIR "/../shared/w2bench";
    struct stat s;
    return stat(fallback, &s) == 0 ? fallback : NULL;
}

/* Criterion keeps quiet about what it skips. */
const char *test_w2bench_dir(void)
{
    static bool told;
    const char *dir = find_w2bench();
    if (!dir && !told)
        fprintf(stderr, "skipped: %s::%s on the benchmark pairs (set BRENIER_W2BENCH to their folder)\n", criterion_current_test->category,
                criterion_current_test->name);
    told = true;
    return dir;
}

void test_make_dir(char path[static 64])
{
    strcpy(path, "/tmp/brenier-test-XXXXXX");
    cr_assert(mkdtemp(path), "cannot make a folder for the test");
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

void test_remove_dir(const char *path) { nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS); }
