#include "common/commands.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- recording --------------------------------------------------------------------------------- */

/* Zero in every byte, padding too: structures are compared as bytes. */
brn_status brn_commands_add(brn_commands *list, brn_command_kind kind, brn_command **command)
{
    BRN_TRY(BRN_GROW(&list->at, &list->room, list->count, 1, "command list"));
    brn_command *c = *command = &list->at[list->count++];
    memset(c, 0, sizeof *c);
    c->kind = kind;
    c->fixed = list->open != 0;
    return BRN_OK;
}

brn_status brn_commands_kernel(brn_commands *list, int kernel, const void *params, size_t size, int rows, int feats, const brn_view *views, int count)
{
    brn_command *c;
    const brn_kernel_info *k = &brn_kernel_table[kernel];
    if (count != k->buffers) return brn_fail(BRN_ERR_INTERNAL, "%s: %d buffers given, %d declared", k->name, count, k->buffers);
    if (count > BRN_COMMAND_VIEWS || size > BRN_COMMAND_PARAMS)
        return brn_fail(BRN_ERR_INTERNAL, "%s: %d buffers and %zu bytes of parameters; a command has room for %d and %d", k->name, count, size,
                        (int)BRN_COMMAND_VIEWS, (int)BRN_COMMAND_PARAMS);
    BRN_TRY(brn_commands_add(list, BRN_COMMAND_KERNEL, &c));
    c->kernel = kernel, c->rows = rows, c->feats = feats;
    c->views = count, c->size = (int)size;
    memcpy(c->view, views, (size_t)count * sizeof *views);
    memcpy(c->params, params, size);
    return BRN_OK;
}

/* By members, so that the padding between them stays zero. */
brn_status brn_commands_product(brn_commands *list, const brn_gemm_args *g)
{
    brn_command *c;
    BRN_TRY(brn_commands_add(list, BRN_COMMAND_PRODUCT, &c));
    brn_gemm_args *to = &c->product;
    to->ta = g->ta, to->tb = g->tb;
    to->m = g->m, to->n = g->n, to->k = g->k;
    to->alpha = g->alpha, to->beta = g->beta;
    to->a = g->a, to->b = g->b, to->c = g->c;
    to->lda = g->lda, to->ldb = g->ldb, to->ldc = g->ldc;
    return BRN_OK;
}

brn_status brn_commands_open_repeat(brn_commands *list, brn_view counter, int floor)
{
    brn_command *c;
    if (list->open) return brn_fail(BRN_ERR_INTERNAL, "a repeated part within a repeated part");
    BRN_TRY(brn_commands_add(list, BRN_COMMAND_REPEAT, &c));
    c->view[0] = counter, c->views = 1, c->floor = floor;
    list->open = list->count;
    return BRN_OK;
}

void brn_commands_close_repeat(brn_commands *list)
{
    list->at[list->open - 1].body = list->count - list->open;
    list->open = 0;
}

void brn_commands_clear(brn_commands *list) { list->count = list->open = 0; }

void brn_commands_free(brn_commands *list)
{
    free(list->at);
    *list = (brn_commands){0};
}

/* ---- comparing --------------------------------------------------------------------------------- */

static bool names(const brn_command *c, const brn_buf *buf)
{
    for (int i = 0; i < c->views; ++i)
        if (c->view[i].buf == buf) return true;
    return c->kind == BRN_COMMAND_PRODUCT && (c->product.a.buf == buf || c->product.b.buf == buf || c->product.c.buf == buf);
}

bool brn_commands_use(const brn_commands *list, const brn_buf *buf)
{
    for (int i = 0; i < list->count; ++i)
        if (names(&list->at[i], buf)) return true;
    return false;
}

bool brn_command_varies(const brn_command *a, const brn_command *b) { return memcmp(a->params, b->params, (size_t)a->size) != 0; }

/* The bytes of a command that are structure, whatever its kind: those in front of the views, and the views. */
static size_t structure(const brn_command *c) { return offsetof(brn_command, view) + (size_t)c->views * sizeof c->view[0]; }

bool brn_commands_alike(const brn_commands *a, const brn_commands *b)
{
    if (a->count != b->count) return false;
    for (int i = 0; i < a->count; ++i) {
        const brn_command *x = &a->at[i], *y = &b->at[i];
        if (x->views != y->views || memcmp(x, y, structure(x)) || (x->fixed && brn_command_varies(x, y))) return false;
    }
    return true;
}

/* FNV-1a over words of four bytes. */
static uint64_t mix(uint64_t h, const void *bytes, size_t count)
{
    uint32_t word;
    for (const unsigned char *p = bytes; count >= sizeof word; p += sizeof word, count -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * 1099511628211u;
    }
    return h;
}

static uint64_t hash_of(const brn_commands *list)
{
    uint64_t h = 14695981039346656037u;
    for (int i = 0; i < list->count; ++i) {
        const brn_command *c = &list->at[i];
        h = mix(h, c, structure(c));
        if (c->fixed) h = mix(h, c->params, (size_t)c->size);
        h ^= h >> 29;
    }
    return h;
}

/* ---- lists that came before -------------------------------------------------------------------- */

static void drop(brn_replays *r, brn_replay *e)
{
    if (e->made) r->drop(r->context, e->made);
    brn_commands_free(&e->commands);
    *e = r->entry[--r->count];
    r->entry[r->count] = (brn_replay){0};
}

brn_replay *brn_replays_find(brn_replays *r, const brn_commands *list)
{
    const uint64_t hash = hash_of(list);
    for (int i = 0; i < r->count; ++i)
        if (r->entry[i].hash == hash && brn_commands_alike(&r->entry[i].commands, list)) {
            r->entry[i].used = ++r->clock;
            return &r->entry[i];
        }
    return NULL;
}

static brn_replay *oldest(brn_replays *r)
{
    brn_replay *found = &r->entry[0];
    for (int i = 1; i < r->count; ++i)
        if (r->entry[i].used < found->used) found = &r->entry[i];
    return found;
}

brn_status brn_replays_add(brn_replays *r, const brn_commands *list)
{
    brn_commands copy = {0};
    BRN_TRY(BRN_GROW(&copy.at, &copy.room, 0, list->count, "command list"));
    memcpy(copy.at, list->at, (size_t)list->count * sizeof *copy.at);
    copy.count = list->count;
    if (r->count == BRN_REPLAYS) drop(r, oldest(r));
    r->entry[r->count++] = (brn_replay){.commands = copy, .hash = hash_of(list), .used = ++r->clock};
    return BRN_OK;
}

void brn_replays_forget(brn_replays *r, const brn_buf *buf)
{
    for (int i = r->count - 1; i >= 0; --i)
        if (!buf || brn_commands_use(&r->entry[i].commands, buf)) drop(r, &r->entry[i]);
}
