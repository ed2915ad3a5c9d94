/* Contact sheet: a row of panels for each map. */
#include "plot/scene.h"
#include <brenier/plot.h>

enum { POINTS = 1200, COLUMNS = 5 };
static const double WIDTH = 6.75 * 72, LEFT = 20, RIGHT = 4, TOP = 18, BOTTOM = 26, GAP = 5;

brn_status brn_plot_sheet(int count, brn_model *const *models, brn_pair *const *pairs, const char *path)
{
    static const char *const titles[COLUMNS] = {"Samples", "Forward map", "Inverse map", "Potential", "Conjugate potential"};
    const double panel = (WIDTH - LEFT - RIGHT - (COLUMNS - 1) * GAP) / COLUMNS;
    brn_figure *figure;
    if (brn_figure_moves(path)) return brn_fail(BRN_ERR_USAGE, "%s: a sheet does not move; draw it as .png, .svg or .pdf", path);
    BRN_TRY(brn_figure_open(&figure, path, WIDTH, TOP + count * (panel + GAP) - GAP + BOTTOM));
    brn_status status = BRN_OK;
    for (int row = 0; row < count && status == BRN_OK; ++row) {
        brn_scene s = {0};
        const double y = TOP + row * (panel + GAP);
        status = brn_scene_create(&s, models[row], pairs[row], POINTS);
        if (status == BRN_OK) status = brn_scene_check(&s, BRN_PLOT_POTENTIAL);
        s.dot = .45;
        for (int k = 0; k < COLUMNS && status == BRN_OK; ++k) {
            const double x = LEFT + k * (panel + GAP);
            status = brn_scene_panel(&s, figure, &(brn_panel){(brn_plot_kind)(BRN_PLOT_SAMPLES + k), {x, y, x + panel, y + panel},
                                                             row ? "" : titles[k], BRN_TICKS_NONE, false});
        }
        if (status == BRN_OK) brn_figure_label(figure, LEFT - 8, y + panel / 2, brn_pair_name(pairs[row]));
        brn_scene_free(&s);
    }
    if (status == BRN_OK) {
        const brn_axes all = {.figure = figure, .page = {LEFT, TOP, WIDTH - RIGHT, TOP + count * (panel + GAP) - GAP}};
        brn_scene_legend(&all, BRN_CLOUDS, (const int[]){BRN_CLOUD_SOURCE, BRN_CLOUD_TARGET, BRN_CLOUD_PUSHED, BRN_CLOUD_PULLED});
        return brn_figure_save(figure);
    }
    brn_figure_discard(figure);
    return status;
}
