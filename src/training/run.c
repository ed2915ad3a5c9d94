/* A whole training: folder, pretraining, steps, evaluations, checkpoints, stopping. */
#include "core/clock.h"
#include "training/checkpoint.h"
#include "training/folder.h"
#include "training/monitor.h"
#include "training/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    brn_trainer *trainer;
    brn_monitor *monitor;
    brn_folder folder;
    brn_run_state state;
    brn_progress_fn progress;
    void *user;
    brn_progress report;
    double started, shown, shown_step, looked, looked_step; /* shown: last report; looked: last evaluation */
    int64_t first; /* the step that this call began with */
    bool stop; /* asked for before the first step */
} run;

enum { REPORTS_PER_SECOND = 4 };

/* Shares and means of the last batch's solves. */
static brn_status read_solver(run *r)
{
    brn_trainer *t = r->trainer;
    r->report.evaluations_per_row = r->report.iterations_per_row = r->report.failed_rows = 0;
    if (!t->solver || !t->step) return BRN_OK;
    double *const sums[] = {&r->report.evaluations_per_row, &r->report.iterations_per_row, &r->report.failed_rows};
    const int fields[] = {BRN_INFO_EVALUATIONS, BRN_INFO_ITERATIONS, BRN_INFO_STOP};
    for (int k = 0; k < 3; ++k) {
        BRN_TRY(brn_solver_read_info(t->solver, brn_device_queue(t->dev, 0), fields[k], t->host_rows, t->batch));
        for (int i = 0; i < t->batch; ++i) *sums[k] += fields[k] == BRN_INFO_STOP ? t->host_rows[i] != 0 : t->host_rows[i];
        *sums[k] /= t->batch;
    }
    return BRN_OK;
}

/* What a step asked of the driver, mean of the steps so far. */
static void count_work(run *r)
{
    const brn_trainer *t = r->trainer;
    const double steps = brn_device_queues(t->dev) == 1 ? (double)(t->step - r->first) : (double)NAN; /* the first report: 0 / 0 */
    uint64_t waits = 0;
    for (int p = 0; p < BRN_PHASES; ++p) waits += t->waits[p];
    r->report.submissions_per_step = (double)t->submissions / steps;
    r->report.waits_per_step = (double)waits / steps;
    r->report.waits_outside = (double)(waits - t->waits[BRN_PHASE_CONJUGATE]) / steps;
}

/* Tell the caller; *stop when he has had enough. */
static brn_status tell(run *r, bool evaluated, bool *stop)
{
    const double t = brn_seconds(), from = evaluated ? r->looked : r->shown, from_step = evaluated ? r->looked_step : r->shown_step;
    r->report.step = r->trainer->step;
    r->report.seconds = t - r->started;
    r->report.loss = r->trainer->loss;
    r->report.evaluated = evaluated;
    count_work(r);
    BRN_TRY(read_solver(r));
    /* An evaluation is spread over the steps before it. */
    if (t > from && (double)r->report.step > from_step) r->report.rate = ((double)r->report.step - from_step) / (t - from);
    r->shown = t;
    r->shown_step = (double)r->report.step;
    if (evaluated) r->looked = r->shown, r->looked_step = r->shown_step;
    if (r->progress && !r->progress(r->user, &r->report)) *stop = true;
    return BRN_OK;
}

static bool pretrain_progress(void *user, int64_t step, int64_t steps, double loss)
{
    run *r = user;
    if (!r->progress || brn_seconds() - r->shown < 1.0 / REPORTS_PER_SECOND) return true;
    r->shown = brn_seconds();
    brn_progress p = {.step = step, .steps = steps, .seconds = r->shown - r->started, .loss = loss, .dual = NAN, .best = NAN,
                      .l2_uvp = NAN, .pretraining = true};
    return r->progress(r->user, &p);
}

static brn_status save(const run *r, const char *path)
{
    return r->folder.used ? brn_checkpoint_write(r->trainer, &r->state, path) : BRN_OK;
}

/* Losses can stay finite, or fall for ever, while f and the conjugates that training believes in part. The conjugates of the
 * fixed batch are solved, not predicted, and so tell: a dual objective that has risen above that of no map at all by more than
 * the measures are wide. Only for duals that are this objective. */
