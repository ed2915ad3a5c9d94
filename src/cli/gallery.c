/* brenier gallery: all pairs of the plane, trained and drawn on one page. */
#include "progress.h"

#include <stdio.h>
#include <string.h>

enum { MOST = 16 };

typedef struct gallery {
    brn_device *device;
    brn_settings settings;
    int count;
    brn_model *model[MOST];
    brn_pair *pair[MOST];
} gallery;

static void release(gallery *g)
{
    for (int i = 0; i < g->count; ++i) {
        brn_pair_close(g->pair[i]);
        brn_model_free(g->model[i]);
    }
    brn_device_close(g->device);
}

/* A finished training is read back, another one continued. Pairs of other dimensions are left out. */
static brn_status add_pair(gallery *g, const char *name, bool quiet)
{
    cli_progress progress;
    brn_settings s = g->settings;
    if (snprintf(s.out, sizeof s.out, "%s/%s", g->settings.out, name) >= (int)sizeof s.out)
        return cli_fail(BRN_ERR_USAGE, "out=%.80s...: the name is too long", g->settings.out);
    brn_status status = brn_settings_set(&s, "data.pair", name);
    if (status != BRN_OK) return status;
    const int i = g->count;
    status = brn_pair_open(&g->pair[i], g->device, &s);
    if (status != BRN_OK) return status;
    if (brn_pair_dim(g->pair[i]) != 2) {
        brn_pair_close(g->pair[i]);
        g->pair[i] = NULL;
        return BRN_OK;
    }
    ++g->count;
    if (!quiet) fprintf(stderr, "%s\n", name);
    cli_progress_init(&progress, quiet);
    status = brn_train(g->device, &s, false, cli_progress_step, &progress, &g->model[i]);
    cli_progress_finish(&progress);
    if (status == BRN_ERR_STOPPED) return cli_fail(status, "stopped at %s; the same command continues", name);
    return status;
}

static brn_status train_all(gallery *g, bool quiet)
{
    for (int i = 0; i < brn_pair_builtin_count() && g->count < MOST; ++i) {
        const char *name, *meaning;
        brn_status status = brn_pair_builtin(i, &name, &meaning);
        if (status == BRN_OK && strcmp(name, "gaussian")) status = add_pair(g, name, quiet);
        if (status != BRN_OK) return status;
    }
    return BRN_OK;
}

static brn_status choose_settings(const cli_args *args, brn_settings *settings)
{
    brn_status status = brn_settings_preset(settings, "2d");
    if (status == BRN_OK) status = brn_settings_set(settings, "out", "runs/gallery");
    return status == BRN_OK ? brn_settings_assign(settings, args->assignment_count, args->assignments) : status;
}

static brn_status run(const cli_args *args)
{
    gallery g = {0};
    const char *out = cli_option_value(args, "--out");
    cli_catch_signals();
    brn_status status = choose_settings(args, &g.settings);
    if (status == BRN_OK) status = cli_open_device(&g.device, &g.settings, cli_option_value(args, "--quiet"));
    if (status == BRN_OK) status = train_all(&g, cli_option_value(args, "--quiet"));
    if (status == BRN_OK) status = brn_plot_sheet(g.count, g.model, g.pair, out);
    release(&g);
    if (status == BRN_OK) printf("%s\n", out);
    return status;
}

static const char *const settings_taken[] = {"seed", "device", "threads", "out", "potential.", "amortizer.", "conjugate.", "train.", NULL};

const cli_command cli_gallery = {
    .name = "gallery",
    .positional = "",
    .summary = "Learn all built-in pairs of the plane and draw them on one page.",
    .settings = settings_taken,
    .details = "Runs are kept in the folders of out=FOLDER (runs/gallery if not given): what is trained is not trained again.\n"
               "Settings are those of preset=2d unless given.\n",
    .examples = "  brenier gallery -o pairs.pdf\n  brenier gallery -o quick.png out=runs/quick train.steps=500\n",
    .run = run,
    .options = {{"--out", "FILE", "the page: .png, .svg or .pdf; also -o", true}, {"--quiet", NULL, "show no progress", false}},
};
