/* A pair of our own: two trainings, frozen into one file. */
#include "benchmark/frozen.h"
#include "core/memory.h"
#include "evaluation/baseline.h"
#include "evaluation/score.h"
#include "measures/mixtures.h"
#include "model/model.h"
#include <brenier/benchmark.h>
#include <brenier/evaluate.h>
#include <brenier/version.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STANDARD_POINTS = 1 << 16, SCORED = 4096, FACTS = 32, TEXT = 96 };

brn_status brn_benchmark_settings(brn_settings *s, int n, uint64_t seed)
{
    static const char *const recipe[] = {
        "potential.kind=quadratic", "potential.widen=1", "train.pretrain_steps=500", "train.pretrain_lr=1e-3", "train.potential.lr=1e-2", "data.sampling=iid",
        "eval.points=4096", "train.averaging=0.99"};
    if (seed > UINT32_MAX) return brn_fail(BRN_ERR_USAGE, "seed=%llu: expected a whole number below 2^32", (unsigned long long)seed);
    if (n < 1 || n > 4096) return brn_fail(BRN_ERR_USAGE, "n=%d: expected 1 to 4096", n);
    BRN_TRY(brn_settings_preset(s, "hd"));
    BRN_TRY(brn_settings_assign(s, sizeof recipe / sizeof *recipe, recipe));
    s->seed = seed;
    s->data.n = n;
    s->train.pretrain_tolerance = 3e-3 * n;
    s->train.steps = n >= 128 ? 1500 : n >= 64 ? 3000 : 8000;
    s->train.potential.kind = s->train.amortizer.kind = BRN_OPT_SOAP;
    return BRN_OK;
}

typedef struct {
    brn_device *device;
    const brn_settings *set;
    brn_benchmark_fn progress;
    void *user;
    int part;
    brn_frozen frozen;
    brn_benchmark_report report;
    char value[FACTS][TEXT], key[FACTS][32], *settings[BRN_FROZEN_PARTS];
    brn_st_pair fact[FACTS];
    size_t facts;
} work;

static bool tell(void *user, const brn_progress *p)
{
    work *w = user;
    return !w->progress || w->progress(w->user, w->part, p);
}

static brn_st_pair *note_key(work *w, const char *name, int part)
{
    char *key = w->key[w->facts];
    snprintf(key, sizeof w->key[0], part ? "%s_v%d" : "%s", name, part);
    brn_st_pair *p = &w->fact[w->facts++];
    *p = (brn_st_pair){key, w->value[w->facts - 1]};
    return p;
}

__attribute__((format(printf, 4, 5))) static void note(work *w, const char *name, int part, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->value[w->facts], TEXT, format, args);
    va_end(args);
    note_key(w, name, part);
}

/* ---- a training ---------------------------------------------------------------------------------- */

static brn_status part_settings(const work *w, int part, brn_settings *s)
{
    *s = *w->set;
    snprintf(s->data.pair, sizeof s->data.pair, BRN_MIXTURES ":%llu:%d", (unsigned long long)w->set->seed, part);
    if (!*w->set->out) return BRN_OK;
    if (strlen(w->set->out) + 4 > sizeof s->out) return brn_fail(BRN_ERR_USAGE, "%.80s...: the path is too long", w->set->out);
    snprintf(s->out, sizeof s->out, "%.*s/v%d", BRN_PATH_MAX - 4, w->set->out, part);
    return BRN_OK;
}

static brn_status judge(work *w, brn_model *model, int part)
{
    brn_pair *pair;
    brn_evaluation e;
    BRN_TRY(brn_pair_open(&pair, w->device, brn_model_settings(model)));
    const brn_status status = brn_evaluate(model, pair, brn_model_settings(model), &e);
    brn_pair_close(pair);
    if (status != BRN_OK) return status;
    w->report.part[part - 1].steps = model->steps;
    w->report.part[part - 1].dual = e.dual_objective;
    w->report.part[part - 1].w2 = e.w2;
    w->report.part[part - 1].sinkhorn = e.sinkhorn_forward;
    w->report.part[part - 1].sinkhorn_reference = e.sinkhorn_reference;
    note(w, "mixture_seed_target", part, "%u", brn_mixture_seed((uint32_t)w->set->seed, part));
    note(w, "steps", part, "%lld", (long long)model->steps);
    note(w, "dual", part, "%.6g", e.dual_objective);
    note(w, "w2", part, "%.6g", e.w2);
    note(w, "sinkhorn", part, "%.4g", e.sinkhorn_forward);
    note(w, "sinkhorn_reference", part, "%.4g", e.sinkhorn_reference);
    return BRN_OK;
}

/* Where it ran and in which folder does not change what it is. */
static brn_status keep_settings(work *w, const brn_model *model, int part)
{
    brn_settings s = *brn_model_settings(model);
    s.threads = 0;
    memset(s.out, 0, sizeof s.out);
    BRN_TRY(brn_settings_text(&s, &w->settings[part - 1]));
    note_key(w, "settings", part)->value = w->settings[part - 1];
    return BRN_OK;
}

