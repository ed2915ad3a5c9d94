#include "core/clock.h"
#include "selftest/wholes.h"
#include <brenier/model.h>
#include <brenier/selftest.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of the trained parameters from the oracle's. Host devices are at 3e-6; a wrong gradient anywhere, at one. */
static const double DISTANCE_LIMIT = 1e-4;
/* Of the held-out errors, relative: as far as such a distance can take them. */
static const double UVP_LIMIT = 1e-3;
/* The same of a device whose products round their operands to ten bits: such trainings end 4e-3 apart. */
static const double ROUNDED_DISTANCE_LIMIT = 2e-2;
/* Each solution has a gradient below gtol, and the curvature is near 1: two differ by twice that at most. */
static const double ARGMIN_LIMIT = 2;
/* Below this no gradient of rounded products can be told from zero. */
static const double ROUNDED_GRADIENT = 0.2;

typedef struct {
    brn_device *dev, *oracle;
    brn_selftest_fn fn;
    void *user;
    brn_selftest_summary *sum;
    uint64_t products; /* of the device's, when the last result was told */
} session;

static brn_selftest_verdict judge(brn_status status, const brn_parity *p)
{
    if (status == BRN_ERR_UNSUPPORTED) return BRN_SELFTEST_UNSUPPORTED;
    return status == BRN_OK && p->share <= 1 && !*p->fault ? BRN_SELFTEST_HOLDS : BRN_SELFTEST_FAILS;
}

static double rate_of(double work, double seconds) { return work > 0 && seconds > 0 ? work / seconds / 1e9 : (double)NAN; }

/* Where products round their operands to fewer bits, what contains products may be off by as many units of that, and
 * four times more, as derivatives of second order multiply rounded products again. */
static double coarser(session *s)
{
    const bool multiplied = s->dev->counts.products != s->products;
    s->products = s->dev->counts.products;
    return s->dev->product_epsilon > 0 && multiplied ? 4 * s->dev->product_epsilon / (double)FLT_EPSILON : 1;
}

static double distance_limit(const session *s) { return s->dev->product_epsilon > 0 ? ROUNDED_DISTANCE_LIMIT : DISTANCE_LIMIT; }

/* Book and tell a result. `status` is that of the device's run, whose line is still there; rate may be NULL. */
static brn_status tell(session *s, const char *group, const char *name, brn_status status, const brn_parity *p, const brn_rate *rate)
{
    brn_selftest_summary *sum = s->sum;
    const brn_selftest_verdict verdict = judge(status, p);
    const double share = status == BRN_OK ? p->share : NAN, seconds = rate ? rate->seconds : NAN;
    const brn_selftest_result r = {
        .group = group, .operation = name, .size = p->worst, .cases = p->cases, .share = share, .seconds = seconds, .on_device = rate && rate->on_device,
        .gflops = rate ? rate_of(rate->flops, seconds) : NAN, .gbytes = rate ? rate_of(rate->bytes, seconds) : NAN, .verdict = verdict,
        .note = status != BRN_OK ? brn_last_error() : verdict == BRN_SELFTEST_HOLDS ? "" : *p->fault ? p->fault : "beyond the tolerance"};
    ++sum->operations;
    sum->cases += p->cases;
    sum->failed += verdict == BRN_SELFTEST_FAILS;
    sum->unsupported += verdict == BRN_SELFTEST_UNSUPPORTED;
    if (share > sum->worst) {
        sum->worst = share;
        snprintf(sum->worst_operation, sizeof sum->worst_operation, "%s", name);
    }
    if (s->fn && !s->fn(s->user, &r)) return brn_fail(BRN_ERR_STOPPED, "selftest: stopped after %s", name);
    return BRN_OK;
}

static brn_status run_operations(session *s)
{
    for (int i = 0; i < brn_operation_count(); ++i) {
        const brn_operation *op = brn_operation_at(i);
        brn_parity p;
        brn_rate rate;
        brn_status status = brn_operation_check_all(s->dev, s->oracle, op, &p);
        p.share /= coarser(s);
        if (status == BRN_OK) status = brn_operation_time(s->dev, op, &rate);
        BRN_TRY(tell(s, op->group, op->name, status, &p, status == BRN_OK ? &rate : NULL));
    }
    return BRN_OK;
}

static brn_status run_networks(session *s)
{
    brn_parity p[BRN_PASSES];
    brn_rate rate;
    const brn_status checked = brn_networks_check(s->dev, s->oracle, p);
    const double unit = coarser(s);
    char line[1024];
    snprintf(line, sizeof line, "%s", brn_last_error());
    for (int pass = 0; pass < BRN_PASSES; ++pass) {
        p[pass].share /= unit;
        const bool timed = checked == BRN_OK && pass != BRN_PASS_HESSIAN; /* part of the pass before */
        brn_status status = timed ? brn_network_time(s->dev, (brn_pass)pass, &rate) : checked;
        if (checked != BRN_OK) status = brn_fail(checked, "%s", line);
        BRN_TRY(tell(s, "network", brn_pass_names[pass], status, &p[pass], timed && status == BRN_OK ? &rate : NULL));
    }
    return BRN_OK;
}

