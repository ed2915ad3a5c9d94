/* Measures and pairs of measures on a device.
 *
 * A draw is a function of (seed, stream, step, row) alone, so that batches are the same for any number
 * of threads, on every device, and after resuming.
 */
#ifndef BRN_MEASURES_MEASURE_H
#define BRN_MEASURES_MEASURE_H

#include "compute/compute.h"
#include "networks/potential.h"
#include <brenier/measure.h>

/** Which numbers: rows of batch `step` of `batch` rows in a stream of a seed. The two measures of a
 *  pair draw independently from the same draw. */
typedef struct brn_draw {
    uint64_t seed, step;   /* step < 2^44 */
    uint32_t stream;       /* < 2^31 */
    int batch;
    brn_sampling sampling; /* IID, ANTITHETIC or LATTICE; the user's rows come in shuffled epochs instead */
} brn_draw;

/** The stream of brn_pair_sample. */
enum { BRN_STREAM_SAMPLE = 0x7a3e };

/** BRN_ERR_INPUT where a file of the user's rows has fewer of them than a batch. Only settings that are
 *  resolved say how large a batch is, and their sizes follow from the pair: so this comes after opening. */
brn_status brn_pair_check_batch(const brn_pair *pair, const brn_settings *resolved);

/** Whether both sides are the darkness of pictures, which are looked at as such. */
bool brn_pair_of_drawings(const brn_pair *pair);

/** The pair as seen by a dry device (compute/dry.h): a copy that shares all it holds. Release with free(). */
brn_status brn_pair_shadow(brn_pair **shadow, const brn_pair *pair, brn_device *dry);

/** Scratch of one queue for both measures of a pair. */
typedef struct brn_pair_work brn_pair_work;
brn_status brn_pair_work_create(brn_pair_work **w, const brn_pair *pair, int lanes);
void brn_pair_work_free(brn_pair_work *w);

/** Rows [row0, row0 + rows) of a batch into the tile `out` ([n][ld]), in the coordinates of training
 *  (standardised where the pair is). */
brn_status brn_pair_draw(const brn_pair *pair, brn_side side, brn_queue *q, brn_pair_work *w, const brn_draw *draw,
                         int row0, int rows, brn_mat out);

/** Whether draws take rows from the host. brn_pair_send brings those of a draw to come to the device, beside what it does
 *  meanwhile: rows [0, rows), to be drawn next on that side. */
bool brn_pair_streams(const brn_pair *pair);
brn_status brn_pair_send(const brn_pair *pair, brn_side side, brn_queue *q, brn_pair_work *w, const brn_draw *draw, int rows);

/** y = T(x) for a tile, where the pair knows its map (brn_pair_has_map). */
brn_status brn_pair_true_map(const brn_pair *pair, brn_queue *q, brn_pair_work *w, int rows, brn_mat x, brn_mat y);

#endif
