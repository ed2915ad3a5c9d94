#include "io/pickle_machine.h"
#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

brn_status brn_pickle_bad(const brn_pickle_machine *m, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    for (char *c = what; *c; ++c)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) *c = '?';
    return brn_fail(BRN_ERR_INPUT, "%s:byte %zu: %s", m->name, m->at, what);
}

/* Every list holds at most as many entries as the pickle has bytes: rooms double up to a bound known before. */
brn_status brn_pickle_room(void *list, size_t size, size_t used, size_t *room)
{
    if (used < *room) return BRN_OK;
    void **old = list, *larger;
    const size_t more = 2 * *room + 64;
    BRN_TRY(brn_alloc_bytes(&larger, more, size, "pickle"));
    if (used) memcpy(larger, *old, used * size);
    free(*old);
    *old = larger;
    *room = more;
    return BRN_OK;
}

brn_status brn_pickle_push_again(brn_pickle_machine *m, uint32_t number)
{
    BRN_TRY(brn_pickle_room(&m->stack, sizeof *m->stack, m->depth, &m->stack_room));
    m->stack[m->depth++] = number;
    return BRN_OK;
}

brn_status brn_pickle_push(brn_pickle_machine *m, brn_pickle_value v)
{
    BRN_TRY(brn_pickle_room(&m->values, sizeof *m->values, m->value_count, &m->value_room));
    m->values[m->value_count] = v;
    return brn_pickle_push_again(m, (uint32_t)m->value_count++);
}

brn_status brn_pickle_pop(brn_pickle_machine *m, uint32_t *number)
{
    *number = NOTHING;
    if (!m->depth || m->values[m->stack[m->depth - 1]].kind == V_MARK) return brn_pickle_bad(m, "nothing is left on the stack");
    *number = m->stack[--m->depth];
    return BRN_OK;
}

brn_status brn_pickle_add(brn_pickle_machine *m, uint32_t container, uint32_t item)
{
    BRN_TRY(brn_pickle_room(&m->cells, sizeof *m->cells, m->cell_count, &m->cell_room));
    const uint32_t number = (uint32_t)m->cell_count++;
    brn_pickle_value *c = &m->values[container];
    m->cells[number] = (brn_pickle_cell){item, NOTHING};
    if (c->last) m->cells[c->last].next = number;
    else c->first = number;
    c->last = number;
    ++c->count;
    return BRN_OK;
}

brn_status brn_pickle_mark(const brn_pickle_machine *m, size_t *first)
{
    for (*first = m->depth; *first > 0; --*first)
        if (m->values[m->stack[*first - 1]].kind == V_MARK) return BRN_OK;
    return brn_pickle_bad(m, "items without a mark");
}

uint32_t brn_pickle_item(const brn_pickle_machine *m, uint32_t container, uint32_t i)
{
    uint32_t number = m->values[container].first;
    while (i-- && number) number = m->cells[number].next;
    return number ? m->cells[number].value : NOTHING;
}

/* ---- bytes -------------------------------------------------------------------------------------- */

brn_status brn_pickle_take(brn_pickle_machine *m, size_t count, const unsigned char **bytes)
{
    *bytes = m->bytes + m->at;
    if (count > m->size - m->at) return brn_pickle_bad(m, "%zu bytes are announced, the pickle ends after %zu", count, m->size - m->at);
    m->at += count;
    return BRN_OK;
}

brn_status brn_pickle_number(brn_pickle_machine *m, int width, uint64_t *number)
{
    const unsigned char *b;
    BRN_TRY(brn_pickle_take(m, (size_t)width, &b));
    *number = 0;
    for (int i = 0; i < width; ++i) *number |= (uint64_t)b[i] << 8 * i;
    return BRN_OK;
}
