/* brenier eval: scores of a model beside the baselines. */
#include "cli.h"

#include <stdio.h>

static const char *const settings_taken[] = {"device", "threads", "data.", "eval.", NULL};

/* With the pair's name, which tells a made pair from a published one. */
static brn_status print(const brn_evaluation *e, const char *pair, bool json)
{
    if (!json) {
        printf("pair                 %s\n", pair);
        return cli_print_evaluation(e);
    }
    cJSON *tree = cli_json_evaluation(e);
    if (tree) cJSON_AddStringToObject(tree, "pair", pair);
    return cli_print_json(tree);
}

static brn_status run(const cli_args *args)
{
    cli_session s = {0};
    brn_evaluation e;
    brn_status status = cli_session_open(&s, args, args->positional[0]);
    if (status == BRN_OK) status = cli_session_open_pair(&s);
    if (status == BRN_OK) status = brn_evaluate(s.model, s.pair, &s.settings, &e);
    if (status == BRN_OK) status = print(&e, brn_pair_name(s.pair), cli_option_value(args, "--json"));
    cli_session_close(&s);
    return status;
}

const cli_command cli_eval = {
    .name = "eval",
    .positional = "MODEL",
    .summary = "Score a learned map beside the identity, constant and linear baselines.",
    .least = 1,
    .most = 1,
    .settings = settings_taken,
    .details = "MODEL is a run folder, a model or a checkpoint. The pair is the one it was trained on unless "
               "data.* names\n"
               "another. L2-UVP is 100 E|T(x) - T*(x)|^2 / Var(target), and 0 is perfect; where the optimal "
               "map is not\n"
               "known the Sinkhorn divergence is given instead.\n"
               "Where a side has a density the log-likelihood of the other's samples is given. Its log det of the Hessian is exact\n"
               "up to eval.log_det.exact_up_to dimensions (256); beyond, it is the mean over eval.log_det.probes random vectors (16),\n"
               "of eval.log_det.steps Lanczos steps each (24), and its standard error, which falls as 1 / sqrt(probes), is printed.\n"
               "Not in it is what too few steps leave out, which falls as exp(-4 steps / sqrt(k)), k the Hessian's condition.\n",
    .examples = "  brenier eval runs/gauss8\n"
                "  brenier eval runs/hd16 --json eval.points=4096\n"
                "  brenier eval runs/hd512 eval.log_det.probes=64 eval.log_det.steps=40\n"
                "  brenier eval runs/hd16/best.safetensors data.pair=hd_16.safetensors\n",
    .run = run,
    .options = {{"--json", NULL, "print JSON", false}},
};
