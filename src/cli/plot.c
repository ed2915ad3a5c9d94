/* brenier plot: a figure of a learned map. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const settings_taken[] = {"device", "threads", "data.", NULL};

/* Of a run, not of its map. */
static const char TRAINING[] = "training";

static brn_status find_kind(const char *name, brn_plot_kind *kind)
{
    const char *names[16];
    const int count = brn_plot_kind_count();
    for (int i = 0; i < count; ++i) {
        const brn_status status = brn_plot_describe(i, &names[i], NULL);
        if (status != BRN_OK) return status;
        *kind = (brn_plot_kind)i;
        if (!strcmp(name, names[i])) return BRN_OK;
    }
    names[count] = TRAINING;
    return cli_fail(BRN_ERR_USAGE, "plot: unknown figure %.40s; did you mean %s?", name, brn_nearest_name(name, names, count + 1));
}

static brn_status list_kinds(void)
{
    const char *name, *meaning;
    for (int i = 0; i < brn_plot_kind_count(); ++i) {
        const brn_status status = brn_plot_describe(i, &name, &meaning);
        if (status != BRN_OK) return status;
        printf("%-14s %s\n", name, meaning);
    }
    printf("%-14s %s\n", TRAINING, "loss and dual objective of a run folder, against steps");
    return BRN_OK;
}

static brn_status find_options(const cli_args *args, brn_plot_options *options)
{
    uint64_t points, frames;
    const char *width = cli_option_value(args, "--width");
    char *end = NULL;
    brn_status status = cli_option_number(args, "--points", 2, 1000000, 0, &points);
    if (status == BRN_OK) status = cli_option_number(args, "--frames", 2, 1000, 0, &frames);
    if (status != BRN_OK) return status;
    *options = (brn_plot_options){.points = (int)points, .frames = (int)frames, .width = width ? strtod(width, &end) : 0};
    if (width && (end == width || *end || !(options->width >= 1 && options->width <= 40)))
        return cli_fail(BRN_ERR_USAGE, "plot: --width takes inches from 1 to 40, found \"%.40s\"", width);
    return BRN_OK;
}

static brn_status run(const cli_args *args)
{
    cli_session s = {0};
    brn_plot_kind kind = BRN_PLOT_MAP;
    brn_plot_options options;
    const char *out = cli_option_value(args, "--out");
    if (cli_option_value(args, "--list")) return list_kinds();
    if (!args->positional_count || !out) return cli_fail(BRN_ERR_USAGE, "plot needs MODEL and --out FILE; see brenier plot --help");
    if (args->positional_count > 1 && !strcmp(args->positional[1], TRAINING)) {
        const brn_status drawn = brn_plot_training(args->positional[0], out);
        if (drawn == BRN_OK) printf("%s\n", out);
        return drawn;
    }
    brn_status status = args->positional_count > 1 ? find_kind(args->positional[1], &kind) : BRN_OK;
    if (status == BRN_OK) status = find_options(args, &options);
    if (status == BRN_OK) status = cli_session_open(&s, args, args->positional[0]);
    if (status == BRN_OK) status = cli_session_open_pair(&s);
    if (status == BRN_OK) status = brn_plot(s.model, s.pair, kind, &options, out);
    if (status == BRN_OK) printf("%s\n", out);
    cli_session_close(&s);
    return status;
}

const cli_command cli_plot = {
    .name = "plot",
    .positional = "MODEL [KIND]",
    .summary = "Draw a figure of a learned map.",
    .most = 2,
    .settings = settings_taken,
    .details = "MODEL is a run folder, a model or a checkpoint. KIND is map if not given; --list shows all. Interpolation and "
               "warp\n"
               "are panels side by side, or move: in a .gif, or in a folder of frames where FILE ends in /. In more than "
               "two\n"
               "dimensions the first two principal coordinates of the target are shown; of images, map, samples and\n"
               "interpolation show the pictures themselves. Densities are drawn of pairs in which one side has one in closed form:\n"
               "gauss8, gauss_sq, maf_moon, maf_rings, rings, s_curve, swiss, gaussian, mixtures.\n",
    .examples = "  brenier plot runs/gauss8 --out gauss8.png\n  brenier plot runs/gauss8 potential -o potential.pdf\n"
                "  brenier plot runs/gauss8 interpolation -o moving.gif --frames 60\n"
                "  brenier plot runs/gauss8 density -o density.pdf\n",
    .run = run,
    .options = {{"--out", "FILE", "where to draw: .png, .svg, .pdf, .gif or FOLDER/; also -o", false},
                {"--width", "INCHES", "width of the figure, 3.25 or 6.75 if not given", false},
                {"--points", "N", "samples of each side, 2000 if not given; of images: in a row, 10", false},
                {"--frames", "N", "pictures of what moves, 5 side by side or 40 if not given", false},
                {"--list", NULL, "list the kinds of figures", false}},
};
