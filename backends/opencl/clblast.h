/* CLBlast, loaded when it is asked for. */
#ifndef BRN_OPENCL_CLBLAST_H
#define BRN_OPENCL_CLBLAST_H

#include "opencl/cl_api.h"

/* The part of its C interface that is used; the numbers are those of clblast_c.h. */
enum { BRN_CLBLAST_ROW_MAJOR = 101, BRN_CLBLAST_NO = 111, BRN_CLBLAST_YES = 112 };

typedef struct brn_clblast_functions {
    int (*sgemm)(int layout, int ta, int tb, size_t m, size_t n, size_t k, float alpha, cl_mem a, size_t a_first, size_t lda, cl_mem b,
                 size_t b_first, size_t ldb, float beta, cl_mem c, size_t c_first, size_t ldc, cl_command_queue *queue, cl_event *event);
    int (*clear_cache)(void);
} brn_clblast_functions;

extern brn_clblast_functions brn_clblast;

/** Load the library, once. BRN_ERR_UNSUPPORTED with what to install where it is missing. */
brn_status brn_clblast_load(void);

#endif
