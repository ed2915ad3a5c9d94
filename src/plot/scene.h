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

/** What holds two clouds, but for their furthest points. */
brn_status brn_scene_box(const brn_scene *scene, int one, int other, brn_box *box);
/** A cloud in its colour. */
void brn_scene_scatter(const brn_scene *scene, brn_axes *axes, int cloud, double alpha);

/** What the colours of some clouds mean, below a panel. */
void brn_scene_legend(const brn_axes *axes, int count, const int *clouds);

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

/** Densities of both sides, true and of the model, in two rows of two panels on a page of `width` points; samples where a
 *  density is not known. BRN_ERR_UNSUPPORTED where none is, BRN_ERR_USAGE where the model is not of the plane. */
brn_status brn_density_draw(brn_model *model, brn_pair *pair, double width, int points, const char *path);

/** Whether a figure of this model shows pictures: samples, or maps, of images. */
bool brn_grid_shows(const brn_model *model, brn_plot_kind kind);
/** Bands of pictures on a page of `width` points: source and target; with the map their images too, also the true ones where
 *  known; of an interpolation a band for each time, or frames. BRN_ERR_USAGE where they do not fit. */
brn_status brn_grid_draw(brn_model *model, brn_pair *pair, brn_plot_kind kind, const brn_plot_options *options, double width, const char *path);

enum { BRN_FRAMES = 40 }; /* of an animation */
/** t of a frame of an animation, slow at both ends, where it is held. */
double brn_motion_time(brn_figure *figure, int frame, int frames);

/** Interpolation or warp at time t of [0, 1]. `memory`: of brn_motion_create. */
typedef struct brn_motion brn_motion;
brn_status brn_motion_create(brn_motion **motion, brn_scene *scene, brn_plot_kind kind);
void brn_motion_free(brn_motion *motion);
void brn_motion_panel(const brn_motion *motion, brn_figure *figure, brn_box page, double t, brn_ticks_shown ticks);

#endif
