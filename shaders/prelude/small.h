/* A small network in one launch, for kernels that say where things stand. A work-group of SMALL_WG lanes takes SMALL_R
 * rows through all layers, lane lid row lid % SMALL_R of them, and holds in shared memory
 *     xs [feats][R]     the rows themselves
 *     zs [2][widest][R] what a layer reads and what it makes, by turns
 *     gx [feats][R]     the gradient's part that comes from layers which see x
 *     from P.weights on the weights: all of them with P.resident, else some rows of a layer's at a time
 * A row of weights has an odd number of places, so that the rows begin in different banks; behind the last row that is
 * held stands the next one, or the bias. Each sum is one chain of M_FMA in the order of the inner index, as that of sgemm.k,
 * so that the bits are those of the separate kernels on own products.
 *
 * A kernel has the parameters feats, layers, widest, weights, resident and room (reals in all), and names
 *   V_PLAN(i) V_THETA(i)    the plan: SMALL_NUMBERS a layer; the parameters
 *   V_INSIDE                this lane's row is there
 *   V_KEEP(l, o, z, slope)  what of feature o of layer l is kept outside
 *   V_SLOPE(q, o)           a slope that was kept at q */
#define SMALL_WG 256
#define SMALL_R 16
#define SMALL_STEP (SMALL_WG / SMALL_R)
#define SMALL_EACH 8       /* results of a lane: as many as the widest layer needs */
#define SMALL_WIDEST (SMALL_EACH * SMALL_STEP)
#define SMALL_ROOM 8192    /* reals that every device can share */
#define SMALL_LEAST 320    /* reals that small_trial needs for its list */

/* Numbers of a layer: features of the previous layer, of x below them, and of the result; activation; place of the weights, of the
 * slopes (-1: none) and of the results in the tape (-1: none); place in P.weights; rows of weights held at a time. */
#define SMALL_INPUTS 0
#define SMALL_SKIP 1
#define SMALL_WIDTH 2
#define SMALL_KIND 3
#define SMALL_W 4
#define SMALL_Q 5
#define SMALL_Z 6
#define SMALL_AT 7
#define SMALL_HELD 8
#define SMALL_NUMBERS 9
#define SMALL_PLAN(l, number) V_PLAN(SMALL_NUMBERS * (l) + (number))
#define SMALL_PLACES(width) ((width) + 1 - (width) % 2)
#define SMALL_CLAMP(i, n) ((i) < (n) ? (i) : (n) - 1)
#define SMALL_ZS (P.feats * SMALL_R)
#define SMALL_GX (SMALL_ZS + 2 * P.widest * SMALL_R)

/* Rows [k0, k0 + count) of the weights at w, to `to`. */
#define SMALL_TAKE(to, w, k0, count, width)                                                                  \
  PAR {                                                                                                      \
    for (int k = lid / 32; k < (count); k += SMALL_WG / 32) {                                                \
      for (int o = lid % 32; o < (width); o += 32) {                                                         \
        held[(to) + k * SMALL_PLACES(width) + o] = V_THETA((w) + ((k0) + k) * (width) + o);                  \
      }                                                                                                      \
    }                                                                                                        \
  }

#define SMALL_TAKE_ALL                                                                                       \
  if (P.resident != 0) {                                                                                     \
    for (int l = 0; l < P.layers; ++l) {                                                                     \
      SMALL_TAKE(P.weights + SMALL_PLAN(l, SMALL_AT), SMALL_PLAN(l, SMALL_W), 0,                             \
                 SMALL_PLAN(l, SMALL_INPUTS) + SMALL_PLAN(l, SMALL_SKIP) + 1, SMALL_PLAN(l, SMALL_WIDTH))    \
    }                                                                                                        \
  }

