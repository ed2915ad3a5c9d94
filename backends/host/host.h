/* The host device and its strict twin share these. */
#ifndef BRN_HOST_H
#define BRN_HOST_H

#include "compute/backend.h"
#include "core/threads.h"
#include "engine.h"

typedef struct {
    const brn_host_engine *engine;
    brn_team *team;
    void **scratch;        /* per queue, for dense_grad */
    size_t *scratch_count; /* reals in it */
} brn_host;

/** The fastest engine this machine can run. */
const brn_host_engine *brn_host_best_engine(void);

static inline void *brn_host_at(brn_view v) { return (char *)v.buf->data + v.off * v.buf->elem; }
static inline void *brn_host_mat(brn_mat m) { return m.buf ? (char *)m.buf->data + m.off * m.buf->elem : NULL; }

/** Strict twin (strict.c): whole batch as one tile, composed operations only, checked memory. */
brn_status brn_strict_alloc(brn_buf *buf, const char *what);
void brn_strict_release(brn_buf *buf);
brn_status brn_strict_launch(brn_queue *q, int kernel, const void *params, size_t size, int rows, int feats,
                             const brn_view *views, int count);

#endif
