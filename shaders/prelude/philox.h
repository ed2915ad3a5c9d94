/* Philox 4x32-10 (Salmon et al., SC 2011): a counter and a key give four random words, so that the
 * numbers of (seed, stream, step, row) are the same on every device and in every order of work. */
#define PHILOX_ROUND                                                                                         \
    {                                                                                                        \
        const uint h0 = MULHI(0xD2511F53u, c0);                                                              \
        const uint l0 = 0xD2511F53u * c0;                                                                    \
        const uint h1 = MULHI(0xCD9E8D57u, c2);                                                              \
        const uint l1 = 0xCD9E8D57u * c2;                                                                    \
        c0 = h1 ^ c1 ^ k0;                                                                                   \
        c1 = l1;                                                                                             \
        c2 = h0 ^ c3 ^ k1;                                                                                   \
        c3 = l0;                                                                                             \
        k0 += 0x9E3779B9u;                                                                                   \
        k1 += 0xBB67AE85u;                                                                                   \
    }
/* Declares and fills four words w##0..w##3 from the counter (a, b, c, d) and the key (s, t). */
#define PHILOX(w, a, b, c, d, s, t)                                                                          \
    uint w##0; uint w##1; uint w##2; uint w##3;                                                              \
    {                                                                                                        \
        uint c0 = (a); uint c1 = (b); uint c2 = (c); uint c3 = (d); uint k0 = (s); uint k1 = (t);            \
        PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND                                     \
        PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND PHILOX_ROUND                                     \
        w##0 = c0; w##1 = c1; w##2 = c2; w##3 = c3;                                                          \
    }
/* A word as a number in (0, 1), exactly representable: (k + 1/2) / 2^23 */
FN real r_uniform(uint w) { return (TO_F(w >> 9) + 0.5f) * (1.0f / 8388608.0f); }
