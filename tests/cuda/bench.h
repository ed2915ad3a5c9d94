/* The stand-in called directly: a device, opened for its context and compiler, and kernels and memory of the test's own. */
#ifndef BRN_TESTS_CUDA_BENCH_H
#define BRN_TESTS_CUDA_BENCH_H

#include "hooks.h"

enum { COUNT = 64 };

typedef struct {
    brn_device *dev;
    const brn_cuda *cu;
    brn_cu_module module;
    brn_cu_function add, twice, until, sum;
    brn_cu_stream one, two;
    brn_cu_ptr x, y; /* [COUNT], zero */
    float *host;     /* pinned */
} bench;

#define CALL(call) cr_assert_eq(brn_cu.call, 0, #call)
#define REFUSED(call, with) cr_expect_eq(brn_cu.call, with, #call)

/** False where there is no stand-in; a test that expects SIGABRT (`aborts`) raises it itself there. */
bool open_bench(bench *b, const char *test, bool aborts);
void close_bench(bench *b);

/** One block of COUNT threads. */
brn_cu_code launch(brn_cu_stream s, brn_cu_function f, unsigned shared, void **arguments);

/** x += a;  y = 2 x;  x[0] once the stream has come so far. */
void add(const bench *b, brn_cu_stream s, float a, brn_cu_ptr x);
void twice(const bench *b, brn_cu_stream s, brn_cu_ptr x, brn_cu_ptr y);
float first(const bench *b, brn_cu_stream s, brn_cu_ptr x);

#endif
