/* What both line searches share: the verdict on a point they accept, and on a search that found none. */

/* After acceptance: converged, at the precision floor, out of iterations, or on to the next direction. A
 * row stands at the floor when several steps in a row promised no decrease beyond rounding and did not
 * halve its gradient: it would wander until the iteration limit. */
#define SEARCH_PATIENCE 5.0f
#define SEARCH_ACCEPT                                                                                        \
    {                                                                                                        \
        const real iter = scal[C_ITER * P.ld + ROW] + (first != 0 ? 0.0f : 1.0f);                            \
        const int met = gnorm < P.gtol ? 1 : 0;                                                              \
        const int enough = iter >= TO_F(P.min_iter) ? 1 : 0;                                                 \
        const int idle = first == 0 && -slope * t <= noise && gnorm > 0.5f * gnorm_old ? 1 : 0;              \
        const real stalled = idle != 0 ? scal[C_STALLED * P.ld + ROW] + 1.0f : 0.0f;                         \
        const int at_floor = stalled >= SEARCH_PATIENCE || gnorm <= M_EPSILON ? 1 : 0;                       \
        const int spent = iter >= TO_F(P.max_iter) ? 1 : 0;                                                  \
        const int stop = (met != 0 && enough != 0) || at_floor != 0 || spent != 0 ? 1 : 0;                       \
        scal[C_ITER * P.ld + ROW] = iter;                                                                    \
        scal[C_STALLED * P.ld + ROW] = stalled;                                                              \
        scal[C_PHI * P.ld + ROW] = j;                                                                        \
        scal[C_GNORM * P.ld + ROW] = gnorm;                                                                  \
        scal[C_FLAG * P.ld + ROW] = TO_F(stop != 0 ? F_DONE : F_ACCEPTED);                                   \
        scal[C_STOP * P.ld + ROW] = TO_F(met != 0 ? S_CONVERGED : (at_floor != 0 ? S_FLOOR : S_LIMIT));        \
    }

/* No acceptable step within the allowed evaluations. Where the decrease that the first-order model
 * promises drowns in rounding, the row stands at the precision floor; otherwise a stale history may be
 * at fault: forget it once and go down the gradient. */
#define SEARCH_FAIL                                                                                          \
    {                                                                                                        \
        const int drowned = -slope * t0 <= 4.0f * noise ? 1 : 0;                                             \
        const int again = drowned == 0 && scal[C_COUNT * P.ld + ROW] > 0.0f ? 1 : 0;                         \
        scal[C_FLAG * P.ld + ROW] = TO_F(again != 0 ? F_RESTART : F_FAILED);                                 \
        scal[C_STOP * P.ld + ROW] = TO_F(gnorm_old < P.gtol ? S_CONVERGED : (drowned != 0 ? S_FLOOR : S_LIMIT)); \
    }

/* The very first point is not finite: nothing to search from. */
#define SEARCH_HOPELESS                                                                                      \
    {                                                                                                        \
        scal[C_FLAG * P.ld + ROW] = TO_F(F_FAILED);                                                          \
        scal[C_STOP * P.ld + ROW] = TO_F(S_NONFINITE);                                                       \
        scal[C_PHI * P.ld + ROW] = j;                                                                        \
        scal[C_GNORM * P.ld + ROW] = gnorm;                                                                  \
    }
