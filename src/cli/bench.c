/* brenier bench conjugate: conjugate solvers on a trained potential. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All solvers are compared from two starts, the other starts with the first solver. */
enum { ROWS = 1024, LIST = 8, SOLVERS = 3, LINES = 2 * SOLVERS + BRN_STUDY_STARTS - 2, CASES = LINES * LIST };
static const char *const settings_taken[] = {"device", "threads", "data.", "conjugate.", NULL};

static const struct {
    const char *name, *meaning;
    brn_conjugate_solver solver;
    brn_line_search search;
} solvers[SOLVERS] = {
    {"armijo", "L-BFGS, Armijo", BRN_SOLVER_LBFGS, BRN_SEARCH_ARMIJO},
    {"wolfe", "L-BFGS, strong Wolfe", BRN_SOLVER_LBFGS, BRN_SEARCH_WOLFE},
    {"adam", "Adam", BRN_SOLVER_ADAM, BRN_SEARCH_ARMIJO},
};
static const struct {
    const char *name, *shown;
} starts[] = {
    [BRN_STUDY_AMORTIZER] = {"amortizer", "H(y)"}, [BRN_STUDY_IDENTITY] = {"identity", "y"},      [BRN_STUDY_SOUGHT] = {"sought", "sought"},
    [BRN_STUDY_LINEAR] = {"linear", "linear"},     [BRN_STUDY_EARLIER] = {"earlier", "earlier"},
};

typedef struct job {
    cli_session session, exact;
    brn_study *study;
    float *y;
    int rows, repeat, gtols;
    double gtol[LIST];
    int cases;
    struct {
        int solver;
        brn_study_case set;
        brn_study_result result;
    } run[CASES];
} job;

/* ---- preparation ------------------------------------------------------------------------------- */

/* "0.1,1e-3" */
static brn_status read_gtols(const cli_args *args, job *j)
{
    const char *text = cli_option_value(args, "--gtol"), *at = text ? text : "0.1,1e-2,1e-3";
    for (j->gtols = 0; j->gtols < LIST; ++at) {
        char *end;
        errno = 0;
        const double value = strtod(at, &end);
        if (end == at || errno || !(value > 0 && value <= 1e6)) break;
        j->gtol[j->gtols++] = value;
        at = end;
        if (!*at) return BRN_OK;
        if (*at != ',') break;
    }
    return cli_fail(BRN_ERR_USAGE, "bench: --gtol takes up to %d positive numbers as in 0.1,1e-3, found \"%.80s\"", LIST, text);
}

/* The solver as in an evaluation of the model, then what the command line says. */
static brn_status choose_solver(const cli_args *args, cli_session *s)
{
    const brn_settings *trained = brn_model_settings(s->model);
    s->settings.conjugate = trained->conjugate;
    s->settings.conjugate.max_evaluations = trained->eval.max_evaluations;
    s->settings.conjugate.min_iterations = 0;
    const brn_status status = brn_settings_assign(&s->settings, args->assignment_count, args->assignments);
    return status == BRN_OK ? brn_settings_resolve(&s->settings, brn_model_dim(s->model)) : status;
}

static void list_cases(job *j)
{
    for (int start = 0; start < BRN_STUDY_STARTS; ++start)
        for (int k = 0; k < (start <= BRN_STUDY_IDENTITY ? SOLVERS : 1) && brn_study_has(j->study, (brn_study_start)start); ++k)
            for (int g = 0; g < j->gtols; ++g) {
                brn_study_case *c = &j->run[j->cases].set;
                j->run[j->cases++].solver = k;
                *c = (brn_study_case){j->session.settings.conjugate, (brn_study_start)start};
                c->settings.solver = solvers[k].solver;
                c->settings.line_search = solvers[k].search;
                c->settings.gtol = j->gtol[g];
            }
}

