/* Samples, their images under the learned map, and the plane in which they are shown. */
#include "plot/scene.h"

#include "core/memory.h"
#include "core/statistics.h"
#include "measures/measure.h"

#include <math.h>
#include <stdlib.h>

static const char WHAT[] = "points of a figure";

void brn_scene_free(brn_scene *s)
{
    for (int c = 0; c < BRN_CLOUDS; ++c) {
        free(s->rows[c]);
        free(s->points[c]);
    }
    free(s->directions);
    free(s->mean);
}

static brn_status draw_and_map(brn_scene *s, brn_pair *pair)
{
    const size_t count = (size_t)s->count;
    const uint64_t seed = brn_model_settings(s->model)->eval.seed;
    for (int c = 0; c < BRN_CLOUDS; ++c) BRN_TRY(BRN_ALLOC(&s->rows[c], count * (size_t)s->n, WHAT));
    BRN_TRY(brn_pair_sample(pair, BRN_SOURCE, seed, 0, count, s->rows[BRN_CLOUD_SOURCE]));
    BRN_TRY(brn_pair_sample(pair, BRN_TARGET, seed, 0, count, s->rows[BRN_CLOUD_TARGET]));
    BRN_TRY(brn_model_map(s->model, s->rows[BRN_CLOUD_SOURCE], count, s->rows[BRN_CLOUD_PUSHED]));
    return brn_model_inverse(s->model, s->rows[BRN_CLOUD_TARGET], count, s->rows[BRN_CLOUD_PULLED], NULL);
}

/* ---- the plane ---------------------------------------------------------------------------------- */

static void project(const brn_scene *s, const float *row, double point[2])
{
    point[0] = point[1] = 0;
    if (!s->directions)
        for (int i = 0; i < s->n; ++i) point[i] = row[i];
    else
        for (int i = 0; i < s->n; ++i) {
            point[0] += (row[i] - s->mean[i]) * s->directions[i];
            point[1] += (row[i] - s->mean[i]) * s->directions[s->n + i];
        }
}

/* Range of one coordinate of two clouds without the furthest half percent, which may be far. */
static void find_range(const brn_scene *s, int one, int other, double *sorted, int axis, double *low, double *high)
{
    const size_t count = (size_t)s->count, most = 2 * count - 1, cut = 2 * count / 400;
    for (size_t i = 0; i < count; ++i) {
        sorted[i] = s->points[one][2 * i + (size_t)axis];
        sorted[count + i] = s->points[other][2 * i + (size_t)axis];
    }
    qsort(sorted, 2 * count, sizeof *sorted, brn_ascending);
    const double margin = .08 * (sorted[most - cut] - sorted[cut]);
    *low = sorted[cut] - margin;
    *high = sorted[most - cut] + margin;
}

brn_status brn_scene_box(const brn_scene *s, int one, int other, brn_box *box)
{
    double *sorted;
    BRN_TRY(BRN_ALLOC(&sorted, 2 * (size_t)s->count, WHAT));
    find_range(s, one, other, sorted, 0, &box->x0, &box->x1);
    find_range(s, one, other, sorted, 1, &box->y0, &box->y1);
    free(sorted);
    return BRN_OK;
}

static brn_status show(brn_scene *s)
{
    const size_t count = (size_t)s->count, n = (size_t)s->n;
    if (n > 2) {
        BRN_TRY(BRN_ALLOC(&s->directions, 2 * n, "principal directions"));
        BRN_TRY(BRN_ALLOC(&s->mean, n, "mean"));
        BRN_TRY(brn_principal_plane(s->rows[BRN_CLOUD_TARGET], count, s->n, s->directions, s->mean));
    }
    for (int c = 0; c < BRN_CLOUDS; ++c) {
        BRN_TRY(BRN_ALLOC(&s->points[c], 2 * count, WHAT));
        for (size_t i = 0; i < count; ++i) project(s, s->rows[c] + i * n, s->points[c] + 2 * i);
    }
    return brn_scene_box(s, BRN_CLOUD_SOURCE, BRN_CLOUD_TARGET, &s->data);
}

brn_status brn_scene_create(brn_scene *s, brn_model *model, brn_pair *pair, int count)
{
    *s = (brn_scene){.model = model, .n = brn_model_dim(model), .count = count};
    s->drawing = brn_pair_of_drawings(pair);
    s->dot = fmin(.85, fmax(.3, .85 * sqrt(2000. / count)));
    if (brn_pair_dim(pair) != s->n)
        return brn_fail(BRN_ERR_USAGE, "the model has dimension %d, %s has %d", s->n, brn_pair_name(pair), brn_pair_dim(pair));
    BRN_TRY(draw_and_map(s, pair));
    return show(s);
}
