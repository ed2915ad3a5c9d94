#include "model/seek.h"

brn_status brn_seek_tile(brn_queue *q, const brn_pot *f, brn_pot_work *work, int rows, brn_mat y, brn_mat start, brn_mat value,
                         const brn_batch *x, const brn_batch *x_value)
{
    const int n = x->feats;
    BRN_TRY(brn_pot_value(q, f, work, rows, start, value));
    BRN_TRY(BRN_LAUNCH(q, row_dot, rows, n, (.ldx = start.ld, .ldy = y.ld, .s = -1, .t = 1), brn_mat_view(start), brn_mat_view(y), brn_mat_view(value)));
    for (int k = 0; k < x->tiles; ++k) {
        const brn_mat sample = brn_batch_tile(x, k);
        BRN_TRY(BRN_LAUNCH(q, seek, rows, n, (.ldx = sample.ld, .ld = y.ld, .count = brn_batch_rows(x, k)), brn_mat_view(brn_batch_tile(x_value, k)),
                           brn_mat_view(sample), brn_mat_view(y), brn_mat_view(value), brn_mat_view(start)));
    }
    return BRN_OK;
}
