/* Copies. Host memory is read at the call: what the device is not to see yet is kept in a ring of mapped memory until its
 * turn comes. */
#include "vulkan/vk.h"

#include <string.h>

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t whole_words(size_t bytes) { return (bytes + 3) / 4 * 4; }

static char *host_address(brn_view view) { return brn_vk_piece_of(view)->block->mapped + brn_vk_at(view); }

static brn_status check_host(brn_vk *v, const char *what, brn_hazard_access access) { return v->hazard ? brn_hazard_host(v->hazard, what, &access) : BRN_OK; }

static brn_status add_copy(brn_vk *v, brn_vk_block *from, size_t from_at, brn_vk_block *to, size_t to_at, size_t bytes)
{
    brn_command *c;
    const brn_hazard_access access[] = {{to, to_at, to_at + bytes, true}, {from, from_at, from_at + bytes, false}};
    return brn_vk_command(v, BRN_COMMAND_COPY, 0, access, 2, &c);
}

/* At most a quarter of the ring at a time. */
static brn_status write_staged(brn_vk *v, brn_view to, const char *from, size_t bytes)
{
    const size_t most = v->upload->size / 4, at = brn_vk_at(to);
    for (size_t done = 0, part; done < bytes; done += part) {
        part = smaller(bytes - done, most);
        if (v->upload_at + part > v->upload->size) BRN_TRY(brn_vk_finish(v));
        BRN_TRY(check_host(v, "write", (brn_hazard_access){v->upload, v->upload_at, v->upload_at + part, true}));
        memcpy(v->upload->mapped + v->upload_at, from + done, part);
        BRN_TRY(add_copy(v, v->upload, v->upload_at, brn_vk_piece_of(to)->block, at + done, part));
        v->upload_at += whole_words(part);
    }
    return BRN_OK;
}

brn_status brn_vk_write(brn_queue *q, brn_view to, const void *from, size_t bytes)
{
    brn_vk *v = brn_vk_of(q);
    const brn_hazard_access access = brn_vk_access(to, bytes, true);
    if (!bytes) return BRN_OK;
    if (v->mapped && brn_vk_idle(v)) {
        BRN_TRY(check_host(v, "write", access));
        memcpy(host_address(to), from, bytes);
        return BRN_OK;
    }
    return write_staged(v, to, from, bytes);
}

brn_status brn_vk_read(brn_queue *q, brn_view from, void *to, size_t bytes)
{
    brn_vk *v = brn_vk_of(q);
    if (v->mapped) {
        BRN_TRY(brn_vk_finish(v));
        BRN_TRY(check_host(v, "read", brn_vk_access(from, bytes, false)));
        memcpy(to, host_address(from), bytes);
        return BRN_OK;
    }
    for (size_t done = 0, part; done < bytes; done += part) {
        part = smaller(bytes - done, v->download->size);
        BRN_TRY(add_copy(v, brn_vk_piece_of(from)->block, brn_vk_at(from) + done, v->download, 0, part));
        BRN_TRY(brn_vk_finish(v));
        BRN_TRY(check_host(v, "read", (brn_hazard_access){v->download, 0, part, false}));
        memcpy((char *)to + done, v->download->mapped, part);
    }
    return BRN_OK;
}

brn_status brn_vk_copy(brn_queue *q, brn_view to, brn_view from, size_t bytes)
{
    if (!bytes) return BRN_OK;
    return add_copy(brn_vk_of(q), brn_vk_piece_of(from)->block, brn_vk_at(from), brn_vk_piece_of(to)->block, brn_vk_at(to), bytes);
}

brn_status brn_vk_zero(brn_queue *q, brn_view to, size_t bytes)
{
    brn_vk *v = brn_vk_of(q);
    brn_command *c;
    const brn_hazard_access access = brn_vk_access(to, bytes, true);
    return bytes ? brn_vk_command(v, BRN_COMMAND_ZERO, 0, &access, 1, &c) : BRN_OK;
}
