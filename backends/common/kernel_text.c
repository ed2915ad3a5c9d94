#include "common/kernel_text.h"
#include "compute/backend.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name, *text;
} named_text;

#define COMMON_TEXT(text)
#define LANGUAGE_TEXT(name, text)
#define KERNEL_TEXT(name, text) {#name, text},
static const named_text kernels[] = {
#include "kernels_text.inc"
};
#undef LANGUAGE_TEXT
#undef KERNEL_TEXT
#define KERNEL_TEXT(name, text)
#define LANGUAGE_TEXT(name, text) {#name, text},
static const named_text languages[] = {
#include "kernels_text.inc"
};
#undef LANGUAGE_TEXT
#undef COMMON_TEXT
#define LANGUAGE_TEXT(name, text)
#define COMMON_TEXT(text) text "\n"
static const char common[] =
#include "kernels_text.inc"
    ;

static const char *find(const named_text *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; ++i)
        if (!strcmp(list[i].name, name)) return list[i].text;
    return NULL;
}

brn_status brn_kernel_source(char **source, const char *language, const char *defines, const char *name)
{
    const char *prelude = find(languages, sizeof languages / sizeof *languages, language);
    const char *kernel = find(kernels, sizeof kernels / sizeof *kernels, name);
    *source = NULL;
    if (!prelude || !kernel) return brn_fail(BRN_ERR_INTERNAL, "no text of the kernel %s in the language %s", name, language);
    const size_t size = strlen(defines) + strlen(prelude) + strlen(common) + strlen(kernel) + 4;
    BRN_TRY(BRN_ALLOC(source, size, "kernel text"));
    snprintf(*source, size, "%s\n%s\n%s%s", defines, prelude, common, kernel);
    return BRN_OK;
}

/* What a kernel's text leaves defined. */
static const char between[] = "\n#undef VIEWS\n#undef WG\n";

brn_status brn_kernel_source_all(char **source, const char *language, const char *defines)
{
    const char *prelude = find(languages, sizeof languages / sizeof *languages, language);
    *source = NULL;
    if (!prelude) return brn_fail(BRN_ERR_INTERNAL, "no prelude of the language %s", language);
    size_t size = strlen(defines) + strlen(prelude) + strlen(common) + 4, at;
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k)
        size += strlen(find(kernels, sizeof kernels / sizeof *kernels, brn_kernel_table[k].name)) + sizeof between;
    BRN_TRY(BRN_ALLOC(source, size, "kernel texts"));
    at = (size_t)snprintf(*source, size, "%s\n%s\n%s", defines, prelude, common);
    for (int k = 0; k < BRN_KERNEL_COUNT; ++k)
        at += (size_t)snprintf(*source + at, size - at, "%s%s", find(kernels, sizeof kernels / sizeof *kernels, brn_kernel_table[k].name), between);
    return BRN_OK;
}
