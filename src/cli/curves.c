/* brenier curves: learning curves of many runs in one figure and one CSV file. */
#include "cli.h"

#include <limits.h>
#include <stdio.h>

static brn_status run(const cli_args *args)
{
    const char *figure = cli_option_value(args, "--out"), *csv = cli_option_value(args, "--csv"), *name = cli_option_value(args, "--against");
    brn_against against = BRN_AGAINST_STEPS;
    brn_results *results;
    int skipped = 0;
    if (!figure && !csv) return cli_fail(BRN_ERR_USAGE, "curves needs --out FILE or --csv FILE");
    brn_status status = name ? brn_against_find(name, &against) : BRN_OK;
    if (status == BRN_OK) status = brn_results_open(&results, args->positional_count, args->positional);
    if (status != BRN_OK) return status;
    status = brn_results_curves(results, against, figure, csv, &skipped);
    if (status == BRN_OK && skipped && figure)
        fprintf(stderr, "%d of %d runs have nothing to draw: no evaluation yet, no known map, or no solver\n", skipped, brn_results_count(results));
    brn_results_free(results);
    if (status != BRN_OK) return status;
    if (figure) puts(figure);
    if (csv) puts(csv);
    return BRN_OK;
}

const cli_command cli_curves = {
    .name = "curves",
    .positional = "RUN...",
    .summary = "Draw L2-UVP against steps, seconds or solver evaluations for several runs.",
    .least = 1,
    .most = INT_MAX,
    .details = "RUN is a run folder, a sweep, or a folder of such. Runs that differ in their seed only become one line, their\n"
               "median, in a band from the least to the greatest; lines are named by the settings that differ. The CSV file\n"
               "has every evaluation of every run.\n",
    .examples = "  brenier curves runs/hd16 runs/hd16-wide --out curves.png\n"
                "  brenier curves runs/grid --against seconds -o curves.pdf --csv curves.csv\n"
                "  brenier curves runs/grid --against evaluations --out curves.svg\n",
    .run = run,
    .options = {{"--out", "FILE", "figure: .png, .svg or .pdf; -o is the same", false},
                {"--csv", "FILE", "the numbers", false},
                {"--against", "AXIS", "steps (default), seconds or evaluations", false}},
};