/* The starts beside H(y) and y. */
static brn_status add_starts(const cli_args *args, job *j)
{
    const char *path = cli_option_value(args, "--earlier");
    brn_model *earlier;
    brn_status status = brn_study_add_pair(j->study, j->session.pair, j->session.settings.eval.seed, (uint64_t)j->rows);
    if (status != BRN_OK || !path) return status;
    status = brn_model_load(&earlier, j->session.device, path);
    if (status != BRN_OK) return status;
    status = brn_study_add_earlier(j->study, earlier);
    brn_model_free(earlier);
    return status;
}

static brn_status open_models(const cli_args *args, job *j)
{
    uint64_t rows, repeat;
    brn_settings exact;
    brn_status status = cli_option_number(args, "--rows", 1, 1 << 20, ROWS, &rows);
    if (status == BRN_OK) status = cli_option_number(args, "--repeat", 1, 1000, 3, &repeat);
    if (status == BRN_OK) status = read_gtols(args, j);
    if (status == BRN_OK) status = cli_session_open(&j->session, args, args->positional[1]);
    if (status == BRN_OK) status = choose_solver(args, &j->session);
    if (status == BRN_OK) status = cli_session_open_pair(&j->session);
    if (status != BRN_OK) return status;
    j->rows = (int)rows, j->repeat = (int)repeat;
    exact = j->session.settings;
    snprintf(exact.device, sizeof exact.device, "host:f64");
    status = cli_open_device(&j->exact.device, &exact, true);
    return status == BRN_OK ? brn_model_load(&j->exact.model, j->exact.device, args->positional[1]) : status;
}

static brn_status prepare(const cli_args *args, job *j)
{
    brn_status status = open_models(args, j);
    if (status != BRN_OK) return status;
    const size_t n = (size_t)brn_model_dim(j->session.model);
    j->y = malloc((size_t)j->rows * n * sizeof *j->y);
    if (!j->y) return cli_fail(BRN_ERR_MEMORY, "out of memory for %d rows of dimension %zu", j->rows, n);
    const bool exchanged = brn_model_settings(j->session.model)->train.roles == BRN_ROLES_EXCHANGED;
    status = brn_pair_sample(j->session.pair, exchanged ? BRN_SOURCE : BRN_TARGET, j->session.settings.eval.seed, 0, (size_t)j->rows, j->y);
    if (status == BRN_OK) status = brn_study_create(&j->study, j->session.model, j->exact.model, j->y, (size_t)j->rows);
    if (status == BRN_OK) status = add_starts(args, j);
    if (status == BRN_OK) list_cases(j);
    return status;
}

/* ---- results ----------------------------------------------------------------------------------- */

static double share(size_t part, size_t all) { return 100 * (double)part / (double)all; }

static void print_table(const job *j)
{
    const brn_study_result *ref = brn_study_reference(j->study);
    printf("%-21s %-8s %7s %7s %5s %7s %5s %9s %9s %9s %9s %9s %8s %8s %8s\n", "solver", "start", "gtol", "iter", "p99", "evals", "p99", "ms",
           "|grad| p99", "gap p99", "|dx| p99", "|dx| max", "floor %", "astray %", "failed %");
    for (int i = 0; i < j->cases; ++i) {
        const brn_study_result *r = &j->run[i].result;
        printf("%-21s %-8s %7g %7.2f %5.0f %7.2f %5.0f %9.2f %9.1e %9.1e %9.1e %9.1e %8.2f %8.2f %8.2f\n", solvers[j->run[i].solver].meaning,
               starts[j->run[i].set.start].shown, j->run[i].set.settings.gtol, r->iterations.mean, r->iterations.p99, r->evaluations.mean,
               r->evaluations.p99, 1e3 * r->seconds, r->gradient.p99, r->gap.p99, r->distance.p99, r->distance.most,
               share(r->precision_floor, r->rows), share(r->astray, r->rows), 100 * r->failed);
    }
    printf("\n%d rows of the target; iterations and evaluations are means and 99 %% quantiles of rows, ms is for all rows. gap and |dx| are to a\n"
           "reference in double precision (%.2f iterations a row, |grad| at most %.1e, %zu rows not solved). floor: stopped at the precision\n"
           "of the numbers; astray: at another optimum than the reference, as only a potential that is not convex has them; failed: out of\n"
           "iterations, or not finite.\n",
           j->rows, ref->iterations.mean, ref->gradient.most, ref->iteration_limit + ref->nonfinite);
}

