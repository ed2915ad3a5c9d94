/* Published values, and the words by which its tables call what is compared. */
#include "sweep/results.h"
#include "training/trainer.h"

#include <math.h>
#include <string.h>

/* Forward L2-UVP in percent on the HD pairs: B. Amos, ICLR 2023, and for the first four rows A. Korotin et al.,
 * NeurIPS 2021. OVER: ">100"; NONE: not given. */
#define OVER INFINITY
#define NONE NAN
const int brn_published_n[BRN_PUBLISHED_COLUMNS] = {2, 4, 8, 16, 32, 64, 128, 256};
static const struct {
    brn_method method;
    double uvp[BRN_PUBLISHED_COLUMNS];
} rows[] = {
    {{"W2", "cycle", "none"}, {.1, .7, 2.6, 3.3, 6.0, 7.2, 2.0, 2.7}},
    {{"MMv1", "none", "Adam"}, {.2, 1.0, 1.8, 1.4, 6.9, 8.1, 2.2, 2.6}},
    {{"MMv2", "objective", "none"}, {.1, .68, 2.2, 3.1, 5.3, 10.1, 3.2, 2.7}},
    {{"MM", "objective", "none"}, {.1, .3, .9, 2.2, 4.2, 3.2, 3.1, 4.1}},
    {{"ICNN", "cycle", "none"}, {.28, .90, 2.23, 3.03, 5.32, 8.79, 5.66, 4.34}},
    {{"ICNN", "objective", "none"}, {.27, .78, 1.78, 2.00, OVER, OVER, OVER, OVER}},
    {{"ICNN", "cycle", "L-BFGS"}, {.26, .77, 1.63, 1.15, 2.02, 4.48, 1.65, 5.93}},
    {{"ICNN", "objective", "L-BFGS"}, {.26, .79, 1.63, 1.12, 1.92, 4.40, 1.64, 2.24}},
    {{"ICNN", "regression", "L-BFGS"}, {.26, .78, 1.64, 1.14, 1.93, 4.41, 1.69, 2.21}},
    {{"ICNN", "regression", "Adam"}, {.35, .81, 1.61, 1.09, 1.85, 4.42, 1.63, 1.99}},
    {{"MLP", "cycle", "none"}, {.05, .35, 1.51, OVER, OVER, OVER, OVER, OVER}},
    {{"MLP", "objective", "L-BFGS"}, {.03, .22, .60, .80, 2.09, 2.08, .67, .59}},
    {{"MLP", "regression", "L-BFGS"}, {.03, .22, .61, .77, 1.97, 2.08, .67, .65}},
    {{"MLP", "cycle", "L-BFGS"}, {OVER, OVER, OVER, OVER, OVER, OVER, OVER, OVER}},
    {{"MLP", "objective", "Adam"}, {.06, .26, NONE, .81, 1.99, 2.21, .77, .66}},
    {{"MLP", "regression", "Adam"}, {.22, .28, NONE, .80, 2.07, 2.37, .77, .75}},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Presets of prior solvers; a run that started from one of them is called so. Those without a published row here have
 * duals of their own, in which nothing is amortized and no conjugate solved. */
static const struct {
    const char *preset, *name;
    bool own_dual;
} priors[] = {{"w2", "W2", false},     {"mm", "MM", false},     {"mm-b", "MM-B", true}, {"mmv1", "MMv1", false},
              {"mmv2", "MMv2", false}, {"mm-r", "MM-R", false}, {"qc", "QC", true},     {"ls", "LS", true}};

static const char *amortization_of(brn_loss loss)
{
    switch (loss) {
    case BRN_LOSS_NONE: return "none";
    case BRN_LOSS_OBJECTIVE:
    case BRN_LOSS_OBJECTIVE_FINETUNE: return "objective";
    case BRN_LOSS_REGRESSION: return "regression";
    case BRN_LOSS_CYCLE:
    case BRN_LOSS_CYCLE_FINETUNE: return "cycle";
    default: return "other";
    }
}

brn_method brn_method_of(const brn_settings *s)
{
    brn_method m = {s->potential.kind == BRN_POTENTIAL_ICNN ? "ICNN" : s->potential.kind == BRN_POTENTIAL_MLP ? "MLP" : "Conv", amortization_of(s->train.loss),
                    !brn_loss_finetunes(s->train.loss) ? "none" : s->conjugate.solver == BRN_SOLVER_ADAM ? "Adam" : "L-BFGS"};
    for (size_t i = 0; i < sizeof priors / sizeof *priors; ++i)
        if (!strcmp(s->preset, priors[i].preset)) {
            m.potential = priors[i].name;
            if (priors[i].own_dual) m.amortization = m.solver = "none";
        }
    return m;
}

int brn_published_count(void) { return ROWS; }
brn_method brn_published_method(int row) { return rows[row].method; }

int brn_published_find(const brn_method *m)
{
    int row = 0;
    while (row < ROWS && (strcmp(rows[row].method.potential, m->potential) || strcmp(rows[row].method.amortization, m->amortization) ||
                          strcmp(rows[row].method.solver, m->solver)))
        ++row;
    return row;
}

double brn_published_value(int row, int n)
{
    for (int i = 0; row < ROWS && i < BRN_PUBLISHED_COLUMNS; ++i)
        if (brn_published_n[i] == n) return rows[row].uvp[i];
    return NAN;
}

double brn_published_uvp(const brn_settings *settings, int n)
{
    const brn_method m = brn_method_of(settings);
    return brn_published_value(brn_published_find(&m), n);
}
