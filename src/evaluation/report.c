/* An evaluation as JSON and as a table. */
#include <brenier/evaluate.h>

#include "core/error.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- JSON: cJSON writes what is not finite as null --------------------------------------------- */

static void add_scores(cJSON *to, const brn_map_scores *s)
{
    cJSON_AddNumberToObject(to, "l2_uvp_forward", s->l2_uvp_forward);
    cJSON_AddNumberToObject(to, "l2_uvp_inverse", s->l2_uvp_inverse);
    cJSON_AddNumberToObject(to, "cosine_forward", s->cosine_forward);
    cJSON_AddNumberToObject(to, "cosine_inverse", s->cosine_inverse);
}

static void add_likelihood(cJSON *to, int n, const brn_likelihood *l)
{
    cJSON_AddNumberToObject(to, "log_likelihood", l->target);
    cJSON_AddNumberToObject(to, "log_likelihood_true", l->target_true);
    cJSON_AddNumberToObject(to, "log_likelihood_inverse", l->source);
    cJSON_AddNumberToObject(to, "log_likelihood_inverse_true", l->source_true);
    cJSON_AddNumberToObject(to, "log_likelihood_error", l->error);
    cJSON_AddNumberToObject(to, "log_likelihood_points", (double)l->points);
    cJSON_AddNumberToObject(to, "log_likelihood_indefinite", (double)l->indefinite);
    cJSON *log_det = cJSON_AddObjectToObject(to, "log_det");
    cJSON_AddBoolToObject(log_det, "exact", n <= l->log_det.exact_up_to);
    cJSON_AddNumberToObject(log_det, "probes", l->log_det.probes);
    cJSON_AddNumberToObject(log_det, "steps", l->log_det.steps);
    cJSON_AddNumberToObject(log_det, "seed", (double)l->log_det.seed);
    cJSON_AddNumberToObject(log_det, "row_error", l->row_error);
}

static void add_rows(cJSON *to, const brn_evaluation *e)
{
    cJSON *inverse = cJSON_AddObjectToObject(to, "inverse");
    cJSON_AddNumberToObject(inverse, "total", (double)e->inverse.total);
    cJSON_AddNumberToObject(inverse, "predicted", (double)e->inverse.predicted);
    cJSON_AddNumberToObject(inverse, "not_converged", (double)e->inverse.not_converged);
    cJSON_AddNumberToObject(inverse, "precision_floor", (double)e->inverse.precision_floor);
    cJSON_AddNumberToObject(inverse, "nonfinite", (double)e->inverse.nonfinite);
}

brn_status brn_evaluation_json(const brn_evaluation *e, char **json)
{
    cJSON *to = cJSON_CreateObject();
    cJSON_AddNumberToObject(to, "n", e->n);
    cJSON_AddNumberToObject(to, "points", (double)e->points);
    add_scores(to, &e->learned);
    cJSON *baselines = cJSON_AddObjectToObject(to, "baselines");
    add_scores(cJSON_AddObjectToObject(baselines, "identity"), &e->identity);
    add_scores(cJSON_AddObjectToObject(baselines, "constant"), &e->constant);
    add_scores(cJSON_AddObjectToObject(baselines, "linear"), &e->linear);
    cJSON_AddNumberToObject(to, "dual_objective", e->dual_objective);
    cJSON_AddNumberToObject(to, "w2", e->w2);
    cJSON_AddNumberToObject(to, "sinkhorn_points", (double)e->sinkhorn_points);
    cJSON_AddNumberToObject(to, "sinkhorn_forward", e->sinkhorn_forward);
    cJSON_AddNumberToObject(to, "sinkhorn_inverse", e->sinkhorn_inverse);
    cJSON_AddNumberToObject(to, "sinkhorn_reference", e->sinkhorn_reference);
    cJSON_AddNumberToObject(to, "sinkhorn_reference_inverse", e->sinkhorn_reference_inverse);
    add_likelihood(to, e->n, &e->likelihood);
    add_rows(to, e);
    *json = to ? cJSON_Print(to) : NULL;
    cJSON_Delete(to);
    return *json ? BRN_OK : brn_fail(BRN_ERR_MEMORY, "evaluation as JSON: out of memory");
}

