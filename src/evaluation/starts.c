#include "evaluation/starts.h"
#include "core/memory.h"
#include "evaluation/baseline.h"
#include "model/seek.h"

#include <stdlib.h>

static brn_side f_side(const brn_study *s) { return brn_potential_side(&s->at.model->settings); }

/* ---- what every study has ------------------------------------------------------------------------ */

static brn_status predict_tile(void *context, brn_queue *q, int t)
{
    brn_study_place *p = context;
    return brn_amortizer_forward(q, &p->model->h, &p->h_work[brn_queue_index(q)], brn_batch_rows(&p->y, t), brn_batch_tile(&p->y, t),
                                 brn_batch_tile(&p->start[BRN_STUDY_AMORTIZER], t));
}

brn_status brn_study_place_starts(brn_study_place *p)
{
    brn_batch *const predicted = &p->start[BRN_STUDY_AMORTIZER], *const same = &p->start[BRN_STUDY_IDENTITY];
    BRN_TRY(brn_batch_beside(predicted, &p->y, p->y.feats, "starts"));
    BRN_TRY(brn_batch_beside(same, &p->y, p->y.feats, "starts"));
    BRN_TRY(brn_copy(brn_device_queue(p->y.dev, 0), (brn_view){same->buf, 0}, (brn_view){p->y.buf, 0}, brn_buf_count(same->buf)));
    return brn_parallel(p->model->dev, p->y.tiles, predict_tile, p);
}

/* The rows in s->x, in the model's coordinates, for both devices. */
static brn_status give(brn_study *s, brn_study_start start)
{
    brn_study_place *const places[] = {&s->at, &s->exact};
    for (int k = 0; k < 2; ++k) {
        brn_batch *b = &places[k]->start[start];
        if (!b->rows) BRN_TRY(brn_batch_beside(b, &places[k]->x, s->n, "starts"));
        BRN_TRY(brn_batch_write(b, s->x));
    }
    return BRN_OK;
}

/* ---- from a pair: the linear map, and samples ------------------------------------------------------ */

static brn_status start_linear(brn_study *s, brn_pair *pair, uint64_t seed, uint64_t first)
{
    brn_gaussians g;
    BRN_TRY(brn_gaussians_fit(&g, pair, seed, first));
    brn_status status = BRN_OK;
    if (g.matrix[BRN_SOURCE]) { /* not in very many dimensions */
        BRN_GO(brn_baseline_map(&g, BRN_MAP_LINEAR, 1 - f_side(s), (size_t)s->rows, s->y, s->x));
        brn_model_standardized_rows(s->at.model, f_side(s), (size_t)s->rows, s->x, s->x);
        BRN_GO(give(s, BRN_STUDY_LINEAR));
    }
done:
    brn_gaussians_free(&g);
    return status;
}

typedef struct {
    brn_study_place *p;
    brn_batch sample, value;
} seek_job;

static brn_status sample_tile(void *context, brn_queue *q, int t)
{
    seek_job *j = context;
    return brn_pot_value(q, &j->p->f, &j->p->f_work[brn_queue_index(q)], brn_batch_rows(&j->sample, t), brn_batch_tile(&j->sample, t),
                         brn_batch_tile(&j->value, t));
}

static brn_status seek_tile(void *context, brn_queue *q, int t)
{
    seek_job *j = context;
    brn_study_place *p = j->p;
    return brn_seek_tile(q, &p->f, &p->f_work[brn_queue_index(q)], brn_batch_rows(&p->y, t), brn_batch_tile(&p->y, t), brn_batch_tile(&p->x, t),
                         brn_batch_tile(&p->value, t), &j->sample, &j->value);
}

/* Both batches are cut like the rows, so that the scratch of these fits: as many samples as rows at the most. */
static brn_status start_sought(brn_study *s, brn_pair *pair, uint64_t seed, uint64_t first)
{
    brn_study_place *p = &s->at;
    const int64_t batch = p->model->settings.train.batch;
    const int samples = batch < s->rows ? (int)batch : s->rows;
    seek_job job = {.p = p};
    brn_status status;
    BRN_GO(brn_pair_sample(pair, f_side(s), seed, first, (size_t)samples, s->x));
    brn_model_standardized_rows(p->model, f_side(s), (size_t)samples, s->x, s->x);
    BRN_GO(brn_batch_create(&job.sample, p->model->dev, s->n, samples, "samples"));
    BRN_GO(brn_batch_beside(&job.value, &job.sample, 1, "values"));
    BRN_GO(brn_batch_write(&job.sample, s->x));
    BRN_GO(brn_batch_read(&p->start[BRN_STUDY_AMORTIZER], s->x));
    BRN_GO(brn_batch_write(&p->x, s->x));
    BRN_GO(brn_parallel(p->model->dev, job.sample.tiles, sample_tile, &job));
    BRN_GO(brn_parallel(p->model->dev, p->y.tiles, seek_tile, &job));
    BRN_GO(brn_batch_read(&p->x, s->x));
    status = give(s, BRN_STUDY_SOUGHT);
done:
    brn_batch_free(&job.sample), brn_batch_free(&job.value);
    return status;
}

brn_status brn_study_add_pair(brn_study *s, brn_pair *pair, uint64_t seed, uint64_t first)
{
    if (brn_pair_dim(pair) != s->n) return brn_fail(BRN_ERR_USAGE, "a pair of dimension %d for a study in %d", brn_pair_dim(pair), s->n);
    BRN_TRY(start_sought(s, pair, seed, first));
    return start_linear(s, pair, seed, first);
}

/* ---- from another model ---------------------------------------------------------------------------- */

brn_status brn_study_add_earlier(brn_study *s, const brn_model *earlier)
{
    if (earlier->n != s->n || brn_potential_side(&earlier->settings) != f_side(s))
        return brn_fail(BRN_ERR_USAGE, "the earlier model has %s: it is no start for this one",
                        earlier->n == s->n ? "its potential on the other measure" : "another dimension");
    BRN_TRY(brn_model_argmax(earlier, NULL, s->y, (size_t)s->rows, false, s->x, NULL, NULL));
    brn_model_standardized_rows(s->at.model, f_side(s), (size_t)s->rows, s->x, s->x);
    return give(s, BRN_STUDY_EARLIER);
}

bool brn_study_has(const brn_study *s, brn_study_start start)
{
    if (start == BRN_STUDY_AMORTIZER) return s->at.model->settings.amortizer.kind != BRN_AMORTIZER_NONE;
    return start < BRN_STUDY_STARTS && s->at.start[start].rows;
}
