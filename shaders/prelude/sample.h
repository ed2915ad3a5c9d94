/* Latents: the random words behind a draw, and what becomes of them. One word is one latent, whatever
 * the way of sampling, and a row's words depend on nothing but the draw and the row:
 *   independent  Philox of (row, four dimensions, step, stream)
 *   antithetic   that of the even row; the odd row's complement it, which makes u into 1 - u and a
 *                normal number into its negative, exactly
 *   lattice      row * g[dimension] (a rank-1 lattice, in units of 2^-32) + Philox of (step, stream)
 * The host prepares masks (src/measures/latents.h), so that the kernels need not know which it is. g is
 * zero except for a lattice.
 */
/* Declares w##0..w##3, the words of dimensions 4 * block .. 4 * block + 3 of a row. */
#define LATENTS(w, row, block)                                                                               \
    PHILOX(w, ((row) & P.mask) | P.fill, P.high | TO_U(block), P.step, P.stream, P.seed0, P.seed1)           \
    {                                                                                                        \
        const uint flip = 0u - ((row) & P.flip);                                                             \
        w##0 = (w##0 + (row) * TO_U(g[4 * (block)])) ^ flip;                                                 \
        w##1 = (w##1 + (row) * TO_U(g[4 * (block) + 1])) ^ flip;                                             \
        w##2 = (w##2 + (row) * TO_U(g[4 * (block) + 2])) ^ flip;                                             \
        w##3 = (w##3 + (row) * TO_U(g[4 * (block) + 3])) ^ flip;                                             \
    }

/* The word that chooses a component: a latent, or for antithetic draws evenly spaced over the pairs of
 * the batch from a random start, so that the two rows of a pair agree and the counts are right. */
#define COMPONENT_WORD(word, row) (P.gain != 0u ? ((row) >> 1) * P.gain + P.shift : (word))

/* A standard normal number from a word: sqrt(2) erfinv(2u - 1), M. Giles' single-precision
 * approximation ("Approximating the erfinv function", GPU Computing Gems, 2011). The oracle device uses
 * the same one: its error of 4e-7 moves no quantile that a test could see, and draws agree. */
FN real r_normal(uint w)
{
    const real u = r_uniform(w);
    const real t = -M_LOG(4.0f * u * (1.0f - u));
    const real a = t - 2.5f;
    real p = 2.81022636e-08f;
    p = p * a + 3.43273939e-07f;
    p = p * a - 3.5233877e-06f;
    p = p * a - 4.39150654e-06f;
    p = p * a + 0.00021858087f;
    p = p * a - 0.00125372503f;
    p = p * a - 0.00417768164f;
    p = p * a + 0.246640727f;
    p = p * a + 1.50140941f;
    const real b = M_SQRT(m_max(t, 0.0f)) - 3.0f;
    real q = -0.000200214257f;
    q = q * b + 0.000100950558f;
    q = q * b + 0.00134934322f;
    q = q * b - 0.00367342844f;
    q = q * b + 0.00573950773f;
    q = q * b - 0.0076224613f;
    q = q * b + 0.00943887047f;
    q = q * b + 1.00167406f;
    q = q * b + 2.83297682f;
    return 1.41421356f * (u + u - 1.0f) * (t < 5.0f ? p : q);
}