/* ---- table ------------------------------------------------------------------------------------- */

static void print_number(FILE *out, double value, const char *format)
{
    if (isfinite(value)) fprintf(out, format, value);
    else fprintf(out, "%10s", "-");
}

static void print_scores(FILE *out, const char *name, const brn_map_scores *s)
{
    fprintf(out, "%-10s", name);
    print_number(out, s->l2_uvp_forward, "%10.4f");
    print_number(out, s->cosine_forward, "%10.4f");
    fprintf(out, "  ");
    print_number(out, s->l2_uvp_inverse, "%10.4f");
    print_number(out, s->cosine_inverse, "%10.4f");
    fprintf(out, "\n");
}

static void print_likelihood(FILE *out, int n, const brn_likelihood *l)
{
    const struct { const char *side; double learned, truth; } line[] = {{"target", l->target, l->target_true}, {"source", l->source, l->source_true}};
    for (int k = 0; k < 2; ++k) {
        if (!isfinite(line[k].learned)) continue;
        fprintf(out, "log-likelihood       %.4f of the %s's samples", line[k].learned, line[k].side);
        if (isfinite(line[k].truth)) fprintf(out, ", %.4f by the true density", line[k].truth);
        fprintf(out, "   (%zu points)\n", l->points);
    }
    if (l->points && n <= l->log_det.exact_up_to) fprintf(out, "log det              exact, from whole Hessians\n");
    else if (l->points)
        fprintf(out, "log det              estimated by %d probes of %d Lanczos steps, seed %" PRIu64 ": standard error %.2g of a row, %.2g of the mean\n",
                l->log_det.probes, l->log_det.steps < n ? l->log_det.steps : n, l->log_det.seed, l->row_error, l->error);
    if (l->indefinite) fprintf(out, "%20s %zu rows left out, where the potential is not convex\n", "", l->indefinite);
}

static void print_all(FILE *out, const brn_evaluation *e)
{
    const size_t bad = e->inverse.not_converged + e->inverse.precision_floor + e->inverse.nonfinite;
    if (isfinite(e->identity.l2_uvp_forward)) {
        fprintf(out, "%-10s%20s  %20s\n", "", "forward", "inverse");
        fprintf(out, "%-10s%10s%10s  %10s%10s\n", "", "L2-UVP %", "cosine", "L2-UVP %", "cosine");
        print_scores(out, "learned", &e->learned);
        print_scores(out, "linear", &e->linear);
        print_scores(out, "constant", &e->constant);
        print_scores(out, "identity", &e->identity);
        fprintf(out, "\n");
    }
    fprintf(out, "dual objective       %.6g   (W2^2 for the cost |x - y|^2 / 2: %.6g)\n", e->dual_objective, e->w2);
    fprintf(out, "Sinkhorn divergence  forward %.4g, two samples of the target %.4g; inverse %.4g, of the source %.4g   (%zu points)\n",
            e->sinkhorn_forward, e->sinkhorn_reference, e->sinkhorn_inverse, e->sinkhorn_reference_inverse, e->sinkhorn_points);
    print_likelihood(out, e->n, &e->likelihood);
    if (e->inverse.predicted) fprintf(out, "inverse rows         %zu predicted by the amortizer, not solved\n", e->inverse.predicted);
    else
        fprintf(out, "inverse rows         %zu of %zu converged; %zu at the precision floor, %zu out of iterations, %zu not finite\n",
                e->inverse.total - bad, e->inverse.total, e->inverse.precision_floor, e->inverse.not_converged, e->inverse.nonfinite);
}

brn_status brn_evaluation_text(const brn_evaluation *e, char **text)
{
    size_t size;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    if (!out) return brn_fail(BRN_ERR_MEMORY, "evaluation as a table: out of memory");
    print_all(out, e);
    const bool complete = !ferror(out);
    if (fclose(out) == 0 && complete) return BRN_OK;
    free(*text);
    *text = NULL;
    return brn_fail(BRN_ERR_MEMORY, "evaluation as a table: out of memory");
}
