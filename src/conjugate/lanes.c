#include "conjugate/lanes.h"
#include "core/memory.h"

#include <stdlib.h>

static brn_status create_lists(brn_lanes *l, brn_device *dev)
{
    const size_t capacity = (size_t)l->capacity;
    BRN_TRY(brn_buf_create(&l->listed, dev, BRN_INT, 2 + capacity, "lanes"));
    BRN_TRY(brn_buf_create(&l->everyone, dev, BRN_INT, 2 * capacity, "lanes"));
    BRN_TRY(brn_zero(brn_device_queue(dev, 0), (brn_view){l->listed, 0}, 2 + capacity));
    for (int i = 0; i < 2 * l->capacity; ++i) l->list[i] = i / 2;
    return brn_write_int(brn_device_queue(dev, 0), (brn_view){l->everyone, 0}, l->list, 2 * capacity);
}

brn_status brn_lanes_create(brn_lanes *l, brn_device *dev, int n, int history, int capacity)
{
    *l = (brn_lanes){.capacity = capacity};
    const int ld = brn_device_lanes(dev, capacity), pairs = history * n;
    const int moving = C_FIELDS + 4 * n + 2 * pairs + history, staying = 3 * n + 1 + history;
    brn_status status = BRN_ALLOC(&l->row, (size_t)capacity, "lanes");
    if (status == BRN_OK) status = BRN_ALLOC(&l->list, 2 * (size_t)capacity, "lanes");
    if (status == BRN_OK) status = BRN_ALLOC(&l->flag, (size_t)capacity, "lanes");
    if (status == BRN_OK) status = brn_buf_create(&l->list_buf, dev, BRN_INT, 2 * (size_t)capacity, "lanes");
    if (status == BRN_OK) status = create_lists(l, dev);
    if (status == BRN_OK) status = brn_buf_create(&l->memory, dev, BRN_REAL, (size_t)moving * (size_t)ld, "solver state");
    if (status == BRN_OK) status = brn_buf_create(&l->outside, dev, BRN_REAL, (size_t)staying * (size_t)ld, "solver state");
    /* lanes that never held a row take part in the arithmetic: finite numbers, please */
    if (status == BRN_OK) status = brn_zero(brn_device_queue(dev, 0), (brn_view){l->memory, 0}, (size_t)moving * (size_t)ld);
    if (status == BRN_OK) status = brn_zero(brn_device_queue(dev, 0), (brn_view){l->outside, 0}, (size_t)staying * (size_t)ld);
    if (status != BRN_OK) {
        brn_lanes_free(l);
        return status;
    }
    int at = 0;
#define PART(name, matrix, count) l->name = brn_mat_features(matrix, at, count), at += count
    l->state = (brn_mat){l->memory, 0, moving, ld};
    PART(scal, l->state, C_FIELDS), PART(x, l->state, n), PART(d, l->state, n), PART(y, l->state, n), PART(g, l->state, n);
    PART(rho, l->state, history), PART(s, l->state, pairs), PART(yh, l->state, pairs);
    const brn_mat outside = {l->outside, 0, staying, ld};
    at = 0;
    PART(xt, outside, n), PART(gt, outside, n), PART(q, outside, n), PART(value, outside, 1), PART(al, outside, history);
#undef PART
    return BRN_OK;
}

void brn_lanes_free(brn_lanes *l)
{
    free(l->row), free(l->list), free(l->flag);
    brn_buf_free(l->list_buf), brn_buf_free(l->listed), brn_buf_free(l->everyone), brn_buf_free(l->memory), brn_buf_free(l->outside);
    *l = (brn_lanes){0};
}

/* Hand the first `count` pairs of the list to the device, and a few more: a device that replays lists of commands knows
 * one that moves as many bytes as before. */
static brn_status send_list(brn_queue *q, brn_lanes *l, int count)
{
    int sent = l->capacity < 64 ? l->capacity : 64;
    while (sent < count) sent = sent <= l->capacity / 2 ? 2 * sent : l->capacity;
    return brn_write_int(q, (brn_view){l->list_buf, 0}, l->list, 2 * (size_t)sent);
}

