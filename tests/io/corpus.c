/* The fuzzers' corpus through each parser: in the sanitizer build this guards every fixed finding. */
#include "support/support.h"
#include "fuzz/parsers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static int replay(const char *folder, void (*parse)(const uint8_t *, size_t))
{
    static uint8_t bytes[1 << 20];
    char path[512];
    int count = 0;
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", BRN_SOURCE_DIR, folder);
    DIR *dir = opendir(path);
    cr_assert(dir, "no folder %s", path);
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s/%s", BRN_SOURCE_DIR, folder, e->d_name);
        FILE *file = fopen(path, "rb");
        cr_assert(file, "cannot read %s", path);
        size_t n = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        uint8_t *exact = malloc(n ? n : 1); /* so that a read past the end is seen */
        for (size_t i = 0; i < n; ++i) exact[i] = bytes[i];
        parse(exact, n);
        free(exact);
        ++count;
    }
    closedir(dir);
    return count;
}

/* Every file through every parser: what one accepts, another must refuse in good order. */
Test(corpus, tables)
{
    cr_assert_geq(replay("table", parse_table), 20);
    cr_assert_geq(replay("safetensors", parse_table), 10);
}

Test(corpus, safetensors)
{
    cr_assert_geq(replay("safetensors", parse_safetensors), 10);
    cr_assert_geq(replay("table", parse_safetensors), 20);
}

Test(corpus, settings)
{
    cr_assert_geq(replay("settings", parse_settings), 8);
    cr_assert_geq(replay("table", parse_settings), 20);
}

Test(corpus, images)
{
    cr_assert_geq(replay("image", parse_image), 10);
    cr_assert_geq(replay("table", parse_image), 20);
}

Test(corpus, checkpoints)
{
    cr_assert_geq(replay("torch", parse_torch), 20);
    cr_assert_geq(replay("table", parse_torch), 20);
}

Test(corpus, models)
{
    cr_assert_geq(replay("model", parse_model), 2);
    cr_assert_geq(replay("safetensors", parse_model), 10);
}