static void print_csv(const job *j)
{
    puts("solver,start,gtol,rows,converged,precision_floor,iteration_limit,nonfinite,astray,seconds,iterations_mean,iterations_median,iterations_p99,"
         "iterations_max,evaluations_mean,evaluations_median,evaluations_p99,evaluations_max,gradient_median,gradient_p99,gradient_max,gap_median,"
         "gap_p99,gap_max,distance_median,distance_p99,distance_max");
    for (int i = 0; i < j->cases; ++i) {
        const brn_study_result *r = &j->run[i].result;
        printf("%s,%s,%g,%zu,%zu,%zu,%zu,%zu,%zu,%.6g", solvers[j->run[i].solver].name, starts[j->run[i].set.start].name,
               j->run[i].set.settings.gtol, r->rows, r->converged, r->precision_floor, r->iteration_limit, r->nonfinite, r->astray, r->seconds);
        const brn_study_spread *const spreads[] = {&r->iterations, &r->evaluations, &r->gradient, &r->gap, &r->distance};
        for (int k = 0; k < 5; ++k) {
            if (k < 2) printf(",%.6g", spreads[k]->mean);
            printf(",%.6g,%.6g,%.6g", spreads[k]->median, spreads[k]->p99, spreads[k]->most);
        }
        putchar('\n');
    }
}

static void add_spread(cJSON *to, const char *name, const brn_study_spread *s)
{
    cJSON *tree = cJSON_AddObjectToObject(to, name);
    cli_json_number(tree, "mean", s->mean);
    cli_json_number(tree, "median", s->median);
    cli_json_number(tree, "p90", s->p90);
    cli_json_number(tree, "p99", s->p99);
    cli_json_number(tree, "max", s->most);
}

static void add_result(cJSON *to, const brn_study_result *r, bool compared)
{
    cli_json_number(to, "converged", (double)r->converged);
    cli_json_number(to, "precision_floor", (double)r->precision_floor);
    cli_json_number(to, "iteration_limit", (double)r->iteration_limit);
    cli_json_number(to, "nonfinite", (double)r->nonfinite);
    cli_json_number(to, "failed_share", r->failed);
    cli_json_number(to, "seconds", r->seconds);
    add_spread(to, "iterations", &r->iterations);
    add_spread(to, "evaluations", &r->evaluations);
    add_spread(to, "gradient", &r->gradient);
    if (!compared) return;
    cli_json_number(to, "astray", (double)r->astray);
    add_spread(to, "gap", &r->gap);
    add_spread(to, "distance", &r->distance);
}

static brn_status print_json(const job *j)
{
    cJSON *tree = cJSON_CreateObject();
    cli_json_number(tree, "rows", j->rows);
    cJSON_AddStringToObject(tree, "pair", brn_pair_name(j->session.pair));
    add_result(cJSON_AddObjectToObject(tree, "reference"), brn_study_reference(j->study), false);
    cJSON *list = cJSON_AddArrayToObject(tree, "cases");
    for (int i = 0; i < j->cases; ++i) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "solver", solvers[j->run[i].solver].name);
        cJSON_AddStringToObject(item, "start", starts[j->run[i].set.start].name);
        cli_json_number(item, "gtol", j->run[i].set.settings.gtol);
        add_result(item, &j->run[i].result, true);
        cJSON_AddItemToArray(list, item);
    }
    return cli_print_json(tree);
}

