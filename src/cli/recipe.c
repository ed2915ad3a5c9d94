/* brenier recipe: whole tasks in one command. */
#include "progress.h"

#include <stdio.h>
#include <string.h>

typedef struct recipe {
    const char *name, *meaning;
    const char *const *settings;
    brn_status (*check)(const cli_args *args, const char *out);
    brn_status (*finish)(cli_session *s, const cli_args *args, const char *out);
} recipe;

/* ---- colours ------------------------------------------------------------------------------------ */

static const char *const colour_settings[] = {"data.pictures=colours", "potential.hidden=64,64,32", "amortizer.hidden=64,64,32", "train.steps=2000",
                                              "train.batch=512", NULL};

/* Before anything is trained: names are right, and the picture to repaint can be read. */
static brn_status check_colour(const cli_args *args, const char *out)
{
    brn_image image;
    for (int k = 1; k < 3; ++k)
        if (!brn_image_named(args->positional[k])) return cli_fail(BRN_ERR_INPUT, "%s: expected a picture, .png or .jpg", args->positional[k]);
    if (!brn_image_named(out)) return cli_fail(BRN_ERR_USAGE, "%s: pictures are written as .png or .jpg", out);
    const brn_status status = brn_image_read(&image, args->positional[1], 3);
    if (status == BRN_OK) brn_image_free(&image);
    return status;
}

static brn_status finish_colour(cli_session *s, const cli_args *args, const char *out)
{
    brn_image image;
    brn_status status = brn_image_read(&image, args->positional[1], 3);
    if (status != BRN_OK) return status;
    status = brn_image_map(s->model, &image);
    if (status == BRN_OK) status = cli_check_signal();
    if (status == BRN_OK) status = brn_image_write(&image, out);
    brn_image_free(&image);
    return status;
}

/* ---- drawings ----------------------------------------------------------------------------------- */

/* What is small in a picture takes longer than what is large in a pair. */
static const char *const drawing_settings[] = {"preset=2d", "data.pictures=darkness", "train.steps=8000", NULL};

static brn_status check_drawing(const cli_args *args, const char *out)
{
    (void)out;
    for (int k = 1; k < 3; ++k)
        if (!brn_image_named(args->positional[k])) return cli_fail(BRN_ERR_INPUT, "%s: expected a picture, .png or .jpg", args->positional[k]);
    return BRN_OK;
}

static brn_status finish_drawing(cli_session *s, const cli_args *args, const char *out)
{
    (void)args;
    const brn_status status = cli_session_open_pair(s);
    return status == BRN_OK ? brn_plot(s->model, s->pair, BRN_PLOT_INTERPOLATION, NULL, out) : status;
}

static const recipe recipes[] = {
    {"colour", "repaint picture A with the colours of picture B", colour_settings, check_colour, finish_colour},
    {"drawing", "move the darkness of picture A to that of picture B: a strip of pictures, or a .gif", drawing_settings, check_drawing, finish_drawing},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

/* ---- the command -------------------------------------------------------------------------------- */

static brn_status find_recipe(const char *name, const recipe **found)
{
    const char *names[RECIPES];
    for (int i = 0; i < RECIPES; ++i) {
        names[i] = recipes[i].name;
        *found = &recipes[i];
        if (!strcmp(name, names[i])) return BRN_OK;
    }
    return cli_fail(BRN_ERR_USAGE, "unknown recipe %.40s; did you mean %s?", name, brn_nearest_name(name, names, RECIPES));
}

/* The recipe's settings, then the files, then those of the command line. */
static brn_status choose_settings(const recipe *r, const cli_args *args, brn_settings *settings)
{
    int count = 0;
    while (r->settings[count]) ++count;
    brn_status status = brn_settings_preset(settings, "hd");
    if (status == BRN_OK) status = brn_settings_assign(settings, count, r->settings);
    if (status == BRN_OK) status = brn_settings_set(settings, "data.source", args->positional[1]);
    if (status == BRN_OK) status = brn_settings_set(settings, "data.target", args->positional[2]);
    return status == BRN_OK ? brn_settings_assign(settings, args->assignment_count, args->assignments) : status;
}

static brn_status train(cli_session *s, bool quiet)
{
    cli_progress progress;
    cli_progress_init(&progress, quiet);
    brn_status status = brn_train(s->device, &s->settings, false, cli_progress_step, &progress, &s->model);
    cli_progress_finish(&progress);
    return status == BRN_ERR_STOPPED ? cli_fail(status, "stopped; nothing was written") : status;
}

static brn_status run(const cli_args *args)
{
    const recipe *r;
    cli_session s = {0};
    const char *out = cli_option_value(args, "--out");
    brn_status status = find_recipe(args->positional[0], &r);
    cli_catch_signals();
    if (status == BRN_OK) status = r->check(args, out);
    if (status == BRN_OK) status = choose_settings(r, args, &s.settings);
    if (status == BRN_OK) status = cli_open_device(&s.device, &s.settings, cli_option_value(args, "--quiet"));
    if (status == BRN_OK) status = train(&s, cli_option_value(args, "--quiet"));
    if (status == BRN_OK) status = r->finish(&s, args, out);
    cli_session_close(&s);
    if (status == BRN_OK) printf("%s\n", out);
    return status;
}

static const char *const settings_taken[] = {"seed", "device", "threads", "out", "data.", "potential.", "amortizer.", "conjugate.", "train.", NULL};

const cli_command cli_recipe = {
    .name = "recipe",
    .positional = "colour|drawing A B",
    .summary = "Pictures: transfer colours, or move one drawing into another.",
    .least = 3,
    .most = 3,
    .settings = settings_taken,
    .details = "A and B are PNG or JPEG files. colour learns a map of colours from A to B and applies it to every pixel of A.\n"
               "drawing takes dark places as likely ones and draws how they move. out=FOLDER keeps the run.\n",
    .examples = "  brenier recipe colour a.jpg b.jpg -o a_like_b.png\n"
                "  brenier recipe drawing cat.png dog.png -o moving.gif\n",
    .run = run,
    .options = {{"--out", "FILE", "where to write; also -o", true}, {"--quiet", NULL, "show no progress", false}},
};
