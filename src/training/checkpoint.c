#include "training/checkpoint.h"

#include "config/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { OPTIMIZER_MOST = 160, EXTRAS = OPTIMIZER_MOST + 2 }; /* of both optimizers; and what list_extras adds */
static const char NO_DUAL[] = "none"; /* before the first evaluation */

static brn_status add_optimizer(const brn_optimizer *opt, const char *of, brn_extra *extra, int *count)
{
    for (int i = 0; opt && i < brn_optimizer_state_count(opt); ++i) {
        const char *name;
        if (*count == OPTIMIZER_MOST) return brn_fail(BRN_ERR_INTERNAL, "checkpoint: more than %d arrays", OPTIMIZER_MOST);
        brn_extra *e = &extra[(*count)++];
        BRN_TRY(brn_optimizer_state(opt, i, &name, &e->buf));
        snprintf(e->name, sizeof e->name, "%s.optimizer.%s", of, name);
    }
    return BRN_OK;
}

static brn_status list_extras(const brn_trainer *t, const brn_run_state *state, brn_extra *extra, int *count)
{
    *count = 0;
    BRN_TRY(add_optimizer(t->f_opt, "potential", extra, count));
    BRN_TRY(add_optimizer(t->h_opt, "amortizer", extra, count));
    extra[(*count)++] = (brn_extra){.name = "train.best_duals", .buf = state->duals};
    if (t->solver) extra[(*count)++] = (brn_extra){.name = "conjugate.scale", .buf = brn_solver_scale(t->solver).buf};
    return BRN_OK;
}

brn_status brn_checkpoint_write(const brn_trainer *t, const brn_run_state *state, const char *path)
{
    brn_extra extra[EXTRAS];
    int count;
    char step[32], best[32], since[32], evaluations[32];
    BRN_TRY(list_extras(t, state, extra, &count));
    snprintf(step, sizeof step, "%lld", (long long)t->step);
    if (isnan(state->best)) strcpy(best, NO_DUAL);
    else brn_print_double(state->best, best);
    snprintf(since, sizeof since, "%lld", (long long)state->since_best);
    snprintf(evaluations, sizeof evaluations, "%lld", (long long)t->evaluations);
    const brn_st_pair pairs[] = {{"train.step", step}, {"train.best_dual", best}, {"train.since_best", since}, {"train.evaluations", evaluations}};
    return brn_model_write(t->model, path, extra, count, pairs, sizeof pairs / sizeof *pairs);
}

static brn_status read_integer(const brn_st *file, const char *path, const char *key, int64_t most, int64_t *value)
{
    const char *text = brn_st_metadata(file, key);
    int64_t v;
    if (!text || !brn_parse_int64(text, &v) || v < 0 || v > most)
        return brn_fail(BRN_ERR_INPUT, "%s: \"%s\" is %s, expected a number from 0 to %lld: not a checkpoint to continue from", path, key,
                        text ? text : "missing", (long long)most);
    *value = v;
    return BRN_OK;
}

static brn_status read_best(const brn_st *file, const char *path, double *best)
{
    const char *text = brn_st_metadata(file, "train.best_dual");
    *best = NAN;
    if (text && (!strcmp(text, NO_DUAL) || brn_parse_double(text, best))) return BRN_OK;
    return brn_fail(BRN_ERR_INPUT, "%s: \"train.best_dual\" is %s, expected a number: not a checkpoint to continue from", path,
                    text ? text : "missing");
}

static brn_status read_file(brn_trainer *t, brn_run_state *state, const brn_st *file, const char *path)
{
    brn_extra extra[EXTRAS];
    int count;
    BRN_TRY(list_extras(t, state, extra, &count));
    BRN_TRY(read_integer(file, path, "train.step", t->set->train.steps, &t->step));
    BRN_TRY(read_integer(file, path, "train.since_best", INT32_MAX, &state->since_best));
    BRN_TRY(read_best(file, path, &state->best));
    if (brn_st_metadata(file, "train.evaluations")) /* older checkpoints were not counted */
        BRN_TRY(read_integer(file, path, "train.evaluations", INT64_MAX, &t->evaluations));
    BRN_TRY(brn_model_read(t->model, file, path, extra, count));
    t->model->steps = t->step;
    brn_optimizer_set_steps(t->f_opt, t->step);
    if (t->h_opt) brn_optimizer_set_steps(t->h_opt, t->step * t->set->train.amortizer_steps);
    return BRN_OK;
}

brn_status brn_checkpoint_read(brn_trainer *t, brn_run_state *state, const char *path)
{
    brn_st *file;
    BRN_TRY(brn_st_open(&file, path));
    const brn_status status = read_file(t, state, file, path);
    brn_st_close(file);
    return status;
}