/* Held weights from row k0 on into the first `each` sums of every lane. */
#define SMALL_ADD(each, first, last, source)                                                                 \
  for (int k = first; k < last; ++k) {                                                                       \
    const real z = source;                                                                                   \
    UNROLL for (int j = 0; j < each; ++j) {                                                                  \
      LN(sum, j) = M_FMA(held[at + (k - k0) * places + SMALL_CLAMP(lid / SMALL_R + j * SMALL_STEP, width)], z, LN(sum, j)); \
    }                                                                                                        \
  }
#define SMALL_SUMS(each)                                                                                     \
  {                                                                                                          \
    SMALL_ADD(each, k0, m_imin(inputs, k1), held[from + k * SMALL_R + lid % SMALL_R])                        \
    SMALL_ADD(each, m_imax(inputs, k0), k1, held[(k - inputs) * SMALL_R + lid % SMALL_R])                    \
  }

/* From xs through all layers; `from` ends at the half of zs with the result. `going`: 0 leaves everything out. */
#define SMALL_FORWARD(going)                                                                                 \
  for (int l = 0; l < (going); ++l) {                                                                        \
    const int inputs = SMALL_PLAN(l, SMALL_INPUTS);                                                          \
    const int rows = inputs + SMALL_PLAN(l, SMALL_SKIP);                                                     \
    const int width = SMALL_PLAN(l, SMALL_WIDTH);                                                            \
    const int kind = SMALL_PLAN(l, SMALL_KIND);                                                              \
    const int at = P.weights + SMALL_PLAN(l, SMALL_AT);                                                      \
    const int count = SMALL_PLAN(l, SMALL_HELD);                                                             \
    const int places = SMALL_PLACES(width);                                                                  \
    const int to = 2 * SMALL_ZS + P.widest * SMALL_R - from;                                                 \
    int bias = at;                                                                                           \
    PAR { UNROLL for (int j = 0; j < SMALL_EACH; ++j) LN(sum, j) = 0.0f; }                                   \
    for (int k0 = 0; k0 < rows; k0 += count) {                                                               \
      const int k1 = m_imin(k0 + count, rows);                                                               \
      if (P.resident == 0) {                                                                                 \
        SYNC;                                                                                                \
        SMALL_TAKE(at, SMALL_PLAN(l, SMALL_W), k0, k1 - k0 + 1, width)                                       \
        SYNC;                                                                                                \
      }                                                                                                      \
      if (width <= SMALL_STEP) { PAR { SMALL_SUMS(1) } }                                                     \
      else if (width <= 2 * SMALL_STEP) { PAR { SMALL_SUMS(2) } }                                            \
      else if (width <= 4 * SMALL_STEP) { PAR { SMALL_SUMS(4) } }                                            \
      else { PAR { SMALL_SUMS(SMALL_EACH) } }                                                                \
      bias = at + (k1 - k0) * places;                                                                        \
    }                                                                                                        \
    PAR {                                                                                                    \
      const int r = lid % SMALL_R;                                                                           \
      UNROLL for (int j = 0; j < SMALL_EACH; ++j) {                                                          \
        const int o = lid / SMALL_R + j * SMALL_STEP;                                                        \
        if (o < width) held[to + o * SMALL_R + r] = LN(sum, j);                                              \
      }                                                                                                      \
      for (int o = lid / SMALL_R; o < width; o += SMALL_STEP) {                                              \
        const real u = held[to + o * SMALL_R + r] + held[bias + o];                                          \
        const real z = a_value(kind, P.c, u);                                                                \
        held[to + o * SMALL_R + r] = z;                                                                      \
        if (V_INSIDE) { V_KEEP(l, o, z, a_slope(kind, P.c, u, z)) }                                          \
      }                                                                                                      \
    }                                                                                                        \
    SYNC;                                                                                                    \
    from = to;                                                                                               \
  }

