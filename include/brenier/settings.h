/** @file settings.h
 *  Everything that can be set, in one plain structure: the same names in C, in the configuration
 *  file and on the command line ("train.steps=2000").
 *
 *  A structure is made by brn_settings_preset(), changed by writing its fields, by
 *  brn_settings_set() or brn_settings_load(), and completed and checked by brn_settings_resolve().
 *  It owns nothing and may be copied. Fields marked (auto: V) may hold V, which reads "auto" as text,
 *  until they are resolved. A call that fails leaves the structure as it was.
 *
 *      brn_settings s;
 *      brn_settings_preset(&s, "hd");
 *      brn_settings_set(&s, "train.steps", "2000");
 *      brn_settings_resolve(&s, 16);
 */
#ifndef BRENIER_SETTINGS_H
#define BRENIER_SETTINGS_H

#include "status.h"
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BRN_PATH_MAX   1024
#define BRN_NAME_MAX   64
#define BRN_LAYERS_MAX 8

/** Widths of hidden layers. count = 0 means "chosen from the dimension". */
typedef struct brn_widths {
    int count;
    int width[BRN_LAYERS_MAX];
} brn_widths;

typedef enum brn_activation {
    BRN_ACT_AUTO = -1, /**< chosen from the dimension when the settings are resolved */
    BRN_ACT_NONE,
    BRN_ACT_RELU,
    BRN_ACT_LEAKY_RELU,
    BRN_ACT_ELU,
    BRN_ACT_SELU,
    BRN_ACT_CELU,
    BRN_ACT_SOFTPLUS,
    BRN_ACT_SILU
} brn_activation;

typedef enum brn_potential_kind {
    BRN_POTENTIAL_MLP,
    BRN_POTENTIAL_ICNN,
    BRN_POTENTIAL_CONV, /**< convolutional, for square images in [-1, 1]: n = 3 s^2 (colour) or s^2 (grey), channel first */
    BRN_POTENTIAL_QUADRATIC /**< the input-quadratic ICNN that the benchmark's pairs are made of: three hidden layers, celu */
} brn_potential_kind;
typedef enum brn_amortizer_kind {
    BRN_AMORTIZER_NONE,     /**< the solver starts at x = y */
    BRN_AMORTIZER_RESIDUAL, /**< H(y) = y + network(y) */
    BRN_AMORTIZER_GRADIENT  /**< H = gradient of a second potential */
} brn_amortizer_kind;
typedef enum brn_conjugate_solver { BRN_SOLVER_LBFGS, BRN_SOLVER_ADAM } brn_conjugate_solver;
typedef enum brn_line_search { BRN_SEARCH_ARMIJO, BRN_SEARCH_WOLFE } brn_line_search;
typedef enum brn_loss {
    BRN_LOSS_NONE,
    BRN_LOSS_OBJECTIVE,
    BRN_LOSS_OBJECTIVE_FINETUNE,
    BRN_LOSS_REGRESSION,
    BRN_LOSS_CYCLE,
    BRN_LOSS_CYCLE_FINETUNE
} brn_loss;
/** What the potential minimises. f* is the convex conjugate, B the batch, (.)+ the positive part. */
typedef enum brn_dual {
    BRN_DUAL_CONJUGATE,  /**< mean f(x) + mean f*(y), the conjugate predicted or solved as `loss` says */
    BRN_DUAL_BATCH,      /**< the same with the conjugate over the batch: f*(y) = max over its x of <x, y> - f(x) */
    BRN_DUAL_QUADRATIC,  /**< mean f(x) + g(y) + (<x, y> - f(x) - g(y))+^2 / (4 e); g is the amortizer's potential */
    BRN_DUAL_ENTROPY,    /**< mean f(x) + g(y) + e exp((<x, y> - f(x) - g(y)) / e) */
    BRN_DUAL_ASSIGNMENT  /**< f regresses on the dual of the batch's optimal assignment, which the host solves in O(B^3) */
} brn_dual;
/** How the hidden weights of an ICNN are kept non-negative. */
typedef enum brn_convexity {
    BRN_CONVEXITY_SOFTPLUS, /**< softplus(theta) / fan-in */
    BRN_CONVEXITY_PROJECT,  /**< negative ones are set to zero after every step */
    BRN_CONVEXITY_PENALTY,  /**< train.convexity_penalty times the sum of their squares is added to the loss */
    BRN_CONVEXITY_NONE      /**< they are not: same network, no convexity */
} brn_convexity;
/** Which measure the potential lives on. */
typedef enum brn_roles {
    BRN_ROLES_FORWARD,  /**< f on the source: T = grad f, and the inverse map is the conjugate's */
    BRN_ROLES_EXCHANGED /**< f on the target: the inverse map is grad f, and T is the conjugate's */
} brn_roles;
typedef enum brn_optimizer_kind { BRN_OPT_AUTO = -1, BRN_OPT_ADAMW, BRN_OPT_MUON, BRN_OPT_SOAP } brn_optimizer_kind;
typedef enum brn_schedule { BRN_SCHEDULE_COSINE, BRN_SCHEDULE_CONSTANT } brn_schedule;
typedef enum brn_start {
    BRN_START_IDENTITY, /**< last layer zero: grad f(x) = x and H(y) = y exactly, at no cost */
    BRN_START_PRETRAIN, /**< Adam on |grad f(x) - x|^2 and |H(y) - y|^2 over a box */
    BRN_START_RANDOM
} brn_start;
typedef enum brn_pictures { BRN_PICTURES_DARKNESS, BRN_PICTURES_COLOURS } brn_pictures;
typedef enum brn_sampling { BRN_SAMPLING_AUTO = -1, BRN_SAMPLING_IID, BRN_SAMPLING_ANTITHETIC, BRN_SAMPLING_LATTICE } brn_sampling;
typedef enum brn_standardize {
    BRN_STANDARDIZE_AUTO = -1, /**< the user's own samples yes, built-in measures and images no */
    BRN_STANDARDIZE_NONE,
    BRN_STANDARDIZE_SCALE /**< subtract each measure's mean, divide both by one common scale */
} brn_standardize;

