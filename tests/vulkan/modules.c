/* The embedded SPIR-V: valid, no arithmetic that a driver may fuse, and buffers that may be the same memory. */
#include "support/support.h"
#include "vulkan/vk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the SPIR-V specification. */
enum { HEADER = 5, OP_VARIABLE = 59, OP_DECORATE = 71, OP_F_ADD = 129, OP_F_SUB = 131, OP_F_MUL = 133, OP_EXT_INST = 12,
       ALIASED = 20, NO_CONTRACTION = 42, STORAGE_BUFFER = 12 };

typedef struct {
    bool exact, aliased;
} decorations;

static void check(const brn_vk_module *m)
{
    const size_t count = m->bytes / 4;
    decorations *of = calloc(m->words[3], sizeof *of);
    int buffers = 0;
    for (size_t at = HEADER, length; at < count; at += length) {
        const uint32_t *w = &m->words[at];
        length = w[0] >> 16;
        cr_assert(length, "%s: word %zu", m->name, at);
        if ((w[0] & 0xffff) != OP_DECORATE) continue;
        if (w[2] == NO_CONTRACTION) of[w[1]].exact = true;
        if (w[2] == ALIASED) of[w[1]].aliased = true;
    }
    for (size_t at = HEADER; at < count; at += m->words[at] >> 16) {
        const uint32_t *w = &m->words[at], op = w[0] & 0xffff;
        if (op == OP_F_ADD || op == OP_F_SUB || op == OP_F_MUL) cr_expect(of[w[2]].exact, "%s: result %%%u may be fused", m->name, w[2]);
        if (op == OP_VARIABLE && w[3] == STORAGE_BUFFER) {
            ++buffers;
            cr_expect(of[w[2]].aliased, "%s: buffer %%%u is taken to be alone", m->name, w[2]);
        }
    }
    cr_expect_gt(buffers, 0, "%s: no buffers", m->name);
    free(of);
}

Test(vulkan_modules, are_exact_and_aliased)
{
    for (int m = 0; m < brn_vk_module_count; ++m) check(&brn_vk_modules[m]);
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k)
        cr_expect(!brn_vk_module_count || brn_vk_find_module(brn_kernel_table[k].name) >= 0, "%s is missing", brn_kernel_table[k].name);
}

Test(vulkan_modules, are_valid)
{
    char dir[64], path[128], command[256];
    if (system("spirv-val --version >/dev/null 2>&1")) {
        fprintf(stderr, "skipped: vulkan_modules::are_valid (no spirv-val; package spirv-tools)\n");
        return;
    }
    test_make_dir(dir);
    for (int m = 0; m < brn_vk_module_count; ++m) {
        snprintf(path, sizeof path, "%s/%s.spv", dir, brn_vk_modules[m].name);
        FILE *file = fopen(path, "wb");
        cr_assert_not_null(file);
        cr_assert_eq(fwrite(brn_vk_modules[m].words, 1, brn_vk_modules[m].bytes, file), brn_vk_modules[m].bytes);
        fclose(file);
        snprintf(command, sizeof command, "spirv-val --target-env vulkan1.1 %s", path);
        cr_expect_eq(system(command), 0, "%s is not valid", brn_vk_modules[m].name);
    }
    test_remove_dir(dir);
}