static brn_status check_dual(const run *r, const brn_sight *sight)
{
    const long long step = r->trainer->step;
    double identity, spread;
    brn_monitor_identity(r->monitor, &identity, &spread);
    if (!isfinite(sight->dual))
        return brn_fail(BRN_ERR_DIVERGED, "step %lld: the dual objective is not finite: %.3g %% of the fixed batch's conjugates are not", step,
                        100 * sight->failed);
    const bool rising = sight->dual > r->state.best + spread; /* not before there is a best one */
    if (!r->trainer->set->train.guard || r->trainer->set->train.dual > BRN_DUAL_BATCH || !rising || sight->dual <= identity + spread) return BRN_OK;
    return brn_fail(BRN_ERR_DIVERGED,
                    "step %lld: the dual objective of the fixed batch rose from %.4g to %.4g, and without any map it is %.4g: f no longer fits its "
                    "conjugates; take train.loss=regression or objective_finetune, potential.kind=icnn, or a lower train.potential.lr",
                    step, r->state.best, sight->dual, identity);
}

static brn_status keep_lowest(run *r, double dual)
{
    r->state.best = dual;
    return brn_monitor_keep(r->monitor);
}

/* The lowest dual of a batch is in part that batch's luck, the more the closer f is: of states that the batch cannot tell
 * apart the latest, with the lowest rate and the longest average, is the best one. */
static brn_status evaluate(run *r, bool *stop)
{
    brn_sight sight;
    BRN_TRY(brn_monitor_look(r->monitor, &sight));
    BRN_TRY(check_dual(r, &sight));
    const bool lower = !(sight.dual >= r->state.best); /* also where there is none yet */
    bool level = lower;
    if (lower) BRN_TRY(keep_lowest(r, sight.dual));
    else BRN_TRY(brn_monitor_level(r->monitor, &level));
    r->state.since_best = lower ? 0 : r->state.since_best + 1;
    r->report.dual = sight.dual;
    r->report.l2_uvp = sight.l2_uvp;
    r->report.best = r->state.best;
    BRN_TRY(tell(r, true, stop));
    BRN_TRY(save(r, r->folder.latest));
    if (level) BRN_TRY(save(r, r->folder.best));
    return brn_folder_log(&r->folder, &r->report, r->trainer->evaluations);
}

static brn_status start(run *r)
{
    brn_trainer *t = r->trainer;
    r->started = r->shown = brn_seconds();
    r->state = (brn_run_state){.best = NAN, .duals = brn_monitor_kept(r->monitor)};
    r->report = (brn_progress){.steps = t->set->train.steps, .dual = NAN, .best = NAN, .l2_uvp = NAN};
    if (r->folder.checkpoint) {
        BRN_TRY(brn_checkpoint_read(t, &r->state, r->folder.latest));
        r->report.best = r->state.best;
    } else {
        BRN_TRY(brn_trainer_begin(t));
        if (brn_pretrains(t->set)) BRN_TRY(brn_pretrain(t, pretrain_progress, r));
        BRN_TRY(save(r, r->folder.latest)); /* something finite to fall back on, and no pretraining twice */
    }
    r->looked = brn_seconds();
    r->shown_step = r->looked_step = (double)t->step;
    r->first = t->step;
    BRN_TRY(brn_folder_rewind(&r->folder, t->step));
    r->started -= r->folder.seconds; /* the run's time, not this call's */
    return BRN_OK;
}

/* So many evaluations without a better dual that the run counts as finished, now and when it is called again. */
static bool out_of_patience(const run *r)
{
    const int64_t patience = r->trainer->set->train.patience;
    return patience && r->state.since_best >= patience;
}

