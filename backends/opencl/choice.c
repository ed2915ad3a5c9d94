#include "opencl/choice.h"

#include <stdlib.h>
#include <string.h>

static const char KIND[] = "opencl-choices";

static int class_of(int size)
{
    int c = 0;
    while (c < BRN_OPENCL_CLASSES - 1 && 1 << c < size) ++c;
    return c;
}

unsigned char *brn_opencl_choice(brn_opencl_choices *choices, const brn_gemm_args *a)
{
    return &choices->way[a->ta << 1 | a->tb][class_of(a->m)][class_of(a->n)][class_of(a->k)];
}

static brn_program_key key_of(const brn_opencl *cl)
{
    brn_program_key key = cl->key;
    brn_program_key_text(&key, KIND);
    return key;
}

brn_status brn_opencl_choices_load(brn_opencl_choices *choices, const brn_opencl *cl)
{
    const brn_program_key key = key_of(cl);
    void *bytes;
    size_t size;
    BRN_TRY(brn_program_cache_load(KIND, &key, &bytes, &size));
    if (bytes && size == sizeof *choices) memcpy(choices, bytes, size);
    free(bytes);
    return BRN_OK;
}

bool brn_opencl_choices_store(const brn_opencl_choices *choices, const brn_opencl *cl)
{
    const brn_program_key key = key_of(cl);
    return brn_program_cache_store(KIND, &key, choices, sizeof *choices);
}
