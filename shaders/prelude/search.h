/* The line searches, for kernels that say where things stand: EACH_ROW is a block for each row, V_SCAL(field) a field of
 * its state (lbfgs.h). First what both share: the verdict on a point they accept, and on a search that found none. */

/* After acceptance: converged, at the precision floor, out of iterations, or on to the next direction. A
 * row stands at the floor when several steps in a row promised no decrease beyond rounding and did not
 * halve its gradient: it would wander until the iteration limit. */
#define SEARCH_PATIENCE 5.0f
#define SEARCH_ACCEPT                                                                                        \
    {                                                                                                        \
        const real iter = V_SCAL(C_ITER) + (first != 0 ? 0.0f : 1.0f);                                       \
        const int met = gnorm < P.gtol ? 1 : 0;                                                              \
        const int enough = iter >= TO_F(P.min_iter) ? 1 : 0;                                                 \
        const int idle = first == 0 && -slope * t <= noise && gnorm > 0.5f * gnorm_old ? 1 : 0;              \
        const real stalled = idle != 0 ? V_SCAL(C_STALLED) + 1.0f : 0.0f;                                    \
        const int at_floor = stalled >= SEARCH_PATIENCE || gnorm <= M_EPSILON ? 1 : 0;                       \
        const int spent = iter >= TO_F(P.max_iter) ? 1 : 0;                                                  \
        const int stop = (met != 0 && enough != 0) || at_floor != 0 || spent != 0 ? 1 : 0;                   \
        V_SCAL(C_ITER) = iter;                                                                               \
        V_SCAL(C_STALLED) = stalled;                                                                         \
        V_SCAL(C_PHI) = j;                                                                                   \
        V_SCAL(C_GNORM) = gnorm;                                                                             \
        V_SCAL(C_FLAG) = TO_F(stop != 0 ? F_DONE : F_ACCEPTED);                                              \
        V_SCAL(C_STOP) = TO_F(met != 0 ? S_CONVERGED : (at_floor != 0 ? S_FLOOR : S_LIMIT));                 \
    }

/* No acceptable step within the allowed evaluations. Where the decrease that the first-order model
 * promises drowns in rounding, the row stands at the precision floor; otherwise a stale history may be
 * at fault: forget it once and go down the gradient. */
#define SEARCH_FAIL                                                                                          \
    {                                                                                                        \
        const int drowned = -slope * t0 <= 4.0f * noise ? 1 : 0;                                             \
        const int again = drowned == 0 && V_SCAL(C_COUNT) > 0.0f ? 1 : 0;                                    \
        V_SCAL(C_FLAG) = TO_F(again != 0 ? F_RESTART : F_FAILED);                                            \
        V_SCAL(C_STOP) = TO_F(gnorm_old < P.gtol ? S_CONVERGED : (drowned != 0 ? S_FLOOR : S_LIMIT));        \
    }

/* The very first point is not finite: nothing to search from. */
#define SEARCH_HOPELESS                                                                                      \
    {                                                                                                        \
        V_SCAL(C_FLAG) = TO_F(F_FAILED);                                                                     \
        V_SCAL(C_STOP) = TO_F(S_NONFINITE);                                                                  \
        V_SCAL(C_PHI) = j;                                                                                   \
        V_SCAL(C_GNORM) = gnorm;                                                                             \
    }

/* What a row knows of the point that was tried: J and its bound, the slope along the direction, max-norms of gradients. */
#define SEARCH_POINT                                                                                         \
    const int first = V_SCAL(C_FIRST) > 0.0f ? 1 : 0;                                                        \
    const int finite = V_SCAL(C_FINITE) > 0.0f ? 1 : 0;                                                      \
    const real j = V_SCAL(C_J);                                                                              \
    const real j0 = V_SCAL(C_PHI);                                                                           \
    const real gnorm = V_SCAL(C_GTRIAL);                                                                     \
    const real gnorm_old = V_SCAL(C_GNORM);                                                                  \
    const real noise = V_SCAL(C_NOISE);                                                                      \
    const real slope = V_SCAL(C_SLOPE);                                                                      \
    const real t = V_SCAL(C_T);                                                                              \
    const real t0 = 1.0f;                                                                                    \
    const real trials = V_SCAL(C_TRIALS) + 1.0f;                                                             \
    const real bound = j0 + P.c1 * t * slope + noise;                                                        \
    const real level = j0 + 32.0f * noise;

/* One trial judged, by Armijo backtracking: accept J(t) <= J(0) + c1 t slope, up to the noise of J; shrink t by a factor or
 * by quadratic interpolation otherwise. Nocedal and Wright, Numerical Optimization, ch. 3. */
