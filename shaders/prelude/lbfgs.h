/* The parts of a round of L-BFGS, for kernels that say where things stand. EACH_ROW { } is a block for each row that takes
 * part, and of its problem
 *   V_SCAL(field)                      a field of the state
 *   V_X(i) V_D(i) V_Y(i) V_G(i)        accepted point, direction, target, gradient there
 *   V_S(h, i) V_YH(h, i) V_RHO(h)      history slot h
 *   V_Q(i) V_AL(a)                     scratch
 *   V_F V_XT(i) V_GT(i)                f, the trial point, the gradient there */

/* From f and its gradient at the trial point to J(x; y) = f(x) - <x, y>: the gradient g - y in place, and
 * the C_J .. C_FINITE fields. The noise of J is a few roundings of its two terms, which is what a line
 * search must not mistake for a rise. */
#define LBFGS_MEASURE                                                                                        \
  {                                                                                                          \
    EACH_ROW { L(xy) = 0.0f; L(top) = 0.0f; L(sum) = 0.0f; L(slope) = 0.0f; }                                \
    for (int i = 0; i < P.feats; ++i) {                                                                      \
      EACH_ROW {                                                                                             \
        const real r = V_GT(i) - V_Y(i);                                                                     \
        const real a = M_ABS(r);                                                                             \
        V_GT(i) = r;                                                                                         \
        L(xy) += V_XT(i) * V_Y(i);                                                                           \
        L(top) = m_max(L(top), a);                                                                           \
        L(sum) += a;                                                                                         \
        L(slope) += V_D(i) * r;                                                                              \
      }                                                                                                      \
    }                                                                                                        \
    EACH_ROW {                                                                                               \
      const real v = V_F;                                                                                    \
      V_SCAL(C_J) = v - L(xy);                                                                               \
      V_SCAL(C_GTRIAL) = L(top);                                                                             \
      V_SCAL(C_DTRIAL) = L(slope);                                                                           \
      V_SCAL(C_NOISE) = 8.0f * M_EPSILON * (1.0f + M_ABS(v) + M_ABS(L(xy)));                                 \
      V_SCAL(C_FINITE) = m_finite(v - L(xy) + L(sum)) != 0 ? 1.0f : 0.0f;                                    \
      V_SCAL(C_EVALS) += 1.0f;                                                                               \
    }                                                                                                        \
  }

/* After a round of trials: rows that accepted move to the trial point and put the pair
 * (s, y) = (xt - x, gt - g) into the history's `slot`; pairs without positive curvature keep their place
 * with rho = 0 and are skipped. Slots are common to all lanes, so rows that did not accept carry their
 * pairs along by one slot: slot - a always holds a row's a-th last pair, whatever the rows beside
 * it do, and a row's result does not depend on them. */
#define LBFGS_PUSH(slot)                                                                                     \
  {                                                                                                          \
    int most = 0; /* pairs of the row that carries most: uniform over the host's lanes, own on a GPU */      \
    EACH_ROW {                                                                                               \
      const real flag = V_SCAL(C_FLAG);                                                                      \
      const real count = V_SCAL(C_COUNT);                                                                    \
      L(move) = flag == TO_F(F_ACCEPTED) ? 1 : 0;                                                            \
      L(pair) = L(move) != 0 && V_SCAL(C_ITER) > 0.5f ? 1 : 0;                                               \
      L(carried) = flag == TO_F(F_REJECTED) ? TO_I(count) : 0;                                               \
    }                                                                                                        \
    ACROSS_ROWS_MAX(most, carried)                                                                           \
    for (int a = 0; a < m_imin(most, P.history - 1); ++a) { /* newest first: each slot is read before it is filled */ \
      const int from = (slot - 1 - a + 2 * P.history) % P.history;                                           \
      const int to = (from + 1) % P.history;                                                                 \
      for (int i = 0; i < P.feats; ++i) {                                                                    \
        EACH_ROW {                                                                                           \
          const real s1 = V_S(from, i);                                                                      \
          const real y1 = V_YH(from, i);                                                                     \
          V_S(to, i) = a < L(carried) ? s1 : V_S(to, i);                                                     \
          V_YH(to, i) = a < L(carried) ? y1 : V_YH(to, i);                                                   \
        }                                                                                                    \
      }                                                                                                      \
      EACH_ROW { V_RHO(to) = a < L(carried) ? V_RHO(from) : V_RHO(to); }                                     \
    }                                                                                                        \
    EACH_ROW { L(sy) = 0.0f; L(ss) = 0.0f; L(yy) = 0.0f; }                                                   \
    for (int i = 0; i < P.feats; ++i) {                                                                      \
      EACH_ROW {                                                                                             \
        const real ds = V_XT(i) - V_X(i);                                                                    \
        const real dg = V_GT(i) - V_G(i);                                                                    \
        L(sy) += ds * dg; L(ss) += ds * ds; L(yy) += dg * dg;                                                \
        V_S(slot, i) = L(pair) != 0 ? ds : V_S(slot, i);                                                     \
        V_YH(slot, i) = L(pair) != 0 ? dg : V_YH(slot, i);                                                   \
        V_X(i) = L(move) != 0 ? V_XT(i) : V_X(i);                                                            \
        V_G(i) = L(move) != 0 ? V_GT(i) : V_G(i);                                                            \
      }                                                                                                      \
    }                                                                                                        \
    EACH_ROW {                                                                                               \
      const int curved = L(sy) > 8.0f * M_EPSILON * M_SQRT(L(ss)) * M_SQRT(L(yy)) && L(sy) > 1e-30f ? 1 : 0; \
      const real old = V_SCAL(C_COUNT);                                                                      \
      const real kept = m_min(old, TO_F(P.history - 1));                                                     \
      if (L(pair) != 0) {                                                                                    \
        V_RHO(slot) = curved != 0 ? 1.0f / L(sy) : 0.0f;                                                     \
        if (curved != 0) V_SCAL(C_GAMMA) = L(sy) / L(yy);                                                    \
        V_SCAL(C_COUNT) = kept + 1.0f;                                                                       \
      } else if (L(carried) != 0) V_SCAL(C_COUNT) = kept;                                                    \
      if (V_SCAL(C_FLAG) == TO_F(F_RESTART)) V_SCAL(C_COUNT) = 0.0f;                                         \
    }                                                                                                        \
  }