static brn_status loop(run *r)
{
    brn_trainer *t = r->trainer;
    const int64_t steps = t->set->train.steps, every = t->set->train.eval_every;
    bool stop = r->stop;
    while (t->step < steps && !stop && !out_of_patience(r)) {
        BRN_TRY(brn_trainer_step(t));
        const bool due = t->step % every == 0 || t->step == steps;
        if (due) BRN_TRY(evaluate(r, &stop));
        else if (r->progress && brn_seconds() - r->shown >= 1.0 / REPORTS_PER_SECOND) BRN_TRY(tell(r, false, &stop));
        if (stop && !due) BRN_TRY(save(r, r->folder.latest));
    }
    if (!stop || t->step == steps || out_of_patience(r)) return BRN_OK;
    return brn_fail(BRN_ERR_STOPPED, "stopped at step %lld of %lld%s%s", (long long)t->step, (long long)steps,
                    r->folder.used ? "; saved, continue with the same command: " : "", r->folder.used ? r->folder.latest : "");
}

/* What result.json says about this call. */
static brn_status keep_result(run *r, brn_status status, int64_t steps)
{
    const brn_outcome states[] = {[BRN_OK] = BRN_RUN_FINISHED, [BRN_ERR_DIVERGED] = BRN_RUN_DIVERGED, [BRN_ERR_STOPPED] = BRN_RUN_STOPPED};
    brn_result result = {.state = BRN_RUN_FAILED, .steps = steps};
    if (status == BRN_OK || status == BRN_ERR_DIVERGED || status == BRN_ERR_STOPPED) result.state = states[status];
    if (r->trainer) result.step = r->trainer->step, result.evaluations = r->trainer->evaluations;
    if (r->started) result.seconds = brn_seconds() - r->started; /* 0: it did not come so far */
    if (status == BRN_OK) return brn_folder_finish(&r->folder, &result);
    snprintf(result.reason, sizeof result.reason, "%s", status == BRN_ERR_STOPPED ? "" : brn_last_error());
    char line[1024];
    snprintf(line, sizeof line, "%s", brn_last_error());
    brn_folder_finish(&r->folder, &result); /* the first failure is the one to tell */
    return brn_fail(status, "%s", line);
}

static brn_status train(run *r, brn_model *model, const brn_pair *pair)
{
    BRN_TRY(brn_trainer_create(&r->trainer, model, pair));
    BRN_TRY(brn_monitor_create(&r->monitor, r->trainer));
    BRN_TRY(start(r));
    const brn_status status = loop(r);
    if (status == BRN_ERR_DIVERGED && r->folder.used) return brn_fail(status, "%s; kept: %s", brn_last_error(), r->folder.latest);
    return status;
}

/* The first report. */
static void tell_plan(run *r, const brn_settings *settings, const brn_memory_plan *plan)
{
    const brn_progress p = {.steps = settings->train.steps, .loss = NAN, .dual = NAN, .best = NAN, .l2_uvp = NAN, .plan = plan};
    r->stop = r->progress && !r->progress(r->user, &p);
}

static brn_status train_on(brn_device *device, brn_settings *settings, brn_pair *pair, bool resume, brn_progress_fn progress, void *user,
                           brn_model **out)
{
    brn_model *model = NULL;
    brn_memory_plan plan;
    run r = {.progress = progress, .user = user};
    brn_status status;
    BRN_GO(brn_settings_resolve(settings, brn_pair_dim(pair)));
    BRN_GO(brn_pair_check_batch(pair, settings));
    BRN_GO(brn_plan_fit(&plan, device, settings, pair));
    BRN_GO(brn_folder_open(&r.folder, settings, resume));
    tell_plan(&r, settings, &plan);
    status = brn_model_create(&model, device, settings, pair);
    if (status == BRN_OK) status = train(&r, model, pair);
    status = keep_result(&r, status, settings->train.steps);
    brn_monitor_free(r.monitor);
    brn_trainer_free(r.trainer);
done:
    brn_folder_close(&r.folder);
    if (out && (status == BRN_OK || status == BRN_ERR_STOPPED)) *out = model;
    else brn_model_free(model);
    return status;
}

brn_status brn_train(brn_device *device, const brn_settings *settings, bool resume, brn_progress_fn progress, void *user, brn_model **model)
{
    if (model) *model = NULL;
    brn_pair *pair;
    brn_settings own = *settings;
    BRN_TRY(brn_pair_open(&pair, device, &own));
    const brn_status status = train_on(device, &own, pair, resume, progress, user, model);
    brn_pair_close(pair);
    return status;
}
