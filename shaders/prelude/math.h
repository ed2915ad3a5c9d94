/* Scalar mathematics of the dialect: what C, CUDA, OpenCL C and GLSL all accept, so that every device
 * computes the same polynomial (built-in functions differ by up to hundreds of ulp between drivers).
 * Measured against double precision in tests/parity: at most 3 ulp each. The oracle device uses the
 * double-precision C library instead. NaN goes through exp, softplus, sigmoid and all activations;
 * finiteness is tested on bits, which no driver optimises away.
 */
FN real m_positive(real x) { return x < 0.0f ? 0.0f : x; } /* NaN stays NaN, unlike with m_max */
FN real m_max(real a, real b) { return a > b ? a : b; }
FN real m_min(real a, real b) { return a < b ? a : b; }
FN int m_imin(int a, int b) { return a < b ? a : b; }
FN int m_imax(int a, int b) { return a > b ? a : b; }
FN uint m_umin(uint a, uint b) { return a < b ? a : b; }

/* x within [lo, hi]; NaN stays NaN. */
FN real m_clamp(real x, real lo, real hi)
{
    const real a = x < lo ? lo : x;
    return a > hi ? hi : a;
}

#ifndef BRN_REAL_IS_DOUBLE
FN int m_finite(real x) { return (AS_U(x) & 0x7f800000u) != 0x7f800000u ? 1 : 0; }

/* Cody-Waite reduction x = n log 2 + r, |r| <= log(2) / 2. Adding 1.5 2^23 rounds x / log 2 to the whole number n
 * and leaves it in the low bits of the sum, where no conversion is needed (converting NaN is undefined).
 * 0.693359375 has few bits, so n times it is exact. */
#define M_ROUNDER 12582912.0f
FN real m_log2_count(real x) { return M_FMA(x, 1.44269504f, M_ROUNDER); } /* n + M_ROUNDER */
FN real m_log2_rest(real x, real count)
{
    const real n = count - M_ROUNDER;
    return M_FMA(n, 2.12194440e-4f, M_FMA(n, -0.693359375f, x));
}
FN real m_power_of_2(uint n) { return AS_F((n << 23) + 0x3f800000u); }

/* exp(r) - 1 there, near-minimax of degree 6 (relative error 2.5e-8) */
FN real m_expm1_near_zero(real r)
{
    real p = 1.3933734e-3f;
    p = M_FMA(p, r, 8.3632357e-3f);
    p = M_FMA(p, r, 4.1666463e-2f);
    p = M_FMA(p, r, 1.6666576e-1f);
    p = M_FMA(p, r, 0.5f);
    return M_FMA(p, r * r, r);
}

/* exp(x) = 2^n exp(r); 2^n in two factors so that it may underflow gradually */
FN real m_exp(real x)
{
    const real c = m_clamp(x, -104.0f, 89.0f);
    const real count = m_log2_count(c);
    const real p = m_expm1_near_zero(m_log2_rest(c, count)) + 1.0f;
    const int n = TO_I(AS_U(count) - 0x4b400000u);
    const int half_n = n >> 1;
    return p * m_power_of_2(TO_U(half_n)) * m_power_of_2(TO_U(n - half_n));
}

/* exp(x) for x <= 0, where one factor 2^n will do: below -87.6 it is 0 */
FN real m_exp_negative(real x)
{
    const real c = x < -88.0f ? -88.0f : x; /* NaN stays NaN */
    const real count = m_log2_count(c);
    return (m_expm1_near_zero(m_log2_rest(c, count)) + 1.0f) * m_power_of_2(AS_U(count));
}

/* exp(x) - 1 for x <= 0 without cancellation: 2^n (expm1(r) + 1 - 2^-n). Half of a training's activations
 * come here. Of negative numbers the larger is the smaller word, so that an integer minimum bounds x (NaN
 * becomes a number); and n log 2 need not be split: where n is large 2^n is small. */
