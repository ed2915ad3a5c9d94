/* The programs that kernels come in, as texts for the compiler: that of the run or, by texts_main.c, that of the build. */
#include "common/kernel_text.h"
#include "core/memory.h"
#include "cuda/cuda.h"

#include <stdio.h>
#include <string.h>

const char *brn_cuda_options(void)
{
#define TOGETHER(option) option " "
    return BRN_CUDA_OPTIONS(TOGETHER);
}

const brn_cuda_cut brn_cuda_cuts[BRN_CUDA_CUTS] = {[BRN_CUDA_WIDE] = {64, 64, 16, 8, 8}, [BRN_CUDA_NARROW] = {32, 32, 16, 4, 4}};

/* cudaGraphSetConditional is the driver's: it puts it in when it compiles the intermediate code. */
static const char condition[] =
    "extern \"C\" __device__ void cudaGraphSetConditional(unsigned long long handle, unsigned value);\n"
    "extern \"C\" __global__ void __launch_bounds__(1) brn_condition(unsigned long long handle, int floor, const int *counter)\n"
    "{\n"
    "    cudaGraphSetConditional(handle, *counter > floor ? 1u : 0u);\n"
    "}\n";

static brn_status product_text(int way, bool ta, bool tb, char **source)
{
    const brn_cuda_cut *c = &brn_cuda_cuts[way];
    char defines[256];
    snprintf(defines, sizeof defines, "#define TA %d\n#define TB %d\n#define BM %d\n#define BN %d\n#define BK %d\n#define TM %d\n#define TN %d\n", ta, tb,
             c->bm, c->bn, c->bk, c->tm, c->tn);
    return brn_kernel_source(source, "cu", defines, "sgemm");
}

brn_status brn_cuda_text(int number, char kind[static BRN_CUDA_KIND], char **source)
{
    const int product = number - BRN_CUDA_PRODUCTS, way = product / 4, ta = product / 2 % 2, tb = product % 2;
    if (number == BRN_CUDA_CONDITION) {
        snprintf(kind, BRN_CUDA_KIND, "cuda-condition");
        return brn_strdup(source, condition);
    }
    if (number == BRN_CUDA_KERNELS) {
        snprintf(kind, BRN_CUDA_KIND, "cuda-kernels");
        return brn_kernel_source_all(source, "cu", "");
    }
    snprintf(kind, BRN_CUDA_KIND, "cuda-sgemm-%d-%c%c", brn_cuda_cuts[way].bm, ta ? 't' : 'n', tb ? 't' : 'n');
    return product_text(way, ta, tb, source);
}

brn_program_key brn_cuda_text_key(const char *source)
{
    brn_program_key key = brn_program_key_start();
    brn_program_key_text(&key, brn_cuda_options());
    brn_program_key_text(&key, source);
    return key;
}
