#include "conjugate/lanes.h"
#include "core/memory.h"

#include <stdlib.h>

static brn_status create_lists(brn_lanes *l, brn_device *dev)
{
    const size_t capacity = (size_t)l->capacity;
    BRN_TRY(brn_buf_create(&l->listed, dev, BRN_INT, 3 + capacity, "lanes"));
    BRN_TRY(brn_buf_create(&l->everyone, dev, BRN_INT, 2 * capacity, "lanes"));
    BRN_TRY(brn_zero(brn_device_queue(dev, 0), (brn_view){l->listed, 0}, 3 + capacity));
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

/* Take up to `want` waiting rows, which follow each other. Returns how many there were. */
static int take_rows(brn_lane_source *from, int want, int *first)
{
    int next = atomic_load_explicit(&from->next, memory_order_relaxed), count;
    do {
        const int left = from->y->rows - next;
        count = left < want ? left : want;
    } while (count > 0 && !atomic_compare_exchange_weak_explicit(&from->next, &next, next + count, memory_order_relaxed, memory_order_relaxed));
    *first = next;
    return count;
}

static void assign(brn_lanes *l, int lane, int row, int place)
{
    l->row[lane] = row;
    l->list[2 * place] = lane;
    l->list[2 * place + 1] = row;
}

brn_status brn_lanes_fetch(brn_queue *q, brn_lanes *l, brn_lane_source *from)
{
    int row;
    const int count = take_rows(from, l->capacity - l->active, &row);
    for (int k = 0; k < count; ++k) assign(l, l->active++, row + k, k);
    return start_rows(q, l, from, count);
}

static bool finished(float flag) { return flag == (float)F_DONE || flag == (float)F_FAILED; }

brn_status brn_lanes_read_flags(brn_queue *q, brn_lanes *l, bool *deciding)
{
    *deciding = false;
    l->stopped = 0;
    BRN_TRY(brn_read_f32(q, brn_mat_view(brn_mat_features(l->scal, C_FLAG, 1)), l->flag, (size_t)l->active));
    for (int i = 0; i < l->active; ++i) {
        if (l->flag[i] == (float)F_ACCEPTED || l->flag[i] == (float)F_RESTART) *deciding = true;
        l->stopped += finished(l->flag[i]);
    }
    return BRN_OK;
}

brn_status brn_lanes_store(brn_queue *q, brn_lanes *l, brn_lane_source *to)
{
    if (!l->stopped) return BRN_OK;
    int count = 0;
    for (int i = 0; i < l->active; ++i)
        if (finished(l->flag[i])) {
            l->list[2 * count] = i;
            l->list[2 * count++ + 1] = l->row[i];
        }
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

brn_status brn_lanes_keep(brn_queue *q, const brn_lanes *l, const brn_trace *evaluated, float s, brn_traces *to)
{
    if (!l->stopped) return BRN_OK;
    const int tile = to->values.tile_rows;
    for (int i = 0, count; i < l->active; i += count) {
        const int row = l->row[i];
        count = 1;
        if (l->flag[i] != (float)F_DONE) continue;
        while (i + count < l->active && l->flag[i + count] == (float)F_DONE && l->row[i + count] == row + count && (row + count) % tile) ++count;
        BRN_TRY(brn_traces_put(q, to, s, evaluated, i, row, count));
    }
    return BRN_OK;
}

brn_status brn_lanes_refill(brn_queue *q, brn_lanes *l, brn_lane_source *from)
{
    if (!l->stopped) return BRN_OK;
    int used = 0, row;
    const int count = take_rows(from, l->stopped, &row);
    for (int i = 0; i < l->active; ++i) {
        if (!finished(l->flag[i])) continue;
        if (used < count) assign(l, i, row + used, used), ++used;
        else l->row[i] = -1;
    }
    BRN_TRY(start_rows(q, l, from, count));
    return count < l->stopped ? close_gaps(q, l) : BRN_OK;
}
