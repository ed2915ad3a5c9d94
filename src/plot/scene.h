/* What the figures of a learned map show: samples and their images as points of a plane, panels of them. */
#ifndef BRN_PLOT_SCENE_H
#define BRN_PLOT_SCENE_H

#include "plot/figure.h"
#include <brenier/plot.h>

enum { BRN_CLOUD_SOURCE, BRN_CLOUD_TARGET, BRN_CLOUD_PUSHED, BRN_CLOUD_PULLED, BRN_CLOUDS };

typedef struct brn_scene {
    brn_model *model;
    int n, count;              /* points of each cloud */
    double dot;                /* radius */
    bool drawing;              /* both measures are pictures, and look like them */
    float *rows[BRN_CLOUDS];   /* [count][n] */
    double *points[BRN_CLOUDS];/* [count][2], what is shown of them */
    double *directions, *mean; /* of the shown plane; NULL where n <= 2 */
    brn_box data;              /* holds source and target, but for the furthest */
} brn_scene;

/** Draw `count` samples of both sides and map them. All zero before; release with brn_scene_free, on failure too. */
brn_status brn_scene_create(brn_scene *scene, brn_model *model, brn_pair *pair, int count);
void brn_scene_free(brn_scene *scene);

/** A panel of one kind between brn_axes_begin and brn_axes_end, and what its colours mean below it where `legend`. */
typedef struct brn_panel {
    brn_plot_kind kind;
    brn_box page;
    const char *title;
    brn_ticks_shown ticks;
    bool legend;
} brn_panel;
brn_status brn_scene_panel(brn_scene *scene, brn_figure *figure, const brn_panel *panel);

/** BRN_ERR_USAGE where a kind needs the plane and the scene is not in it. */
brn_status brn_scene_check(const brn_scene *scene, brn_plot_kind kind);

/** Whether a figure of this model shows pictures: samples, or maps, of images. */
bool brn_grid_shows(const brn_model *model, brn_plot_kind kind);
/** Bands of pictures on a page of `width` points: source and target, and with `maps` their images, also the true ones where
 *  known. columns: pictures beside each other, 0 for 10. BRN_ERR_USAGE where they do not fit. */
brn_status brn_grid_draw(brn_model *model, brn_pair *pair, bool maps, double width, int columns, const char *path);

/** Interpolation or warp at time t of [0, 1]. `memory`: of brn_motion_create. */
typedef struct brn_motion brn_motion;
brn_status brn_motion_create(brn_motion **motion, brn_scene *scene, brn_plot_kind kind);
void brn_motion_free(brn_motion *motion);
void brn_motion_panel(const brn_motion *motion, brn_figure *figure, brn_box page, double t, brn_ticks_shown ticks);

#endif