static brn_status take_network(work *w, const brn_model *model, int part)
{
    brn_net spare = {0};
    brn_pot view;
    brn_status status = brn_model_evaluated(model, &spare, &view);
    if (status == BRN_OK) status = brn_frozen_take(&w->frozen, part - 1, &view.part[0]);
    brn_net_free(&spare);
    return status == BRN_OK ? brn_frozen_check(&w->frozen, part - 1, "trained network") : status;
}

static brn_status train_part(work *w, int part)
{
    brn_settings s;
    brn_model *model = NULL;
    w->part = part;
    BRN_TRY(part_settings(w, part, &s));
    brn_status status = brn_train(w->device, &s, false, tell, w, &model);
    if (status == BRN_OK) status = take_network(w, model, part);
    if (status == BRN_OK) status = judge(w, model, part);
    if (status == BRN_OK) status = keep_settings(w, model, part);
    brn_model_free(model);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------------- */

/* How hard the pair is for maps that learn nothing. */
static brn_status measure(work *w, const char *path)
{
    const size_t n = (size_t)w->frozen.n, count = SCORED * n;
    brn_settings s = {.data.standardize = BRN_STANDARDIZE_AUTO};
    brn_pair *pair;
    brn_gaussians g = {0};
    float *x = NULL;
    brn_status status;
    snprintf(s.data.pair, sizeof s.data.pair, "%s", path);
    BRN_TRY(brn_pair_open(&pair, w->device, &s));
    BRN_GO(BRN_ALLOC(&x, 3 * count, "evaluation points"));
    float *y = x + count, *image = y + count;
    BRN_GO(brn_pair_sample(pair, BRN_SOURCE, 1, 0, SCORED, x));
    BRN_GO(brn_pair_map(pair, x, SCORED, y));
    BRN_GO(brn_gaussians_fit(&g, pair, 1, SCORED));
    w->report.identity_forward = brn_l2_uvp(SCORED, (int)n, x, y);
    w->report.linear_forward = w->report.linear_inverse = NAN;
    if (!g.matrix[BRN_SOURCE]) goto done;
    BRN_GO(brn_baseline_map(&g, BRN_MAP_LINEAR, BRN_SOURCE, SCORED, x, image));
    w->report.linear_forward = brn_l2_uvp(SCORED, (int)n, image, y);
    BRN_GO(brn_baseline_map(&g, BRN_MAP_LINEAR, BRN_TARGET, SCORED, y, image));
    w->report.linear_inverse = brn_l2_uvp(SCORED, (int)n, image, x);
done:
    brn_gaussians_free(&g);
    free(x);
    brn_pair_close(pair);
    return status;
}

static brn_status check_settings(const brn_settings *s)
{
    brn_settings resolved = *s;
    if (s->potential.kind != BRN_POTENTIAL_QUADRATIC)
        return brn_fail(BRN_ERR_USAGE, "potential.kind: a benchmark pair is made of quadratic networks");
    BRN_TRY(brn_settings_resolve(&resolved, s->data.n));
    const int b = s->data.n > 32 ? s->data.n : 32, *h = resolved.potential.hidden.width;
    if (h[0] != 2 * b || h[1] != 2 * b || h[2] != b)
        return brn_fail(BRN_ERR_USAGE, "potential.hidden: the networks of a pair of dimension %d are %d,%d,%d wide", s->data.n, 2 * b, 2 * b, b);
    return BRN_OK;
}

static brn_status make(work *w, const char *path)
{
    note(w, "pair", 0, "Mix3toMix10, made by brenier");
    note(w, "origin", 0, BRN_ORIGIN_MADE);
    note(w, "source", 0, "brenier benchmark make n=%d seed=%llu", w->set->data.n, (unsigned long long)w->set->seed);
    note(w, "source_version", 0, "%s", brn_version());
    note(w, "seed", 0, "%llu", (unsigned long long)w->set->seed);
    note(w, "device", 0, "%s", brn_device_name(w->device));
    for (int part = 1; part <= BRN_FROZEN_PARTS; ++part) BRN_TRY(train_part(w, part));
    BRN_TRY(brn_frozen_standardise(&w->frozen, w->set->threads, STANDARD_POINTS));
    BRN_TRY(brn_frozen_write(&w->frozen, w->set->threads, path, w->fact, w->facts));
    return measure(w, path);
}

brn_status brn_benchmark_make(brn_device *device, const brn_settings *settings, const char *path, brn_benchmark_fn progress, void *user,
                              brn_benchmark_report *report)
{
    char *beside;
    work *w;
    brn_status status;
    BRN_TRY(brn_eval_path(path, &beside));
    free(beside);
    BRN_TRY(check_settings(settings));
    BRN_TRY(BRN_ALLOC(&w, 1, "benchmark pair"));
    *w = (work){.device = device, .set = settings, .progress = progress, .user = user, .report.n = settings->data.n};
    BRN_GO(brn_frozen_create(&w->frozen, settings->data.n, (uint32_t)settings->seed));
    BRN_GO(make(w, path));
    if (report) *report = w->report;
done:
    brn_frozen_free(&w->frozen);
    for (int v = 0; v < BRN_FROZEN_PARTS; ++v) free(w->settings[v]);
    free(w);
    return status;
}