static brn_status run_optimizers(session *s)
{
    static const char *const names[] = {[BRN_OPT_ADAMW] = "AdamW", [BRN_OPT_MUON] = "Muon", [BRN_OPT_SOAP] = "SOAP"};
    for (int kind = BRN_OPT_ADAMW; kind <= BRN_OPT_SOAP; ++kind) {
        brn_parity p;
        brn_rate rate;
        brn_status status = brn_optimizer_check(s->dev, s->oracle, (brn_optimizer_kind)kind, &p);
        p.share /= coarser(s);
        if (status == BRN_OK) status = brn_optimizer_time(s->dev, (brn_optimizer_kind)kind, &rate);
        BRN_TRY(tell(s, "optimizer", names[kind], status, &p, status == BRN_OK ? &rate : NULL));
    }
    brn_parity p;
    const brn_status status = brn_bases_check(s->dev, &p);
    p.share /= coarser(s);
    return tell(s, "optimizer", "SOAP's bases", status, &p, NULL);
}

static brn_status tell_training(session *s, brn_status status, const brn_trajectory *t)
{
    const brn_rate rate = {.seconds = t->step_seconds};
    brn_parity p = {.cases = 1, .share = t->distance / distance_limit(s)};
    snprintf(p.worst, sizeof p.worst, "distance %.1e, allowed %.0e", t->distance, distance_limit(s));
    BRN_TRY(tell(s, "training", "50 steps", status, &p, status == BRN_OK ? &rate : NULL));
    p.share = fabs(t->l2_uvp - t->oracle_l2_uvp) / (UVP_LIMIT * t->oracle_l2_uvp);
    snprintf(p.worst, sizeof p.worst, "L2-UVP %.4f %%, oracle %.4f %%", t->l2_uvp, t->oracle_l2_uvp);
    return tell(s, "training", "held-out error", status, &p, NULL);
}

static brn_status tell_solve(session *s, brn_status status, const brn_trajectory *t)
{
    const brn_rate rate = {.seconds = t->solve_seconds};
    const bool rounds = s->dev->product_epsilon > 0;
    brn_parity p = {.cases = t->rows};
    snprintf(p.worst, sizeof p.worst, "%d converged of %d, oracle %d", t->stops[0], t->rows, t->oracle_stops[0]);
    for (int stop = 0; stop < 4 && !rounds; ++stop) /* with rounded products some rows end at the precision floor */
        if (t->stops[stop] != t->oracle_stops[stop]) p.share = INFINITY;
    BRN_TRY(tell(s, "conjugate", "outcome of the rows", status, &p, status == BRN_OK ? &rate : NULL));
    p.share = t->argmin / (ARGMIN_LIMIT * (rounds ? ROUNDED_GRADIENT : t->gtol));
    snprintf(p.worst, sizeof p.worst, "difference %.1e, gtol %.0e", t->argmin, t->gtol);
    return tell(s, "conjugate", "solutions", status, &p, NULL);
}

static void summarise(const session *s, const brn_trajectory *t)
{
    brn_selftest_summary *sum = s->sum;
    const double steps = t->steps;
    sum->trained = true;
    sum->distance = t->distance, sum->distance_limit = distance_limit(s);
    sum->l2_uvp = t->l2_uvp, sum->oracle_l2_uvp = t->oracle_l2_uvp;
    sum->step_seconds = t->step_seconds;
    sum->counted = t->counted;
    if (t->counted) {
        sum->launches_per_step = (double)t->counts.launches / steps, sum->products_per_step = (double)t->counts.products / steps;
        sum->submissions_per_step = (double)t->counts.submissions / steps, sum->waits_per_step = (double)t->counts.waits / steps;
        sum->waits_per_step_outside = (double)(t->counts.waits - t->solver_waits) / steps;
    }
    sum->solve_rows = t->rows;
    memcpy(sum->stops, t->stops, sizeof sum->stops);
    memcpy(sum->oracle_stops, t->oracle_stops, sizeof sum->oracle_stops);
    sum->argmin = t->argmin, sum->gtol = t->gtol;
}

static brn_status run_wholes(session *s)
{
    brn_trajectory t;
    const brn_status status = brn_trajectory_check(s->dev, s->oracle, &t);
    char line[1024];
    snprintf(line, sizeof line, "%s", brn_last_error());
    if (status == BRN_OK) summarise(s, &t);
    BRN_TRY(tell_training(s, status, &t));
    if (status != BRN_OK) brn_fail(status, "%s", line);
    return tell_solve(s, status, &t);
}

static brn_status run(session *s)
{
    BRN_TRY(run_operations(s));
    BRN_TRY(run_networks(s));
    BRN_TRY(run_optimizers(s));
    return run_wholes(s);
}

brn_status brn_selftest(brn_device *device, brn_selftest_fn result, void *user, brn_selftest_summary *summary)
{
    session s = {.dev = device, .fn = result, .user = user, .sum = summary};
    const double start = brn_seconds();
    *summary = (brn_selftest_summary){0};
    BRN_TRY(brn_device_open(&s.oracle, "host:f64", 1));
    const brn_status status = run(&s);
    brn_device_close(s.oracle);
    summary->seconds = brn_seconds() - start;
    summary->holds = status == BRN_OK && !summary->failed && !summary->unsupported;
    return status;
}