/* New directions d = -H g by the two-loop recursion (Nocedal and Wright, algorithm 7.4) for the rows that
 * accepted a point or restart, one lane per row. q and al are scratch. A direction that does not descend
 * is replaced by the scaled gradient, and its history is forgotten. */
#define LBFGS_DIRECTION(slot)                                                                                \
  {                                                                                                          \
    int most = 0;                                                                                            \
    EACH_ROW {                                                                                               \
      const real flag = V_SCAL(C_FLAG);                                                                      \
      L(wanted) = flag == TO_F(F_ACCEPTED) || flag == TO_F(F_RESTART) ? 1 : 0;                               \
      L(count) = L(wanted) != 0 ? TO_I(V_SCAL(C_COUNT)) : 0;                                                 \
    }                                                                                                        \
    ACROSS_ROWS_MAX(most, count)                                                                             \
    for (int i = 0; i < P.feats; ++i) {                                                                      \
      EACH_ROW { V_Q(i) = V_G(i); }                                                                          \
    }                                                                                                        \
    for (int a = 0; a < most; ++a) {                                                                         \
      const int h = (slot - a + P.history) % P.history;                                                      \
      EACH_ROW { L(sum) = 0.0f; }                                                                            \
      for (int i = 0; i < P.feats; ++i) {                                                                    \
        EACH_ROW { L(sum) += V_S(h, i) * V_Q(i); }                                                           \
      }                                                                                                      \
      EACH_ROW {                                                                                             \
        L(sum) = a < L(count) ? V_RHO(h) * L(sum) : 0.0f;                                                    \
        V_AL(a) = L(sum);                                                                                    \
      }                                                                                                      \
      for (int i = 0; i < P.feats; ++i) {                                                                    \
        EACH_ROW { V_Q(i) -= L(sum) * V_YH(h, i); }                                                          \
      }                                                                                                      \
    }                                                                                                        \
    for (int i = 0; i < P.feats; ++i) {                                                                      \
      EACH_ROW { V_Q(i) *= V_SCAL(C_GAMMA); }                                                                \
    }                                                                                                        \
    for (int a = most - 1; a >= 0; --a) {                                                                    \
      const int h = (slot - a + P.history) % P.history;                                                      \
      EACH_ROW { L(sum) = 0.0f; }                                                                            \
      for (int i = 0; i < P.feats; ++i) {                                                                    \
        EACH_ROW { L(sum) += V_YH(h, i) * V_Q(i); }                                                          \
      }                                                                                                      \
      EACH_ROW { L(sum) = a < L(count) ? V_AL(a) - V_RHO(h) * L(sum) : 0.0f; }                               \
      for (int i = 0; i < P.feats; ++i) {                                                                    \
        EACH_ROW { V_Q(i) += L(sum) * V_S(h, i); }                                                           \
      }                                                                                                      \
    }                                                                                                        \
    EACH_ROW { L(sum) = 0.0f; L(gg) = 0.0f; L(qq) = 0.0f; }                                                  \
    for (int i = 0; i < P.feats; ++i) {                                                                      \
      EACH_ROW {                                                                                             \
        const real a = V_G(i);                                                                               \
        const real b = V_Q(i);                                                                               \
        L(sum) += a * b; L(gg) += a * a; L(qq) += b * b;                                                     \
      }                                                                                                      \
    }                                                                                                        \
    EACH_ROW {                                                                                               \
      const real gamma = V_SCAL(C_GAMMA);                                                                    \
      const int ascends = L(sum) >= 1e-5f * M_SQRT(L(gg)) * M_SQRT(L(qq)) ? 0 : 1;                           \
      if (L(wanted) != 0) {                                                                                  \
        V_SCAL(C_SLOPE) = ascends != 0 ? -gamma * L(gg) : -L(sum);                                           \
        V_SCAL(C_T) = 1.0f;                                                                                  \
        V_SCAL(C_TRIALS) = 0.0f;                                                                             \
        V_SCAL(C_STAGE) = 0.0f;                                                                              \
        if (ascends != 0) V_SCAL(C_COUNT) = 0.0f;                                                            \
      }                                                                                                      \
      L(sum) = ascends != 0 ? 0.0f : -1.0f;                                                                  \
      L(gg) = ascends != 0 ? -gamma : 0.0f;                                                                  \
    }                                                                                                        \
    for (int i = 0; i < P.feats; ++i) {                                                                      \
      EACH_ROW {                                                                                             \
        V_D(i) = L(wanted) != 0 ? L(sum) * V_Q(i) + L(gg) * V_G(i) : V_D(i);                                 \
      }                                                                                                      \
    }                                                                                                        \
  }