/** One optimizer's numbers; the potential and the amortizer have one each. Zero or negative
 *  values marked (auto) are filled in from the optimizer when the settings are resolved. */
typedef struct brn_optimizer_settings {
    brn_optimizer_kind kind;
    double lr;            /**< peak rate (auto: 0) */
    double beta1, beta2;  /**< moments of Adam and SOAP (auto: < 0) */
    double weight_decay;  /**< decoupled, times the rate (auto: < 0) */
    double epsilon;       /**< added to the root of the second moment */
    double matrix_lr;     /**< Muon: rate of the weight matrices (auto: 0) */
    double clip;          /**< longest gradient, in running means of its norm; 0 = any (auto: < 0) */
    double momentum;      /**< Muon: Nesterov momentum of the weight matrices */
    double factor_beta;   /**< SOAP: averaging of the Kronecker factors */
    int    refresh;       /**< SOAP: steps between two refreshes of the eigenvectors (auto: 0) */
} brn_optimizer_settings;

/** The solver of the convex conjugate (METHOD: Algorithm 2). */
typedef struct brn_conjugate_settings {
    brn_conjugate_solver solver;
    double gtol;            /**< a row stops when max|grad J| < gtol (auto: 0) */
    int    max_iterations;
    int    min_iterations;  /**< iterations done even where the start meets gtol; 1 in the published runs */
    int    history;         /**< pairs of L-BFGS (auto: 0) */
    brn_line_search line_search;
    double decrease;        /**< sufficient decrease of Armijo */
    double curvature;       /**< curvature condition of strong Wolfe */
    double shrink;          /**< factor of the step after a rejection, without interpolation */
    bool   interpolate;     /**< quadratic interpolation of the step instead of `shrink` */
    int    max_evaluations; /**< evaluations of one line search */
    bool   running_scale;   /**< first step scaled by the running mean of the inverse curvature */
    double lr, lr_final;    /**< Adam: step size, and the share of it that is left at the end (cosine) */
    double beta1, beta2;    /**< Adam */
} brn_conjugate_settings;

