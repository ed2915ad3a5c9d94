/* For cuda_fatbin.cmake: write each program's text into a folder, as KIND.cu, and tell of it on stdout: the compiler's
 * options, then for each its kind, its key and whether it is for intermediate code only. */
#include "cuda/cuda.h"

#include <stdio.h>
#include <stdlib.h>

static bool write_text(const char *folder, const char *kind, const char *source)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.cu", folder, kind);
    FILE *f = fopen(path, "w");
    const bool whole = f && fputs(source, f) >= 0;
    return f && fclose(f) == 0 && whole;
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    printf("%s\n", brn_cuda_options());
    for (int number = 0; number < BRN_CUDA_PROGRAMS; ++number) {
        char kind[BRN_CUDA_KIND], *source;
        if (brn_cuda_text(number, kind, &source) != BRN_OK || !write_text(argv[1], kind, source)) return 1;
        const brn_program_key key = brn_cuda_text_key(source);
        printf("%s 0x%016llx 0x%016llx %s\n", kind, (unsigned long long)key.high, (unsigned long long)key.low,
               number == BRN_CUDA_CONDITION ? "intermediate" : "all");
        free(source);
    }
    return 0;
}