/* f = s g(x) + alpha / 2 |x|^2 after the forward pass, its gradient in gx + alpha xs. Of xs, zs and the slopes. */
#define SMALL_VALUE(to)                                                                                      \
  PAR {                                                                                                      \
    if (lid < SMALL_R && V_INSIDE) {                                                                         \
      real square = 0.0f;                                                                                    \
      for (int i = 0; i < P.feats; ++i) square += held[i * SMALL_R + lid] * held[i * SMALL_R + lid];         \
      to = P.s * held[from + lid] + 0.5f * alpha * square;                                                   \
    }                                                                                                        \
  }
#define SMALL_BACKWARD(going)                                                                                \
  SYNC;                                                                                                      \
  PAR {                                                                                                      \
    if (lid < SMALL_R) {                                                                                     \
      const int q = SMALL_PLAN(P.layers - 1, SMALL_Q);                                                       \
      real seed = P.s;                                                                                       \
      if (q >= 0 && V_INSIDE) seed = seed * V_SLOPE(q, 0);                                                   \
      held[from + lid] = seed;                                                                               \
    }                                                                                                        \
    for (int i = lid; i < P.feats * SMALL_R; i += SMALL_WG) held[SMALL_GX + i] = 0.0f;                       \
  }                                                                                                          \
  SYNC;                                                                                                      \
  for (int l = (going) - 1; l >= 0; --l) {                                                                   \
    const int inputs = SMALL_PLAN(l, SMALL_INPUTS);                                                          \
    const int rows = inputs + SMALL_PLAN(l, SMALL_SKIP);                                                     \
    const int width = SMALL_PLAN(l, SMALL_WIDTH);                                                            \
    const int at = P.weights + SMALL_PLAN(l, SMALL_AT);                                                      \
    const int count = SMALL_PLAN(l, SMALL_HELD);                                                             \
    const int places = SMALL_PLACES(width);                                                                  \
    const int to = 2 * SMALL_ZS + P.widest * SMALL_R - from;                                                 \
    int q = -1;                                                                                              \
    if (l > 0) q = SMALL_PLAN(l - 1, SMALL_Q);                                                               \
    for (int k0 = 0; k0 < rows; k0 += count) {                                                               \
      const int k1 = m_imin(k0 + count, rows);                                                               \
      if (P.resident == 0) {                                                                                 \
        SYNC;                                                                                                \
        SMALL_TAKE(at, SMALL_PLAN(l, SMALL_W), k0, k1 - k0, width)                                           \
        SYNC;                                                                                                \
      }                                                                                                      \
      PAR {                                                                                                  \
        const int r = lid % SMALL_R;                                                                         \
        for (int i = k0 + lid / SMALL_R; i < k1; i += 4 * SMALL_STEP) { /* four results share what is read of d */ \
          real part[4];                                                                                      \
          UNROLL for (int j = 0; j < 4; ++j) part[j] = 0.0f;                                                 \
          for (int o = 0; o < width; ++o) {                                                                  \
            const real d = held[from + o * SMALL_R + r];                                                     \
            UNROLL for (int j = 0; j < 4; ++j) {                                                             \
              part[j] = M_FMA(held[at + (SMALL_CLAMP(i + j * SMALL_STEP, k1) - k0) * places + o], d, part[j]); \
            }                                                                                                \
          }                                                                                                  \
          UNROLL for (int j = 0; j < 4; ++j) {                                                               \
            const int o = i + j * SMALL_STEP;                                                                \
            if (o < m_imin(inputs, k1)) {                                                                    \
              real d = part[j];                                                                              \
              if (q >= 0 && V_INSIDE) d = d * V_SLOPE(q, o);                                                 \
              held[to + o * SMALL_R + r] = d;                                                                \
            }                                                                                                \
            else if (o < k1) held[SMALL_GX + (o - inputs) * SMALL_R + r] += part[j];                         \
          }                                                                                                  \
        }                                                                                                    \
      }                                                                                                      \
    }                                                                                                        \
    SYNC;                                                                                                    \
    from = to;                                                                                               \
  }
