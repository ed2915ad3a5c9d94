/* brenier plot: the figure of a learned map. */
#include "cli.h"

#include <stdio.h>

static const char *const settings_taken[] = {"device", "threads", "data.", NULL};

static brn_status run(const cli_args *args)
{
    cli_session s = {0};
    const char *out = cli_option_value(args, "--out");
    brn_status status = cli_session_open(&s, args, args->positional[0]);
    if (status == BRN_OK) status = cli_session_open_pair(&s);
    if (status == BRN_OK) status = brn_plot_map(s.model, s.pair, out);
    if (status == BRN_OK) printf("%s\n", out);
    cli_session_close(&s);
    return status;
}

const cli_command cli_plot = {
    .name = "plot",
    .positional = "MODEL",
    .summary = "Draw samples, the forward map and the inverse map.",
    .least = 1,
    .most = 1,
    .settings = settings_taken,
    .details = "MODEL is a run folder, a model or a checkpoint. In more than two dimensions the first two "
               "principal\n"
               "coordinates of the target are shown.\n",
    .examples = "  brenier plot runs/gauss8 --out gauss8.png\n  brenier plot runs/gauss8 --out gauss8.pdf\n",
    .run = run,
    .options = {{"--out", "FILE", "where to draw: .png, .svg or .pdf", true}},
};
