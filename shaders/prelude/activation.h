/* Activations: the value z = a(u), the slope a'(u) and the curvature a''(u). They and the quadratic
 * term are the only nonlinear parts of a network, so all first and second derivatives are here. The
 * numbers are those of enum brn_activation; `c` is the slope of leaky_relu or the alpha of elu/celu.
 */
#define A_NONE       0
#define A_RELU       1
#define A_LEAKY_RELU 2
#define A_ELU        3
#define A_SELU       4
#define A_CELU       5
#define A_SOFTPLUS   6
#define A_SILU       7
/* of type real: products of the two are rounded to it, also where real is double */
#define A_SELU_SCALE TO_F(1.05070098735548f)
#define A_SELU_ALPHA TO_F(1.67326324235438f)

FN real a_value(int kind, real c, real u)
{
    if (kind == A_RELU) return m_positive(u);
    if (kind == A_LEAKY_RELU) return u > 0.0f ? u : c * u;
    if (kind == A_ELU) return u <= 0.0f ? c * M_EXPM1_NEGATIVE(u) : u; /* NaN stays NaN */
    if (kind == A_SELU) return A_SELU_SCALE * (u <= 0.0f ? A_SELU_ALPHA * M_EXPM1_NEGATIVE(u) : u);
    if (kind == A_CELU) return u <= 0.0f ? c * M_EXPM1_NEGATIVE(u / c) : u;
    if (kind == A_SOFTPLUS) return m_softplus(u);
    if (kind == A_SILU) return u * m_sigmoid(u);
    return u;
}

/* The slope from u and z = a(u): the exponential families need no second exponential. */
FN real a_slope(int kind, real c, real u, real z)
{
    if (kind == A_RELU) return u > 0.0f ? 1.0f : 0.0f;
    if (kind == A_LEAKY_RELU) return u > 0.0f ? 1.0f : c;
    if (kind == A_ELU) return u > 0.0f ? 1.0f : z + c;
    if (kind == A_SELU) return u > 0.0f ? A_SELU_SCALE : z + A_SELU_SCALE * A_SELU_ALPHA;
    if (kind == A_CELU) return u > 0.0f ? 1.0f : z / c + 1.0f;
    if (kind == A_SOFTPLUS) return m_sigmoid(u);
    if (kind == A_SILU) {
        const real s = m_sigmoid(u);
        return s + z * (1.0f - s);
    }
    return 1.0f;
}

FN real a_curvature(int kind, real c, real u)
{
    if (kind == A_ELU) return u > 0.0f ? 0.0f : c * M_EXP_NEGATIVE(u);
    if (kind == A_SELU) return A_SELU_SCALE * A_SELU_ALPHA * (u > 0.0f ? 0.0f : M_EXP_NEGATIVE(u));
    if (kind == A_CELU) return u > 0.0f ? 0.0f : M_EXP_NEGATIVE(u / c) / c;
    if (kind == A_SOFTPLUS) {
        const real s = m_sigmoid(u);
        return s * (1.0f - s);
    }
    if (kind == A_SILU) {
        const real s = m_sigmoid(u);
        return s * (1.0f - s) * (2.0f + u * (1.0f - 2.0f * s));
    }
    return 0.0f;
}
