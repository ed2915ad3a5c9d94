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

char *test_read_file(const char *dir, const char *name, size_t *length)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    cr_assert_eq(fread(bytes, 1, *length, file), *length, "%s", path);
    bytes[*length] = 0;
    fclose(file);
    return bytes;
}

void test_write_file(const char *dir, const char *name, const void *bytes, size_t length)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    cr_assert(file && fwrite(bytes, 1, length, file) == length && !fclose(file), "cannot write %s", path);
}

bool test_same_files(const char *dir_a, const char *name_a, const char *dir_b, const char *name_b)
{
    size_t length_a, length_b;
    char *a = test_read_file(dir_a, name_a, &length_a), *b = test_read_file(dir_b, name_b, &length_b);
    cr_assert(a, "%s/%s is missing", dir_a, name_a);
    cr_assert(b, "%s/%s is missing", dir_b, name_b);
    const bool same = length_a == length_b && !memcmp(a, b, length_a);
    free(a), free(b);
    return same;
}