/* One line per solver and start. */
static brn_status draw(const cli_args *args, job *j)
{
    brn_study_curve curve[LINES] = {0};
    brn_study_line line[LINES];
    char label[LINES][64];
    const char *path = cli_option_value(args, "--out");
    uint64_t iterations;
    int count = 0;
    brn_status status = cli_option_number(args, "--iterations", 1, 100000, 60, &iterations);
    for (int i = 0; path && i < j->cases && status == BRN_OK; i += j->gtols) {
        const int k = count++;
        snprintf(label[k], sizeof label[k], "%s, start %s", solvers[j->run[i].solver].meaning, starts[j->run[i].set.start].shown);
        line[k] = (brn_study_line){label[k], &curve[k]};
        status = brn_study_trace(j->study, &j->run[i].set, (int)iterations, &curve[k]);
    }
    if (path && status == BRN_OK) status = brn_study_plot(line, count, path);
    for (int k = 0; k < count; ++k) brn_study_curve_free(&curve[k]);
    return status;
}

static brn_status run_cases(job *j)
{
    brn_status status = BRN_OK;
    for (int i = 0; i < j->cases && status == BRN_OK; ++i) {
        status = cli_check_signal();
        if (status == BRN_OK) status = brn_study_run(j->study, &j->run[i].set, j->repeat, &j->run[i].result);
    }
    return status;
}

static brn_status run(const cli_args *args)
{
    job *j = calloc(1, sizeof *j);
    if (!j) return cli_fail(BRN_ERR_MEMORY, "out of memory");
    const bool json = cli_option_value(args, "--json"), csv = cli_option_value(args, "--csv");
    cli_catch_signals();
    brn_status status = BRN_OK;
    if (strcmp(args->positional[0], "conjugate"))
        status = cli_fail(BRN_ERR_USAGE, "bench: unknown subject %.80s; did you mean conjugate?", args->positional[0]);
    else if (json && csv) status = cli_fail(BRN_ERR_USAGE, "bench: --json and --csv exclude each other");
    if (status == BRN_OK) status = prepare(args, j);
    if (status == BRN_OK) status = draw(args, j);
    if (status == BRN_OK) status = run_cases(j);
    if (status == BRN_OK && json) status = print_json(j);
    else if (status == BRN_OK && csv) print_csv(j);
    else if (status == BRN_OK) print_table(j);
    brn_study_free(j->study);
    cli_session_close(&j->exact);
    cli_session_close(&j->session);
    free(j->y);
    free(j);
    return status;
}

const cli_command cli_bench = {
    .name = "bench",
    .positional = "conjugate MODEL",
    .summary = "Compare conjugate solvers, tolerances and starts on a trained potential.",
    .least = 2,
    .most = 2,
    .settings = settings_taken,
    .details = "L-BFGS with Armijo and strong Wolfe line searches and Adam solve the same rows of the target at each tolerance, from the\n"
               "amortizer's prediction H(y) and from y; a solve in double precision is the reference. Armijo also starts at the linear\n"
               "map of y, at the best of a batch of source samples where that beats H(y) (sought, as train.seek does), and with --earlier\n"
               "at what another model maps y to. What a start costs is not in the times. MODEL is a run folder, a model or a checkpoint.\n"
               "conjugate.* changes all solvers alike. The figure has medians over rows and bands from 10 to 90 %, computed in double\n"
               "precision.\n",
    .examples = "  brenier bench conjugate runs/hd16\n"
                "  brenier bench conjugate runs/hd16 --out solvers.png\n"
                "  brenier bench conjugate runs/hd16/latest.safetensors --earlier runs/hd16/half.safetensors\n"
                "  brenier bench conjugate runs/hd16 --gtol 0.1,1e-3 --rows 4096 --csv >solvers.csv\n"
                "  brenier bench conjugate runs/hd16 conjugate.max_iterations=30 device=host threads=1\n",
    .run = run,
    .options = {{"--rows", "N", "rows to solve, 1024 if not given", false},
                {"--gtol", "LIST", "tolerances, 0.1,1e-2,1e-3 if not given", false},
                {"--repeat", "N", "solves whose least time counts, 3 if not given", false},
                {"--out", "FILE", "figure of the objective gap against iterations: .png, .svg or .pdf", false},
                {"--iterations", "N", "iterations in the figure, 60 if not given", false},
                {"--earlier", "MODEL", "another model of the pair, whose inverse map is a start", false},
                {"--json", NULL, "print JSON", false},
                {"--csv", NULL, "print CSV", false}},
};