/** How the determinant of a Hessian is found (brn_model_log_det). */
typedef struct brn_log_det_settings {
    int exact_up_to; /**< dimensions up to this have their whole Hessian made; 0: none, at most 1024 */
    int probes;      /**< beyond: random vectors per row, at least 2 ... */
    int steps;       /**< ... and steps of Lanczos' method with each, 1 to 1024 */
    uint64_t seed;   /**< of these vectors */
} brn_log_det_settings;

typedef struct brn_settings {
    char     preset[BRN_NAME_MAX]; /**< the preset it was made from */
    uint64_t seed;
    char     device[BRN_NAME_MAX]; /**< "host", "host:f64", "host:strict", ... */
    int      threads;              /**< 0: as many as the machine has cores */
    char     out[BRN_PATH_MAX];    /**< run folder */

    struct {
        char pair[BRN_PATH_MAX];   /**< built-in pair, or PATH.safetensors of a benchmark pair */
        int  n;                    /**< dimension, where the pair leaves it open ("gaussian"; auto: 0) */
        char source[BRN_PATH_MAX]; /**< the user's own samples: NPY, NPZ or CSV, a picture, a folder or an array of pictures, one a row */
        char target[BRN_PATH_MAX];
        char source_weight[BRN_NAME_MAX]; /**< weight column of the source, by name or number; "" = none */
        char target_weight[BRN_NAME_MAX];
        brn_pictures pictures;     /**< samples of a picture: places or colours */
        int  image_size;           /**< side of the squares to which the pictures of a folder or array are cut and scaled; 0: they have one size */
        brn_standardize standardize;
        brn_sampling sampling;
    } data;

    struct {
        brn_potential_kind kind;
        brn_widths hidden;       /**< auto: [2b, 2b, b], b = max(n, 32), times `widen`; of a conv: channels, 128 to 1024 */
        double widen;            /**< factor of the automatic widths; given widths, and so resolved ones, are final */
        brn_activation activation;
        double slope;            /**< of leaky_relu */
        double alpha;            /**< of elu and celu */
        bool   last_activation;  /**< apply the activation to the last scalar too */
        bool   actnorm;          /**< ICNN; the MLP has none */
        brn_convexity convexity; /**< ICNN */
    } potential;

    struct {
        brn_amortizer_kind kind;
        brn_widths hidden;       /**< auto: [2b, 2b, b] */
        brn_activation activation;
        double slope, alpha;
        brn_convexity convexity; /**< of the gradient of an ICNN */
    } amortizer;

    brn_conjugate_settings conjugate; /**< while training */

    struct {
        int64_t steps;           /**< (auto: 0) */
        int     batch;           /**< (auto: 0) */
        brn_dual dual;
        double  regularization;  /**< e of the quadratic and the entropic dual; weight of the assignment's displacement term */
        brn_roles roles;
        brn_loss loss;
        double  cycle_weight;    /**< (auto: 0 = n) */
        int     amortizer_steps; /**< steps of H for each of f; all but the last on samples of their own, with f held */
        double  convexity_penalty;
        brn_optimizer_settings potential, amortizer;
        brn_schedule schedule;
        double  lr_final;        /**< cosine: share of the rate left at the end */
        int64_t warmup;          /**< steps of linear warm-up */
        double  averaging;       /**< running average of the parameters; 0 = none */
        brn_start start;
        bool    seek;            /**< conjugates start at the best of the prediction and the batch's source samples, those of
                                      the finished model at the best of the prediction and up to 1024 samples that it keeps */
        int64_t pretrain_steps;
        double  pretrain_lr, pretrain_tolerance;
        double  pretrain_low, pretrain_high; /**< the box */
        int64_t eval_every;      /**< steps between evaluations (auto: 0 = a tenth of the steps) */
        int64_t patience;        /**< stop after so many evaluations without a better dual; 0 = never */
        double  divergence;      /**< stop when |loss| exceeds it */
        bool    guard;           /**< stop when the dual objective says that f is worse than no map at all */
    } train;

    struct {
        int      points;          /**< samples for UVP and cosine; evaluation files bring their own */
        int      sinkhorn_points;
        double   gtol;            /**< tolerance of the inverse map */
        int      max_evaluations; /**< of its line search */
        int      max_iterations;  /**< of the inverse map; 0: the amortizer's prediction as it is (auto: -1, those of training) */
        uint64_t seed;
        brn_log_det_settings log_det;
    } eval;
} brn_settings;

