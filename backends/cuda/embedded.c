/* A build without BRENIER_CUDA_FATBIN: kernels are compiled at run time. */
#include "cuda/cuda.h"

const brn_cuda_embedded brn_cuda_built_in = {0};
