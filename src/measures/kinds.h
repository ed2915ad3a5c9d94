/* What a measure can be, and what a pair holds. Each kind has its file, which fills its structure when a
 * pair is opened and draws tiles from it. */
#ifndef BRN_MEASURES_KINDS_H
#define BRN_MEASURES_KINDS_H

#include "measures/faces.h"
#include "measures/latents.h"
#include <brenier/table.h>

/** Measures in the plane; the numbers are those of shaders/shape2d.k. */
typedef enum {
    BRN_SHAPE_BLOBS,         /* `count` Gaussians (std noise) on a circle, the first at angle phase (turns), and one at 0 with centre */
    BRN_SHAPE_CIRCLES,       /* `count` circles of radius, radius (count - 1) / count, ..., plus noise */
    BRN_SHAPE_UPPER_MOON,    /* (cos t, sin t), t uniform in (0, pi) */
    BRN_SHAPE_LOWER_MOON,    /* (1 - cos t, 1/2 - sin t) */
    BRN_SHAPE_S_CURVE,       /* radius (sign(t) (cos t - 1), sin t), plus radius * noise, t uniform in 3 pi (-1/2, 1/2) */
    BRN_SHAPE_SWISS,         /* radius (t sin t, t cos t), plus radius * noise, t uniform in 3 pi (1/2, 3/2) */
    BRN_SHAPE_CRESCENT       /* ((u + v^2) / 2 - 2, v), u and v ~ noise * N(0, 1) */
} brn_shape2d_kind;

typedef struct brn_shape2d {
    brn_shape2d_kind kind;
    int latents;          /* random numbers of one sample */
    int count, centre;
    float radius, phase, noise;
} brn_shape2d;

/** x = A_k z + c_k, z ~ N(0, I), component k with a given probability. */
typedef struct brn_mixture {
    int count;
    brn_buf *maps;        /* per component A_k^T [n][n] and c_k [n] */
    brn_buf *limits;      /* int [count], see brn_limits */
    int *host_limits;
} brn_mixture;

/** The user's rows: shuffled epochs, or with weights independent draws. */
typedef struct brn_user_rows {
    brn_buf *data;        /* [count][n], in training coordinates; NULL: they do not fit into the device's memory, */
    float *host;          /* and are here, from where each draw takes its rows there, */
    brn_device *picker;   /* chosen by this device, so that nobody waits for the other; NULL: by the pair's own, the host */
    brn_buf *limits;      /* int [count], or NULL without weights */
    int count, bits;      /* the least 2^bits >= count, bits >= 2 */
} brn_user_rows;

/** Images x = sum over places p and atoms k of z z' atom_k shifted to p, with z, z' ~ N(0, 1): overlapping
 *  patches with sparse coefficients. */
typedef struct brn_patches {
    brn_net atoms;        /* the convolution whose adjoint makes an image of coefficients */
} brn_patches;

typedef struct brn_measure {
    enum { BRN_MEASURE_SHAPE2D, BRN_MEASURE_MIXTURE, BRN_MEASURE_ROWS, BRN_MEASURE_PATCHES, BRN_MEASURE_FACES, BRN_MEASURE_PUSHED } kind;
    union {
        brn_shape2d shape;
        brn_mixture mixture;
        brn_user_rows rows;
        brn_patches patches;
    };
} brn_measure; /* FACES: see brn_pair.faces; PUSHED: the true map's image of the pair's source */

struct brn_pair {
    brn_device *dev;
    int n;
    char *name;
    brn_measure side[2];
    enum { BRN_MAP_UNKNOWN, BRN_MAP_AFFINE, BRN_MAP_GRADIENT, BRN_MAP_FACES } map;
    brn_buf *affine;      /* A^T [n][n], then b [n] */
    brn_pot psi;          /* T = grad psi */
    brn_faces *faces;     /* both the source and T */
    bool drawings;        /* both sides are the darkness of pictures */
    bool standardized;
    brn_standardization standardization;
    double *shift[2];
    struct brn_sampler *sampler; /* made by the first brn_pair_sample or brn_pair_map */
};

/** Rows of one measure on their way to the device: those of one draw, while those of the draw before are in use. */
typedef struct brn_pair_stage {
    brn_buf *buf[2];      /* [lanes][n] */
    int at;               /* the one written last */
    bool ready;           /* with the rows of: */
    brn_draw draw;
    int row0, rows;
} brn_pair_stage;

