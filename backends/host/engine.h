/* The part of the host device that is compiled once per instruction set: all kernels, and the dense
 * layer on a tile. Everything else (host.c) is compiled once. */
#ifndef BRN_HOST_ENGINE_H
#define BRN_HOST_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

typedef void (*brn_host_kernel)(const void *params, void *const *buffers, int grp_x, int grp_y, int rows);

/* Pointers are to the engine's real; matrices are [features][ld], samples in the lanes. Up to one vector
 * (64 bytes) past the last row may be read, so memory ends that much later; nothing is written there. */
typedef struct {
    int in, out, rows;
    const void *weight, *bias; /* [in][out], [out] or NULL */
    int kind;                  /* activation and its constant */
    float c;
    const void *x;
    void *u, *z, *q;           /* u and q may be NULL */
    int ldx, ldu, ldz, ldq;
} brn_host_forward;

typedef struct {
    int in, out, rows;
    const void *weight;
    const void *d, *q; /* q may be NULL */
    void *y;
    int ldd, ldq, ldy;
    bool accumulate;
} brn_host_backward;

typedef struct {
    int in, out, rows;
    const void *x, *d;
    void *weight, *bias; /* gradients, bias may be NULL */
    int ldx, ldd;
    void *scratch;       /* brn_host_grad_scratch(out) reals, aligned */
} brn_host_grad;

/* C = alpha op(A) op(B) + beta C, row-major, C is m x n. */
typedef struct {
    bool ta, tb;
    int m, n, k;
    float alpha, beta;
    const void *a, *b;
    void *c;
    int lda, ldb, ldc;
    void *scratch; /* brn_host_gemm_scratch(k) reals where tb is set */
} brn_host_gemm;

typedef struct brn_host_engine {
    const char *isa;
    size_t real_size;
    const brn_host_kernel *kernels;
    void (*forward)(const brn_host_forward *a);
    void (*backward)(const brn_host_backward *a);
    void (*grad)(const brn_host_grad *a);
    void (*gemm)(const brn_host_gemm *a); /* NULL in double precision: the host BLAS */
} brn_host_engine;

enum { BRN_HOST_TILE = 64 };

/** Elements of scratch that grad() needs: d transposed, features padded to whole vectors. */
static inline size_t brn_host_grad_scratch(int out) { return (size_t)BRN_HOST_TILE * (size_t)((out + 15) / 16 * 16); }

/** Elements of scratch that gemm() needs: a panel of B, transposed. */
static inline size_t brn_host_gemm_scratch(int k) { return (size_t)BRN_HOST_TILE * (size_t)k; }

/* The variants that this build holds; isa.c chooses. */
extern const brn_host_engine brn_host_engine_plain, brn_host_engine_f64;
#if defined(__x86_64__)
extern const brn_host_engine brn_host_engine_avx2, brn_host_engine_avx512;
#endif

#endif
