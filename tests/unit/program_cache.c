/* The cache of compiled programs: what is kept comes back, and nothing else does. */
#include "support/device_work.h"
#include "common/program_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void make(void)
{
    test_make_dir(dir);
    setenv("XDG_CACHE_HOME", dir, 1);
}

static void drop(void) { test_remove_dir(dir); }
TestSuite(program_cache, .init = make, .fini = drop);

static const char PROGRAM[] = "\177not really a program\0with a zero byte";

static brn_program_key key_of(const char *a, const char *b)
{
    brn_program_key key = brn_program_key_start();
    brn_program_key_text(&key, a);
    brn_program_key_text(&key, b);
    return key;
}

static bool present(const char *kind, const brn_program_key *key)
{
    void *bytes;
    size_t size;
    MUST(brn_program_cache_load(kind, key, &bytes, &size));
    if (!bytes) return false;
    cr_assert_eq(size, sizeof PROGRAM);
    cr_assert_eq(memcmp(bytes, PROGRAM, size), 0);
    free(bytes);
    return true;
}

/* The one file of the cache. */
static void only_file(char path[static 512]) { cr_assert_eq(test_kept_programs(dir, "", path), 1); }

Test(program_cache, keys_tell_texts_apart)
{
    const brn_program_key a = key_of("ab", "c"), b = key_of("a", "bc"), c = key_of("ab", "c");
    cr_expect(a.high != b.high && a.low != b.low);
    cr_expect(a.high == c.high && a.low == c.low);
}

Test(program_cache, keeps_and_forgets)
{
    const brn_program_key key = key_of("source", "driver 1"), other = key_of("source", "driver 2");
    cr_expect(!present("opencl-mul", &key));
    cr_assert(brn_program_cache_store("opencl-mul", &key, PROGRAM, sizeof PROGRAM));
    cr_expect(present("opencl-mul", &key));
    cr_expect(!present("opencl-mul", &other));
    cr_expect(!present("vulkan", &key));
    cr_assert(brn_program_cache_store("opencl-mul", &key, PROGRAM, sizeof PROGRAM));
    char path[512];
    only_file(path); /* no temporary files stay behind */
    brn_program_cache_drop("opencl-mul", &key);
    cr_expect(!present("opencl-mul", &key));
}

/* One byte changed, one missing, one too many, another program's file under this name: all absent. */
Test(program_cache, damaged_files_are_absent)
{
    const brn_program_key key = key_of("source", "driver"), other = key_of("another", "driver");
    char path[512], elsewhere[600];
    cr_assert(brn_program_cache_store("k", &key, PROGRAM, sizeof PROGRAM));
    only_file(path);
    struct stat s;
    cr_assert_eq(stat(path, &s), 0);
    for (long at = 0; at < s.st_size; ++at) {
        FILE *f = fopen(path, "r+b");
        fseek(f, at, SEEK_SET);
        const int byte = fgetc(f);
        fseek(f, at, SEEK_SET);
        fputc(byte ^ 0x10, f);
        fclose(f);
        cr_expect(!present("k", &key), "byte %ld changed", at);
        cr_assert(brn_program_cache_store("k", &key, PROGRAM, sizeof PROGRAM));
    }
    for (long length = 0; length < s.st_size; length += 7) {
        cr_assert_eq(truncate(path, length), 0);
        cr_expect(!present("k", &key), "cut to %ld bytes", length);
    }
    cr_assert(brn_program_cache_store("k", &key, PROGRAM, sizeof PROGRAM));
    cr_assert_eq(truncate(path, s.st_size + 1), 0);
    cr_expect(!present("k", &key), "one byte too many");
    cr_assert(brn_program_cache_store("k", &key, PROGRAM, sizeof PROGRAM));
    snprintf(elsewhere, sizeof elsewhere, "%s.kept", path);
    cr_assert_eq(rename(path, elsewhere), 0);
    cr_assert(brn_program_cache_store("k", &other, PROGRAM, sizeof PROGRAM));
    brn_program_cache_drop("k", &key);
    cr_expect(present("k", &other) && !present("k", &key));
}

Test(program_cache, works_without_a_folder)
{
    const brn_program_key key = key_of("source", "driver");
    char path[512];
    setenv("XDG_CACHE_HOME", "/dev/null/nowhere", 1);
    cr_expect(!brn_program_cache_store("k", &key, PROGRAM, sizeof PROGRAM));
    cr_expect(!present("k", &key));
    brn_program_cache_log("k", "text", path);
    cr_expect_str_eq(path, "");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    cr_expect(!brn_program_cache_store("k", &key, PROGRAM, sizeof PROGRAM));
}

Test(program_cache, logs_are_named)
{
    char path[512], text[64] = "";
    brn_program_cache_log("opencl-mul", "line 3: error\n", path);
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    cr_assert_not_null(fgets(text, sizeof text, f));
    fclose(f);
    cr_expect_str_eq(text, "line 3: error\n");
}