static brn_status start_rows(brn_queue *q, brn_lanes *l, brn_lane_source *from, int count)
{
    if (!count) return BRN_OK;
    BRN_TRY(send_list(q, l, count));
    return BRN_LAUNCH(q, conj_fetch, count, l->x.feats, (.ld = l->x.ld, .tile = from->y->lanes), {l->list_buf, 0},
                      {from->y->buf, 0}, {from->x->buf, 0}, {from->scale, 0}, brn_mat_view(l->x), brn_mat_view(l->d),
                      brn_mat_view(l->y), brn_mat_view(l->scal));
}

/* The next waiting row, or -1. */
static int take_row(brn_lane_source *from)
{
    if (atomic_load_explicit(&from->next, memory_order_relaxed) >= from->y->rows) return -1;
    const int row = atomic_fetch_add_explicit(&from->next, 1, memory_order_relaxed);
    return row < from->y->rows ? row : -1;
}

static int assign(brn_lanes *l, brn_lane_source *from, int lane, int count)
{
    const int row = take_row(from);
    if (row < 0) return count;
    l->row[lane] = row;
    l->list[2 * count] = lane;
    l->list[2 * count + 1] = row;
    return count + 1;
}

brn_status brn_lanes_fetch(brn_queue *q, brn_lanes *l, brn_lane_source *from)
{
    int count = 0;
    for (int lane = l->active; lane < l->capacity; ++lane) {
        const int before = count;
        count = assign(l, from, lane, count);
        if (count == before) break;
        ++l->active;
    }
    return start_rows(q, l, from, count);
}

static bool finished(float flag) { return flag == (float)F_DONE || flag == (float)F_FAILED; }

brn_status brn_lanes_read_flags(brn_queue *q, brn_lanes *l, bool *deciding)
{
    *deciding = false;
    BRN_TRY(brn_read_f32(q, brn_mat_view(brn_mat_features(l->scal, C_FLAG, 1)), l->flag, (size_t)l->active));
    for (int i = 0; i < l->active; ++i)
        if (l->flag[i] == (float)F_ACCEPTED || l->flag[i] == (float)F_RESTART) *deciding = true;
    return BRN_OK;
}

brn_status brn_lanes_store(brn_queue *q, brn_lanes *l, brn_lane_source *to)
{
    int count = 0;
    for (int i = 0; i < l->active; ++i)
        if (finished(l->flag[i])) {
            l->list[2 * count] = i;
            l->list[2 * count++ + 1] = l->row[i];
        }
    if (!count) return BRN_OK;
    BRN_TRY(send_list(q, l, count));
    return BRN_LAUNCH(q, conj_store, count, l->x.feats, (.ld = l->x.ld, .tile = to->x->lanes, .ldinfo = to->info.ld),
                      {l->list_buf, 0}, brn_mat_view(l->x), brn_mat_view(l->xt), brn_mat_view(l->scal), {to->x->buf, 0},
                      brn_mat_view(to->info));
}

/* Rows at the end move into the lanes of finished ones in front. */
static brn_status close_gaps(brn_queue *q, brn_lanes *l)
{
    int count = 0, end = l->active, keep = 0;
    for (int i = 0; i < l->active; ++i) keep += l->row[i] >= 0;
    for (int i = 0; i < keep; ++i) {
        if (l->row[i] >= 0) continue;
        do --end;
        while (l->row[end] < 0);
        l->list[2 * count] = end;
        l->list[2 * count++ + 1] = i;
        l->row[i] = l->row[end];
    }
    l->active = keep;
    if (!count) return BRN_OK;
    BRN_TRY(send_list(q, l, count));
    return BRN_LAUNCH(q, lane_move, count, l->state.feats, (.ld = l->state.ld), {l->list_buf, 0}, brn_mat_view(l->state));
}

brn_status brn_lanes_refill(brn_queue *q, brn_lanes *l, brn_lane_source *from)
{
    int count = 0;
    bool gaps = false;
    for (int i = 0; i < l->active; ++i) {
        if (!finished(l->flag[i])) continue;
        const int before = count;
        count = assign(l, from, i, count);
        if (count == before) l->row[i] = -1, gaps = true;
    }
    BRN_TRY(start_rows(q, l, from, count));
    return gaps ? close_gaps(q, l) : BRN_OK;
}