/** Fill *settings from a preset; whatever they held is lost. "hd", "2d" and "images" are recommended;
 *  "hd-paper", "2d-paper" and "images-paper" are the published settings exactly; the others are the solvers
 *  that those were compared with.
 *  @return BRN_ERR_USAGE with the nearest name for an unknown one. */
BRN_API brn_status brn_settings_preset(brn_settings *settings, const char *name);

/** Set one field by its dotted name, as on the command line: ("train.steps", "2000"),
 *  ("potential.hidden", "64,64,32"), ("conjugate.gtol", "auto"). The key "preset" starts over from
 *  that preset, as brn_settings_preset() does.
 *  @return BRN_ERR_USAGE for an unknown key (the line names the nearest) or a value out of range. */
BRN_API brn_status brn_settings_set(brn_settings *settings, const char *key, const char *value);

/** Apply "key=value" texts as a command line has them: a preset among them first, wherever it stands,
 *  then the others in their order, so that a later one wins. All are applied or none.
 *  @return BRN_ERR_USAGE as brn_settings_set does. */
BRN_API brn_status brn_settings_assign(brn_settings *settings, int count, const char *const *assignments);

/** The text of one field, as brn_settings_set takes it, into text[0..size); BRN_PATH_MAX suffices.
 *  @return BRN_ERR_USAGE for an unknown key, a field that holds no possible value, or a small size. */
BRN_API brn_status brn_settings_get(const brn_settings *settings, const char *key, char *text, size_t size);

/** Read a YAML file of nested groups into *settings; fields it does not name keep their value. A
 *  "preset: NAME" line at top level, wherever it stands, is applied first. Anchors, aliases, tags,
 *  repeated keys, a second document and files above 1 MiB are refused.
 *  @return BRN_ERR_INPUT for a bad file or value, BRN_ERR_USAGE for an unknown key; the line starts
 *          with "path:line:column:". */
BRN_API brn_status brn_settings_load(brn_settings *settings, const char *path);

/** Write all fields as YAML, atomically, so that brn_settings_load gives back the same structure.
 *  @return BRN_ERR_DISK if it cannot be written; a former file of that name is then intact. */
BRN_API brn_status brn_settings_save(const brn_settings *settings, const char *path);

/** All fields as YAML text; *text is allocated, release it with free(). */
BRN_API brn_status brn_settings_text(const brn_settings *settings, char **text);

/** Replace every (auto) value by what the recipe chooses for dimension n, and check all values
 *  together, those written directly into the structure too. Idempotent.
 *  @return BRN_ERR_USAGE with the field that is out of range, or the fields that contradict each other. */
BRN_API brn_status brn_settings_resolve(brn_settings *settings, int n);

/** Number of fields, and the i-th one's dotted name, accepted values and meaning (static storage; any
 *  may be NULL): for listings and completion. */
BRN_API int brn_settings_count(void);
BRN_API brn_status brn_settings_describe(int i, const char **key, const char **values, const char **meaning);

/** Number of presets, and the i-th one's name, its meaning and where it was published ("" for the project's own; static
 *  storage; any may be NULL): for listings and completion. */
BRN_API int brn_settings_preset_count(void);
BRN_API brn_status brn_settings_preset_describe(int i, const char **name, const char **meaning, const char **source);

/** The one of `count` names that is nearest to a mistyped one (insertions, deletions, substitutions and
 *  exchanges of neighbours), for suggestions; NULL where count is 0. */
BRN_API const char *brn_nearest_name(const char *name, const char *const *names, int count);

#ifdef __cplusplus
}
#endif
#endif