#define SEARCH_ARMIJO                                                                                        \
  EACH_ROW {                                                                                                 \
    SEARCH_POINT                                                                                             \
    const int lower = j <= bound || (gnorm < P.gtol && j <= level) ? 1 : 0;                                  \
    V_SCAL(C_TRIALS) = trials;                                                                               \
    if (finite != 0 && (first != 0 || lower != 0)) SEARCH_ACCEPT                                             \
    else if (first != 0) SEARCH_HOPELESS                                                                     \
    else if (trials >= TO_F(P.max_trials)) SEARCH_FAIL                                                       \
    else {                                                                                                   \
      const real bend = 2.0f * (j - j0 - slope * t);                                                         \
      const real best = bend > 0.0f ? -slope * t * t / bend : 0.5f * t;                                      \
      const real guided = finite != 0 ? m_min(0.7f * t, m_max(0.1f * t, best)) : 0.2f * t;                   \
      V_SCAL(C_T) = P.interpolate != 0 ? guided : t * P.shrink;                                              \
      V_SCAL(C_FLAG) = TO_F(F_REJECTED);                                                                     \
    }                                                                                                        \
    V_SCAL(C_FIRST) = 0.0f;                                                                                  \
  }

/* The same by the strong Wolfe conditions: bracket, then zoom (Nocedal and Wright, algorithms 3.5 and 3.6), one
 * evaluation at a time. Accepts J(t) <= J(0) + c1 t slope with |slope(t)| <= c2 |slope(0)|; when the
 * evaluations run out, the best point that satisfies the first condition. */
#define SEARCH_WOLFE                                                                                         \
  EACH_ROW {                                                                                                 \
    SEARCH_POINT                                                                                             \
    const real slope_t = V_SCAL(C_DTRIAL);                                                                   \
    const int zoom = V_SCAL(C_STAGE) > 0.5f ? 1 : 0;                                                         \
    const int forced = V_SCAL(C_STAGE) > 1.5f ? 1 : 0;                                                       \
    real tlo = trials > 1.5f ? V_SCAL(C_TLO) : 0.0f;                                                         \
    real jlo = trials > 1.5f ? V_SCAL(C_JLO) : j0;                                                           \
    real dlo = trials > 1.5f ? V_SCAL(C_DLO) : slope;                                                        \
    real thi = V_SCAL(C_THI);                                                                                \
    real jhi = V_SCAL(C_JHI);                                                                                \
    const real bound_lo = jlo + noise;                                                                       \
    const real shallow = -P.c2 * slope;                                                                      \
    const int high = finite == 0 || j > bound || (trials > 1.5f && j > bound_lo) ? 1 : 0;                    \
    const int settled = M_ABS(slope_t) <= shallow || forced != 0 ? 1 : 0;                                    \
    const int good = finite != 0 && ((high == 0 && settled != 0) || (gnorm < P.gtol && j <= level)) ? 1 : 0; \
    V_SCAL(C_TRIALS) = trials;                                                                               \
    if (finite != 0 && (first != 0 || good != 0)) SEARCH_ACCEPT                                              \
    else if (first != 0) SEARCH_HOPELESS                                                                     \
    else if (forced != 0 || (trials >= TO_F(P.max_trials) && tlo <= 0.0f)) SEARCH_FAIL                       \
    else {                                                                                                   \
      real stage = 1.0f;                                                                                     \
      real next = t;                                                                                         \
      if (high != 0) { thi = t; jhi = finite != 0 ? j : j0 + M_ABS(j0) + 1.0f; }                             \
      else if (zoom != 0) {                                                                                  \
        const real rise = slope_t * (thi - tlo);                                                             \
        if (rise >= 0.0f) { thi = tlo; jhi = jlo; }                                                          \
        tlo = t; jlo = j; dlo = slope_t;                                                                     \
      }                                                                                                      \
      else if (slope_t >= 0.0f) { thi = tlo; jhi = jlo; tlo = t; jlo = j; dlo = slope_t; }                   \
      else { tlo = t; jlo = j; dlo = slope_t; next = 2.0f * t; stage = 0.0f; }                               \
      if (stage > 0.5f) {                                                                                    \
        const real h = thi - tlo;                                                                            \
        const real bend = 2.0f * (jhi - jlo - dlo * h);                                                      \
        const real best = bend > 0.0f ? -dlo * h * h / bend : 0.5f * h;                                      \
        const real share = m_min(0.9f, m_max(0.1f, best / h));                                               \
        next = tlo + share * h;                                                                              \
      }                                                                                                      \
      if (trials >= TO_F(P.max_trials - 1) && tlo > 0.0f) { next = tlo; stage = 2.0f; }                      \
      V_SCAL(C_STAGE) = stage;                                                                               \
      V_SCAL(C_TLO) = tlo;                                                                                   \
      V_SCAL(C_JLO) = jlo;                                                                                   \
      V_SCAL(C_DLO) = dlo;                                                                                   \
      V_SCAL(C_THI) = thi;                                                                                   \
      V_SCAL(C_JHI) = jhi;                                                                                   \
      V_SCAL(C_T) = next;                                                                                    \
      V_SCAL(C_FLAG) = TO_F(F_REJECTED);                                                                     \
    }                                                                                                        \
    V_SCAL(C_FIRST) = 0.0f;                                                                                  \
  }