struct brn_pair_work {
    int n, lanes;
    brn_buf *memory;
    brn_mat latents, component, source; /* [n] each */
    brn_mat value;                  /* [1] */
    brn_buf *which;                 /* int [lanes]: component, or row of data */
    brn_pair_stage stage[2];        /* where rows stay on the host, for each side, */
    int *index;                     /* [lanes], */
    float *gathered;                /* [lanes][n] */
    brn_buf *no_lattice;            /* zeros */
    brn_buf *lattice[2];            /* generators of both measures ... */
    int lattice_batch[2];           /* ... for this batch size; 0 = not made yet */
    brn_tape patches;               /* columns of the patches */
    brn_pot_work psi;
    brn_faces_work faces;
};

/* ---- opening: fill a pair that is all zero but for dev ------------------------------------------- */

/** "origin" in the metadata of pairs of our own. */
#define BRN_ORIGIN_MADE "made by brenier, not a published pair"
brn_status brn_pair_open_builtin(brn_pair *pair, const char *name, int n);
brn_status brn_pair_open_benchmark(brn_pair *pair, const char *path);
brn_status brn_pair_open_rows(brn_pair *pair, const brn_settings *settings);
brn_status brn_pair_open_gaussian(brn_pair *pair, int n);
brn_status brn_pair_open_images(brn_pair *pair, int n);
brn_status brn_pair_open_mixtures(brn_pair *pair, const char *name, int n);

/** Components A_k [n][n] (x = A_k z + c_k), c_k [n] and their weights to the device. */
brn_status brn_mixture_create(brn_mixture *m, brn_device *dev, int n, int count, const double *maps, const double *centres,
                              const double *weights);
/** Matrices A [n][n] and vectors b [n] as the blocks (A^T, b) that brn_affine() names. */
brn_status brn_affine_create(brn_buf **buf, brn_device *dev, int n, int count, const double *maps, const double *centres);
brn_dense brn_affine(brn_buf *buf, int n, int k);

/** Samples of a picture, rows[*count][*n] for free(): see pictures.c. */
brn_status brn_picture_rows(const char *path, brn_pictures kind, float **rows, size_t *count, int *n);

/** The shape that all pictures of a pair's folders and arrays have. All zero: not known yet. */
typedef struct brn_photo_shape {
    int side, channels;
    char first[BRN_PATH_MAX + 264]; /* the picture that gave it: folder, / and a name */
} brn_photo_shape;
/** The pictures of a folder, rows[*count][*n] for free(), n = channels side^2: see photos.c. image_size: side to which
 *  they are scaled, or 0. */
brn_status brn_photo_rows(const char *folder, int image_size, brn_photo_shape *shape, float **rows, size_t *count, int *n);
/** The same of an array of pictures (brn_table_image), at its first row; `path` is its name. */
brn_status brn_photo_array(brn_table *t, const char *path, int image_size, brn_photo_shape *shape, float **rows, size_t *count, int *n);

void brn_mixture_free(brn_mixture *m);
void brn_user_rows_free(brn_user_rows *rows);
void brn_patches_free(brn_patches *patches);
void brn_sampler_free(struct brn_sampler *sampler);

/* ---- drawing ------------------------------------------------------------------------------------ */

/** One tile of one measure: rows [row0, row0 + rows) of the batch. */
typedef struct brn_tile_draw {
    brn_queue *q;
    brn_pair_work *work;
    const brn_draw *draw;
    brn_side side;        /* whose stream */
    brn_buf *generator;
    int row0, rows;
    brn_mat out;
} brn_tile_draw;

brn_status brn_shape2d_draw(const brn_shape2d *s, const brn_tile_draw *t);
brn_status brn_mixture_draw(const brn_mixture *m, const brn_tile_draw *t);
brn_status brn_user_rows_draw(const brn_user_rows *r, const brn_tile_draw *t);
/** Rows that are on the host, to the device: `out` is not looked at. */
brn_status brn_user_rows_send(const brn_user_rows *r, const brn_tile_draw *t);
brn_status brn_patches_draw(const brn_patches *p, const brn_tile_draw *t);

/** Independent normal numbers, whatever the draw asks for; those of `second` have another stream. */
brn_status brn_draw_normals(const brn_tile_draw *t, bool second, brn_mat to);

#endif