FN real m_expm1_negative(real x)
{
    const real c = AS_F(m_umin(AS_U(x), 0xc1a00000u)); /* -20 */
    const real count = m_log2_count(c);
    const real s = m_power_of_2(AS_U(count));
    return M_FMA(s, m_expm1_near_zero(M_FMA(count - M_ROUNDER, -0.693147181f, c)), s - 1.0f);
}

/* log(1 + f) for -0.293 < f < 0.415 */
FN real m_log_near_one(real f)
{
    const real z = f * f;
    real p = 7.0376836292e-2f;
    p = M_FMA(p, f, -1.1514610310e-1f);
    p = M_FMA(p, f, 1.1676998740e-1f);
    p = M_FMA(p, f, -1.2420140846e-1f);
    p = M_FMA(p, f, 1.4249322787e-1f);
    p = M_FMA(p, f, -1.6668057665e-1f);
    p = M_FMA(p, f, 2.0000714765e-1f);
    p = M_FMA(p, f, -2.4999993993e-1f);
    p = M_FMA(p, f, 3.3333331174e-1f);
    return M_FMA(p * f, z, M_FMA(-0.5f, z, f));
}

/* log of a positive normal number */
FN real m_log(real x)
{
    const uint u = AS_U(x);
    const real half_mantissa = AS_F((u & 0x007fffffu) | 0x3f000000u);
    const int low = half_mantissa < 0.70710678f ? 1 : 0;
    const real e = TO_F(TO_I(u >> 23) - 126 - low);
    const real m = low != 0 ? half_mantissa + half_mantissa : half_mantissa;
    return M_FMA(e, 0.693359375f, M_FMA(e, -2.12194440e-4f, m_log_near_one(m - 1.0f)));
}

FN real m_log1p(real x)
{
    const real near = m_log_near_one(m_min(m_max(x, -0.3f), 0.42f));
    const real far = m_log(m_max(1.0f + x, 1.17549435e-38f));
    return x > -0.29f && x < 0.41f ? near : far;
}

/* cos and sin of 2 pi u, 0 <= u <= 1: reduced to an eighth turn, then Taylor-like polynomials */
FN real m_turn_cos(real t)
{
    const real z = t * t;
    const real p = M_FMA(M_FMA(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f);
    return M_FMA(p * z, z, M_FMA(-0.5f, z, 1.0f));
}
FN real m_turn_sin(real t)
{
    const real z = t * t;
    const real p = M_FMA(M_FMA(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f);
    return M_FMA(p * z, t, t);
}
FN real m_cos2pi(real u)
{
    const real q = M_FLOOR(u * 4.0f + 0.5f);
    const real t = (u - q * 0.25f) * 6.28318531f;
    const int k = TO_I(q) & 3;
    const real c = m_turn_cos(t);
    const real s = m_turn_sin(t);
    const real v = (k & 1) != 0 ? s : c;
    return k == 1 || k == 2 ? -v : v;
}
FN real m_sin2pi(real u)
{
    const real q = M_FLOOR(u * 4.0f + 0.5f);
    const real t = (u - q * 0.25f) * 6.28318531f;
    const int k = TO_I(q) & 3;
    const real c = m_turn_cos(t);
    const real s = m_turn_sin(t);
    const real v = (k & 1) != 0 ? c : s;
    return k >= 2 ? -v : v;
}
#define M_EXP    m_exp
#define M_EXP_NEGATIVE   m_exp_negative
#define M_EXPM1_NEGATIVE m_expm1_negative
#define M_LOG    m_log
#define M_LOG1P  m_log1p
#define M_COS2PI m_cos2pi
#define M_SIN2PI m_sin2pi
#endif

/* max(t, 0) + log(1 + exp(-|t|)), and its derivative */
FN real m_softplus(real t) { return m_positive(t) + M_LOG1P(M_EXP_NEGATIVE(-M_ABS(t))); }
FN real m_sigmoid(real t)
{
    const real e = M_EXP_NEGATIVE(-M_ABS(t));
    return (t < 0.0f ? e : 1.0f) / (1.0f + e);
}
